/* layer: replication */
#include "proto/base/defs.h"
#include "replication/pair_clock.h"
#include "tests/check.h"

#define WALL INT64_C(1790000000000) /* some day in 2026 */

#define HOUR_MS INT64_C(3600000)

struct start {
	const char *what;
	int64_t stored, stored_wall, wall;
	int64_t pair; /* at once */
	bool synchronised, in_doubt;
};

static void a_cold_start_goes_on_from_what_is_stored(void **state)
{
	(void)state;
	static const struct start starts[] = {
		{"nothing stored", 0, 0, WALL, WALL, true, false},
		{"nothing stored, wall clock not known to be right", 0, 0, WALL, WALL, false,
	         false},
		{"away for a minute", WALL + 5, WALL, WALL + 60000, WALL + 60005, true, false},
		{"the pair's line is not the wall's", WALL - 777, WALL, WALL + 10, WALL - 767, true,
	         false},
		{"away for exactly an hour", WALL, WALL, WALL + HOUR_MS, WALL + HOUR_MS, true,
	         false},
		{"away for longer", WALL, WALL, WALL + HOUR_MS + 1, WALL + HOUR_MS + 1, true, true},
		{"away for longer than anything lives", WALL, WALL, WALL + 9 * HOUR_MS,
	         WALL + 2 * HOUR_MS, true, true},
		{"wall clock went back a little", WALL, WALL, WALL - 5000, WALL, true, false},
		{"wall clock of 1970", WALL, WALL, 1000, WALL, true, true},
		{"wall clock not synchronised", WALL, WALL, WALL + 10, WALL + 10, false, true},
		{"wall clock of the stamp unknown", WALL, 0, WALL + 10, WALL, true, true},
		{"stored bytes are broken", INT64_MAX, WALL, WALL, WALL, true, false},
		{"wall clock is broken", 0, 0, INT64_MIN, 1, true, false},
	};

	for (size_t i = 0; i < ARRAY_LEN(starts); i++) {
		const struct start *s = &starts[i];
		struct pair_clock c = {0};
		struct pair_clock_start start = {.stored = {s->stored},
		                                 .stored_wall_ms = s->stored_wall,
		                                 .wall_ms = s->wall,
		                                 .wall_synchronised = s->synchronised,
		                                 .longest_ms = 2 * HOUR_MS};
		bool in_doubt = pair_clock_begin(&c, &start, (struct mtime){123456});
		int64_t pair = pair_clock_now(&c, (struct mtime){123456}).ms;
		if (in_doubt != s->in_doubt || pair != s->pair)
			fail_msg("%s: %lld off, %d", s->what, (long long)(pair - s->pair),
			         in_doubt);
		assert_int_equal(pair_clock_now(&c, (struct mtime){123456 + 50}).ms, pair + 50);
	}
}

static struct pair_clock begun(int64_t pair)
{
	struct pair_clock c = {0};
	struct pair_clock_start start = {.wall_ms = pair};

	assert_false(pair_clock_begin(&c, &start, (struct mtime){1000}));
	return c;
}

static int64_t at(const struct pair_clock *c, int64_t ms)
{
	return pair_clock_now(c, (struct mtime){ms}).ms;
}

static void before_anything_is_known_time_stands_at_the_floor(void **state)
{
	(void)state;
	struct pair_clock c = {0};

	assert_int_equal(at(&c, 1000), 0);
	pair_clock_seen(&c, (struct pairtime){WALL});
	assert_int_equal(at(&c, 5000), WALL);
}

static void a_heartbeat_counts_from_half_its_round_trip(void **state)
{
	(void)state;
	struct pair_clock c = {0};

	pair_clock_follow(&c, (struct pairtime){WALL}, 40, (struct mtime){1000});
	assert_int_equal(at(&c, 1000), WALL + 20);
	assert_int_equal(at(&c, 1500), WALL + 520);
}

/* Design 9: a reachable peer's pair clock wins at a cold start, in either direction. */
static void the_first_heartbeat_replaces_what_was_guessed(void **state)
{
	(void)state;
	struct pair_clock fast = begun(WALL + HOUR_MS), slow = begun(WALL - HOUR_MS);

	pair_clock_follow(&fast, (struct pairtime){WALL}, 0, (struct mtime){1000});
	pair_clock_follow(&slow, (struct pairtime){WALL}, 0, (struct mtime){1000});
	assert_int_equal(at(&fast, 1000), WALL);
	assert_int_equal(at(&slow, 1000), WALL);
}

