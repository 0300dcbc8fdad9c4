/* layer: io */
/* One user's or one NAP's messages, followed over the control socket. */
#include "tests/unit/control_client.h"

#define HEAD(method, from, to)                                                              \
	method " sip:example.com SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.7;branch=z9hG4bKx\r\n" \
	       "From: <" from ">;tag=1\r\nTo: \"A\" <" to ">\r\nCall-ID: c\r\n"
#define REGISTER(from, to) HEAD("REGISTER", from, to) "CSeq: 1 REGISTER\r\n\r\n"
#define OPTIONS(uri, from, to)                                                                  \
	"OPTIONS " uri " SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.7;branch=z9hG4bKx\r\nFrom: <" from \
	">;tag=1\r\nt: <" to ">\r\nCall-ID: c\r\nCSeq: 7 OPTIONS\r\n\r\n"
#define ALICE "sip:alice@example.com"
#define BOB   "sip:bob@example.com"

static struct addr addr_at(const char *text)
{
	struct addr a;

	assert_true(addr_parse(slice_str(text), &a));
	return a;
}

static void pass(struct loop *l, const char *text, const char *remote, bool out)
{
	struct trace_message m = {.flow = {TRANSPORT_UDP, addr_at("192.0.2.1:5060"),
	                                   addr_at(remote), 0},
	                          .bytes = slice_str(text),
	                          .out = out};

	if (control_traces(l->control))
		control_trace(l->control, &m);
}

/* So many of the messages are told, as the connection's end says. */
static void expect_counts(struct loop *l, int fd, json_int_t messages, json_int_t dropped)
{
	say(l, fd, "{\"command\":\"trace-end\"}\n", 24);
	json_t *line = hear(l, fd);

	while (json_object_get(line, "event") != NULL) {
		json_decref(line);
		line = hear(l, fd);
	}
	json_t *counts = result_of(line);
	assert_int_equal(json_integer_value(json_object_get(counts, "messages")), messages);
	assert_int_equal(json_integer_value(json_object_get(counts, "dropped")), dropped);
	json_decref(counts);
}

static int begin(struct loop *l, const char *who)
{
	char request[128];
	int fd = dial(l);

	(void)snprintf(request, sizeof request, "{\"command\":\"trace\",\"who\":\"%s\"}", who);
	json_decref(result_of(ask(l, fd, request)));
	assert_true(control_traces(l->control));
	return fd;
}

static void a_message_is_told_with_its_ends_its_time_and_its_bytes(void **state)
{
	struct loop *l = *state;
	struct trace_message m = {.flow = {TRANSPORT_TLS, addr_at("192.0.2.1:40000"),
	                                   addr_at("[2001:db8::9]:5061"), 3},
	                          .bytes = SLICE(REGISTER(ALICE, ALICE)),
	                          .out = true};
	int fd = begin(l, "Alice@x");

	control_trace(l->control, &m); /* not his */
	(void)close(fd);
	turn(l);
	fd = begin(l, "alice@EXAMPLE.com");
	control_trace(l->control, &m);
	m.out = false;
	m.flow.transport = TRANSPORT_UDP;
	control_trace(l->control, &m);
	json_t *line = hear(l, fd);
	assert_true(json_integer_value(json_object_get(line, "wall_us")) > 1700000000000000);
	(void)json_object_del(line, "wall_us");
	(void)json_object_set_new(
		line, "bytes", json_stringn(json_string_value(json_object_get(line, "bytes")), 16));
	char *text = json_dumps(line, JSON_COMPACT);
	assert_string_equal(
		text, "{\"event\":\"message\",\"transport\":\"TLS\",\"from\":\"192.0.2.1:40000\","
		      "\"to\":\"[2001:db8::9]:5061\",\"dropped\":0,"
		      "\"bytes\":\"5245474953544552\"}");
	free(text);
	json_decref(line);
	line = hear(l, fd);
	assert_string_equal(json_string_value(json_object_get(line, "from")), "[2001:db8::9]:5061");
	assert_string_equal(json_string_value(json_object_get(line, "transport")), "UDP");
	json_decref(line);
	expect_counts(l, fd, 2, 0);
	assert_false(control_traces(l->control));
	expect_error(ask(l, fd, "{\"command\":\"trace-end\"}"), "no trace");
	(void)close(fd);
}

static void which_messages_are_a_user_s(void **state)
{
	static const struct {
		const char *text;
		bool his;
	} rows[] = {
		{REGISTER(ALICE, ALICE), true},
		{REGISTER(BOB, ALICE), true}, /* another registers him */
		{REGISTER(ALICE ";x=y", BOB), true},
		{REGISTER(BOB, BOB), false},
		{REGISTER("sip:alice@example.net", "sip:alice@example.net"), false},
		{REGISTER("sips:alice@Example.com", BOB), false},               /* another AOR */
		{REGISTER("sip:alice@192.0.2.1", "sip:alice@192.0.2.1"), true}, /* our address */
		{OPTIONS("sip:alice@192.0.2.7:5070", "sip:example.com", "sip:x@example.com"), true},
		{OPTIONS("sip:bob@192.0.2.7:5070", "sip:example.com", "sip:x@example.com"), false},
		{"SIP/2.0 200 OK\r\nFrom: " ALICE ";tag=1\r\nTo: " BOB "\r\nCSeq: 1 INVITE\r\n\r\n",
	         true},
		{"SIP/2.0 200 OK\r\n\r\n", false},
		{"\r\n", false},
		{"hello " ALICE, false},
	};
	struct loop *l = *state;
	int fd = begin(l, ALICE);
	json_int_t his = 0;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		pass(l, rows[i].text, "192.0.2.7:5070", false);
		his += rows[i].his;
		turn(l);
	}
	expect_counts(l, fd, his, 0);
	(void)close(fd);
}

