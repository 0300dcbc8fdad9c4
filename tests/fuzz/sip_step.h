/* sip_step.h - whatever can happen to the node of fuzz_node.c. */
#ifndef TESTS_FUZZ_SIP_STEP_H
#define TESTS_FUZZ_SIP_STEP_H

#include "tests/fuzz/sip_out.h"

static inline void desk_feed_alone(struct desk *d, struct node_input *in)
{
	struct node_outputs outs;

	in->random = d->random += 2;
	node_step(d->node, in, d->now, &outs);
	for (size_t i = 0; i < outs.n; i++)
		desk_carry_out(d, &outs.item[i]);
	for (int t = 1; t < TABLE_END; t++)
		assert(copy_digest(node_copy(d->node), (enum table)t) ==
		       copy_digest(d->model, (enum table)t));
}

/* And turns, as long as the node wants one at once, which must come to an end. */
static inline void desk_feed(struct desk *d, struct node_input *in)
{
	enum { PATIENCE = 1000 };
	struct node_input turn = {.event = NODE_TURN};
	int turns = 0;

	desk_feed_alone(d, in);
	do
		desk_feed_alone(d, &turn);
	while (mtime_reached(node_deadline(d->node), d->now) && ++turns < PATIENCE);
	assert(turns < PATIENCE);
}

static inline void desk_durable(struct desk *d, uint64_t seq)
{
	struct node_input in = {.event = NODE_DURABLE, .seq = seq};

	d->durable = seq;
	desk_feed(d, &in);
}

static inline void desk_pass(struct desk *d, int64_t ms)
{
	struct node_input in = {.event = NODE_TURN};

	d->now.ms += ms;
	desk_feed(d, &in);
}

static inline void desk_command(struct desk *d, struct node_command *c)
{
	struct node_input in = {.event = NODE_COMMAND, .command = c};

	c->ticket = ++d->commands;
	desk_feed(d, &in);
}

/* Something that is to be answered, once at the most? */
static inline struct asked *desk_ask(struct desk *d, const struct node_input *in)
{
	static struct sip_msg m;
	bool udp = in->flow.transport == TRANSPORT_UDP;

	if (udp && stun_is_request(in->bytes)) {
		d->pings++;
		return NULL;
	}
	if (sip_parse(in->bytes, &m) != OK || !m.is_request || m.method == SIP_ACK)
		return NULL;
	assert(d->n_asked < ASKED_MAX);
	d->asked[d->n_asked] = (struct asked){.key = key_of(&m),
	                                      .transaction = transaction_of(&m),
	                                      .method = m.method,
	                                      .flow = in->flow};
	return &d->asked[d->n_asked++];
}

static inline void desk_hear(struct desk *d, struct slice bytes, const struct flow *flow)
{
	struct node_input in = {.event = NODE_MESSAGE, .bytes = bytes, .flow = *flow};

	d->asking = desk_ask(d, &in);
	desk_feed_alone(d, &in);
	d->asking = NULL;
	desk_pass(d, 0);
}

#endif
