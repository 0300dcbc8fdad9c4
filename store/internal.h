/* internal.h - what the files of the store share: a generation, the store, and the scan of a log. */
#ifndef STORE_INTERNAL_H
#define STORE_INTERNAL_H

#include <stdatomic.h>
#include <stdlib.h>

#include "proto/base/reader.h"
#include "store/lmdb.h"
#include "store/store.h"

enum {
	STORE_TABLES = 32, /* numbers a table may have; those of newer versions are kept too */
	GENERATION_NAME_MAX = 32, /* "gen-N", "next" */
};

/* The two environments. The readers are cached one per thread that reads (lmdb.h). */
struct generation {
	MDB_env *log, *state;
	MDB_dbi blocks, meta;
	MDB_dbi tables[STORE_TABLES]; /* by number; 0: not there (opened for reading only) */
	MDB_txn *loop_log, *loop_state;
	MDB_txn *checkpoint_log, *checkpoint_state;
};

struct store {
	char *dir;
	int dir_fd, lock_fd;
	bool reading;
	uint64_t max_size;
	uint8_t cluster_id[16];
	uint64_t node_id;
	uint64_t number; /* of the generation in use */
	struct generation now;
	uint64_t next_seq;    /* the log thread's */
	uint8_t *block_room;  /* the log thread's, BLOCK_MAX */
	_Atomic int log_fail; /* enum err; not OK: the log is not written any more */

	/* the generation being received */
	bool next_begun;
	struct generation next;
	struct txn next_txn;
	unsigned next_puts; /* in next_txn; 0: none is open */
	enum err next_fail;
};

/* Up to where an image goes, and when that was. */
struct image {
	struct position position;
	struct pairtime pair;
	int64_t wall_ms;
};

/* Never NULL, cleared: without memory the process ends, and the peer serves. */
static inline void *take(size_t size)
{
	void *p = calloc(1, size);

	if (p == NULL)
		abort();
	return p;
}

/* --- generation.c --- */

enum generation_mode { GENERATION_USE, GENERATION_READ, GENERATION_MAKE };

/* Opens (MAKE: creates, unsynced until generation_sync) the environments under `dir`/`name`. After a
 * failure too, generation_close frees what was taken. */
enum err generation_open(struct generation *g, const char *dir, const char *name, uint64_t max_size,
                         enum generation_mode mode) MUST_CHECK;
/* The tables of this version and of the next ones; made where they are missing. */
enum err generation_tables(struct generation *g, enum generation_mode mode) MUST_CHECK;
void generation_close(struct generation *g);

struct identity {
	uint64_t format;
	uint8_t cluster_id[16];
	uint64_t node_id;
};
/* Missing or short values are ERR_CORRUPT, in the transaction. */
struct identity identity_get(struct txn *t, MDB_dbi meta);
void image_put(struct txn *t, MDB_dbi meta, const struct image *image);
struct image image_get(struct txn *t, MDB_dbi meta);
void base_put(struct txn *t, MDB_dbi blocks, struct position base);
struct position base_get(struct txn *t, MDB_dbi blocks);

/* Fills and syncs a generation's meta: its image ends, and its log begins, at `image`. */
enum err generation_seal(struct generation *g, const struct identity *identity,
                         const struct image *image) MUST_CHECK;

/* --- files.c: directories and the file `current` --- */

void generation_name(char name[GENERATION_NAME_MAX], uint64_t number);
/* ERR_NOT_FOUND: there is no such file; ERR_CORRUPT: it names no generation. */
enum err current_read(int dir_fd, uint64_t *number) MUST_CHECK;
enum err current_write(int dir_fd, uint64_t number) MUST_CHECK;
enum err generation_mkdir(int dir_fd, const char *name) MUST_CHECK;
enum err generation_sync_dirs(int dir_fd, const char *name) MUST_CHECK;
void generation_remove(int dir_fd, const char *name);
/* Is there another generation than number `keep`? With `remove`, they and `next` go. */
bool generations_sweep(int dir_fd, uint64_t keep, bool remove);
enum err dir_sync(int dir_fd) MUST_CHECK;
enum err write_all(int fd, struct slice bytes) MUST_CHECK;

/* --- log.c --- */

/* Stands the cursor on the block that holds `seq`. False: none does, or the transaction failed. */
bool log_seek(struct cursor *c, uint64_t seq, struct block *out);
/* The block under the cursor, checked. */
bool log_block(struct cursor *c, struct block *out);
/* The next entry, decoded; false at the end of the block, or the transaction failed. */
bool log_entry(struct cursor *c, struct block *b, struct entry *out);

/* From the first seq to the last entry; {0} when the log is empty. */
struct log_range {
	uint64_t first;
	struct entry last;
	int64_t wall_ms; /* of the last block */
};
struct log_range log_range(struct cursor *c);

/* --- next.c --- */

/* Makes the first generation of an empty directory. */
enum err store_first(struct store *store) MUST_CHECK;

#endif
