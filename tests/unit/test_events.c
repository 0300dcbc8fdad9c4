/* layer: io */
#include "node/io/events.h"
#include "tests/unit/control_client.h"

static int begin(void **state)
{
	int failed = setup(state);
	struct loop *l = *state;

	l->events = events_open(l, l->control, NULL);
	return failed;
}

static int end(void **state)
{
	struct loop *l = *state;

	events_close(&l->events);
	assert_null(l->events);
	return teardown(state);
}

static int listener(struct loop *l)
{
	int fd = dial(l);

	json_decref(result_of(ask(l, fd, "{\"id\":1,\"command\":\"events\"}")));
	return fd;
}

static void expect_event(struct loop *l, int fd, const char *want)
{
	json_t *event = hear(l, fd);
	char *text = json_dumps(event, JSON_COMPACT);

	assert_string_equal(text, want);
	free(text);
	json_decref(event);
}

static void history(struct loop *l, const char *line)
{
	const struct node_output o = {.kind = OUT_HISTORY, .bytes = slice_str(line)};

	events_history(l->events, &o);
}

static void a_line_of_the_journal_is_an_event(void **state)
{
	struct loop *l = *state;
	int fd = listener(l), deaf = dial(l);

	history(l, "7\t1234\trole\tstandby\tactive\taddress");
	expect_event(l, fd,
	             "{\"event\":\"history\",\"epoch\":7,\"seq\":1234,\"what\":\"role\","
	             "\"from\":\"standby\",\"to\":\"active\",\"why\":\"address\","
	             "\"wall_ms\":998500}");
	history(l, "7\t1235\tnap \xff\ta\tb\tsaid \"no\"\tand a tab");
	expect_event(l, fd,
	             "{\"event\":\"history\",\"epoch\":7,\"seq\":1235,\"what\":\"nap ?\","
	             "\"from\":\"a\",\"to\":\"b\",\"why\":\"said \\\"no\\\"\\tand a tab\","
	             "\"wall_ms\":998500}");
	/* who did not ask is told nothing, and who asked is answered between the events */
	json_decref(result_of(ask(l, deaf, "{\"command\":\"domains\"}")));
	json_decref(result_of(ask(l, fd, "{\"command\":\"domains\"}")));
	(void)close(fd);
	(void)close(deaf);
}

static void an_alarm_is_an_event_when_it_is_raised_and_cleared(void **state)
{
	struct loop *l = *state;
	int fd = listener(l);
	size_t row = 0;

	while (strcmp(alarm_rows()[row].name, "lag") != 0)
		row++;
	l->alarms.at[row].raised = true;
	events_alarm(l->events, row, "late");
	json_t *event = hear(l, fd);
	assert_string_equal(json_string_value(json_object_get(event, "name")), "lag");
	assert_string_equal(json_string_value(json_object_get(event, "severity")), "minor");
	assert_string_equal(json_string_value(json_object_get(event, "text")), "late");
	assert_string_equal(json_string_value(json_object_get(event, "remedy")),
	                    alarm_rows()[row].remedy);
	assert_int_equal(json_integer_value(json_object_get(event, "oid")), alarm_rows()[row].oid);
	assert_true(json_is_true(json_object_get(event, "raised")));
	json_decref(event);
	l->alarms.at[row].raised = false;
	events_alarm(l->events, row, "late");
	event = hear(l, fd);
	assert_true(json_is_false(json_object_get(event, "raised")));
	json_decref(event);
	(void)close(fd);
}

