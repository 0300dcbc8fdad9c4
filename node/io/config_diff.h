/* config_diff.h - how two configurations differ, and what a reload takes over of the newer one. */
#ifndef NODE_IO_CONFIG_DIFF_H
#define NODE_IO_CONFIG_DIFF_H

#include "node/io/config.h"

enum { CONFIG_CHANGE_MAX = 1400 }; /* a line of it: two values of any key, and its name */

/* "log.level: notice -> debug", "naps[carrier].password: changed", "naps[carrier]: added". Never a
 * secret. `live`: a reload changes it; else it wants a restart. */
typedef void config_change_fn(void *context, const char *line, bool live);

/* A line for each key that differs, and for each item that came or went; items are known by name. */
void config_diff(const struct config *from, const struct config *to, config_change_fn *each,
                 void *context);

/* What a reload changes goes over from `newer`, and the other way round, texts too: what points into
 * the older ones is good until `newer` is freed. */
void config_take_over(struct config *config, struct config *newer);

#endif
