#include "node/core/marks.h"

#include <string.h>

enum { ROOM_AT_FIRST = 64 };

/* Linear probing; a slot is used while its generation is the set's. */
struct slot {
	uint64_t name, value, generation;
};

struct marks {
	struct alloc alloc;
	struct slot *slot;
	size_t room; /* a power of two */
	size_t n, most;
	uint64_t generation;
};

static struct slot *slots_new(const struct alloc *alloc, size_t room)
{
	struct slot *slots = alloc_take(alloc, room * sizeof *slots);

	memset(slots, 0, room * sizeof *slots);
	return slots;
}

struct marks *marks_new(const struct alloc *alloc, size_t most)
{
	struct marks *m = alloc_take(alloc, sizeof *m);

	*m = (struct marks){.alloc = *alloc, .room = ROOM_AT_FIRST, .most = most, .generation = 1};
	m->slot = slots_new(alloc, m->room);
	return m;
}

void marks_free(struct marks **marks)
{
	struct marks *m = *marks;

	if (m == NULL)
		return;
	const struct alloc alloc = m->alloc;
	alloc_give(&alloc, m->slot);
	alloc_give(&alloc, m);
	*marks = NULL;
}

static bool is_used(const struct marks *m, size_t at)
{
	return m->slot[at].generation == m->generation;
}

/* Where it stands, or would. */
static size_t find(const struct marks *m, uint64_t name)
{
	size_t at = name & (m->room - 1);

	while (is_used(m, at) && m->slot[at].name != name)
		at = (at + 1) & (m->room - 1);
	return at;
}

uint64_t marks_get(const struct marks *m, uint64_t name)
{
	size_t at = find(m, name);

	return is_used(m, at) ? m->slot[at].value : 0;
}

/* Those behind it that were pushed aside move up. */
static void take_out(struct marks *m, size_t hole)
{
	size_t mask = m->room - 1;

	for (size_t at = (hole + 1) & mask; is_used(m, at); at = (at + 1) & mask) {
		size_t home = m->slot[at].name & mask;

		if (((at - home) & mask) < ((at - hole) & mask))
			continue;
		m->slot[hole] = m->slot[at];
		hole = at;
	}
	m->slot[hole].generation = 0;
	m->n--;
}

static void grow(struct marks *m)
{
	struct marks old = *m;

	m->room *= 2;
	m->slot = slots_new(&m->alloc, m->room);
	for (size_t i = 0; i < old.room; i++)
		if (is_used(&old, i))
			m->slot[find(m, old.slot[i].name)] = old.slot[i];
	alloc_give(&m->alloc, old.slot);
}

void marks_set(struct marks *m, uint64_t name, uint64_t value)
{
	size_t at = find(m, name);

	if (is_used(m, at) && value == 0)
		take_out(m, at);
	else if (is_used(m, at))
		m->slot[at].value = value;
	if (is_used(m, at) || value == 0 || m->n >= m->most)
		return;
	if (4 * m->n >= 3 * m->room) {
		grow(m);
		at = find(m, name);
	}
	m->slot[at] = (struct slot){name, value, m->generation};
	m->n++;
}

size_t marks_count(const struct marks *m)
{
	return m->n;
}

void marks_clear(struct marks *m)
{
	m->generation++;
	m->n = 0;
}
