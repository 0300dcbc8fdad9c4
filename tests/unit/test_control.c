/* layer: io */
#include "tests/unit/control_client.h"

/* --- the node's records --- */

static void put_aor(struct loop *l, const char *aor, int64_t expires_ms)
{
	static struct aor_record r;
	static uint8_t memory[65536] __attribute__((aligned(16)));
	uint8_t room[1024];
	struct buf value = buf_on(room, sizeof room);
	struct arena arena = arena_on(memory, sizeof memory);

	r = (struct aor_record){.n_bindings = 2};
	for (size_t i = 0; i < 2; i++)
		r.bindings[i] = (struct binding){.uri = SLICE("sip:a@192.0.2.1"),
		                                 .call_id = SLICE("c\xff"),
		                                 .cseq = 4,
		                                 .expires = {i == 0 ? expires_ms : NOW_MS},
		                                 .q_milli = 700,
		                                 .transport = TRANSPORT_UDP,
		                                 .unit = UNIT_PRIMARY};
	aor_encode(&r, &arena, &value);
	assert_false(value.full);
	copy_put(l->copy, TABLE_AOR, slice_str(aor), buf_slice(&value), 1, PAIRTIME_NEVER);
}

/* Pages through a listing; how many rows there were in how many pages. */
static size_t count_pages(struct loop *l, int fd, const char *command, size_t *pages)
{
	json_t *cursor = json_pack("[ii]", 0, 0);
	size_t rows = 0;

	for (*pages = 0; json_is_array(cursor); ++*pages) {
		json_t *request = json_pack("{ss so}", "command", command, "cursor", cursor);
		char *text = json_dumps(request, JSON_COMPACT);
		json_t *page = result_of(ask(l, fd, text));
		cursor = json_incref(json_object_get(page, "cursor"));
		rows += json_array_size(json_object_get(page, command));
		json_decref(page);
		json_decref(request);
		free(text);
	}
	json_decref(cursor);
	return rows;
}

/* --- reading --- */

static void no_number_of_the_mib_is_given_twice(void **state)
{
	bool given[STATUS_OID_END] = {false};

	(void)state;
	for (size_t i = 0; i < status_field_count(); i++) {
		unsigned oid = status_fields()[i].oid;
		assert_in_range(oid, 1, STATUS_OID_END - 1);
		assert_false(given[oid]);
		given[oid] = true;
	}
}

static void every_figure_of_the_table_is_told(void **state)
{
	struct loop *l = *state;
	int fd = dial(l);
	json_t *status = result_of(ask(l, fd, "{\"id\":1,\"command\":\"status\"}"));
	json_t *fields = result_of(ask(l, fd, "{\"id\":2,\"command\":\"fields\"}"));

	assert_int_equal(json_object_size(status), status_field_count());
	assert_int_equal(json_array_size(fields), status_field_count());
	assert_string_equal(json_string_value(json_object_get(status, "role")), "standby");
	assert_int_equal(json_integer_value(json_object_get(status, "seq")), 42);
	assert_int_equal(json_integer_value(json_object_get(status, "lag_ms")), 1234);
	assert_true(json_is_true(json_object_get(status, "fault")));
	json_decref(status);
	json_decref(fields);
	(void)close(fd);
}

static const json_t *alarm_named(const json_t *alarms, const char *name)
{
	const json_t *alarm;
	size_t i;

	json_array_foreach(alarms, i,
	                   alarm) if (strcmp(json_string_value(json_object_get(alarm, "name")),
	                                     name) == 0) return alarm;
	fail_msg("there is no alarm %s", name);
	return NULL;
}

