/* layer: replication */
#include "replication/sender.h"
#include "tests/check.h"

static struct sender begun(enum resume_how how, uint64_t from_seq, uint64_t standby_durable)
{
	struct sender s = {.received = 999, .durable = 999, .reading = true};

	sender_begin(&s, &(struct resume){.how = how, .from_seq = from_seq}, standby_durable);
	return s;
}

static void assert_next(const struct sender *s, uint64_t window_first, uint64_t last,
                        enum send_what what, uint64_t seq)
{
	struct send next = sender_next(s, window_first, last);

	assert_int_equal(next.what, what);
	assert_int_equal(next.seq, seq);
}

/* On a new bulk connection the standby says what it has: of a tail, the next entry it wants. */
static void go_on(struct sender *s, enum resume_how how, uint64_t next_seq)
{
	assert_true(sender_go_on(s, &(struct go_on){.how = how, .next_seq = next_seq}, UINT32_MAX));
}

static void nothing_is_sent_before_a_resume(void **state)
{
	(void)state;
	struct sender s = {0};

	assert_next(&s, 1, 100, SEND_NOTHING, 0);
}

static void a_standby_in_step_goes_live_at_once(void **state)
{
	(void)state;
	struct sender s = begun(RESUME_NOTHING, 21, 20);

	assert_int_equal(s.received, 20);
	assert_next(&s, 5, 20, SEND_LIVE, 20);
	sender_live(&s, 20);
	assert_int_equal(s.phase, SENDER_LIVE);
	assert_int_equal(s.step_seq, 20);
	assert_next(&s, 5, 25, SEND_NOTHING, 0); /* each goes out as it is written */
}

/* A7, A8: long catching up keeps away from the live link, and nothing overtakes anything. */
static void a_tail_comes_from_the_log_until_it_meets_the_window(void **state)
{
	(void)state;
	struct sender s = begun(RESUME_TAIL, 8, 7);

	assert_next(&s, 10, 11, SEND_BY_BULK, 0);
	sender_by_bulk(&s);
	assert_next(&s, 10, 11, SEND_NOTHING, 0); /* no connection yet */
	go_on(&s, RESUME_TAIL, 8);
	assert_next(&s, 10, 11, SEND_READ_LOG, 8);
	s.reading = true;
	assert_next(&s, 10, 11, SEND_NOTHING, 0); /* one block at a time */
	s.reading = false;
	sender_sent(&s, 8);
	sender_sent(&s, 9);
	assert_next(&s, 10, 11, SEND_HAND_OVER, 9);
	sender_handed_over(&s);
	sender_acked(&s, 8, 8);
	assert_next(&s, 10, 11, SEND_NOTHING, 0); /* on the live link 10 could be there before 9 */
	sender_acked(&s, 9, 8);
	assert_next(&s, 10, 12, SEND_WINDOW, 10);
	assert_false(s.bulk);
	sender_sent(&s, 10);
	assert_next(&s, 10, 12, SEND_WINDOW, 11); /* more came meanwhile */
	sender_sent(&s, 11);
	sender_sent(&s, 12);
	assert_next(&s, 10, 12, SEND_LIVE, 12);
}

static void what_the_window_holds_needs_no_bulk_connection(void **state)
{
	(void)state;
	struct sender s = begun(RESUME_TAIL, 8, 7);

	assert_next(&s, 5, 9, SEND_WINDOW, 8);
	assert_false(s.bulk);
}

/* A9 */
static void one_that_falls_behind_the_window_goes_back_to_the_log(void **state)
{
	(void)state;
	struct sender s = begun(RESUME_TAIL, 8, 7);

	go_on(&s, RESUME_TAIL, 8);
	sender_sent(&s, 8);
	assert_next(&s, 20, 30, SEND_NOTHING, 0); /* 8 is on its way on the other connection */
	sender_acked(&s, 8, 7);
	assert_next(&s, 20, 30, SEND_BY_BULK, 0);
	sender_by_bulk(&s);
	assert_next(&s, 20, 30, SEND_READ_LOG, 9);
}

