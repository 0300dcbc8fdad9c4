/* layer: io */
#include <ctype.h>

#include <event2/buffer.h>

#include "node/io/metrics.h"
#include "tests/unit/figures_fake.h"

/* All that is printed of it, to be freed. */
static char *print(const struct loop *l)
{
	struct evbuffer *to = evbuffer_new();

	metrics_print(l, to);
	size_t n = evbuffer_get_length(to);
	char *text = calloc(1, n + 1);
	assert_int_equal(evbuffer_remove(to, text, n), n);
	evbuffer_free(to);
	return text;
}

static void expect_lines(const struct loop *l, const char *const *lines, size_t n)
{
	char *text = print(l);

	for (size_t i = 0; i < n; i++) {
		char line[512];
		(void)snprintf(line, sizeof line, "\n%s\n", lines[i]);
		if (strstr(text, line) == NULL)
			fail_msg("no line `%s` in:\n%s", lines[i], text);
	}
	free(text);
}

static void expect_none(const struct loop *l, const char *part)
{
	char *text = print(l);

	if (strstr(text, part) != NULL)
		fail_msg("`%s` is in:\n%s", part, text);
	free(text);
}

static void figures_come_in_the_units_and_names_of_prometheus(void **state)
{
	static const struct loop l = {.status = {.seq = UINT64_C(1) << 40,
	                                         .fault = true,
	                                         .role_since_ms = 65432,
	                                         .lag_ms = 7,
	                                         .latency_p99_us = 1234,
	                                         .last_takeover_time_s = 1750000000,
	                                         .clock_offset_ms = -1500,
	                                         .users_percent = 5,
	                                         .memory_bytes = 99,
	                                         .registered = 12}};
	static const char *const lines[] = {
		"# HELP regpair_seq newest entry of the log",
		"# TYPE regpair_seq gauge",
		"regpair_seq 1099511627776",
		"regpair_fault 1",
		"regpair_address_here 0",
		"regpair_role_since_seconds 65.432",
		"regpair_lag_seconds 0.007",
		"regpair_latency_p99_seconds 0.001234",
		"regpair_last_takeover_time_seconds 1750000000",
		"regpair_clock_offset_seconds -1.500",
		"regpair_users_ratio 0.05",
		"regpair_memory_bytes 99",
		"# TYPE regpair_registered_total counter",
		"regpair_registered_total 12",
	};

	(void)state;
	expect_lines(&l, lines, ARRAY_LEN(lines));
}

static void a_text_of_few_words_is_one_metric_a_word(void **state)
{
	static const struct loop l = {
		.status = {.role = "standby", .pair_state = "catching-up", .peer_role = "unknown"}};
	static const char *const lines[] = {
		"regpair_role{role=\"init\"} 0",
		"regpair_role{role=\"standby\"} 1",
		"regpair_role{role=\"active\"} 0",
		"regpair_role{role=\"out-of-service\"} 0",
		"regpair_pair_state{pair_state=\"catching-up\"} 1",
		"regpair_pair_state{pair_state=\"paired\"} 0",
		"regpair_peer_role{peer_role=\"active\"} 0",
	};

	(void)state;
	expect_lines(&l, lines, ARRAY_LEN(lines));
	expect_none(&l, "\"unknown\"");
}

/* What comes from outside can neither end a label nor make the scrape useless. */
static void any_other_text_is_a_label_while_it_says_something(void **state)
{
	static const struct loop silent = {.status = {.unit = "primary"}};
	static const struct loop loud = {.status = {.unit = "primary",
	                                            .digest = "0123456789abcdef",
	                                            .peer_refused = "a\"b\\c\nd\xff\xc3\xa9"}};
	static const char *const lines[] = {
		"regpair_unit_info{unit=\"primary\"} 1",
		"regpair_peer_refused_info{peer_refused=\"a\\\"b\\\\c d?\xc3\xa9\"} 1",
	};

	(void)state;
	expect_lines(&loud, lines, ARRAY_LEN(lines));
	expect_none(&silent, "peer_refused_info");
	expect_none(&loud, "digest_info"); /* another with each entry */
}

static void alarms_are_told_by_name_raised_or_not(void **state)
{
	static struct loop l;
	const char *const lines[] = {
		"regpair_alarm{name=\"out_of_service\",severity=\"critical\"} 0",
		"regpair_alarm{name=\"exposed\",severity=\"major\"} 1",
	};
	char *text;

	(void)state;
	for (size_t i = 0; i < alarm_count(); i++)
		l.alarms.at[i].raised = strcmp(alarm_rows()[i].name, "exposed") == 0;
	expect_lines(&l, lines, ARRAY_LEN(lines));
	text = print(&l);
	for (size_t i = 0; i < alarm_count(); i++) {
		char label[512];
		(void)snprintf(label, sizeof label, "name=\"%s\",meaning=\"%s\",remedy=\"%s\"}",
		               alarm_rows()[i].name, alarm_rows()[i].meaning,
		               alarm_rows()[i].remedy);
		if (strstr(text, label) == NULL)
			fail_msg("no %s", label);
	}
	free(text);
}

