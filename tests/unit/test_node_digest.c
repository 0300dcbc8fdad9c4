/* layer: core */
/* Two nodes that prove to each other that they are equal, and what is done where they are not. */
#include "tests/own.h"
#include "tests/unit/pair_story.h"

enum { LONG_ENOUGH_MS = 12000 };

static void ask_some(struct kit *k, int at, unsigned n)
{
	char user[16];

	for (unsigned i = 0; i < n; i++) {
		(void)snprintf(user, sizeof user, "u%u", i);
		ask(k, at, user, 1, ";expires=3600");
	}
	kit_settle(k);
}

static struct copy *copy_of(struct kit *k, int at)
{
	return own(node_copy(k->node[at].node));
}

/* A bit of a stored record turns, as memory does it: nobody is told. */
static void flip(struct kit *k, int at, enum table table, const char *key)
{
	const struct copy_item *item = copy_get(copy_of(k, at), table, slice_str(key));

	assert_non_null(item);
	uint8_t *bytes = own(item->value.p);
	bytes[item->value.n / 2] ^= 0x10;
}

/* An entry was applied wrongly: the record is another one, and the sums go with it. */
static void spoil(struct kit *k, int at, const char *key)
{
	copy_put(copy_of(k, at), TABLE_AOR, slice_str(key), SLICE("spoilt"), 1, PAIRTIME_NEVER);
}

static void image_fault(struct kit *k, int at, const char *key)
{
	struct node_input in = {.event = NODE_IMAGE_FAULT,
	                        .record = {.table = TABLE_AOR, .key = slice_str(key)}};

	kit_feed(k, at, &in);
	kit_settle(k);
}

static bool journal_has(const struct kit *k, int at, const char *text)
{
	return strstr(k->node[at].history, text) != NULL;
}

/* The link that a node closed comes again, as the runner sees to it. */
static void pass_linked(struct kit *k, int64_t ms)
{
	for (int64_t until = k->now.ms + ms; k->now.ms < until; kit_pass(k, 100))
		if (!k->linked)
			link_up(k);
}

static void assert_whole(struct kit *k)
{
	for (int at = 0; at < 2; at++) {
		const struct copy *c = node_copy(k->node[at].node);
		assert_false(status(k, at).damaged);
		for (enum table t = TABLE_AOR; t < TABLE_END; t++)
			for (uint32_t b = 0; b < COPY_BUCKETS; b++) {
				struct copy_check check = copy_check_bucket(c, t, b);
				assert_true(check.flipped == 0 && check.adds_up);
			}
	}
	assert_string_equal(status(k, A).digest, status(k, B).digest);
	assert_string_equal(status(k, A).pair_state, status(k, B).pair_state);
	assert_string_equal(status(k, A).pair_state, "paired");
}

/* A10 */
static void equal_nodes_say_so_every_few_seconds(void **state)
{
	struct kit *k = pair(COMMIT_BOTH);

	(void)state;
	ask_some(k, A, 20);
	uint64_t before = status(k, A).digest_checked;
	assert_true(before > 0); /* soon after they met */
	kit_pass(k, LONG_ENOUGH_MS);
	assert_in_range(status(k, A).digest_checked, before + 3, before + 5);
	assert_int_equal(status(k, B).digest_checked, status(k, A).digest_checked);
	assert_int_equal(status(k, A).digest_seq, node_position(k->node[A].node).seq);
	assert_int_equal(status(k, A).digest_mismatches, 0);
	assert_true(status(k, A).digest_age_ms <= 3100);
	assert_true(status(k, A).scrubs > 0 && status(k, B).scrubs > 0);
	assert_int_equal(status(k, A).snapshots_sent, 0);
	end(k);
}

/* A10 */
static void entries_on_their_way_are_no_difference(void **state)
{
	struct kit *k = pair(COMMIT_BOTH);
	char user[16];

	(void)state;
	for (unsigned i = 0; i < 400; i++) {
		(void)snprintf(user, sizeof user, "u%u", i);
		ask(k, A, user, 1, ";expires=3600");
		k->now.ms += 25;
		if (i % 3 == 0)
			kit_settle(k);
	}
	kit_settle(k);
	assert_true(status(k, A).digest_checked >= 3);
	assert_int_equal(status(k, A).digest_mismatches, 0);
	end(k);
}

