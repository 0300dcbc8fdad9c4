/* layer: io */
/* The journal of what became of a node: across restarts, full disks and lines that were cut. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "node/io/journal.h"
#include "tests/check.h"

struct desk {
	char dir[64];
	struct journal *journal;
};

static int sit(void **state)
{
	struct desk *d = calloc(1, sizeof *d);

	assert_non_null(d);
	(void)snprintf(d->dir, sizeof d->dir, "/tmp/regpair-journal-XXXXXX");
	assert_non_null(mkdtemp(d->dir));
	d->journal = journal_open(d->dir);
	*state = d;
	return 0;
}

static const char *path_of(const struct desk *d, const char *name)
{
	static char path[128];

	(void)snprintf(path, sizeof path, "%s/%s", d->dir, name);
	return path;
}

static int leave(void **state)
{
	struct desk *d = *state;

	journal_close(&d->journal);
	(void)unlink(path_of(d, "history"));
	(void)unlink(path_of(d, "history.old"));
	assert_int_equal(rmdir(d->dir), 0);
	free(d);
	return 0;
}

static bool add(struct desk *d, int number)
{
	char text[128];

	(void)snprintf(text, sizeof text, "3\t%d\trole\tstandby\ttaking-over\taddress", number);
	struct node_output o = {
		.kind = OUT_HISTORY, .pair = {1700000000000}, .bytes = slice_str(text)};
	return journal_add(d->journal, &o, 1800000000000);
}

/* A process that ended, however, and the next one. */
static void restart(struct desk *d)
{
	journal_close(&d->journal);
	d->journal = journal_open(d->dir);
}

static const char *text_of(struct desk *d, const char *name)
{
	static char text[128 * 1024];
	FILE *f = fopen(path_of(d, name), "re");

	text[0] = '\0';
	if (f == NULL)
		return text;
	text[fread(text, 1, sizeof text - 1, f)] = '\0';
	(void)fclose(f);
	return text;
}

static size_t lines_in(struct desk *d, const char *name)
{
	size_t n = 0;

	for (const char *p = text_of(d, name); (p = strchr(p, '\n')) != NULL; p++)
		n++;
	return n;
}

/* A13 */
static void a_line_is_there_once_it_was_added(void **state)
{
	struct desk *d = *state;

	assert_true(add(d, 41));
	assert_string_equal(text_of(d, "history"),
	                    "1800000000000\t1700000000000\t3\t41\trole\tstandby\ttaking-over\t"
	                    "address\n");
}

/* A13: the newest 500 are always there, and never more than twice as many. */
static void five_hundred_lines_survive_restarts_and_the_rest_goes(void **state)
{
	struct desk *d = *state;
	char last[16];

	for (int i = 1; i <= 1201; i++) {
		assert_true(add(d, i));
		if (i % 130 == 0)
			restart(d);
		(void)snprintf(last, sizeof last, "\t%d\trole", i);
		assert_non_null(strstr(text_of(d, "history"), last));
	}
	assert_int_equal(lines_in(d, "history.old"), JOURNAL_LINES);
	assert_int_equal(lines_in(d, "history"), 201);
	assert_non_null(strstr(text_of(d, "history.old"), "\t501\trole"));
	assert_non_null(strstr(text_of(d, "history"), "\t1001\trole"));
}

static void a_line_that_was_cut_spoils_no_other(void **state)
{
	struct desk *d = *state;

	assert_true(add(d, 1));
	assert_int_equal(truncate(path_of(d, "history"), 20), 0);
	restart(d);
	assert_true(add(d, 2));
	assert_string_equal(text_of(d, "history") + 20,
	                    "\n1800000000000\t1700000000000\t3\t2\trole\tstandby\ttaking-over\t"
	                    "address\n");
}

/* X08: whole or not at all. */
static void a_full_disk_leaves_no_half_of_a_line(void **state)
{
	struct desk *d = *state;
	struct rlimit unlimited, little;
	struct stat before, after;

	assert_true(add(d, 1));
	assert_int_equal(stat(path_of(d, "history"), &before), 0);
	(void)signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &unlimited), 0);
	little = unlimited;
	little.rlim_cur = (rlim_t)before.st_size + 10;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &little), 0);
	bool written = add(d, 2);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &unlimited), 0);
	assert_false(written);
	assert_int_equal(stat(path_of(d, "history"), &after), 0);
	assert_int_equal(after.st_size, before.st_size);
	assert_true(add(d, 3));
	assert_int_equal(lines_in(d, "history"), 2);
}

static void a_folder_that_is_gone_is_told(void **state)
{
	struct desk *d = *state;

	assert_int_equal(rmdir(d->dir), 0);
	assert_false(add(d, 1));
	assert_int_equal(mkdir(d->dir, 0700), 0);
	assert_true(add(d, 2));
}

#define AT_DESK(test) cmocka_unit_test_setup_teardown(test, sit, leave)

int main(void)
{
	const struct CMUnitTest tests[] = {
		AT_DESK(a_line_is_there_once_it_was_added),
		AT_DESK(five_hundred_lines_survive_restarts_and_the_rest_goes),
		AT_DESK(a_line_that_was_cut_spoils_no_other),
		AT_DESK(a_full_disk_leaves_no_half_of_a_line),
		AT_DESK(a_folder_that_is_gone_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