static void every_alarm_is_told_and_a_raised_one_with_its_figure(void **state)
{
	struct loop *l = *state;
	int fd = dial(l);

	for (size_t i = 0; i < alarm_count(); i++)
		if (strcmp(alarm_rows()[i].name, "lag") == 0)
			l->alarms.at[i] = (struct alarm){.raised = true, .since_wall_ms = 77};
	json_t *alarms = result_of(ask(l, fd, "{\"command\":\"alarms\"}"));
	const json_t *lag = alarm_named(alarms, "lag");
	const json_t *exposed = alarm_named(alarms, "exposed");
	assert_int_equal(json_array_size(alarms), alarm_count());
	assert_true(json_is_true(json_object_get(lag, "raised")));
	assert_int_equal(json_integer_value(json_object_get(lag, "since_ms")), 77);
	assert_int_equal(json_integer_value(json_object_get(lag, "oid")), 6);
	assert_string_equal(json_string_value(json_object_get(lag, "severity")), "minor");
	assert_non_null(strstr(json_string_value(json_object_get(lag, "text")), "1234"));
	assert_true(json_is_false(json_object_get(exposed, "raised")));
	json_decref(alarms);
	(void)close(fd);
}

/* What any user of the host may know is no user's binding, and nothing changes. */
static void the_monitor_has_the_figures_and_nothing_else(void **state)
{
	static const char *const figures[] = {"status", "fields", "alarms", "naps", "domains"};
	static const char *const others[] = {
		"bindings",
		"subscribers",
		"subscriber",
		"secrets",
		"reload",
		"switchover",
		"secret-rotate",
		"switchover-plan",
		"nap-register",
		"subscriber-remove",
		"",
	};
	struct loop *l = *state;
	struct stat st;
	char request[64];

	control_close(&l->control);
	l->control = control_open(l, l->path, CONTROL_MONITOR);
	assert_non_null(l->control);
	assert_int_equal(stat(l->path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0666);
	int fd = dial(l);
	for (size_t i = 0; i < ARRAY_LEN(figures); i++) {
		(void)snprintf(request, sizeof request, "{\"command\":\"%s\"}", figures[i]);
		json_decref(result_of(ask(l, fd, request)));
	}
	for (size_t i = 0; i < ARRAY_LEN(others); i++) {
		(void)snprintf(request, sizeof request, "{\"command\":\"%s\"}", others[i]);
		expect_error(ask(l, fd, request),
		             "no such command on this socket: it has figures alone");
	}
	expect_error(ask(l, fd, "{\"id\":1}"),
	             "no such command on this socket: it has figures alone");
	assert_int_equal(l->n_seen, 0);
	assert_int_equal(l->reload, 0);
	(void)close(fd);
}

static void domains_are_told_with_what_is_in_them(void **state)
{
	struct loop *l = *state;
	int fd = dial(l);
	json_t *domains = result_of(ask(l, fd, "{\"command\":\"domains\"}"));
	char *text = json_dumps(json_array_get(domains, 1), JSON_COMPACT);

	assert_int_equal(json_array_size(domains), 2);
	assert_string_equal(
		text, "{\"name\":\"example.net\",\"users\":11,\"bindings\":21,\"max_users\":30}");
	free(text);
	json_decref(domains);
	(void)close(fd);
}

static void an_aor_is_found_by_any_usual_name_without_what_expired(void **state)
{
	struct loop *l = *state;
	int fd = dial(l);
	static const char *const names[] = {"alice@Example.com", "sip:alice@example.com",
	                                    "sip:alice@EXAMPLE.com;x=y"};

	put_aor(l, "sip:alice@example.com", NOW_MS + 59001);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		char request[128];
		(void)snprintf(request, sizeof request, "{\"command\":\"bindings\",\"aor\":\"%s\"}",
		               names[i]);
		json_t *result = result_of(ask(l, fd, request));
		json_t *list = json_object_get(result, "bindings");
		const json_t *b = json_array_get(list, 0);
		assert_int_equal(json_array_size(list), 1);
		assert_int_equal(json_integer_value(json_object_get(b, "remaining_s")), 60);
		assert_string_equal(json_string_value(json_object_get(b, "call_id")), "c?");
		assert_string_equal(json_string_value(json_object_get(b, "transport")), "UDP");
		json_decref(result);
	}
	expect_error(ask(l, fd, "{\"command\":\"bindings\",\"aor\":\"tel:1\"}"), "SIP URI");
	expect_error(ask(l, fd, "{\"command\":\"bindings\",\"aor\":\"\"}"), "SIP URI");
	(void)close(fd);
}