/* A10 */
static void a_standby_with_another_record_is_found_and_gets_a_snapshot(void **state)
{
	struct kit *k = pair(COMMIT_BOTH);

	(void)state;
	ask_some(k, A, 20);
	spoil(k, B, "sip:u7@x");
	pass_linked(k, LONG_ENOUGH_MS);
	assert_int_equal(status(k, A).digest_mismatches, 1);
	assert_int_equal(status(k, B).digest_mismatches, 1);
	assert_int_equal(status(k, A).repairs, 1);
	assert_int_equal(status(k, B).snapshots_received, 1);
	assert_true(journal_has(k, A, "standby differs repaired a snapshot follows"));
	assert_true(journal_has(k, B, "snapshot - received"));
	assert_whole(k);
	end(k);
}

/* A10 */
static void a_byte_that_flips_in_the_standbys_memory_is_found_and_repaired(void **state)
{
	struct kit *k = pair(COMMIT_BOTH);

	(void)state;
	ask_some(k, A, 20);
	flip(k, B, TABLE_AOR, "sip:u7@x");
	pass_linked(k, 40000);
	assert_int_equal(status(k, B).memory_faults, 1);
	assert_true(journal_has(k, B, "memory sound damaged"));
	assert_int_equal(status(k, A).memory_faults, 0);
	assert_int_equal(status(k, A).digest_mismatches, 0); /* what was put is the same */
	assert_int_equal(status(k, A).repairs, 1);
	assert_whole(k);
	end(k);
}

/* A10 */
static void an_active_whose_memory_flipped_hands_over_and_is_repaired(void **state)
{
	struct kit *k = pair(COMMIT_BOTH);

	(void)state;
	ask_some(k, A, 20);
	flip(k, A, TABLE_AOR, "sip:u7@x");
	for (int i = 0; i < 400 && node_role(k->node[A].node) == ROLE_ACTIVE; i++)
		kit_pass(k, 100);
	assert_int_equal(status(k, A).memory_faults, 1);
	assert_true(k->node[A].fault);
	address(k, A, false);
	address(k, B, true);
	pass_linked(k, LONG_ENOUGH_MS);
	assert_int_equal(node_role(k->node[B].node), ROLE_ACTIVE);
	assert_int_equal(status(k, B).repairs, 1);
	assert_int_equal(status(k, B).memory_faults, 0);
	assert_whole(k);
	end(k);
}

/* Nothing is answered from it, nothing is made of it. */
static void a_record_that_flipped_is_not_served(void **state)
{
	struct kit *k = start(UNIT_STANDALONE, COMMIT_BOTH);

	(void)state;
	ask_some(k, A, 3);
	uint64_t seq = node_position(k->node[A].node).seq;
	flip(k, A, TABLE_AOR, "sip:u1@x");
	ask(k, A, "u1", 2, ";expires=3600");
	kit_settle(k);
	assert_true(says(k, A, "SIP/2.0 503 "));
	assert_true(says(k, A, "Retry-After:"));
	assert_int_equal(node_position(k->node[A].node).seq, seq);
	assert_int_equal(status(k, A).memory_faults, 1);
	assert_true(status(k, A).damaged);
	const struct node_command c = {
		.kind = COMMAND_AOR_REMOVE, .ticket = 7, .key = SLICE("sip:u1@x")};
	struct node_input remove = {.event = NODE_COMMAND, .command = &c};
	kit_feed(k, A, &remove);
	assert_int_equal(k->node[A].answers, 1);
	assert_false(k->node[A].answer_ok);
	assert_int_equal(node_position(k->node[A].node).seq, seq);
	ask(k, A, "u2", 2, ";expires=3600");
	kit_settle(k);
	assert_true(says(k, A, "SIP/2.0 200 "));
	end(k);
}

/* A snapshot must not carry on what it is to repair. */
static void two_damaged_nodes_do_not_repair_each_other(void **state)
{
	struct kit *k = pair(COMMIT_BOTH);

	(void)state;
	ask_some(k, A, 20);
	flip(k, A, TABLE_AOR, "sip:u3@x");
	spoil(k, B, "sip:u7@x");
	pass_linked(k, LONG_ENOUGH_MS);
	assert_int_equal(status(k, B).snapshots_received, 0);
	assert_int_equal(node_role(k->node[A].node), ROLE_ACTIVE);
	assert_true(status(k, A).digest_mismatches > 2); /* told again and again */
	assert_true(status(k, A).damaged);
	end(k);
}

/* A standby that is never equal must not keep the link busy with snapshots. */
static void repairs_that_do_not_help_come_ever_more_rarely(void **state)
{
	struct kit *k = pair(COMMIT_BOTH);

	(void)state;
	ask_some(k, A, 20);
	for (int i = 0; i < 1200; i++) {
		if (k->linked && status(k, A).pair_state[0] == 'p')
			spoil(k, B, "sip:u7@x");
		pass_linked(k, 100);
	}
	assert_in_range(status(k, A).repairs, 3, 5); /* in two minutes: at 0, 10, 30, 70 s */
	assert_true(status(k, A).digest_mismatches > status(k, A).repairs);
	end(k);
}

