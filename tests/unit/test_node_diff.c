/* layer: core */
/* An operator asks which records differ: named are those, and none else, while the pair goes on. */
#include "tests/own.h"
#include "tests/unit/pair_story.h"

static void ask_some(struct kit *k, unsigned from, unsigned to)
{
	char user[16];

	for (unsigned i = from; i < to; i++) {
		(void)snprintf(user, sizeof user, "u%u", i);
		ask(k, A, user, 1, ";expires=3600");
		if (i % 100 == 99)
			kit_settle(k);
	}
	kit_settle(k);
}

static struct copy *copy_of(struct kit *k, int at)
{
	return own(node_copy(k->node[at].node));
}

static void put(struct kit *k, int at, const char *key, const char *value)
{
	copy_put(copy_of(k, at), TABLE_AOR, slice_str(key), slice_str(value), 0, PAIRTIME_NEVER);
}

/* What the newest comparison found. */
static struct {
	unsigned tables, names;
	char named[65536];
	bool cut;
} found;

static void watch(const struct node_output *o)
{
	size_t at = strlen(found.named);

	if (o->kind == OUT_DIFF_TABLE) {
		found.tables++;
		found.cut = found.cut || o->table->cut;
	}
	if (o->kind != OUT_DIFFERENCE)
		return;
	found.names++;
	(void)snprintf(found.named + at, sizeof found.named - at,
	               "%s " SLICE_FMT " " SLICE_FMT "\n", table_name(o->record.table),
	               SLICE_ARG(o->record.key), SLICE_ARG(o->bytes));
}

static void begin(struct kit *k, int at)
{
	const struct node_command c = {.kind = COMMAND_DIFF, .ticket = 7};
	struct node_input in = {.event = NODE_COMMAND, .command = &c};

	k->node[at].answers = 0;
	k->node[at].watch = watch;
	memset(&found, 0, sizeof found);
	kit_feed(k, at, &in);
}

/* The answer, and what was named. */
static const char *diff(struct kit *k, int at)
{
	begin(k, at);
	kit_settle(k);
	assert_int_equal(k->node[at].answers, 1);
	return k->node[at].answer;
}

/* A10 */
static void two_equal_nodes_are_told_to_be(void **state)
{
	struct kit *k = pair(COMMIT_BOTH);

	(void)state;
	ask_some(k, 0, 500);
	assert_string_equal(diff(k, A), "equal");
	assert_true(k->node[A].answer_ok);
	assert_string_equal(found.named, "");
	assert_int_equal(found.tables, 3); /* aor, secret, reign */
	end(k);
}

/* A10 */
static void what_differs_is_named_and_how(void **state)
{
	struct kit *k = pair(COMMIT_BOTH);

	(void)state;
	ask_some(k, 0, 500);
	put(k, B, "sip:u7@x", "another");
	copy_delete(copy_of(k, B), TABLE_AOR, SLICE("sip:u8@x"));
	put(k, B, "sip:u9999@x", "one more");
	assert_string_equal(diff(k, A), "different");
	assert_true(k->node[A].answer_ok);
	assert_non_null(strstr(found.named, "aor sip:u7@x differs\n"));
	assert_non_null(strstr(found.named, "aor sip:u8@x only on the active\n"));
	assert_non_null(strstr(found.named, "aor sip:u9999@x only on the standby\n"));
	assert_int_equal(found.names, 3);
	end(k);
}

static void a_table_that_one_node_alone_has_is_named_too(void **state)
{
	struct kit *k = pair(COMMIT_BOTH);

	(void)state;
	copy_put(copy_of(k, B), TABLE_NAP, SLICE("nap"), SLICE("v"), 0, PAIRTIME_NEVER);
	copy_put(copy_of(k, A), TABLE_WATCHER, SLICE("watcher"), SLICE("v"), 0, PAIRTIME_NEVER);
	assert_string_equal(diff(k, A), "different");
	assert_non_null(strstr(found.named, "nap nap only on the standby\n"));
	assert_non_null(strstr(found.named, "watcher watcher only on the active\n"));
	assert_int_equal(found.names, 2);
	end(k);
}

/* What the active writes before the standby's answer is there. */
static void what_changes_meanwhile_is_left_out(void **state)
{
	struct kit *k = pair(COMMIT_BOTH);

	(void)state;
	ask_some(k, 0, 20);
	put(k, B, "sip:u7@x", "another");
	put(k, B, "sip:u8@x", "another");
	begin(k, A);
	ask(k, A, "u7", 2, ";expires=3600");
	ask(k, A, "new", 1, ";expires=3600");
	kit_settle(k);
	assert_string_equal(k->node[A].answer, "different");
	assert_string_equal(found.named, "aor sip:u8@x differs\n");
	end(k);
}

