#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "store/internal.h"

enum {
	SEQ_KEY = 8,
	TRIM_BLOCKS = 256, /* in one transaction: the log thread waits for it */
};

struct seq_key {
	uint8_t bytes[SEQ_KEY];
};

static struct seq_key key_of(uint64_t seq)
{
	struct seq_key k = {{0}};
	struct buf b = buf_on(k.bytes, sizeof k.bytes);

	buf_uint(&b, seq, SEQ_KEY);
	return k;
}

static struct slice key_slice(const struct seq_key *k)
{
	return (struct slice){k->bytes, sizeof k->bytes};
}

/* 0: the base, not a block. */
static uint64_t log_key_seq(struct slice key)
{
	struct reader r = {.rest = key};

	return reader_u64(&r);
}

/* --- the scan --- */

bool log_block(struct cursor *c, struct block *out)
{
	if (c->txn->err != OK)
		return false;
	txn_fail(c->txn, block_open(c->value, out));
	if (c->txn->err == OK && (out->first_seq != log_key_seq(c->key) || out->count == 0))
		txn_fail(c->txn, ERR_CORRUPT);
	return c->txn->err == OK;
}

bool log_seek(struct cursor *c, uint64_t seq, struct block *out)
{
	struct seq_key k = key_of(seq);
	bool found = cursor_move(c, MDB_SET_RANGE, key_slice(&k));

	if (!found)
		found = cursor_move(c, MDB_LAST, (struct slice){NULL, 0});
	else if (log_key_seq(c->key) > seq)
		found = cursor_move(c, MDB_PREV, (struct slice){NULL, 0});
	if (!found || log_key_seq(c->key) == 0) /* key 0 is the base, not a block */
		return false;
	return log_block(c, out) && seq - out->first_seq < out->count;
}

/* The first block; false: the log is empty. */
static bool log_seek_first(struct cursor *c, struct block *out)
{
	struct seq_key k = key_of(1);

	return cursor_move(c, MDB_SET_RANGE, key_slice(&k)) && log_block(c, out);
}

bool log_entry(struct cursor *c, struct block *b, struct entry *out)
{
	struct slice bytes;

	if (c->txn->err != OK || !block_next(b, &bytes))
		return false;
	if (entry_decode(bytes, out) != OK)
		txn_fail(c->txn, ERR_CORRUPT); /* what was written was whole */
	return c->txn->err == OK;
}

/* The last entry of the block under the cursor. */
static bool log_last_entry(struct cursor *c, struct entry *out, int64_t *wall_ms)
{
	struct block b;
	struct slice bytes;
	struct slice last = {NULL, 0};

	if (!log_block(c, &b))
		return false;
	uint64_t last_seq = b.first_seq + b.count - 1;
	while (block_next(&b, &bytes))
		last = bytes;
	*wall_ms = b.wall_ms;
	if (entry_decode(last, out) != OK || out->seq != last_seq)
		txn_fail(c->txn, ERR_CORRUPT);
	return c->txn->err == OK;
}

struct log_range log_range(struct cursor *c)
{
	struct slice none = {NULL, 0};
	struct log_range out = {.first = 0};

	if (!cursor_move(c, MDB_LAST, none) || log_key_seq(c->key) == 0)
		return out;
	if (!log_last_entry(c, &out.last, &out.wall_ms))
		return out;
	if (cursor_move(c, MDB_FIRST, none) && cursor_move(c, MDB_NEXT, none)) /* past the base */
		out.first = log_key_seq(c->key);
	return out;
}

/* --- commit --- */

/* A full disk is no failure: LMDB gave up before anything counted. Any other stays until the store is
 * opened anew: whether a failed sync lost pages that the kernel now calls clean, nobody can say. */
static enum err log_failed(struct store *store, enum err err)
{
	int expected = OK;

	if (err != OK && err != ERR_FULL)
		(void)atomic_compare_exchange_strong(&store->log_fail, &expected, (int)err);
	return err;
}

/* A write that a full disk cut short is EIO to LMDB. Whether a sync failed instead: what it had to sync is
 * written again, whole, by the next try. */
static enum err full_or_broken(const struct store *store, enum err err)
{
	enum { FULL = 1024 * 1024 };
	struct statvfs fs;

	if (err != ERR_IO || fstatvfs(store->dir_fd, &fs) != 0)
		return err;
	return (uint64_t)fs.f_bavail * fs.f_frsize < FULL ? ERR_FULL : ERR_IO;
}

static bool fits(struct slice entry)
{
	return entry.n > 0 && entry.n <= ENTRY_MAX;
}

static void put_block(struct txn *t, MDB_dbi blocks, struct block_writer *w, int64_t wall_ms)
{
	struct seq_key k = key_of(w->first_seq);
	struct slice bytes = block_end(w, wall_ms);

	assert(!w->to.full);
	txn_put(t, blocks, key_slice(&k), bytes, MDB_APPEND);
}

