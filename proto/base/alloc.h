/* alloc.h - the one allocator of the pure layers, handed in where a working copy is made.
 *
 * `take` never fails: it ends the process when memory is gone (sizes from the network are limited
 * before they get here, so that is our own fault, and the peer serves). */
#ifndef PROTO_BASE_ALLOC_H
#define PROTO_BASE_ALLOC_H

#include <stddef.h>

struct alloc {
	void *(*take)(void *context, size_t size);
	void (*give)(void *context, void *p);
	void *context;
};

static inline void *alloc_take(const struct alloc *a, size_t size)
{
	return a->take(a->context, size);
}

static inline void alloc_give(const struct alloc *a, void *p)
{
	if (p != NULL)
		a->give(a->context, p);
}

#endif
