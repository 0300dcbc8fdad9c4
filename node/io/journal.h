/* journal.h - what became of this node, kept across restarts: one line a change of role or of the pair's
 * state, a refusal, a fork, a doubt, in the store's folder.
 *
 *	DIR/history       WALL-MS TAB PAIR-MS TAB EPOCH TAB SEQ TAB WHAT TAB FROM TAB TO TAB WHY
 *	DIR/history.old   the JOURNAL_LINES lines before these, by one rename: nothing is ever rewritten
 *
 * Each line is given to the system at once: no way for the process to end loses one. It is not synced,
 * for the loop waits for no disk: a host that loses power may lose the newest lines.
 * `regpairctl history` prints the newest JOURNAL_LINES of both. */
#ifndef NODE_IO_JOURNAL_H
#define NODE_IO_JOURNAL_H

#include "node/core/node.h"

enum { JOURNAL_LINES = 500 };

struct journal;

struct journal *journal_open(const char *dir); /* no file is made before the first line */
void journal_close(struct journal **j);
/* An OUT_HISTORY. False: it could not be written. */
bool journal_add(struct journal *j, const struct node_output *o, int64_t wall_ms);

#endif