/* Adds entries until the block is full; how many it took. At least one, if the transaction lives. */
static size_t fill_block(struct txn *t, const struct slice *entries, size_t n,
                         struct block_writer *w)
{
	struct entry first;
	size_t taken = 0;

	if (entry_decode(entries[0], &first) != OK || first.seq != w->first_seq)
		txn_fail(t, ERR_MALFORMED);
	while (t->err == OK && taken < n && w->to.n < BLOCK_TARGET) {
		if (fits(entries[taken]))
			block_add(w, entries[taken++]);
		else
			txn_fail(t, ERR_TOO_BIG);
	}
	return taken;
}

enum err log_commit(struct store *store, const struct slice *entries, size_t n, uint64_t first_seq,
                    int64_t wall_ms)
{
	assert(!store->reading);
	int failed = atomic_load(&store->log_fail);
	if (failed != OK)
		return (enum err)failed;
	if (first_seq != store->next_seq)
		return log_failed(store, ERR_MALFORMED);
	if (n == 0)
		return OK;

	struct txn t = txn_write(store->now.log);
	for (size_t done = 0; done < n && t.err == OK;) {
		struct block_writer w = block_begin(store->block_room, BLOCK_MAX, first_seq + done);
		done += fill_block(&t, entries + done, n - done, &w);
		if (t.err == OK)
			put_block(&t, store->now.blocks, &w, wall_ms);
	}
	enum err err = log_failed(store, full_or_broken(store, txn_commit(&t)));
	if (err == OK)
		store->next_seq += n;
	return err;
}

/* --- read --- */

enum err log_read(struct store *store, uint64_t seq, struct buf *to)
{
	struct txn t = txn_read(store->now.log, &store->now.loop_log);
	struct cursor c = cursor_open(&t, store->now.blocks);
	struct block b;

	to->n = 0;
	to->full = false;
	if (log_seek(&c, seq, &b))
		buf_put(to, c.value);
	else
		txn_fail(&t, ERR_NOT_FOUND);
	if (to->full)
		txn_fail(&t, ERR_TOO_BIG);
	cursor_close(&c);
	return txn_end(&t);
}

static bool walk_block(struct txn *t, struct block b, log_each *each, void *context)
{
	struct slice entry;

	while (each != NULL && block_next(&b, &entry))
		if (!each(context, entry)) {
			txn_fail(t, ERR_CORRUPT);
			return false;
		}
	return true;
}

enum err log_walk(struct store *store, log_each *each, void *context)
{
	struct txn t = txn_read(store->now.log, &store->now.loop_log);
	uint64_t stored = txn_entries(&t, store->now.blocks);
	struct cursor c = cursor_open(&t, store->now.blocks);
	uint64_t next = base_get(&t, &store->now).seq + 1;
	uint64_t found = 1; /* the base */
	struct block b;
	bool more = log_seek_first(&c, &b);

	for (; more; found++) {
		if (b.first_seq != next || found == stored)
			txn_fail(&t, ERR_CORRUPT);
		next += b.count;
		more = t.err == OK && walk_block(&t, b, each, context) &&
		       cursor_move(&c, MDB_NEXT, (struct slice){NULL, 0}) && log_block(&c, &b);
	}
	if (found != stored) /* a page that lost its end */
		txn_fail(&t, ERR_CORRUPT);
	cursor_close(&c);
	return txn_end(&t);
}

/* The entries of `b` from seq `from` through `through`, as a block of its own. */
static struct slice block_part(struct block b, uint64_t from, uint64_t through, uint8_t *room)
{
	struct block_writer w = block_begin(room, BLOCK_MAX, from);
	struct slice bytes;

	for (uint64_t seq = b.first_seq; seq <= through && block_next(&b, &bytes); seq++)
		if (seq >= from)
			block_add(&w, bytes);
	assert(!w.to.full);
	return block_end(&w, b.wall_ms);
}

/* --- cut and trim --- */

static void cut_after(struct txn *t, MDB_dbi blocks, uint64_t last_seq)
{
	struct cursor c = cursor_open(t, blocks);
	struct seq_key after = key_of(last_seq + 1);
	struct block b;

	while (cursor_move(&c, MDB_SET_RANGE, key_slice(&after)))
		cursor_delete(&c);
	if (log_seek(&c, last_seq, &b) && b.first_seq + b.count - 1 > last_seq) {
		struct seq_key k = key_of(b.first_seq);
		uint8_t *room = take(BLOCK_MAX);
		struct slice kept = block_part(b, b.first_seq, last_seq, room);
		txn_put(t, blocks, key_slice(&k), kept, 0);
		free(room);
	}
	cursor_close(&c);
}

enum err log_cut(struct store *store, uint64_t last_seq)
{
	struct store_meta meta;
	enum err err = store_meta(store, &meta);

