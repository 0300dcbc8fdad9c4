#include "tests/bench/stats.h"

#include <time.h>

int64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int64_t gap_longest(const struct gap *gap)
{
	return gap->after_us - gap->before_us;
}

void gap_note(struct gap *gap, int64_t now_us)
{
	if (gap->latest_us != 0 && now_us - gap->latest_us > gap_longest(gap)) {
		gap->before_us = gap->latest_us;
		gap->after_us = now_us;
	}
	gap->latest_us = now_us;
}
