/* layer: replication */
#include "replication/receiver.h"
#include "tests/check.h"

enum { REIGN = 77 };

static struct received resumed(struct receiver *r, enum resume_how how, uint64_t from_seq,
                               uint64_t last_seq)
{
	*r = (struct receiver){0};
	return receiver_resume(r, &(struct resume){.how = how, .from_seq = from_seq}, REIGN,
	                       last_seq);
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
	assert_dropped(&r, receiver_resume(&r, &(struct resume){.how = RESUME_TAIL, .from_seq = 8},
	                                   REIGN, 7));
}

static struct received slice(struct receiver *r, uint64_t number, uint64_t items, uint64_t digest)
{
	struct slice_sums sums = {number, items, digest, {TABLE_AOR, 1000 * number, 1}};

	return receiver_slice(r, &sums);
}

/* Two slices of 3 and 2 items; entries from 101 on were written while they were sent. */
static void take_slices(struct receiver *r)
{
	assert_int_equal(resumed(r, RESUME_SNAPSHOT, 101, 7).what, RECEIVE_BEGIN);
	assert_int_equal(slice(r, 1, 3, 1000).what, RECEIVE_NEXT);
	assert_int_equal(slice(r, 2, 2, 500).what, RECEIVE_NEXT);
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
	assert_dropped(&r, slice(&r, 4, 1, 1)); /* one is missing */
	take_slices(&r);
	assert_dropped(&r, slice(&r, 2, 1, 1)); /* one came twice */
	take_slices(&r);
	assert_dropped(&r, receiver_entry(&r, 101)); /* before the end */
	(void)resumed(&r, RESUME_TAIL, 8, 7);
	assert_dropped(&r, end(&r, 0, 0, 100)); /* of no snapshot */
	(void)resumed(&r, RESUME_TAIL, 8, 7);
	assert_dropped(&r, slice(&r, 1, 1, 1));
}

/* X08, X09: an active that heeds no acknowledgement does not fill our memory. */
static void what_comes_faster_than_it_is_stored_drops_the_link(void **state)
{
	(void)state;
	struct receiver r;
	uint64_t number = 0, seq = 101;

	(void)resumed(&r, RESUME_SNAPSHOT, 101, 7);
	while (number < RECEIVER_SLICES_AHEAD)
		assert_int_equal(slice(&r, ++number, 1, 1).what, RECEIVE_NEXT);
	r.stored = 1;
	assert_int_equal(slice(&r, ++number, 1, 1).what, RECEIVE_NEXT);
	struct receiver full = r;
	assert_dropped(&full, slice(&full, number + 1, 1, 1));
	r.stored = number;
	struct snapshot_end whole = {number, number, number, UINT64_MAX - 1};
	assert_int_equal(receiver_end(&r, &whole).what, RECEIVE_NOTHING);
	while (seq < 101 + RECEIVER_AHEAD)
		assert_int_equal(receiver_entry(&r, seq++).what, RECEIVE_NEXT);
	r.stored++;
	assert_int_equal(receiver_entry(&r, seq++).what, RECEIVE_NEXT);
	assert_dropped(&r, receiver_entry(&r, seq));
}

static void a_fork_is_handed_in_before_the_snapshot(void **state)
{
	(void)state;
	struct receiver r;

	assert_int_equal(resumed(&r, RESUME_FORK, 101, 7).what, RECEIVE_HAND_IN);
	assert_int_equal(r.phase, RECEIVER_FORK);
	struct resume snapshot = {.how = RESUME_SNAPSHOT, .from_seq = 101};
	assert_int_equal(receiver_resume(&r, &snapshot, REIGN, 7).what, RECEIVE_BEGIN);
	assert_int_equal(r.phase, RECEIVER_SLICES);
	assert_int_equal(slice(&r, 1, 0, 0).what, RECEIVE_NEXT);
}

