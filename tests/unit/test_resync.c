/* layer: core */
/* A snapshot between two nodes: where it goes, what it survives, what it leaves alone. */
#include "replication/sender.h"
#include "tests/unit/pair_hear.h"

enum { USERS = 1500 };

static void fill(struct kit *k, int at, unsigned from, unsigned until)
{
	char user[16];

	for (unsigned i = from; i < until; i++) {
		(void)snprintf(user, sizeof user, "u%u", i);
		ask(k, at, user, 1, ";expires=3600");
		if (i % 20 == 0)
			kit_settle(k);
	}
	kit_settle(k);
}

/* B was away for so long that neither A's window nor its log reaches back; it has not been here since. */
static struct kit *away_at(struct kit *k)
{
	k->window_bytes = 160 << 10;
	k->slice_bytes = 2000;
	pair_on(k, COMMIT_BOTH);
	ask(k, A, "early", 1, ";expires=3600");
	kit_pass(k, 100);
	link_down(k);
	fill(k, A, 0, USERS);
	k->node[A].log_first = k->node[A].appended; /* trimmed: the node learns it from a read */
	link_up(k);
	assert_false(status(k, A).peer_link);
	return k;
}

static struct kit *away(uint64_t rate)
{
	struct kit *k = kit_new();

	k->resync_rate = rate;
	return away_at(k);
}

static void assert_equal_pair(struct kit *k)
{
	assert_string_equal(status(k, A).digest, status(k, B).digest);
	assert_string_equal(status(k, A).pair_state, "paired");
	assert_int_equal(status(k, A).resync_left, 0);
	assert_int_equal(status(k, B).resync_left, 0);
}

/* Both connections are there; the snapshot is begun and stands still, since nothing is stored. */
static void begin(struct kit *k)
{
	k->node[B].next_held = true;
	link_up(k);
	kit_pass(k, 100);
	assert_true(k->node[B].next_open);
	assert_true(status(k, B).resync_left > 0);
}

static void go_on(struct kit *k)
{
	k->node[B].next_held = false;
	if (k->node[B].next_marked != 0) {
		struct node_input in = {.event = NODE_NEXT_STORED, .seq = k->node[B].next_marked};
		kit_feed(k, B, &in);
	}
	kit_pass(k, 1000);
}

/* A7, A8 */
static void a_snapshot_goes_over_its_own_connection(void **state)
{
	struct kit *k = away(0);

	(void)state;
	uint64_t live = k->live_bytes, bulk = k->bulk_bytes;
	begin(k);
	go_on(k);
	assert_equal_pair(k);
	assert_int_equal(status(k, B).aors, USERS + 1);
	assert_int_equal(copy_group_count(node_copy(k->node[B].node), 0), USERS + 1);
	assert_int_equal(status(k, B).snapshots_received, 1);
	assert_true(k->bulk_bytes - bulk > 50000);
	assert_true(k->live_bytes - live < 10000);
	end(k);
}

/* A9: what is not stored is not acknowledged, and so much is under way at the most. */
static void a_snapshot_waits_for_the_store_of_the_standby(void **state)
{
	struct kit *k = away(0);

	(void)state;
	begin(k);
	assert_int_equal(k->node[B].next_marked, SENDER_SLICES_AHEAD);
	uint64_t bulk = k->bulk_bytes;
	kit_pass(k, 1000);
	assert_int_equal(k->bulk_bytes, bulk);
	go_on(k);
	assert_equal_pair(k);
	end(k);
}

/* X08: the link ends, with a line, and the memory is given back. */
static void a_snapshot_larger_than_a_store_may_be_is_refused(void **state)
{
	struct kit *k = kit_new();

	(void)state;
	k->snapshot_max = 800 << 10;
	(void)away_at(k);
	uint64_t before = status(k, B).memory_bytes;
	assert_true(before < k->snapshot_max && status(k, A).memory_bytes > k->snapshot_max);
	link_up(k);
	kit_pass(k, 1000);
	assert_int_equal(k->node[B].next_begun, 1);
	assert_false(k->node[B].next_open);
	assert_false(k->linked);
	assert_int_equal(status(k, B).snapshots_received, 0);
	assert_int_equal(status(k, B).memory_bytes, before);
	assert_non_null(strstr(k->node[B].history, "snapshot - refused"));
	ask(k, A, "late", 1, ";expires=60");
	kit_settle(k);
	assert_true(says(k, A, "SIP/2.0 200 "));
	end(k);
}

