#include <limits.h>
#include <stdio.h>

#include "store/internal.h"

enum {
	/* A map that was full when it was opened gets this much more: trimming needs pages too. */
	ROOM_AT_OPEN = 1024 * 1024,
	SEQ_KEY = 8,
};

static enum err env_room(MDB_env *env, uint64_t max_size)
{
	MDB_envinfo info;
	MDB_stat stat;

	if (mdb_env_info(env, &info) != 0 || mdb_env_stat(env, &stat) != 0)
		return ERR_IO;
	uint64_t used = (info.me_last_pgno + 1) * (uint64_t)stat.ms_psize;
	if (used + ROOM_AT_OPEN <= max_size)
		return OK;
	return err_of(mdb_env_set_mapsize(env, used + ROOM_AT_OPEN));
}

static enum err env_open(MDB_env **env, const char *path, uint64_t max_size,
                         enum generation_mode mode)
{
	unsigned flags = MDB_NOTLS;

	if (mode == GENERATION_READ)
		flags |= MDB_RDONLY;
	if (mode == GENERATION_MAKE)
		flags |= MDB_NOSYNC;

	int rc = mdb_env_create(env);
	if (rc == 0)
		rc = mdb_env_set_maxdbs(*env, STORE_TABLES + 1);
	if (rc == 0 && mode != GENERATION_READ) /* a reader takes the size from the file */
		rc = mdb_env_set_mapsize(*env, max_size);
	if (rc == 0)
		rc = mdb_env_open(*env, path, flags, 0600);
	if (rc != 0)
		return err_of(rc);
	return mode == GENERATION_READ ? OK : env_room(*env, max_size);
}

static struct txn txn_for(MDB_env *env, enum generation_mode mode)
{
	struct txn t = {.err = OK};

	if (mode != GENERATION_READ)
		return txn_write(env);
	txn_fail(&t, err_of(mdb_txn_begin(env, NULL, MDB_RDONLY, &t.lmdb)));
	return t;
}

static enum err handle(MDB_env *env, const char *name, enum generation_mode mode, MDB_dbi *out)
{
	struct txn t = txn_for(env, mode);
	unsigned flags = mode == GENERATION_MAKE && name != NULL ? MDB_CREATE : 0;

	if (!txn_database(&t, name, flags, out))
		txn_fail(&t, ERR_CORRUPT);
	return txn_commit(&t);
}

enum err generation_open(struct generation *g, const char *dir, const char *name, uint64_t max_size,
                         enum generation_mode mode)
{
	char log[PATH_MAX];
	char state[PATH_MAX];

	*g = (struct generation){.format = STORE_FORMAT};
	if (snprintf(log, sizeof log, "%s/%s/log", dir, name) >= (int)sizeof log ||
	    snprintf(state, sizeof state, "%s/%s/state", dir, name) >= (int)sizeof state)
		return ERR_TOO_BIG;

	enum err err = env_open(&g->log, log, max_size, mode);
	if (err == OK)
		err = env_open(&g->state, state, max_size, mode);
	if (err == OK)
		err = handle(g->log, NULL, mode, &g->blocks);
	if (err == OK)
		err = handle(g->state, "meta", mode, &g->meta);
	return err;
}

/* By number, not by name: a number unknown today has its name tomorrow. */
enum err generation_tables(struct generation *g, enum generation_mode mode)
{
	struct txn t = txn_for(g->state, mode);
	unsigned flags = mode == GENERATION_READ ? 0 : MDB_CREATE;

	for (unsigned i = 1; i < STORE_TABLES; i++) {
		char name[16];
		(void)snprintf(name, sizeof name, "table-%u", i); /* fits */
		if (!txn_database(&t, name, flags, &g->tables[i]))
			g->tables[i] = 0;
	}
	return txn_commit(&t);
}

/* And writes synced from now on. */
static enum err generation_sync(struct generation *g)
{
	enum err log = err_of(mdb_env_sync(g->log, 1));
	enum err state = err_of(mdb_env_sync(g->state, 1));

	if (log != OK || state != OK)
		return log != OK ? log : state;
	log = err_of(mdb_env_set_flags(g->log, MDB_NOSYNC, 0));
	state = err_of(mdb_env_set_flags(g->state, MDB_NOSYNC, 0));
	return log != OK ? log : state;
}

static void reader_close(MDB_txn **cache)
{
	if (*cache != NULL)
		mdb_txn_abort(*cache);
	*cache = NULL;
}

void generation_close(struct generation *g)
{
	reader_close(&g->loop_log);
	reader_close(&g->loop_state);
	reader_close(&g->checkpoint_log);
	reader_close(&g->checkpoint_state);
	if (g->log != NULL)
		mdb_env_close(g->log);
	if (g->state != NULL)
		mdb_env_close(g->state);
	*g = (struct generation){.log = NULL};
}

/* --- fixed values --- */

/* A value may have grown in a newer version; what it lacks is corruption. */
static struct reader value_get(struct txn *t, uint64_t format, MDB_dbi db, struct slice key)
{
	struct reader r = {.bad = true};
	bool found = txn_get(t, db, key, &r.rest);

	if (found && (format == 1 || sealed_open(t, NO_TABLE, key, &r.rest)))
		r.bad = false;
	return r;
}

static void value_end(struct txn *t, const struct reader *r)
{
	if (r->bad)
		txn_fail(t, ERR_CORRUPT);
}

