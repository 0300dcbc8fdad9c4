/* arena.h - memory that lives for one step: taken piece by piece, given back all at once.
 *
 * The block is the caller's. Running out sticks (`full`): arena_take then returns NULL until the next
 * reset, and whoever took looks once. What is taken is aligned to 16 bytes and not cleared. */
#ifndef PROTO_BASE_ARENA_H
#define PROTO_BASE_ARENA_H

#include "proto/base/defs.h"
#include "proto/base/slice.h"

struct arena {
	uint8_t *p;
	size_t room;
	size_t n;
	bool full;
};

static inline struct arena arena_on(void *p, size_t room)
{
	return (struct arena){.p = p, .room = room};
}

static inline void arena_reset(struct arena *a)
{
	a->n = 0;
	a->full = false;
}

static inline void *arena_take(struct arena *a, size_t size)
{
	size_t padded = (size + 15) & ~(size_t)15;

	if (padded < size || padded > a->room - a->n) {
		a->full = true;
		return NULL;
	}
	void *taken = a->p + a->n;
	a->n += padded;
	return taken;
}

/* A copy of the bytes; empty if the arena is full. */
static inline struct slice arena_copy(struct arena *a, struct slice s)
{
	uint8_t *to = arena_take(a, s.n);

	if (to == NULL)
		return (struct slice){NULL, 0};
	if (s.n > 0)
		memcpy(to, s.p, s.n);
	return (struct slice){to, s.n};
}

#endif
