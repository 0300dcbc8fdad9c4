/* layer: core */
/* A configuration that changes while the node runs. */
#include "tests/unit/pair_hear.h"

static void configure(struct kit *k, int at, uint64_t digest)
{
	struct node_input in = {.event = NODE_NAPS, .config_digest = digest};

	kit_feed(k, at, &in);
	kit_pass(k, 500);
}

static bool differs(const struct kit *k, int at)
{
	return status(k, at).config_differs;
}

/* A32 */
static void a_reload_of_one_node_is_told_on_both_until_the_other_has_it(void **state)
{
	struct kit *k = pair(COMMIT_BOTH);

	(void)state;
	assert_false(differs(k, A) || differs(k, B));
	configure(k, A, 7);
	assert_true(differs(k, A) && differs(k, B));
	configure(k, B, 8);
	assert_true(differs(k, A) && differs(k, B));
	configure(k, B, 7);
	assert_false(differs(k, A) || differs(k, B));
	assert_string_equal(status(k, A).pair_state, "paired");
	end(k);
}

/* A32, T13: it tells its digest with its hello alone. */
static void a_peer_whose_heartbeats_tell_none_is_judged_by_its_hello(void **state)
{
	struct kit *k = pair(COMMIT_BOTH);
	struct frame hello = {.kind = FRAME_HELLO, .hello = hello_of(UNIT_SECONDARY, ROLE_STANDBY)};
	struct frame beat = {.kind = FRAME_BEAT, .beat = hello.hello.beat};

	(void)state;
	configure(k, A, 7);
	connect_to_test(k, A);
	assert_false(differs(k, A));
	hello.hello.config_digest = 8;
	hear(k, A, &hello);
	assert_true(differs(k, A));
	beat.beat.number = 2;
	hear(k, A, &beat);
	assert_true(differs(k, A));
	beat.beat.number = 3;
	beat.beat.config_digest = 7;
	hear(k, A, &beat);
	assert_false(differs(k, A));
	end(k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_reload_of_one_node_is_told_on_both_until_the_other_has_it),
		cmocka_unit_test(a_peer_whose_heartbeats_tell_none_is_judged_by_its_hello),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
