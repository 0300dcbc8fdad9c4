/* checkpoint_thread.h - keeps the store: folds the log into the image every few seconds and trims what
 * nobody wants any more; between, watches the room and verifies the image (upkeep.h), which it tells the
 * node as NODE_ROOM and NODE_IMAGE_FAULT. Beside the log thread, which says how far the log is. */
#ifndef NODE_IO_CHECKPOINT_THREAD_H
#define NODE_IO_CHECKPOINT_THREAD_H

#include "node/io/upkeep.h"

struct loop;

struct checkpoint_options {
	struct upkeep_options upkeep;
	int64_t interval_ms;
	uint64_t log_entries; /* kept behind the checkpoint */
	uint64_t durable;     /* seq, at the start */
};

struct checkpoint_thread;
/* NULL: the system refused. */
struct checkpoint_thread *checkpoint_thread_start(struct loop *l,
                                                  const struct checkpoint_options *options);
/* False: it does not end in time, and goes on using the store. */
bool checkpoint_thread_stop(struct checkpoint_thread **thread);

void checkpoint_thread_keep(struct checkpoint_thread *t, uint64_t seq); /* node_log_keep */
/* Of the log thread: */
void checkpoint_thread_durable(struct checkpoint_thread *t, uint64_t seq);
/* An append waits for room: all that the image has may go from the log. */
void checkpoint_thread_full(struct checkpoint_thread *t, bool full);
/* Waits until it is at rest, and keeps it so until it is let go. */
void checkpoint_thread_hold(struct checkpoint_thread *t);
void checkpoint_thread_let_go(struct checkpoint_thread *t);

#endif
