/* kept_heap.h - memory for fuzz targets that make a node in each run: counted, and large blocks are kept, for
 * they are the same in every run, and new pages for them would take most of its time. */
#ifndef TESTS_FUZZ_KEPT_HEAP_H
#define TESTS_FUZZ_KEPT_HEAP_H

#include <assert.h>

#include "tests/heap.h"

enum { KEPT_MEMORY_MAX = 64 << 20 };

struct sized {
	struct sized *next;
	size_t size;
	_Alignas(16) uint8_t bytes[];
};

static inline struct sized **kept_blocks(void)
{
	static struct sized *kept;

	return &kept;
}

static inline struct sized *kept_block(size_t size)
{
	struct sized **at = kept_blocks();

	while (*at != NULL && (*at)->size != size)
		at = &(*at)->next;
	struct sized *s = *at;
	if (s == NULL)
		return heap_take(NULL, sizeof *s + size);
	*at = s->next;
	return s;
}

/* `context` is a size_t: what is out. */
static inline void *kept_take(void *context, size_t size)
{
	size_t *out = context;
	struct sized *s = kept_block(size);

	s->size = size;
	*out += size;
	assert(*out < KEPT_MEMORY_MAX);
	return s->bytes;
}

static inline void kept_give(void *context, void *p)
{
	enum { LARGE = 32 * 1024 };
	size_t *out = context;
	struct sized *s = (struct sized *)(void *)((uint8_t *)p - offsetof(struct sized, bytes));

	*out -= s->size;
	if (s->size < LARGE) {
		free(s);
		return;
	}
	s->next = *kept_blocks();
	*kept_blocks() = s;
}

#endif
