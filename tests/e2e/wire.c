/* wire - a cable with faults between two network namespaces, in user space.
 *
 * Usage: wire NAMESPACE NAMESPACE [SEED]
 * Makes an interface `wire` (TUN, it carries IP packets) in each and says `ready`. What it does to
 * packets is told by lines on standard input, KEY[1|2] VALUE: 1 from the first namespace to the second,
 * 2 back, without a digit both. Each line is answered by one: how many packets have come, left, were lost
 * and were doubled. At the end of input it ends, and the interfaces go with it. */
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "proto/base/defs.h"

enum {
	PACKET_MAX = 2048,
	UNDERWAY_MAX = 1024, /* packets on the cable; one more is lost, as in a switch */
	BATCH = 64,          /* packets read in a row from one end */
	LINE_MAX_BYTES = 64,
	LATE_MS = 5, /* how long one is held back that others shall overtake */
	MS = 1000,
};

/* What a direction does to its packets. */
struct faults {
	double loss, dup, reorder; /* percent */
	double delay, jitter;      /* ms; jitter is added or taken off, evenly */
	double rate;               /* kbit/s; 0: no limit */
};

struct direction {
	struct faults faults;
	int from, to;
	int64_t busy_until_us; /* with a rate: the last packet is out by then */
	uint64_t in, out, lost, doubled;
};

struct packet {
	int64_t due_us;
	struct direction *on;
	size_t n;
	uint8_t bytes[PACKET_MAX];
};

struct cable {
	struct direction way[2];
	struct packet *underway[UNDERWAY_MAX]; /* no order: few are under way at once */
	size_t n_underway;
	struct packet *spare[UNDERWAY_MAX];
	size_t n_spare;
	struct packet room[UNDERWAY_MAX];
	unsigned short dice[3];
	char line[LINE_MAX_BYTES];
	size_t n_line;
};

static const struct key {
	const char *name;
	size_t at;
} keys[] = {
	{"loss", offsetof(struct faults, loss)},       {"dup", offsetof(struct faults, dup)},
	{"reorder", offsetof(struct faults, reorder)}, {"delay", offsetof(struct faults, delay)},
	{"jitter", offsetof(struct faults, jitter)},   {"rate", offsetof(struct faults, rate)},
};

static int64_t now_us(void)
{
	struct timespec t = {0};

	(void)clock_gettime(CLOCK_MONOTONIC, &t); /* cannot fail with this clock */
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* A TUN named `wire` in that namespace; -1: a line about it is on stderr. */
static int open_end(const char *namespace)
{
	char path[256];
	struct ifreq request = {.ifr_flags = IFF_TUN | IFF_NO_PI, .ifr_name = "wire"};

	(void)snprintf(path, sizeof path, "/run/netns/%s", namespace);
	int there = open(path, O_RDONLY | O_CLOEXEC);

	if (there < 0 || setns(there, CLONE_NEWNET) != 0) {
		perror(path);
		return -1;
	}
	(void)close(there);

	int tun = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC); /* of this namespace */

	if (tun < 0 || ioctl(tun, TUNSETIFF, &request) != 0) {
		perror("/dev/net/tun");
		return -1;
	}
	return tun;
}

/* --- packets --- */

static bool happens(struct cable *c, double percent)
{
	return percent > 0 && erand48(c->dice) * 100 < percent;
}

/* When it is at the other end: behind those before it, and as long as the way takes. */
static int64_t arrival(struct cable *c, struct direction *d, size_t n, int64_t now)
{
	const struct faults *f = &d->faults;
	double way = f->delay + (happens(c, f->reorder) ? LATE_MS : 0);
	int64_t start = now;

	if (f->jitter > 0)
		way += (erand48(c->dice) * 2 - 1) * f->jitter;
	if (f->rate > 0) {
		if (d->busy_until_us < now)
			d->busy_until_us = now;
		d->busy_until_us += (int64_t)((double)n * 8 * MS / f->rate);
		start = d->busy_until_us;
	}
	return start + (way > 0 ? (int64_t)(way * MS) : 0);
}

static void put(struct cable *c, struct direction *d, const uint8_t *bytes, size_t n)
{
	if (c->n_spare == 0) {
		d->lost++;
		return;
	}
	struct packet *p = c->spare[--c->n_spare];

	p->on = d;
	p->n = n;
	memcpy(p->bytes, bytes, n);
	p->due_us = arrival(c, d, n, now_us());
	c->underway[c->n_underway++] = p;
}

static void take_in(struct cable *c, struct direction *d)
{
	uint8_t bytes[PACKET_MAX];

	for (unsigned i = 0; i < BATCH; i++) {
		ssize_t n = read(d->from, bytes, sizeof bytes);
		if (n <= 0)
			return;
		d->in++;
		if (happens(c, d->faults.loss)) {
			d->lost++;
			continue;
		}
		put(c, d, bytes, (size_t)n);
		if (!happens(c, d->faults.dup))
			continue;
		d->doubled++;
		put(c, d, bytes, (size_t)n);
	}
}

