#include "node/core/ring.h"

#include <assert.h>

enum { GRAIN = 16 };

struct block {
	size_t at, size;
};

struct ring {
	uint8_t *memory;
	struct block *index; /* of block n: index[n & mask] */
	size_t room, blocks;
	uint64_t first, end;
	size_t head; /* where the next block goes, if it fits before the end of the memory */
};

struct ring *ring_new(const struct alloc *alloc, size_t bytes, size_t blocks)
{
	struct ring *r = alloc_take(alloc, sizeof *r);

	assert(blocks > 0 && (blocks & (blocks - 1)) == 0);
	*r = (struct ring){
		.memory = alloc_take(alloc, bytes),
		.index = alloc_take(alloc, blocks * sizeof *r->index),
		.room = bytes & ~(size_t)(GRAIN - 1),
		.blocks = blocks,
	};
	assert(((uintptr_t)r->memory & (GRAIN - 1)) == 0);
	return r;
}

void ring_free(struct ring **ring, const struct alloc *alloc)
{
	struct ring *r = *ring;

	if (r == NULL)
		return;
	alloc_give(alloc, r->memory);
	alloc_give(alloc, r->index);
	alloc_give(alloc, r);
	*ring = NULL;
}

static struct block *block_of(const struct ring *r, uint64_t number)
{
	return &r->index[number & (r->blocks - 1)];
}

/* An empty block takes room too: then head == tail can only mean that all is taken. */
static size_t padded(size_t size)
{
	return size == 0 ? GRAIN : (size + GRAIN - 1) & ~(size_t)(GRAIN - 1);
}

/* Where a block of `size` goes; SIZE_MAX: nowhere. */
static size_t place(const struct ring *r, size_t size)
{
	if (size > r->room || r->end - r->first == r->blocks)
		return SIZE_MAX;
	if (r->first == r->end)
		return 0;
	size_t need = padded(size);
	size_t tail = block_of(r, r->first)->at;
	if (r->head <= tail) /* wrapped: free between head and tail */
		return need <= tail - r->head ? r->head : SIZE_MAX;
	if (need <= r->room - r->head)
		return r->head;
	return need <= tail ? 0 : SIZE_MAX;
}

bool ring_fits(const struct ring *r, size_t size)
{
	return place(r, size) != SIZE_MAX;
}

void *ring_push(struct ring *r, size_t size)
{
	size_t at = place(r, size);

	if (at == SIZE_MAX)
		return NULL;
	*block_of(r, r->end) = (struct block){at, size};
	r->end++;
	r->head = at + padded(size);
	assert(r->head <= r->room);
	return r->memory + at;
}

uint64_t ring_first(const struct ring *r)
{
	return r->first;
}

uint64_t ring_end(const struct ring *r)
{
	return r->end;
}

struct slice ring_at(const struct ring *r, uint64_t number)
{
	const struct block *b = block_of(r, number);

	assert(number >= r->first && number < r->end);
	return (struct slice){r->memory + b->at, b->size};
}

void ring_drop(struct ring *r, uint64_t before)
{
	if (before > r->first)
		r->first = before < r->end ? before : r->end;
}

void ring_restart(struct ring *r, uint64_t number)
{
	r->first = number;
	r->end = number;
	r->head = 0;
}