/* One provider, two NAPs: what is not about a registration is the provider's with both. */
static void which_messages_are_a_nap_s(void **state)
{
	static const struct {
		const char *text, *remote;
		bool its;
	} rows[] = {
		{REGISTER("sip:one@p.net", "sip:one@p.net"), "192.0.2.9:5060", true},
		{REGISTER("sip:one@p.net", "sip:one@p.net"), "192.0.2.10:5060", true},
		{REGISTER("sip:two@p.net", "sip:two@p.net"), "192.0.2.9:5060", false},
		{OPTIONS("sip:p.net", "sip:us@192.0.2.1", "sip:p.net"), "192.0.2.9:5080", true},
		{OPTIONS("sip:p.net", "sip:us@192.0.2.1", "sip:p.net"), "192.0.2.8:5060", false},
		{"SIP/2.0 200 OK\r\nCSeq: 9 OPTIONS\r\n\r\n", "192.0.2.9:5060", true},
		{"SIP/2.0 200 OK\r\nCSeq: 9 REGISTER\r\n\r\n", "192.0.2.9:5060", false},
	};
	static char one[] = "one", aor[] = "sip:one@p.net";
	struct config_nap configured = {.name = one, .address_to_register = aor};
	struct nap_options naps[] = {{.name = SLICE("other")}, {.name = SLICE("one")}};
	struct loop *l = *state;
	json_int_t its = 0;

	l->naps = (struct nap_list){naps, 2};
	l->config.naps = &configured;
	l->config.nap_count = 1;
	int fd = begin(l, "one");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		pass(l, rows[i].text, rows[i].remote, i % 2 == 0);
		its += rows[i].its;
	}
	expect_counts(l, fd, its, 0);
	l->naps.n = 0; /* it is gone: by its AOR alone */
	(void)close(fd);
}

static void a_reader_that_is_slow_loses_messages_and_is_told_how_many(void **state)
{
	enum { SIZE = 8000, MANY = 400 };
	static char text[SIZE] = REGISTER(ALICE, ALICE);
	struct loop *l = *state;
	int fd = begin(l, ALICE);

	memset(text + strlen(text), 'x', sizeof text - strlen(text) - 1);
	for (int i = 0; i < MANY; i++) {
		pass(l, text, "192.0.2.7:5060", false);
		turn(l);
	}
	say(l, fd, "{\"command\":\"status\"}\n{\"command\":\"trace-end\"}\n", 45);
	json_int_t told = 0;
	json_t *line = hear(l, fd);
	while (json_object_get(line, "event") != NULL) {
		told++;
		json_decref(line);
		line = hear(l, fd);
	}
	json_decref(result_of(line)); /* it is answered all the same */
	json_t *counts = result_of(hear(l, fd));
	assert_int_equal(json_integer_value(json_object_get(counts, "messages")), told);
	assert_int_equal(json_integer_value(json_object_get(counts, "dropped")), MANY - told);
	assert_true(told >= 20 && told < MANY);
	json_decref(counts);
	(void)close(fd);
}

static void what_cannot_be_followed_is_refused(void **state)
{
	struct loop *l = *state;
	int fd[CONTROL_TRACES_MAX];

	for (size_t i = 0; i < ARRAY_LEN(fd); i++)
		fd[i] = begin(l, ALICE);
	int more = dial(l);
	expect_error(ask(l, more, "{\"command\":\"trace\",\"who\":\"" BOB "\"}"), "too many");
	expect_counts(l, fd[0], 0, 0);
	expect_error(ask(l, more, "{\"command\":\"trace\",\"who\":\"nobody\"}"),
	             "no NAP of that name");
	expect_error(ask(l, more, "{\"command\":\"trace\"}"), "no NAP of that name");
	json_decref(result_of(ask(l, more, "{\"command\":\"trace\",\"who\":\"" BOB "\"}")));
	expect_counts(l, more, 0, 0);
	expect_error(ask(l, fd[1], "{\"command\":\"trace\",\"who\":\"" BOB "\"}"), "already");
	for (size_t i = 0; i < ARRAY_LEN(fd); i++)
		(void)close(fd[i]);
	(void)close(more);
	for (int i = 0; i < 10; i++)
		turn(l);
	assert_false(control_traces(l->control));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_message_is_told_with_its_ends_its_time_and_its_bytes),
		CASE(which_messages_are_a_user_s),
		CASE(which_messages_are_a_nap_s),
		CASE(a_reader_that_is_slow_loses_messages_and_is_told_how_many),
		CASE(what_cannot_be_followed_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
