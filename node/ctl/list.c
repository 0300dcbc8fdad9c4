#include "node/ctl/list.h"

#include <getopt.h>

static void print_page(struct printer *p, json_t *rows, long limit)
{
	while (limit > 0 && p->rows + json_array_size(rows) > (uint64_t)limit)
		(void)json_array_remove(rows, json_array_size(rows) - 1);
	if (p->prepare != NULL && !p->json)
		p->prepare(rows);
	print_rows(p, rows);
}

int list_pages(const struct ctl *ctl, const char *command, const char *name, struct printer *p,
               long limit)
{
	struct client *c = client_open(ctl);
	json_t *cursor = json_pack("[ii]", 0, 0);
	int code = c != NULL ? CTL_DONE : CTL_NO_NODE;

	while (code == CTL_DONE && json_is_array(cursor) &&
	       (limit == 0 || p->rows < (uint64_t)limit)) {
		json_t *page =
			client_ask(c, json_pack("{ss so}", "command", command, "cursor", cursor));
		cursor = json_incref(json_object_get(page, "cursor"));
		print_page(p, json_object_get(page, name), limit);
		json_decref(page);
		code = client_code(c);
	}
	json_decref(cursor);
	if (code == CTL_DONE)
		print_end(p);
	client_close(&c);
	return code;
}

bool list_arguments(const char *command, int argc, char **argv, long *limit, const char **argument)
{
	static const struct option options[] = {{"limit", required_argument, NULL, 'n'},
	                                        {NULL, 0, NULL, 0}};
	int option;

	optind = 0;
	while ((option = getopt_long(argc, argv, "n:", options, NULL)) != -1) {
		if (option != 'n') {
			(void)ctl_misused(command, "wrong usage");
			return false;
		}
		*limit = ctl_number("--limit", optarg, 1, 1000000000);
		if (*limit < 0)
			return false;
	}
	if (argument != NULL && optind < argc)
		*argument = argv[optind++];
	if (optind < argc)
		(void)ctl_misused(command, "unexpected argument: %s", argv[optind]);
	return optind >= argc;
}
