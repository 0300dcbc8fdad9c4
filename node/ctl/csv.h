/* csv.h - one line of comma-separated values (RFC 4180, without line breaks in quotes). */
#ifndef NODE_CTL_CSV_H
#define NODE_CTL_CSV_H

#include <stdbool.h>
#include <stddef.h>

enum { CSV_FIELDS_MAX = 8 };

struct csv_line {
	char *field[CSV_FIELDS_MAX]; /* into the line, unquoted, NUL-terminated */
	size_t n;
};

/* Splits the line in place; its end (LF or CR LF) is taken off. False: a quote is not closed or
 * stands in the middle, or there are too many fields. A blank line has one empty field. */
bool csv_split(char *line, struct csv_line *out);

#endif
