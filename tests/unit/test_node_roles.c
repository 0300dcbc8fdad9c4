/* layer: core */
/* What becomes of a node, and what it says of that: its journal, pauses, handing over. */
#include "tests/unit/pair_story.h"

static bool noted(const struct kit *k, int at, const char *text)
{
	return strstr(k->node[at].history, text) != NULL;
}

static void command(struct kit *k, int at, enum command_kind kind)
{
	struct node_command c = {.kind = kind, .ticket = 9};
	struct node_input in = {.event = NODE_COMMAND, .command = &c};

	kit_feed(k, at, &in);
	kit_settle(k);
}

/* A13: epoch, seq, what, from, to, why. */
static void every_change_of_role_is_kept_with_its_reason(void **state)
{
	struct kit *k = pair(COMMIT_BOTH);

	(void)state;
	assert_true(noted(k, A, "0 0 role stopped init start\n"));
	assert_true(noted(k, A, "0 0 role init standby met the peer\n"));
	assert_true(noted(k, A, "1 1 role standby taking-over address\n"));
	assert_true(noted(k, A, "1 1 role taking-over active address\n"));
	assert_true(noted(k, A, "pair catching-up paired in step\n"));
	link_down(k);
	assert_true(noted(k, A, "pair paired exposed no link to the peer\n"));
	address(k, A, false);
	assert_true(noted(k, A, "role stepping-down standby address went\n"));
	command(k, A, COMMAND_STOP);
	assert_true(noted(k, A, "role standby stopped stop\n"));
	end(k);
}

/* A16: what it would do, what it did, what that cost. */
static void a_switchover_tells_what_it_costs(void **state)
{
	struct kit *k = pair(COMMIT_BOTH);

	(void)state;
	assert_null(node_switchover_refusal(k->node[A].node));
	assert_non_null(node_switchover_refusal(k->node[B].node));
	k->node[A].disk_held = true;
	ask(k, A, "alice", 1, ";expires=60");
	ask(k, A, "bob", 1, ";expires=60");
	assert_int_equal(node_switchover_entries(k->node[A].node), 2);
	command(k, A, COMMAND_SWITCHOVER);
	k->node[A].disk_held = false;
	kit_settle(k); /* the last answer leaves */
	assert_int_equal(k->node[A].messages, 2);
	k->now.ms += 30;
	address(k, A, false);
	address(k, B, true);
	k->now.ms += 5;
	link_up(k);
	kit_pass(k, 100);
	assert_true(k->node[A].answers == 1 && k->node[A].answer_ok);
	assert_int_equal(status(k, A).last_switchover_gap_ms, 30);
	assert_int_equal(status(k, A).last_switchover_entries, 2);
	assert_true(
		noted(k, A, "switchover primary secondary 30 ms from the last answer here, 2 "));
	assert_string_equal(status(k, B).last_takeover_why, "address");
	assert_true(status(k, B).last_takeover_ms >= 100);
	end(k);
}

/* A16, X14: the standby dies midway. Nothing that was promised is lost, and this node goes on. */
static void a_switchover_that_loses_its_standby_is_given_up(void **state)
{
	struct kit *k = pair(COMMIT_BOTH);

	(void)state;
	k->node[A].disk_held = true;
	ask(k, A, "alice", 1, ";expires=60");
	command(k, A, COMMAND_SWITCHOVER);
	assert_int_equal(node_role(k->node[A].node), ROLE_STEPPING_DOWN);
	link_down(k);
	assert_int_equal(node_role(k->node[A].node), ROLE_ACTIVE);
	assert_false(k->node[A].fault);
	assert_true(k->node[A].answers == 1 && !k->node[A].answer_ok);
	assert_non_null(strstr(k->node[A].answer, "given up"));
	assert_non_null(node_switchover_refusal(k->node[A].node));
	k->node[A].disk_held = false;
	kit_settle(k);
	assert_int_equal(k->node[A].messages, 1);
	ask(k, A, "bob", 1, ";expires=60");
	kit_settle(k);
	assert_int_equal(k->node[A].messages, 2);
	assert_int_equal(status(k, A).epoch, 1); /* the same reign */
	link_up(k);
	kit_pass(k, 200);
	assert_string_equal(status(k, A).pair_state, "paired");
	assert_null(node_switchover_refusal(k->node[A].node));
	end(k);
}

/* A15, A16 */
static void nothing_is_handed_over_to_a_node_without_keepalived(void **state)
{
	struct kit *k = pair(COMMIT_BOTH);
	struct node_input gone = {.event = NODE_ADDRESS, .address = {false, false}};

	(void)state;
	kit_feed(k, B, &gone);
	kit_pass(k, 100);
	assert_non_null(strstr(node_switchover_refusal(k->node[A].node), "keepalived"));
	command(k, A, COMMAND_SWITCHOVER);
	assert_int_equal(node_role(k->node[A].node), ROLE_ACTIVE);
	assert_false(k->node[A].answer_ok);
	address(k, B, false);
	kit_pass(k, 100);
	assert_null(node_switchover_refusal(k->node[A].node));
	end(k);
}