/* A8: what was on its way is lost; the standby says where it goes on. */
static void a_tail_goes_on_where_the_lost_connection_left_it(void **state)
{
	(void)state;
	struct sender s = begun(RESUME_TAIL, 8, 7);

	sender_by_bulk(&s);
	go_on(&s, RESUME_TAIL, 8);
	for (uint64_t seq = 8; seq < 20; seq++)
		sender_sent(&s, seq);
	sender_handed_over(&s);
	sender_bulk_down(&s);
	assert_next(&s, 20, 30, SEND_NOTHING, 0);
	go_on(&s, RESUME_TAIL, 15);
	assert_next(&s, 20, 30, SEND_READ_LOG, 15);
	assert_false(sender_go_on(&s, &(struct go_on){.how = RESUME_TAIL, .next_seq = 32},
	                          30)); /* of the future */
	assert_false(sender_go_on(&s, &(struct go_on){.how = RESUME_TAIL, .next_seq = 7},
	                          30)); /* never offered */
}

/* A9 */
static void a_slow_standby_gets_no_more_than_it_can_hold(void **state)
{
	(void)state;
	struct sender s = begun(RESUME_TAIL, 101, 100);

	for (uint64_t seq = 101; seq <= 100 + SENDER_AHEAD; seq++) {
		assert_next(&s, 1, 100000, SEND_WINDOW, seq);
		sender_sent(&s, seq);
	}
	assert_next(&s, 1, 100000, SEND_NOTHING, 0);
	sender_acked(&s, 101, 50);
	assert_int_equal(s.received, 101);
	assert_int_equal(s.durable, 100);
	assert_next(&s, 1, 100000, SEND_NOTHING,
	            0); /* in its memory, which its disk must relieve */
	sender_acked(&s, 120, 101);
	assert_next(&s, 1, 100000, SEND_WINDOW, 101 + SENDER_AHEAD);
}

/* A9 */
static void a_standby_whose_disk_hangs_is_taken_back_from_live(void **state)
{
	(void)state;
	struct sender s = begun(RESUME_NOTHING, 101, 100);

	sender_live(&s, 100);
	sender_hold(&s, 99 + SENDER_AHEAD);
	assert_int_equal(s.phase, SENDER_LIVE); /* not far enough behind to fill its memory */
	sender_hold(&s, 100 + SENDER_AHEAD);
	assert_int_equal(s.phase, SENDER_CATCHING_UP);
	assert_next(&s, 1, 100 + SENDER_AHEAD, SEND_NOTHING, 0);
	sender_acked(&s, 100 + SENDER_AHEAD, 101);
	assert_next(&s, 1, 100 + SENDER_AHEAD, SEND_LIVE, 100 + SENDER_AHEAD);
	assert_next(&s, 1, 200 + SENDER_AHEAD, SEND_WINDOW, 101 + SENDER_AHEAD);
}

static void an_acknowledgement_never_takes_back_another(void **state)
{
	(void)state;
	struct sender s = begun(RESUME_TAIL, 101, 100);

	sender_acked(&s, 120, 110);
	sender_acked(&s, 110, 105);
	assert_int_equal(s.received, 120);
	assert_int_equal(s.durable, 110);
	sender_begin(&s, &(struct resume){.how = RESUME_TAIL, .from_seq = 81}, 80);
	assert_int_equal(s.received, 80); /* only a hello does: lower included */
	assert_int_equal(s.durable, 80);
}

/* A7, A8 */
static void a_snapshot_is_sent_in_slices_with_few_under_way(void **state)
{
	(void)state;
	struct sender s = begun(RESUME_SNAPSHOT, 5001, 4000);

	assert_int_equal(s.durable, 0); /* what it had is no part of this history's copy */
	assert_next(&s, 1, 5000, SEND_NOTHING, 0);
	go_on(&s, RESUME_SNAPSHOT, 5001);
	for (uint64_t n = 1; n <= SENDER_SLICES_AHEAD; n++) {
		assert_next(&s, 1, 5000, SEND_SLICE, n);
		sender_sliced(&s, false, 5000);
	}
	assert_next(&s, 1, 5000, SEND_NOTHING, 0);
	sender_stored(&s, 1);
	assert_next(&s, 1, 5000, SEND_SLICE, SENDER_SLICES_AHEAD + 1);
	sender_sliced(&s, true, 5000);
	assert_int_equal(s.phase, SENDER_CATCHING_UP);
	assert_next(&s, 1, 5000, SEND_HAND_OVER, 5000);
}

