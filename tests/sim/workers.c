/* The processes that play: an assertion that fails ends one alone. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/sim/play.h"

enum { JOBS_MAX = 64 };

static void tell(int to, const struct report *r)
{
	if (write(to, r, sizeof *r) != (ssize_t)sizeof *r)
		_exit(2);
}

static pid_t start_worker(const struct run *run, uint64_t from, int pipe_end)
{
	(void)fflush(stdout);
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	for (uint64_t at = from; at < run_worlds(run); at += (uint64_t)run->jobs) {
		struct report r = {.number = at, .begun = true};
		tell(pipe_end, &r);
		r = play(run, at);
		tell(pipe_end, &r);
	}
	_exit(0);
}

/* Where it is read from, and the world it is at. */
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
	if (from >= run_worlds(run))
		return;
	if (pipe(ends) != 0 || (wk->pid = start_worker(run, from, ends[1])) < 0) {
		perror("sim");
		exit(2);
	}
	(void)close(ends[1]);
	wk->end = ends[0];
}

/* One that died within a world is followed by another that goes on behind it. */
static void close_worker(struct worker *wk, const struct run *run, struct tally *t)
{
	struct report r = {.number = wk->at};
	int status = 0;

	(void)close(wk->end);
	(void)waitpid(wk->pid, &status, 0);
	if (!wk->playing) {
		wk->end = -1;
		return;
	}
	(void)snprintf(r.why, sizeof r.why, "the process ended by signal %d: see above",
	               WIFSIGNALED(status) ? WTERMSIG(status) : 0);
	tally_add(t, &r, run);
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
	wk->at = r.number;
	if (!r.begun)
		tally_add(t, &r, run);
}

void workers_play(const struct run *run, struct tally *t)
{
	struct worker workers[JOBS_MAX];
	struct pollfd fds[JOBS_MAX] = {{.fd = -1}};
	int open = 0;

	for (int i = 0; i < run->jobs; i++)
		open_worker(&workers[i], run, (uint64_t)i);
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
