/* layer: core */
/* What one node and what two nodes promise, told step by step. */
#include "tests/unit/pair_story.h"

/* I1, A14 */
static void a_standalone_node_answers_once_its_disk_has_the_change(void **state)
{
	struct kit *k = start(UNIT_STANDALONE, COMMIT_BOTH);

	(void)state;
	assert_int_equal(node_role(k->node[A].node), ROLE_ACTIVE);
	k->node[A].disk_held = true;
	ask(k, A, "alice", 1, ";expires=60");
	kit_settle(k);
	assert_int_equal(k->node[A].messages, 0);
	k->node[A].disk_held = false;
	kit_settle(k);
	assert_int_equal(k->node[A].messages, 1);
	assert_true(says(k, A, "SIP/2.0 200 OK") && says(k, A, "expires=60"));
	end(k);
}

/* I1, A1 */
static void a_paired_answer_waits_for_the_disk_and_for_the_standby(void **state)
{
	struct kit *k = pair(COMMIT_BOTH);
	struct node_input durable = {.event = NODE_DURABLE};
	struct node_input turn = {.event = NODE_TURN};

	(void)state;
	k->node[A].disk_held = true;
	ask(k, A, "alice", 1, ";expires=60");
	kit_settle(k);
	assert_int_equal(k->node[A].messages, 0); /* the standby has it, the disk has not */
	k->node[A].disk_held = false;
	kit_settle(k);
	assert_int_equal(k->node[A].messages, 1);
	ask(k, A, "bob", 1, ";expires=60");
	durable.seq = k->node[A].appended;
	kit_feed(k, A, &durable);
	kit_feed(k, A, &turn);
	assert_int_equal(k->node[A].messages, 1); /* the disk has it, the standby has not */
	kit_settle(k);
	assert_int_equal(k->node[A].messages, 2);
	end(k);
}

static void mode_peer_does_not_wait_for_the_disk(void **state)
{
	struct kit *k = pair(COMMIT_PEER);

	(void)state;
	k->node[A].disk_held = true;
	ask(k, A, "alice", 1, ";expires=60");
	kit_settle(k);
	assert_int_equal(k->node[A].messages, 1);
	end(k);
}

static void mode_disk_does_not_wait_for_the_standby(void **state)
{
	struct kit *k = pair(COMMIT_DISK);
	struct node_input durable = {.event = NODE_DURABLE};

	(void)state;
	ask(k, A, "alice", 1, ";expires=60");
	durable.seq = k->node[A].appended;
	kit_feed(k, A, &durable);
	assert_int_equal(k->node[A].messages, 1);
	end(k);
}

/* A9: a standby that does not acknowledge costs latency once, never availability. */
static void a_silent_standby_makes_the_pair_exposed_and_answers_go_on(void **state)
{
	struct kit *k = pair(COMMIT_BOTH);

	(void)state;
	assert_string_equal(status(k, A).pair_state, "paired");
	k->linked = false; /* frames vanish, nobody is told */
	ask(k, A, "alice", 1, ";expires=60");
	kit_pass(k, 150);
	assert_int_equal(k->node[A].messages, 0);
	kit_pass(k, 100);
	assert_int_equal(k->node[A].messages, 1);
	assert_string_equal(status(k, A).pair_state, "exposed");
	link_down(k);
	link_up(k);
	kit_pass(k, 2000);
	assert_string_equal(status(k, A).pair_state, "paired");
	assert_true(status(k, A).digest[0] != '\0');
	assert_string_equal(status(k, A).digest, status(k, B).digest);
	end(k);
}

