/* layer: core */
/* What a node tells of itself: when answers were asked for, how much there is, when it took over. */
#include "tests/unit/pair_story.h"

static int64_t asked_us; /* of the newest message that left */

static void watch(const struct node_output *o)
{
	if (o->kind == OUT_MESSAGE)
		asked_us = o->asked_us;
}

static void an_answer_knows_when_it_was_asked_for_however_long_it_waits(void **state)
{
	struct kit *k = pair(COMMIT_BOTH);
	int64_t then_us = kit_clock_us(k);

	(void)state;
	k->node[A].watch = watch;
	k->node[A].disk_held = true;
	ask(k, A, "alice", 1, ";expires=60");
	kit_pass(k, 100);
	assert_int_equal(k->node[A].messages, 0);
	k->node[A].disk_held = false;
	kit_settle(k);
	assert_int_equal(k->node[A].messages, 1);
	assert_int_equal(asked_us, then_us);
	ask(k, A, "alice", 1, ";expires=60"); /* again: answered at once */
	kit_settle(k);
	assert_int_equal(asked_us, kit_clock_us(k));
	end(k);
}

static void bindings_are_counted_alike_on_both_nodes(void **state)
{
	struct kit *k = pair(COMMIT_BOTH);
	struct domain_view d;

	(void)state;
	ask(k, A, "alice", 1, ";expires=60,<sip:second@192.0.2.7>;expires=3000");
	ask(k, A, "bob", 1, ";expires=60");
	kit_settle(k);
	for (int at = A; at <= B; at++) {
		assert_int_equal(status(k, at).aors, 2);
		assert_int_equal(status(k, at).bindings, 3);
		assert_true(node_domain_view(k->node[at].node, 0, &d));
		assert_int_equal(d.users, 2);
		assert_int_equal(d.bindings, 3);
		assert_false(node_domain_view(k->node[at].node, 1, &d));
	}
	kit_pass(k, 62000);
	for (int at = A; at <= B; at++)
		assert_int_equal(status(k, at).bindings, 1);
	end(k);
}

/* What the operator of a night's failover asks in the morning. */
static void a_takeover_is_told_with_its_time_and_how_long_nobody_was_active(void **state)
{
	struct kit *k = pair(COMMIT_BOTH);
	int64_t wall_ms;

	(void)state;
	assert_int_equal(status(k, A).last_takeover_gap_ms, 0); /* nobody was before */
	assert_int_equal(status(k, B).last_takeover_time_s, 0);
	kit_pass(k, 10000);
	node_free(&k->node[A].node);
	link_down(k);
	kit_pass(k, 400);
	wall_ms = 1700000000000 + k->now.ms;
	address(k, B, true);
	kit_pass(k, 5000);
	assert_int_equal(node_role(k->node[B].node), ROLE_ACTIVE);
	assert_in_range(status(k, B).last_takeover_time_s, wall_ms / 1000, wall_ms / 1000 + 1);
	assert_in_range(status(k, B).last_takeover_gap_ms, 400, 600);
	end(k);
}

static void the_line_for_systemd_says_role_pair_and_users(void **state)
{
	struct kit *k = pair(COMMIT_BOTH);
	char line[STATUS_LINE];

	(void)state;
	ask(k, A, "alice", 1, ";expires=60");
	kit_settle(k);
	struct status s = status(k, A);
	assert_string_equal(status_line(&s, line), "active, paired, epoch 1, 1 users");
	s = status(k, B);
	assert_string_equal(status_line(&s, line), "standby, paired, epoch 1, 1 users");
	end(k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_answer_knows_when_it_was_asked_for_however_long_it_waits),
		cmocka_unit_test(bindings_are_counted_alike_on_both_nodes),
		cmocka_unit_test(a_takeover_is_told_with_its_time_and_how_long_nobody_was_active),
		cmocka_unit_test(the_line_for_systemd_says_role_pair_and_users),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
