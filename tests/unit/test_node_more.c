/* layer: core */
/* What one node and what two nodes promise where the disk, the peer or the clock misbehaves. */
#include "tests/unit/pair_hear.h"

static void turn(struct kit *k, int at)
{
	struct node_input in = {.event = NODE_TURN};

	kit_feed(k, at, &in);
}

static void durable(struct kit *k, int at, uint64_t seq)
{
	struct node_input in = {.event = NODE_DURABLE, .seq = seq};

	kit_feed(k, at, &in);
}

static void ask_many(struct kit *k, int at, unsigned from, unsigned until)
{
	char user[16];

	for (unsigned i = from; i < until; i++) {
		(void)snprintf(user, sizeof user, "u%u", i);
		ask(k, at, user, 1, ";expires=3600");
	}
}

static bool linked(const struct kit *k, int at)
{
	return status(k, at).peer_link;
}

/* More answers than leave in one turn: the rest follows at once, and what cannot leave wakes nobody. */
static void answers_wait_for_their_commit_and_for_nothing_else(void **state)
{
	struct kit *k = start(UNIT_STANDALONE, COMMIT_BOTH);

	(void)state;
	k->node[A].disk_held = true;
	ask_many(k, A, 0, 1200);
	turn(k, A);
	assert_int_equal(k->node[A].messages, 0);
	assert_true(node_deadline(k->node[A].node).ms > k->now.ms);
	durable(k, A, k->node[A].appended);
	while (node_deadline(k->node[A].node).ms <= k->now.ms)
		turn(k, A);
	assert_int_equal(k->node[A].messages, 1200);
	end(k);
}

/* Who cannot be served is told so, however much waits for a disk that hangs. */
static void with_no_room_to_hold_answers_a_change_is_refused_at_once(void **state)
{
	struct kit *k = start(UNIT_STANDALONE, COMMIT_BOTH);

	(void)state;
	k->node[A].disk_held = true;
	ask_many(k, A, 0, 4000);
	turn(k, A);
	assert_true(k->node[A].messages > 0);
	assert_true(says(k, A, "SIP/2.0 503 "));
	uint64_t seq = k->node[A].appended;
	k->node[A].disk_held = false;
	kit_settle(k);
	while (node_deadline(k->node[A].node).ms <= k->now.ms)
		turn(k, A);
	assert_int_equal(k->node[A].messages, 4000);
	assert_int_equal(status(k, A).registered,
	                 seq - 2); /* the reign and the secret are no answers */
	end(k);
}

/* What a peer says of its disk is believed up to what it received. */
static void a_peer_whose_disk_is_ahead_of_its_memory_is_refused(void **state)
{
	struct kit *k = pair(COMMIT_BOTH);
	struct position p = node_position(k->node[A].node);
	struct reign_mark history[] = {{p.reign, 1, UNIT_PRIMARY, 1, {1}}};
	struct frame hello = {.kind = FRAME_HELLO, .hello = hello_of(UNIT_SECONDARY, ROLE_STANDBY)};

	(void)state;
	hello.hello.history = history;
	hello.hello.n_history = 1;
	hello.hello.received_seq = p.seq;
	hello.hello.durable_seq = p.seq + 1000;
	connect_to_test(k, A);
	hear(k, A, &hello);
	assert_false(linked(k, A));
	hello.hello.durable_seq = p.seq;
	connect_to_test(k, A);
	hear(k, A, &hello);
	assert_true(linked(k, A));
	end(k);
}

/* It comes again ten times a second. */
static void a_refused_peer_is_told_of_once(void **state)
{
	struct kit *k = pair(COMMIT_BOTH);
	struct frame hello = {.kind = FRAME_HELLO, .hello = hello_of(UNIT_SECONDARY, ROLE_STANDBY)};

	(void)state;
	hello.hello.cluster_id[0] = 1;
	connect_to_test(k, A);
	hear(k, A, &hello);
	assert_true(status(k, A).peer_refused[0] != '\0');
	kit_settle(k);
	unsigned told = k->node[A].lines;
	for (int i = 0; i < 10; i++) {
		connect_to_test(k, A);
		hear(k, A, &hello);
	}
	assert_int_equal(k->node[A].lines, told);
	hello.hello.cluster_id[0] = 0;
	connect_to_test(k, A);
	hear(k, A, &hello);
	assert_string_equal(status(k, A).peer_refused, "");
	end(k);
}

