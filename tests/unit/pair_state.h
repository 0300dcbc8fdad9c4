/* pair_state.h - what there is of two nodes in a test, beside the nodes: pair_kit.h drives them. */
#ifndef TESTS_UNIT_PAIR_STATE_H
#define TESTS_UNIT_PAIR_STATE_H

#include <stdio.h>
#include <stdlib.h>

#include "node/core/node.h"
#include "tests/check.h"
#include "tests/heap.h"

enum { KIT_QUEUE = 8192, KIT_ARENA = 8 << 20 };

struct kit_frame {
	int to;
	uint64_t connection;
	uint8_t *bytes;
	size_t n;
};

struct kit_node {
	struct node *node;
	int64_t ahead_ms; /* its clock, before the other's */
	int64_t wall_ahead_ms;
	bool disk_held; /* what is appended is not durable until it is let go */
	uint64_t appended, log_first;
	unsigned messages; /* SIP that left */
	char last[2048];   /* the last of it */
	unsigned answers;  /* of commands */
	bool answer_ok;
	char answer[200];
	bool fault;
	void (*watch)(const struct node_output *o); /* NULL: a test sees no outputs itself */
	unsigned set_aside;
	unsigned beats;       /* sent */
	unsigned lines;       /* for the log */
	char line[512];       /* the last of them */
	char history[4096];   /* for the journal, tabs as spaces */
	bool next_open;       /* a snapshot is being received */
	bool next_held;       /* what is put there is not stored until it is let go */
	uint64_t next_marked; /* newest OUT_NEXT_SLICE */
	unsigned next_puts, next_begun;
	uint8_t *blocks[KIT_QUEUE]; /* the log: one block an entry, by seq */
	size_t block_sizes[KIT_QUEUE];
};

struct kit {
	struct kit_node node[2];
	struct mtime now;
	int64_t advert_ms;                  /* 0: 100 */
	const struct domain_policy *domain; /* of a node made from here on; NULL: kit_domain */
	uint32_t max_version;               /* of a node made from here on; 0: the newest */
	uint64_t connection, random;
	bool linked, bulk;               /* the two connections */
	uint64_t bulk_number;            /* of those for bulk: see kit_bulk */
	uint64_t live_bytes, bulk_bytes; /* sent over them */
	uint64_t resync_rate;            /* of a node made from here on, as the next three */
	size_t window_bytes;             /* 0: 1 MiB */
	size_t slice_bytes;
	uint64_t snapshot_max;
	size_t *out; /* NULL: not asked for; else what both nodes have of memory is counted there */
	struct kit_frame frames[KIT_QUEUE];
	size_t head, tail;
	struct arena arena;
};

static const struct domain_policy kit_domain = {.name = {SLICE_OF("x")},
                                                .default_expires_s = 60,
                                                .min_expires_s = 1,
                                                .max_expires_s = 3600,
                                                .max_contacts = 4};

static inline struct node *kit_make(const struct kit *k, enum unit unit, enum commit_mode commit)
{
	struct alloc counted = {heap_take_counted, heap_give_counted, k->out};
	struct alloc alloc = k->out != NULL ? counted : heap;
	struct node_options o = {
		.role = {.standalone = unit == UNIT_STANDALONE,
	                 .advert_ms = k->advert_ms != 0 ? k->advert_ms : 100,
	                 .peer_timeout_ms = 200,
	                 .cold_start_ms = 60000,
	                 .takeover_when_behind = true},
		.server = {.domains = k->domain != NULL ? k->domain : &kit_domain,
	                   .n_domains = 1,
	                   .nonce_lifetime_ms = 300000,
	                   .alloc = alloc},
		.commit = commit,
		.unit = unit,
		.node_id = unit,
		.max_version = k->max_version,
		.secret_id = 1,
		.longest_expires_ms = 3600000,
		.default_expires_ms = 60000,
		.window_bytes = k->window_bytes != 0 ? k->window_bytes : 1 << 20,
		.disk_hang_ms = 2000,
		.held_bytes = 1 << 20,
		.expiry_rate = 1000,
		.resync_rate = k->resync_rate,
		.slice_bytes = k->slice_bytes,
		.snapshot_max = k->snapshot_max,
		.alloc = alloc,
	};

	return node_new(&o, k->now);
}

#endif
