/* sim.c - plays seeds: the pair, its clients and everything that can go wrong, in virtual time. */
#include <getopt.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/sim/world.h"

struct run {
	uint64_t first, seeds, steps;
	int jobs;
	bool verbose, one;
	const char *program;
};

/* What a worker tells of one seed. */
struct report {
	uint64_t seed, us, steps, virtual_ms;
	bool begun, passed;
	uint64_t acked, reigns, crashes, snapshots, forks, merges, merge_faults, flips,
		flips_counted;
	char why[512];
};

static uint64_t now_us(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static struct report play(uint64_t seed, const struct run *run)
{
	struct report r = {.seed = seed};
	uint64_t begun = now_us();
	struct world *w = world_new(seed, run->verbose);

	r.passed = world_run(w, run->steps);
	(void)snprintf(r.why, sizeof r.why, "%s", w->why);
	r.steps = w->steps;
	r.virtual_ms = (uint64_t)w->now;
	r.acked = w->stat_acked;
	r.reigns = w->stat_takeovers;
	r.crashes = w->stat_crashes;
	r.snapshots = w->stat_snapshots;
	r.forks = w->stat_forks;
	r.merges = w->stat_merges;
	r.merge_faults = w->stat_merge_faults;
	r.flips = w->stat_flips;
	r.flips_counted = w->stat_flips_counted;
	world_free(&w);
	r.us = now_us() - begun;
	return r;
}

static void tell(int to, const struct report *r)
{
	if (write(to, r, sizeof *r) != (ssize_t)sizeof *r)
		_exit(2);
}

/* One process per share of the seeds: an assertion that fails ends only it. */
static pid_t start_worker(const struct run *run, uint64_t from, int pipe_end)
{
	(void)fflush(stdout);
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	for (uint64_t seed = from; seed < run->first + run->seeds; seed += (uint64_t)run->jobs) {
		struct report r = {.seed = seed, .begun = true};
		tell(pipe_end, &r);
		r = play(seed, run);
		tell(pipe_end, &r);
	}
	_exit(0);
}

enum { JOBS_MAX = 64 };

struct tally {
	uint64_t passed, failed, us, steps, virtual_ms;
	uint64_t acked, reigns, crashes, snapshots, forks, merges, merge_faults, flips,
		flips_counted;
	uint64_t slowest_us, slowest;
};

static void count(struct tally *t, const struct report *r, const struct run *run)
{
	if (r->passed)
		t->passed++;
	else
		t->failed++;
	if (!r->passed)
		printf("FAILED seed %llu: %s\n    replay: %s --seed %llu --verbose\n",
		       (unsigned long long)r->seed, r->why, run->program,
		       (unsigned long long)r->seed);
	t->us += r->us;
	t->steps += r->steps;
	t->virtual_ms += r->virtual_ms;
	t->acked += r->acked;
	t->reigns += r->reigns;
	t->crashes += r->crashes;
	t->snapshots += r->snapshots;
	t->forks += r->forks;
	t->merges += r->merges;
	t->merge_faults += r->merge_faults;
	t->flips += r->flips;
	t->flips_counted += r->flips_counted;
	if (r->us > t->slowest_us) {
		t->slowest_us = r->us;
		t->slowest = r->seed;
	}
	uint64_t done = t->passed + t->failed;
	if (done % 100 == 0 || !r->passed)
		printf("%llu of %llu seeds, %.1f ms a seed\n", (unsigned long long)done,
		       (unsigned long long)run->seeds, (double)t->us / 1000 / (double)done);
	(void)fflush(stdout);
}

/* A worker: where it is read from, and the seed it is at. */
struct worker {
	pid_t pid;
	int end; /* -1: it has ended */
	uint64_t at;
	bool playing;
};

static void open_worker(struct worker *wk, const struct run *run, uint64_t from)
{
	int ends[2];

	wk->end = -1;
	wk->playing = false;
	if (from >= run->first + run->seeds)
		return;
	if (pipe(ends) != 0 || (wk->pid = start_worker(run, from, ends[1])) < 0) {
		perror("sim");
		exit(2);
	}
	(void)close(ends[1]);
	wk->end = ends[0];
}

/* One that died within a seed is followed by another that goes on behind it. */
static void close_worker(struct worker *wk, const struct run *run, struct tally *t)
{
	struct report r = {.seed = wk->at};
	int status = 0;

	(void)close(wk->end);
	(void)waitpid(wk->pid, &status, 0);
	if (!wk->playing) {
		wk->end = -1;
		return;
	}
	(void)snprintf(r.why, sizeof r.why, "the process ended by signal %d: see above",
	               WIFSIGNALED(status) ? WTERMSIG(status) : 0);
	count(t, &r, run);
	open_worker(wk, run, wk->at + (uint64_t)run->jobs);
}

static void hear(struct worker *wk, const struct run *run, struct tally *t)
{
	struct report r;

	if (read(wk->end, &r, sizeof r) != (ssize_t)sizeof r) {
		close_worker(wk, run, t);
		return;
	}
	wk->playing = r.begun;
	wk->at = r.seed;
	if (!r.begun)
		count(t, &r, run);
}

static void play_all(const struct run *run, struct tally *t)
{
	struct worker workers[JOBS_MAX];
	struct pollfd fds[JOBS_MAX] = {{.fd = -1}};
	int open = 0;

	for (int i = 0; i < run->jobs; i++)
		open_worker(&workers[i], run, run->first + (uint64_t)i);
	do {
		open = 0;
		for (int i = 0; i < run->jobs; i++) {
			fds[i] = (struct pollfd){.fd = workers[i].end, .events = POLLIN};
			open += workers[i].end >= 0;
		}
		if (open > 0 && poll(fds, (nfds_t)run->jobs, -1) < 0)
			break;
		for (int i = 0; i < run->jobs; i++)
			if (workers[i].end >= 0 && fds[i].revents != 0)
				hear(&workers[i], run, t);
	} while (open > 0);
}

static int report_all(const struct run *run)
{
	struct tally t = {0};
	uint64_t begun = now_us();

	play_all(run, &t);
	uint64_t n = t.passed + t.failed;
	if (n > 0)
		printf("%.1f s for %.1f h of virtual time, %llu steps; %.1f ms a seed, slowest "
		       "%llu with %.0f ms\n",
		       (double)(now_us() - begun) / 1e6, (double)t.virtual_ms / 3.6e6,
		       (unsigned long long)t.steps, (double)t.us / 1000 / (double)n,
		       (unsigned long long)t.slowest, (double)t.slowest_us / 1000);
	printf("%llu acknowledged changes, %llu reigns, %llu crashes, %llu snapshots, %llu forks, "
	       "%llu merges, %llu faults within one, %llu flips repaired (%llu counted)\n",
	       (unsigned long long)t.acked, (unsigned long long)t.reigns,
	       (unsigned long long)t.crashes, (unsigned long long)t.snapshots,
	       (unsigned long long)t.forks, (unsigned long long)t.merges,
	       (unsigned long long)t.merge_faults, (unsigned long long)t.flips,
	       (unsigned long long)t.flips_counted);
	printf("%llu passed, %llu failed\n", (unsigned long long)t.passed,
	       (unsigned long long)t.failed);
	return t.failed == 0 ? 0 : 1;
}

static int play_one(const struct run *run)
{
	struct report r = play(run->first, run);

	if (!r.passed)
		printf("FAILED seed %llu: %s\n", (unsigned long long)r.seed, r.why);
	printf("%llu steps, %.1f s of virtual time, %.1f ms\n", (unsigned long long)r.steps,
	       (double)r.virtual_ms / 1000, (double)r.us / 1000);
	printf("%d passed, %d failed\n", r.passed, !r.passed);
	return r.passed ? 0 : 1;
}

static void usage(FILE *to, const char *program)
{
	(void)fprintf(to,
	              "Usage: %s [--seeds N] [--first S] [--jobs J]\n"
	              "       %s --seed S [--verbose] [--steps N]\n"
	              "Plays the pair in a simulated world, once for each seed.\n"
	              "  --seeds N   how many seeds (1000)     --first S   the first one (1)\n"
	              "  --jobs J    processes at once (1)     --seed S    only this one\n"
	              "  --verbose   tells the story           --steps N   stops after N steps\n"
	              "Exit code 1 if a seed failed; each prints the command that replays it.\n",
	              program, program);
}

static bool take_option(struct run *run, int option, const char *text)
{
	char *end = NULL;
	uint64_t n = text != NULL ? strtoull(text, &end, 10) : 0;

	if (text != NULL && (*text == '\0' || *end != '\0'))
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
		return n > 0 && n <= JOBS_MAX;
	case 's':
		run->first = n;
		run->one = true;
		return true;
	case 'v':
		run->verbose = true;
		return true;
	case 't':
		run->steps = n;
		return true;
	default:
		return false;
	}
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{"seeds", required_argument, NULL, 'n'}, {"first", required_argument, NULL, 'f'},
		{"jobs", required_argument, NULL, 'j'},  {"seed", required_argument, NULL, 's'},
		{"verbose", no_argument, NULL, 'v'},     {"steps", required_argument, NULL, 't'},
		{"help", no_argument, NULL, 'h'},        {NULL, 0, NULL, 0},
	};
	struct run run = {
		.first = 1, .seeds = 1000, .steps = UINT64_MAX, .jobs = 1, .program = argv[0]};
	int option;

	while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (option == 'h') {
			usage(stdout, argv[0]);
			return 0;
		}
		if (!take_option(&run, option, optarg)) {
			usage(stderr, argv[0]);
			return 2;
		}
	}
	if (optind < argc) {
		usage(stderr, argv[0]);
		return 2;
	}
	return run.one ? play_one(&run) : report_all(&run);
}
