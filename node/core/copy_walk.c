#include "node/core/copy_parts.h"

/* The first place behind the stretch of the bucket in which `place` lies. */
static uint64_t stretch_end(const struct records *r, uint64_t place, uint64_t bucket)
{
	bool was_split = bucket >= r->level || bucket + r->level < r->buckets;
	uint64_t length = (UINT64_C(1) << 32) / (was_split ? 2 * r->level : r->level);

	return (place / length + 1) * length;
}

static bool comes_before(struct copy_cursor a, struct copy_cursor b)
{
	return a.at < b.at || (a.at == b.at && a.within < b.within);
}

static struct copy_cursor place_of(const struct item *i)
{
	return (struct copy_cursor){turned(i->hash), item_birth(i)};
}

/* The next item at the cursor or behind it, but before `end`. */
static const struct copy_item *walk(const struct records *r, struct copy_cursor *cursor,
                                    uint64_t end)
{
	while (cursor->at < end) {
		uint64_t bucket = bucket_number(r, turned((uint32_t)cursor->at));
		const struct item *next = NULL;
		for (const struct item *i = *bucket_at(r, bucket); i != NULL; i = i->chain) {
			bool ahead = !comes_before(place_of(i), *cursor);
			if (ahead && (next == NULL || comes_before(place_of(i), place_of(next))))
				next = i;
		}
		if (next != NULL && place_of(next).at >= end)
			break;
		if (next != NULL) {
			*cursor = place_of(next);
			cursor->within++;
			return &next->timed.is;
		}
		*cursor = (struct copy_cursor){stretch_end(r, cursor->at, bucket), 0};
	}
	return NULL;
}

const struct copy_item *copy_walk(const struct copy *c, enum table table,
                                  struct copy_cursor *cursor)
{
	return walk(records_in(c, table), cursor, UINT64_C(1) << 32);
}

const struct copy_item *copy_walk_bucket(const struct copy *c, enum table table, uint32_t bucket,
                                         struct copy_cursor *cursor)
{
	uint64_t begin = (uint64_t)bucket << BUCKET_SHIFT;

	assert(bucket < COPY_BUCKETS);
	if (cursor->at < begin)
		*cursor = (struct copy_cursor){begin, 0};
	return walk(records_in(c, table), cursor, begin + (UINT64_C(1) << BUCKET_SHIFT));
}
