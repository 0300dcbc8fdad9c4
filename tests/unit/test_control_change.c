/* layer: io */
#include "tests/unit/control_client.h"

/* --- changing --- */

#define HEX32 "0123456789abcdef0123456789abcdef"
#define PUT(user, realm)                                                                        \
	"{\"id\":5,\"command\":\"subscriber-put\",\"user\":\"" user "\",\"realm\":\"" realm     \
	"\",\"md5\":\"" HEX32 "\",\"sha256\":\"" HEX32 HEX32 "\",\"sha512_256\":\"" HEX32 HEX32 \
	"\",\"replace\":true}"

static void a_change_is_answered_when_the_node_answers(void **state)
{
	struct loop *l = *state;
	int fd = dial(l);
	char byte;

	put_subscriber(l, "alice", false);
	say(l, fd, PUT("alice", "example.com") "\n", sizeof PUT("alice", "example.com"));
	turn(l);
	assert_int_equal(l->n_seen, 1);
	assert_int_equal(l->seen[0].kind, COMMAND_SUBSCRIBER_PUT);
	assert_string_equal(l->seen[0].key, "alice@example.com");
	assert_int_equal(l->seen[0].md5_first, 0x01);
	assert_int_equal(l->seen[0].sha512_last, 0xef);
	assert_true(l->seen[0].replace);
	assert_int_equal(recv(fd, &byte, 1, 0), -1);
	control_answer(l->control, l->seen[0].ticket, true, SLICE("done"));
	control_answer(l->control, l->seen[0].ticket, true, SLICE("done")); /* a second: ignored */
	json_t *result = result_of(hear(l, fd));
	assert_true(json_is_true(json_object_get(result, "replaced")));
	json_decref(result);
	turn(l);
	assert_int_equal(recv(fd, &byte, 1, 0), -1);
	(void)close(fd);
}

/* A10 */
static void a_comparison_is_answered_with_what_came_of_it(void **state)
{
	struct loop *l = *state;
	int fd = dial(l);
	static const struct diff_table table = {
		{TABLE_AOR, 7, 0xab}, {TABLE_AOR, 8, 0xcd}, .cut = true};
	struct node_output row = {.kind = OUT_DIFF_TABLE, .seq = 42, .table = &table};
	struct node_output key = {.kind = OUT_DIFFERENCE,
	                          .bytes = SLICE("differs"),
	                          .record = {TABLE_AOR, SLICE("sip:a@x"), {NULL, 0}}};
	struct node_output secret = {.kind = OUT_DIFFERENCE,
	                             .bytes = SLICE("only on the active"),
	                             .record = {TABLE_SECRET, SLICE("\1\2"), {NULL, 0}}};
	say(l, fd, "{\"command\":\"diff\"}\n", strlen("{\"command\":\"diff\"}\n"));
	turn(l);
	assert_int_equal(l->seen[0].kind, COMMAND_DIFF);
	row.ticket = key.ticket = secret.ticket = l->seen[0].ticket;
	control_difference(l->control, &row);
	control_difference(l->control, &key);
	control_difference(l->control, &secret);
	key.ticket++;
	control_difference(l->control, &key); /* nobody's */
	control_answer(l->control, l->seen[0].ticket, true, SLICE("different"));
	json_t *result = result_of(hear(l, fd));
	char *text = json_dumps(result, JSON_COMPACT | JSON_SORT_KEYS);
	assert_string_equal(
		text,
		"{\"differences\":[{\"key\":\"sip:a@x\",\"table\":\"aor\",\"what\":\"differs\"},"
		"{\"key\":\"0102\",\"table\":\"secret\",\"what\":\"only on the active\"}],"
		"\"seq\":42,\"tables\":[{\"active_digest\":\"00000000000000ab\","
		"\"active_records\":7,\"cut\":true,\"equal\":false,"
		"\"standby_digest\":\"00000000000000cd\",\"standby_records\":8,"
		"\"table\":\"aor\"}],\"text\":\"different\"}");
	free(text);
	json_decref(result);
	(void)close(fd);
}

static void what_is_wrong_with_a_change_is_said(void **state)
{
	static const struct {
		const char *request, *part;
	} rows[] = {
		{PUT("alice", "example.org"), "example.com, example.net"},
		{PUT("al:ice", "example.com"), "colon"},
		{PUT("", "example.com"), "`user`"},
		{"{\"command\":\"subscriber-put\",\"user\":\"a\",\"realm\":\"example.com\",\"md5\":"
	         "\"0\"}",
	         "`md5` must be 32"},
		{"{\"command\":\"aor-remove\"}", "`aor`"},
		{"{\"command\":\"dance\"}", "no such command"},
		{"{\"id\":3}", "no such command"},
	};
	struct loop *l = *state;
	int fd = dial(l);

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		expect_error(ask(l, fd, rows[i].request), rows[i].part);
	assert_int_equal(l->n_seen, 0);
	(void)close(fd);
}

static void a_long_domain_is_refused_whole_even_where_the_text_is_cut(void **state)
{
	struct loop *l = *state;
	int fd = dial(l);
	char request[1024] = "{\"command\":\"subscriber\",\"user\":\"a\",\"realm\":\"x";

	for (int i = 0; i < 200; i++)
		strncat(request, "\xc3\xa4", 3);
	strncat(request, "\"}", 3);
	expect_error(ask(l, fd, request), "");
	(void)close(fd);
}

