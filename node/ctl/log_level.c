/* `regpairctl log-level`: what the node's log holds, for as long as somebody looks. */
#include <stdio.h>
#include <string.h>

#include "node/ctl/client.h"
#include "node/ctl/print.h"

static void tell(const json_t *result)
{
	const char *level = json_string_value(json_object_get(result, "level"));
	const char *configured = json_string_value(json_object_get(result, "configured"));

	if (level == NULL || configured == NULL)
		return;
	if (strcmp(level, configured) == 0)
		(void)printf("%s, as configured\n", level);
	else
		(void)printf("%s, until the next reload or restart (configured: %s)\n", level,
		             configured);
}

int ctl_log_level(const struct ctl *ctl, int argc, char **argv)
{
	json_t *request = json_pack("{ss}", "command", "log-level");
	json_t *result;
	int code;

	if (argc > 2) {
		json_decref(request);
		return ctl_misused("log-level", "unexpected argument: %s", argv[2]);
	}
	if (argc == 2)
		(void)json_object_set_new(request, "level", json_string(argv[1]));
	result = client_ask_once(ctl, request, &code);
	if (result != NULL && ctl->json)
		print_json(result);
	else if (result != NULL)
		tell(result);
	json_decref(result);
	return code;
}
