/* histogram.h - counts durations in buckets whose width grows with their value (1/64 of it at
 * most), so that a percentile is exact to 1.6 % from a microsecond to half an hour. */
#ifndef TESTS_BENCH_HISTOGRAM_H
#define TESTS_BENCH_HISTOGRAM_H

#include <stdint.h>

enum {
	HISTOGRAM_SUB_BITS = 6,
	HISTOGRAM_SUB = 1 << HISTOGRAM_SUB_BITS, /* buckets per octave */
	HISTOGRAM_OCTAVES = 26,                  /* the last one ends at 2^31 us, 36 minutes */
	HISTOGRAM_BUCKETS = HISTOGRAM_SUB * HISTOGRAM_OCTAVES,
};

struct histogram {
	uint64_t total;
	int64_t max_us; /* exact */
	uint64_t count[HISTOGRAM_BUCKETS];
};

void histogram_add(struct histogram *h, int64_t us); /* below 0 counts as 0 */

/* The value that `per_mille` thousandths of the durations do not exceed; 0 of an empty one. */
int64_t histogram_at(const struct histogram *h, unsigned per_mille);

#endif
