#include "node/core/wheel.h"

#include <assert.h>

#include "proto/base/defs.h"

#define TICK_NEVER INT64_MAX

/* The first tick at which the deadline is over. */
static int64_t tick_of(const struct wheel_item *item)
{
	int64_t last = INT64_MAX - WHEEL_GRAIN_MS;
	int64_t ms = item->is.deadline.ms < last ? item->is.deadline.ms : last;

	return ms <= 0 ? 0 : (ms - 1) / WHEEL_GRAIN_MS + 1;
}

static size_t slot_of(int64_t tick)
{
	return (size_t)tick % WHEEL_SLOTS;
}

void wheel_init(struct wheel *w)
{
	for (size_t i = 0; i < WHEEL_SLOTS; i++)
		w->slots[i] = (struct wheel_slot){NULL, 0};
	for (size_t i = 0; i < ARRAY_LEN(w->least); i++)
		w->least[i] = TICK_NEVER;
}

static void set_least(struct wheel *w, size_t slot, int64_t tick)
{
	size_t i = WHEEL_SLOTS + slot;

	w->least[i] = tick;
	for (i /= 2; i > 0; i /= 2) {
		int64_t left = w->least[2 * i], right = w->least[2 * i + 1];
		int64_t least = left < right ? left : right;
		if (w->least[i] == least)
			return;
		w->least[i] = least;
	}
}

static void link_in(struct wheel_slot *s, struct wheel_item *item)
{
	if (s->head == NULL) {
		item->next = item;
		item->prev = item;
		s->head = item;
		return;
	}
	item->next = s->head;
	item->prev = s->head->prev;
	item->prev->next = item;
	item->next->prev = item;
}

static void link_out(struct wheel_slot *s, struct wheel_item *item)
{
	bool alone = item->next == item;

	if (s->head == item)
		s->head = alone ? NULL : item->next;
	item->prev->next = item->next;
	item->next->prev = item->prev;
	item->next = NULL;
	item->prev = NULL;
}

/* Looks through the slot again after the last of its least is gone. */
static void find_least(struct wheel *w, size_t slot)
{
	struct wheel_slot *s = &w->slots[slot];
	const struct wheel_item *item = s->head;
	int64_t least = TICK_NEVER;

	s->least_n = 0;
	if (item != NULL) {
		do {
			int64_t tick = tick_of(item);
			if (tick < least)
				s->least_n = 0;
			least = tick < least ? tick : least;
			s->least_n += tick == least;
			item = item->next;
		} while (item != s->head);
	}
	set_least(w, slot, least);
}

void wheel_add(struct wheel *w, struct wheel_item *item)
{
	assert(item->next == NULL);
	if (item->is.deadline.ms == PAIRTIME_NEVER.ms)
		return;
	int64_t tick = tick_of(item);
	size_t slot = slot_of(tick);
	struct wheel_slot *s = &w->slots[slot];
	int64_t least = w->least[WHEEL_SLOTS + slot];

	link_in(s, item);
	if (tick == least) {
		s->least_n++;
	} else if (tick < least) {
		s->least_n = 1;
		set_least(w, slot, tick);
	}
}

void wheel_remove(struct wheel *w, struct wheel_item *item)
{
	if (item->next == NULL)
		return;
	int64_t tick = tick_of(item);
	size_t slot = slot_of(tick);
	struct wheel_slot *s = &w->slots[slot];

	link_out(s, item);
	if (tick != w->least[WHEEL_SLOTS + slot])
		return;
	assert(s->least_n > 0);
	if (--s->least_n == 0)
		find_least(w, slot);
}

struct pairtime wheel_next(const struct wheel *w)
{
	int64_t tick = w->least[1];

	return tick == TICK_NEVER ? PAIRTIME_NEVER : (struct pairtime){tick * WHEEL_GRAIN_MS};
}

struct wheel_item *wheel_due(struct wheel *w, struct pairtime now)
{
	int64_t tick = w->least[1];

	if (!pairtime_reached(wheel_next(w), now) || tick == TICK_NEVER)
		return NULL;
	struct wheel_slot *s = &w->slots[slot_of(tick)];
	/* Those of later laps go behind the head: each is passed once per lap, not once per item. */
	while (tick_of(s->head) != tick)
		s->head = s->head->next;
	return s->head;
}
