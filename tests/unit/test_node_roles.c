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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_change_of_role_is_kept_with_its_reason),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
