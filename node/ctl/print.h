/* print.h - what a person or a script reads: tables whose columns only grow, and JSON arrays that
 * stream. */
#ifndef NODE_CTL_PRINT_H
#define NODE_CTL_PRINT_H

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>

#include "node/ctl/ctl.h"

enum { PRINT_COLUMNS_MAX = 12 };

struct column {
	const char *title;
	const char *key; /* in the row's object */
	bool right;      /* numbers */
};

/* A list of objects: a table, or one JSON array with an object per line. */
struct printer {
	bool json;
	const struct column *columns;
	size_t n_columns;
	int width[PRINT_COLUMNS_MAX];
	uint64_t rows;
	void (*prepare)(json_t *rows); /* of a page, for people; NULL: nothing to do */
};
struct printer print_begin(const struct ctl *ctl, const struct column *columns, size_t n_columns);
/* The rows of one page; columns are as wide as the widest so far. Control characters become `?`. */
void print_rows(struct printer *p, const json_t *rows);
void print_end(struct printer *p);

/* One value by itself. */
void print_json(const json_t *value);
/* 93784000 -> "1 d 2 h", 1500 -> "1.5 s" */
const char *print_duration(int64_t ms, char to[32]);

#endif