static void long_lists_come_in_pages_and_whole(void **state)
{
	enum { MANY = 1700 };
	struct loop *l = *state;
	int fd = dial(l);
	size_t pages;

	for (int i = 0; i < MANY; i++) {
		char name[64];
		(void)snprintf(name, sizeof name, "sip:u%d@example.com", i);
		put_aor(l, name, i % 10 == 0 ? NOW_MS : NOW_MS + 1000);
		(void)snprintf(name, sizeof name, "u%d", i);
		put_subscriber(l, name, i % 10 == 0);
	}
	assert_int_equal(count_pages(l, fd, "bindings", &pages), MANY * 9 / 10);
	assert_true(pages >= 4);
	assert_int_equal(count_pages(l, fd, "subscribers", &pages), MANY * 9 / 10);
	assert_true(pages >= 4);
	assert_int_equal(l->n_seen, 0);
	(void)close(fd);
}

static void secrets_are_listed_without_what_they_are(void **state)
{
	struct loop *l = *state;
	int fd = dial(l);
	uint8_t room[128];
	struct buf value = buf_on(room, sizeof room);
	const struct secret_record r = {
		.id = 0x1234, .key = SLICE("0123456789abcdef0123456789abcdef"), .created = {77}};

	secret_encode(&r, &value);
	copy_put(l->copy, TABLE_SECRET, SLICE("\0\0\0\0\0\0\x12\x34"), buf_slice(&value), 1,
	         PAIRTIME_NEVER);
	json_t *result = result_of(ask(l, fd, "{\"command\":\"secrets\"}"));
	char *text = json_dumps(json_object_get(result, "secrets"), JSON_COMPACT | JSON_SORT_KEYS);
	assert_string_equal(text, "[{\"created_ms\":77,\"id\":\"0000000000001234\"}]");
	free(text);
	json_decref(result);
	(void)close(fd);
}

static void a_subscriber_is_shown_without_its_hashes(void **state)
{
	struct loop *l = *state;
	int fd = dial(l);
	static const char request[] =
		"{\"command\":\"subscriber\",\"user\":\"%s\",\"realm\":\"example.com\"}";
	char text[128];

	put_subscriber(l, "alice", false);
	put_subscriber(l, "bob", true);
	(void)snprintf(text, sizeof text, request, "alice");
	json_t *result = result_of(ask(l, fd, text));
	assert_string_equal(json_string_value(json_object_get(result, "name")),
	                    "alice@example.com");
	assert_int_equal(json_object_size(result), 4);
	json_decref(result);
	(void)snprintf(text, sizeof text, request, "bob");
	expect_error(ask(l, fd, text), "no such subscriber");
	(void)close(fd);
}

static void a_reader_who_is_slow_stops_being_read(void **state)
{
	enum { ASKED = 4000 };
	struct loop *l = *state;
	int fd = dial(l);
	static const char request[] = "{\"command\":\"status\"}\n";
	size_t sent = 0, whole = 0;

	for (int turns = 0; turns < PATIENCE_TURNS && sent < ASKED; turns++) {
		ssize_t n = send(fd, request, sizeof request - 1, MSG_NOSIGNAL);
		sent += n == (ssize_t)sizeof request - 1;
		turn(l);
	}
	for (; whole < sent; whole++)
		json_decref(result_of(hear(l, fd)));
	(void)close(fd);
}

