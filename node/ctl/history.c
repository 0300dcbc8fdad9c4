/* `regpairctl history`: what became of the node, newest last (node/io/journal.h). */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/ctl/arguments.h"
#include "node/ctl/entries.h"
#include "node/ctl/lines.h"
#include "node/ctl/print.h"

enum { PATH_SIZE = 512, LINES_KEPT = 500 };

/* The fields of a line, in their order. */
enum { WALL, PAIR, EPOCH, SEQ, WHAT, FROM, TO, WHY, FIELDS };

static const struct column columns[] = {
	{"TIME", "time", false}, {"EPOCH", "epoch", true}, {"SEQ", "seq", true},
	{"WHAT", "what", false}, {"FROM", "from", false},  {"TO", "to", false},
	{"WHY", "why", false},
};

/* NULL: no such line, or one that was cut. */
static json_t *row_of(char *line)
{
	char *field[FIELDS];
	long long number[WHAT];

	if (!lines_split(line, field, FIELDS))
		return NULL;
	for (size_t i = 0; i < WHAT; i++)
		if (!lines_number(field[i], &number[i]))
			return NULL;
	return json_pack("{so sI sI sI sI ss ss ss ss}", "time",
	                 pair_time_text((struct pairtime){number[WALL]}), "wall_ms",
	                 (json_int_t)number[WALL], "pair_ms", (json_int_t)number[PAIR], "epoch",
	                 (json_int_t)number[EPOCH], "seq", (json_int_t)number[SEQ], "what",
	                 field[WHAT], "from", field[FROM], "to", field[TO], "why", field[WHY]);
}

/* A file that is not there has no lines. */
static bool read_file(const char *dir, const char *name, json_t *rows)
{
	char path[PATH_SIZE];
	char *line = NULL;
	size_t room = 0;

	(void)snprintf(path, sizeof path, "%s/%s", dir, name);
	FILE *file = fopen(path, "re");
	if (file == NULL && errno == ENOENT)
		return true;
	if (file == NULL) {
		(void)ctl_complain_file(path);
		return false;
	}
	while (getline(&line, &room, file) > 0) {
		json_t *row = row_of(line);
		if (row != NULL)
			(void)json_array_append_new(rows, row);
	}
	free(line);
	(void)fclose(file);
	return true;
}

static int print_history(const struct ctl *ctl, const char *dir, size_t last)
{
	struct printer printer = print_begin(ctl, columns, ARRAY_LEN(columns));
	json_t *rows = json_array();
	bool read = read_file(dir, "history.old", rows) && read_file(dir, "history", rows);

	while (json_array_size(rows) > last)
		(void)json_array_remove(rows, 0);
	if (read) {
		print_rows(&printer, rows);
		print_end(&printer);
	}
	json_decref(rows);
	return read ? CTL_DONE : CTL_FAILED;
}

int ctl_history(const struct ctl *ctl, int argc, char **argv)
{
	const char *store = NULL, *path = CTL_CONFIG;
	long last = LINES_KEPT;
	const struct ctl_option options[] = {{"last", 'n', .number = &last, .least = 1,
	                                      .most = LINES_KEPT},
	                                     {"store", .text = &store},
	                                     {"config", .text = &path}};
	const struct ctl_arguments wanted = {"history", .options = options,
	                                     .n_options = ARRAY_LEN(options)};
	struct config *config = NULL;
	int code = CTL_FAILED;

	if (!ctl_arguments(&wanted, argc, argv))
		return CTL_USAGE;
	const char *dir = lines_dir(store, path, &config);
	if (dir != NULL)
		code = print_history(ctl, dir, (size_t)last);
	config_free(&config);
	return code;
}
