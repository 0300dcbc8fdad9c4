/* heap.h - the allocator of the pure layers for tests: malloc, and the end where there is no memory. */
#ifndef TESTS_HEAP_H
#define TESTS_HEAP_H

#include <stdlib.h>

#include "proto/base/alloc.h"

static inline void *heap_take(void *context, size_t size)
{
	void *p = malloc(size);

	(void)context;
	if (p == NULL)
		abort();
	return p;
}

static inline void heap_give(void *context, void *p)
{
	(void)context;
	free(p);
}

static const struct alloc heap = {heap_take, heap_give, NULL};

#endif
