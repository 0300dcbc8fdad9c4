/* pair_hear.h - a peer whose frames a test writes itself. */
#ifndef TESTS_UNIT_PAIR_HEAR_H
#define TESTS_UNIT_PAIR_HEAR_H

#include "tests/unit/pair_story.h"

static inline void hear(struct kit *k, int at, const struct frame *f)
{
	struct node_input in = {.event = NODE_FRAME, .connection = k->connection, .frame = f};

	kit_feed(k, at, &in);
}

static inline void hear_bulk(struct kit *k, int at, const struct frame *f)
{
	struct node_input in = {.event = NODE_FRAME, .connection = kit_bulk(k), .frame = f};

	kit_feed(k, at, &in);
}

/* A connection whose other end is the test: what the node sends vanishes. */
static inline void connect_to_test(struct kit *k, int at)
{
	struct node_input down = {.event = NODE_LINK_DOWN, .connection = k->connection};
	struct node_input up = {.event = NODE_LINK_UP};

	k->linked = false;
	kit_feed(k, at, &down);
	up.connection = ++k->connection;
	kit_feed(k, at, &up);
	k->bulk = false;
	struct node_input bulk = {.event = NODE_BULK_UP, .connection = kit_bulk(k)};
	kit_feed(k, at, &bulk);
}

static inline struct hello hello_of(enum unit unit, enum role role)
{
	static const struct reign_mark none[1];

	return (struct hello){
		.history = none,
		.version_min = FRAME_VERSION_MIN,
		.version_max = FRAME_VERSION_MAX,
		.unit = unit,
		.schema = FRAME_SCHEMA,
		.beat = {.reign = 77,
	                 .role = (uint8_t)role,
	                 .pair_state = PAIR_EXPOSED,
	                 .pair = {1700000000000},
	                 .number = 1},
	};
}

/* The test is the active: a standby that hears from it that a snapshot begins. */
static inline void begin_snapshot(struct kit *k, int at)
{
	struct frame hello = {.kind = FRAME_HELLO, .hello = hello_of(UNIT_PRIMARY, ROLE_ACTIVE)};
	struct frame resume = {.kind = FRAME_RESUME, .resume = {RESUME_SNAPSHOT, 2, 0, 2}};

	connect_to_test(k, at);
	hear(k, at, &hello);
	hear(k, at, &resume);
	assert_true(k->node[at].next_open);
}

#endif
