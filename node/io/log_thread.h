/* log_thread.h - the disk, on two threads beside the loop. Between the threads are queues of values,
 * no shared state: the loop never waits for the disk.
 *
 * The log thread does in its order whatever the node wants of the store: it appends (group commit: what
 * has gathered goes in one transaction), reads the log for a standby that catches up, sets forks aside,
 * fills a new generation and changes over to it. One queue, because the order is the promise: an entry behind OUT_NEXT_COMMIT is of the new
 * generation, and a fork is in its file before the log that held it goes. A log
 * that is full is no failure: what waits for it is tried again every second. The other thread is the
 * checkpoint thread's (checkpoint_thread.h).
 *
 * An eventfd brings back NODE_DURABLE, NODE_NEXT_STORED, NODE_LOG_READ and NODE_LOG_FAILED. Late news is dropped here:
 * from OUT_NEXT_COMMIT on nothing is told of the old log, nor of a snapshot that another one follows. */
#ifndef NODE_IO_LOG_THREAD_H
#define NODE_IO_LOG_THREAD_H

#include "node/io/loop.h"
#include "store/store.h"

struct log_thread;

struct log_thread_options {
	struct store *store;
	int64_t checkpoint_interval_ms;
	uint64_t log_entries;        /* kept behind the checkpoint */
	uint64_t max_size, min_free; /* store.max_size, store.min_free */
	int64_t flush_interval_ms;   /* > 0: commit mode `peer`, a commit may wait that long */
};
struct log_thread *log_thread_start(struct loop *l, const struct log_thread_options *options);
/* Waits until both threads rest and ends them; what is queued is done first. False: the disk does not let
 * them rest, and they go on using the store: the process is to end as it is. */
bool log_thread_stop(struct log_thread **t);

/* OUT_APPEND, OUT_READ_LOG, OUT_SET_ASIDE, OUT_NEXT_*. After a failure nothing more is done, and it is told once. */
void log_thread_do(struct log_thread *t, const struct node_output *o);
void log_thread_flush(struct log_thread *t);              /* signals once for all since */
void log_thread_keep(struct log_thread *t, uint64_t seq); /* node_log_keep, for the trim */
/* node_waits_for_disk: in mode `peer`, what is appended is written at once all the same. */
void log_thread_hurry(struct log_thread *t, bool hurry);

#endif
