/* pair_kit.h - two nodes in a test: node_step by hand, an instant link, disks that can be held. */
#ifndef TESTS_UNIT_PAIR_KIT_H
#define TESTS_UNIT_PAIR_KIT_H

#include "tests/unit/pair_state.h"

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

static inline uint64_t kit_bulk(const struct kit *k)
{
	return k->connection + ((1 + k->bulk_number) << 32);
}

static inline void kit_next(struct kit_node *n, const struct node_output *o)
{
	if (o->kind == OUT_NEXT_BEGIN) {
		n->next_open = true;
		n->next_begun++;
		n->next_puts = 0;
		n->next_marked = 0;
	} else if (o->kind == OUT_NEXT_PUT) {
		n->next_puts++;
	} else if (o->kind == OUT_NEXT_SLICE) {
		n->next_marked = o->seq;
	} else if (o->kind == OUT_NEXT_ABORT) {
		n->next_open = false;
	} else if (o->kind == OUT_NEXT_COMMIT) {
		n->next_open = false;
		n->appended = o->position.seq;
		n->log_first = o->position.seq + 1;
	}
}

static inline void kit_send(struct kit *k, int at, const struct node_output *o)
{
	bool live = k->linked && o->connection == k->connection;
	bool bulk = k->bulk && o->connection == kit_bulk(k);

	*(bulk ? &k->bulk_bytes : &k->live_bytes) += o->bytes.n;
	k->node[at].beats += o->bytes.p[4] >> 3 == FRAME_BEAT; /* the tag of the field in Frame */
	if ((!live && !bulk) || k->node[1 - at].node == NULL)
		return;
	struct kit_frame *f = &k->frames[k->tail++ % KIT_QUEUE];
	*f = (struct kit_frame){1 - at, o->connection, malloc(o->bytes.n), o->bytes.n};
	assert_true(f->bytes != NULL && k->tail - k->head < KIT_QUEUE);
	memcpy(f->bytes, o->bytes.p, o->bytes.n);
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
	else if (o->kind == OUT_CLOSE_LINK && o->connection == kit_bulk(k))
		k->bulk = false;
	else if (o->kind == OUT_SET_ASIDE)
		n->set_aside++;
	else if (o->kind == OUT_LOG)
		kit_line(n, o);
	else if (o->kind == OUT_HISTORY)
		kit_history(n, o);
	else if (o->kind == OUT_FRAME)
		kit_send(k, at, o);
	else
		kit_next(n, o);
	if (n->watch != NULL)
		n->watch(o);
	if (o->kind == OUT_ANSWER) {
		n->answers++;
		n->answer_ok = o->ok;
		(void)snprintf(n->answer, sizeof n->answer, SLICE_FMT, SLICE_ARG(o->bytes));
	}
}

static inline int64_t kit_clock_us(const struct kit *k)
{
	return 1 + k->now.ms * 1000;
}

static inline void kit_feed(struct kit *k, int at, struct node_input *in)
{
	struct kit_node *n = &k->node[at];
	struct node_outputs outs;
	uint64_t wanted = 0;

	in->clock_us = kit_clock_us(k);
	in->random = k->random += 2;
	in->wall_ms = 1700000000000 + k->now.ms + n->wall_ahead_ms;
	node_step(n->node, in, mtime_add_ms(k->now, n->ahead_ms), &outs);
	for (size_t i = 0; i < outs.n; i++)
		kit_carry_out(k, at, &outs.item[i], &wanted);
	if (n->next_marked != 0 && !n->next_held) {
		struct node_input stored = {.event = NODE_NEXT_STORED, .seq = n->next_marked};
		n->next_marked = 0;
		kit_feed(k, at, &stored);
	}
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
	struct node_input in = {.event = NODE_FRAME, .connection = f.connection, .frame = &frame};
	bool there = f.connection == k->connection ? k->linked
	                                           : k->bulk && f.connection == kit_bulk(k);

	arena_reset(&k->arena);
	struct decoded d = frame_decode((struct slice){f.bytes, f.n}, &k->arena, &frame);
	assert_true(d.err == OK && d.used == f.n);
	if (there && k->node[f.to].node != NULL)
		kit_feed(k, f.to, &in);
	free(f.bytes);
}

#endif
