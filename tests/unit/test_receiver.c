/* layer: replication */
#include "replication/receiver.h"
#include "tests/check.h"

static struct received resumed(struct receiver *r, enum resume_how how, uint64_t from_seq,
                               uint64_t last_seq)
{
	*r = (struct receiver){0};
	return receiver_resume(r, &(struct resume){.how = how, .from_seq = from_seq}, last_seq);
}

static void assert_dropped(const struct receiver *r, struct received got)
{
	assert_int_equal(got.what, RECEIVE_DROP);
	assert_non_null(got.why);
	assert_int_equal(r->phase, RECEIVER_IDLE);
}

static void a_tail_is_applied_entry_by_entry(void **state)
{
	(void)state;
	struct receiver r;

	assert_int_equal(resumed(&r, RESUME_TAIL, 8, 7).what, RECEIVE_NOTHING);
	assert_int_equal(receiver_entry(&r, 8).what, RECEIVE_APPLY);
	assert_int_equal(receiver_entry(&r, 9).what, RECEIVE_APPLY);
	assert_int_equal(resumed(&r, RESUME_NOTHING, 8, 7).what, RECEIVE_NOTHING);
	assert_int_equal(receiver_entry(&r, 8).what, RECEIVE_APPLY);
}

/* A7: densely, or the link is dropped and the next hello finds the way. */
static void an_entry_out_of_order_drops_the_link(void **state)
{
	(void)state;
	struct receiver r;

	(void)resumed(&r, RESUME_TAIL, 8, 7);
	assert_dropped(&r, receiver_entry(&r, 9));
	(void)resumed(&r, RESUME_TAIL, 8, 7);
	assert_dropped(&r, receiver_entry(&r, 7));
	assert_dropped(&r, receiver_entry(&r, 8)); /* nobody asked any more */
}

static void a_resume_that_does_not_fit_drops_the_link(void **state)
{
	(void)state;
	struct receiver r;

	assert_dropped(&r, resumed(&r, RESUME_TAIL, 9, 7));
	assert_dropped(&r, resumed(&r, RESUME_NOTHING, 7, 7));
	assert_dropped(&r, resumed(&r, (enum resume_how)77, 8, 7));
	(void)resumed(&r, RESUME_TAIL, 8, 7);
	assert_dropped(&r,
	               receiver_resume(&r, &(struct resume){.how = RESUME_TAIL, .from_seq = 8}, 7));
}

/* Two slices of 3 and 2 items; entries from 101 on were written while they were sent. */
static void take_slices(struct receiver *r)
{
	assert_int_equal(resumed(r, RESUME_SNAPSHOT, 101, 7).what, RECEIVE_BEGIN);
	assert_int_equal(receiver_slice(r, 1, 3, 1000).what, RECEIVE_NEXT);
	assert_int_equal(receiver_slice(r, 2, 2, 500).what, RECEIVE_NEXT);
}

static struct received end(struct receiver *r, uint64_t items, uint64_t digest, uint64_t through)
{
	return receiver_end(
		r, &(struct snapshot_end){
			   .slices = 2, .items = items, .digest = digest, .through_seq = through});
}

static void a_snapshot_is_whole_with_its_last_slice(void **state)
{
	(void)state;
	struct receiver r;

	take_slices(&r);
	assert_int_equal(end(&r, 5, 1500, 100).what, RECEIVE_WHOLE);
	assert_int_equal(receiver_entry(&r, 101).what, RECEIVE_APPLY);
}

/* A7 */
static void a_snapshot_of_a_busy_node_is_whole_with_the_entries_written_meanwhile(void **state)
{
	(void)state;
	struct receiver r;

	take_slices(&r);
	assert_int_equal(end(&r, 5, 1500, 103).what, RECEIVE_NOTHING);
	assert_int_equal(receiver_entry(&r, 101).what, RECEIVE_NEXT);
	assert_int_equal(receiver_entry(&r, 102).what, RECEIVE_NEXT);
	assert_int_equal(receiver_entry(&r, 103).what, RECEIVE_SWITCH);
	assert_int_equal(receiver_entry(&r, 104).what, RECEIVE_APPLY);
}

static void a_snapshot_that_fails_its_check_replaces_nothing(void **state)
{
	(void)state;
	struct receiver r;

	take_slices(&r);
	assert_dropped(&r, end(&r, 4, 1500, 100));
	take_slices(&r);
	assert_dropped(&r, end(&r, 5, 1501, 100));
	take_slices(&r);
	assert_dropped(&r, end(&r, 5, 1500, 99)); /* ends before it began */
	take_slices(&r);
	assert_dropped(&r, end(&r, 5, 1500, UINT64_MAX));
	take_slices(&r);
	assert_dropped(&r, receiver_slice(&r, 4, 1, 1)); /* one is missing */
	take_slices(&r);
	assert_dropped(&r, receiver_slice(&r, 2, 1, 1)); /* one came twice */
	take_slices(&r);
	assert_dropped(&r, receiver_entry(&r, 101)); /* before the end */
	(void)resumed(&r, RESUME_TAIL, 8, 7);
	assert_dropped(&r, end(&r, 0, 0, 100)); /* of no snapshot */
	(void)resumed(&r, RESUME_TAIL, 8, 7);
	assert_dropped(&r, receiver_slice(&r, 1, 1, 1));
}

static void a_fork_is_handed_in_before_the_snapshot(void **state)
{
	(void)state;
	struct receiver r;

	assert_int_equal(resumed(&r, RESUME_FORK, 101, 7).what, RECEIVE_HAND_IN);
	assert_int_equal(r.phase, RECEIVER_FORK);
	struct resume snapshot = {.how = RESUME_SNAPSHOT, .from_seq = 101};
	assert_int_equal(receiver_resume(&r, &snapshot, 7).what, RECEIVE_BEGIN);
	assert_int_equal(r.phase, RECEIVER_SLICES);
	assert_int_equal(receiver_slice(&r, 1, 0, 0).what, RECEIVE_NEXT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_tail_is_applied_entry_by_entry),
		cmocka_unit_test(an_entry_out_of_order_drops_the_link),
		cmocka_unit_test(a_resume_that_does_not_fit_drops_the_link),
		cmocka_unit_test(a_snapshot_is_whole_with_its_last_slice),
		cmocka_unit_test(
			a_snapshot_of_a_busy_node_is_whole_with_the_entries_written_meanwhile),
		cmocka_unit_test(a_snapshot_that_fails_its_check_replaces_nothing),
		cmocka_unit_test(a_fork_is_handed_in_before_the_snapshot),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
