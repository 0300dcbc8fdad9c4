#include <assert.h>

#include "store/internal.h"

/* One synced transaction of a checkpoint: the memory for its dirty pages is what bounds it. */
enum {
	WINDOW_ENTRIES = 16 * 1024,
	WINDOW_BYTES = 32 * 1024 * 1024,
};

struct window {
	struct entry *entries; /* they point into the log's map */
	size_t n, bytes;
	struct image end; /* the image once this is written */
};

/* --- reading --- */

static enum err read_meta(struct store *store, struct store_meta *out)
{
	struct generation *g = &store->now;
	struct txn s = txn_read(g->state, &g->loop_state);
	struct image image = image_get(&s, g);
	struct position restored = restored_get(&s, g);
	enum err err = txn_end(&s);

	if (err != OK)
		return err;
	*out = (struct store_meta){.node_id = store->node_id,
	                           .applied = image.position,
	                           .pair = image.pair,
	                           .wall_ms = image.wall_ms};

	memcpy(out->cluster_id, store->cluster_id, sizeof out->cluster_id);

	struct txn l = txn_read(g->log, &g->loop_log);
	struct cursor c = cursor_open(&l, g->blocks);
	struct log_range range = log_range(&c);
	out->base = base_get(&l, g);
	out->log_first = range.first;
	out->log_last = range.last.seq;
	if (range.first != 0 && range.last.pair.ms >= out->pair.ms) {
		out->pair = range.last.pair;
		out->wall_ms = range.wall_ms;
	}
	out->restored = restored.seq != 0 && restored.seq == image.position.seq && range.first == 0;
	out->lost = store->aside && out->applied.seq == 0 && out->log_last == 0;
	cursor_close(&c);
	return txn_end(&l);
}

enum err store_meta(struct store *store, struct store_meta *out)
{
	enum err err = read_meta(store, out);

	/* A checkpoint and a trim fell between the two reads: the log's is the later one. */
	for (int i = 0; i < 3 && err == OK && out->base.seq > out->applied.seq; i++)
		err = read_meta(store, out);
	return err;
}

struct reading {
	struct txn txn;
	const struct generation *g;
	struct sums found;
	store_each *each;
	void *context;
};

static bool read_table(struct reading *r, unsigned table)
{
	struct cursor c = cursor_open(&r->txn, r->g->tables[table]);
	struct slice none = {NULL, 0};
	uint64_t left =
		txn_entries(&r->txn, r->g->tables[table]); /* damaged pages may go in circles */
	bool go_on = true;

	while (go_on && left-- > 0 && cursor_move(&c, MDB_NEXT, none))
		go_on = record_open(&r->txn, r->g, table, &c, &r->found) &&
		        r->each(r->context, (enum table)table, c.key, c.value);
	cursor_close(&c);
	return go_on;
}

void sums_check(struct txn *t, const struct generation *g, const struct sums *found)
{
	struct sums want;

	sums_get(t, g, &want);
	if (g->format > 1 && memcmp(&want, found, sizeof want) != 0)
		txn_fail(t, ERR_CORRUPT);
}

enum err generation_read(struct generation *g, store_each *each, void *context)
{
	struct reading r = {.txn = txn_read(g->state, &g->loop_state),
	                    .g = g,
	                    .each = each,
	                    .context = context};
	bool go_on = true;

	for (unsigned i = 1; i < STORE_TABLES && go_on; i++)
		if (g->tables[i] != 0)
			go_on = read_table(&r, i);
	if (!go_on)
		txn_fail(&r.txn, ERR_CORRUPT);
	sums_check(&r.txn, g, &r.found);
	return txn_end(&r.txn);
}

enum err state_read(struct store *store, store_each *each, void *context)
{
	return generation_read(&store->now, each, context);
}

enum err state_get(struct store *store, enum table table, struct slice key, struct buf *value)
{
	struct generation *g = &store->now;
	struct slice found;

	value->n = 0;
	value->full = false;
	if ((unsigned)table >= STORE_TABLES || g->tables[table] == 0)
		return ERR_NOT_FOUND;
	struct txn t = txn_read(g->state, &g->loop_state);
	bool there = txn_get(&t, g->tables[table], key, &found);
	if (there && (g->format == 1 || sealed_open(&t, table, key, &found)))
		buf_put(value, found);
	else
		txn_fail(&t, ERR_NOT_FOUND);
	if (value->full)
		txn_fail(&t, ERR_TOO_BIG);
	return txn_end(&t);
}

