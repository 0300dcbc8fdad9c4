/* figures_fake.h - a node of which only figures are seen: status, alarms, domains and NAPs, as the test sets them. A test
 * program includes it once: it takes the runner's place. */
#ifndef TESTS_UNIT_FIGURES_FAKE_H
#define TESTS_UNIT_FIGURES_FAKE_H

#include <stdlib.h>

#include <event2/event.h>

#include "node/io/loop.h"
#include "tests/check.h"

struct loop {
	struct event_base *base;
	struct log *log;
	struct log the_log;
	struct status status;
	struct alarms alarms;
	const struct domain_view *domains;
	size_t n_domains;
	const struct nap_view *naps;
	size_t n_naps;
};

struct event_base *loop_base(const struct loop *l)
{
	return l->base;
}

/* Nobody looks into it: node_nap_view is this test's, too. */
const struct node *loop_node(const struct loop *l)
{
	return (const struct node *)l;
}

struct log *loop_log(const struct loop *l)
{
	return l->log;
}

struct mtime loop_now(const struct loop *l)
{
	(void)l;
	return (struct mtime){7};
}

void loop_status(const struct loop *l, struct status *out)
{
	*out = l->status;
}

const struct alarms *loop_alarms(const struct loop *l)
{
	return &l->alarms;
}

bool node_domain_view(const struct node *node, size_t i, struct domain_view *out)
{
	const struct loop *l = (const struct loop *)node;

	if (i >= l->n_domains)
		return false;
	*out = l->domains[i];
	return true;
}

bool node_nap_view(const struct node *node, size_t i, struct mtime now, struct nap_view *out)
{
	const struct loop *l = (const struct loop *)node;

	assert_int_equal(now.ms, 7);
	if (i >= l->n_naps)
		return false;
	*out = l->naps[i];
	return true;
}

#endif
