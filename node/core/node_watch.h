/* node_watch.h - the node's part of telling watchers: whose turn is when, and what an answer means.
 *
 * Which watchers there are, and what they know, is in table watcher (watcher.h). The working copy's
 * wheel says which to look at: a change of an AOR makes its watchers due, and so does a new reign.
 * A NOTIFY on its way is known to this node alone: who takes over tells everyone anew. */
#ifndef NODE_CORE_NODE_WATCH_H
#define NODE_CORE_NODE_WATCH_H

#include "node/core/node.h"
#include "node/core/transactions.h"

enum { WATCH_WALK = 256 }; /* records made due in one tick of a new reign */

struct watch {
	bool walking; /* a new reign makes all of them due */
	struct copy_cursor cursor;
};

void node_watch_begin(struct node *n); /* a reign of ours */
/* The record of an AOR was changed. */
void node_watch_changed(struct node *n, struct slice aor);
/* Sends it when the entry is committed, and waits for its answer. */
void node_watch_send(struct node *n, uint64_t depends_on, const struct notify *notify);
/* What became of one; `answer` is NULL where there was none. */
void node_watch_outcome(struct node *n, struct slice aor, uint64_t dialog,
                        const struct sip_msg *answer, enum request_end how);
void node_watch_tick(struct node *n);
/* A record of table watcher is due. `held`: nothing ends now. */
void node_watch_due(struct node *n, const struct copy_item *item, struct arena *scratch, bool held);

#endif
