/* pair_clock.h - the pair's time line: mtime plus an offset that never steps
 * while a node is active. The active keeps it; the standby follows the active's heartbeats. */
#ifndef REPLICATION_PAIR_CLOCK_H
#define REPLICATION_PAIR_CLOCK_H

#include "proto/base/mtime.h"

struct pair_clock {
	bool set;
	bool following;        /* the offset came from a heartbeat: the line is the pair's */
	int64_t offset_ms;     /* pair = mtime + offset */
	struct pairtime floor; /* never below the newest stamp stored */
};

struct pairtime pair_clock_now(const struct pair_clock *c, struct mtime now);

/* At start, alone: goes on from the newest stored time by the wall clock's difference, clamped to
 * [0, longest]; from wall time where nothing is stored. True: the difference was above 1 h or the wall
 * clock is not synchronised, and expiry is to be held for a while. */
struct pair_clock_start {
	struct pairtime stored; /* newest stamp; 0: nothing stored */
	int64_t stored_wall_ms; /* wall clock at that stamp; 0: unknown */
	int64_t wall_ms;        /* now */
	bool wall_synchronised;
	int64_t longest_ms; /* the longest lifetime that may be stored */
};
bool pair_clock_begin(struct pair_clock *c, const struct pair_clock_start *s, struct mtime now);

/* A heartbeat of the active: its pair time when it was sent, half the round trip later. The first one
 * after pair_clock_begin moves time either way (a reachable peer's clock wins over our guess), down to
 * the floor; later ones forward alone: where the active's time is behind, ours waits for it. One whose
 * round trip is unknown, or long, may have been on its way for long: it moves no clock that follows. */
enum { PAIR_CLOCK_TRIP_UNKNOWN = -1 };
void pair_clock_follow(struct pair_clock *c, struct pairtime sent, int64_t round_trip_ms,
                       struct mtime now);
/* A stamp was stored: time may not fall below it. */
void pair_clock_seen(struct pair_clock *c, struct pairtime stamp);

#endif
