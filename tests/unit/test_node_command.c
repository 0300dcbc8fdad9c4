/* layer: core */
/* What an operator is told: each refusal with its remedy, each change when it is committed. */
#include "tests/unit/pair_story.h"

static struct node_command subscriber(enum command_kind kind, const char *key, bool replace)
{
	static const uint8_t hash[16] = {1};

	return (struct node_command){.kind = kind,
	                             .ticket = 7,
	                             .key = slice_str(key),
	                             .subscriber = {.user = SLICE("u"),
	                                            .realm = SLICE("x"),
	                                            .ha1 = {{hash, sizeof hash}}},
	                             .replace = replace};
}

static void command(struct kit *k, int at, struct node_command c)
{
	struct node_input in = {.event = NODE_COMMAND, .command = &c};

	k->node[at].answer[0] = '\0';
	kit_feed(k, at, &in);
	kit_settle(k);
}

static void assert_told(const struct kit *k, int at, bool ok, const char *text)
{
	assert_string_equal(k->node[at].answer, text);
	assert_int_equal(k->node[at].answer_ok, ok);
}

static struct kit *alone(void)
{
	struct kit *k = start(UNIT_STANDALONE, COMMIT_DISK);

	kit_pass(k, 100);
	assert_int_equal(node_role(k->node[A].node), ROLE_ACTIVE);
	return k;
}

static void a_subscriber_is_added_replaced_and_removed_on_request_only(void **state)
{
	struct kit *k = alone();

	(void)state;
	command(k, A, subscriber(COMMAND_SUBSCRIBER_PUT, "u@x", false));
	assert_told(k, A, true, "done");
	command(k, A, subscriber(COMMAND_SUBSCRIBER_PUT, "u@x", false));
	assert_told(k, A, false, "exists: use --replace to give a new password");
	command(k, A, subscriber(COMMAND_SUBSCRIBER_PUT, "u@x", true));
	assert_told(k, A, true, "done");
	assert_int_equal(status(k, A).subscribers, 1);
	command(k, A, subscriber(COMMAND_SUBSCRIBER_REMOVE, "u@x", false));
	assert_told(k, A, true, "done");
	assert_int_equal(status(k, A).subscribers, 0);
	command(k, A, subscriber(COMMAND_SUBSCRIBER_REMOVE, "u@x", false));
	assert_told(k, A, false, "no such subscriber");
	command(k, A, subscriber(COMMAND_SUBSCRIBER_REMOVE, "nobody@x", false));
	assert_told(k, A, false, "no such subscriber");
	command(k, A, subscriber(COMMAND_SUBSCRIBER_PUT, "u@x", false));
	assert_told(k, A, true, "done");
	assert_int_equal(status(k, A).subscribers, 1);
	end(k);
}

static void a_name_beyond_all_room_is_refused(void **state)
{
	static uint8_t name[1200];
	struct kit *k = alone();
	struct node_command c = subscriber(COMMAND_SUBSCRIBER_PUT, "long@x", false);

	(void)state;
	memset(name, 'n', sizeof name);
	c.subscriber.user = (struct slice){name, sizeof name};
	command(k, A, c);
	assert_told(k, A, false, "the name is too long");
	assert_int_equal(status(k, A).subscribers, 0);
	end(k);
}

static void an_aor_is_removed_once(void **state)
{
	struct node_command c = {.kind = COMMAND_AOR_REMOVE, .ticket = 7, .key = SLICE("sip:u@x")};
	struct kit *k = alone();

	(void)state;
	command(k, A, c);
	assert_told(k, A, false, "no such AOR");
	ask(k, A, "u", 1, ";expires=60");
	kit_settle(k);
	command(k, A, c);
	assert_told(k, A, true, "done");
	ask(k, A, "u", 2, NULL);
	kit_settle(k);
	assert_true(says(k, A, "SIP/2.0 200 ") && !says(k, A, "Contact:"));
	end(k);
}

/* I1: an operator's 200 OK waits for the disk like any other */
static void a_change_is_answered_when_it_is_on_the_disk(void **state)
{
	struct kit *k = alone();

	(void)state;
	k->node[A].disk_held = true;
	command(k, A, subscriber(COMMAND_SUBSCRIBER_PUT, "u@x", false));
	assert_int_equal(k->node[A].answers, 0);
	k->node[A].disk_held = false;
	kit_settle(k);
	assert_told(k, A, true, "done");
	end(k);
}

static void who_is_not_active_names_who_is(void **state)
{
	struct node_command over = {.kind = COMMAND_SWITCHOVER, .ticket = 7};
	struct kit *k = pair(COMMIT_BOTH);

	(void)state;
	command(k, B, subscriber(COMMAND_SUBSCRIBER_PUT, "u@x", false));
	assert_told(k, B, false, "this node is standby: ask the active one, the primary");
	command(k, B, over);
	assert_told(k, B, false, "this node is standby: ask the active one, the primary");
	link_down(k);
	command(k, B, subscriber(COMMAND_SUBSCRIBER_PUT, "u@x", false));
	assert_non_null(strstr(k->node[B].answer, "ask the active one"));
	assert_null(strstr(k->node[B].answer, "primary"));
	end(k);
}

/* X04: nothing is decided while it is not known whose reign it is */
static void a_node_in_doubt_takes_no_change(void **state)
{
	struct node_command c = subscriber(COMMAND_SUBSCRIBER_PUT, "u@x", false);
	struct node_input in = {.event = NODE_COMMAND, .command = &c};
	struct kit *k = pair(COMMIT_BOTH);

	(void)state;
	k->now.ms += 1000; /* paused */
	kit_feed(k, A, &in);
	assert_told(k, A, false, "this node was paused: try again");
	end(k);
}

