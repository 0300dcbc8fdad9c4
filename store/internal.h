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

/* What one table of the image holds: how many records, and the sum of their seals. A record that went
 * missing, or an old one that came back, has a good seal: this tells. */
struct sums {
	struct {
		uint64_t count, sum;
	} table[STORE_TABLES];
};

/* The two environments. The readers are cached one per thread that reads (lmdb.h). */
struct generation {
	MDB_env *log, *state;
	uint64_t format; /* of what is stored in it */
	MDB_dbi blocks, meta;
	MDB_dbi tables[STORE_TABLES];   /* by number; 0: not there (opened for reading only) */
	MDB_txn *loop_log, *loop_state; /* the loop's at start, then the log thread's */
	MDB_txn *checkpoint_log, *checkpoint_state;
	struct sums sums; /* the writer's, of the image as it writes it */
};

struct store {
	char *dir;
	int dir_fd, lock_fd;
	bool reading;
	bool aside; /* something was set aside here */
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
/* The image's position, and the sums that `g` has. */
void image_put(struct txn *t, const struct generation *g, const struct image *image);
struct image image_get(struct txn *t, const struct generation *g);
void base_put(struct txn *t, const struct generation *g, struct position base);
struct position base_get(struct txn *t, const struct generation *g);
/* Where a backup that was restored ended; {0, 0}: none was. */
void restored_put(struct txn *t, const struct generation *g, struct position position);
struct position restored_get(struct txn *t, const struct generation *g);

/* Fills and syncs a generation's meta: its image ends, and its log begins, at `image`. */
enum err generation_seal(struct generation *g, const struct identity *identity,
                         const struct image *image) MUST_CHECK;

/* --- record.c: every value but a block of the log (which has its own) stands behind a seal, a 64-bit
 * hash of table, key and bytes. Format 1 had none. --- */

enum { SEAL_SIZE = 8, NO_TABLE = 0 /* of the meta data and the base */ };

uint64_t seal_of(unsigned table, struct slice key, struct slice bytes);
void sealed_put(struct txn *t, MDB_dbi db, unsigned table, struct slice key, struct slice bytes);
/* The bytes behind the seal; a seal that does not fit fails the transaction (ERR_CORRUPT). */
bool sealed_open(struct txn *t, unsigned table, struct slice key, struct slice *value);

/* Puts, or for empty bytes deletes, one record of the image, and keeps g->sums. */
void record_put(struct txn *t, struct generation *g, unsigned table, struct slice key,
                struct slice bytes);
/* A record as stored: checked, its seal taken off and counted in `sums` (which may be NULL). */
bool record_open(struct txn *t, const struct generation *g, unsigned table, struct cursor *at,
                 struct sums *sums);
void sums_put(struct txn *t, const struct generation *g);
/* Missing in format 1: all 0. */
void sums_get(struct txn *t, const struct generation *g, struct sums *out);

/* --- files.c: directories and the file `current` --- */

void generation_name(char name[GENERATION_NAME_MAX], uint64_t number);
/* ERR_NOT_FOUND: there is no such file; ERR_CORRUPT: it names no generation. */
enum err current_read(int dir_fd, uint64_t *number) MUST_CHECK;
enum err current_write(int dir_fd, uint64_t number) MUST_CHECK;
enum err generation_mkdir(int dir_fd, const char *name) MUST_CHECK;
enum err generation_sync_dirs(int dir_fd, const char *name) MUST_CHECK;
void generation_remove(int dir_fd, const char *name);
bool brokens_there(int dir_fd);
/* Removes what was set aside but `keep`. */
void brokens_remove(int dir_fd, const char *keep);
void broken_name(char name[GENERATION_NAME_MAX], uint64_t stamp);
/* Moves `current`, the generations and `next` into the directory `to`. */
enum err store_move(int dir_fd, const char *to) MUST_CHECK;
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

/* --- image.c --- */

/* Sorts them by table and key, and drops all but the newest of each record; how many are left. */
size_t entries_newest(struct entry *entries, size_t n);
/* As state_read, of any generation. */
enum err generation_read(struct generation *g, store_each *each, void *context) MUST_CHECK;
/* The records found are those that were put: else the transaction fails. */
void sums_check(struct txn *t, const struct generation *g, const struct sums *found);

/* --- upgrade.c --- */

/* Replaces the generation in use, of an older format, by one of this format that holds the same. */
enum err store_upgrade(struct store *store, const struct store_options *options) MUST_CHECK;

/* --- open.c --- */

enum err dir_lock(struct store *s, char fault[STORE_FAULT_TEXT]) MUST_CHECK;
enum err dir_open(struct store *s, char fault[STORE_FAULT_TEXT]) MUST_CHECK;
struct store *store_take(const char *dir);
PRINTF_LIKE(3, 4)
enum err refuse(char fault[STORE_FAULT_TEXT], enum err err, const char *format, ...);

/* --- next.c --- */

/* Makes the first generation of an empty directory. */
enum err store_first(struct store *store) MUST_CHECK;

#endif
