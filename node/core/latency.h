/* latency.h - how long answers took within the last minute: a histogram that forgets, bounded. Pure. */
#ifndef NODE_CORE_LATENCY_H
#define NODE_CORE_LATENCY_H

#include <stdint.h>

#include "proto/base/mtime.h"

enum {
	LATENCY_SLOTS = 6, /* of ten seconds each, the newest under way */
	LATENCY_SLOT_MS = 10 * 1000,
	LATENCY_PARTS = 8, /* of each doubling: what is told is at most an eighth more than was */
	LATENCY_DOUBLINGS = 22, /* from 8 us to 33 s; longer ones count as that */
	LATENCY_BUCKETS = LATENCY_PARTS * LATENCY_DOUBLINGS + LATENCY_PARTS,
};

struct latency {
	struct latency_slot {
		int64_t number; /* of this stretch of time */
		uint64_t n;
		uint32_t count[LATENCY_BUCKETS];
	} slot[LATENCY_SLOTS];
}; /* zeroed at first */

void latency_add(struct latency *l, int64_t us, struct mtime now);
/* Us within which so many of a hundred were answered; 0: nobody was. */
uint64_t latency_within(const struct latency *l, unsigned percent, struct mtime now);

#endif
