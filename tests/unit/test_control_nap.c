/* layer: io */
/* NAPs and the reload, asked for over the control socket. */
#include "tests/unit/control_client.h"

enum { MANY = 1200 };

struct many {
	struct nap_options naps[MANY];
	char names[MANY][8];
};

/* As many NAPs, called n0, n1 ... */
static struct many *have_naps(struct loop *l, size_t n)
{
	struct many *m = calloc(1, sizeof *m);

	assert_non_null(m);
	for (size_t i = 0; i < n; i++) {
		(void)snprintf(m->names[i], sizeof m->names[i], "n%zu", i);
		m->naps[i].name = slice_str(m->names[i]);
	}
	l->naps = (struct nap_list){m->naps, n};
	return m;
}

/* A31: the names of the reference system, and ours. */
static void a_nap_is_told_as_the_node_sees_it(void **state)
{
	struct loop *l = *state;
	static char name[] = "n0", proxy[] = "p.net", aor[] = "sip:a@p.net", from[] = "::/0";
	struct config_nap configured = {
		.name = name, .proxy = proxy, .address_to_register = aor, .access_list = from};
	struct many *naps = have_naps(l, 2);
	int fd = dial(l);

	l->config.naps = &configured;
	l->config.nap_count = 1;
	json_t *nap = result_of(ask(l, fd, "{\"command\":\"nap\",\"nap\":\"n0\"}"));
	char *text = json_dumps(nap, JSON_COMPACT | JSON_SORT_KEYS);

	assert_string_equal(
		text, "{\"access_list\":\"::/0\",\"address_to_register\":\"sip:a@p.net\","
		      "\"attempts\":3,\"granted_s\":1800,\"is_available\":false,"
		      "\"last_reason\":\"Service Unavailable\",\"last_status\":503,\"name\":\"n0\","
		      "\"next_ms\":2500,\"phase\":\"waiting\",\"poll_remote_proxy\":false,"
		      "\"proxy\":\"p.net\","
		      "\"register_to_proxy\":true,\"registered\":false,\"since_ms\":1500,"
		      "\"target\":\"192.0.2.9:5060 UDP\",\"why\":\"refused ?\"}");
	free(text);
	json_decref(nap);
	nap = result_of(ask(l, fd, "{\"command\":\"nap\",\"nap\":\"n1\"}"));
	assert_true(json_is_true(json_object_get(nap, "registered")));
	assert_true(json_is_null(json_object_get(nap, "next_ms")));
	json_decref(nap);
	expect_error(ask(l, fd, "{\"command\":\"nap\",\"nap\":\"n2\"}"), "no NAP of that name");
	expect_error(ask(l, fd, "{\"command\":\"nap\"}"), "no NAP of that name");
	(void)close(fd);
	l->naps.n = 0;
	free(naps);
}

/* The next page; the cursor moves on. How many rows it has, which go on from `rows`. */
static size_t hear_page(struct loop *l, int fd, json_t **cursor, size_t rows)
{
	json_t *request = json_pack("{ss so}", "command", "naps", "cursor", *cursor);
	char *text = json_dumps(request, JSON_COMPACT);
	json_t *page = result_of(ask(l, fd, text));
	const json_t *list = json_object_get(page, "naps");
	size_t n = json_array_size(list);
	char name[16];

	for (size_t i = 0; i < n; i++) {
		const json_t *said = json_object_get(json_array_get(list, i), "name");
		(void)snprintf(name, sizeof name, "n%zu", rows + i);
		assert_string_equal(json_string_value(said), name);
	}
	*cursor = json_incref(json_object_get(page, "cursor"));
	json_decref(page);
	json_decref(request);
	free(text);
	return n;
}

static void all_naps_come_in_pages_each_once(void **state)
{
	struct loop *l = *state;
	struct many *naps = have_naps(l, MANY);
	int fd = dial(l);
	json_t *cursor = json_pack("[ii]", 0, 0);
	size_t rows = 0, pages = 0;

	for (; json_is_array(cursor); pages++)
		rows += hear_page(l, fd, &cursor, rows);
	assert_int_equal(rows, MANY);
	assert_int_equal(pages, 3);
	json_decref(cursor);
	(void)close(fd);
	l->naps.n = 0;
	free(naps);
}

/* A31 */
static void a_command_for_a_nap_goes_to_the_node_with_its_name(void **state)
{
	static const struct {
		const char *request;
		enum command_kind kind;
	} rows[] = {
		{"{\"id\":1,\"command\":\"nap-register\",\"nap\":\"a\"}", COMMAND_NAP_REGISTER},
		{"{\"id\":1,\"command\":\"nap-unregister\",\"nap\":\"a\"}", COMMAND_NAP_UNREGISTER},
		{"{\"id\":1,\"command\":\"nap-poll\",\"nap\":\"a\"}", COMMAND_NAP_POLL},
	};
	struct loop *l = *state;
	int fd = dial(l);

	l->refuse = true;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		expect_error(ask(l, fd, rows[i].request), "this node is standby");
		assert_int_equal(l->seen[i].kind, rows[i].kind);
		assert_string_equal(l->seen[i].key, "a");
	}
	expect_error(ask(l, fd, "{\"command\":\"nap-poll\"}"), "the name of a NAP");
	expect_error(ask(l, fd, "{\"command\":\"nap-poll\",\"nap\":\"\"}"), "the name of a NAP");
	assert_int_equal(l->n_seen, 3);
	(void)close(fd);
}

static json_t *an_outcome(bool reloaded)
{
	return json_pack("{sb ss s[]}", "reloaded", reloaded, "why", "", "changes");
}

/* A31, A32 */
static void a_reload_is_answered_when_it_is_done(void **state)
{
	struct loop *l = *state;
	int fd = dial(l), other = dial(l);
	static const char request[] = "{\"id\":5,\"command\":\"reload\"}\n";

	say(l, fd, request, sizeof request - 1);
	for (int i = 0; l->reload == 0 && i < PATIENCE_TURNS; i++)
		turn(l);
	assert_true(l->reload != 0);
	expect_error(ask(l, other, "{\"command\":\"reload\"}"), "already");
	control_reloaded(l->control, l->reload, an_outcome(true));
	json_t *result = result_of(hear(l, fd));
	assert_true(json_is_true(json_object_get(result, "reloaded")));
	json_decref(result);
	assert_int_equal(l->n_seen, 0);
	(void)close(fd);
	(void)close(other);
}

static void an_outcome_that_nobody_waits_for_meets_nobody(void **state)
{
	struct loop *l = *state;
	int fd = dial(l);
	static const char request[] = "{\"command\":\"reload\"}\n";

	control_reloaded(l->control, 0, an_outcome(true)); /* a signal asked */
	say(l, fd, request, sizeof request - 1);
	for (int i = 0; l->reload == 0 && i < PATIENCE_TURNS; i++)
		turn(l);
	(void)shutdown(fd, SHUT_RDWR);
	(void)close(fd);
	turn(l);
	turn(l);
	control_reloaded(l->control, l->reload, an_outcome(false));
	int again = dial(l);
	json_decref(result_of(ask(l, again, "{\"command\":\"domains\"}")));
	(void)close(again);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_nap_is_told_as_the_node_sees_it),
		CASE(all_naps_come_in_pages_each_once),
		CASE(a_command_for_a_nap_goes_to_the_node_with_its_name),
		CASE(a_reload_is_answered_when_it_is_done),
		CASE(an_outcome_that_nobody_waits_for_meets_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
