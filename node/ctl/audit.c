/* `regpairctl audit`: what operators did, newest last (node/io/audit.h). */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/ctl/arguments.h"
#include "node/ctl/print.h"
#include "node/io/config.h"

enum { PATH_SIZE = 512, LAST_DEFAULT = 50, LAST_MAX = 1000000, BLOCK_SIZE = 64 * 1024 };

static const struct column columns[] = {
	{"TIME", "time", false},        {"WHO", "who_text", false},
	{"FROM", "from_text", false},   {"ACT", "act", false},
	{"TARGET", "target", false},    {"BEFORE", "before_text", false},
	{"AFTER", "after_text", false}, {"RESULT", "result_text", false},
};

static const char *text_at(const json_t *row, const char *key)
{
	const char *text = json_string_value(json_object_get(row, key));

	return text != NULL ? text : "";
}

/* What stands in a field that is no text, for people. */
static void set_plain(json_t *row, const char *key, const char *from)
{
	json_t *value = json_object_get(row, from);
	char *text = value != NULL && !json_is_null(value)
	                     ? json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY)
	                     : NULL;

	(void)json_object_set_new(row, key, json_string(text != NULL ? text : "-"));
	free(text);
}

/* "root", or "olaf as root" where somebody else logged in. */
static json_t *who_of(const json_t *row)
{
	const char *user = text_at(row, "user"), *login = text_at(row, "login");

	if (*user == '\0')
		return json_string(*text_at(row, "by") != '\0' ? text_at(row, "by") : "?");
	if (*login == '\0' || strcmp(user, login) == 0)
		return json_string(user);
	return json_sprintf("%s as %s", login, user);
}

static json_t *from_of(const json_t *row)
{
	const char *from = text_at(row, "from"), *terminal = text_at(row, "terminal");

	if (*from != '\0')
		return json_string(from);
	return json_string(*terminal != '\0' ? terminal : "-");
}

/* "done", else why not. */
static json_t *result_of(const json_t *row)
{
	const char *result = text_at(row, "result"), *text = text_at(row, "text");

	if (strcmp(result, "refused") != 0 || *text == '\0')
		return json_string(result);
	return json_sprintf("refused: %s", text);
}

static void tell(json_t *rows)
{
	json_t *row;
	size_t i;

	json_array_foreach(rows, i, row)
	{
		bool changes = json_object_get(row, "changes") != NULL;
		(void)json_object_set_new(row, "who_text", who_of(row));
		(void)json_object_set_new(row, "from_text", from_of(row));
		set_plain(row, "before_text", "before");
		set_plain(row, "after_text", changes ? "changes" : "after");
		(void)json_object_set_new(row, "result_text", result_of(row));
	}
}

/* To where the last so many lines of the file begin: it may hold very many. False: it has fewer. */
static bool seek_last(FILE *file, size_t lines)
{
	char block[BLOCK_SIZE];
	long at = fseek(file, 0, SEEK_END) == 0 ? ftell(file) : 0;
	size_t ends = 0;

	while (at > 0) {
		size_t n = at < BLOCK_SIZE ? (size_t)at : BLOCK_SIZE;
		at -= (long)n;
		if (fseek(file, at, SEEK_SET) != 0 || fread(block, 1, n, file) != n)
			break;
		while (n-- > 0) {
			ends += block[n] == '\n';
			if (ends > lines) /* the first one is the file's end */
				return fseek(file, at + (long)n + 1, SEEK_SET) == 0;
		}
	}
	rewind(file);
	return false;
}

/* A line that was cut is passed over. */
static void read_rows(FILE *file, json_t *rows)
{
	char *line = NULL;
	size_t room = 0;
	ssize_t n;

	while ((n = getline(&line, &room, file)) > 0) {
		json_t *row = json_loadb(line, (size_t)n, 0, NULL);
		if (row != NULL)
			(void)json_array_append_new(rows, row);
	}
	free(line);
}

/* The last so many. False: the file is there and cannot be read. */
static bool read_file(const char *path, size_t last, json_t *rows)
{
	FILE *file = fopen(path, "re");
	bool more = true;

	if (file == NULL)
		return errno == ENOENT;
	for (size_t lines = last; more && json_array_size(rows) < last; lines *= 2) {
		(void)json_array_clear(rows);
		more = seek_last(file, lines);
		read_rows(file, rows);
	}
	while (json_array_size(rows) > last)
		(void)json_array_remove(rows, 0);
	(void)fclose(file);
	return true;
}

/* Also of the file that logrotate put beside it. NULL: it cannot be read. */
static json_t *read_both(const char *path, size_t last)
{
	char older[PATH_SIZE];
	json_t *rows = json_array(), *newer = json_array();

	(void)snprintf(older, sizeof older, "%s.1", path);
	bool read = read_file(path, last, newer);
	if (read && json_array_size(newer) < last)
		read = read_file(older, last - json_array_size(newer), rows);
	(void)json_array_extend(rows, newer);
	json_decref(newer);
	if (!read)
		json_decref(rows);
	return read ? rows : NULL;
}

static int print_audit(const struct ctl *ctl, const char *path, size_t last)
{
	struct printer printer = print_begin(ctl, columns, ARRAY_LEN(columns));
	json_t *rows = read_both(path, last);

	if (rows == NULL)
		return ctl_complain_file(path);
	if (!ctl->json)
		tell(rows);
	print_rows(&printer, rows);
	print_end(&printer);
	json_decref(rows);
	return CTL_DONE;
}

/* The file that the configuration names, or NULL and a complaint. */
static const char *configured(const char *path, struct config **config)
{
	*config =
		ctl_read_config(path, "The configuration names the audit log; or use --file FILE");
	if (*config != NULL && (*config)->audit_file == NULL)
		ctl_complain("%s names no audit_file: regpaird's log has the lines\n"
		             "journalctl -u regpaird -g audit=",
		             path);
	return *config != NULL ? (*config)->audit_file : NULL;
}

int ctl_audit(const struct ctl *ctl, int argc, char **argv)
{
	const char *file = NULL, *path = CTL_CONFIG;
	long last = LAST_DEFAULT;
	const struct ctl_option options[] = {{"last", 'n', .number = &last, .least = 1,
	                                      .most = LAST_MAX},
	                                     {"file", .text = &file},
	                                     {"config", .text = &path}};
	const struct ctl_arguments wanted = {"audit", .options = options,
	                                     .n_options = ARRAY_LEN(options)};
	struct config *config = NULL;
	int code = CTL_FAILED;

	if (!ctl_arguments(&wanted, argc, argv))
		return CTL_USAGE;
	if (file == NULL)
		file = configured(path, &config);
	if (file != NULL)
		code = print_audit(ctl, file, (size_t)last);
	config_free(&config);
	return code;
}