static void a_stored_stamp_is_never_undercut(void **state)
{
	(void)state;
	struct pair_clock c = begun(WALL);

	pair_clock_seen(&c, (struct pairtime){WALL + 300});
	pair_clock_seen(&c, (struct pairtime){WALL + 100}); /* older: nothing new */
	assert_int_equal(at(&c, 1000), WALL + 300);
	assert_int_equal(at(&c, 1299), WALL + 300);
	assert_int_equal(at(&c, 1400), WALL + 400);
	pair_clock_follow(&c, (struct pairtime){WALL}, 0, (struct mtime){1400});
	assert_int_equal(at(&c, 1400), WALL + 300);
}

static void once_following_time_waits_but_does_not_go_back(void **state)
{
	(void)state;
	struct pair_clock c = begun(WALL);

	pair_clock_follow(&c, (struct pairtime){WALL}, 0, (struct mtime){1000});
	pair_clock_follow(&c, (struct pairtime){WALL + 70}, 0, (struct mtime){1100});
	assert_int_equal(at(&c, 1100), WALL + 100); /* would be 70 by that heartbeat */
	assert_int_equal(at(&c, 1130), WALL + 100);
	assert_int_equal(at(&c, 1150), WALL + 120); /* caught up, and on its line */
	pair_clock_follow(&c, (struct pairtime){WALL + 400}, 0, (struct mtime){1200});
	assert_int_equal(at(&c, 1200), WALL + 400); /* forward at once */
}

static void heartbeats_that_say_nothing_are_passed_over(void **state)
{
	(void)state;
	static const struct {
		int64_t sent, round_trip;
	} useless[] = {{WALL + 5000, 1001}, {WALL + 5000, -1}, {0, 0}, {-1, 0},
	               {INT64_MAX, 0},      {INT64_MIN, 0}};
	struct pair_clock c = begun(WALL);

	pair_clock_follow(&c, (struct pairtime){WALL}, 0, (struct mtime){1000});
	for (size_t i = 0; i < ARRAY_LEN(useless); i++) {
		pair_clock_follow(&c, (struct pairtime){useless[i].sent}, useless[i].round_trip,
		                  (struct mtime){1000});
		assert_int_equal(at(&c, 1000), WALL);
	}
	pair_clock_seen(&c, PAIRTIME_NEVER);
	assert_int_equal(at(&c, 1000), WALL);
}

/* Seed 286: a hello that had waited for a second in a socket set back a clock that followed. */
static void a_word_that_may_be_late_moves_no_clock_that_follows(void **state)
{
	(void)state;
	struct pair_clock c = begun(WALL);
	const int64_t late = PAIR_CLOCK_TRIP_UNKNOWN;

	pair_clock_follow(&c, (struct pairtime){WALL + 500}, late, (struct mtime){1000});
	assert_int_equal(at(&c, 1000), WALL + 500); /* better than none */
	pair_clock_follow(&c, (struct pairtime){WALL + 200}, late, (struct mtime){2000});
	assert_int_equal(at(&c, 2000), WALL + 1500);
}

/* Design 9: whatever delays the heartbeats have, a follower's time only goes forward, and stays
 * within half the longest round trip it counts. */
static void a_follower_stays_near_and_never_goes_back(void **state)
{
	(void)state;
	enum { BEATS = 100 * 1000, DELAY_MAX = 300, NEAR_MS = DELAY_MAX / 2 };
	struct pair_clock c = {0};
	int64_t now = 50000, last = 0;
	uint32_t dice = 99;

	for (int i = 0; i < BEATS; i++) {
		dice = dice * 1664525U + 1013904223U;
		int64_t there = dice >> 8 & 127, back = dice >> 16 & 127;
		now += 50 + (dice >> 24);
		int64_t sent = WALL + now - there;
		pair_clock_follow(&c, (struct pairtime){sent}, there + back, (struct mtime){now});
		int64_t pair = at(&c, now);
		assert_true(pair >= last);
		assert_in_range(pair - WALL - now + NEAR_MS, 0, 2 * NEAR_MS);
		last = at(&c, now + 40);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_cold_start_goes_on_from_what_is_stored),
		cmocka_unit_test(before_anything_is_known_time_stands_at_the_floor),
		cmocka_unit_test(a_heartbeat_counts_from_half_its_round_trip),
		cmocka_unit_test(the_first_heartbeat_replaces_what_was_guessed),
		cmocka_unit_test(a_stored_stamp_is_never_undercut),
		cmocka_unit_test(once_following_time_waits_but_does_not_go_back),
		cmocka_unit_test(heartbeats_that_say_nothing_are_passed_over),
		cmocka_unit_test(a_word_that_may_be_late_moves_no_clock_that_follows),
		cmocka_unit_test(a_follower_stays_near_and_never_goes_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
