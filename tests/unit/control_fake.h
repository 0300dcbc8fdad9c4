/* control_fake.h - the runner and the node behind a control socket: what is fed is written down, and
 * answered when the test likes. One test program includes it once, by control_kit.h. */
#ifndef TESTS_UNIT_CONTROL_FAKE_H
#define TESTS_UNIT_CONTROL_FAKE_H

#include <event2/event.h>

#include "node/io/control.h"
#include "tests/check.h"

enum { COMMANDS_MAX = 2 * CONTROL_PENDING_MAX, NOW_MS = 1000000 };

struct command_seen {
	enum command_kind kind;
	uint64_t ticket;
	char key[64];
	uint8_t secret[32];
	size_t key_n;
	uint8_t md5_first, sha512_last;
	bool replace;
};

struct loop {
	struct event_base *base;
	struct config config;
	struct config_domain domains[2];
	struct log the_log, *log;
	struct copy *copy;
	struct control *control;
	struct events *events; /* in the test of them */
	struct command_seen *seen;
	size_t n_seen;
	struct alarms alarms;
	struct nap_list naps; /* configured: the node sees their names and what is asked */
	uint64_t reload;      /* the ticket of the one under way; 0: none */
	bool refuse;          /* commands are refused while they are fed, as a standby does */
	char dir[32], path[64];
};

struct event_base *loop_base(const struct loop *l)
{
	return l->base;
}

/* Nobody looks into it: node_copy and the like are this test's too. */
const struct node *loop_node(const struct loop *l)
{
	return (const struct node *)l;
}

const struct config *loop_config(const struct loop *l)
{
	return &l->config;
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

int64_t loop_wall_ms(void)
{
	return NOW_MS - 1500; /* a wall clock that is behind */
}

const struct copy *node_copy(const struct node *node)
{
	return ((const struct loop *)node)->copy;
}

struct pairtime node_pair_now(const struct node *node, struct mtime now)
{
	(void)node;
	(void)now;
	return (struct pairtime){NOW_MS};
}

void loop_status(const struct loop *l, struct status *out)
{
	(void)l;
	*out = (struct status){.role = "standby",
	                       .seq = 42,
	                       .fault = true,
	                       .clock_offset_ms = -1500,
	                       .lag_ms = 1234};
}

const struct alarms *loop_alarms(const struct loop *l)
{
	return &l->alarms;
}

const char *node_switchover_refusal(const struct node *node)
{
	(void)node;
	return "this node is standby";
}

uint64_t node_switchover_entries(const struct node *node)
{
	(void)node;
	return 0;
}

bool loop_reload(struct loop *l, uint64_t ticket)
{
	bool begun = l->reload == 0;

	l->reload = begun ? ticket : l->reload;
	return begun;
}

bool node_domain_view(const struct node *node, size_t i, struct domain_view *out)
{
	const struct loop *l = (const struct loop *)node;

	if (i >= l->config.domain_count)
		return false;
	*out = (struct domain_view){slice_str(l->config.domains[i].name), 10 + i, 20 + i, 30};
	return true;
}

const char *nap_phase_name(enum nap_phase p)
{
	return p == NAP_WAITING ? "waiting" : "registered";
}

/* The first waits after a refusal, the others are registered. */
bool node_nap_view(const struct node *node, size_t i, struct mtime now, struct nap_view *out)
{
	const struct loop *l = (const struct loop *)node;

	assert_int_equal(now.ms, 7);
	if (i >= l->naps.n)
		return false;
	*out = (struct nap_view){.register_to_proxy = true,
	                         .registered = i > 0,
	                         .name = l->naps.at[i].name,
	                         .target = SLICE("192.0.2.9:5060 UDP"),
	                         .phase = i > 0 ? NAP_REGISTERED : NAP_WAITING,
	                         .why = SLICE("refused \xff"),
	                         .since_ms = 1500,
	                         .granted_s = 1800,
	                         .next_ms = i > 0 ? -1 : 2500,
	                         .last_status = 503,
	                         .last_reason = SLICE("Service Unavailable"),
	                         .attempts = 3};
	return true;
}

void loop_feed(struct loop *l, struct node_input *in)
{
	const struct node_command *c = in->command;
	struct command_seen *seen = &l->seen[l->n_seen++];

	assert_int_equal(in->event, NODE_COMMAND);
	assert_true(l->n_seen < COMMANDS_MAX);
	*seen = (struct command_seen){.kind = c->kind, .ticket = c->ticket, .replace = c->replace};
	(void)snprintf(seen->key, sizeof seen->key, SLICE_FMT, SLICE_ARG(c->key));
	seen->key_n = c->key.n;
	if (c->kind == COMMAND_SECRET_ROTATE && c->key.n == sizeof seen->secret)
		memcpy(seen->secret, c->key.p, sizeof seen->secret);
	if (c->kind == COMMAND_SUBSCRIBER_PUT) {
		assert_int_equal(c->subscriber.ha1[0].n, 16);
		assert_int_equal(c->subscriber.ha1[2].n, 32);
		seen->md5_first = c->subscriber.ha1[0].p[0];
		seen->sha512_last = c->subscriber.ha1[2].p[31];
	}
	if (l->refuse)
		control_answer(l->control, c->ticket, false, SLICE("this node is standby"));
}

#endif
