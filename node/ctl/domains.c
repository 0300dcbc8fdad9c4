/* `regpairctl domains`: what is in each of them. */
#include "node/ctl/client.h"
#include "node/ctl/print.h"

int ctl_domains(const struct ctl *ctl, int argc, char **argv)
{
	static const struct column columns[] = {{"DOMAIN", "name", false},
	                                        {"USERS", "users", true},
	                                        {"BINDINGS", "bindings", true},
	                                        {"MAX USERS", "max_users", true}};
	struct printer p = print_begin(ctl, columns, ARRAY_LEN(columns));
	int code;

	if (argc > 1)
		return ctl_misused("domains", "unexpected argument: %s", argv[1]);
	json_t *domains = client_ask_once(ctl, json_pack("{ss}", "command", "domains"), &code);
	if (domains != NULL) {
		print_rows(&p, domains);
		print_end(&p);
	}
	json_decref(domains);
	return code;
}
