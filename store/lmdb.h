/* lmdb.h - LMDB's transactions and cursors with errors that stick, and its codes translated.
 *
 * The first failure of a transaction stays in `err`; every later call on it does nothing and finds
 * nothing. Whoever began it looks once: at txn_commit, or at `err` before txn_end. Slices read in a
 * transaction point into the map and die with it. A key that is not there is no failure. */
#ifndef STORE_LMDB_H
#define STORE_LMDB_H

#include <lmdb.h>

#include "proto/base/defs.h"
#include "proto/base/err.h"
#include "proto/base/slice.h"

struct txn {
	MDB_txn *lmdb; /* NULL: could not begin */
	enum err err;
	bool cached; /* belongs to a cache: reset, not freed, at the end */
};

/* The one place where LMDB's and the system's codes become ours. */
enum err err_of(int rc);

struct txn txn_write(MDB_env *env);
/* A reader that is kept from one use to the next: beginning anew costs a slot search. */
struct txn txn_read(MDB_env *env, MDB_txn **cache);
/* The first error since the beginning. Handles opened in the transaction live on after it. */
enum err txn_commit(struct txn *t) MUST_CHECK;
/* Drops a writer's changes, lets a reader's snapshot go. */
enum err txn_end(struct txn *t);
void txn_fail(struct txn *t, enum err err);

/* `name` NULL: the unnamed database. False, without failure, where it does not exist. */
bool txn_database(struct txn *t, const char *name, unsigned flags, MDB_dbi *out);
uint64_t txn_entries(struct txn *t, MDB_dbi db); /* how many keys LMDB says there are */
bool txn_get(struct txn *t, MDB_dbi db, struct slice key, struct slice *value);
void txn_put(struct txn *t, MDB_dbi db, struct slice key, struct slice value, unsigned flags);
/* Room in the map for `size` bytes, to be filled before the next call; NULL: the transaction failed. */
uint8_t *txn_reserve(struct txn *t, MDB_dbi db, struct slice key, size_t size);
void txn_delete(struct txn *t, MDB_dbi db, struct slice key);

struct cursor {
	MDB_cursor *lmdb;
	struct txn *txn;
	struct slice key, value; /* where it stands */
};
struct cursor cursor_open(struct txn *t, MDB_dbi db);
/* `key` is looked at by MDB_SET_RANGE only. */
bool cursor_move(struct cursor *c, MDB_cursor_op op, struct slice key);
void cursor_delete(struct cursor *c);
void cursor_close(struct cursor *c); /* before its transaction ends */

#endif
