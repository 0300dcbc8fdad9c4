/* layer: core */
/* What a node does about its own disk: little room, no answer. */
#include "tests/unit/pair_story.h"

static void tell_room(struct kit *k, int at, bool there)
{
	struct node_input in = {.event = NODE_ROOM, .on = there};

	kit_feed(k, at, &in);
	kit_settle(k);
}

static struct status status_of(const struct kit *k, int at)
{
	struct status s;

	node_status(k->node[at].node, k->now, &s);
	return s;
}

static void lets_the_address_go(struct kit *k)
{
	kit_pass(k, 100);
	assert_true(k->node[A].fault);
	address(k, A, false);
	address(k, B, true);
	link_up(k);
	kit_pass(k, 300);
	assert_int_equal(node_role(k->node[B].node), ROLE_ACTIVE);
}

/* A23, X08 */
static void with_little_room_a_change_is_refused_and_a_question_answered(void **state)
{
	struct kit *k = start(UNIT_STANDALONE, COMMIT_BOTH);

	(void)state;
	ask(k, A, "alice", 1, ";expires=60");
	kit_settle(k);
	tell_room(k, A, false);
	uint64_t before = k->node[A].appended;
	ask(k, A, "bob", 1, ";expires=60");
	kit_settle(k);
	assert_true(says(k, A, "SIP/2.0 503") && says(k, A, "Retry-After: "));
	ask(k, A, "alice", 2, NULL);
	kit_settle(k);
	assert_true(says(k, A, "SIP/2.0 200 OK") && says(k, A, "sip:u@192.0.2.7"));
	assert_int_equal(k->node[A].appended, before);
	assert_true(status_of(k, A).room_low);
	tell_room(k, A, true);
	ask(k, A, "bob", 2, ";expires=60");
	kit_settle(k);
	assert_true(says(k, A, "SIP/2.0 200 OK"));
	assert_false(status_of(k, A).room_low);
	assert_int_equal(status_of(k, A).room_low_times, 1);
	end(k);
}

static void nothing_expires_into_a_full_store(void **state)
{
	struct kit *k = start(UNIT_STANDALONE, COMMIT_BOTH);

	(void)state;
	ask(k, A, "alice", 1, ";expires=1");
	kit_settle(k);
	tell_room(k, A, false);
	uint64_t before = k->node[A].appended;
	kit_pass(k, 3000);
	assert_int_equal(k->node[A].appended, before);
	ask(k, A, "alice", 2, NULL);
	kit_settle(k);
	assert_true(says(k, A, "SIP/2.0 200 OK"));
	assert_false(says(k, A, "sip:u@192.0.2.7")); /* it is over all the same */
	tell_room(k, A, true);
	kit_pass(k, 1000);
	assert_true(k->node[A].appended > before);
	end(k);
}

static void an_operators_change_is_refused_with_the_remedy(void **state)
{
	struct kit *k = start(UNIT_STANDALONE, COMMIT_BOTH);
	struct node_command c = {.kind = COMMAND_AOR_REMOVE, .ticket = 5, .key = SLICE("sip:a@x")};
	struct node_input in = {.event = NODE_COMMAND, .command = &c};

	(void)state;
	tell_room(k, A, false);
	kit_feed(k, A, &in);
	assert_false(k->node[A].answer_ok);
	assert_non_null(strstr(k->node[A].answer, "make room"));
	end(k);
}

/* A23 */
static void with_little_room_the_active_hands_over_to_a_standby_that_has_more(void **state)
{
	struct kit *k = pair(COMMIT_BOTH);

	(void)state;
	ask(k, A, "alice", 1, ";expires=60");
	kit_settle(k);
	tell_room(k, A, false);
	assert_int_equal(node_role(k->node[A].node), ROLE_STEPPING_DOWN);
	lets_the_address_go(k);
	ask(k, B, "alice", 2, NULL);
	kit_settle(k);
	assert_true(says(k, B, "sip:u@192.0.2.7"));
	end(k);
}

static void with_little_room_on_both_nobody_hands_over_until_one_has_more(void **state)
{
	struct kit *k = pair(COMMIT_BOTH);

	(void)state;
	tell_room(k, B, false);
	kit_pass(k, 100);
	tell_room(k, A, false);
	kit_pass(k, 1000);
	assert_int_equal(node_role(k->node[A].node), ROLE_ACTIVE);
	ask(k, A, "bob", 1, ";expires=60");
	kit_settle(k);
	assert_true(says(k, A, "SIP/2.0 503"));
	tell_room(k, B, true);
	kit_pass(k, 100);
	assert_int_equal(node_role(k->node[A].node), ROLE_STEPPING_DOWN);
	end(k);
}

