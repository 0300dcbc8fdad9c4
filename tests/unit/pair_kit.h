/* pair_kit.h - two nodes in a test: node_step by hand, an instant link, disks that can be held. */
#ifndef TESTS_UNIT_PAIR_KIT_H
#define TESTS_UNIT_PAIR_KIT_H

#include <stdio.h>
#include <stdlib.h>

#include "node/core/node.h"
#include "tests/check.h"
#include "tests/heap.h"

enum { KIT_QUEUE = 8192, KIT_ARENA = 8 << 20 };

struct kit_frame {
	int to;
	uint8_t *bytes;
	size_t n;
};

struct kit_node {
	struct node *node;
	bool disk_held; /* what is appended is not durable until it is let go */
	uint64_t appended, log_first;
	unsigned messages; /* SIP that left */
	char last[2048];   /* the last of it */
	unsigned answers;  /* of commands */
	bool answer_ok;
	char answer[200];
	bool fault;
	unsigned set_aside;
	unsigned lines;             /* for the log */
	char line[512];             /* the last of them */
	char history[4096];         /* for the journal, tabs as spaces */
	bool next_open;             /* a snapshot is being received */
	uint8_t *blocks[KIT_QUEUE]; /* the log: one block an entry, by seq */
	size_t block_sizes[KIT_QUEUE];
};

struct kit {
	struct kit_node node[2];
	struct mtime now;
	int64_t advert_ms;    /* 0: 100 */
	uint32_t max_version; /* of a node made from here on; 0: the newest */
	uint64_t connection, random;
	bool linked;
	struct kit_frame frames[KIT_QUEUE];
	size_t head, tail;
	struct arena arena;
};

static const struct domain_policy kit_domain = {{SLICE_OF("x")}, 60,    1, 3600,
                                                OFFER_NOTHING,   false, 4};

static inline struct node *kit_make(const struct kit *k, enum unit unit, enum commit_mode commit)
{
	struct node_options o = {
		.role = {.standalone = unit == UNIT_STANDALONE,
	                 .advert_ms = k->advert_ms != 0 ? k->advert_ms : 100,
	                 .peer_timeout_ms = 200,
	                 .cold_start_ms = 60000,
	                 .takeover_when_behind = true},
		.server = {.domains = &kit_domain,
	                   .n_domains = 1,
	                   .nonce_lifetime_ms = 300000,
	                   .alloc = heap},
		.commit = commit,
		.unit = unit,
		.node_id = unit,
		.max_version = k->max_version,
		.secret_id = 1,
		.longest_expires_ms = 3600000,
		.default_expires_ms = 60000,
		.window_bytes = 1 << 20,
		.held_bytes = 1 << 20,
		.expiry_rate = 1000,
		.alloc = heap,
	};

	return node_new(&o, k->now);
}

static inline void kit_append(struct kit *k, int at, const struct node_output *o)
{
	struct kit_node *n = &k->node[at];
	uint8_t *room = malloc(BLOCK_MAX);

	assert_non_null(room);
	struct block_writer w = block_begin(room, BLOCK_MAX, o->seq);
	block_add(&w, o->bytes);
	n->block_sizes[o->seq] = block_end(&w, 1).n;
	free(n->blocks[o->seq]);
	n->blocks[o->seq] = realloc(room, n->block_sizes[o->seq]);
	assert_non_null(n->blocks[o->seq]);
	n->appended = o->seq;
}

static inline void kit_message(struct kit_node *n, const struct node_output *o)
{
	n->messages++;
	(void)snprintf(n->last, sizeof n->last, SLICE_FMT, SLICE_ARG(o->bytes));
}

static inline void kit_line(struct kit_node *n, const struct node_output *o)
{
	n->lines++;
	(void)snprintf(n->line, sizeof n->line, SLICE_FMT, SLICE_ARG(o->bytes));
}

static inline void kit_history(struct kit_node *n, const struct node_output *o)
{
	size_t used = strlen(n->history);
	int more = snprintf(n->history + used, sizeof n->history - used, SLICE_FMT "\n",
	                    SLICE_ARG(o->bytes));

	assert_in_range(more, 1, sizeof n->history - used - 1);
	for (char *tab = n->history + used; (tab = strchr(tab, '\t')) != NULL;)
		*tab = ' ';
}

static inline void kit_carry_out(struct kit *k, int at, const struct node_output *o,
                                 uint64_t *wanted)
{
	struct kit_node *n = &k->node[at];

	if (o->kind == OUT_APPEND)
		kit_append(k, at, o);
	else if (o->kind == OUT_MESSAGE)
		kit_message(n, o);
	else if (o->kind == OUT_FAULT)
		n->fault = o->on;
	else if (o->kind == OUT_READ_LOG)
		*wanted = o->seq;
	else if (o->kind == OUT_CLOSE_LINK && o->connection == k->connection)
		k->linked = false;
	else if (o->kind == OUT_SET_ASIDE)
		n->set_aside++;
	else if (o->kind == OUT_LOG)
		kit_line(n, o);
	else if (o->kind == OUT_HISTORY)
		kit_history(n, o);
	else if (o->kind == OUT_NEXT_BEGIN)
		n->next_open = true;
	else if (o->kind == OUT_NEXT_COMMIT || o->kind == OUT_NEXT_ABORT)
		n->next_open = false;
	if (o->kind == OUT_ANSWER) {
		n->answers++;
		n->answer_ok = o->ok;
		(void)snprintf(n->answer, sizeof n->answer, SLICE_FMT, SLICE_ARG(o->bytes));
	}
	if (o->kind == OUT_FRAME && k->linked && k->node[1 - at].node != NULL) {
		struct kit_frame *f = &k->frames[k->tail++ % KIT_QUEUE];
		*f = (struct kit_frame){1 - at, malloc(o->bytes.n), o->bytes.n};
		assert_true(f->bytes != NULL && k->tail - k->head < KIT_QUEUE);
		memcpy(f->bytes, o->bytes.p, o->bytes.n);
	}
}

static inline void kit_feed(struct kit *k, int at, struct node_input *in)
{
	struct kit_node *n = &k->node[at];
	struct node_outputs outs;
	uint64_t wanted = 0;

	in->random = k->random += 2;
	node_step(n->node, in, k->now, &outs);
	for (size_t i = 0; i < outs.n; i++)
		kit_carry_out(k, at, &outs.item[i], &wanted);
	if (wanted != 0) {
		struct node_input read = {.event = NODE_LOG_READ, .seq = wanted};
		if (wanted >= n->log_first && wanted <= n->appended)
			read.bytes = (struct slice){n->blocks[wanted], n->block_sizes[wanted]};
		kit_feed(k, at, &read);
	}
}

static inline void kit_deliver(struct kit *k)
{
	struct kit_frame f = k->frames[k->head++ % KIT_QUEUE];
	struct frame frame;
	struct node_input in = {.event = NODE_FRAME, .connection = k->connection, .frame = &frame};

	arena_reset(&k->arena);
	struct decoded d = frame_decode((struct slice){f.bytes, f.n}, &k->arena, &frame);
	assert_true(d.err == OK && d.used == f.n);
	if (k->linked && k->node[f.to].node != NULL)
		kit_feed(k, f.to, &in);
	free(f.bytes);
}

#endif
