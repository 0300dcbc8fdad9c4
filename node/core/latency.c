#include "node/core/latency.h"

#include <assert.h>
#include <string.h>

static size_t bucket_of(uint64_t us)
{
	size_t doubling = 0;

	while (us / 2 >= LATENCY_PARTS) {
		us /= 2;
		doubling++;
	}
	size_t bucket = us < LATENCY_PARTS ? us
	                                   : (doubling + 1) * LATENCY_PARTS + us - LATENCY_PARTS;
	return bucket < LATENCY_BUCKETS ? bucket : LATENCY_BUCKETS - 1;
}

/* The longest that falls into it. */
static uint64_t longest_in(size_t bucket)
{
	if (bucket < LATENCY_PARTS)
		return bucket;
	size_t doubling = bucket / LATENCY_PARTS - 1;
	uint64_t part = bucket % LATENCY_PARTS + LATENCY_PARTS;
	return ((part + 1) << doubling) - 1;
}

static int64_t slot_number(struct mtime now)
{
	return now.ms / LATENCY_SLOT_MS + 1; /* 0 is of none */
}

void latency_add(struct latency *l, int64_t us, struct mtime now)
{
	int64_t number = slot_number(now);
	struct latency_slot *s = &l->slot[(uint64_t)number % LATENCY_SLOTS];

	if (s->number != number)
		*s = (struct latency_slot){.number = number};
	s->n++;
	s->count[bucket_of(us > 0 ? (uint64_t)us : 0)]++;
}

static bool is_fresh(const struct latency_slot *s, struct mtime now)
{
	return s->number != 0 && s->number > slot_number(now) - LATENCY_SLOTS;
}

uint64_t latency_within(const struct latency *l, unsigned percent, struct mtime now)
{
	uint64_t n = 0, met = 0;

	assert(percent > 0 && percent <= 100);
	for (size_t i = 0; i < LATENCY_SLOTS; i++)
		n += is_fresh(&l->slot[i], now) ? l->slot[i].n : 0;
	uint64_t wanted = (n * percent + 99) / 100;
	for (size_t b = 0; b < LATENCY_BUCKETS && n > 0; b++) {
		for (size_t i = 0; i < LATENCY_SLOTS; i++)
			met += is_fresh(&l->slot[i], now) ? l->slot[i].count[b] : 0;
		if (met >= wanted)
			return longest_in(b);
	}
	return 0;
}