/* X08 */
static void a_disk_that_hangs_is_left_in_favour_of_the_standby(void **state)
{
	struct kit *k = pair(COMMIT_BOTH);

	(void)state;
	k->node[A].disk_held = true;
	unsigned before = k->node[A].messages;
	ask(k, A, "alice", 1, ";expires=60");
	kit_pass(k, 1900);
	assert_int_equal(node_role(k->node[A].node), ROLE_ACTIVE);
	kit_pass(k, 200);
	assert_int_equal(node_role(k->node[A].node), ROLE_STEPPING_DOWN);
	assert_int_equal(status_of(k, A).disk_hung_times, 1);
	lets_the_address_go(k);
	assert_int_equal(k->node[A].messages, before); /* it answered nothing */
	ask(k, B, "alice", 1, ";expires=60");          /* sent again, to the other */
	kit_settle(k);
	assert_true(says(k, B, "SIP/2.0 200 OK"));
	end(k);
}

/* X08: a log that is full: little room makes it try to hand over first, which that log does not let end. */
static void a_disk_that_hangs_is_left_behind_a_switchover_that_failed(void **state)
{
	struct kit *k = pair(COMMIT_BOTH);

	(void)state;
	k->node[A].disk_held = true;
	ask(k, A, "alice", 1, ";expires=60");
	kit_pass(k, 100);
	tell_room(k, A, false);
	assert_int_equal(node_role(k->node[A].node), ROLE_STEPPING_DOWN);
	kit_pass(k, 1200);
	assert_int_equal(node_role(k->node[A].node), ROLE_ACTIVE);
	kit_pass(k, 900);
	assert_int_equal(node_role(k->node[A].node), ROLE_STEPPING_DOWN);
	assert_int_equal(status_of(k, A).disk_hung_times, 1);
	lets_the_address_go(k);
	end(k);
}

static void a_disk_that_hangs_alone_is_waited_for(void **state)
{
	struct kit *k = start(UNIT_STANDALONE, COMMIT_BOTH);

	(void)state;
	k->node[A].disk_held = true;
	ask(k, A, "alice", 1, ";expires=60");
	kit_pass(k, 10000);
	assert_int_equal(node_role(k->node[A].node), ROLE_ACTIVE);
	assert_int_equal(k->node[A].messages, 0);
	assert_true(status_of(k, A).disk_hangs);
	for (unsigned i = 0; i < 5000 && k->node[A].messages == 0; i++) {
		char user[16];
		(void)snprintf(user, sizeof user, "u%u", i);
		ask(k, A, user, 1, ";expires=60");
	}
	assert_true(says(k, A, "SIP/2.0 503")); /* memory is full: whoever comes now is told */
	k->node[A].disk_held = false;
	kit_pass(k, 500);
	assert_false(status_of(k, A).disk_hangs);
	assert_true(k->node[A].messages > 2);
	end(k);
}

/* X04; seed 37 of X04-paused-5s.txt: what the disk lacks as a process is stopped is not the disk's fault. */
static void a_pause_is_no_disk_that_hangs(void **state)
{
	static const enum unit units[] = {UNIT_PRIMARY, UNIT_STANDALONE};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(units); i++) {
		struct kit *k = units[i] == UNIT_STANDALONE ? start(units[i], COMMIT_BOTH)
		                                            : pair(COMMIT_BOTH);
		k->node[A].disk_held = true;
		ask(k, A, "alice", 1, ";expires=60");
		kit_pass(k, 100);
		k->now.ms += 5000;
		kit_pass(k, 50);
		assert_false(status_of(k, A).disk_hangs);
		k->node[A].disk_held = false;
		kit_settle(k);
		if (units[i] == UNIT_PRIMARY)
			link_up(k);
		kit_pass(k, 100);
		assert_int_equal(node_role(k->node[A].node), ROLE_ACTIVE);
		assert_true(node_serves(k->node[A].node));
		assert_int_equal(status_of(k, A).disk_hung_times, 0);
		end(k);
	}
}

static void a_slow_disk_that_goes_on_does_not_hang(void **state)
{
	struct kit *k = pair(COMMIT_BOTH);

	(void)state;
	k->node[A].disk_held = true;
	for (unsigned i = 1; i <= 10; i++) {
		struct node_input durable = {.event = NODE_DURABLE, .seq = k->node[A].appended};
		ask(k, A, "alice", i, ";expires=60"); /* there is always more to write */
		kit_feed(k, A, &durable);
		kit_pass(k, 1500);
	}
	assert_int_equal(node_role(k->node[A].node), ROLE_ACTIVE);
	assert_int_equal(status_of(k, A).disk_hung_times, 0);
	end(k);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(with_little_room_a_change_is_refused_and_a_question_answered),
		cmocka_unit_test(nothing_expires_into_a_full_store),
		cmocka_unit_test(an_operators_change_is_refused_with_the_remedy),
		cmocka_unit_test(with_little_room_the_active_hands_over_to_a_standby_that_has_more),
		cmocka_unit_test(with_little_room_on_both_nobody_hands_over_until_one_has_more),
		cmocka_unit_test(a_disk_that_hangs_is_left_in_favour_of_the_standby),
		cmocka_unit_test(a_disk_that_hangs_is_left_behind_a_switchover_that_failed),
		cmocka_unit_test(a_disk_that_hangs_alone_is_waited_for),
		cmocka_unit_test(a_pause_is_no_disk_that_hangs),
		cmocka_unit_test(a_slow_disk_that_goes_on_does_not_hang),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
