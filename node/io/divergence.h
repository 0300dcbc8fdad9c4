/* divergence.h - the report of what merges did: one line a key that differed, in the store's folder.
 *
 *	DIR/divergence       PAIR-MS TAB TABLE TAB OUTCOME TAB KEY       (ours, theirs, joined)
 *	DIR/divergence.old   the one before, when it had grown beyond DIVERGENCE_MAX
 *
 * Kept across restarts; `regpairctl divergence` prints it. Control bytes in a key become `?`. */
#ifndef NODE_IO_DIVERGENCE_H
#define NODE_IO_DIVERGENCE_H

#include "node/core/node.h"

enum { DIVERGENCE_MAX = 16 * 1024 * 1024 };

struct divergence;

struct divergence *divergence_open(const char *dir); /* no file is made before the first line */
void divergence_close(struct divergence **d);
void divergence_add(struct divergence *d, const struct node_output *o); /* OUT_DIVERGENCE */
/* Once a turn: what was added is given to the system. False: it could not be written. */
bool divergence_flush(struct divergence *d);

#endif
