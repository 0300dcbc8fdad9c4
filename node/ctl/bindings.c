/* `regpairctl bindings` and `bindings remove`. */
#include <stdio.h>

#include "node/ctl/arguments.h"
#include "node/ctl/list.h"
#include "node/ctl/prompt.h"
#include "proto/record.h"

static const struct column columns[] = {
	{"AOR", "aor", false},
	{"CONTACT", "contact", false},
	{"LEFT s", "remaining_s", true},
	{"Q", "q", true},
	{"VIA", "transport", false},
	{"RECEIVED", "received", false},
	{"CALL-ID", "call_id", false},
	{"CSEQ", "cseq", true},
	{"USER-AGENT", "user_agent", false},
};

static int list_one(const struct ctl *ctl, const char *aor, struct printer *p)
{
	int code;
	json_t *result = client_ask_once(
		ctl, json_pack("{ss ss}", "command", "bindings", "aor", aor), &code);
	json_t *rows = json_object_get(result, "bindings");

	if (result == NULL)
		return code;
	print_rows(p, rows);
	print_end(p);
	json_decref(result);
	return CTL_DONE;
}

int ctl_bindings(const struct ctl *ctl, int argc, char **argv)
{
	struct printer p = print_begin(ctl, columns, ARRAY_LEN(columns));
	const char *aor = NULL;
	long limit = 0;

	if (!list_arguments("bindings", argc, argv, &limit, &aor))
		return CTL_USAGE;
	return aor != NULL ? list_one(ctl, aor, &p)
	                   : list_pages(ctl, "bindings", "bindings", &p, limit);
}

static bool confirmed(const char *aor)
{
	char question[RECORD_KEY_MAX + 64];

	(void)snprintf(question, sizeof question, "Remove all bindings of %s?", aor); /* or cut */
	return prompt_yes(question);
}

int ctl_bindings_remove(const struct ctl *ctl, int argc, char **argv)
{
	const char *aor = NULL;
	bool yes = false;
	const struct ctl_option options[] = {{"yes", 'y', .flag = &yes}};
	const struct ctl_arguments wanted = {"bindings remove", .options = options,
	                                     .n_options = ARRAY_LEN(options), .word = &aor,
	                                     .wanted = "one AOR is wanted"};
	json_t *result;
	int code;

	if (!ctl_arguments(&wanted, argc, argv))
		return CTL_USAGE;
	if (!yes && !confirmed(aor))
		return CTL_FAILED;
	result = client_ask_once(ctl, json_pack("{ss ss}", "command", "aor-remove", "aor", aor),
	                         &code);
	if (result != NULL && ctl->json)
		print_json(result);
	else if (result != NULL)
		(void)printf("removed the bindings of %s\n", aor);
	json_decref(result);
	return code;
}