/* X09: not a slice comes twice. */
static void a_snapshot_goes_on_when_its_connection_comes_back(void **state)
{
	struct kit *k = away(0);

	(void)state;
	begin(k);
	unsigned puts = k->node[B].next_puts;
	bulk_down(k);
	kit_pass(k, 500);
	assert_true(k->node[B].next_open);
	assert_true(status(k, A).peer_link);
	ask(k, A, "u1", 2, ";expires=0"); /* changed where the walk has been, or where it comes */
	bulk_up(k);
	go_on(k);
	assert_equal_pair(k);
	assert_int_equal(k->node[B].next_begun, 1);
	assert_true(k->node[B].next_puts > puts);
	assert_true(k->node[B].next_puts <= USERS + 20);
	assert_int_equal(status(k, A).snapshots_sent, 1);
	end(k);
}

static void a_snapshot_goes_on_when_the_live_link_comes_back(void **state)
{
	struct kit *k = away(0);

	(void)state;
	begin(k);
	link_down(k);
	assert_true(k->node[B].next_open);
	kit_pass(k, 2000);
	fill(k, A, USERS, USERS + 50);
	link_up(k);
	go_on(k);
	assert_equal_pair(k);
	assert_int_equal(k->node[B].next_begun, 1);
	assert_int_equal(status(k, A).snapshots_sent, 1);
	assert_int_equal(status(k, B).aors, USERS + 51);
	end(k);
}

/* The log is kept for it as long as its reign goes on, and not for ever. */
static void the_log_is_kept_for_half_a_snapshot(void **state)
{
	struct kit *k = away(0);
	uint64_t begun = node_position(k->node[A].node).seq + 1;

	(void)state;
	begin(k);
	fill(k, A, USERS, USERS + 10);
	assert_true(node_log_keep(k->node[A].node) <= begun + 1);
	link_down(k);
	kit_pass(k, 1000);
	assert_true(node_log_keep(k->node[A].node) <= begun + 1);
	kit_pass(k, 600000);
	assert_int_equal(node_log_keep(k->node[A].node), node_position(k->node[A].node).seq + 1);
	end(k);
}

/* Where the log has been trimmed all the same, it begins anew. */
static void half_a_snapshot_that_the_log_has_left_behind_is_begun_anew(void **state)
{
	struct kit *k = away(0);

	(void)state;
	begin(k);
	link_down(k);
	fill(k, A, USERS, USERS + 1000);
	k->node[A].log_first = k->node[A].appended;
	k->node[B].next_held = false;
	link_up(k);
	kit_pass(k, 200);
	link_up(k);
	kit_pass(k, 500);
	assert_equal_pair(k);
	assert_int_equal(k->node[B].next_begun, 2);
	end(k);
}

/* A13: half a snapshot is never served. */
static void who_takes_over_with_half_a_snapshot_serves_the_old_state(void **state)
{
	struct kit *k = away(0);

	(void)state;
	begin(k);
	link_down(k);
	kit_pass(k, 1000);
	address(k, B, true);
	assert_int_equal(node_role(k->node[B].node), ROLE_ACTIVE);
	assert_false(k->node[B].next_open);
	assert_int_equal(status(k, B).aors, 1);
	ask(k, B, "early", 9, NULL);
	kit_settle(k);
	assert_true(says(k, B, "200 OK") && says(k, B, "Contact:"));
	end(k);
}

static void a_standby_that_was_restarted_starts_over(void **state)
{
	struct kit *k = away(0);
	struct node_input loaded = {.event = NODE_LOADED, .loaded = {.wall_ms = 1700000000000}};

	(void)state;
	begin(k);
	link_down(k);
	node_free(&k->node[B].node);
	k->node[B].node = kit_make(k, UNIT_SECONDARY, COMMIT_BOTH);
	k->node[B].appended = 0;
	k->node[B].next_marked = 0;
	kit_feed(k, B, &loaded);
	k->node[B].next_held = false;
	link_up(k);
	kit_pass(k, 100);
	link_up(k);
	kit_pass(k, 500);
	assert_equal_pair(k);
	assert_int_equal(k->node[B].next_begun, 2);
	end(k);
}

/* What is acknowledged as durable is in the place that a restart looks at. */
static void a_new_generation_is_durable_when_it_is_in_place(void **state)
{
	struct kit *k = away(0);

	(void)state;
	k->node[B].disk_held = true;
	link_up(k);
	kit_pass(k, 500);
	assert_int_equal(status(k, B).aors, USERS + 1);
	assert_int_equal(status(k, A).peer_received_seq, status(k, A).seq);
	assert_int_equal(status(k, A).peer_durable_seq, 0);
	k->node[B].disk_held = false;
	kit_pass(k, 500);
	assert_int_equal(status(k, A).peer_durable_seq, status(k, A).seq);
	end(k);
}