/* A removal that is forgotten could be undone by a split: it is counted, and told once a minute. */
static void a_tombstone_that_gives_way_is_counted_and_told(void **state)
{
	struct kit *k = pair(COMMIT_BOTH);
	unsigned told = 0;

	(void)state;
	for (unsigned i = 1; i < AOR_TOMBSTONES_MAX + 4; i++) {
		char params[64];
		(void)snprintf(params, sizeof params, ";expires=0,<sip:%u@192.0.2.7>;expires=0", i);
		unsigned lines = k->node[A].lines;
		ask(k, A, "alice", i, params);
		told += k->node[A].lines - lines;
		kit_settle(k);
	}
	assert_int_equal(status(k, A).tombstones_dropped, 4);
	assert_int_equal(told, 1);
	assert_non_null(strstr(k->node[A].line, "tombstones=dropped aor=\"sip:alice@x\" times=1"));
	end(k);
}

/* Frames vanish until somebody is late; then the link is there again. */
static void be_late(struct kit *k, unsigned cseq)
{
	k->linked = false;
	ask(k, A, "alice", cseq, ";expires=600");
	kit_pass(k, 250);
	assert_string_equal(status(k, A).pair_state, "exposed");
	link_up(k);
}

/* How long it takes until answers wait for the standby again. */
static int64_t trial_of(struct kit *k)
{
	int64_t from_ms = k->now.ms;

	while (strcmp(status(k, A).pair_state, "paired") != 0) {
		assert_in_range(k->now.ms - from_ms, 0, 40000);
		kit_pass(k, 100);
	}
	return k->now.ms - from_ms;
}

/* T8, A9: who is late again and again is waited for less and less; who was in time for long is forgiven. */
static void a_standby_that_was_late_is_on_trial(void **state)
{
	static const int64_t trials_ms[] = {2000, 4000, 8000, 16000, 30000, 30000};
	struct kit *k = pair(COMMIT_BOTH);
	unsigned cseq = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(trials_ms); i++) {
		be_late(k, ++cseq);
		assert_in_range(trial_of(k), trials_ms[i] - 200, trials_ms[i] + 200);
	}
	kit_pass(k, 60000);
	be_late(k, ++cseq);
	assert_in_range(trial_of(k), 1800, 2200);
	assert_int_equal(status(k, A).exposed_times, ARRAY_LEN(trials_ms) + 1);
	end(k);
}

/* T8: late once more on trial, and it begins anew; no flip, and no answer waits. */
static void late_on_trial_is_no_flip(void **state)
{
	struct kit *k = pair(COMMIT_BOTH);

	(void)state;
	be_late(k, 1);
	kit_pass(k, 1500);
	k->linked = false;
	ask(k, A, "alice", 2, ";expires=600");
	unsigned before = k->node[A].messages;
	kit_settle(k);
	assert_int_equal(k->node[A].messages, before + 1);
	kit_pass(k, 300);
	link_up(k);
	kit_pass(k, 1500);
	assert_string_equal(status(k, A).pair_state, "exposed");
	assert_int_equal(status(k, A).exposed_times, 1);
	kit_pass(k, 500);
	assert_string_equal(status(k, A).pair_state, "paired");
	end(k);
}

/* I3, I9, A15: the binding, its lifetime, and the answer to a retransmission are as they were. */
static void the_standby_goes_on_where_the_dead_node_was(void **state)
{
	struct kit *k = pair(COMMIT_BOTH);
	char first[2048];

	(void)state;
	ask(k, A, "alice", 1, ";expires=60");
	kit_settle(k);
	memcpy(first, k->node[A].last, sizeof first);
	kit_pass(k, 10000);
	node_free(&k->node[A].node);
	link_down(k);
	address(k, B, true);
	assert_int_equal(node_role(k->node[B].node), ROLE_ACTIVE);
	assert_false(status(k, B).reign_behind);
	ask(k, B, "alice", 2, NULL);
	kit_settle(k);
	assert_true(says(k, B, "SIP/2.0 200 OK"));
	assert_true(says(k, B, "expires=50"));
	ask(k, B, "alice", 1, ";expires=60");
	kit_settle(k);
	assert_true(says(k, B, "SIP/2.0 200 OK") && says(k, B, "expires=50"));
	const char *tag = strstr(first, "To: ");
	assert_non_null(tag);
	char line[200];
	(void)snprintf(line, sizeof line, "%.*s", (int)strcspn(tag, "\r"), tag);
	assert_true(says(k, B, line));
	end(k);
}