/* --- the store --- */

static void a_record_that_the_store_lost_is_logged_once_more(void **state)
{
	struct kit *k = pair(COMMIT_BOTH);

	(void)state;
	ask_some(k, A, 20);
	uint64_t seq = node_position(k->node[A].node).seq;
	image_fault(k, A, "sip:u7@x");
	assert_int_equal(node_position(k->node[A].node).seq, seq + 1);
	assert_int_equal(node_position(k->node[B].node).seq, seq + 1);
	struct block b;
	struct slice bytes = {NULL, 0};
	struct entry e = {.seq = 0};
	assert_int_equal(block_open((struct slice){k->node[B].blocks[seq + 1],
	                                           k->node[B].block_sizes[seq + 1]},
	                            &b),
	                 OK);
	assert_true(block_next(&b, &bytes) && entry_decode(bytes, &e) == OK);
	assert_int_equal(e.kind, ENTRY_REPAIR);
	assert_true(slice_eq(
		e.value,
		copy_get(node_copy(k->node[A].node), TABLE_AOR, SLICE("sip:u7@x"))->value));
	assert_int_equal(status(k, A).store_faults, 1);
	assert_true(journal_has(k, A, "store damaged repaired"));
	assert_whole(k);
	end(k);
}

static void a_standby_whose_store_lost_a_record_gets_a_snapshot(void **state)
{
	struct kit *k = pair(COMMIT_BOTH);

	(void)state;
	ask_some(k, A, 20);
	image_fault(k, B, "sip:u7@x");
	assert_true(status(k, B).damaged);
	assert_true(journal_has(k, B, "store sound damaged"));
	pass_linked(k, LONG_ENOUGH_MS);
	assert_int_equal(status(k, B).store_faults, 1);
	assert_int_equal(status(k, B).snapshots_received, 1);
	assert_whole(k);
	end(k);
}

static void a_store_that_was_set_aside_is_in_the_journal(void **state)
{
	struct kit *k = kit_new();
	struct node_input in = {.event = NODE_LOADED,
	                        .loaded = {.store_lost = true, .wall_ms = 1700000000000}};

	(void)state;
	k->node[A].node = kit_make(k, UNIT_PRIMARY, COMMIT_BOTH);
	kit_feed(k, A, &in);
	assert_true(journal_has(k, A, "store - set aside"));
	end(k);
}

static void an_active_whose_store_lost_it_knows_not_what_hands_over(void **state)
{
	struct kit *k = pair(COMMIT_BOTH);

	(void)state;
	ask_some(k, A, 20);
	image_fault(k, A, "");
	kit_pass(k, 5000);
	assert_int_not_equal(node_role(k->node[A].node), ROLE_ACTIVE);
	end(k);
}

/* What is gone since needs no repair; a name that was never there brings none. */
static void a_lost_record_that_is_not_there_is_left_alone(void **state)
{
	struct kit *k = start(UNIT_STANDALONE, COMMIT_BOTH);

	(void)state;
	ask_some(k, A, 2);
	uint64_t seq = node_position(k->node[A].node).seq;
	image_fault(k, A, "sip:nobody@x");
	assert_int_equal(node_position(k->node[A].node).seq, seq);
	assert_int_equal(status(k, A).store_faults, 1);
	image_fault(k, A, "sip:u1@x");
	assert_int_equal(node_position(k->node[A].node).seq, seq + 1);
	end(k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(equal_nodes_say_so_every_few_seconds),
		cmocka_unit_test(entries_on_their_way_are_no_difference),
		cmocka_unit_test(a_standby_with_another_record_is_found_and_gets_a_snapshot),
		cmocka_unit_test(a_byte_that_flips_in_the_standbys_memory_is_found_and_repaired),
		cmocka_unit_test(an_active_whose_memory_flipped_hands_over_and_is_repaired),
		cmocka_unit_test(a_record_that_flipped_is_not_served),
		cmocka_unit_test(two_damaged_nodes_do_not_repair_each_other),
		cmocka_unit_test(repairs_that_do_not_help_come_ever_more_rarely),
		cmocka_unit_test(a_record_that_the_store_lost_is_logged_once_more),
		cmocka_unit_test(a_standby_whose_store_lost_a_record_gets_a_snapshot),
		cmocka_unit_test(a_store_that_was_set_aside_is_in_the_journal),
		cmocka_unit_test(an_active_whose_store_lost_it_knows_not_what_hands_over),
		cmocka_unit_test(a_lost_record_that_is_not_there_is_left_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
