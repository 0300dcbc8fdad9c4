/* heap.h - the allocator of the pure layers for tests: malloc, and the end where there is no memory. */
#ifndef TESTS_HEAP_H
#define TESTS_HEAP_H

#include <malloc.h>
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

/* The same, and how much is out: `context` is a size_t. */
static inline void *heap_take_counted(void *context, size_t size)
{
	size_t *out = context;
	void *p = heap_take(NULL, size);

	*out += malloc_usable_size(p);
	return p;
}

static inline void heap_give_counted(void *context, void *p)
{
	size_t *out = context;

	*out -= p != NULL ? malloc_usable_size(p) : 0;
	heap_give(NULL, p);
}

#endif