/* A7: it is whole with the last entry written before its last slice, all on one connection. */
static void the_tail_behind_a_snapshot_follows_its_slices(void **state)
{
	(void)state;
	struct sender s = begun(RESUME_SNAPSHOT, 101, 0);

	go_on(&s, RESUME_SNAPSHOT, 101);
	sender_sliced(&s, true, 103);
	for (uint64_t seq = 101; seq <= 103; seq++) {
		assert_next(&s, 101, 110, SEND_WINDOW, seq);
		assert_true(s.bulk);
		sender_sent(&s, seq);
	}
	assert_next(&s, 101, 110, SEND_HAND_OVER, 103);
	sender_handed_over(&s);
	assert_next(&s, 101, 110, SEND_NOTHING, 0);
	sender_acked(&s, 103, 0);
	assert_next(&s, 101, 110, SEND_WINDOW, 104);
	assert_false(s.bulk);
}

/* A9: nothing is acknowledged before it is whole, but what is stored is told of. */
static void the_tail_behind_a_snapshot_waits_for_what_is_stored(void **state)
{
	(void)state;
	enum { FROM = 100, LAST = FROM + 3 * SENDER_AHEAD };
	struct sender s = begun(RESUME_SNAPSHOT, FROM, 0);

	go_on(&s, RESUME_SNAPSHOT, FROM);
	sender_sliced(&s, true, LAST);
	for (uint64_t seq = FROM; seq + 1 < FROM + SENDER_AHEAD; seq++)
		sender_sent(&s, seq);
	assert_next(&s, FROM, LAST, SEND_NOTHING, 0);
	sender_stored(&s, 1 + 256);
	assert_next(&s, FROM, LAST, SEND_WINDOW, FROM + SENDER_AHEAD - 1);
	sender_stored(&s, LAST); /* more than was sent */
	assert_int_equal(s.stored, 257);
}

/* A8 */
static void a_snapshot_goes_on_behind_what_the_standby_has(void **state)
{
	(void)state;
	struct sender s = begun(RESUME_SNAPSHOT, 101, 0);
	struct go_on half = {.how = RESUME_SNAPSHOT, .next_seq = 101, .slices = 7, .stored = 5};

	assert_true(sender_go_on(&s, &half, 200));
	assert_next(&s, 101, 200, SEND_SLICE, 8);
	half.through_seq = 180; /* it has every slice, and some entries behind them */
	half.next_seq = 151;
	assert_true(sender_go_on(&s, &half, 200));
	assert_next(&s, 190, 200, SEND_READ_LOG, 151);
	half.stored = 7 + 51;
	assert_false(sender_go_on(&s, &half, 200));
	half.stored = 7;
	half.through_seq = 201;
	assert_false(sender_go_on(&s, &half, 200));
}

/* The bulk connection is older than the resume: what it said belongs to the one before. */
static void what_went_on_from_a_fork_does_not_begin_the_snapshot(void **state)
{
	(void)state;
	struct sender s = begun(RESUME_FORK, 0, 0);

	go_on(&s, RESUME_FORK, 0);
	assert_next(&s, 1, 100, SEND_NOTHING, 0);
	sender_begin(&s, &(struct resume){.how = RESUME_SNAPSHOT, .from_seq = 101}, 0);
	go_on(&s, RESUME_FORK, 0);
	assert_next(&s, 1, 100, SEND_NOTHING, 0);
	go_on(&s, RESUME_SNAPSHOT, 101);
	assert_next(&s, 1, 100, SEND_SLICE, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_sent_before_a_resume),
		cmocka_unit_test(a_standby_in_step_goes_live_at_once),
		cmocka_unit_test(a_tail_comes_from_the_log_until_it_meets_the_window),
		cmocka_unit_test(a_slow_standby_gets_no_more_than_it_can_hold),
		cmocka_unit_test(a_standby_whose_disk_hangs_is_taken_back_from_live),
		cmocka_unit_test(an_acknowledgement_never_takes_back_another),
		cmocka_unit_test(a_snapshot_is_sent_in_slices_with_few_under_way),
		cmocka_unit_test(what_the_window_holds_needs_no_bulk_connection),
		cmocka_unit_test(one_that_falls_behind_the_window_goes_back_to_the_log),
		cmocka_unit_test(a_tail_goes_on_where_the_lost_connection_left_it),
		cmocka_unit_test(the_tail_behind_a_snapshot_follows_its_slices),
		cmocka_unit_test(the_tail_behind_a_snapshot_waits_for_what_is_stored),
		cmocka_unit_test(a_snapshot_goes_on_behind_what_the_standby_has),
		cmocka_unit_test(what_went_on_from_a_fork_does_not_begin_the_snapshot),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