/* A5, A6, T15: the standby expires nothing and sends nothing. */
static void only_the_active_expires_and_speaks(void **state)
{
	struct kit *k = pair(COMMIT_BOTH);

	(void)state;
	ask(k, A, "alice", 1, ";expires=5");
	kit_settle(k);
	uint64_t seq = status(k, A).seq;
	kit_pass(k, 6000);
	assert_int_equal(status(k, A).expired, 1);
	assert_int_equal(status(k, B).expired, 0);
	assert_true(status(k, A).seq > seq && status(k, B).seq == status(k, A).seq);
	ask(k, B, "bob", 1, ";expires=60");
	kit_settle(k);
	assert_int_equal(k->node[B].messages, 0);
	end(k);
}

/* A14, I6, T4: both sides' registrations live on, once. */
static void a_fork_is_merged_and_the_pair_is_equal_again(void **state)
{
	struct kit *k = pair(COMMIT_BOTH);

	(void)state;
	ask(k, A, "carol", 1, ";expires=600");
	kit_settle(k);
	link_down(k);
	kit_pass(k, 500);
	address(k, B, true); /* both have the address now */
	ask(k, A, "alice", 1, ";expires=600");
	ask(k, B, "bob", 1, ";expires=600");
	ask(k, B, "carol", 2, ";expires=0");
	kit_settle(k);
	assert_int_equal(k->node[A].messages + k->node[B].messages, 4);
	address(k, B, false);
	assert_int_equal(node_role(k->node[B].node), ROLE_STANDBY);
	link_up(k);
	kit_pass(k, 200);
	assert_int_equal(k->node[B].set_aside, 1);
	assert_int_equal(status(k, B).forks, 1);
	assert_int_equal(status(k, A).merges, 1);
	assert_int_equal(status(k, A).merged_keys, 2);
	assert_string_equal(status(k, A).digest, status(k, B).digest);
	assert_string_equal(status(k, A).pair_state, "paired");
	ask(k, A, "alice", 9, NULL);
	kit_settle(k);
	assert_true(says(k, A, "200 OK") && says(k, A, "Contact:"));
	ask(k, A, "bob", 9, NULL);
	kit_settle(k);
	assert_true(says(k, A, "200 OK") && says(k, A, "Contact:"));
	ask(k, A, "carol", 9, NULL); /* removed on the other side */
	kit_settle(k);
	assert_true(says(k, A, "200 OK") && !says(k, A, "Contact:"));
	end(k);
}

/* The link breaks in the middle of a merge: it is done again, with the same end. */
static void a_merge_that_was_cut_short_is_done_again(void **state)
{
	struct kit *k = pair(COMMIT_BOTH);

	(void)state;
	link_down(k);
	kit_pass(k, 500);
	address(k, B, true);
	for (unsigned i = 1; i <= 20; i++) {
		char user[16];
		(void)snprintf(user, sizeof user, "u%u", i);
		ask(k, i % 2 == 0 ? A : B, user, 1, ";expires=600");
		kit_settle(k);
	}
	address(k, B, false);
	for (int cut = 1; cut < 12; cut++) {
		for (int at = 0; at < 2; at++) {
			struct node_input down = {.event = NODE_LINK_DOWN,
			                          .connection = k->connection};
			kit_feed(k, at, &down);
		}
		k->connection++;
		k->linked = true;
		for (int at = 0; at < 2; at++) {
			struct node_input up = {.event = NODE_LINK_UP, .connection = k->connection};
			kit_feed(k, at, &up);
		}
		for (int i = 0; i < cut; i++) {
			struct node_input turn = {.event = NODE_TURN};
			if (k->head != k->tail)
				kit_deliver(k);
			kit_feed(k, i % 2, &turn);
		}
		link_down(k);
	}
	link_up(k);
	kit_pass(k, 300);
	assert_int_equal(k->node[B].set_aside, 1);
	assert_string_equal(status(k, A).digest, status(k, B).digest);
	assert_int_equal(status(k, B).aors, 20);
	end(k);
}

