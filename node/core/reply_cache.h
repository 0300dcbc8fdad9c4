/* reply_cache.h - final answers that no record implies, kept for retransmissions over UDP (64*T1).
 *
 * Bounded: 1024 answers of at most 1200 bytes, the oldest of a set of four goes; memory is taken once.
 * An answer that is not kept is made anew. */
#ifndef NODE_CORE_REPLY_CACHE_H
#define NODE_CORE_REPLY_CACHE_H

#include "proto/base/alloc.h"
#include "proto/base/mtime.h"
#include "proto/base/slice.h"

enum {
	REPLY_CACHE_ENTRIES = 1024,
	REPLY_CACHE_BYTES = 1200,
	REPLY_CACHE_MS = 64 * 500, /* 64*T1 */
};

struct reply_cache;
struct reply_cache *reply_cache_new(const struct alloc *alloc);
void reply_cache_free(struct reply_cache **cache, const struct alloc *alloc);

struct reply_key {
	uint64_t low, high;
};
/* Of bytes that name one transaction. */
struct reply_key reply_key_of(struct slice name);

struct kept_reply {
	struct slice bytes; /* n == 0: not there; borrowed until the next put */
	uint64_t depends_on;
};
struct kept_reply reply_cache_find(const struct reply_cache *cache, struct reply_key key,
                                   struct mtime now);
void reply_cache_put(struct reply_cache *cache, struct reply_key key, struct kept_reply reply,
                     struct mtime now);

#endif