/* X04: a node that was frozen while it handed over does not go on as if nothing had been. */
static void a_pause_while_handing_over_is_a_doubt(void **state)
{
	struct kit *k = pair(COMMIT_BOTH);
	struct node_input synced = {.event = NODE_DURABLE};

	(void)state;
	k->node[A].disk_held = true;
	ask(k, A, "alice", 1, ";expires=60");
	command(k, A, COMMAND_SWITCHOVER); /* the standby has it; this disk does not */
	k->now.ms += 1500; /* beyond the drain, and the link has not been given up */
	synced.seq = k->node[A].appended;
	kit_feed(k, A, &synced); /* what could have left a second ago */
	assert_int_equal(k->node[A].messages, 0);
	k->node[A].disk_held = false;
	link_down(k);
	assert_false(node_serves(k->node[A].node));
	ask(k, A, "bob", 1, ";expires=60");
	kit_settle(k);
	assert_int_equal(k->node[A].messages, 0);
	kit_pass(k, 1000); /* nobody answers, and address and keepalived are here */
	assert_true(node_serves(k->node[A].node));
	assert_int_equal(k->node[A].messages, 1);
	end(k);
}

/* X04; seed 9356: a host that was frozen while it took over does not begin a reign beside the other's newer one. */
static void a_pause_while_taking_over_is_a_doubt(void **state)
{
	struct kit *k = pair(COMMIT_BOTH);
	struct node_input synced = {.event = NODE_DURABLE};

	(void)state;
	link_down(k);
	address(k, A, false);
	k->node[B].disk_held = true;
	address(k, B, true);
	assert_int_equal(node_role(k->node[B].node), ROLE_TAKING_OVER);
	struct kit_node frozen = k->node[B];
	k->node[B].node = NULL;
	address(k, A, true);
	kit_pass(k, 3000);
	assert_true(node_serves(k->node[A].node));
	k->node[B].node = frozen.node;
	synced.seq = k->node[B].appended;
	kit_feed(k, B, &synced);
	assert_int_equal(node_role(k->node[B].node), ROLE_TAKING_OVER);
	ask(k, B, "bob", 1, ";expires=60");
	link_up(k);
	kit_pass(k, 100);
	assert_false(node_serves(k->node[B].node));
	assert_true(k->node[B].fault && node_serves(k->node[A].node));
	assert_int_equal(k->node[B].messages, 0);
	end(k);
}

/* X04 */
static void a_pause_while_taking_over_alone_ends(void **state)
{
	struct kit *k = pair(COMMIT_BOTH);

	(void)state;
	link_down(k);
	address(k, A, false);
	k->node[B].disk_held = true;
	address(k, B, true);
	k->now.ms += 5000;
	k->node[B].disk_held = false;
	kit_settle(k);
	assert_int_equal(node_role(k->node[B].node), ROLE_TAKING_OVER);
	kit_pass(k, 1000); /* nobody answers, and address and keepalived are here */
	assert_true(node_serves(k->node[B].node));
	end(k);
}

/* Service beats silence; A5: what it cannot know of it does not end. */
static void a_takeover_behind_is_marked_and_holds_expiry(void **state)
{
	struct kit *k = pair(COMMIT_BOTH);

	(void)state;
	ask(k, A, "alice", 1, ";expires=10");
	kit_settle(k);
	link_down(k);
	ask(k, A, "bob", 1, ";expires=3600"); /* B does not hear of it */
	kit_pass(k, 2000);
	address(k, A, false);
	address(k, B, true);
	assert_int_equal(node_role(k->node[B].node), ROLE_ACTIVE);
	assert_true(status(k, B).reign_behind && status(k, B).expiry_held);
	assert_true(status(k, B).behind);
	kit_pass(k, 30000);
	assert_int_equal(status(k, B).expired, 0);
	link_up(k); /* the other side of the fork is merged */
	kit_pass(k, 500);
	link_up(k);
	kit_pass(k, 500);
	assert_string_equal(status(k, B).pair_state, "paired");
	assert_int_equal(status(k, B).merges, 1);
	assert_true(status(k, B).reign_behind && !status(k, B).behind);
	kit_pass(k, 60000);
	assert_false(status(k, B).expiry_held);
	assert_int_equal(status(k, B).expired, 1);
	assert_int_equal(status(k, B).aors, status(k, A).aors);
	end(k);
}

/* A13, A15: the address comes and goes by what the kernel says last; what was said before is void. */
static void the_newest_fact_about_the_address_counts(void **state)
{
	struct kit *k = pair(COMMIT_BOTH);

	(void)state;
	address(k, A, false);
	assert_int_equal(node_role(k->node[A].node), ROLE_STANDBY);
	ask(k, A, "alice", 1, ";expires=10");
	kit_settle(k);
	assert_int_equal(k->node[A].messages, 0);
	end(k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_change_of_role_is_kept_with_its_reason),
		cmocka_unit_test(a_switchover_tells_what_it_costs),
		cmocka_unit_test(a_switchover_that_loses_its_standby_is_given_up),
		cmocka_unit_test(nothing_is_handed_over_to_a_node_without_keepalived),
		cmocka_unit_test(a_pause_while_handing_over_is_a_doubt),
		cmocka_unit_test(a_pause_while_taking_over_is_a_doubt),
		cmocka_unit_test(a_pause_while_taking_over_alone_ends),
		cmocka_unit_test(a_takeover_behind_is_marked_and_holds_expiry),
		cmocka_unit_test(the_newest_fact_about_the_address_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
