/* Image and log as one: what a node would hold that was started now.
 *
 * The log's snapshot is taken first, then the image's. A log always reaches back to its image, and the
 * image only moves on; so either the log's entries behind the image bring it to where the log ends, or
 * the image is beyond that already. Whole it is in both cases. */
#include <string.h>

#include "store/internal.h"

struct whole {
	const struct generation *g;
	struct txn log, state;
	struct store_end end;
	struct entry *
		tail; /* what the image lacks, the newest of each record; points into the log's map */
	size_t n, room, next; /* the first of `tail` not yet handed out */
	struct sums found;    /* in the image */
	store_each *each;
	void *context;
};

static void keep(struct whole *w, const struct entry *e)
{
	enum { ROOM_FIRST = 1024 };

	if (w->n == w->room) {
		w->room = w->room == 0 ? ROOM_FIRST : 2 * w->room;
		w->tail = reallocarray(w->tail, w->room, sizeof *w->tail);
		if (w->tail == NULL)
			abort();
	}
	w->tail[w->n++] = *e;
}

static void take_entry(struct whole *w, const struct entry *e, int64_t wall_ms)
{
	if (e->seq <= w->end.position.seq) /* in the image */
		return;
	if (e->seq != w->end.position.seq + 1 || e->key.n == 0 || e->key.n > RECORD_KEY_MAX)
		txn_fail(&w->log, ERR_CORRUPT);
	if ((unsigned)e->table >= STORE_TABLES)
		txn_fail(&w->log, ERR_VERSION);
	keep(w, e);
	w->end.position = (struct position){e->reign, e->seq};
	w->end.pair = e->pair;
	w->end.wall_ms = wall_ms;
}

static void read_tail(struct whole *w)
{
	struct cursor c = cursor_open(&w->log, w->g->blocks);
	struct slice none = {NULL, 0};
	struct entry e;
	struct block b;
	bool more = log_seek(&c, w->end.position.seq + 1, &b);

	while (more) {
		while (log_entry(&c, &b, &e))
			take_entry(w, &e, b.wall_ms);
		more = cursor_move(&c, MDB_NEXT, none) && log_block(&c, &b);
	}
	cursor_close(&c);
	w->n = entries_newest(w->tail, w->n);
}

static bool hand_out(struct whole *w, unsigned table, struct slice key, struct slice value)
{
	return value.n == 0 || w->each(w->context, (enum table)table, key, value);
}

/* The tail's records of the table in front of `key` (NULL: all that are left); where it has one under
 * `key` itself, that counts. */
static bool tail_before(struct whole *w, unsigned table, const struct slice *key, bool *has_key)
{
	bool go_on = true;

	*has_key = false;
	while (go_on && !*has_key && w->next < w->n && w->tail[w->next].table == table) {
		const struct entry *e = &w->tail[w->next];
		int order = key == NULL ? -1 : slice_cmp(e->key, *key);
		if (order > 0)
			break;
		*has_key = order == 0;
		go_on = hand_out(w, table, e->key, e->value);
		w->next++;
	}
	return go_on;
}

static bool read_table(struct whole *w, unsigned table)
{
	struct cursor c = cursor_open(&w->state, w->g->tables[table]);
	uint64_t left = txn_entries(&w->state, w->g->tables[table]);
	struct slice none = {NULL, 0};
	bool newer;
	bool go_on = true;

	while (go_on && left-- > 0 && cursor_move(&c, MDB_NEXT, none)) {
		go_on = record_open(&w->state, w->g, table, &c, &w->found) &&
		        tail_before(w, table, &c.key, &newer) &&
		        (newer || hand_out(w, table, c.key, c.value));
	}
	cursor_close(&c);
	return go_on;
}

static void read_tables(struct whole *w)
{
	bool go_on = true;
	bool newer;

	for (unsigned i = 1; i < STORE_TABLES && go_on; i++) {
		if (w->g->tables[i] != 0)
			go_on = read_table(w, i);
		go_on = go_on && tail_before(w, i, NULL, &newer);
	}
	if (!go_on)
		txn_fail(&w->state, ERR_CORRUPT);
	sums_check(&w->state, w->g, &w->found);
}

static void find_end(struct whole *w, const struct store *store)
{
	struct image image = image_get(&w->state, w->g);
	struct sums sums;

	sums_get(&w->state, w->g, &sums);
	w->end = (struct store_end){.node_id = store->node_id,
	                            .position = image.position,
	                            .pair = image.pair,
	                            .wall_ms = image.wall_ms};
	memcpy(w->end.cluster_id, store->cluster_id, sizeof w->end.cluster_id);
	for (unsigned i = 0; i < STORE_TABLES; i++)
		w->end.records += sums.table[i].count;
}

enum err store_whole(struct store *store, store_begins *begins, store_each *each, void *context)
{
	struct generation *g = &store->now;
	struct whole w = {.g = g, .each = each, .context = context};

	w.log = txn_read(g->log, &g->loop_log);
	w.state = txn_read(g->state, &g->loop_state);
	find_end(&w, store);
	if (w.state.err == OK)
		read_tail(&w);
	if (w.state.err == OK && w.log.err == OK) {
		if (begins(context, &w.end))
			read_tables(&w);
		else
			txn_fail(&w.state, ERR_CORRUPT);
	}
	free(w.tail);
	enum err state = txn_end(&w.state);
	enum err log = txn_end(&w.log);
	return state != OK ? state : log;
}