static void an_acknowledgement_of_more_than_was_sent_counts_for_nothing(void **state)
{
	struct kit *k = pair(COMMIT_BOTH);
	struct position p = node_position(k->node[A].node);
	struct frame ack = {.kind = FRAME_ACK, .ack = {p.reign, p.seq, UINT64_MAX}};

	(void)state;
	hear(k, A, &ack);
	assert_true(status(k, A).peer_durable_seq <= p.seq);
	assert_true(node_log_keep(k->node[A].node) > 0);
	ack.ack.received_seq = UINT64_MAX;
	hear(k, A, &ack);
	assert_true(status(k, A).peer_received_seq <= p.seq);
	end(k);
}

static void an_entry_of_an_unknown_table_ends_the_link_alone(void **state)
{
	struct kit *k = pair(COMMIT_BOTH);
	struct position p = node_position(k->node[B].node);
	uint8_t room[256];
	struct buf bytes = buf_on(room, sizeof room);
	struct entry e = {.seq = p.seq + 1,
	                  .reign = p.reign,
	                  .pair = {1700000000000},
	                  .kind = ENTRY_REQUEST,
	                  .table = (enum table)99,
	                  .key = SLICE("key"),
	                  .value = SLICE("value")};

	(void)state;
	entry_encode(&e, &bytes);
	struct frame f = {.kind = FRAME_ENTRY, .entry = buf_slice(&bytes)};
	hear(k, B, &f);
	assert_false(linked(k, B));
	assert_int_equal(node_position(k->node[B].node).seq, p.seq);
	end(k);
}

static void a_slice_with_an_unknown_table_ends_the_link_and_the_snapshot(void **state)
{
	struct kit *k = start(UNIT_PRIMARY, COMMIT_BOTH);
	struct snapshot_item item = {(enum table)99, SLICE("key"), SLICE("value")};
	struct frame f = {.kind = FRAME_SLICE,
	                  .slice = {.number = 1, .items = &item, .n_items = 1}};

	(void)state;
	begin_snapshot(k, B);
	hear_bulk(k, B, &f);
	assert_false(linked(k, B));
	assert_false(k->node[B].next_open);
	end(k);
}

static void a_slice_out_of_order_leaves_no_half_snapshot_behind(void **state)
{
	struct kit *k = start(UNIT_PRIMARY, COMMIT_BOTH);
	struct snapshot_item item = {TABLE_AOR, SLICE("sip:a@x"), SLICE("value")};
	struct frame f = {.kind = FRAME_SLICE,
	                  .slice = {.number = 2, .items = &item, .n_items = 1}};

	(void)state;
	begin_snapshot(k, B);
	hear_bulk(k, B, &f);
	assert_false(linked(k, B));
	assert_false(k->node[B].next_open);
	end(k);
}

/* Many empty messages decode into far more memory than a step has. */
static void a_record_that_swells_when_it_is_read_crashes_nobody(void **state)
{
	struct kit *k = start(UNIT_PRIMARY, COMMIT_BOTH);
	static uint8_t value[RECORD_MAX];

	(void)state;
	for (size_t i = 0; i + 1 < sizeof value; i += 2)
		value[i] = 0x0a; /* field 1, a message of no bytes */
	struct snapshot_item item = {TABLE_AOR, SLICE("sip:a@x"), {value, sizeof value}};
	struct frame f = {.kind = FRAME_SLICE,
	                  .slice = {.number = 1, .items = &item, .n_items = 1}};
	begin_snapshot(k, B);
	hear_bulk(k, B, &f);
	assert_true(linked(k, B));
	end(k);
}

/* Two reigns cannot begin with one entry; a hello that said so could not be written. */
static void two_reigns_with_one_beginning_crash_nobody(void **state)
{
	struct kit *k = start(UNIT_PRIMARY, COMMIT_BOTH);
	uint8_t rooms[2][64];
	struct snapshot_item items[2];

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct reign_record r = {
			.id = i + 1, .epoch = 1, .unit = UNIT_PRIMARY, .first_seq = 1};
		struct buf value = buf_on(rooms[i], sizeof rooms[i]);
		reign_encode(&r, &value);
		items[i] = (struct snapshot_item){
			TABLE_REIGN, i == 0 ? SLICE("first") : SLICE("other"), buf_slice(&value)};
	}
	struct frame f = {.kind = FRAME_SLICE,
	                  .slice = {.number = 1, .items = items, .n_items = 2}};
	struct frame last = {.kind = FRAME_END, .end = {.slices = 1, .items = 2, .through_seq = 1}};
	for (size_t i = 0; i < 2; i++)
		last.end.digest += record_hash(TABLE_REIGN, items[i].key, items[i].value);
	begin_snapshot(k, B);
	hear_bulk(k, B, &f);
	hear_bulk(k, B, &last);
	assert_false(k->node[B].next_open);
	connect_to_test(k, B);
	end(k);
}

