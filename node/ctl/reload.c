/* `regpairctl reload`: the node reads its configuration again; what changed is shown. */
#include <stdio.h>

#include "node/ctl/client.h"
#include "node/ctl/print.h"

static void print_changes(const json_t *changes, bool done)
{
	json_t *change;
	size_t i;

	json_array_foreach(changes, i, change)
	{
		bool restart = json_is_true(json_object_get(change, "restart"));
		(void)printf("%s%s\n", json_string_value(json_object_get(change, "what")),
		             restart ? "   (wants a restart)" : "");
	}
	if (done)
		(void)printf("reloaded; changes: %zu\n", json_array_size(changes));
}

int ctl_reload(const struct ctl *ctl, int argc, char **argv)
{
	int code;

	if (argc > 1)
		return ctl_misused("reload", "unexpected argument: %s", argv[1]);
	json_t *result = client_ask_once(ctl, json_pack("{ss}", "command", "reload"), &code);
	if (result == NULL)
		return code;
	bool done = json_is_true(json_object_get(result, "reloaded"));
	if (ctl->json)
		print_json(result);
	else
		print_changes(json_object_get(result, "changes"), done);
	if (!done)
		ctl_complain("refused: %s", json_string_value(json_object_get(result, "why")));
	json_decref(result);
	return done ? CTL_DONE : CTL_FAILED;
}
