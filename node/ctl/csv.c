#include "node/ctl/csv.h"

#include <string.h>

/* Reads the quoted field at `at` and writes it to where it stood; the character behind it, or NULL. */
static char *unquote(char *at)
{
	char *to = at;

	for (char *from = at + 1; *from != '\0'; from++) {
		if (*from != '"') {
			*to++ = *from;
		} else if (from[1] == '"') {
			*to++ = *from++;
		} else {
			char *behind = from + 1;
			*to = '\0'; /* at the closing quote or before it */
			return behind;
		}
	}
	return NULL;
}

bool csv_split(char *line, struct csv_line *out)
{
	char *at = line;

	line[strcspn(line, "\r\n")] = '\0';
	for (out->n = 0; out->n < CSV_FIELDS_MAX;) {
		out->field[out->n++] = at;
		char *end = *at == '"' ? unquote(at) : at + strcspn(at, ",");
		if (end == NULL || (*end != ',' && *end != '\0'))
			return false;
		if (*end == '\0')
			return true;
		*end = '\0';
		at = end + 1;
	}
	return false;
}
