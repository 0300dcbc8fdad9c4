/* tsv.h - reads a table of the shared vectors row by row: tab-separated, the first line names the columns.
 *
 * The folder is the environment variable SHARED_DATA; where it is unset the test is skipped. */
#ifndef TESTS_TSV_H
#define TESTS_TSV_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/slice.h"
#include "tests/check.h"

enum { TSV_FIELDS_MAX = 24, TSV_LINE_MAX = 4096 };

struct tsv {
	FILE *file;
	char line[TSV_LINE_MAX];
	struct slice fields[TSV_FIELDS_MAX]; /* of the current row; the missing ones are empty */
	size_t rows;                         /* read so far */
};

static inline bool tsv_next(struct tsv *t)
{
	char *rest = t->line;

	memset(t->fields, 0, sizeof t->fields);
	if (fgets(t->line, sizeof t->line, t->file) == NULL)
		return false;
	t->line[strcspn(t->line, "\r\n")] = '\0';
	for (size_t i = 0; i < TSV_FIELDS_MAX && rest != NULL; i++)
		t->fields[i] = slice_str(strsep(&rest, "\t"));
	t->rows++;
	return true;
}

static inline void tsv_open(struct tsv *t, const char *name)
{
	const char *folder = getenv("SHARED_DATA");
	char path[TSV_LINE_MAX];

	memset(t, 0, sizeof *t);
	if (folder == NULL || folder[0] == '\0') {
		print_message("%s: SHARED_DATA is not set\n", name);
		skip();
		return;
	}
	(void)snprintf(path, sizeof path, "%s/%s", folder, name);
	t->file = fopen(path, "r");
	assert_non_null(t->file);
	assert_true(tsv_next(t));
	t->rows = 0;
}

static inline void tsv_close(struct tsv *t)
{
	assert_int_equal(fclose(t->file), 0);
	t->file = NULL;
}

#endif
