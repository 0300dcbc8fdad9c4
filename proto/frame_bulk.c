/* Frames of the bulk connection. */
#include <assert.h>

#include "proto/frame_parts.h"
#include "proto/pack.h"

bool resume_how_known(uint32_t how)
{
	return how >= RESUME_NOTHING && how <= RESUME_FORK;
}

static enum err item_fault(const struct snapshot_item *i)
{
	if (i->key.n > RECORD_KEY_MAX || i->value.n > RECORD_MAX)
		return ERR_TOO_BIG;
	return i->table != 0 && i->key.n > 0 && i->value.n > 0 ? OK : ERR_MALFORMED;
}

enum err frame_read_slice(const Repl__SnapshotSlice *m, struct arena *arena, struct frame *out)
{
	enum err err = m->number > 0 ? OK : ERR_MALFORMED;

	if (m->n_items > SLICE_ITEMS_MAX)
		return ERR_TOO_BIG;

	struct snapshot_item *items = arena_take(arena, m->n_items * sizeof *items);

	if (items == NULL)
		return ERR_TOO_BIG;
	for (size_t i = 0; i < m->n_items && err == OK; i++) {
		const Repl__SnapshotItem *from = m->items[i];

		items[i] =
			(struct snapshot_item){from->table, borrow(from->key), borrow(from->value)};
		err = item_fault(&items[i]);
	}
	out->slice.number = m->number;
	out->slice.items = items;
	out->slice.n_items = m->n_items;
	out->slice.place = (struct snapshot_place){m->table, m->at, m->within};
	return err;
}

void frame_write_slice(const struct frame *f, struct arena *arena, Repl__SnapshotSlice *m)
{
	Repl__SnapshotItem *items = arena_take(arena, f->slice.n_items * sizeof *items);
	Repl__SnapshotItem **list = arena_take(arena, f->slice.n_items * sizeof(void *));

	assert(f->slice.number > 0 && f->slice.n_items <= SLICE_ITEMS_MAX);
	repl__snapshot_slice__init(m);
	m->number = f->slice.number;
	m->table = f->slice.place.table;
	m->at = f->slice.place.at;
	m->within = f->slice.place.within;
	if (items == NULL || list == NULL)
		return;
	for (size_t i = 0; i < f->slice.n_items; i++) {
		const struct snapshot_item *from = &f->slice.items[i];

		assert(item_fault(from) == OK);
		repl__snapshot_item__init(&items[i]);
		items[i].table = from->table;
		items[i].key = lend(from->key);
		items[i].value = lend(from->value);
		list[i] = &items[i];
	}
	m->items = list;
	m->n_items = f->slice.n_items;
}

enum err frame_read_go_on(const Repl__GoOn *m, struct go_on *out)
{
	*out = (struct go_on){
		.how = m->how,
		.next_seq = m->next_seq,
		.slices = m->slices,
		.items = m->items,
		.digest = m->digest,
		.place = {m->table, m->at, m->within},
		.through_seq = m->through_seq,
		.stored = m->stored,
	};
	return resume_how_known(m->how) ? OK : ERR_MALFORMED;
}

void frame_write_go_on(const struct go_on *g, Repl__GoOn *m)
{
	assert(resume_how_known(g->how));
	repl__go_on__init(m);
	m->how = g->how;
	m->next_seq = g->next_seq;
	m->slices = g->slices;
	m->items = g->items;
	m->digest = g->digest;
	m->table = g->place.table;
	m->at = g->place.at;
	m->within = g->place.within;
	m->through_seq = g->through_seq;
	m->stored = g->stored;
}
