/* `regpairctl bindings` and `bindings remove`. */
#include <getopt.h>
#include <stdio.h>

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
	static const struct option options[] = {{"yes", no_argument, NULL, 'y'},
	                                        {NULL, 0, NULL, 0}};
	bool yes = false;
	json_t *result;
	int option, code;

	optind = 0;
	while ((option = getopt_long(argc, argv, "y", options, NULL)) != -1) {
		if (option != 'y')
			return ctl_misused("bindings remove", "wrong usage");
		yes = true;
	}
	if (argc - optind != 1)
		return ctl_misused("bindings remove", "one AOR is wanted");
	if (!yes && !confirmed(argv[optind]))
		return CTL_FAILED;
	result = client_ask_once(
		ctl, json_pack("{ss ss}", "command", "aor-remove", "aor", argv[optind]), &code);
	if (result != NULL && ctl->json)
		print_json(result);
	else if (result != NULL)
		(void)printf("removed the bindings of %s\n", argv[optind]);
	json_decref(result);
	return code;
}
