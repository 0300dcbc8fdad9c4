/* layer: config */
/* What is shown of a configuration: all of it, so that it loads as the same, and no secret. */
#include "node/io/config_diff.h"
#include "tests/unit/config_text.h"

struct lines {
	char text[CONFIG_CHANGE_MAX];
	size_t n;
};

static void add(void *context, const char *line, bool live)
{
	struct lines *lines = context;

	(void)live;
	(void)snprintf(lines->text, sizeof lines->text, "%s", line);
	lines->n++;
}

static char *shown(const struct config *c)
{
	char *text = NULL;
	size_t n = 0;
	FILE *to = open_memstream(&text, &n);

	assert_non_null(to);
	config_show(to, c);
	assert_int_equal(fclose(to), 0);
	return text;
}

/* What differs between a configuration and what is shown of it. */
static struct lines lost(const char *text)
{
	struct lines lines = {.n = 0};
	struct config *before = load_good(text);
	char *said = shown(before);
	struct config *after = load_good(said);

	config_diff(before, after, add, &lines);
	config_free(&before);
	config_free(&after);
	free(said);
	return lines;
}

static void what_is_shown_loads_as_the_same(void **state)
{
	static const char *const texts[] = {
		STANDALONE,
		PRIMARY,
		STANDALONE "log: {level: debug}\n"
			   "audit_file: /var/log/regpair/audit.log\n"
			   "dns: {servers: \"192.0.2.1, [2001:db8::1]:5353\"}\n"
			   "nonce_lifetime: 90 s\n"
			   "naps:\n"
			   "  - {name: a, proxy: p.net, address_to_register: sip:a@p.net}\n"
			   "  - {name: b, access_list: \"192.0.2.0/24, 2001:db8::/32\"}\n",
		"unit: secondary\n"
		"cluster: {dir: \"/etc/a b\"}\n"
		"peer: {address: \"[fd00::1]:7000\", listen: \"[fd00::2]:7000\"}\n"
		"keepalived: {instance: \"VI: \\\"SIP\\\" \\\\ #1\", address: \"fd00::3\"}\n"
		"transports: [{name: u, protocol: tcp, address: \"fd00::3\"}]\n"
		"domains: [{name: example.com, service_route: \"<sip:edge.example.com;lr>\"}]\n",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct lines lines = lost(texts[i]);
		if (lines.n > 0)
			fail_msg("text %zu: %s", i, lines.text);
	}
}

static void no_password_is_shown(void **state)
{
	(void)state;
	static const char text[] = STANDALONE
		"naps: [{name: a, proxy: p.net, address_to_register: sip:a@p.net, password: "
		"geheim}, {name: b}]\n";
	struct lines lines = lost(text);
	struct config *c = load_good(text);
	char *said = shown(c);

	assert_int_equal(lines.n, 1);
	assert_string_equal(lines.text, "naps[a].password: changed");
	assert_null(strstr(said, "geheim"));
	assert_non_null(strstr(said, "\n    password: (masked)\n"));
	free(said);
	config_free(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_shown_loads_as_the_same),
		cmocka_unit_test(no_password_is_shown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
