/* A store of an older format, brought to this one.
 *
 * What it holds is put into a new generation as a snapshot would be: the image, and what its log has
 * beyond that; the new log begins empty behind it. Until the new one has replaced it, the old one is
 * untouched, so a crash in the middle does it again. */
#include "store/internal.h"

struct upgrade {
	struct store *store;
	const struct store_options *options;
	struct store_meta meta;
	struct position end;
	uint64_t done;
	enum err err;
};

static bool put(struct upgrade *u, enum table table, struct slice key, struct slice value)
{
	u->err = store_next_put(u->store, table, key, value);
	u->done++;
	if (u->options->progress != NULL)
		u->options->progress(u->options->context, "upgraded", u->done);
	return u->err == OK;
}

static bool on_record(void *context, enum table table, struct slice key, struct slice value)
{
	return put(context, table, key, value);
}

static bool on_entry(void *context, struct slice bytes)
{
	struct upgrade *u = context;
	struct entry e;

	u->err = entry_decode(bytes, &e);
	if (u->err != OK)
		return false;
	u->end = (struct position){e.reign, e.seq};
	return e.seq <= u->meta.applied.seq || put(u, e.table, e.key, e.value);
}

static enum err fill(struct upgrade *u)
{
	enum err err = state_read(u->store, on_record, u);

	if (err == OK)
		err = log_walk(u->store, on_entry, u);
	return u->err != OK ? u->err : err;
}

enum err store_upgrade(struct store *store, const struct store_options *options)
{
	struct upgrade u = {.store = store, .options = options};
	enum err err = store_meta(store, &u.meta);

	u.end = u.meta.applied;
	if (err == OK)
		err = store_next_begin(store);
	if (err == OK)
		err = fill(&u);
	if (err == OK)
		return store_next_commit(store, u.end, u.meta.pair, u.meta.wall_ms);
	store_next_abort(store);
	return err;
}