/* X08: a log that does not keep up */
static void without_room_a_change_is_refused(void **state)
{
	struct kit *k = alone();
	char user[16];

	(void)state;
	k->node[A].disk_held = true;
	for (unsigned i = 0; i < 5000; i++) {
		(void)snprintf(user, sizeof user, "u%u", i);
		ask(k, A, user, 1, ";expires=3600");
	}
	command(k, A, subscriber(COMMAND_SUBSCRIBER_PUT, "u@x", false));
	assert_told(k, A, false, "the log does not keep up: try again");
	end(k);
}

static void one_switchover_at_a_time(void **state)
{
	struct node_command over = {.kind = COMMAND_SWITCHOVER, .ticket = 7};
	struct node_input in = {.event = NODE_COMMAND, .command = &over};
	struct kit *k = pair(COMMIT_BOTH);

	(void)state;
	kit_feed(k, A, &in);
	over.ticket = 8;
	kit_feed(k, A, &in);
	assert_told(k, A, false, "a switchover is under way");
	end(k);
}

static struct node_command rotation(const uint8_t key[32], size_t n)
{
	return (struct node_command){.kind = COMMAND_SECRET_ROTATE, .ticket = 7, .key = {key, n}};
}

static bool has_secret(const struct kit *k, int at, const uint8_t key[32])
{
	struct copy_cursor cursor = {0};
	const struct copy_item *item;
	static uint8_t memory[1024];
	struct secret_record r;

	while ((item = copy_walk(node_copy(k->node[at].node), TABLE_SECRET, &cursor)) != NULL) {
		struct arena arena = arena_on(memory, sizeof memory);
		assert_int_equal(secret_decode(item->value, &arena, &r), OK);
		if (slice_eq(r.key, (struct slice){key, 32}))
			return true;
	}
	return false;
}

/* D15, A18: four secrets check, on both nodes; those before them are gone from both */
static void a_rotated_secret_is_the_newest_of_four_on_both_nodes(void **state)
{
	enum { TURNS = 6, KEPT = 4 };
	uint8_t keys[TURNS][32];
	struct kit *k = pair(COMMIT_BOTH);

	(void)state;
	for (int i = 0; i < TURNS; i++) {
		memset(keys[i], 'a' + i, sizeof keys[i]);
		command(k, A, rotation(keys[i], sizeof keys[i]));
		assert_told(k, A, true, "done");
	}
	for (int at = 0; at < 2; at++) {
		assert_int_equal(copy_count(node_copy(k->node[at].node), TABLE_SECRET), KEPT);
		for (int i = 0; i < TURNS; i++)
			assert_int_equal(has_secret(k, at, keys[i]), i >= TURNS - KEPT);
	}
	assert_string_equal(status(k, A).digest, status(k, B).digest);
	command(k, B, rotation(keys[0], sizeof keys[0]));
	assert_told(k, B, false, "this node is standby: ask the active one, the primary");
	command(k, A, rotation(keys[0], 31));
	assert_told(k, A, false, "no id is left for another secret");
	end(k);
}

/* I1: what is made with it waits for it; the operator, too */
static void a_rotation_is_answered_when_it_is_on_the_disk(void **state)
{
	static const uint8_t key[32] = {9};
	struct kit *k = alone();

	(void)state;
	k->node[A].disk_held = true;
	command(k, A, rotation(key, sizeof key));
	assert_int_equal(k->node[A].answers, 0);
	assert_true(has_secret(k, A, key));
	k->node[A].disk_held = false;
	kit_settle(k);
	assert_told(k, A, true, "done");
	end(k);
}

/* A22: the first reign grants what is asked for, the next a little less for a while */
static void lifetimes_are_shortened_where_another_reigned_before(void **state)
{
	struct domain_policy jitters = kit_domain;
	struct kit *k = kit_new();

	(void)state;
	jitters.jitter = JITTER_AFTER_TAKEOVER;
	k->domain = &jitters;
	pair_on(k, COMMIT_BOTH);
	ask(k, A, "u", 1, ";expires=3600");
	kit_settle(k);
	assert_true(says(k, A, ";expires=3600"));
	k->random = 300;
	address(k, A, false);
	address(k, B, true);
	kit_pass(k, 2000);
	assert_int_equal(node_role(k->node[B].node), ROLE_ACTIVE);
	k->random = 40 + 361 * 100 - 2; /* the next random bits, modulo a tenth and one: 40 */
	ask(k, B, "u", 2, ";expires=3600");
	kit_settle(k);
	assert_true(says(k, B, ";expires=3560"));
	kit_pass(k, 61000); /* longer than default_expires */
	ask(k, B, "u", 3, ";expires=3600");
	kit_settle(k);
	assert_true(says(k, B, ";expires=3600"));
	end(k);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_subscriber_is_added_replaced_and_removed_on_request_only),
		cmocka_unit_test(a_name_beyond_all_room_is_refused),
		cmocka_unit_test(an_aor_is_removed_once),
		cmocka_unit_test(a_change_is_answered_when_it_is_on_the_disk),
		cmocka_unit_test(who_is_not_active_names_who_is),
		cmocka_unit_test(a_node_in_doubt_takes_no_change),
		cmocka_unit_test(without_room_a_change_is_refused),
		cmocka_unit_test(one_switchover_at_a_time),
		cmocka_unit_test(a_rotated_secret_is_the_newest_of_four_on_both_nodes),
		cmocka_unit_test(a_rotation_is_answered_when_it_is_on_the_disk),
		cmocka_unit_test(lifetimes_are_shortened_where_another_reigned_before),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