static void a_change_asked_of_the_standby_is_refused_naming_the_active(void **state)
{
	struct kit *k = pair(COMMIT_BOTH);
	struct node_command c = {.kind = COMMAND_AOR_REMOVE, .ticket = 7, .key = SLICE("sip:a@x")};
	struct node_input in = {.event = NODE_COMMAND, .command = &c};

	(void)state;
	kit_feed(k, B, &in);
	assert_int_equal(k->node[B].answers, 1);
	assert_false(k->node[B].answer_ok);
	assert_string_equal(k->node[B].answer,
	                    "this node is standby: ask the active one, the primary");
	c.kind = COMMAND_SWITCHOVER;
	kit_feed(k, B, &in);
	assert_false(k->node[B].answer_ok);
	assert_string_equal(k->node[B].answer,
	                    "this node is standby: ask the active one, the primary");
	end(k);
}

/* A16 */
static void a_switchover_drains_hands_over_and_answers_who_asked(void **state)
{
	struct kit *k = pair(COMMIT_BOTH);
	struct node_command c = {.kind = COMMAND_SWITCHOVER, .ticket = 9};
	struct node_input in = {.event = NODE_COMMAND, .command = &c};

	(void)state;
	ask(k, A, "alice", 1, ";expires=60");
	kit_feed(k, A, &in);
	kit_settle(k);
	assert_int_equal(k->node[A].messages, 1);
	assert_int_equal(node_role(k->node[A].node), ROLE_STEPPING_DOWN);
	assert_true(k->node[A].fault);
	address(k, A, false);
	address(k, B, true);
	link_up(k);
	kit_pass(k, 200);
	assert_int_equal(node_role(k->node[B].node), ROLE_ACTIVE);
	assert_int_equal(node_role(k->node[A].node), ROLE_STANDBY);
	assert_false(k->node[A].fault);
	assert_int_equal(k->node[A].answers, 1);
	assert_true(k->node[A].answer_ok);
	assert_string_equal(status(k, B).pair_state, "paired");
	end(k);
}

/* A17: a lone node waits for its peer; an operator ends the wait. */
static void a_takeover_ends_the_wait_for_the_peer(void **state)
{
	struct kit *k = start(UNIT_PRIMARY, COMMIT_BOTH);
	struct node_command c = {.kind = COMMAND_TAKEOVER, .ticket = 3};
	struct node_input in = {.event = NODE_COMMAND, .command = &c};

	(void)state;
	kit_pass(k, 2000);
	assert_int_equal(node_role(k->node[A].node), ROLE_INIT);
	kit_feed(k, A, &in);
	assert_true(k->node[A].answers == 1 && k->node[A].answer_ok);
	assert_false(k->node[A].fault);
	address(k, A, true);
	assert_int_equal(node_role(k->node[A].node), ROLE_ACTIVE);
	kit_feed(k, A, &in);
	assert_true(k->node[A].answers == 2 && !k->node[A].answer_ok);
	end(k);
}

/* T2: a pause is a doubt; while it lasts nothing leaves. */
static void a_node_that_was_paused_asks_before_it_answers(void **state)
{
	struct kit *k = pair(COMMIT_BOTH);

	(void)state;
	k->now.ms += 5000; /* stopped: no turn, no frame */
	ask(k, A, "alice", 1, ";expires=60");
	assert_int_equal(k->node[A].messages, 0);
	assert_false(node_serves(k->node[A].node));
	kit_settle(k); /* too long a silence: the link is made anew */
	link_up(k);
	kit_pass(k, 100);
	assert_true(node_serves(k->node[A].node));
	ask(k, A, "alice", 1, ";expires=60");
	kit_settle(k);
	assert_int_equal(k->node[A].messages, 1);
	end(k);
}

