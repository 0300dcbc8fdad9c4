#include "node/ctl/keepalived_file.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

struct reader {
	struct keepalived_file file;
	char where[KEEPALIVED_TEXT_MAX];
	char text[KEEPALIVED_TEXT_MAX];
	size_t n; /* of text */
};

static void put(struct reader *r, int c)
{
	bool space = isspace(c) != 0;
	unsigned char byte = (unsigned char)(space ? ' ' : c);

	if (r->n + 1 >= sizeof r->text || (space && (r->n == 0 || r->text[r->n - 1] == ' ')))
		return;
	memcpy(r->text + r->n++, &byte, 1);
	r->text[r->n] = '\0';
}

static void trim(struct reader *r)
{
	while (r->n > 0 && r->text[r->n - 1] == ' ')
		r->text[--r->n] = '\0';
}

static void add(struct reader *r)
{
	struct keepalived_file *f = &r->file;

	f->statements = reallocarray(f->statements, f->n + 1, sizeof *f->statements);
	if (f->statements == NULL)
		abort();
	memcpy(f->statements[f->n].where, r->where, sizeof r->where);
	memcpy(f->statements[f->n].text, r->text, sizeof r->text);
	f->n++;
	r->n = 0;
	r->text[0] = '\0';
}

static void end_statement(struct reader *r)
{
	trim(r);
	if (r->n > 0)
		add(r);
}

/* The block's name stands before the brace or was the statement of the line above. */
static void enter(struct reader *r)
{
	struct keepalived_file *f = &r->file;
	size_t n = strlen(r->where);

	trim(r);
	if (r->n == 0 && f->n > 0 && strcmp(f->statements[f->n - 1].where, r->where) == 0)
		memcpy(r->text, f->statements[--f->n].text, sizeof r->text);
	(void)snprintf(r->where + n, sizeof r->where - n, "%s%s", n > 0 ? "/" : "", r->text);
	r->text[0] = '\0';
	add(r); /* an empty statement: the block is there, whatever it holds */
}

static void leave(struct reader *r)
{
	char *slash = strrchr(r->where, '/');

	end_statement(r);
	*(slash != NULL ? slash : r->where) = '\0';
}

static void skip_line(FILE *from)
{
	int c = getc(from);

	while (c != '\n' && c != EOF)
		c = getc(from);
	(void)ungetc(c, from);
}

static void take_quoted(struct reader *r, FILE *from, int quote)
{
	int c;

	while ((c = getc(from)) != EOF && c != quote && c != '\n')
		put(r, c);
}

static void take_character(struct reader *r, FILE *from, int c)
{
	switch (c) {
	case '#':
	case '!':
		skip_line(from);
		break;
	case '"':
	case '\'':
		take_quoted(r, from, c);
		break;
	case '{':
		enter(r);
		break;
	case '}':
		leave(r);
		break;
	case '\n':
		end_statement(r);
		break;
	default:
		put(r, c);
		break;
	}
}

struct keepalived_file keepalived_read(FILE *from)
{
	struct reader r = {.n = 0};
	int c;

	while ((c = getc(from)) != EOF)
		take_character(&r, from, c);
	end_statement(&r);
	return r.file;
}

void keepalived_free(struct keepalived_file *f)
{
	free(f->statements);
	*f = (struct keepalived_file){NULL, 0};
}

bool keepalived_has_block(const struct keepalived_file *f, const char *where)
{
	for (size_t i = 0; i < f->n; i++)
		if (strcmp(f->statements[i].where, where) == 0)
			return true;
	return false;
}

const char *keepalived_value(const struct keepalived_file *f, const char *where, const char *word)
{
	size_t n = strlen(word);

	for (size_t i = 0; i < f->n; i++) {
		const struct keepalived_statement *s = &f->statements[i];
		if (strcmp(s->where, where) != 0 || strncmp(s->text, word, n) != 0)
			continue;
		if (s->text[n] == '\0')
			return "";
		if (s->text[n] == ' ')
			return s->text + n + 1;
	}
	return NULL;
}

const char *keepalived_block_with(const struct keepalived_file *f, const char *kind,
                                  const char *statement)
{
	size_t n = strlen(kind);

	for (size_t i = 0; i < f->n; i++) {
		const struct keepalived_statement *s = &f->statements[i];
		if (strncmp(s->where, kind, n) == 0 && s->where[n] == ' ' &&
		    strcmp(s->text, statement) == 0)
			return s->where;
	}
	return NULL;
}
