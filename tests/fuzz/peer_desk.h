/* peer_desk.h - one node for fuzz_peer.c: its memory, its disk, and what it puts out. */
#ifndef TESTS_FUZZ_PEER_DESK_H
#define TESTS_FUZZ_PEER_DESK_H

#include <stdio.h>

#include "node/core/node.h"
#include "proto/base/reader.h"
#include "tests/fuzz/kept_heap.h"

enum {
	LOG_MAX = 512,
	STEPS_MAX = 1000,
	PIECE_MS = 25,
	WIRE = 256 * 1024,
	SCRATCH = 1 << 20,
	PEER_REIGN = 77,
};

struct desk {
	struct node *node;
	struct mtime now;
	struct reader in;
	uint64_t connection, bulk; /* 0: none */
	uint64_t connections, random;
	bool on_bulk;        /* the peer speaks on the bulk connection */
	uint64_t seq, first; /* of the log: `seq` is the newest entry, `first` the oldest held */
	struct slice log[LOG_MAX];
	bool full;        /* more than we hold: the run ends */
	bool merge_asked; /* on this connection, by the node */
	bool here, alive; /* the address, keepalived */
	bool next;        /* a new generation is being received ... */
	uint64_t stored;  /* ... its newest slice; 0: the node knows that it is stored */
	unsigned answers; /* 200 OK to REGISTER that left */
	uint32_t cseq;
	uint64_t wanted; /* of the log */
	uint64_t reign, epoch;
	struct reign_mark marks[HISTORY_MAX]; /* of the node, by its newest hello */
	size_t n_marks;
	uint64_t last_number, slices, items, items_digest;
	struct arena scratch;
	size_t memory;
};

/* --- what the node puts out --- */

static inline void desk_append(struct desk *d, const struct node_output *o)
{
	assert(o->seq == d->seq + 1);
	d->seq = o->seq;
	if (d->seq - d->first >= LOG_MAX) {
		d->full = true;
		return;
	}
	uint8_t *bytes = heap_take(NULL, o->bytes.n);
	memcpy(bytes, o->bytes.p, o->bytes.n);
	d->log[d->seq - d->first] = (struct slice){bytes, o->bytes.n};
}

static inline void desk_forget_log(struct desk *d, uint64_t seq)
{
	for (size_t i = 0; i < LOG_MAX; i++) {
		free((void *)(uintptr_t)d->log[i].p);
		d->log[i] = (struct slice){NULL, 0};
	}
	d->seq = seq;
	d->first = seq + 1;
}

static inline void desk_sent(struct desk *d, const struct node_output *o)
{
	struct frame f;
	static _Alignas(16) uint8_t memory[SCRATCH];
	struct arena arena = arena_on(memory, sizeof memory);
	struct decoded got = frame_decode(o->bytes, &arena, &f);

	assert(o->connection == d->connection || o->connection == d->bulk);
	assert(o->connection != 0);
	assert(got.err == OK && got.used == o->bytes.n);
	if (f.kind == FRAME_HELLO) {
		memcpy(d->marks, f.hello.history, f.hello.n_history * sizeof *d->marks);
		d->n_marks = f.hello.n_history;
	}
	if (f.kind == FRAME_RESUME)
		d->merge_asked = f.resume.how == RESUME_FORK;
}

static inline void desk_message(struct desk *d, const struct node_output *o)
{
	assert(node_role(d->node) == ROLE_ACTIVE || node_role(d->node) == ROLE_STEPPING_DOWN);
	d->answers += o->bytes.n > 12 && memcmp(o->bytes.p, "SIP/2.0 200 ", 12) == 0;
}

static inline void desk_next(struct desk *d, const struct node_output *o)
{
	assert(d->next == (o->kind != OUT_NEXT_BEGIN));
	d->next = o->kind != OUT_NEXT_ABORT && o->kind != OUT_NEXT_COMMIT;
	d->stored = o->kind == OUT_NEXT_SLICE ? o->seq : d->next ? d->stored : 0;
	if (o->kind == OUT_NEXT_COMMIT)
		desk_forget_log(d, o->position.seq);
}

static inline void desk_closed(struct desk *d, uint64_t connection)
{
	if (connection == d->connection)
		d->connection = 0;
	if (connection == d->bulk)
		d->bulk = 0;
}

static inline void desk_carry_out(struct desk *d, const struct node_output *o)
{
	if (o->kind == OUT_APPEND)
		desk_append(d, o);
	else if (o->kind == OUT_FRAME)
		desk_sent(d, o);
	else if (o->kind == OUT_MESSAGE)
		desk_message(d, o);
	else if (o->kind == OUT_CLOSE_LINK)
		desk_closed(d, o->connection);
	else if (o->kind == OUT_READ_LOG)
		d->wanted = o->seq;
	else if (o->kind >= OUT_NEXT_BEGIN && o->kind <= OUT_NEXT_ABORT)
		desk_next(d, o);
}

#endif
