/* layer: ctl */
#include <stdio.h>
#include <string.h>

#include "node/ctl/arguments.h"
#include "proto/base/defs.h"
#include "tests/check.h"

struct given {
	bool yes;
	const char *file, *word;
	long last;
};

enum { WORDS_MAX = 8 };

/* `line`, in words, behind the command's name. */
static bool read_line(const char *line, const char *wanted, struct given *to)
{
	static char words[256];
	char command[] = "list", *argv[WORDS_MAX + 1] = {command};
	int argc = 1;

	*to = (struct given){.last = 7};
	(void)snprintf(words, sizeof words, "%s", line);
	for (char *next = words, *word; argc < WORDS_MAX && (word = strsep(&next, " ")) != NULL;)
		if (*word != '\0')
			argv[argc++] = word;
	const struct ctl_option options[] = {
		{"yes", 'y', .flag = &to->yes},
		{"file", .text = &to->file},
		{"last", 'n', .number = &to->last, .least = 1, .most = 100},
	};
	const struct ctl_arguments a = {"list", .options = options, .n_options = ARRAY_LEN(options),
	                                .word = &to->word, .wanted = wanted};
	return ctl_arguments(&a, argc, argv);
}

static void options_and_the_word_go_where_they_belong_in_any_order(void **state)
{
	static const char *const lines[] = {"alice --yes --file f --last 9",
	                                    "-n 9 --file=f alice -y", "-yn9 --file f -- alice",
	                                    "--last=9 alice --file f -y"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		struct given g;
		assert_true(read_line(lines[i], "one is wanted", &g));
		assert_true(g.yes);
		assert_int_equal(g.last, 9);
		assert_string_equal(g.file, "f");
		assert_string_equal(g.word, "alice");
	}
}

static void what_is_not_given_stays_as_it_was(void **state)
{
	struct given g;

	(void)state;
	assert_true(read_line("", NULL, &g));
	assert_false(g.yes);
	assert_int_equal(g.last, 7);
	assert_null(g.file);
	assert_null(g.word);
}

static void wrong_usage_is_refused(void **state)
{
	static const char *const lines[] = {"alice --last 0", "alice --last 101", "alice --last 9x",
	                                    "alice --last",   "alice --file",     "alice --no-such",
	                                    "alice -q",       "alice bob",        "",
	                                    "alice --yes=1",  "alice --last -1"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		struct given g;
		assert_false(read_line(lines[i], "one is wanted", &g));
		assert_int_equal(g.last, 7);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_and_the_word_go_where_they_belong_in_any_order),
		cmocka_unit_test(what_is_not_given_stays_as_it_was),
		cmocka_unit_test(wrong_usage_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