static void command(struct kit *k, int at, enum command_kind kind)
{
	const struct node_command c = {
		.kind = kind,
		.ticket = 7,
		.key = SLICE("alice@x"),
		.subscriber = {.user = SLICE("alice"), .realm = SLICE("x")},
	};
	struct node_input in = {.event = NODE_COMMAND, .command = &c};

	kit_feed(k, at, &in);
}

/* What a standby's disk had to reach was a seq of a history that is gone. */
static void after_a_fork_the_pair_is_in_step_by_the_new_history_alone(void **state)
{
	struct kit *k = pair(COMMIT_BOTH);

	(void)state;
	ask_many(k, A, 0, 60);
	kit_pass(k, 200);
	link_down(k);
	node_free(&k->node[B].node); /* its disk is lost, and it is asked to serve alone */
	k->node[B].node = kit_make(k, UNIT_SECONDARY, COMMIT_BOTH);
	k->node[B].appended = 0;
	struct node_input loaded = {.event = NODE_LOADED, .loaded = {.wall_ms = 1700000000000}};
	kit_feed(k, B, &loaded);
	address(k, A, false);
	command(k, B, COMMAND_TAKEOVER);
	kit_pass(k, 100);
	address(k, B, true);
	assert_int_equal(node_role(k->node[B].node), ROLE_ACTIVE);
	link_up(k);
	kit_pass(k, 500);
	assert_true(k->node[A].set_aside > 0);
	kit_pass(k, 6000);
	address(k, B, false);
	kit_pass(k, 100);
	link_up(k);
	address(k, A, true);
	kit_pass(k, 100);
	link_up(k);
	assert_int_equal(node_role(k->node[A].node), ROLE_ACTIVE);
	kit_pass(k, 1000);
	assert_string_equal(status(k, A).pair_state, "paired");
	end(k);
}

/* Heartbeats are as frequent as peer_timeout asks for, however slow keepalived's adverts are. */
static void slow_adverts_do_not_make_heartbeats_late(void **state)
{
	struct kit *k = calloc(1, sizeof *k);
	struct node_input loaded = {.event = NODE_LOADED, .loaded = {.wall_ms = 1700000000000}};

	(void)state;
	assert_non_null(k);
	k->now.ms = 1000000;
	k->advert_ms = 10000;
	k->arena = arena_on(heap_take(NULL, KIT_ARENA), KIT_ARENA);
	k->node[A].node = kit_make(k, UNIT_PRIMARY, COMMIT_BOTH);
	kit_feed(k, A, &loaded);
	turn(k, A);
	assert_true(node_deadline(k->node[A].node).ms - k->now.ms <= 100);
	end(k);
}

static void a_change_that_was_not_committed_is_answered_too(void **state)
{
	struct kit *k = pair(COMMIT_BOTH);
	struct node_input failed = {.event = NODE_LOG_FAILED};

	(void)state;
	k->node[A].disk_held = true;
	command(k, A, COMMAND_SUBSCRIBER_PUT);
	kit_pass(k, 100);
	assert_int_equal(k->node[A].answers, 0);
	kit_feed(k, A, &failed);
	assert_int_equal(k->node[A].answers, 1);
	assert_false(k->node[A].answer_ok);
	end(k);
}

/* T2 */
static void in_doubt_no_change_is_taken(void **state)
{
	struct kit *k = pair(COMMIT_BOTH);
	uint64_t seq = node_position(k->node[A].node).seq;

	(void)state;
	k->now.ms += 1000; /* stopped: no turn, no frame */
	command(k, A, COMMAND_SUBSCRIBER_PUT);
	assert_int_equal(node_position(k->node[A].node).seq, seq);
	assert_int_equal(k->node[A].answers, 1);
	assert_false(k->node[A].answer_ok);
	end(k);
}

/* Memory on this path is bounded, the standby's too. */
static void a_standby_whose_disk_hangs_is_not_sent_more_than_it_can_hold(void **state)
{
	struct kit *k = pair(COMMIT_BOTH);
	unsigned i = 0;

	(void)state;
	k->node[B].disk_held = true;
	ask_many(k, A, i, i + 10);
	kit_pass(k, 6000);
	assert_string_equal(status(k, A).pair_state, "exposed");
	for (i = 10; i < 6010; i += 100) {
		ask_many(k, A, i, i + 100);
		kit_settle(k);
	}
	assert_int_equal(k->node[A].messages, 6010); /* service goes on */
	assert_true(k->node[B].appended < 4500);
	k->node[B].disk_held = false;
	kit_pass(k, 2500);
	assert_string_equal(status(k, A).pair_state, "paired");
	assert_int_equal(k->node[B].appended, k->node[A].appended);
	end(k);
}