static void the_other_commands_reach_the_node(void **state)
{
	struct loop *l = *state;
	int fd = dial(l);
	static const char text[] =
		"{\"command\":\"aor-remove\",\"aor\":\"bob@example.com\"}\n"
		"{\"command\":\"switchover\"}\n"
		"{\"command\":\"switchover\",\"force\":true}\n"
		"{\"command\":\"subscriber-remove\",\"user\":\"a\",\"realm\":\"example.net\"}\n"
		"{\"command\":\"secret-rotate\"}\n"
		"{\"command\":\"secret-rotate\"}\n";
	static const enum command_kind kinds[] = {
		COMMAND_AOR_REMOVE,        COMMAND_SWITCHOVER,    COMMAND_SWITCHOVER_FORCED,
		COMMAND_SUBSCRIBER_REMOVE, COMMAND_SECRET_ROTATE, COMMAND_SECRET_ROTATE};

	say(l, fd, text, sizeof text - 1);
	turn(l);
	assert_int_equal(l->n_seen, ARRAY_LEN(kinds));
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		assert_int_equal(l->seen[i].kind, kinds[i]);
	assert_string_equal(l->seen[0].key, "sip:bob@example.com");
	assert_string_equal(l->seen[3].key, "a@example.net");
	assert_int_equal(l->seen[4].key_n, 32);
	assert_memory_not_equal(l->seen[4].secret, l->seen[5].secret, 32); /* drawn anew */
	(void)close(fd);
}

static void a_refusal_within_the_step_reaches_the_asker(void **state)
{
	struct loop *l = *state;
	int fd = dial(l);

	l->refuse = true;
	expect_error(ask(l, fd, PUT("a", "example.com")), "standby");
	expect_error(ask(l, fd, "{\"command\":\"takeover\"}"), "standby");
	(void)close(fd);
}

static void answers_come_in_any_order_by_their_id(void **state)
{
	struct loop *l = *state;
	int fd = dial(l);
	static const char text[] = "{\"id\":11,\"command\":\"switchover\"}\n"
				   "{\"id\":12,\"command\":\"switchover\"}\n";

	say(l, fd, text, sizeof text - 1);
	turn(l);
	control_answer(l->control, l->seen[1].ticket, true, SLICE("b"));
	control_answer(l->control, l->seen[0].ticket, false, SLICE("a"));
	assert_int_equal(id_of(hear(l, fd)), 12);
	assert_int_equal(id_of(hear(l, fd)), 11);
	(void)close(fd);
}

static void an_answer_for_a_connection_that_is_gone_meets_nobody(void **state)
{
	struct loop *l = *state;
	int first = dial(l), second;
	char byte;

	say(l, first, "{\"command\":\"switchover\"}\n", 25);
	turn(l);
	assert_int_equal(l->n_seen, 1);
	(void)close(first);
	for (int i = 0; i < 10; i++)
		turn(l);
	second = dial(l);
	say(l, second, "{\"command\":\"switchover\"}\n", 25);
	turn(l);
	control_answer(l->control, l->seen[0].ticket, true, SLICE("done"));
	turn(l);
	assert_int_equal(recv(second, &byte, 1, 0), -1);
	control_answer(l->control, l->seen[1].ticket, true, SLICE("done"));
	json_decref(result_of(hear(l, second)));
	control_answer(l->control, 0, true, SLICE("done"));
	control_answer(l->control, UINT64_MAX, true, SLICE("done"));
	(void)close(second);
}

static void whoever_sends_no_more_still_gets_the_answer(void **state)
{
	struct loop *l = *state;
	int fd = dial(l);

	say(l, fd, "{\"command\":\"switchover\"}\n", 25);
	assert_int_equal(shutdown(fd, SHUT_WR), 0);
	for (int i = 0; i < 10; i++)
		turn(l);
	control_answer(l->control, l->seen[0].ticket, true, SLICE("done"));
	json_decref(result_of(hear(l, fd)));
	expect_closed(l, fd);
}

static void beyond_so_many_commands_under_way_reading_waits(void **state)
{
	enum { MORE = CONTROL_PENDING_MAX + 600 };
	struct loop *l = *state;
	int fd = dial(l);

	for (int i = 0; i < MORE; i++)
		say(l, fd, "{\"command\":\"switchover\"}\n", 25);
	for (int i = 0; i < 100; i++)
		turn(l);
	assert_int_equal(l->n_seen, CONTROL_PENDING_MAX);
	for (size_t i = 0; i < CONTROL_PENDING_MAX; i++)
		control_answer(l->control, l->seen[i].ticket, true, SLICE("done"));
	for (int i = 0; i < CONTROL_PENDING_MAX; i++)
		json_decref(result_of(hear(l, fd)));
	for (int i = 0; i < 100; i++)
		turn(l);
	assert_int_equal(l->n_seen, MORE);
	(void)close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_change_is_answered_when_the_node_answers),
		CASE(a_comparison_is_answered_with_what_came_of_it),
		CASE(what_is_wrong_with_a_change_is_said),
		CASE(a_long_domain_is_refused_whole_even_where_the_text_is_cut),
		CASE(the_other_commands_reach_the_node),
		CASE(a_refusal_within_the_step_reaches_the_asker),
		CASE(answers_come_in_any_order_by_their_id),
		CASE(an_answer_for_a_connection_that_is_gone_meets_nobody),
		CASE(whoever_sends_no_more_still_gets_the_answer),
		CASE(beyond_so_many_commands_under_way_reading_waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