/* Who is due first; of several the one that was put first. NULL: nobody is under way. */
static struct packet **first_due(struct cable *c)
{
	struct packet **first = NULL;

	for (size_t i = 0; i < c->n_underway; i++)
		if (first == NULL || c->underway[i]->due_us < (*first)->due_us)
			first = &c->underway[i];
	return first;
}

static void let_out(struct cable *c, struct packet **at)
{
	struct packet *p = *at;
	struct packet **end = c->underway + --c->n_underway;

	if (write(p->on->to, p->bytes, p->n) == (ssize_t)p->n)
		p->on->out++;
	else
		p->on->lost++;
	for (; at < end; at++)
		at[0] = at[1];
	c->spare[c->n_spare++] = p;
}

/* --- commands --- */

static bool set(struct cable *c, char *name, double value)
{
	size_t n = strlen(name);
	unsigned from = 0, to = 1;

	if (n > 0 && (name[n - 1] == '1' || name[n - 1] == '2')) {
		from = to = (unsigned)(name[n - 1] - '1');
		name[n - 1] = '\0';
	}
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		if (strcmp(keys[i].name, name) != 0)
			continue;
		for (unsigned w = from; w <= to; w++)
			memcpy((char *)&c->way[w].faults + keys[i].at, &value, sizeof value);
		return true;
	}
	return strcmp(name, "counts") == 0;
}

static void obey(struct cable *c, char *line)
{
	char *rest = line;
	char *name = strsep(&rest, " ");
	double value = rest != NULL ? strtod(rest, NULL) : 0;

	if (!set(c, name, value)) {
		printf("unknown\n");
	} else {
		const struct direction *a = &c->way[0], *b = &c->way[1];
		printf("%llu %llu %llu %llu %llu %llu %llu %llu\n", (unsigned long long)a->in,
		       (unsigned long long)a->out, (unsigned long long)a->lost,
		       (unsigned long long)a->doubled, (unsigned long long)b->in,
		       (unsigned long long)b->out, (unsigned long long)b->lost,
		       (unsigned long long)b->doubled);
	}
	(void)fflush(stdout);
}

/* False: the input has ended, or is no line. */
static bool read_commands(struct cable *c)
{
	ssize_t n = read(STDIN_FILENO, c->line + c->n_line, sizeof c->line - 1 - c->n_line);
	char *end;

	if (n <= 0)
		return false;
	c->n_line += (size_t)n;
	c->line[c->n_line] = '\0';
	while ((end = strchr(c->line, '\n')) != NULL) {
		size_t used = (size_t)(end - c->line) + 1;
		*end = '\0';
		obey(c, c->line);
		c->n_line -= used;
		memmove(c->line, c->line + used, c->n_line + 1);
	}
	return c->n_line < sizeof c->line - 1;
}

/* --- the loop --- */

/* Lets out what is due; how long until the next is, NULL: nobody is under way. */
static const struct timespec *deliver(struct cable *c, struct timespec *wait)
{
	struct packet **first = first_due(c);
	int64_t now = now_us();

	while (first != NULL && (*first)->due_us <= now) {
		let_out(c, first);
		first = first_due(c);
	}
	if (first == NULL)
		return NULL;

	int64_t left = (*first)->due_us - now;

	*wait = (struct timespec){left / 1000000, left % 1000000 * 1000};
	return wait;
}

static void carry(struct cable *c)
{
	struct pollfd ends[3] = {{c->way[0].from, POLLIN, 0},
	                         {c->way[1].from, POLLIN, 0},
	                         {STDIN_FILENO, POLLIN, 0}};

	for (;;) {
		struct timespec wait;

		if (ppoll(ends, ARRAY_LEN(ends), deliver(c, &wait), NULL) < 0 && errno != EINTR)
			return;
		for (unsigned i = 0; i < 2; i++)
			if (ends[i].revents != 0)
				take_in(c, &c->way[i]);
		if (ends[2].revents != 0 && !read_commands(c))
			return;
	}
}

int main(int argc, char **argv)
{
	static struct cable cable;

	if (argc < 3) {
		(void)fprintf(stderr, "usage: wire NAMESPACE NAMESPACE [SEED]\n");
		return 2;
	}
	const int ends[] = {open_end(argv[1]), open_end(argv[2])};

	if (ends[0] < 0 || ends[1] < 0)
		return 1;
	for (unsigned i = 0; i < 2; i++) {
		cable.way[i].from = ends[i];
		cable.way[i].to = ends[1 - i];
	}
	while (cable.n_spare < UNDERWAY_MAX) {
		cable.spare[cable.n_spare] = &cable.room[cable.n_spare];
		cable.n_spare++;
	}
	cable.dice[0] = (unsigned short)(argc > 3 ? strtoul(argv[3], NULL, 10) : 1);
	printf("ready\n");
	(void)fflush(stdout);
	carry(&cable);
	return 0;
}
