/* log_thread.h - group commit on a thread of its own, and the checkpoint thread beside it. Between the
 * threads are queues of values, no shared state: the loop appends, the log thread commits what has
 * gathered in one transaction, and an eventfd brings "durable up to n" back. */
#ifndef NODE_IO_LOG_THREAD_H
#define NODE_IO_LOG_THREAD_H

#include "node/io/loop.h"
#include "store/store.h"

struct log_thread;

struct log_thread_options {
	struct store *store;
	int64_t checkpoint_interval_ms;
	uint64_t log_entries;      /* kept behind the checkpoint */
	int64_t flush_interval_ms; /* > 0: commit mode `peer`, a commit may wait that long */
};
struct log_thread *log_thread_start(struct loop *l, const struct log_thread_options *options);
/* Waits until both threads rest and ends them; what is queued is committed first. */
void log_thread_stop(struct log_thread **t);

void log_thread_append(struct log_thread *t, uint64_t seq, struct slice entry);
void log_thread_flush(struct log_thread *t);              /* signals once for all appended since */
void log_thread_keep(struct log_thread *t, uint64_t seq); /* node_log_keep, for the trim */
/* node_waits_for_disk: in mode `peer`, what is appended is written at once all the same. */
void log_thread_hurry(struct log_thread *t, bool hurry);
/* Waits until everything appended is durable (or the log failed) and the checkpoint rests, and holds
 * both threads until log_thread_resume: around store_next_commit and log_set_aside. */
void log_thread_pause(struct log_thread *t);
void log_thread_resume(struct log_thread *t);

#endif
