/* `regpairctl secret list|rotate`: the pair's secrets, never what they are. */
#include <stdio.h>

#include "node/ctl/entries.h"
#include "node/ctl/list.h"

/* The node tells a time of the pair; people read it as text. */
static void tell_times(const json_t *rows)
{
	json_t *row;
	size_t i;

	json_array_foreach(rows, i, row)
	{
		struct pairtime t = {json_integer_value(json_object_get(row, "created_ms"))};
		(void)json_object_set_new(row, "created", pair_time_text(t));
	}
}

int ctl_secret_list(const struct ctl *ctl, int argc, char **argv)
{
	static const struct column columns[] = {{"SECRET", "id", false},
	                                        {"CREATED", "created", false}};
	struct printer p = print_begin(ctl, columns, ARRAY_LEN(columns));
	int code;

	if (argc > 1)
		return ctl_misused("secret list", "unexpected argument: %s", argv[1]);
	json_t *result = client_ask_once(ctl, json_pack("{ss}", "command", "secrets"), &code);
	if (result == NULL)
		return code;
	tell_times(json_object_get(result, "secrets"));
	print_rows(&p, json_object_get(result, "secrets"));
	print_end(&p);
	json_decref(result);
	return code;
}

int ctl_secret_rotate(const struct ctl *ctl, int argc, char **argv)
{
	int code;

	if (argc > 1)
		return ctl_misused("secret rotate", "unexpected argument: %s", argv[1]);
	json_t *result = client_ask_once(ctl, json_pack("{ss}", "command", "secret-rotate"), &code);
	if (result != NULL && ctl->json)
		print_json(result);
	else if (result != NULL)
		(void)printf("a new secret is in use\n");
	json_decref(result);
	return code;
}