/* A8 */
static void a_snapshot_is_no_faster_than_the_rate_allows(void **state)
{
	enum { RATE = 20000 };
	struct kit *k = away(RATE);
	uint64_t left = UINT64_MAX, left_there = UINT64_MAX;
	int64_t begun = k->now.ms;

	(void)state;
	link_up(k);
	kit_pass(k, 25);
	while (strcmp(status(k, A).pair_state, "paired") != 0 && k->now.ms < begun + 60000) {
		uint64_t bulk = k->bulk_bytes;
		kit_pass(k, 500);
		assert_true(k->bulk_bytes - bulk <= RATE / 2 + RATE / 10 + 4000);
		/* A30: it counts down on both nodes, without a step back. */
		assert_true(status(k, A).resync_left < left || left == 0);
		assert_true(status(k, B).resync_left < left_there || left_there == 0);
		left = status(k, A).resync_left;
		left_there = status(k, B).resync_left;
	}
	assert_true(k->now.ms - begun > 2000);
	assert_equal_pair(k);
	end(k);
}

/* A8: heartbeats go on, and each in its time. */
static void heartbeats_pass_a_snapshot(void **state)
{
	struct kit *k = away(10000);

	(void)state;
	link_up(k);
	for (int i = 0; i < 40; i++) {
		unsigned beats = k->node[A].beats;
		kit_pass(k, 50);
		assert_true(k->node[A].beats > beats);
	}
	assert_string_equal(status(k, A).pair_state, "catching-up");
	end(k);
}

/* A9: entries only the log has go over bulk, those of the window live; none is lost between the two. */
static void a_long_tail_changes_over_to_the_live_link_at_the_window(void **state)
{
	struct kit *k = kit_new();

	(void)state;
	k->window_bytes = 160 << 10;
	pair_on(k, COMMIT_BOTH);
	link_down(k);
	fill(k, A, 0, USERS);
	uint64_t live = k->live_bytes, bulk = k->bulk_bytes;
	link_up(k);
	kit_pass(k, 10000); /* a block of its log holds one entry */
	assert_equal_pair(k);
	assert_int_equal(status(k, B).snapshots_received, 0);
	assert_true(k->bulk_bytes - bulk > 50000);
	assert_true(k->live_bytes - live > 5000);
	end(k);
}

/* A lost bulk connection stops neither the pair's talk nor the tail for good. */
static void a_long_tail_goes_on_when_its_connection_comes_back(void **state)
{
	struct kit *k = kit_new();

	(void)state;
	k->window_bytes = 160 << 10;
	k->resync_rate = 20000;
	pair_on(k, COMMIT_BOTH);
	link_down(k);
	fill(k, A, 0, USERS);
	link_up(k);
	kit_pass(k, 1000);
	uint64_t left = status(k, A).resync_left;
	assert_true(left > 0 && left < USERS);
	bulk_down(k);
	kit_pass(k, 1000);
	assert_int_equal(status(k, A).resync_left, left);
	unsigned lines = k->node[A].lines;
	kit_pass(k, 5000);
	assert_int_equal(k->node[A].lines, lines); /* what stands still fills no log */
	assert_true(status(k, A).peer_link);
	bulk_up(k);
	kit_pass(k, 10000);
	assert_equal_pair(k);
	end(k);
}

/* What a merge takes in goes over bulk, too, and from the start on a new connection. */
static void a_fork_is_handed_in_again_when_its_connection_is_lost(void **state)
{
	struct kit *k = kit_new();

	(void)state;
	k->resync_rate = 20000;
	pair_on(k, COMMIT_BOTH);
	link_down(k);
	kit_pass(k, 500);
	address(k, B, true);
	fill(k, B, 0, 100);
	ask(k, A, "alice", 1, ";expires=600");
	kit_settle(k);
	address(k, B, false);
	link_up(k);
	kit_pass(k, 200);
	assert_int_equal(status(k, A).merges, 0);
	assert_true(status(k, A).merged_keys > 0);
	bulk_down(k);
	kit_pass(k, 500);
	bulk_up(k);
	kit_pass(k, 20000);
	assert_int_equal(status(k, A).merges, 1);
	assert_int_equal(status(k, A).aors, 101);
	assert_equal_pair(k);
	end(k);
}

