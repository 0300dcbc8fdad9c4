/* disk.h - carries out, on the log thread, what the node wants of the store. */
#ifndef NODE_IO_DISK_H
#define NODE_IO_DISK_H

#include "node/io/jobs.h"
#include "node/io/loop.h"
#include "store/store.h"

/* Does job `*at` and moves on behind it; entries that follow each other go in one commit. What failed
 * was logged. */
enum err disk_do(struct loop *l, struct store *store, const struct jobs *jobs,
                 size_t *at) MUST_CHECK;

#endif
