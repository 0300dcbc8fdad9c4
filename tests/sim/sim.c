/* sim.c - plays seeds: the pair, its clients and everything that can go wrong, in virtual time. */
#include <dirent.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "tests/sim/play.h"

enum { SCENARIOS_MAX = 64, PATH_SIZE = 512, JOBS_MOST = 64, SCENARIO_SEEDS = 10, SEEDS = 1000 };

uint64_t play_now_us(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

struct report play(const struct run *run, uint64_t number)
{
	const struct play_case *c = run_case(run, number);
	struct world_options o = {
		.verbose = run->verbose, .scenario = c->scenario, .load = c->load};
	struct report r = {.number = number};
	uint64_t begun = play_now_us();
	struct world *w = world_new(run_seed(run, number), &o);

	r.passed = world_run(w, run->steps);
	(void)snprintf(r.why, sizeof r.why, "%s", w->why);
	r.steps = w->steps;
	r.virtual_ms = (uint64_t)w->now;
	memcpy(r.stat, w->stat, sizeof r.stat);
	world_free(&w);
	r.us = play_now_us() - begun;
	return r;
}

static int play_all(const struct run *run)
{
	struct tally t;

	tally_begin(&t);
	workers_play(run, &t);
	tally_print(&t, run);
	return t.failed == 0 ? 0 : 1;
}

static int play_one(const struct run *run)
{
	int failed = 0;

	for (uint64_t i = 0; i < run->n_cases; i++) {
		struct report r = play(run, i);
		const struct play_case *c = run_case(run, i);
		if (c->scenario != NULL)
			printf("%s, %s: ", c->scenario->name, load_name(c->load));
		if (!r.passed)
			printf("FAILED seed %llu: %s\n", (unsigned long long)run->first, r.why);
		printf("%llu steps, %.1f s of virtual time, %.1f ms\n", (unsigned long long)r.steps,
		       (double)r.virtual_ms / 1000, (double)r.us / 1000);
		failed += !r.passed;
	}
	printf("%d passed, %d failed\n", (int)run->n_cases - failed, failed);
	return failed == 0 ? 0 : 1;
}

/* --- what is asked for --- */

struct ask {
	struct run run;
	char paths[SCENARIOS_MAX][PATH_SIZE];
	struct scenario *scenarios; /* SCENARIOS_MAX */
	size_t n;
	struct play_case cases[SCENARIOS_MAX * LOADS];
	size_t n_cases;
	bool load_known;
	int load;
};

static void usage(FILE *to, const char *program)
{
	(void)fprintf(
		to,
		"Usage: %s [--seeds N] [--first S] [--jobs J]\n"
		"       %s --scenario FILE|FOLDER [--load L] [--seeds N] [--first S] [--jobs J]\n"
		"       %s --seed S [--scenario FILE --load L] [--verbose] [--steps N]\n"
		"Plays the pair in a simulated world, once for each seed.\n"
		"  --seeds N     how many seeds (%d; %d with a scenario)\n"
		"  --first S     the first one (1)       --jobs J    processes at once (1)\n"
		"  --seed S      only this one           --verbose   tells the story\n"
		"  --steps N     stops after N steps of the nodes\n"
		"  --scenario F  what happens is written there, or in all .txt files there\n"
		"  --load L      idle, busy, expiry or resync alone\n"
		"Exit code 1 if a world failed; each prints the command that replays it.\n",
		program, program, program, SEEDS, SCENARIO_SEEDS);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(a, b);
}

static bool is_text(const char *name)
{
	size_t n = strlen(name);

	return n > 4 && strcmp(name + n - 4, ".txt") == 0;
}

/* All of a folder in the order of their names; a file by itself. */
static void add_paths(struct ask *ask, const char *path)
{
	size_t from = ask->n;
	DIR *folder = opendir(path);

	if (folder == NULL && ask->n < SCENARIOS_MAX)
		(void)snprintf(ask->paths[ask->n++], PATH_SIZE, "%s", path);
	if (folder == NULL)
		return;
	for (const struct dirent *e = readdir(folder); e != NULL; e = readdir(folder))
		if (is_text(e->d_name) && ask->n < SCENARIOS_MAX)
			(void)snprintf(ask->paths[ask->n++], PATH_SIZE, "%.250s/%.250s", path,
			               e->d_name);
	(void)closedir(folder);
	qsort(ask->paths[from], ask->n - from, PATH_SIZE, by_name);
}

static bool read_scenarios(struct ask *ask)
{
	struct scenario_fault fault;

	for (size_t i = 0; i < ask->n; i++) {
		struct scenario *s = &ask->scenarios[i];
		if (!scenario_read(ask->paths[i], s, &fault)) {
			(void)fprintf(stderr, "%s\n", fault.text);
			return false;
		}
		for (int load = 0; load < LOADS; load++)
			if (ask->load_known ? load == ask->load : s->loads[load])
				ask->cases[ask->n_cases++] =
					(struct play_case){s, ask->paths[i], (enum load)load};
	}
	if (ask->n == 0)
		ask->cases[ask->n_cases++] = (struct play_case){.scenario = NULL};
	ask->run.cases = ask->cases;
	ask->run.n_cases = ask->n_cases;
	return true;
}

static bool take_load(struct ask *ask, const char *text)
{
	ask->load_known = true;
	for (ask->load = 0; ask->load < LOADS; ask->load++)
		if (strcmp(text, load_name((enum load)ask->load)) == 0)
			return true;
	return false;
}

static bool take_number(struct run *run, int option, const char *text)
{
	char *end = NULL;
	uint64_t n = strtoull(text, &end, 10);

	if (*text == '\0' || *end != '\0')
		return false;
	switch (option) {
	case 'n':
		run->seeds = n;
		return true;
	case 'f':
		run->first = n;
		return true;
	case 'j':
		run->jobs = (int)n;
		return n > 0 && n <= JOBS_MOST;
	case 's':
		run->first = n;
		run->one = true;
		return true;
	case 't':
		run->steps = n;
		return true;
	default:
		return false;
	}
}

static bool take_option(struct ask *ask, int option, const char *text)
{
	switch (option) {
	case 'v':
		ask->run.verbose = true;
		return true;
	case 'c':
		add_paths(ask, text);
		return true;
	case 'l':
		return take_load(ask, text);
	default:
		return text != NULL && take_number(&ask->run, option, text);
	}
}

/* 0: go on; else one more than the exit code. */
static int take_options(struct ask *ask, int argc, char **argv)
{
	static const struct option options[] = {
		{"seeds", required_argument, NULL, 'n'},    {"first", required_argument, NULL, 'f'},
		{"jobs", required_argument, NULL, 'j'},     {"seed", required_argument, NULL, 's'},
		{"scenario", required_argument, NULL, 'c'}, {"load", required_argument, NULL, 'l'},
		{"verbose", no_argument, NULL, 'v'},        {"steps", required_argument, NULL, 't'},
		{"help", no_argument, NULL, 'h'},           {NULL, 0, NULL, 0},
	};
	int option;

	while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (option == 'h') {
			usage(stdout, argv[0]);
			return 1;
		}
		if (!take_option(ask, option, optarg)) {
			usage(stderr, argv[0]);
			return 3;
		}
	}
	if (optind < argc) {
		usage(stderr, argv[0]);
		return 3;
	}
	if (ask->run.seeds == 0)
		ask->run.seeds = ask->n > 0 ? SCENARIO_SEEDS : SEEDS;
	return read_scenarios(ask) ? 0 : 3;
}

int main(int argc, char **argv)
{
	struct ask *ask = take_memory(sizeof *ask);

	memset(ask, 0, sizeof *ask);
	ask->scenarios = take_memory(SCENARIOS_MAX * sizeof *ask->scenarios);
	ask->run = (struct run){.first = 1, .steps = UINT64_MAX, .jobs = 1, .program = argv[0]};
	int status = take_options(ask, argc, argv);
	if (status == 0)
		status = 1 + (ask->run.one ? play_one(&ask->run) : play_all(&ask->run));
	free(ask->scenarios);
	free(ask);
	return status - 1;
}
