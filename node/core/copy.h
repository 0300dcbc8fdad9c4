/* copy.h - the working copy: every record of every table in memory, over one allocator.
 *
 * Keys and bytes; it knows no SIP. An item's value is one block together with its key. A put replaces
 * the bytes; slices got from an item die with the next put or delete of that key.
 * Deadlines: an item may carry one (pair time); a wheel hands out what is due. Setting it anew moves
 * it; deleting the item takes it away.
 * Groups: who wants to know how many records of a kind there are, and how much is in them, tells by the key
 * which kind it is and by the value what it weighs; both are counted as records come and go, so that nobody
 * ever walks for it.
 * Digests: a table's is the sum of its records' hashes, kept up at each put and delete, whole and in
 * COPY_BUCKETS parts: a record's bucket goes by its key alone, so that both nodes sum alike. */
#ifndef NODE_CORE_COPY_H
#define NODE_CORE_COPY_H

#include "proto/base/alloc.h"
#include "proto/record.h"

struct copy;

enum { COPY_BUCKETS = 4096 };

struct copy_item {
	struct slice key, value;
	uint64_t seq;             /* of the entry that wrote it; 0: loaded from the image */
	uint64_t digest;          /* record_hash of what was put: what its bytes must still give */
	struct pairtime deadline; /* PAIRTIME_NEVER: none */
};

struct copy *copy_new(const struct alloc *alloc);
void copy_free(struct copy **copy);
/* As copy_free, little by little: some `items` at a time; true: it is done, *copy is NULL. Between the
 * calls the copy is good for nothing else. */
bool copy_free_some(struct copy **copy, size_t items);

/* NULL: no such record. The item is borrowed until the key's next change. */
const struct copy_item *copy_get(const struct copy *c, enum table table, struct slice key);
/* Copies key and value in. `deadline`: when this record wants to be looked at again. */
void copy_put(struct copy *c, enum table table, struct slice key, struct slice value, uint64_t seq,
              struct pairtime deadline);
/* Another deadline for a record that is there. */
void copy_again(struct copy *c, enum table table, struct slice key, struct pairtime deadline);
void copy_delete(struct copy *c, enum table table, struct slice key);

uint64_t copy_count(const struct copy *c, enum table table);

/* `of` gives a key's group, `n` or more: none. It must always say the same of a key. */
struct copy_groups {
	size_t (*of)(const void *context, enum table table, struct slice key);
	uint64_t (*weight)(enum table table, struct slice value);
	const void *context; /* borrowed for the copy's life */
	size_t n;
};
void copy_group(struct copy *c, const struct copy_groups *groups); /* once, while it is empty */
uint64_t copy_group_count(const struct copy *c, size_t group);
uint64_t copy_group_weight(const struct copy *c, size_t group);
uint64_t copy_weight(const struct copy *c); /* of all records, those of no group, too */
/* Sum of record_hash over the table: equal on both nodes at equal positions. */
uint64_t copy_digest(const struct copy *c, enum table table);
uint32_t copy_bucket_of(struct slice key);
/* The part of it that this bucket has, 0 to COPY_BUCKETS - 1. */
uint64_t copy_bucket(const struct copy *c, enum table table, uint32_t bucket);
/* Its bytes are still what was put. Memory flips, now and then. */
bool copy_sound(enum table table, const struct copy_item *item);
/* A bucket summed once more, from the bytes in memory. */
struct copy_check {
	uint64_t records;
	uint64_t flipped;              /* of them: not what was put */
	const struct copy_item *first; /* of the flipped; NULL: none */
	bool adds_up;                  /* what was put gives the sum that was kept */
};
struct copy_check copy_check_bucket(const struct copy *c, enum table table, uint32_t bucket);
uint64_t copy_bytes(const struct copy *c); /* memory taken, for the status */

/* An item of any table whose deadline has come (the least within the wheel's grain of 250 ms), or
 * NULL. It comes when its slot of the wheel is over: never early, late by less than the grain. Look at it, then give it another deadline, put it anew or delete it: otherwise it comes again. */
const struct copy_item *copy_due(struct copy *c, struct pairtime now, enum table *table);
/* When copy_due gives the next item; PAIRTIME_NEVER if none has a deadline. */
struct pairtime copy_next_deadline(const struct copy *c);

/* Walks one table in an order of its own while it changes between calls: every record that was there
 * all the time is met exactly once; one put or deleted meanwhile may be met or not. Start with
 * {0}; false at the end. `skip(cursor)` is nothing but the loop of the caller. */
struct copy_cursor {
	uint64_t at, within;
};
const struct copy_item *copy_walk(const struct copy *c, enum table table,
                                  struct copy_cursor *cursor);
/* The same within one bucket, which is a stretch of that walk. */
const struct copy_item *copy_walk_bucket(const struct copy *c, enum table table, uint32_t bucket,
                                         struct copy_cursor *cursor);

#endif
