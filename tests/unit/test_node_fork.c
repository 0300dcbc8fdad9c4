/* layer: core */
/* What seeds found in merges of forks, as stories of two nodes. */
#include "tests/unit/pair_story.h"

enum { LIFETIME_S = 600 };

/* When the user's one binding ends, as this node has it; 0: it has none. */
static int64_t ends_at(struct kit *k, int at, const char *user)
{
	char key[64];
	struct aor_record *r = calloc(1, sizeof *r);
	int64_t ends = 0;

	assert_non_null(r);
	(void)snprintf(key, sizeof key, "sip:%s@x", user);
	const struct copy_item *item =
		copy_get(node_copy(k->node[at].node), TABLE_AOR, slice_str(key));
	arena_reset(&k->arena);
	if (item != NULL && aor_decode(item->value, &k->arena, r) == OK && r->n_bindings == 1)
		ends = r->bindings[0].expires.ms;
	free(r);
	return ends;
}

/* The link is gone, and both have the address. */
static struct kit *parted(void)
{
	struct kit *k = pair(COMMIT_BOTH);

	link_down(k);
	kit_pass(k, 500);
	return k;
}

static void meet(struct kit *k)
{
	address(k, B, false);
	assert_int_equal(node_role(k->node[B].node), ROLE_STANDBY);
	link_up(k);
}

/* A few frames of a merge pass, then the link breaks. */
static void meet_for(struct kit *k, int frames)
{
	k->connection++;
	k->linked = true;
	for (int at = 0; at < 2; at++) {
		struct node_input up = {.event = NODE_LINK_UP, .connection = k->connection};
		kit_feed(k, at, &up);
	}
	for (int i = 0; i < frames; i++) {
		struct node_input turn = {.event = NODE_TURN};
		if (k->head != k->tail)
			kit_deliver(k);
		k->now.ms += 25;
		kit_feed(k, i % 2, &turn);
	}
	link_down(k);
}

static void check_merged(struct kit *k)
{
	assert_int_equal(k->node[B].set_aside, 1);
	assert_string_equal(status(k, A).pair_state, "paired");
	assert_string_equal(status(k, A).digest, status(k, B).digest);
}

/* I6, A4; seed 152: who follows the winner's clock before its fork is merged tells no distance between the
 * clocks when the merge begins again, and its stamps are moved by nothing. */
static void a_loser_keeps_its_own_time_until_its_fork_is_merged(void **state)
{
	struct kit *k = parted();

	(void)state;
	k->node[B].ahead_ms = 5000;
	address(k, B, true);
	kit_pass(k, 1000); /* for a clock that jumps it is a pause, and so a doubt */
	ask(k, A, "alice", 1, ";expires=600");
	ask(k, B, "bob", 1, ";expires=600");
	kit_settle(k);
	assert_int_equal(ends_at(k, B, "bob"), ends_at(k, A, "alice") + 5000);
	address(k, B, false);
	meet_for(k, 12);
	link_up(k);
	kit_pass(k, 300);
	check_merged(k);
	assert_in_range(ends_at(k, A, "bob"), ends_at(k, A, "alice") - 50,
	                ends_at(k, A, "alice") + 50);
	end(k);
}

/* I6; seed 13450: an entry of the fork names a record that a later one deleted. */
static void a_record_deleted_since_is_handed_in_by_nobody(void **state)
{
	enum { EIGHT_DAYS_MS = 8 * 24 * 3600 * 1000 };
	struct kit *k = parted();

	(void)state;
	address(k, B, true);
	ask(k, B, "bob", 1, ";expires=1");
	kit_settle(k);
	kit_pass(k, 1500);
	k->now.ms += EIGHT_DAYS_MS;
	kit_pass(k, 5000);
	ask(k, B, "carol", 1, ";expires=600");
	kit_settle(k);
	assert_null(copy_get(node_copy(k->node[B].node), TABLE_AOR, SLICE("sip:bob@x")));
	meet(k);
	kit_pass(k, 300);
	check_merged(k);
	assert_true(ends_at(k, A, "carol") > 0);
	end(k);
}

/* A9, I6; seed 19025: a merge that fills the window waits for the disk. It ended the link, and began again, and moved
 * the same records a little more each time. */
