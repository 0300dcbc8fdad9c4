/* list.h - a listing that the node gives page by page. */
#ifndef NODE_CTL_LIST_H
#define NODE_CTL_LIST_H

#include "node/ctl/client.h"
#include "node/ctl/print.h"

/* Asks `command` until its list (result member `name`) ends or `limit` rows are printed; 0: all. */
int list_pages(const struct ctl *ctl, const char *command, const char *name, struct printer *p,
               long limit);
/* Reads `[--limit N]` and at most one word; false: CTL_USAGE was said. */
bool list_arguments(const char *command, int argc, char **argv, long *limit, const char **word);

#endif