static void what_is_no_request_is_told_so_and_hung_up_on(void **state)
{
	static const struct {
		const char *text, *part;
	} rows[] = {
		{"GET / HTTP/1.0\r\n\r\n", "JSON"},
		{"[1]\n", "JSON"},
		{"{\"id\":1,\"id\":2}\n", "JSON"},
		{"{\"id\":\"x\"}\n", "integer"},
		{"{\"command\":\"status\"\n", "JSON"},
		{"\n", "JSON"},
		{"\xff\xfe\n{\"command\":\"status\"}\n", "JSON"},
	};
	struct loop *l = *state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int fd = dial(l);
		say(l, fd, rows[i].text, strlen(rows[i].text));
		expect_error(hear(l, fd), rows[i].part);
		expect_closed(l, fd);
	}
}

static void a_line_without_end_is_refused(void **state)
{
	struct loop *l = *state;
	int fd = dial(l);
	static char text[CONTROL_LINE_MAX];

	memset(text, ' ', sizeof text);
	say(l, fd, text, sizeof text);
	expect_error(hear(l, fd), "too long");
	expect_closed(l, fd);
}

/* --- the socket --- */

static void connections_have_a_limit(void **state)
{
	struct loop *l = *state;
	int fds[CONTROL_CONNECTIONS_MAX];

	for (size_t i = 0; i < CONTROL_CONNECTIONS_MAX; i++) {
		fds[i] = dial(l);
		json_decref(result_of(ask(l, fds[i], "{\"command\":\"domains\"}")));
	}
	expect_closed(l, dial(l));
	for (size_t i = 0; i < CONTROL_CONNECTIONS_MAX; i++)
		(void)close(fds[i]);
	turn(l);
	turn(l);
	int again = dial(l);
	json_decref(result_of(ask(l, again, "{\"command\":\"domains\"}")));
	(void)close(again);
}

static void the_socket_is_for_its_owner_and_group(void **state)
{
	struct loop *l = *state;
	struct stat st;

	assert_int_equal(stat(l->path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0660);
	control_close(&l->control);
	assert_int_equal(stat(l->path, &st), -1);
}

static void a_socket_somebody_listens_on_is_left_alone(void **state)
{
	struct loop *l = *state;
	int fd;

	assert_null(control_open(l, l->path, CONTROL_OPERATOR));
	fd = dial(l);
	json_decref(result_of(ask(l, fd, "{\"command\":\"domains\"}")));
	(void)close(fd);
}

static void a_socket_of_a_dead_process_is_replaced(void **state)
{
	struct loop *l = *state;
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int dead = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	control_close(&l->control);
	memcpy(a.sun_path, l->path, sizeof l->path);
	assert_int_equal(bind(dead, (const struct sockaddr *)&a, sizeof a), 0);
	(void)close(dead);
	l->control = control_open(l, l->path, CONTROL_OPERATOR);
	assert_non_null(l->control);
}

static void a_file_of_that_name_is_not_removed(void **state)
{
	struct loop *l = *state;

	control_close(&l->control);
	(void)close(open(l->path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	assert_null(control_open(l, l->path, CONTROL_OPERATOR));
	assert_int_equal(access(l->path, F_OK), 0);
	assert_null(control_open(l, "/no/such/folder/s", CONTROL_MONITOR));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_number_of_the_mib_is_given_twice),
		CASE(every_figure_of_the_table_is_told),
		CASE(every_alarm_is_told_and_a_raised_one_with_its_figure),
		CASE(domains_are_told_with_what_is_in_them),
		CASE(the_monitor_has_the_figures_and_nothing_else),
		CASE(an_aor_is_found_by_any_usual_name_without_what_expired),
		CASE(long_lists_come_in_pages_and_whole),
		CASE(a_subscriber_is_shown_without_its_hashes),
		CASE(secrets_are_listed_without_what_they_are),
		CASE(a_reader_who_is_slow_stops_being_read),
		CASE(what_is_no_request_is_told_so_and_hung_up_on),
		CASE(a_line_without_end_is_refused),
		CASE(connections_have_a_limit),
		CASE(the_socket_is_for_its_owner_and_group),
		CASE(a_socket_somebody_listens_on_is_left_alone),
		CASE(a_socket_of_a_dead_process_is_replaced),
		CASE(a_file_of_that_name_is_not_removed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
