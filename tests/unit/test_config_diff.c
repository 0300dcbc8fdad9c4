/* layer: config */
#include "node/io/config_diff.h"
#include "tests/unit/config_text.h"

enum { LINES_MAX = 16 };

struct lines {
	char text[LINES_MAX][CONFIG_CHANGE_MAX];
	bool live[LINES_MAX];
	size_t n;
};

static void add(void *context, const char *line, bool live)
{
	struct lines *lines = context;

	assert_true(lines->n < LINES_MAX);
	(void)snprintf(lines->text[lines->n], CONFIG_CHANGE_MAX, "%s", line);
	lines->live[lines->n++] = live;
}

static struct lines diff(const char *before, const char *after)
{
	struct config *from = load_good(before), *to = load_good(after);
	struct lines lines = {.n = 0};

	config_diff(from, to, add, &lines);
	config_free(&from);
	config_free(&to);
	return lines;
}

/* A32 */
static void each_key_that_changed_is_one_line(void **state)
{
	(void)state;
	static const struct {
		const char *before, *after, *line;
		bool live;
	} rows[] = {
		{STANDALONE, STANDALONE "log: {level: debug}\n", "log.level: notice -> debug",
	         true},
		{STANDALONE, STANDALONE "commit: disk\n", "commit: both -> disk", false},
		{STANDALONE, STANDALONE "tls: {ca_file: /ca.pem}\n",
	         "tls.ca_file: nothing -> /ca.pem", false},
		{STANDALONE, STANDALONE "naps: [{name: a}]\n", "naps[a]: added", true},
		{STANDALONE "naps: [{name: a}]\n", STANDALONE, "naps[a]: removed", true},
		{STANDALONE "naps: [{name: a}, {name: b}]\n",
	         STANDALONE "naps: [{name: b, proxy: p.net}, {name: a}]\n",
	         "naps[b].proxy: nothing -> p.net", true},
		{STANDALONE "naps: [{name: a, password: old}]\n",
	         STANDALONE "naps: [{name: a, password: new}]\n", "naps[a].password: changed",
	         true},
		{STANDALONE,
	         "unit: standalone\n"
	         "transports: [{name: u, protocol: udp, address: 127.0.0.1, port: 5070}]\n"
	         "domains: [{name: example.com}]\n",
	         "transports[u].port: 5060 -> 5070", false},
		{"unit: standalone\n"
	         "transports: [{name: u, protocol: udp, address: 127.0.0.1}]\n"
	         "domains: [{name: example.com}, {name: example.net}]\n",
	         STANDALONE, "domains[example.net]: removed", false},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct lines found = diff(rows[i].before, rows[i].after);
		if (found.n != 1 || strcmp(found.text[0], rows[i].line) != 0 ||
		    found.live[0] != rows[i].live)
			fail_msg("row %zu: %zu lines, '%s'", i, found.n, found.text[0]);
	}
}

static void what_is_said_otherwise_is_no_change(void **state)
{
	(void)state;
	assert_int_equal(diff(STANDALONE, STANDALONE "peer_timeout: 200 ms\nnaps: []\n").n, 0);
	assert_int_equal(diff(STANDALONE "naps: [{name: a, expires: 1 h}, {name: b}]\n", STANDALONE
	                      "naps: [{name: b}, {name: a, expires: 60 min, local: u}]\n")
	                         .n,
	                 0);
}

static void the_longest_values_have_room(void **state)
{
	(void)state;
	char before[1024], after[1024], route[2][401];

	for (int i = 0; i < 2; i++) {
		memset(route[i], i == 0 ? 'a' : 'b', 400);
		memcpy(route[i], "<sip:", 5);
		memcpy(route[i] + 396, ";lr>", 5);
	}
	static const char text[] =
		"unit: standalone\ntransports: [{name: u, protocol: udp, address: 127.0.0.1}]\n"
		"domains: [{name: example.com, service_route: '%s'}]\n";
	(void)snprintf(before, sizeof before, text, route[0]);
	(void)snprintf(after, sizeof after, text, route[1]);
	struct lines found = diff(before, after);
	assert_int_equal(found.n, 1);
	assert_true(strlen(found.text[0]) > 800);
}

/* A32: what points into the older NAPs is good until both are freed. */
static void a_reload_takes_over_what_is_live_and_nothing_else(void **state)
{
	(void)state;
	struct config *c = load_good(STANDALONE "naps: [{name: a}]\n");
	struct config *newer = load_good(
		STANDALONE "commit: disk\nlog: {level: info}\nnaps: [{name: b}, {name: c}]\n");
	const char *old_name = c->naps[0].name;

	config_take_over(c, newer);
	assert_int_equal(c->log_level, LOG_INFO);
	assert_int_equal(c->commit, CONFIG_COMMIT_BOTH);
	assert_int_equal(c->nap_count, 2);
	assert_string_equal(c->naps[1].name, "c");
	assert_string_equal(old_name, "a");
	config_free(&newer);
	assert_string_equal(c->naps[0].name, "b");
	config_free(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_key_that_changed_is_one_line),
		cmocka_unit_test(what_is_said_otherwise_is_no_change),
		cmocka_unit_test(the_longest_values_have_room),
		cmocka_unit_test(a_reload_takes_over_what_is_live_and_nothing_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
