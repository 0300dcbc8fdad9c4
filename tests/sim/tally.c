/* What many worlds count together, and how they get on. */
#include <stdio.h>
#include <sys/resource.h>

#include "tests/sim/play.h"

static const char *const stat_texts[STATS] = {
#define STAT_TEXT(stat, text) text,
	STAT_LIST(STAT_TEXT)
#undef STAT_TEXT
};

enum { TELL_EACH_US = 10 * 1000 * 1000, SELDOM_AFTER_US = 120 * 1000 * 1000, SELDOM = 6 };

void tally_begin(struct tally *t)
{
	*t = (struct tally){.begun_us = play_now_us()};
	t->told_us = t->begun_us;
}

static void print_failure(const struct report *r, const struct run *run)
{
	const struct play_case *c = run_case(run, r->number);
	unsigned long long seed = (unsigned long long)run_seed(run, r->number);

	if (c->scenario != NULL)
		printf("FAILED %s, %s, seed %llu: %s\n    replay: %s --scenario %s --load %s "
		       "--seed "
		       "%llu --verbose\n",
		       c->scenario->name, load_name(c->load), seed, r->why, run->program, c->path,
		       load_name(c->load), seed);
	else
		printf("FAILED seed %llu: %s\n    replay: %s --seed %llu --verbose\n", seed, r->why,
		       run->program, seed);
}

static void print_progress(struct tally *t, const struct run *run)
{
	uint64_t done = t->passed + t->failed, now = play_now_us();
	double seconds = (double)(now - t->begun_us) / 1e6, rate = (double)done / seconds;
	uint64_t left_s = (uint64_t)((double)(run_worlds(run) - done) / rate);

	t->told_us = now;
	printf("%llu of %llu worlds, %.0f a second, %.1f ms each, %llu failed; %llu min %llu s "
	       "left\n",
	       (unsigned long long)done, (unsigned long long)run_worlds(run), rate,
	       (double)t->us / 1000 / (double)done, (unsigned long long)t->failed,
	       (unsigned long long)left_s / 60, (unsigned long long)left_s % 60);
}

void tally_add(struct tally *t, const struct report *r, const struct run *run)
{
	t->passed += r->passed;
	t->failed += !r->passed;
	t->us += r->us;
	t->steps += r->steps;
	t->virtual_ms += r->virtual_ms;
	for (int i = 0; i < STATS; i++)
		t->stat[i] += r->stat[i];
	if (r->us > t->slowest_us) {
		t->slowest_us = r->us;
		t->slowest = run_seed(run, r->number);
	}
	if (!r->passed)
		print_failure(r, run);
	bool seldom = t->told_us - t->begun_us > SELDOM_AFTER_US;
	if (play_now_us() - t->told_us > (uint64_t)TELL_EACH_US * (seldom ? SELDOM : 1))
		print_progress(t, run);
	(void)fflush(stdout);
}

void tally_print(const struct tally *t, const struct run *run)
{
	uint64_t n = t->passed + t->failed;
	struct rusage used = {.ru_maxrss = 0};

	(void)getrusage(RUSAGE_CHILDREN, &used);
	if (n > 0)
		printf("%.1f s for %.1f h of virtual time, %llu steps; %.1f ms a world, slowest of "
		       "seed %llu with %.0f ms; %ld MiB at the most\n",
		       (double)(play_now_us() - t->begun_us) / 1e6, (double)t->virtual_ms / 3.6e6,
		       (unsigned long long)t->steps, (double)t->us / 1000 / (double)n,
		       (unsigned long long)t->slowest, (double)t->slowest_us / 1000,
		       used.ru_maxrss / 1024);
	for (int i = 0; i < STATS; i++)
		printf("%s%llu %s", i == 0 ? "" : ", ", (unsigned long long)t->stat[i],
		       stat_texts[i]);
	if (run->n_cases > 1)
		printf("\n%zu scenarios and loads, %llu seeds each", run->n_cases,
		       (unsigned long long)run->seeds);
	printf("\n%llu passed, %llu failed\n", (unsigned long long)t->passed,
	       (unsigned long long)t->failed);
}
