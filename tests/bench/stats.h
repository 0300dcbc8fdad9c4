/* stats.h - what a run counted. Times are CLOCK_BOOTTIME in microseconds. */
#ifndef TESTS_BENCH_STATS_H
#define TESTS_BENCH_STATS_H

#include <stdbool.h>

#include "tests/bench/histogram.h"

enum { STATUS_END = 700 };

/* The longest time between two 200s in a row. */
struct gap {
	int64_t latest_us;           /* the 200 received last; 0: none yet */
	int64_t before_us, after_us; /* the two around the gap; equal: fewer than two came */
};

struct stats {
	int64_t began_us, ended_us;
	uint64_t sent;     /* requests, without retransmissions */
	uint64_t finished; /* operations with a final answer or a timeout */
	uint64_t timeouts;
	uint64_t retransmissions;
	uint64_t skipped;   /* open loop: due, but every user tried was still waiting */
	uint64_t unsent;    /* the socket would not take it; the next sending tries again */
	uint64_t strays;    /* answers to nothing outstanding: late or repeated */
	uint64_t malformed; /* not an answer */
	uint64_t by_status[STATUS_END]; /* every final answer, 401s that were answered included */
	struct histogram latency;       /* of operations that ended with 200 */
	struct gap gap;
};

int64_t now_us(void);

void gap_note(struct gap *gap, int64_t now_us); /* a 200 came */
int64_t gap_longest(const struct gap *gap);

#endif
