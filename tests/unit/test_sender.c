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

/* A7 */
static void a_tail_comes_from_the_log_until_it_meets_the_window(void **state)
{
	(void)state;
	struct sender s = begun(RESUME_TAIL, 8, 7);

	assert_next(&s, 10, 11, SEND_READ_LOG, 8);
	s.reading = true;
	assert_next(&s, 10, 11, SEND_NOTHING, 0); /* one block at a time */
	s.reading = false;
	sender_sent(&s, 8);
	sender_sent(&s, 9);
	assert_next(&s, 10, 11, SEND_WINDOW, 10);
	sender_sent(&s, 10);
	assert_next(&s, 10, 12, SEND_WINDOW, 11); /* more came meanwhile */
	sender_sent(&s, 11);
	sender_sent(&s, 12);
	assert_next(&s, 10, 12, SEND_LIVE, 12);
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
	for (uint64_t n = 1; n <= SENDER_SLICES_AHEAD; n++) {
		assert_next(&s, 1, 5000, SEND_SLICE, n);
		sender_sliced(&s, false);
	}
	assert_next(&s, 1, 5000, SEND_NOTHING, 0);
	s.slices_acked = 1;
	assert_next(&s, 1, 5000, SEND_SLICE, SENDER_SLICES_AHEAD + 1);
	sender_sliced(&s, true);
	assert_int_equal(s.phase, SENDER_CATCHING_UP);
	assert_next(&s, 1, 5000, SEND_LIVE, 5000);
}

/* Nothing is acknowledged before the snapshot is whole, and it is whole only with the entries written
 * while it was sent: they are not held back. */
static void the_tail_behind_a_snapshot_does_not_wait_for_acknowledgements(void **state)
{
	(void)state;
	enum { FROM = 3 * SENDER_AHEAD, END = 5 * SENDER_AHEAD, LAST = 9 * SENDER_AHEAD };
	struct sender s = begun(RESUME_SNAPSHOT, FROM, 100);

	sender_sliced(&s, true);
	for (uint64_t seq = FROM; seq < END; seq++) {
		assert_next(&s, FROM, LAST, SEND_WINDOW, seq);
		sender_sent(&s, seq);
	}
	sender_acked(&s, FROM, FROM); /* it is whole: from here on as any other */
	assert_next(&s, FROM, LAST, SEND_NOTHING, 0);
	sender_acked(&s, END - 1, END - 1);
	assert_next(&s, FROM, LAST, SEND_WINDOW, END);
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
		cmocka_unit_test(the_tail_behind_a_snapshot_does_not_wait_for_acknowledgements),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
