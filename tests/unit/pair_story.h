/* pair_story.h - verbs of the stories about one node and two: start them, join them, ask them. */
#ifndef TESTS_UNIT_PAIR_STORY_H
#define TESTS_UNIT_PAIR_STORY_H

#include "tests/unit/pair_kit.h"

enum { A, B };

/* Runs both to rest at this moment: frames, disks, turns. */
static inline void kit_settle(struct kit *k)
{
	for (int round = 0; round < 8; round++) {
		for (int at = 0; at < 2; at++) {
			struct kit_node *n = &k->node[at];
			struct node_input synced = {.event = NODE_DURABLE, .seq = n->appended};
			struct node_input at_end = {.event = NODE_TURN};
			if (n->node == NULL)
				continue;
			if (!n->disk_held && n->appended > 0)
				kit_feed(k, at, &synced);
			kit_feed(k, at, &at_end);
		}
		while (k->head != k->tail)
			kit_deliver(k);
	}
}

static inline void kit_pass(struct kit *k, int64_t ms)
{
	for (int64_t until = k->now.ms + ms; k->now.ms < until;) {
		k->now.ms += 25;
		kit_settle(k);
	}
}

static inline struct kit *kit_new(void)
{
	struct kit *k = calloc(1, sizeof *k);

	assert_non_null(k);
	k->now.ms = 1000000;
	k->arena = arena_on(heap_take(NULL, KIT_ARENA), KIT_ARENA);
	return k;
}

static inline void start_on(struct kit *k, enum unit first, enum commit_mode commit)
{
	k->node[A].node = kit_make(k, first, commit);
	if (first != UNIT_STANDALONE)
		k->node[B].node = kit_make(k, UNIT_SECONDARY, commit);
	for (int at = 0; at < 2; at++) {
		struct node_input in = {.event = NODE_LOADED, .loaded = {.wall_ms = 1700000000000}};
		struct node_input keepalived = {.event = NODE_ADDRESS, .address = {false, true}};
		k->node[at].fault = true;
		if (k->node[at].node == NULL)
			continue;
		kit_feed(k, at, &in);
		kit_feed(k, at, &keepalived);
	}
	kit_settle(k);
}

static inline struct kit *start(enum unit first, enum commit_mode commit)
{
	struct kit *k = kit_new();

	start_on(k, first, commit);
	return k;
}

static inline void end(struct kit *k)
{
	while (k->head != k->tail)
		free(k->frames[k->head++ % KIT_QUEUE].bytes);
	for (int at = 0; at < 2; at++) {
		node_free(&k->node[at].node);
		for (size_t i = 0; i < KIT_QUEUE; i++)
			free(k->node[at].blocks[i]);
	}
	free(k->arena.p);
	free(k);
}

static inline void bulk_up(struct kit *k)
{
	k->bulk_number++;
	k->bulk = true;
	for (int at = 0; at < 2; at++) {
		struct node_input in = {.event = NODE_BULK_UP, .connection = kit_bulk(k)};
		kit_feed(k, at, &in);
	}
	kit_settle(k);
}

static inline void bulk_down(struct kit *k)
{
	k->bulk = false;
	for (int at = 0; at < 2; at++) {
		struct node_input in = {.event = NODE_BULK_DOWN, .connection = kit_bulk(k)};
		if (k->node[at].node != NULL)
			kit_feed(k, at, &in);
	}
	kit_settle(k);
}

static inline void link_up(struct kit *k)
{
	for (int at = 0; at < 2; at++) {
		struct node_input down = {.event = NODE_LINK_DOWN, .connection = k->connection};
		kit_feed(k, at, &down);
	}
	k->connection++;
	k->linked = true;
	for (int at = 0; at < 2; at++) {
		struct node_input in = {.event = NODE_LINK_UP, .connection = k->connection};
		kit_feed(k, at, &in);
	}
	bulk_up(k);
}

static inline void link_down(struct kit *k)
{
	k->linked = false;
	for (int at = 0; at < 2; at++) {
		struct node_input in = {.event = NODE_LINK_DOWN, .connection = k->connection};
		if (k->node[at].node != NULL)
			kit_feed(k, at, &in);
	}
	kit_settle(k);
}

static inline void address(struct kit *k, int at, bool here)
{
	struct node_input in = {.event = NODE_ADDRESS, .address = {here, true}};

	kit_feed(k, at, &in);
	kit_settle(k);
}

static inline void pair_on(struct kit *k, enum commit_mode commit)
{
	start_on(k, UNIT_PRIMARY, commit);
	link_up(k);
	address(k, A, true);
	address(k, B, false);
	link_up(k); /* a new reign closes the link; its next hello brings the standby in step */
	kit_pass(k, 200);
	assert_int_equal(node_role(k->node[A].node), ROLE_ACTIVE);
	assert_int_equal(node_role(k->node[B].node), ROLE_STANDBY);
}

/* A pair at work: A active, B in step. */
static inline struct kit *pair(enum commit_mode commit)
{
	struct kit *k = kit_new();

	pair_on(k, commit);
	return k;
}

static inline void ask(struct kit *k, int at, const char *user, unsigned cseq,
                       const char *contact_params)
{
	char text[1024];

	(void)snprintf(
		text, sizeof text,
		"REGISTER sip:x SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.7:5060;branch=z9hG4bK%s%u\r\n"
		"From: <sip:%s@x>;tag=f\r\nTo: <sip:%s@x>\r\nCall-ID: %s\r\nCSeq: %u REGISTER\r\n"
		"Max-Forwards: 70\r\n%s%s%s\r\n",
		user, cseq, user, user, user, cseq,
		contact_params == NULL ? "" : "Contact: <sip:u@192.0.2.7>",
		contact_params == NULL ? "" : contact_params, contact_params == NULL ? "" : "\r\n");
	struct node_input in = {.event = NODE_MESSAGE, .bytes = slice_str(text)};
	in.flow.transport = TRANSPORT_UDP;
	assert_true(addr_parse(SLICE("10.0.0.10:5060"), &in.flow.local));
	assert_true(addr_parse(SLICE("192.0.2.7:5060"), &in.flow.remote));
	kit_feed(k, at, &in);
}

static inline bool says(const struct kit *k, int at, const char *text)
{
	return strstr(k->node[at].last, text) != NULL;
}

static inline struct status status(const struct kit *k, int at)
{
	struct status s;

	node_status(k->node[at].node, k->now, &s);
	return s;
}

#endif