static void a_merge_that_fills_the_window_waits_for_the_disk(void **state)
{
	enum { USERS = 1600, PARAMS = 600 };
	struct kit *k = parted();
	char params[PARAMS + 32];

	(void)state;
	(void)snprintf(params, sizeof params, ";expires=%d;x=%0*d", LIFETIME_S, PARAMS, 0);
	address(k, B, true);
	for (int i = 0; i < USERS; i++) {
		char user[16];
		(void)snprintf(user, sizeof user, "u%d", i);
		ask(k, B, user, 1, params);
		kit_settle(k);
	}
	address(k, B, false);
	k->node[A].disk_held = true;
	link_up(k);
	kit_pass(k, 12000);
	assert_true(k->linked && status(k, A).merges == 0);
	k->node[A].disk_held = false;
	kit_pass(k, 12000);
	assert_int_equal(status(k, A).merges, 1);
	assert_int_equal(status(k, A).aors, USERS);
	check_merged(k);
	end(k);
}

/* B's process starts anew with what it had, while its host's wall clock did not go on. */
static void start_again(struct kit *k, struct pairtime stood_still_at)
{
	struct kit_node *b = &k->node[B];
	struct node *old = b->node;
	struct node_input keepalived = {.event = NODE_ADDRESS, .address = {false, true}};
	struct node_input loaded = {.event = NODE_LOADED,
	                            .loaded = {.applied = node_position(old),
	                                       .log_first = 1,
	                                       .pair = stood_still_at,
	                                       .stored_wall_ms = 1700000000000,
	                                       .wall_ms = 1700000000000,
	                                       .wall_synchronised = true}};

	b->node = kit_make(k, UNIT_SECONDARY, COMMIT_BOTH);
	for (int t = TABLE_AOR; t < TABLE_END; t++) {
		const struct copy_item *item;
		for (struct copy_cursor at = {0};
		     (item = copy_walk(node_copy(old), (enum table)t, &at)) != NULL;) {
			struct node_input record = {.event = NODE_RECORD,
			                            .record = {(enum table)t, item->key,
			                                       item->value}};
			kit_feed(k, B, &record);
		}
	}
	kit_feed(k, B, &loaded);
	kit_feed(k, B, &keepalived);
	node_free(&old);
}

/* I6, A4; seed 910000647: a fork is merged as it was stamped, also where its node was down since with a wall clock that
 * did not go on: moved by the time that it was down, an old `*` or password would be newer than what came behind it. */
static void a_fork_is_as_old_as_it_was_after_a_start_with_a_wrong_clock(void **state)
{
	enum { DOWN_MS = 100 * 1000 };
	struct kit *k = parted();

	(void)state;
	address(k, B, true);
	kit_pass(k, 1000);
	ask(k, A, "alice", 1, ";expires=600");
	ask(k, B, "bob", 1, ";expires=600");
	kit_settle(k);
	address(k, B, false);
	struct pairtime stopped = node_pair_now(k->node[B].node, k->now);
	k->now.ms += DOWN_MS;
	kit_pass(k, 1000);
	start_again(k, stopped);
	link_up(k);
	kit_pass(k, 300);
	check_merged(k);
	assert_in_range(ends_at(k, A, "bob"), ends_at(k, A, "alice") - 50,
	                ends_at(k, A, "alice") + 50);
	end(k);
}

static uint64_t newest(const struct kit *k, int at)
{
	return node_position(k->node[at].node).seq;
}

/* B alone, until its log is as long. */
static void write_alone(struct kit *k, unsigned cseq, uint64_t until)
{
	link_down(k);
	kit_pass(k, 500);
	address(k, B, true);
	for (; newest(k, B) < until; cseq++) {
		ask(k, B, "bob", cseq, ";expires=600");
		kit_settle(k);
	}
	assert_int_equal(newest(k, B), until);
	meet(k);
	kit_pass(k, 3000);
}

/* A9, I6; seed 7835: a second fork that ends at the same number as the first is another one. */
static void a_fork_as_long_as_the_one_before_is_set_aside_too(void **state)
{
	struct kit *k = pair(COMMIT_BOTH);
	uint64_t until = newest(k, B) + 40;

	(void)state;
	write_alone(k, 1, until);
	check_merged(k);
	assert_true(newest(k, B) + 5 < until);
	write_alone(k, 101, until);
	assert_int_equal(k->node[B].set_aside, 2);
	assert_int_equal(status(k, B).forks, 2);
	assert_string_equal(status(k, A).pair_state, "paired");
	end(k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_loser_keeps_its_own_time_until_its_fork_is_merged),
		cmocka_unit_test(a_fork_is_as_old_as_it_was_after_a_start_with_a_wrong_clock),
		cmocka_unit_test(a_record_deleted_since_is_handed_in_by_nobody),
		cmocka_unit_test(a_merge_that_fills_the_window_waits_for_the_disk),
		cmocka_unit_test(a_fork_as_long_as_the_one_before_is_set_aside_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
