/* lines.h - reports that a node keeps in its store's folder: which folder that is, a line's fields. */
#ifndef NODE_CTL_LINES_H
#define NODE_CTL_LINES_H

#include <stdbool.h>
#include <stddef.h>

#include "node/io/config.h"

/* `dir` as given, or what the configuration file says, which `*config` then holds; NULL: one complaint. */
const char *lines_dir(const char *dir, const char *from, struct config **config);
/* Cuts the line at its tabs, in place; what is left is the last field. False: it has fewer. */
bool lines_split(char *line, char **field, size_t n);
/* The whole of a number, or false. */
bool lines_number(const char *text, long long *to);

#endif
