#include "store/lmdb.h"

#include <assert.h>
#include <errno.h>

enum err err_of(int rc)
{
	switch (rc) {
	case MDB_SUCCESS:
		return OK;
	case MDB_NOTFOUND:
		return ERR_NOT_FOUND;
	case MDB_KEYEXIST:
		return ERR_EXISTS;
	case MDB_MAP_FULL:
	case MDB_TXN_FULL:
	case ENOSPC:
	case EDQUOT:
		return ERR_FULL;
	case MDB_BAD_VALSIZE:
		return ERR_TOO_BIG;
	case MDB_VERSION_MISMATCH:
		return ERR_VERSION;
	case MDB_INVALID:
	case MDB_CORRUPTED:
	case MDB_PAGE_NOTFOUND:
	case MDB_INCOMPATIBLE:
		return ERR_CORRUPT;
	default:
		return ERR_IO;
	}
}

/* LMDB knows no const; it never writes through a key or value that is put. */
static MDB_val val(struct slice s)
{
	return (MDB_val){s.n, (void *)(uintptr_t)s.p}; /* NOLINT(performance-no-int-to-ptr) */
}

static struct slice slice_of(const MDB_val *v)
{
	return (struct slice){v->mv_data, v->mv_size};
}

/* Notes a failure. True: it worked. */
static bool worked(struct txn *t, int rc)
{
	txn_fail(t, err_of(rc));
	return rc == MDB_SUCCESS;
}

void txn_fail(struct txn *t, enum err err)
{
	if (t->err == OK)
		t->err = err;
}

struct txn txn_write(MDB_env *env)
{
	struct txn t = {.err = OK};

	(void)worked(&t, mdb_txn_begin(env, NULL, 0, &t.lmdb)); /* it sticks */
	return t;
}

struct txn txn_read(MDB_env *env, MDB_txn **cache)
{
	struct txn t = {.cached = true};
	int rc = *cache == NULL ? mdb_txn_begin(env, NULL, MDB_RDONLY, cache)
	                        : mdb_txn_renew(*cache);

	t.lmdb = worked(&t, rc) ? *cache : NULL;
	return t;
}

enum err txn_commit(struct txn *t)
{
	if (t->err != OK)
		return txn_end(t);
	assert(t->lmdb != NULL);
	assert(!t->cached);
	t->err = err_of(mdb_txn_commit(t->lmdb));
	t->lmdb = NULL;
	return t->err;
}

enum err txn_end(struct txn *t)
{
	if (t->lmdb != NULL && t->cached)
		mdb_txn_reset(t->lmdb);
	else if (t->lmdb != NULL)
		mdb_txn_abort(t->lmdb);
	t->lmdb = NULL;
	return t->err;
}

bool txn_database(struct txn *t, const char *name, unsigned flags, MDB_dbi *out)
{
	if (t->err != OK)
		return false;
	int rc = mdb_dbi_open(t->lmdb, name, flags, out);
	return rc != MDB_NOTFOUND && worked(t, rc);
}

uint64_t txn_entries(struct txn *t, MDB_dbi db)
{
	MDB_stat stat = {0};

	if (t->err == OK)
		(void)worked(t, mdb_stat(t->lmdb, db, &stat)); /* it sticks */
	return stat.ms_entries;
}

bool txn_get(struct txn *t, MDB_dbi db, struct slice key, struct slice *value)
{
	MDB_val k = val(key);
	MDB_val v = {0, NULL};

	if (t->err != OK)
		return false;
	int rc = mdb_get(t->lmdb, db, &k, &v);
	*value = slice_of(&v);
	return rc != MDB_NOTFOUND && worked(t, rc);
}

void txn_put(struct txn *t, MDB_dbi db, struct slice key, struct slice value, unsigned flags)
{
	MDB_val k = val(key);
	MDB_val v = val(value);

	if (t->err == OK)
		(void)worked(t, mdb_put(t->lmdb, db, &k, &v, flags)); /* it sticks */
}

uint8_t *txn_reserve(struct txn *t, MDB_dbi db, struct slice key, size_t size)
{
	MDB_val k = val(key);
	MDB_val v = {size, NULL};

	if (t->err != OK || !worked(t, mdb_put(t->lmdb, db, &k, &v, MDB_RESERVE)))
		return NULL;
	return v.mv_data;
}

void txn_delete(struct txn *t, MDB_dbi db, struct slice key)
{
	MDB_val k = val(key);

	if (t->err != OK)
		return;
	int rc = mdb_del(t->lmdb, db, &k, NULL);
	if (rc != MDB_NOTFOUND)
		(void)worked(t, rc); /* it sticks */
}

struct cursor cursor_open(struct txn *t, MDB_dbi db)
{
	struct cursor c = {.txn = t};

	if (t->err == OK)
		(void)worked(t, mdb_cursor_open(t->lmdb, db, &c.lmdb)); /* it sticks */
	return c;
}

bool cursor_move(struct cursor *c, MDB_cursor_op op, struct slice key)
{
	MDB_val k = val(key);
	MDB_val v = {0, NULL};

	if (c->txn->err != OK)
		return false;
	int rc = mdb_cursor_get(c->lmdb, &k, &v, op);
	if (rc == MDB_NOTFOUND || !worked(c->txn, rc))
		return false;
	c->key = slice_of(&k);
	c->value = slice_of(&v);
	return true;
}

void cursor_delete(struct cursor *c)
{
	if (c->txn->err == OK)
		(void)worked(c->txn, mdb_cursor_del(c->lmdb, 0)); /* it sticks */
}

void cursor_close(struct cursor *c)
{
	if (c->lmdb != NULL)
		mdb_cursor_close(c->lmdb);
	c->lmdb = NULL;
}