	assert(!store->reading);
	if (atomic_load(&store->log_fail) != OK)
		return (enum err)atomic_load(&store->log_fail);
	if (err != OK)
		return err;
	if (last_seq >= store->next_seq)
		return OK;
	if (last_seq < meta.applied.seq) /* the image would be ahead of the log */
		return ERR_UNSUPPORTED;

	struct txn t = txn_write(store->now.log);
	cut_after(&t, store->now.blocks, last_seq);
	err = log_failed(store, full_or_broken(store, txn_commit(&t)));
	if (err == OK)
		store->next_seq = last_seq + 1;
	return err;
}

/* Up to TRIM_BLOCKS blocks that end before `end`; false: no more to drop. */
static bool trim_some(struct txn *t, const struct generation *g, uint64_t end, bool *any)
{
	struct cursor c = cursor_open(t, g->blocks);
	struct position base = {0, 0};
	struct block b;
	int dropped = 0;

	while (dropped < TRIM_BLOCKS && log_seek_first(&c, &b) && b.first_seq + b.count <= end) {
		struct entry last;
		int64_t wall_ms = 0;
		if (!log_last_entry(&c, &last, &wall_ms))
			break;
		base = (struct position){last.reign, last.seq};
		cursor_delete(&c);
		dropped++;
	}
	cursor_close(&c);
	*any = *any || dropped > 0;
	if (dropped > 0)
		base_put(t, g, base);
	return dropped == TRIM_BLOCKS;
}

/* LMDB uses no page again that the transaction before has freed: a full log needs one more. */
static enum err free_what_was_dropped(struct generation *g)
{
	struct txn t = txn_write(g->log);

	base_put(&t, g, base_get(&t, g));
	return txn_commit(&t);
}

enum err log_trim(struct store *store, uint64_t before_seq)
{
	struct generation *g = &store->now;
	struct txn s = txn_read(g->state, &g->checkpoint_state);
	struct image image = image_get(&s, g);
	enum err err = txn_end(&s);
	uint64_t end = image.position.seq + 1;
	bool dropped = false;
	bool more = true;

	assert(!store->reading);
	if (atomic_load(&store->log_fail) == ERR_IO)
		return ERR_IO;
	if (before_seq < end)
		end = before_seq;
	while (err == OK && more) {
		struct txn t = txn_write(g->log);
		more = trim_some(&t, g, end, &dropped);
		err = txn_commit(&t);
	}
	if (err == OK && dropped)
		err = free_what_was_dropped(g);
	return err == ERR_IO ? log_failed(store, err) : err;
}

/* --- set aside --- */

static enum err write_block(int fd, struct slice bytes)
{
	uint8_t room[4];
	struct buf size = buf_on(room, sizeof room);

	buf_uint(&size, bytes.n, 4);
	enum err err = write_all(fd, buf_slice(&size));
	return err != OK ? err : write_all(fd, bytes);
}

static void write_after(struct cursor *c, uint64_t after_seq, int fd, uint64_t *count)
{
	uint8_t *room = take(BLOCK_MAX);
	struct block b;
	bool more = log_seek(c, after_seq + 1, &b) || log_seek_first(c, &b);

	while (more) {
		uint64_t from = b.first_seq > after_seq ? b.first_seq : after_seq + 1;
		uint64_t last = b.first_seq + b.count - 1;
		if (from <= last) {
			txn_fail(c->txn, write_block(fd, block_part(b, from, last, room)));
			*count += last - from + 1;
		}
		more = cursor_move(c, MDB_NEXT, (struct slice){NULL, 0}) && log_block(c, &b);
	}
	free(room);
}

static enum err file_sync(int fd, const char *path)
{
	char dir[PATH_MAX];

	if (fsync(fd) != 0)
		return err_of(errno);
	if (snprintf(dir, sizeof dir, "%s", path) >= (int)sizeof dir)
		return ERR_TOO_BIG;
	int dir_fd = open(dirname(dir), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir_fd < 0)
		return err_of(errno);
	enum err err = dir_sync(dir_fd);
	(void)close(dir_fd); /* nothing was written through it */
	return err;
}

enum err log_set_aside(struct store *store, uint64_t after_seq, const char *path, uint64_t *count)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	*count = 0;
	if (fd < 0)
		return errno == EEXIST ? ERR_EXISTS : err_of(errno);
	struct txn t = txn_read(store->now.log, &store->now.loop_log);
	struct cursor c = cursor_open(&t, store->now.blocks);
	write_after(&c, after_seq, fd, count);
	cursor_close(&c);
	enum err err = txn_end(&t);
	if (err == OK)
		err = file_sync(fd, path);
	if (close(fd) != 0 && err == OK)
		err = err_of(errno);
	if (err != OK)
		(void)unlink(path); /* half a file helps nobody */
	return err;
}
