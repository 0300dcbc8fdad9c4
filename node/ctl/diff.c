/* `regpairctl diff`: do both nodes hold the same records? Compared at one entry of the log, by the active. */
#include <stdio.h>
#include <string.h>

#include "node/ctl/client.h"
#include "node/ctl/print.h"

static const struct column tables[] = {
	{"TABLE", "table", false},
	{"ACTIVE", "active_records", true},
	{"STANDBY", "standby_records", true},
	{"DIGEST ON THE ACTIVE", "active_digest", false},
	{"DIGEST ON THE STANDBY", "standby_digest", false},
};

static const struct column differences[] = {
	{"TABLE", "table", false},
	{"WHAT", "what", false},
	{"KEY", "key", false},
};

static void print_table(const struct ctl *ctl, const struct column *columns, size_t n,
                        const json_t *rows)
{
	struct printer p = print_begin(ctl, columns, n);

	print_rows(&p, rows);
	print_end(&p);
	(void)putchar('\n');
}

static bool is_cut(const json_t *rows)
{
	for (size_t i = 0; i < json_array_size(rows); i++)
		if (json_is_true(json_object_get(json_array_get(rows, i), "cut")))
			return true;
	return false;
}

static void print_all(const struct ctl *ctl, const json_t *result)
{
	const json_t *found = json_object_get(result, "differences");
	const json_t *compared = json_object_get(result, "tables");

	print_table(ctl, tables, ARRAY_LEN(tables), compared);
	if (json_array_size(found) > 0)
		print_table(ctl, differences, ARRAY_LEN(differences), found);
	(void)printf("%s at entry %lld of the log\n",
	             json_string_value(json_object_get(result, "text")),
	             (long long)json_integer_value(json_object_get(result, "seq")));
	if (is_cut(compared))
		(void)puts("too much differs to name all of it");
}

int ctl_diff(const struct ctl *ctl, int argc, char **argv)
{
	json_t *result;
	int code;

	if (argc > 1)
		return ctl_misused("diff", "unexpected argument: %s", argv[1]);
	result = client_ask_once(ctl, json_pack("{ss}", "command", "diff"), &code);
	if (result == NULL)
		return code == CTL_FAILED ? CTL_UNKNOWN : code;
	const char *text = json_string_value(json_object_get(result, "text"));
	bool equal = text != NULL && strcmp(text, "equal") == 0;
	if (ctl->json)
		print_json(result);
	else
		print_all(ctl, result);
	json_decref(result);
	return equal ? CTL_DONE : CTL_FAILED;
}
