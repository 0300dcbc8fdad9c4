/* layer: core */
/* What two nodes have of memory while the same happens to them again and again. */
#include "tests/unit/pair_story.h"

static void restart_empty(struct kit *k, int at)
{
	struct node_input loaded = {.event = NODE_LOADED, .loaded = {.wall_ms = 1700000000000}};
	struct node_input keepalived = {.event = NODE_ADDRESS, .address = {false, true}};

	node_free(&k->node[at].node);
	k->node[at].node = kit_make(k, at == A ? UNIT_PRIMARY : UNIT_SECONDARY, COMMIT_BOTH);
	k->node[at].appended = 0;
	kit_feed(k, at, &loaded);
	kit_feed(k, at, &keepalived);
}

static void wait_paired(struct kit *k, int active)
{
	for (int i = 0; strcmp(status(k, active).pair_state, "paired") != 0; i++) {
		assert_in_range(i, 0, 1000);
		kit_pass(k, 100);
	}
	kit_pass(k, 100);
}

/* The link is lost beside a change, and the roles are exchanged; now and then a standby begins with nothing
 * and gets a snapshot, for the log of the active does not reach back. */
static void turn_over(struct kit *k, int active, unsigned round)
{
	link_down(k);
	ask(k, active, "u", round + 1, ";expires=3600");
	kit_pass(k, 50);
	if (round % 10 == 0) {
		restart_empty(k, 1 - active);
		k->node[active].log_first = k->node[active].appended; /* trimmed */
		link_up(k);
	}
	link_up(k);
	wait_paired(k, active);
	address(k, active, false);
	address(k, 1 - active, true);
	link_up(k);
	kit_pass(k, 200);
	assert_int_equal(node_role(k->node[1 - active].node), ROLE_ACTIVE);
}

/* I13: once as many reigns are remembered as ever are, nothing more is taken, whatever happens. */
static void what_happens_again_and_again_takes_no_memory(void **state)
{
	enum { ROUNDS = 500, SETTLED = 300, SLACK = 16 * 1024 };
	struct kit *k = kit_new();
	size_t out = 0, before = 0;
	unsigned snapshots = 0;

	(void)state;
	k->out = &out;
	k->window_bytes = 160 << 10;
	pair_on(k, COMMIT_BOTH);
	for (unsigned i = 0; i <= ROUNDS; i++) {
		int active = i % 2 == 0 ? A : B;
		turn_over(k, active, i);
		snapshots += i % 10 == 0 && status(k, 1 - active).snapshots_received > 0;
		k->node[A].history[0] = k->node[B].history[0] = '\0';
		if (i == SETTLED)
			before = out;
	}
	assert_true(out < before + SLACK);
	assert_true(snapshots > ROUNDS / 20);
	end(k);
	assert_int_equal(out, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_happens_again_and_again_takes_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
