/* `regpairctl audit`: what operators did, newest last (node/io/audit.h). */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/ctl/print.h"
#include "node/io/config.h"

enum { PATH_SIZE = 512, LAST_DEFAULT = 50, LAST_MAX = 1000000 };

static const struct column columns[] = {
	{"TIME", "time", false},        {"WHO", "who_text", false},
	{"FROM", "from_text", false},   {"ACT", "act", false},
	{"TARGET", "target", false},    {"BEFORE", "before_text", false},
	{"AFTER", "after_text", false}, {"RESULT", "result_text", false},
};

struct audit_plan {
	const char *file, *config;
	long last;
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

/* A line that was cut is passed over. False: the file is there and cannot be read. */
static bool read_file(const char *path, size_t last, json_t *rows)
{
	char *line = NULL;
	size_t room = 0;
	ssize_t n;
	FILE *file = fopen(path, "re");

	if (file == NULL)
		return errno == ENOENT;
	while ((n = getline(&line, &room, file)) > 0) {
		json_t *row = json_loadb(line, (size_t)n, 0, NULL);
		if (row == NULL)
			continue;
		(void)json_array_append_new(rows, row);
		if (json_array_size(rows) > last)
			(void)json_array_remove(rows, 0);
	}
	free(line);
	(void)fclose(file);
	return true;
}

/* And the one that logrotate put beside it. */
static int print_audit(const struct ctl *ctl, const char *path, size_t last)
{
	struct printer printer = print_begin(ctl, columns, ARRAY_LEN(columns));
	char older[PATH_SIZE];
	json_t *rows = json_array();

	(void)snprintf(older, sizeof older, "%s.1", path);
	bool read = read_file(older, last, rows) && read_file(path, last, rows);
	if (read && !ctl->json)
		tell(rows);
	if (read) {
		print_rows(&printer, rows);
		print_end(&printer);
	} else {
		ctl_complain(
			"%s: %s\nThe audit log is for root and the group of regpaird: try sudo",
			path, strerror(errno));
	}
	json_decref(rows);
	return read ? CTL_DONE : CTL_FAILED;
}

static bool read_arguments(int argc, char **argv, struct audit_plan *plan)
{
	static const struct option options[] = {{"last", required_argument, NULL, 'n'},
	                                        {"file", required_argument, NULL, 'f'},
	                                        {"config", required_argument, NULL, 'c'},
	                                        {NULL, 0, NULL, 0}};
	int option;

	optind = 0;
	while ((option = getopt_long(argc, argv, "n:", options, NULL)) != -1) {
		if (option == 'n')
			plan->last = ctl_number("--last", optarg, 1, LAST_MAX);
		else if (option == 'f')
			plan->file = optarg;
		else if (option == 'c')
			plan->config = optarg;
		else
			(void)ctl_misused("audit", "wrong usage");
		if (plan->last < 0 || option == '?')
			return false;
	}
	if (optind < argc)
		(void)ctl_misused("audit", "unexpected argument: %s", argv[optind]);
	return optind >= argc;
}

/* The file that is meant, or NULL and a complaint. */
static const char *file_of(const struct audit_plan *plan, struct config **config)
{
	if (plan->file != NULL)
		return plan->file;
	*config = ctl_read_config(plan->config,
	                          "The configuration names the audit log; or use --file FILE");
	if (*config != NULL && (*config)->audit_file == NULL)
		ctl_complain("%s names no audit_file: regpaird's log has the lines\n"
		             "journalctl -u regpaird -g audit=",
		             plan->config);
	return *config != NULL ? (*config)->audit_file : NULL;
}

int ctl_audit(const struct ctl *ctl, int argc, char **argv)
{
	struct audit_plan plan = {.config = CTL_CONFIG, .last = LAST_DEFAULT};
	struct config *config = NULL;
	int code = CTL_FAILED;

	if (!read_arguments(argc, argv, &plan))
		return CTL_USAGE;
	const char *file = file_of(&plan, &config);
	if (file != NULL)
		code = print_audit(ctl, file, (size_t)plan.last);
	config_free(&config);
	return code;
}