/* A8: the link is lost in the middle. */
static void half_a_snapshot_goes_on_in_the_same_reign(void **state)
{
	(void)state;
	struct receiver r;
	struct resume same = {.how = RESUME_SNAPSHOT, .from_seq = 101};

	take_slices(&r);
	receiver_link_down(&r);
	assert_int_equal(receiver_resume(&r, &same, REIGN, 7).what, RECEIVE_GO_ON);
	struct go_on g = receiver_go_on(&r);
	assert_int_equal(g.how, RESUME_SNAPSHOT);
	assert_int_equal(g.slices, 2);
	assert_int_equal(g.items, 5);
	assert_int_equal(g.digest, 1500);
	assert_int_equal(g.place.at, 2000);
	assert_int_equal(g.through_seq, 0);
	assert_int_equal(slice(&r, 3, 1, 100).what, RECEIVE_NEXT);
	struct snapshot_end whole = {3, 6, 1600, 103};
	assert_int_equal(receiver_end(&r, &whole).what, RECEIVE_NOTHING);
	assert_int_equal(receiver_entry(&r, 101).what, RECEIVE_NEXT);
	receiver_link_down(&r); /* and once more, between the entries behind it */
	assert_int_equal(receiver_resume(&r, &same, REIGN, 7).what, RECEIVE_GO_ON);
	g = receiver_go_on(&r);
	assert_int_equal(g.next_seq, 102);
	assert_int_equal(g.through_seq, 103);
	assert_int_equal(receiver_entry(&r, 102).what, RECEIVE_NEXT);
	assert_int_equal(receiver_entry(&r, 103).what, RECEIVE_SWITCH);
	receiver_link_down(&r);
	assert_false(receiver_has_half(&r));
}

static void half_a_snapshot_of_another_reign_is_begun_anew(void **state)
{
	(void)state;
	struct receiver r;
	struct resume same = {.how = RESUME_SNAPSHOT, .from_seq = 101};

	take_slices(&r);
	receiver_link_down(&r);
	assert_int_equal(receiver_resume(&r, &same, REIGN + 1, 7).what, RECEIVE_BEGIN);
	assert_int_equal(receiver_go_on(&r).slices, 0);
	take_slices(&r);
	receiver_link_down(&r);
	same.from_seq = 102;
	assert_int_equal(receiver_resume(&r, &same, REIGN, 7).what, RECEIVE_BEGIN);
	take_slices(&r);
	receiver_link_down(&r);
	struct resume tail = {.how = RESUME_TAIL, .from_seq = 8};
	assert_int_equal(receiver_resume(&r, &tail, REIGN, 7).what, RECEIVE_NOTHING);
	assert_false(receiver_has_half(&r));
}

static void a_hand_over_names_the_last_entry_or_drops_the_link(void **state)
{
	(void)state;
	struct receiver r;

	(void)resumed(&r, RESUME_TAIL, 8, 7);
	assert_int_equal(receiver_handed_over(&r, 7).what, RECEIVE_NOTHING);
	assert_false(r.live);
	assert_int_equal(receiver_live(&r, 7).what, RECEIVE_NOTHING);
	assert_true(r.live);
	assert_dropped(&r, receiver_live(&r, 8));
	assert_false(r.live);
}

/* The two connections keep no order between them: what is sent live upon the acknowledgement of the last
 * entry may be read before the hand-over that stands behind that entry. */
static void a_hand_over_may_be_overtaken_by_what_comes_live(void **state)
{
	(void)state;
	struct receiver r;

	(void)resumed(&r, RESUME_TAIL, 8, 7);
	assert_int_equal(receiver_entry(&r, 8).what, RECEIVE_APPLY);
	assert_int_equal(receiver_entry(&r, 9).what, RECEIVE_APPLY); /* live */
	assert_int_equal(receiver_handed_over(&r, 8).what, RECEIVE_NOTHING);
	assert_int_equal(receiver_live(&r, 9).what, RECEIVE_NOTHING);
	assert_int_equal(receiver_handed_over(&r, 8).what, RECEIVE_NOTHING); /* later still */
	assert_true(r.live);
	assert_dropped(&r, receiver_handed_over(&r, 10));
}

static void what_is_to_be_stored_is_marked_slice_by_slice_and_entry_block_by_block(void **state)
{
	(void)state;
	struct receiver r;

	take_slices(&r);
	assert_int_equal(receiver_mark(&r), 2);
	(void)end(&r, 5, 1500, 1000);
	for (uint64_t seq = 101; seq < 101 + RECEIVER_MARK - 1; seq++)
		(void)receiver_entry(&r, seq);
	assert_int_equal(receiver_mark(&r), 0);
	(void)receiver_entry(&r, 101 + RECEIVER_MARK - 1);
	assert_int_equal(receiver_mark(&r), 2 + RECEIVER_MARK);
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
		cmocka_unit_test(what_comes_faster_than_it_is_stored_drops_the_link),
		cmocka_unit_test(a_fork_is_handed_in_before_the_snapshot),
		cmocka_unit_test(half_a_snapshot_goes_on_in_the_same_reign),
		cmocka_unit_test(half_a_snapshot_of_another_reign_is_begun_anew),
		cmocka_unit_test(a_hand_over_may_be_overtaken_by_what_comes_live),
		cmocka_unit_test(a_hand_over_names_the_last_entry_or_drops_the_link),
		cmocka_unit_test(
			what_is_to_be_stored_is_marked_slice_by_slice_and_entry_block_by_block),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