/* --- checkpoint --- */

static int by_key_then_seq(const void *left, const void *right)
{
	const struct entry *a = left;
	const struct entry *b = right;
	int keys = slice_cmp(a->key, b->key);

	if (a->table != b->table)
		return a->table < b->table ? -1 : 1;
	return keys != 0 ? keys : (a->seq > b->seq) - (a->seq < b->seq);
}

static bool window_open(const struct window *w, uint64_t through_seq)
{
	return w->n < WINDOW_ENTRIES && w->bytes < WINDOW_BYTES &&
	       w->end.position.seq < through_seq;
}

/* Takes what of the block comes next. The log is dense: anything else is corruption. */
static void take_block(struct cursor *c, struct block b, uint64_t through_seq, struct window *w)
{
	struct slice skipped;
	struct entry e;

	for (uint64_t seq = b.first_seq; seq <= w->end.position.seq; seq++)
		if (!block_next(&b, &skipped))
			txn_fail(c->txn, ERR_CORRUPT);
	while (window_open(w, through_seq) && log_entry(c, &b, &e)) {
		if (e.seq != w->end.position.seq + 1 || e.key.n == 0 || e.key.n > RECORD_KEY_MAX)
			txn_fail(c->txn, ERR_CORRUPT);
		if ((unsigned)e.table >= STORE_TABLES)
			txn_fail(c->txn, ERR_VERSION);
		w->entries[w->n++] = e;
		w->bytes += e.key.n + e.value.n;
		w->end = (struct image){{e.reign, e.seq}, e.pair, b.wall_ms};
	}
}

static void window_fill(struct cursor *c, uint64_t through_seq, struct window *w)
{
	struct slice none = {NULL, 0};
	struct block b;
	bool more = log_seek(c, w->end.position.seq + 1, &b);

	w->n = 0;
	w->bytes = 0;
	while (more && window_open(w, through_seq)) {
		take_block(c, b, through_seq, w);
		more = cursor_move(c, MDB_NEXT, none) && log_block(c, &b);
	}
}

static bool same_record(const struct entry *a, const struct entry *b)
{
	return a->table == b->table && slice_eq(a->key, b->key);
}

size_t entries_newest(struct entry *entries, size_t n)
{
	size_t kept = 0;

	if (n > 0)
		qsort(entries, n, sizeof *entries, by_key_then_seq);
	for (size_t i = 0; i < n; i++)
		if (i + 1 == n || !same_record(&entries[i], &entries[i + 1]))
			entries[kept++] = entries[i];
	return kept;
}

static enum err window_write(struct generation *g, struct window *w, uint64_t *records)
{
	struct txn t = txn_write(g->state);
	size_t written = entries_newest(w->entries, w->n);

	sums_get(&t, g, &g->sums);
	for (size_t i = 0; i < written; i++) {
		const struct entry *e = &w->entries[i];
		record_put(&t, g, e->table, e->key, e->value);
	}
	image_put(&t, g, &w->end);
	enum err err = txn_commit(&t);
	if (err == OK)
		*records += written;
	return err;
}

/* The log's snapshot is held until the window is written: its entries point into it. */
static enum err window_move(struct generation *g, uint64_t through_seq, struct window *w,
                            uint64_t *records)
{
	struct txn t = txn_read(g->log, &g->checkpoint_log);
	struct cursor c = cursor_open(&t, g->blocks);

	window_fill(&c, through_seq, w);
	if (t.err == OK && w->n > 0)
		txn_fail(&t, window_write(g, w, records));
	cursor_close(&c);
	return txn_end(&t);
}

enum err store_checkpoint(struct store *store, uint64_t through_seq, uint64_t *records)
{
	struct generation *g = &store->now;
	struct txn s = txn_read(g->state, &g->checkpoint_state);
	struct window w = {.end = image_get(&s, g)};
	enum err err = txn_end(&s);

	assert(!store->reading);
	*records = 0;
	/* A reader that was killed (regpairctl) would keep pages from being used again. */
	(void)mdb_reader_check(g->log, NULL);
	(void)mdb_reader_check(g->state, NULL);
	w.n = 1; /* the first turn is not the last */
	w.entries = take(WINDOW_ENTRIES * sizeof *w.entries);
	while (err == OK && w.n > 0 && w.end.position.seq < through_seq)
		err = window_move(g, through_seq, &w, records);
	free(w.entries);
	return err;
}
