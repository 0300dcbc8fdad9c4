/* copy_parts.h - what the files of the working copy share. Nobody else's. */
#ifndef NODE_CORE_COPY_PARTS_H
#define NODE_CORE_COPY_PARTS_H

#include <assert.h>

#include "node/core/copy.h"
#include "node/core/wheel.h"

/* One hash table per table of records, by linear hashing: each new item splits one bucket, so no put
 * pays for the growth of all. Buckets stand in segments, which never move. */
enum {
	SEGMENT = 512, /* buckets in one; also what a table begins with */
	TABLE_BITS = 3,
	BUCKET_SHIFT = 20, /* 32 bits of hash, turned round, less 12 */
	SUMS_SIZE = COPY_BUCKETS * sizeof(uint64_t),
};
_Static_assert(COPY_BUCKETS == 1 << (32 - BUCKET_SHIFT), "a bucket is a stretch of the walk");
_Static_assert(TABLE_END <= 1 << TABLE_BITS, "a table's number fits beside an item's birth");

/* One block: this, the key, the value. */
struct item {
	struct wheel_item timed;
	struct item *chain;
	uint32_t hash;
	uint32_t mark; /* birth and table; births tell items of equal hash apart in a walk */
	uint8_t bytes[];
};

struct segment {
	struct item *buckets[SEGMENT];
};

struct records {
	struct segment **segments;
	size_t segments_room;
	uint64_t buckets; /* in use: `level` + those split already */
	uint64_t level;   /* a power of two */
	uint64_t count, digest;
	uint64_t *sums; /* the digest by bucket; NULL: the table is empty */
};

struct group_sum {
	uint64_t records, weight;
};

struct copy {
	struct alloc alloc;
	struct records records[TABLE_END];
	uint64_t bytes;
	uint32_t births;
	struct copy_groups groups;
	struct group_sum
		*group_sums; /* one more than groups: what is in none; NULL: nobody asked */
	struct wheel wheel;
	size_t freed_tables; /* copy_free_some: where it goes on */
	uint64_t freed_buckets;
};

static inline uint32_t item_birth(const struct item *i)
{
	return i->mark >> TABLE_BITS;
}

static inline const struct records *records_in(const struct copy *c, enum table table)
{
	assert(table >= TABLE_AOR && table < TABLE_END);
	return &c->records[table];
}

/* A bucket at or above the split point has one bit less. */
static inline uint64_t bucket_number(const struct records *r, uint32_t hash)
{
	uint64_t wide = hash & (2 * r->level - 1);

	return wide < r->buckets ? wide : hash & (r->level - 1);
}

static inline struct item **bucket_at(const struct records *r, uint64_t number)
{
	return &r->segments[number / SEGMENT]->buckets[number % SEGMENT];
}

/* A walk goes by the bits of the hash from the lowest to the highest, read as a number the other way
 * round: there a bucket is one stretch, and splitting it cuts the stretch in two without moving
 * anything across. */
static inline uint32_t turned(uint32_t v)
{
	v = (v >> 1 & 0x55555555U) | (v & 0x55555555U) << 1;
	v = (v >> 2 & 0x33333333U) | (v & 0x33333333U) << 2;
	v = (v >> 4 & 0x0f0f0f0fU) | (v & 0x0f0f0f0fU) << 4;
	v = (v >> 8 & 0x00ff00ffU) | (v & 0x00ff00ffU) << 8;
	return v >> 16 | v << 16;
}

static inline uint32_t bucket_of(uint32_t hash)
{
	return turned(hash) >> BUCKET_SHIFT;
}

#endif
