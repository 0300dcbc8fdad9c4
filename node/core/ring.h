/* ring.h - a queue of byte blocks numbered densely, in one piece of memory of fixed size: what is held
 * back until its commit, and the window of entries a standby may still ask for.
 *
 * Blocks are contiguous and stay where they are until they are dropped. */
#ifndef NODE_CORE_RING_H
#define NODE_CORE_RING_H

#include "proto/base/alloc.h"
#include "proto/base/slice.h"

struct ring;

struct ring *ring_new(const struct alloc *alloc, size_t bytes,
                      size_t blocks); /* blocks: a power of two */
void ring_free(struct ring **ring, const struct alloc *alloc);

bool ring_fits(const struct ring *r, size_t size); /* would a push of this size succeed? */
/* Room for a block of `size`, numbered ring_end(); 16-byte aligned; NULL if it does not fit. */
void *ring_push(struct ring *r, size_t size);

uint64_t ring_first(const struct ring *r); /* number of the oldest block */
uint64_t ring_end(const struct ring *r);   /* number that the next push gets; first == end: empty */
struct slice ring_at(const struct ring *r, uint64_t number); /* must be there */
void ring_drop(struct ring *r, uint64_t before);             /* drops all numbered below */
void ring_restart(struct ring *r, uint64_t number); /* empties it; the next push gets this number */

#endif