static void hear_entry(struct kit *k, uint64_t seq, struct slice key, struct slice value)
{
	uint8_t room[256];
	struct buf bytes = buf_on(room, sizeof room);
	struct entry e = {.seq = seq,
	                  .reign = 77,
	                  .pair = {1700000000000},
	                  .kind = ENTRY_REQUEST,
	                  .table = TABLE_AOR,
	                  .key = key,
	                  .value = value};

	entry_encode(&e, &bytes);
	struct frame f = {.kind = FRAME_ENTRY, .entry = buf_slice(&bytes)};
	hear_bulk(k, B, &f);
}

/* A7: what is deleted or added while it is on its way is so in it. */
static void what_changes_behind_the_begin_of_a_snapshot_is_changed_in_it(void **state)
{
	struct kit *k = start(UNIT_PRIMARY, COMMIT_BOTH);
	struct snapshot_item items[] = {{TABLE_AOR, SLICE("sip:gone@x"), SLICE("1")},
	                                {TABLE_AOR, SLICE("sip:stays@x"), SLICE("2")}};
	struct frame slice = {.kind = FRAME_SLICE, .slice = {1, items, ARRAY_LEN(items), {0}}};
	struct frame last = {.kind = FRAME_END,
	                     .end = {.slices = 1, .items = ARRAY_LEN(items), .through_seq = 3}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(items); i++)
		last.end.digest += record_hash(items[i].table, items[i].key, items[i].value);
	begin_snapshot(k, B);
	hear_bulk(k, B, &slice);
	hear_bulk(k, B, &last);
	hear_entry(k, 2, SLICE("sip:gone@x"), SLICE(""));
	assert_true(k->node[B].next_open); /* not whole: nothing of it is served */
	assert_int_equal(status(k, B).aors, 0);
	hear_entry(k, 3, SLICE("sip:added@x"), SLICE("3"));
	assert_false(k->node[B].next_open);
	const struct copy *copy = node_copy(k->node[B].node);
	assert_null(copy_get(copy, TABLE_AOR, SLICE("sip:gone@x")));
	assert_non_null(copy_get(copy, TABLE_AOR, SLICE("sip:stays@x")));
	assert_non_null(copy_get(copy, TABLE_AOR, SLICE("sip:added@x")));
	end(k);
}

/* A hostile or late word on the bulk connection ends the link at the most. */
static void what_makes_no_sense_on_bulk_ends_the_link(void **state)
{
	struct kit *k = pair(COMMIT_BOTH);
	struct frame beat = {.kind = FRAME_BEAT};
	struct frame nowhere = {.kind = FRAME_GO_ON,
	                        .go_on = {.how = RESUME_TAIL, .next_seq = UINT64_MAX}};
	struct frame place = {.kind = FRAME_GO_ON,
	                      .go_on = {.how = RESUME_SNAPSHOT,
	                                .next_seq = 1,
	                                .place = {(enum table)99, UINT64_MAX, 7}}};

	(void)state;
	hear_bulk(k, A, &nowhere); /* all has gone over the live link already: nobody asks */
	hear_bulk(k, A, &place);
	assert_true(status(k, A).peer_link);
	hear(k, A, &place);
	assert_false(status(k, A).peer_link);
	link_up(k);
	assert_true(status(k, A).peer_link);
	hear_bulk(k, A, &beat);
	assert_false(status(k, A).peer_link);
	end(k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_snapshot_goes_over_its_own_connection),
		cmocka_unit_test(a_snapshot_waits_for_the_store_of_the_standby),
		cmocka_unit_test(a_snapshot_larger_than_a_store_may_be_is_refused),
		cmocka_unit_test(a_snapshot_goes_on_when_its_connection_comes_back),
		cmocka_unit_test(a_snapshot_goes_on_when_the_live_link_comes_back),
		cmocka_unit_test(the_log_is_kept_for_half_a_snapshot),
		cmocka_unit_test(half_a_snapshot_that_the_log_has_left_behind_is_begun_anew),
		cmocka_unit_test(who_takes_over_with_half_a_snapshot_serves_the_old_state),
		cmocka_unit_test(a_standby_that_was_restarted_starts_over),
		cmocka_unit_test(a_new_generation_is_durable_when_it_is_in_place),
		cmocka_unit_test(a_snapshot_is_no_faster_than_the_rate_allows),
		cmocka_unit_test(heartbeats_pass_a_snapshot),
		cmocka_unit_test(a_long_tail_changes_over_to_the_live_link_at_the_window),
		cmocka_unit_test(a_long_tail_goes_on_when_its_connection_comes_back),
		cmocka_unit_test(a_fork_is_handed_in_again_when_its_connection_is_lost),
		cmocka_unit_test(what_changes_behind_the_begin_of_a_snapshot_is_changed_in_it),
		cmocka_unit_test(what_makes_no_sense_on_bulk_ends_the_link),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