static void domains_are_told_by_name(void **state)
{
	static const struct domain_view domains[] = {
		{.name = {SLICE_OF("example.com")}, .users = 7, .bindings = 9, .max_users = 100},
		{.name = {SLICE_OF("example.net")}},
	};
	static const struct loop l = {.domains = domains, .n_domains = ARRAY_LEN(domains)};
	static const char *const lines[] = {
		"regpair_domain_users{domain=\"example.com\"} 7",
		"regpair_domain_users{domain=\"example.net\"} 0",
		"regpair_domain_bindings{domain=\"example.com\"} 9",
		"regpair_domain_max_users{domain=\"example.com\"} 100",
	};

	(void)state;
	expect_lines(&l, lines, ARRAY_LEN(lines));
}

static void naps_are_told_by_name(void **state)
{
	static const struct nap_view naps[] = {
		{.name = {SLICE_OF("carrier-a")},
	         .register_to_proxy = true,
	         .registered = true,
	         .is_available = true,
	         .phase = NAP_REGISTERED,
	         .since_ms = 61001,
	         .granted_s = 1800,
	         .last_status = 200},
		{.name = {SLICE_OF("only \"polled\"")}, .phase = NAP_IDLE},
	};
	static const struct loop l = {.naps = naps, .n_naps = ARRAY_LEN(naps)};
	static const char *const lines[] = {
		"regpair_nap_registered{nap=\"carrier-a\"} 1",
		"regpair_nap_available{nap=\"carrier-a\"} 1",
		"regpair_nap_available{nap=\"only \\\"polled\\\"\"} 0",
		"regpair_nap_phase{nap=\"carrier-a\",phase=\"registered\"} 1",
		"regpair_nap_phase{nap=\"only \\\"polled\\\"\",phase=\"idle\"} 1",
		"regpair_nap_phase_since_seconds{nap=\"carrier-a\"} 61.001",
		"regpair_nap_granted_seconds{nap=\"carrier-a\"} 1800",
		"regpair_nap_last_status{nap=\"carrier-a\"} 200",
		"regpair_nap_attempts{nap=\"carrier-a\"} 0",
	};

	(void)state;
	expect_lines(&l, lines, ARRAY_LEN(lines));
	expect_none(&l, "regpair_nap_registered{nap=\"only");  /* it is not to be */
	expect_none(&l, "regpair_nap_last_status{nap=\"only"); /* nobody answered */
}

/* The family that a line belongs to. */
static void family_of(const char *line, char to[128])
{
	static const char help[] = "# HELP ", type[] = "# TYPE ";
	size_t n = 0;

	if (strncmp(line, help, strlen(help)) == 0 || strncmp(line, type, strlen(type)) == 0)
		line += strlen(help);
	while (isalnum((unsigned char)line[n]) || line[n] == '_')
		n++;
	assert_in_range(n, 1, 127);
	(void)snprintf(to, 128, "%.*s", (int)n, line);
}

/* The format wants the lines of a family in one piece: HELP, TYPE, samples. */
static void every_family_stands_in_one_piece(void **state)
{
	enum { FAMILIES_MAX = 300 };
	static const struct nap_view naps[3] = {{.register_to_proxy = true, .phase = NAP_WAITING}};
	static const struct loop l = {.naps = naps, .n_naps = 3};
	static char seen[FAMILIES_MAX][128];
	char *text = print(&l), *rest = text;
	size_t n = 0, wanting = 0;

	(void)state;
	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		char family[128];
		family_of(line, family);
		if (n > 0 && strcmp(seen[n - 1], family) == 0)
			continue;
		for (size_t i = 0; i < n; i++)
			assert_string_not_equal(seen[i], family);
		wanting += strncmp(line, "# HELP ", 7) != 0;
		assert_in_range(n, 0, FAMILIES_MAX - 1);
		(void)snprintf(seen[n++], sizeof seen[0], "%s", family);
	}
	assert_int_equal(wanting, 0);
	free(text);
}

/* Nothing is left out but a text that says nothing, and the digest. */
static void every_figure_of_the_table_is_printed(void **state)
{
	static struct loop l;
	char *text;

	(void)state;
	for (size_t i = 0; i < status_field_count(); i++)
		if (status_fields()[i].type == STATUS_IS_TEXT)
			memcpy((char *)&l.status + status_fields()[i].offset, "x", 2);
	text = print(&l);
	assert_non_null(strstr(text, "\nregpair_build_info{version=\""));
	for (size_t i = 0; i < status_field_count(); i++) {
		const struct status_field *f = &status_fields()[i];
		char help[256];
		(void)snprintf(help, sizeof help, " %s\n", f->help);
		if (strstr(text, help) == NULL && strcmp(f->name, "digest") != 0)
			fail_msg("%s is missing", f->name);
	}
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(figures_come_in_the_units_and_names_of_prometheus),
		cmocka_unit_test(a_text_of_few_words_is_one_metric_a_word),
		cmocka_unit_test(any_other_text_is_a_label_while_it_says_something),
		cmocka_unit_test(alarms_are_told_by_name_raised_or_not),
		cmocka_unit_test(domains_are_told_by_name),
		cmocka_unit_test(naps_are_told_by_name),
		cmocka_unit_test(every_family_stands_in_one_piece),
		cmocka_unit_test(every_figure_of_the_table_is_printed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
