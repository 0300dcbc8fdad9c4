/* fake_loop.h - a loop that only writes down what it is fed, in the place of node/io/loop.c: each test
 * program that includes it links this one. Several of them may share one event base. */
#ifndef TESTS_UNIT_FAKE_LOOP_H
#define TESTS_UNIT_FAKE_LOOP_H

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <event2/event.h>

#include "node/io/loop.h"

struct loop {
	struct event_base *base;
	struct config config;
	struct log *log;
	struct log the_log;
	enum role role;
	void (*on_feed)(struct loop *l,
	                const struct node_input *in); /* answers, drops; may be NULL */
	void *context;
	struct node_input last;
	size_t fed;
	bool address_here, keepalived_alive;
	int64_t ahead_ms; /* of the clock: what lies far away comes at once */
	bool paused;      /* as if the process had been stopped since the last step */
};

struct event_base *loop_base(const struct loop *l)
{
	return l->base;
}

/* The role is all that the edges ask of a node: it stands in the loop itself. */
const struct node *loop_node(const struct loop *l)
{
	return (const void *)l;
}

enum role node_role(const struct node *node)
{
	const struct loop *l = (const void *)node;

	return l->role;
}

const struct config *loop_config(const struct loop *l)
{
	return &l->config;
}

struct log *loop_log(const struct loop *l)
{
	return l->log;
}

struct mtime loop_now(const struct loop *l)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_BOOTTIME, &t);
	return (struct mtime){t.tv_sec * 1000 + t.tv_nsec / 1000000 + l->ahead_ms};
}

bool loop_paused(const struct loop *l)
{
	return l->paused;
}

void loop_feed(struct loop *l, struct node_input *in)
{
	l->last = *in;
	l->fed++;
	if (in->event == NODE_ADDRESS) {
		l->address_here = in->address.here;
		l->keepalived_alive = in->address.keepalived_alive;
	}
	if (l->on_feed != NULL)
		l->on_feed(l, in);
}

/* Its log goes nowhere, or to standard error where TEST_LOG is set, for whom a test puzzles. */
static inline void fake_loop_open(struct loop *l, struct event_base *base)
{
	l->base = base;
	l->log = &l->the_log;
	l->the_log.level = LOG_DEBUG;
	l->the_log.fd = getenv("TEST_LOG") != NULL ? dup(STDERR_FILENO)
	                                           : open("/dev/null", O_WRONLY | O_CLOEXEC);
}

static inline void fake_loop_close(struct loop *l)
{
	(void)close(l->the_log.fd);
}

/* One turn of at most 5 ms. */
static inline void fake_loop_turn(const struct loop *l)
{
	static const struct timeval tick = {.tv_usec = 5000};

	(void)event_base_loopexit(l->base, &tick);
	(void)event_base_loop(l->base, EVLOOP_ONCE);
}

#endif
