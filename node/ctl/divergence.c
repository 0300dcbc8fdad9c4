/* `regpairctl divergence`: what merges did, a line a key that differed (node/io/divergence.h). */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/ctl/arguments.h"
#include "node/ctl/entries.h"
#include "node/ctl/lines.h"
#include "node/ctl/print.h"

enum { FIELDS = 4, ROWS_TOGETHER = 500, PATH_SIZE = 512 };

static const struct column columns[] = {
	{"PAIR TIME", "time", false},
	{"TABLE", "table", false},
	{"KEPT", "kept", false},
	{"KEY", "key", false},
};

/* PAIR-MS TAB TABLE TAB OUTCOME TAB KEY; NULL: the line is cut or no such line. */
static json_t *row_of(char *line)
{
	char *field[FIELDS];
	long long ms;

	if (!lines_split(line, field, FIELDS) || !lines_number(field[0], &ms))
		return NULL;
	return json_pack("{so sI ss ss ss%}", "time", pair_time_text((struct pairtime){ms}),
	                 "pair_ms", (json_int_t)ms, "table", field[1], "kept", field[2], "key",
	                 field[3], strlen(field[3]));
}

static void print_lines(FILE *file, struct printer *printer)
{
	json_t *rows = json_array();
	char *line = NULL;
	size_t room = 0;

	while (getline(&line, &room, file) > 0) {
		json_t *row = row_of(line);
		if (row != NULL)
			(void)json_array_append_new(rows, row);
		if (json_array_size(rows) < ROWS_TOGETHER)
			continue;
		print_rows(printer, rows);
		(void)json_array_clear(rows);
	}
	print_rows(printer, rows);
	json_decref(rows);
	free(line);
}

static int print_report(const struct ctl *ctl, const char *dir)
{
	struct printer printer = print_begin(ctl, columns, ARRAY_LEN(columns));
	char path[PATH_SIZE];

	(void)snprintf(path, sizeof path, "%s/divergence", dir);
	FILE *file = fopen(path, "re");
	if (file == NULL && errno != ENOENT)
		return ctl_complain_file(path);
	if (file != NULL) {
		print_lines(file, &printer);
		(void)fclose(file);
	}
	print_end(&printer);
	return CTL_DONE;
}

int ctl_divergence(const struct ctl *ctl, int argc, char **argv)
{
	const char *store = NULL, *path = CTL_CONFIG;
	const struct ctl_option options[] = {{"store", .text = &store}, {"config", .text = &path}};
	const struct ctl_arguments wanted = {"divergence", .options = options,
	                                     .n_options = ARRAY_LEN(options)};
	struct config *config = NULL;
	int code = CTL_FAILED;

	if (!ctl_arguments(&wanted, argc, argv))
		return CTL_USAGE;
	const char *dir = lines_dir(store, path, &config);
	if (dir != NULL)
		code = print_report(ctl, dir);
	config_free(&config);
	return code;
}
