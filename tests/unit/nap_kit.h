/* nap_kit.h - a node, or a pair, with NAPs as the reference system has them. */
#ifndef TESTS_UNIT_NAP_KIT_H
#define TESTS_UNIT_NAP_KIT_H

#include "tests/unit/nap_heard.h"

/* The reference's values; registers by UDP at 192.0.2.1. */
static inline struct nap_options nap_reference(const char *name)
{
	struct nap_options o = {
		.name = slice_str(name),
		.proxy = SLICE("192.0.2.1"),
		.address_to_register = SLICE("sip:box@provider.example"),
		.transport = TRANSPORT_UDP,
		.registers = true,
		.any_response_is_available = true,
		.expires_s = 3600,
		.refresh_percent = 50,
		.retry_ms = 5000,
		.retry_max_ms = 5000,
		.timeout_ms = 32000,
		.poll_first_ms = 5000,
		.poll_interval_ms = 60000,
		.poll_timeout_ms = 12000,
		.poll_max_forwards = 1,
	};

	assert_true(addr_parse(SLICE("10.0.0.10:5060"), &o.local));
	return o;
}

static inline void nap_configure(struct kit *k, int at, const struct nap_options *o, size_t n)
{
	struct node_input in = {.event = NODE_NAPS, .naps = {o, n}};

	kit_feed(k, at, &in);
	kit_settle(k);
}

static inline void nap_configure_both(struct kit *k, const struct nap_options *o, size_t n)
{
	nap_configure(k, A, o, n);
	if (k->node[B].node != NULL)
		nap_configure(k, B, o, n);
}

/* A node alone, active, that hears of one NAP now. */
static inline struct kit *nap_alone(const struct nap_options *o)
{
	struct kit *k = start(UNIT_STANDALONE, COMMIT_DISK);

	kit_pass(k, 1000);
	assert_int_equal(node_role(k->node[A].node), ROLE_ACTIVE);
	nap_listen(k);
	nap_configure(k, A, o, 1);
	return k;
}

static inline struct nap_view nap_view_of(const struct kit *k, int at, size_t i)
{
	struct nap_view v;

	assert_true(node_nap_view(k->node[at].node, i, k->now, &v));
	return v;
}

static inline void nap_is_in(const struct kit *k, int at, enum nap_phase phase, const char *why)
{
	struct nap_view v = nap_view_of(k, at, 0);
	char text[128];

	(void)snprintf(text, sizeof text, SLICE_FMT, SLICE_ARG(v.why));
	assert_string_equal(nap_phase_name(v.phase), nap_phase_name(phase));
	assert_string_equal(text, why);
}

/* Turns when the node wants one, and never in between, until this has passed. */
static inline void nap_run(struct kit *k, int64_t ms)
{
	int64_t until = k->now.ms + ms;

	for (;;) {
		int64_t next = until;
		for (int at = 0; at < 2; at++) {
			if (k->node[at].node == NULL)
				continue;
			int64_t due = node_deadline(k->node[at].node).ms;
			next = due < next ? due : next;
		}
		k->now.ms = next > k->now.ms ? next : k->now.ms;
		kit_settle(k);
		if (next >= until)
			return;
	}
}

#endif
