/* wheel.h - the working copy's timers: items in slots of 250 ms, the slots under a tree of least times.
 *
 * An item comes once its slot's time is there: never early, late by less than the grain. A slot holds
 * every deadline that falls on it in any lap, and knows the least and how many have it; so what is
 * due next is at the tree's root, however far the laps or however long nobody asked. */
#ifndef NODE_CORE_WHEEL_H
#define NODE_CORE_WHEEL_H

#include "node/core/copy.h"

enum {
	WHEEL_GRAIN_MS = 250,
	WHEEL_SLOTS = 16384, /* one lap: 68 minutes, more than the usual longest lifetime */
};

/* Intrusive: an item's deadline changes only while it is out of the wheel. */
struct wheel_item {
	struct copy_item is;
	struct wheel_item *next, *prev; /* a circle; NULL: not in the wheel */
};

struct wheel {
	struct wheel_slot {
		struct wheel_item *head;
		uint64_t least_n; /* items that have the slot's least tick */
	} slots[WHEEL_SLOTS];
	int64_t least[2 *
	              WHEEL_SLOTS]; /* a heap-shaped tree; its leaves are the slots' least ticks */
};

void wheel_init(struct wheel *w);
void wheel_add(struct wheel *w, struct wheel_item *item); /* without a deadline: stays out */
void wheel_remove(struct wheel *w, struct wheel_item *item);
struct wheel_item *wheel_due(struct wheel *w, struct pairtime now); /* stays in; NULL: none */
struct pairtime wheel_next(const struct wheel *w);

#endif