/* At once, also in mode `peer`, where the disk alone is waited for */
static void in_mode_peer_the_disk_is_waited_for_while_the_pair_is_not_paired(void **state)
{
	struct kit *k = pair(COMMIT_PEER);

	(void)state;
	assert_false(node_waits_for_disk(k->node[A].node));
	assert_false(node_waits_for_disk(k->node[B].node));
	link_down(k);
	assert_true(node_waits_for_disk(k->node[A].node));
	k->node[B].disk_held = true;
	address(k, B, true);
	assert_int_equal(node_role(k->node[B].node), ROLE_TAKING_OVER);
	assert_true(node_waits_for_disk(k->node[B].node));
	end(k);
}

/* P9 */
static void the_standby_knows_the_path_of_a_binding(void **state)
{
	struct kit *k = pair(COMMIT_BOTH);
	struct aor_record r;

	(void)state;
	ask(k, A, "alice", 1, "\r\nPath: <sip:p1;lr>, <sip:p2;lr>");
	kit_settle(k);
	const struct copy_item *item =
		copy_get(node_copy(k->node[B].node), TABLE_AOR, SLICE("sip:alice@x"));
	assert_non_null(item);
	assert_int_equal(aor_decode(item->value, &k->arena, &r), OK);
	assert_int_equal(r.bindings[0].n_paths, 2);
	assert_true(slice_eq(r.bindings[0].path[0], SLICE("<sip:p1;lr>")));
	assert_true(slice_eq(r.bindings[0].path[1], SLICE("<sip:p2;lr>")));
	end(k);
}

/* A4: an alarm, and nothing else: the pair goes on, nothing expires. */
static void wall_clocks_apart_are_told_once(void **state)
{
	struct kit *k = pair(COMMIT_BOTH);

	(void)state;
	ask(k, A, "alice", 1, ";expires=3600");
	kit_pass(k, 1000);
	assert_false(status(k, A).clocks_apart || status(k, B).clocks_apart);
	k->node[B].wall_ahead_ms = -7200000;
	kit_pass(k, 1000);
	assert_true(status(k, A).clocks_apart && status(k, B).clocks_apart);
	assert_in_range(status(k, B).peer_clock_offset_ms, 7199900, 7200100);
	assert_in_range(-status(k, A).peer_clock_offset_ms, 7199900, 7200100);
	assert_non_null(strstr(k->node[A].line, "clocks=together->apart"));
	unsigned lines = k->node[A].lines;
	kit_pass(k, 5000);
	assert_int_equal(k->node[A].lines, lines);
	assert_int_equal(status(k, A).aors, 1);
	assert_string_equal(status(k, A).pair_state, "paired");
	k->node[B].wall_ahead_ms = 600; /* between the two bounds: as it was */
	kit_pass(k, 1000);
	assert_true(status(k, A).clocks_apart);
	k->node[B].wall_ahead_ms = 0;
	kit_pass(k, 1000);
	assert_false(status(k, A).clocks_apart || status(k, B).clocks_apart);
	assert_non_null(strstr(k->node[B].line, "clocks=apart->together"));
	end(k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_standby_knows_the_path_of_a_binding),
		cmocka_unit_test(answers_wait_for_their_commit_and_for_nothing_else),
		cmocka_unit_test(with_no_room_to_hold_answers_a_change_is_refused_at_once),
		cmocka_unit_test(a_peer_whose_disk_is_ahead_of_its_memory_is_refused),
		cmocka_unit_test(a_refused_peer_is_told_of_once),
		cmocka_unit_test(an_acknowledgement_of_more_than_was_sent_counts_for_nothing),
		cmocka_unit_test(an_entry_of_an_unknown_table_ends_the_link_alone),
		cmocka_unit_test(a_slice_with_an_unknown_table_ends_the_link_and_the_snapshot),
		cmocka_unit_test(a_slice_out_of_order_leaves_no_half_snapshot_behind),
		cmocka_unit_test(a_record_that_swells_when_it_is_read_crashes_nobody),
		cmocka_unit_test(two_reigns_with_one_beginning_crash_nobody),
		cmocka_unit_test(after_a_fork_the_pair_is_in_step_by_the_new_history_alone),
		cmocka_unit_test(slow_adverts_do_not_make_heartbeats_late),
		cmocka_unit_test(a_change_that_was_not_committed_is_answered_too),
		cmocka_unit_test(in_doubt_no_change_is_taken),
		cmocka_unit_test(in_mode_peer_the_disk_is_waited_for_while_the_pair_is_not_paired),
		cmocka_unit_test(wall_clocks_apart_are_told_once),
		cmocka_unit_test(a_standby_whose_disk_hangs_is_not_sent_more_than_it_can_hold),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
