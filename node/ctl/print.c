#include "node/ctl/print.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { CELL_MAX = 512 };

/* What came over the network must not drive a terminal. */
static void clean(char *text)
{
	for (; *text != '\0'; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			*text = '?';
}

static const char *cell(const json_t *row, const char *key, char to[CELL_MAX])
{
	const json_t *value = json_object_get(row, key);

	to[0] = '\0';
	if (json_is_string(value))
		(void)snprintf(to, CELL_MAX, "%s", json_string_value(value));
	else if (json_is_integer(value))
		(void)snprintf(to, CELL_MAX, "%lld", (long long)json_integer_value(value));
	else if (json_is_real(value))
		(void)snprintf(to, CELL_MAX, "%g", json_real_value(value));
	if (to[0] == '\0')
		(void)snprintf(to, CELL_MAX, "-");
	clean(to);
	return to;
}

struct printer print_begin(const struct ctl *ctl, const struct column *columns, size_t n_columns)
{
	assert(n_columns <= PRINT_COLUMNS_MAX);
	struct printer p = {.json = ctl->json, .columns = columns, .n_columns = n_columns};

	for (size_t i = 0; i < n_columns; i++)
		p.width[i] = (int)strlen(columns[i].title);
	return p;
}

static void put(const struct printer *p, size_t column, const char *text)
{
	bool last = column + 1 == p->n_columns;

	if (p->columns[column].right)
		(void)printf("%*s%s", p->width[column], text, last ? "\n" : "  ");
	else if (last)
		(void)printf("%s\n", text);
	else
		(void)printf("%-*s  ", p->width[column], text);
}

static void print_row(const struct printer *p, const json_t *row)
{
	char text[CELL_MAX];

	for (size_t i = 0; i < p->n_columns; i++)
		put(p, i, cell(row, p->columns[i].key, text));
}

static void widen(struct printer *p, const json_t *rows)
{
	char text[CELL_MAX];

	for (size_t r = 0; r < json_array_size(rows); r++) {
		for (size_t i = 0; i < p->n_columns; i++) {
			const json_t *row = json_array_get(rows, r);
			int n = (int)strlen(cell(row, p->columns[i].key, text));
			if (n > p->width[i])
				p->width[i] = n;
		}
	}
}

static void print_object(struct printer *p, const json_t *row)
{
	char *text = json_dumps(row, JSON_COMPACT | JSON_REAL_PRECISION(6));

	if (text == NULL)
		abort();
	(void)printf("%s%s", p->rows == 0 ? "[" : ",\n ", text);
	free(text);
}

void print_rows(struct printer *p, const json_t *rows)
{
	if (!p->json)
		widen(p, rows);
	for (size_t r = 0; r < json_array_size(rows); r++) {
		if (p->json)
			print_object(p, json_array_get(rows, r));
		else if (p->rows == 0)
			for (size_t i = 0; i < p->n_columns; i++)
				put(p, i, p->columns[i].title);
		if (!p->json)
			print_row(p, json_array_get(rows, r));
		p->rows++;
	}
}

void print_end(struct printer *p)
{
	if (p->json)
		(void)puts(p->rows == 0 ? "[]" : "]");
	else if (p->rows == 0)
		(void)puts("(none)");
}

void print_json(const json_t *value)
{
	char *text = json_dumps(value, JSON_INDENT(1) | JSON_REAL_PRECISION(6));

	if (text == NULL)
		abort();
	(void)puts(text);
	free(text);
}

const char *print_duration(int64_t ms, char to[32])
{
	long long s = (long long)ms / 1000;

	if (ms < 0)
		(void)snprintf(to, 32, "-%lld.%03d s", -s, (int)(-ms % 1000));
	else if (ms < 1000)
		(void)snprintf(to, 32, "%lld ms", (long long)ms);
	else if (s < 60)
		(void)snprintf(to, 32, "%lld.%d s", s, (int)(ms % 1000 / 100));
	else if (s < 3600)
		(void)snprintf(to, 32, "%lld min %lld s", s / 60, s % 60);
	else if (s < 86400)
		(void)snprintf(to, 32, "%lld h %lld min", s / 3600, s % 3600 / 60);
	else
		(void)snprintf(to, 32, "%lld d %lld h", s / 86400, s % 86400 / 3600);
	return to;
}
