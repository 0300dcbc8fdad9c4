/* layer: io */
#include <stdlib.h>
#include <unistd.h>

#include "node/io/log.h"
#include "tests/check.h"

struct tap {
	int read_fd;
	struct log log;
};

static struct tap tap_open(enum log_level level, bool journal)
{
	int fds[2];

	assert_int_equal(pipe(fds), 0);
	return (struct tap){fds[0], {.level = level, .fd = fds[1], .journal = journal}};
}

/* All that was logged; closes the tap. */
static const char *tap_close(struct tap *tap, char *to, size_t room)
{
	assert_int_equal(close(tap->log.fd), 0);
	ssize_t n = read(tap->read_fd, to, room - 1);
	assert_true(n >= 0);
	to[n] = '\0';
	assert_int_equal(close(tap->read_fd), 0);
	return to;
}

static void under_the_journal_a_line_begins_with_its_priority(void **state)
{
	(void)state;
	struct tap tap = tap_open(LOG_DEBUG, true);
	char text[4096];

	log_line(&tap.log, LOG_ERROR, "a=%d", 1);
	log_line(&tap.log, LOG_WARN, "b=2");
	log_line(&tap.log, LOG_NOTICE, "role=%s->%s", "standby", "active");
	log_line(&tap.log, LOG_INFO, "c=3");
	log_line(&tap.log, LOG_DEBUG, "d=4");
	assert_string_equal(tap_close(&tap, text, sizeof text),
	                    "<3>level=error a=1\n"
	                    "<4>level=warn b=2\n"
	                    "<5>level=notice role=standby->active\n"
	                    "<6>level=info c=3\n"
	                    "<7>level=debug d=4\n");
}

static void elsewhere_a_line_begins_with_the_wall_time(void **state)
{
	(void)state;
	static const char shape[] = "dddd-dd-ddTdd:dd:dd.dddZ level=notice x=1\n";
	struct tap tap = tap_open(LOG_NOTICE, false);
	char text[256];

	log_line(&tap.log, LOG_NOTICE, "x=1");
	(void)tap_close(&tap, text, sizeof text);
	assert_int_equal(strlen(text), strlen(shape));
	for (size_t i = 0; i < 25; i++) {
		bool digit = text[i] >= '0' && text[i] <= '9';

		assert_true(shape[i] == 'd' ? digit : text[i] == shape[i]);
	}
	assert_string_equal(text + 25, shape + 25);
}

static void lines_below_the_level_are_not_written(void **state)
{
	(void)state;
	struct tap tap = tap_open(LOG_WARN, true);
	char text[256];

	log_line(&tap.log, LOG_NOTICE, "hidden=1");
	log_line(&tap.log, LOG_WARN, "shown=1");
	assert_string_equal(tap_close(&tap, text, sizeof text), "<4>level=warn shown=1\n");
}

static void nobody_can_forge_a_line(void **state)
{
	(void)state;
	struct tap tap = tap_open(LOG_NOTICE, true);
	char text[256];

	log_line(&tap.log, LOG_NOTICE, "aor=%s", "x\n<0>level=error forged\x1b[0m");
	assert_string_equal(tap_close(&tap, text, sizeof text),
	                    "<5>level=notice aor=x?<0>level=error forged?[0m\n");
}

static void a_long_line_is_cut_and_says_so(void **state)
{
	(void)state;
	struct tap tap = tap_open(LOG_NOTICE, true);
	char value[LOG_LINE_MAX + 100];
	char text[2 * LOG_LINE_MAX];

	memset(value, 'x', sizeof value);
	value[sizeof value - 1] = '\0';
	log_line(&tap.log, LOG_NOTICE, "v=%s", value);
	(void)tap_close(&tap, text, sizeof text);
	assert_int_equal(strlen(text), LOG_LINE_MAX);
	assert_string_equal(text + LOG_LINE_MAX - 6, "xx...\n");
}

static void a_place_that_packets_drive_is_limited_and_counts_what_it_kept_back(void **state)
{
	(void)state;
	struct tap tap = tap_open(LOG_NOTICE, true);
	struct log_rate rate = {.suppressed = 0};
	char text[4096];
	int lines = 0;

	for (int i = 0; i < 100; i++)
		assert_int_equal(log_rated(&tap.log, &rate, (struct mtime){5000}, LOG_WARN,
		                           "bad=1"),
		                 i < LOG_RATE_BURST);
	assert_int_equal(rate.suppressed, 100 - LOG_RATE_BURST);
	log_rated(&tap.log, &rate, (struct mtime){5000 + LOG_RATE_REFILL_MS}, LOG_WARN, "bad=2");
	log_rated(&tap.log, &rate, (struct mtime){5000 + LOG_RATE_REFILL_MS}, LOG_WARN, "bad=3");
	(void)tap_close(&tap, text, sizeof text);
	for (const char *c = text; *c != '\0'; c++)
		lines += *c == '\n';
	assert_int_equal(lines, LOG_RATE_BURST + 1);
	assert_non_null(strstr(text, "<4>level=warn bad=2 suppressed=90\n"));
	assert_int_equal(rate.suppressed, 1);
}

static void values_with_spaces_are_quoted(void **state)
{
	(void)state;
	static const struct {
		struct slice value;
		const char *wanted;
	} rows[] = {
		{{SLICE_OF("plain")}, "plain"},
		{{SLICE_OF("sip:a@b;x")}, "sip:a@b;x"},
		{{SLICE_OF("")}, "\"\""},
		{{SLICE_OF("two words")}, "\"two words\""},
		{{SLICE_OF("a=b")}, "\"a=b\""},
		{{SLICE_OF("say \"hi\" \\")}, "\"say \\\"hi\\\" \\\\\""},
		{{SLICE_OF("line\r\nfeed\xff")}, "\"line??feed?\""},
	};
	char to[LOG_QUOTED_MAX];
	uint8_t longer[2 * LOG_QUOTED_MAX];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_string_equal(log_quote(rows[i].value, to), rows[i].wanted);
	memset(longer, '"', sizeof longer);
	(void)log_quote((struct slice){longer, sizeof longer}, to);
	assert_true(strlen(to) < LOG_QUOTED_MAX);
	assert_int_equal(to[strlen(to) - 1], '"');
}

static void the_environment_decides_the_form(void **state)
{
	(void)state;
	assert_int_equal(unsetenv("JOURNAL_STREAM"), 0);
	assert_false(log_to_stderr(LOG_INFO).journal);
	assert_int_equal(setenv("JOURNAL_STREAM", "8:1", 1), 0);
	assert_true(log_to_stderr(LOG_INFO).journal);
	assert_int_equal(unsetenv("JOURNAL_STREAM"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(under_the_journal_a_line_begins_with_its_priority),
		cmocka_unit_test(elsewhere_a_line_begins_with_the_wall_time),
		cmocka_unit_test(lines_below_the_level_are_not_written),
		cmocka_unit_test(nobody_can_forge_a_line),
		cmocka_unit_test(a_long_line_is_cut_and_says_so),
		cmocka_unit_test(
			a_place_that_packets_drive_is_limited_and_counts_what_it_kept_back),
		cmocka_unit_test(values_with_spaces_are_quoted),
		cmocka_unit_test(the_environment_decides_the_form),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
