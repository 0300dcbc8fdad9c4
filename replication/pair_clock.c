#include "replication/pair_clock.h"

enum {
	DOUBT_MS = 3600 * 1000,   /* a wall clock that moved further while we were away */
	ROUND_TRIP_MAX_MS = 1000, /* half of a longer one says too little */
};

static bool plausible(struct pairtime t)
{
	return t.ms > 0 && t.ms < PAIRTIME_END_MS;
}

struct pairtime pair_clock_now(const struct pair_clock *c, struct mtime now)
{
	struct pairtime t = {now.ms + c->offset_ms};

	return c->set && t.ms > c->floor.ms ? t : c->floor;
}

static int64_t clamp(int64_t v, int64_t low, int64_t high)
{
	if (v < low)
		return low;
	return v > high ? high : v;
}

bool pair_clock_begin(struct pair_clock *c, const struct pair_clock_start *s, struct mtime now)
{
	bool stored = plausible(s->stored);
	int64_t wall_ms = clamp(s->wall_ms, 1, PAIRTIME_END_MS - 1);
	bool wall_known = s->stored_wall_ms > 0 && s->stored_wall_ms < PAIRTIME_END_MS;
	int64_t moved_ms = wall_known ? wall_ms - s->stored_wall_ms : 0;
	int64_t start_ms = stored ? s->stored.ms + clamp(moved_ms, 0, s->longest_ms) : wall_ms;

	*c = (struct pair_clock){.set = true, .offset_ms = start_ms - now.ms};
	if (!stored)
		return false;
	c->floor = s->stored;
	return !wall_known || !s->wall_synchronised || moved_ms > DOUBT_MS || moved_ms < -DOUBT_MS;
}

void pair_clock_follow(struct pair_clock *c, struct pairtime sent, int64_t round_trip_ms,
                       struct mtime now)
{
	bool sure = round_trip_ms >= 0 && round_trip_ms <= ROUND_TRIP_MAX_MS;

	if (!plausible(sent) || (c->following && !sure))
		return;
	int64_t half_ms = clamp(round_trip_ms, 0, ROUND_TRIP_MAX_MS) / 2;
	/* Another's line is taken as it is; on it, time may wait for the active's but not go back. */
	if (c->following)
		c->floor = pair_clock_now(c, now);
	c->set = true;
	c->following = true;
	c->offset_ms = sent.ms + half_ms - now.ms;
}

void pair_clock_seen(struct pair_clock *c, struct pairtime stamp)
{
	if (plausible(stamp) && stamp.ms > c->floor.ms)
		c->floor = stamp;
}
