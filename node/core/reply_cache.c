#include "node/core/reply_cache.h"

#include <assert.h>
#include <xxhash.h>

enum {
	SET_SIZE = 4,
	SETS = REPLY_CACHE_ENTRIES / SET_SIZE,
};

struct kept {
	struct reply_key key;
	struct mtime until; /* 0: empty */
	uint64_t depends_on;
	size_t n;
	uint8_t bytes[REPLY_CACHE_BYTES];
};

struct reply_cache {
	struct kept sets[SETS][SET_SIZE];
};

struct reply_cache *reply_cache_new(const struct alloc *alloc)
{
	struct reply_cache *cache = alloc_take(alloc, sizeof *cache);

	for (size_t i = 0; i < REPLY_CACHE_ENTRIES; i++) {
		struct kept *k = &cache->sets[i / SET_SIZE][i % SET_SIZE];

		k->until = (struct mtime){INT64_MIN};
		k->n = 0;
	}
	return cache;
}

void reply_cache_free(struct reply_cache **cache, const struct alloc *alloc)
{
	alloc_give(alloc, *cache);
	*cache = NULL;
}

struct reply_key reply_key_of(struct slice name)
{
	XXH128_hash_t h = XXH3_128bits(name.p, name.n);

	return (struct reply_key){h.low64, h.high64};
}

struct kept_reply reply_cache_find(const struct reply_cache *cache, struct reply_key key,
                                   struct mtime now)
{
	const struct kept *set = cache->sets[key.low % SETS];

	for (size_t i = 0; i < SET_SIZE; i++) {
		const struct kept *k = &set[i];

		if (k->key.low == key.low && k->key.high == key.high &&
		    !mtime_reached(k->until, now))
			return (struct kept_reply){{k->bytes, k->n}, k->depends_on};
	}
	return (struct kept_reply){{NULL, 0}, 0};
}

void reply_cache_put(struct reply_cache *cache, struct reply_key key, struct kept_reply reply,
                     struct mtime now)
{
	struct kept *set = cache->sets[key.low % SETS], *oldest = set;

	if (reply.bytes.n > REPLY_CACHE_BYTES)
		return;
	for (size_t i = 1; i < SET_SIZE; i++)
		if (set[i].until.ms < oldest->until.ms)
			oldest = &set[i];
	oldest->key = key;
	oldest->until = mtime_add_ms(now, REPLY_CACHE_MS);
	oldest->depends_on = reply.depends_on;
	oldest->n = reply.bytes.n;
	memcpy(oldest->bytes, reply.bytes.p, reply.bytes.n);
	assert(reply.bytes.n > 0);
}