/* T2; seed 1951: a doubt that another pause outlasts has heard nobody: its time begins anew. */
static void a_pause_within_a_doubt_is_another_doubt(void **state)
{
	struct kit *k = pair(COMMIT_BOTH);
	struct node_input turn = {.event = NODE_TURN};

	(void)state;
	k->now.ms += 2600; /* stopped, for one step awake, stopped again */
	ask(k, A, "alice", 1, ";expires=60");
	k->now.ms += 3300;
	kit_feed(k, A, &turn);
	assert_false(node_serves(k->node[A].node));
	kit_settle(k);
	link_up(k);
	kit_pass(k, 100);
	assert_true(node_serves(k->node[A].node));
	end(k);
}

static void a_node_that_was_paused_steps_down_when_the_peer_took_over(void **state)
{
	struct kit *k = pair(COMMIT_BOTH);
	struct kit_node frozen = k->node[A];

	(void)state;
	k->node[A].node = NULL; /* frozen: hears and does nothing */
	link_down(k);
	kit_pass(k, 300);
	address(k, B, true);
	assert_int_equal(node_role(k->node[B].node), ROLE_ACTIVE);
	k->node[A].node = frozen.node;
	ask(k, A, "alice", 1, ";expires=60");
	link_up(k);
	kit_pass(k, 100);
	assert_int_equal(k->node[A].messages, 0);
	assert_true(node_role(k->node[A].node) == ROLE_STEPPING_DOWN && k->node[A].fault);
	address(k, A, false);
	link_up(k);
	kit_pass(k, 200);
	assert_int_equal(node_role(k->node[A].node), ROLE_STANDBY);
	assert_string_equal(status(k, B).pair_state, "paired");
	end(k);
}

/* A failed append or sync */
static void after_a_failed_log_nothing_held_is_answered(void **state)
{
	struct kit *k = start(UNIT_STANDALONE, COMMIT_BOTH);
	struct node_input failed = {.event = NODE_LOG_FAILED};

	(void)state;
	k->node[A].disk_held = true;
	ask(k, A, "alice", 1, ";expires=60");
	kit_feed(k, A, &failed);
	k->node[A].disk_held = false;
	kit_pass(k, 1000);
	assert_int_equal(k->node[A].messages, 0);
	assert_int_equal(node_role(k->node[A].node), ROLE_OUT_OF_SERVICE);
	end(k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_standalone_node_answers_once_its_disk_has_the_change),
		cmocka_unit_test(a_paired_answer_waits_for_the_disk_and_for_the_standby),
		cmocka_unit_test(mode_peer_does_not_wait_for_the_disk),
		cmocka_unit_test(mode_disk_does_not_wait_for_the_standby),
		cmocka_unit_test(a_silent_standby_makes_the_pair_exposed_and_answers_go_on),
		cmocka_unit_test(a_tombstone_that_gives_way_is_counted_and_told),
		cmocka_unit_test(a_standby_that_was_late_is_on_trial),
		cmocka_unit_test(late_on_trial_is_no_flip),
		cmocka_unit_test(the_standby_goes_on_where_the_dead_node_was),
		cmocka_unit_test(only_the_active_expires_and_speaks),
		cmocka_unit_test(a_fork_is_merged_and_the_pair_is_equal_again),
		cmocka_unit_test(a_merge_that_was_cut_short_is_done_again),
		cmocka_unit_test(a_change_asked_of_the_standby_is_refused_naming_the_active),
		cmocka_unit_test(a_switchover_drains_hands_over_and_answers_who_asked),
		cmocka_unit_test(a_takeover_ends_the_wait_for_the_peer),
		cmocka_unit_test(a_node_that_was_paused_asks_before_it_answers),
		cmocka_unit_test(a_pause_within_a_doubt_is_another_doubt),
		cmocka_unit_test(a_node_that_was_paused_steps_down_when_the_peer_took_over),
		cmocka_unit_test(after_a_failed_log_nothing_held_is_answered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
