/* layer: replication */
#include <stddef.h>

#include "proto/base/defs.h"
#include "replication/commit.h"
#include "tests/check.h"

struct rule {
	enum commit_mode mode;
	enum pair_state state;
	uint64_t own_durable, peer_received;
	uint64_t allows;
};

/* A promise is kept where the table of design 5 says; without a standby in step, on the own disk. */
static void an_output_leaves_when_its_promise_is_kept(void **state)
{
	(void)state;
	static const struct rule rules[] = {
		{COMMIT_BOTH, PAIR_PAIRED, 10, 20, 10},
		{COMMIT_BOTH, PAIR_PAIRED, 20, 10, 10},
		{COMMIT_BOTH, PAIR_EXPOSED, 20, 10, 20},
		{COMMIT_BOTH, PAIR_CATCHING_UP, 20, 10, 20},
		{COMMIT_BOTH, PAIR_STANDALONE, 20, 0, 20},
		{COMMIT_PEER, PAIR_PAIRED, 10, 20, 20},
		{COMMIT_PEER, PAIR_PAIRED, 20, 10, 10},
		{COMMIT_PEER, PAIR_EXPOSED, 10, 20, 10},
		{COMMIT_PEER, PAIR_CATCHING_UP, 10, 20, 10},
		{COMMIT_PEER, PAIR_STANDALONE, 10, 0, 10},
		{COMMIT_DISK, PAIR_PAIRED, 10, 20, 10},
		{COMMIT_DISK, PAIR_PAIRED, 20, 10, 20},
		{COMMIT_DISK, PAIR_EXPOSED, 10, 20, 10},
	};

	for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
		const struct rule *r = &rules[i];
		uint64_t allows =
			commit_allows(r->mode, r->state, r->own_durable, r->peer_received);
		if (allows != r->allows)
			fail_msg("%s, %s: %d allowed", commit_mode_name(r->mode),
			         pair_state_name(r->state), (int)allows);
	}
}

static void modes_and_states_have_names(void **state)
{
	(void)state;
	assert_string_equal(commit_mode_name(COMMIT_BOTH), "both");
	assert_string_equal(commit_mode_name(COMMIT_PEER), "peer");
	assert_string_equal(commit_mode_name(COMMIT_DISK), "disk");
	assert_string_equal(commit_mode_name((enum commit_mode)3), "unknown");
	assert_string_equal(pair_state_name(PAIR_STANDALONE), "standalone");
	assert_string_equal(pair_state_name(PAIR_EXPOSED), "exposed");
	assert_string_equal(pair_state_name(PAIR_CATCHING_UP), "catching-up");
	assert_string_equal(pair_state_name(PAIR_PAIRED), "paired");
	assert_string_equal(pair_state_name((enum pair_state)0), "unknown");
	assert_string_equal(pair_state_name((enum pair_state)5), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_output_leaves_when_its_promise_is_kept),
		cmocka_unit_test(modes_and_states_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
