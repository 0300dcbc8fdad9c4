/* node_watch.h - the node's part of telling watchers: NOTIFYs on their way, and whose turn is when.
 *
 * Which watchers there are, and what they know, is in table watcher (watcher.h). The working copy's
 * wheel says which to look at: a change of an AOR makes its watchers due, and so does a new reign.
 * A NOTIFY on its way is known to this node alone: who takes over tells everyone anew. */
#ifndef NODE_CORE_NODE_WATCH_H
#define NODE_CORE_NODE_WATCH_H

#include "node/core/node.h"

enum {
	WATCH_PENDING_MAX = 1024, /* NOTIFYs without an answer; more wait */
	WATCH_WALK = 256,         /* records made due in one tick of a new reign */
};

struct pending_notify;
struct watch {
	struct pending_notify *pending[WATCH_PENDING_MAX];
	size_t n;
	bool walking; /* a new reign makes all of them due */
	struct copy_cursor cursor;
};

void node_watch_free(struct node *n);
void node_watch_begin(struct node *n); /* a reign of ours */
/* The record of an AOR was changed. */
void node_watch_changed(struct node *n, struct slice aor);
/* Sends it when the entry is committed, and waits for its answer. */
void node_watch_send(struct node *n, uint64_t depends_on, const struct notify *notify);
/* True: it was an answer to a NOTIFY of ours. */
bool node_watch_answered(struct node *n, struct slice bytes);
void node_watch_tick(struct node *n);
/* A record of table watcher is due. `held`: nothing ends now. */
void node_watch_due(struct node *n, const struct copy_item *item, struct arena *scratch, bool held);

#endif