/* The format alone stands in front of its seal: any version must find it. */
static void format_put(struct txn *t, MDB_dbi meta, uint64_t format)
{
	uint8_t room[8 + SEAL_SIZE];
	struct buf b = buf_on(room, sizeof room);

	buf_uint(&b, format, 8);
	buf_uint(&b, seal_of(NO_TABLE, SLICE("format"), buf_slice(&b)), SEAL_SIZE);
	txn_put(t, meta, SLICE("format"), buf_slice(&b), 0);
}

static uint64_t format_get(struct txn *t, MDB_dbi meta)
{
	struct reader r = {.bad = true};

	r.bad = !txn_get(t, meta, SLICE("format"), &r.rest);
	struct slice number = slice_head(r.rest, 8);
	uint64_t format = reader_u64(&r);
	if (!r.bad && format == 1 && r.rest.n == 0)
		return format;
	if (reader_u64(&r) != seal_of(NO_TABLE, SLICE("format"), number) || r.bad)
		txn_fail(t, ERR_CORRUPT);
	return format;
}

static void identity_put(struct txn *t, MDB_dbi meta, const struct identity *identity)
{
	uint8_t room[8];
	struct buf node = buf_on(room, sizeof room);

	buf_uint(&node, identity->node_id, 8);
	format_put(t, meta, identity->format);
	sealed_put(t, meta, NO_TABLE, SLICE("node"), buf_slice(&node));
	sealed_put(t, meta, NO_TABLE, SLICE("cluster"),
	           (struct slice){identity->cluster_id, sizeof identity->cluster_id});
}

struct identity identity_get(struct txn *t, MDB_dbi meta)
{
	struct identity out = {.format = format_get(t, meta)};

	if (t->err != OK || out.format < STORE_FORMAT_OLDEST || out.format > STORE_FORMAT)
		return out; /* the rest may look different there */

	struct reader node = value_get(t, out.format, meta, SLICE("node"));
	struct reader cluster = value_get(t, out.format, meta, SLICE("cluster"));
	out.node_id = reader_u64(&node);
	struct slice id = reader_bytes(&cluster, sizeof out.cluster_id);
	value_end(t, &node);
	value_end(t, &cluster);
	if (id.p != NULL)
		memcpy(out.cluster_id, id.p, sizeof out.cluster_id);
	return out;
}

void image_put(struct txn *t, const struct generation *g, const struct image *image)
{
	uint8_t room[32];
	struct buf b = buf_on(room, sizeof room);

	buf_uint(&b, image->position.reign, 8);
	buf_uint(&b, image->position.seq, 8);
	buf_uint(&b, (uint64_t)image->pair.ms, 8);
	buf_uint(&b, (uint64_t)image->wall_ms, 8);
	sealed_put(t, g->meta, NO_TABLE, SLICE("image"), buf_slice(&b));
	sums_put(t, g);
}

struct image image_get(struct txn *t, const struct generation *g)
{
	struct reader r = value_get(t, g->format, g->meta, SLICE("image"));
	struct image out = {.wall_ms = 0};

	out.position.reign = reader_u64(&r);
	out.position.seq = reader_u64(&r);
	out.pair.ms = (int64_t)reader_u64(&r);
	out.wall_ms = (int64_t)reader_u64(&r);
	value_end(t, &r);
	return out;
}

static void position_put(struct txn *t, MDB_dbi db, struct slice key, struct position position)
{
	uint8_t room[16];
	struct buf b = buf_on(room, sizeof room);

	buf_uint(&b, position.reign, 8);
	buf_uint(&b, position.seq, 8);
	sealed_put(t, db, NO_TABLE, key, buf_slice(&b));
}

static struct position position_get(struct txn *t, const struct generation *g, MDB_dbi db,
                                    struct slice key)
{
	struct reader r = value_get(t, g->format, db, key);
	struct position out;

	out.reign = reader_u64(&r);
	out.seq = reader_u64(&r);
	value_end(t, &r);
	return out;
}

#define RESTORED SLICE("restored")

void restored_put(struct txn *t, const struct generation *g, struct position position)
{
	position_put(t, g->meta, RESTORED, position);
}

struct position restored_get(struct txn *t, const struct generation *g)
{
	struct slice value;

	if (!txn_get(t, g->meta, RESTORED, &value))
		return (struct position){0, 0};
	return position_get(t, g, g->meta, RESTORED);
}

/* Stands among the blocks, under a key that is no seq: a trim changes both in one transaction, and
 * a commit touches no second database. */
static const uint8_t base_key[SEQ_KEY];

void base_put(struct txn *t, const struct generation *g, struct position base)
{
	position_put(t, g->blocks, (struct slice){base_key, sizeof base_key}, base);
}

struct position base_get(struct txn *t, const struct generation *g)
{
	return position_get(t, g, g->blocks, (struct slice){base_key, sizeof base_key});
}

enum err generation_seal(struct generation *g, const struct identity *identity,
                         const struct image *image)
{
	struct txn log = txn_write(g->log);
	base_put(&log, g, image->position);
	enum err err = txn_commit(&log);
	if (err != OK)
		return err;

	struct txn state = txn_write(g->state);
	identity_put(&state, g->meta, identity);
	image_put(&state, g, image);
	err = txn_commit(&state);
	return err != OK ? err : generation_sync(g);
}
