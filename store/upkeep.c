/* What is looked at while the store is in use: how much room is left, and whether the image still is what
 * was written. */
#include <assert.h>
#include <errno.h>
#include <sys/statvfs.h>

#include "store/internal.h"

enum {
	FREE_PAGES = 0, /* LMDB's own two databases, by number */
	NAMED = 1,
};

static uint64_t pages_of(struct txn *t, MDB_dbi db)
{
	MDB_stat stat = {0};

	if (t->err == OK && mdb_stat(t->lmdb, db, &stat) != 0)
		txn_fail(t, ERR_IO);
	return stat.ms_branch_pages + stat.ms_leaf_pages + stat.ms_overflow_pages;
}

static uint64_t room_left(const struct store *store, MDB_env *env, uint64_t pages)
{
	MDB_stat stat;

	if (mdb_env_stat(env, &stat) != 0)
		return 0;
	uint64_t used = pages * stat.ms_psize;
	return used < store->max_size ? store->max_size - used : 0;
}

enum err store_room(struct store *store, struct store_room *out)
{
	struct generation *g = &store->now;
	struct statvfs fs;

	*out = (struct store_room){0};
	if (fstatvfs(store->dir_fd, &fs) != 0)
		return err_of(errno);
	out->disk = (uint64_t)fs.f_bavail * fs.f_frsize;

	struct txn l = txn_read(g->log, &g->checkpoint_log);
	out->log = room_left(store, g->log, pages_of(&l, FREE_PAGES) + pages_of(&l, g->blocks));
	enum err err = txn_end(&l);
	if (err != OK)
		return err;

	struct txn s = txn_read(g->state, &g->checkpoint_state);
	uint64_t pages = pages_of(&s, FREE_PAGES) + pages_of(&s, NAMED) + pages_of(&s, g->meta);
	for (unsigned i = 1; i < STORE_TABLES; i++)
		if (g->tables[i] != 0)
			pages += pages_of(&s, g->tables[i]);
	out->state = room_left(store, g->state, pages);
	return txn_end(&s);
}

/* --- scrub --- */

static void stand_at(struct scrub_place *at, unsigned table, struct slice key)
{
	assert(key.n <= sizeof at->key);
	at->table = table;
	at->key_n = key.n;
	if (key.n > 0)
		memcpy(at->key, key.p, key.n);
}

/* The first record behind the place; false: none in its table. */
static bool go_behind(struct cursor *c, const struct scrub_place *at)
{
	struct slice key = {at->key, at->key_n};
	struct slice none = {NULL, 0};

	if (key.n == 0)
		return cursor_move(c, MDB_FIRST, none);
	if (!cursor_move(c, MDB_SET_RANGE, key))
		return false;
	return !slice_eq(c->key, key) || cursor_move(c, MDB_NEXT, none);
}

/* Goes through the table of the place; false: it is done to its end. */
static bool scrub_table(struct txn *t, const struct generation *g, struct scrub_place *at,
                        size_t *bytes)
{
	struct cursor c = cursor_open(t, g->tables[at->table]);
	bool more = go_behind(&c, at);

	while (more && *bytes > 0 && c.key.n <= sizeof at->key) {
		size_t size = c.key.n + c.value.n;
		stand_at(at, at->table, c.key);
		if (!record_open(t, g, at->table, &c, NULL))
			break;
		*bytes = size < *bytes ? *bytes - size : 0;
		more = *bytes == 0 || cursor_move(&c, MDB_NEXT, (struct slice){NULL, 0});
	}
	cursor_close(&c);
	return more;
}

enum err store_scrub(struct store *store, struct scrub_place *at, size_t bytes)
{
	struct generation *g = &store->now;
	struct txn t = txn_read(g->state, &g->checkpoint_state);
	struct slice none = {NULL, 0};

	at->rounds = 0;
	while (t.err == OK && bytes > 0 && at->rounds == 0) {
		bool there = at->table > 0 && at->table < STORE_TABLES && g->tables[at->table] != 0;
		bool more = there && scrub_table(&t, g, at, &bytes);
		if (more || t.err != OK)
			break;
		if (at->table + 1 >= STORE_TABLES)
			at->rounds++;
		stand_at(at, at->rounds > 0 ? 1 : at->table + 1, none);
	}
	return txn_end(&t);
}
