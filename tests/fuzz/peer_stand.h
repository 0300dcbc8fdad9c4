/* peer_stand.h - where the node of fuzz_peer.c stands before anything happens, and what it must be able
 * to do in the end. */
#ifndef TESTS_FUZZ_PEER_STAND_H
#define TESTS_FUZZ_PEER_STAND_H

#include "tests/fuzz/peer_step.h"

static const struct domain_policy desk_domain = {.name = {SLICE_OF("x")},
                                                 .default_expires_s = 60,
                                                 .min_expires_s = 1,
                                                 .max_expires_s = 3600,
                                                 .digest = OFFER_NOTHING,
                                                 .max_contacts = 32};

static inline struct desk *desk_new(struct slice in)
{
	struct node_loaded empty = {.wall_ms = 1700000000000, .wall_synchronised = true};
	struct node_input loaded = {.event = NODE_LOADED, .loaded = empty};
	struct desk *d = heap_take(NULL, sizeof *d);

	*d = (struct desk){.now = {1000000}, .in = {.rest = in}, .first = 1};
	d->scratch = arena_on(kept_take(&d->memory, SCRATCH), SCRATCH);
	const struct node_options options = {
		.role = {.advert_ms = 100,
	                 .peer_timeout_ms = 200,
	                 .cold_start_ms = 1000,
	                 .takeover_when_behind = true},
		.server = {.domains = &desk_domain,
	                   .n_domains = 1,
	                   .nonce_lifetime_ms = 300000,
	                   .alloc = {kept_take, kept_give, &d->memory}},
		.unit = UNIT_PRIMARY,
		.node_id = 1,
		.secret_id = 1,
		.longest_expires_ms = 3600000,
		.default_expires_ms = 60000,
		.window_bytes = 256 << 10,
		.held_bytes = 256 << 10,
		.expiry_rate = 1000,
		.alloc = {kept_take, kept_give, &d->memory},
	};
	d->node = node_new(&options, d->now);
	desk_feed(d, &loaded);
	return d;
}

static inline void desk_free(struct desk *d)
{
	node_free(&d->node);
	kept_give(&d->memory, d->scratch.p);
	assert(d->memory == 0);
	desk_forget_log(d, 0);
	free(d);
}

/* The peer speaks as it should: a standby, or an active whose history is ours, or goes on from it, or
 * forks from it. */
static inline void desk_greet(struct desk *d, enum role role, uint64_t first, uint64_t received)
{
	static struct reign_mark marks[HISTORY_MAX + 1];
	struct frame f = {.kind = FRAME_HELLO};

	desk_connect(d);
	arena_reset(&d->scratch);
	memcpy(marks, d->marks, d->n_marks * sizeof *marks);
	f.hello = (struct hello){
		.version_min = 1,
		.version_max = FRAME_VERSION_MAX,
		.unit = UNIT_SECONDARY,
		.schema = FRAME_SCHEMA,
		.history = marks,
		.n_history = d->n_marks,
		.received_seq = received,
		.durable_seq = received,
		.beat = {.reign = PEER_REIGN,
	                 .role = (uint8_t)role,
	                 .holds_address = role == ROLE_ACTIVE,
	                 .pair_state = PAIR_PAIRED,
	                 .pair = {1700000001000},
	                 .number = 1,
	                 .last_seq = received},
	};
	if (first != 0)
		marks[f.hello.n_history++] = (struct reign_mark){
			.id = PEER_REIGN, .epoch = 9, .unit = UNIT_SECONDARY, .first_seq = first};
	desk_hear_encoded(d, &f);
}

static inline void desk_resume(struct desk *d, enum resume_how how, uint64_t from, uint64_t fork)
{
	struct frame f = {.kind = FRAME_RESUME,
	                  .resume = {.how = how, .from_seq = from, .fork_seq = fork}};

	arena_reset(&d->scratch);
	desk_hear_encoded(d, &f);
}

static inline void desk_take_over(struct desk *d)
{
	desk_address(d, true, false);
	desk_pass(d, 100);
	assert(node_role(d->node) == ROLE_ACTIVE);
}

static inline void desk_stand(struct desk *d, uint8_t where)
{
	enum { EMPTY, ALONE, PAIRED, MERGING, STANDBY, TAIL, SNAPSHOT, FORK, STANDS };
	struct frame ack = {.kind = FRAME_ACK}, live = {.kind = FRAME_LIVE};

	where %= STANDS;
	if (where == EMPTY)
		return;
	desk_take_over(d);
	for (int user = 0; user < 3; user++)
		desk_register(d, user);
	desk_durable(d);
	if (where == PAIRED) {
		desk_greet(d, ROLE_STANDBY, 0, 0);
		desk_durable(d);
		ack.ack.reign = PEER_REIGN;
		ack.ack.received_seq = ack.ack.durable_seq = d->seq;
		desk_hear_encoded(d, &ack);
	} else if (where == MERGING) {
		desk_greet(d, ROLE_STANDBY, d->seq, d->seq + 5);
		assert(d->merge_asked);
	}
	if (where <= MERGING)
		return;
	desk_address(d, false, false);
	desk_pass(d, 8);
	if (where == STANDBY)
		return;
	desk_greet(d, ROLE_ACTIVE, where == FORK ? d->seq : d->seq + 1, d->seq + 5);
	if (where == TAIL) {
		desk_resume(d, RESUME_TAIL, d->seq + 1, 0);
		desk_hear_encoded(d, &live);
	} else if (where == SNAPSHOT) {
		desk_resume(d, RESUME_SNAPSHOT, d->seq + 4, 0);
	} else {
		desk_resume(d, RESUME_FORK, 0, d->seq - 1);
	}
}

/* The peer is gone for good, the address comes: whatever it did, the node serves. */
static inline void desk_serves(struct desk *d)
{
	enum { PATIENCE = 1600, USERS = 100 };
	unsigned answers = d->answers;

	desk_drop(d);
	desk_pass(d, 20);
	desk_address(d, true, false);
	for (int i = 0; i < PATIENCE && !node_serves(d->node) && !d->full; i++)
		desk_pass(d, 1);
	if (d->full)
		return;
	assert(node_serves(d->node));
	desk_register(d, USERS);
	desk_durable(d);
	assert(d->answers > answers);
}

#endif
