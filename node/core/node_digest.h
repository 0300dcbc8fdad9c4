/* node_digest.h - how equal the two nodes are, and how sound each is: a part of node_parts.h. */
#ifndef NODE_CORE_NODE_DIGEST_H
#define NODE_CORE_NODE_DIGEST_H

#include "node/core/node.h"

/* A walk over all records in memory. */
struct memory_scrub {
	enum table table;
	uint32_t bucket;
	bool found;  /* something flipped */
	bool proves; /* in haste: a snapshot waits for its end */
	bool proved; /* the one before this did, just now */
};

enum { DIFF_DELETED_MAX = 256 };

/* A comparison that an operator asked for (node_diff.c). */
struct diff {
	uint64_t ticket; /* 0: none */
	uint64_t seq;
	enum table next; /* whose keys come next */
	struct mtime until;
	uint64_t named;
	bool differs;
	struct table_digest ours[TABLE_END];
	uint64_t deleted[DIFF_DELETED_MAX]; /* since: by the hash of table and key */
	size_t n_deleted;
};

/* How equal the two nodes are, and how sound this one is. */
struct digest_watch {
	struct mtime next; /* the active: the next comparison */
	uint64_t asked_seq;
	bool agreed;     /* the newest comparison on this connection: the peer is equal and sound */
	bool peer_wrong; /* it is not: it gets a snapshot ... */
	struct mtime repair_at;             /* ... not before */
	int64_t apart_ms;                   /* repeated repairs: always longer */
	bool snapshot_due;                  /* with the next connection */
	bool memory_damaged, store_damaged; /* this node's: until a snapshot has replaced it */
	struct mtime hand_over_at;
	struct memory_scrub scrub;
	struct diff diff;
	uint64_t checked, mismatches, seq;
	struct mtime checked_at;
	uint64_t scrubs, memory_faults, store_faults, repairs;
};

void node_digest_init(struct node *n);
void node_digest_forget(struct node *n); /* the connection is gone */
void node_digest_cured(struct node *n);  /* a snapshot has replaced memory and store */
void node_digest_tick(struct node *n);
void node_on_digest(struct node *n, const struct frame *f);
void node_on_digest_answer(struct node *n, const struct frame *f);
void node_on_image_fault(struct node *n, const struct node_input *in);
void node_memory_fault(struct node *n, enum table table, struct slice key); /* its bytes flipped */

/* node_diff.c */
void node_diff_begin(struct node *n, uint64_t ticket);
void node_diff_note(struct node *n, const struct entry *e); /* a change of ours */
void node_diff_tick(struct node *n);
void node_on_bucket_sums(struct node *n, const struct frame *f);
void node_on_keys(struct node *n, const struct frame *f);

#endif