/* As control_fake.h has it: the first is not registered, all others are. */
static void a_nap_is_told_of_when_it_changes_and_not_when_it_comes(void **state)
{
	const struct nap_options before[] = {
		{.name = SLICE("b")}, {.name = SLICE("c")}, {.name = SLICE("d")}};
	const struct nap_options after[] = {
		{.name = SLICE("a")}, {.name = SLICE("b")}, {.name = SLICE("d")}};
	const struct nap_options swapped[] = {{.name = SLICE("d")}, {.name = SLICE("e")}};
	struct loop *l = *state;
	int fd = listener(l);

	l->naps = (struct nap_list){before, 3};
	events_naps(l->events);
	events_naps(l->events);
	l->naps = (struct nap_list){after, 3}; /* b has become registered, c is gone, a is new */
	events_naps(l->events);
	expect_event(l, fd,
	             "{\"event\":\"nap\",\"name\":\"b\",\"registered\":true,\"available\":false,"
	             "\"status\":503,\"why\":\"refused ?\",\"wall_ms\":998500}");
	l->naps = (struct nap_list){swapped, 2}; /* d is not registered any more */
	events_naps(l->events);
	expect_event(l, fd,
	             "{\"event\":\"nap\",\"name\":\"d\",\"registered\":false,\"available\":false,"
	             "\"status\":503,\"why\":\"refused ?\",\"wall_ms\":998500}");
	json_decref(result_of(ask(l, fd, "{\"command\":\"domains\"}"))); /* nothing else came */
	(void)close(fd);
}

/* All that is there; true: and then the end. */
static bool drain(int fd)
{
	static char bytes[1 << 16];
	ssize_t n;

	while ((n = recv(fd, bytes, sizeof bytes, 0)) > 0)
		;
	return n == 0;
}

static void a_reader_that_does_not_keep_up_is_hung_up_on_and_others_are_not(void **state)
{
	enum { MANY = 12000, WHY = 400 }; /* more than its socket and the node hold */
	struct loop *l = *state;
	int slow = listener(l), quick = listener(l);
	char line[WHY + 64];

	(void)snprintf(line, sizeof line, "7\t1234\trole\tstandby\tactive\t%0*d", WHY, 0);
	for (int i = 0; i < MANY; i++) {
		history(l, line);
		if (i % 100 == 99) {
			turn(l);
			assert_false(drain(quick));
		}
	}
	for (int i = 0; i < PATIENCE_TURNS && !drain(slow); i++)
		turn(l);
	assert_true(drain(slow));
	for (int i = 0; i < 3; i++) {
		turn(l);
		assert_false(drain(quick));
	}
	history(l, "8\t1\trole\ta\tb\tc");
	json_t *last = hear(l, quick);
	assert_int_equal(json_integer_value(json_object_get(last, "epoch")), 8);
	json_decref(last);
	(void)close(slow);
	(void)close(quick);
}

static void listeners_have_a_limit(void **state)
{
	struct loop *l = *state;
	int fds[CONTROL_LISTENERS_MAX], fd;

	for (size_t i = 0; i < CONTROL_LISTENERS_MAX; i++)
		fds[i] = listener(l);
	json_decref(result_of(ask(l, fds[0], "{\"command\":\"events\"}"))); /* once more */
	fd = dial(l);
	expect_error(ask(l, fd, "{\"command\":\"events\"}"), "too many listen");
	json_decref(result_of(ask(l, fd, "{\"command\":\"domains\"}")));
	(void)close(fds[0]);
	turn(l);
	turn(l);
	json_decref(result_of(ask(l, fd, "{\"command\":\"events\"}")));
	history(l, "8\t1\trole\ta\tb\tc");
	json_decref(hear(l, fd));
	for (size_t i = 1; i < CONTROL_LISTENERS_MAX; i++)
		(void)close(fds[i]);
	(void)close(fd);
}

#define EVENT_CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		EVENT_CASE(a_line_of_the_journal_is_an_event),
		EVENT_CASE(an_alarm_is_an_event_when_it_is_raised_and_cleared),
		EVENT_CASE(a_nap_is_told_of_when_it_changes_and_not_when_it_comes),
		EVENT_CASE(a_reader_that_does_not_keep_up_is_hung_up_on_and_others_are_not),
		EVENT_CASE(listeners_have_a_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
