/* mtime.h - the two times of the tree, each a type of its own, so that they cannot be mixed up.
 *
 * mtime: this host's CLOCK_BOOTTIME in ms. For deadlines of this process only; never stored or sent.
 * pairtime: the pair clock in ms: starts from wall time once, never steps while
 * a node is active, the same line on both nodes. Stored lifetimes and stamps are in it.
 *
 * Nothing below node/io reads a clock: `now` is always a parameter. */
#ifndef PROTO_BASE_MTIME_H
#define PROTO_BASE_MTIME_H

#include <stdbool.h>
#include <stdint.h>

struct mtime {
	int64_t ms;
};

struct pairtime {
	int64_t ms;
};

#define MTIME_NEVER     ((struct mtime){INT64_MAX})
/* The year 10000: times from there on are nobody's, they come from broken bytes. */
#define PAIRTIME_END_MS INT64_C(253402300800000)
#define PAIRTIME_NEVER  ((struct pairtime){INT64_MAX})

static inline struct mtime mtime_add_ms(struct mtime t, int64_t ms)
{
	return (struct mtime){t.ms + ms};
}

static inline bool mtime_reached(struct mtime deadline, struct mtime now)
{
	return deadline.ms <= now.ms;
}

static inline struct mtime mtime_min(struct mtime a, struct mtime b)
{
	return a.ms < b.ms ? a : b;
}

static inline struct pairtime pairtime_add_s(struct pairtime t, int64_t s)
{
	return (struct pairtime){t.ms + s * 1000};
}

static inline bool pairtime_reached(struct pairtime deadline, struct pairtime now)
{
	return deadline.ms <= now.ms;
}

#endif
