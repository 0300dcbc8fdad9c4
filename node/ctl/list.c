#include "node/ctl/list.h"

#include "node/ctl/arguments.h"

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

bool list_arguments(const char *command, int argc, char **argv, long *limit, const char **word)
{
	const struct ctl_option options[] = {
		{"limit", 'n', .number = limit, .least = 1, .most = 1000000000}};
	const struct ctl_arguments wanted = {command, .options = options,
	                                     .n_options = ARRAY_LEN(options), .word = word};

	return ctl_arguments(&wanted, argc, argv);
}
