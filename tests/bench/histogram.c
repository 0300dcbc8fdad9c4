#include "tests/bench/histogram.h"

#include <assert.h>

static unsigned bucket_of(uint64_t us)
{
	if (us < HISTOGRAM_SUB)
		return (unsigned)us;

	unsigned top = 63U - (unsigned)__builtin_clzll(us);
	unsigned shift = top - HISTOGRAM_SUB_BITS;
	unsigned sub = (unsigned)(us >> shift) - HISTOGRAM_SUB;
	unsigned bucket = (shift + 1) * HISTOGRAM_SUB + sub;

	return bucket < HISTOGRAM_BUCKETS ? bucket : HISTOGRAM_BUCKETS - 1;
}

/* The largest value that falls into the bucket. */
static int64_t bucket_end(unsigned bucket)
{
	if (bucket < HISTOGRAM_SUB)
		return bucket;

	unsigned shift = bucket / HISTOGRAM_SUB - 1;
	uint64_t sub = bucket % HISTOGRAM_SUB + HISTOGRAM_SUB;

	return (int64_t)(((sub + 1) << shift) - 1);
}

void histogram_add(struct histogram *h, int64_t us)
{
	int64_t value = us > 0 ? us : 0;

	h->count[bucket_of((uint64_t)value)]++;
	h->total++;
	if (value > h->max_us)
		h->max_us = value;
}

int64_t histogram_at(const struct histogram *h, unsigned per_mille)
{
	assert(per_mille <= 1000);

	uint64_t wanted = (h->total * per_mille + 999) / 1000;
	uint64_t seen = 0;

	for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
		seen += h->count[i];
		if (seen >= wanted && seen > 0) {
			int64_t end = bucket_end(i);
			return end < h->max_us ? end : h->max_us;
		}
	}
	return h->max_us;
}
