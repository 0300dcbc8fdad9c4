/* play.h - many worlds, one after the other and side by side: which, by whom, and what they count. */
#ifndef TESTS_SIM_PLAY_H
#define TESTS_SIM_PLAY_H

#include "tests/sim/scenario.h"

/* What is played with every seed: chance alone, or a scenario under one of its loads. */
struct play_case {
	const struct scenario *scenario; /* NULL: chance alone */
	const char *path;
	enum load load;
};

struct run {
	uint64_t first, seeds, steps;
	int jobs;
	bool verbose, one;
	const char *program;
	const struct play_case *cases;
	size_t n_cases;
};

/* What a worker tells of one world: it begins, or it has ended. */
struct report {
	uint64_t number, us, steps,
		virtual_ms; /* number: from 0; every case before the next seed */
	bool begun, passed;
	uint64_t stat[STATS];
	char why[512];
};

static inline uint64_t run_worlds(const struct run *run)
{
	return run->seeds * run->n_cases;
}

static inline uint64_t run_seed(const struct run *run, uint64_t number)
{
	return run->first + number / run->n_cases;
}

static inline const struct play_case *run_case(const struct run *run, uint64_t number)
{
	return &run->cases[number % run->n_cases];
}

struct report play(const struct run *run, uint64_t number);
uint64_t play_now_us(void);

struct tally {
	uint64_t passed, failed, us, steps, virtual_ms, stat[STATS];
	uint64_t slowest_us, slowest;
	uint64_t begun_us, told_us;
};
void tally_begin(struct tally *t);
void tally_add(struct tally *t, const struct report *r, const struct run *run);
void tally_print(const struct tally *t, const struct run *run);

/* All worlds of the run, by as many processes as it asks for. */
void workers_play(const struct run *run, struct tally *t);

#endif