/* The moment at which the active deletes the record of a binding that has long expired. */
static int64_t when_deleted(struct kit *k)
{
	while (copy_get(node_copy(k->node[A].node), TABLE_AOR, SLICE("sip:brief@x")) != NULL)
		kit_pass(k, 25);
	return k->now.ms;
}

static void what_is_deleted_meanwhile_is_left_out(void **state)
{
	struct kit *k = pair(COMMIT_BOTH);
	struct node_input at_end = {.event = NODE_TURN};

	(void)state;
	ask(k, A, "brief", 1, ";expires=1");
	int64_t deleted = when_deleted(k);
	end(k);
	k = pair(COMMIT_BOTH);
	ask(k, A, "brief", 1, ";expires=1");
	while (k->now.ms < deleted - 50)
		kit_pass(k, 25);
	put(k, B, "sip:brief@x", "another");
	begin(k, A);
	for (int i = 0; i < 4; i++) {
		k->now.ms += 25;
		kit_feed(k, A, &at_end);
	}
	assert_null(copy_get(node_copy(k->node[A].node), TABLE_AOR, SLICE("sip:brief@x")));
	kit_settle(k);
	assert_string_equal(k->node[A].answer, "different");
	assert_string_equal(found.named, "");
	end(k);
}

static void more_than_can_be_named_is_said(void **state)
{
	struct kit *k = pair(COMMIT_BOTH);
	char key[32];

	(void)state;
	for (unsigned i = 0; i < 4000; i++) {
		(void)snprintf(key, sizeof key, "sip:only%u@x", i);
		put(k, B, key, "v");
	}
	assert_string_equal(diff(k, A), "different");
	assert_int_equal(found.names, 1000);
	assert_true(found.cut);
	end(k);
}

static void where_nothing_can_be_compared_it_says_why(void **state)
{
	struct kit *alone = start(UNIT_STANDALONE, COMMIT_BOTH), *k = pair(COMMIT_BOTH);

	(void)state;
	assert_non_null(strstr(diff(alone, A), "standalone"));
	assert_false(alone->node[A].answer_ok);
	end(alone);
	assert_non_null(strstr(diff(k, B), "ask the active one, the primary"));
	begin(k, A);
	begin(k, A); /* a second */
	assert_non_null(strstr(k->node[A].answer, "under way"));
	kit_settle(k);
	link_down(k);
	assert_non_null(strstr(diff(k, A), "not connected"));
	link_up(k);
	kit_pass(k, 100);
	assert_string_equal(diff(k, A), "equal");
	end(k);
}

static void a_standby_that_is_lost_meanwhile_keeps_nobody_waiting(void **state)
{
	struct kit *k = pair(COMMIT_BOTH);

	(void)state;
	begin(k, A);
	link_down(k);
	kit_pass(k, 200);
	assert_int_equal(k->node[A].answers, 1);
	assert_false(k->node[A].answer_ok);
	link_up(k);
	kit_pass(k, 100);
	assert_string_equal(diff(k, A), "equal");
	end(k);
}

/* A standby at another position answers nothing; keys that nobody asked for are nobody's. */
static void what_does_not_fit_is_passed_over(void **state)
{
	struct kit *k = pair(COMMIT_BOTH);
	uint64_t seq = node_position(k->node[A].node).seq;
	struct frame sums = {.kind = FRAME_BUCKET_SUMS, .buckets = {seq + 1, TABLE_AOR, NULL}};
	struct frame keys = {.kind = FRAME_KEYS, .keys = {.seq = seq, .table = {TABLE_END, 1, 1}}};
	struct node_input in = {.event = NODE_FRAME, .connection = k->connection, .frame = &sums};

	(void)state;
	size_t sent = k->tail;
	kit_feed(k, B, &in);
	sums.buckets.seq = seq;
	sums.buckets.table = TABLE_END;
	kit_feed(k, B, &in);
	assert_int_equal(k->tail, sent);
	in.frame = &keys;
	kit_feed(k, A, &in);
	begin(k, A);
	kit_feed(k, A, &in);
	kit_settle(k);
	assert_string_equal(k->node[A].answer, "equal");
	assert_true(status(k, A).peer_link);
	end(k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_equal_nodes_are_told_to_be),
		cmocka_unit_test(what_differs_is_named_and_how),
		cmocka_unit_test(a_table_that_one_node_alone_has_is_named_too),
		cmocka_unit_test(what_changes_meanwhile_is_left_out),
		cmocka_unit_test(what_is_deleted_meanwhile_is_left_out),
		cmocka_unit_test(more_than_can_be_named_is_said),
		cmocka_unit_test(where_nothing_can_be_compared_it_says_why),
		cmocka_unit_test(a_standby_that_is_lost_meanwhile_keeps_nobody_waiting),
		cmocka_unit_test(what_does_not_fit_is_passed_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
