#include <assert.h>
#include <errno.h>
#include <stdio.h>

#include "store/internal.h"

/* A generation is made under the name `next` and renamed when it is whole: what is called gen-N
 * always is. */
#define NEXT "next"

enum { PUTS_MAX = 4096 }; /* in one transaction */

static enum err next_make(struct store *store)
{
	enum err err = generation_mkdir(store->dir_fd, NEXT);

	if (err == OK)
		err = generation_open(&store->next, store->dir, NEXT, store->max_size,
		                      GENERATION_MAKE);
	return err != OK ? err : generation_tables(&store->next, GENERATION_MAKE);
}

/* The moment: `current` names the new one. Before it the old one counts, whatever fails. */
static enum err next_install(struct store *store, uint64_t number)
{
	char name[GENERATION_NAME_MAX];
	enum err err = generation_sync_dirs(store->dir_fd, NEXT);

	generation_name(name, number);
	if (err == OK && renameat(store->dir_fd, NEXT, store->dir_fd, name) != 0)
		err = err_of(errno);
	if (err == OK)
		err = dir_sync(store->dir_fd);
	return err != OK ? err : current_write(store->dir_fd, number);
}

static enum err next_seal(struct store *store, const struct image *image)
{
	struct identity identity = {.format = STORE_FORMAT, .node_id = store->node_id};

	memcpy(identity.cluster_id, store->cluster_id, sizeof identity.cluster_id);
	return generation_seal(&store->next, &identity, image);
}

static void next_adopt(struct store *store, uint64_t number, uint64_t next_seq)
{
	store->now = store->next;
	store->next = (struct generation){.log = NULL};
	store->number = number;
	store->next_seq = next_seq;
}

enum err store_first(struct store *store)
{
	struct image nothing = {.wall_ms = 0};
	enum err err = next_make(store);

	if (err == OK)
		err = next_seal(store, &nothing);
	if (err == OK)
		err = next_install(store, 1);
	if (err == OK)
		next_adopt(store, 1, 1);
	else
		generation_close(&store->next);
	return err;
}

enum err store_next_begin(struct store *store)
{
	assert(!store->reading);
	store_next_abort(store);
	store->next_begun = true;
	store->next_fail = OK;
	enum err err = next_make(store);
	if (err != OK)
		store_next_abort(store);
	return err;
}

static enum err next_flush(struct store *store)
{
	if (store->next_puts > 0) {
		store->next_puts = 0;
		enum err err = txn_commit(&store->next_txn);
		if (store->next_fail == OK)
			store->next_fail = err;
	}
	return store->next_fail;
}

enum err store_next_put(struct store *store, enum table table, struct slice key, struct slice value)
{
	assert(store->next_begun);
	if (store->next_fail != OK)
		return store->next_fail;
	if ((unsigned)table == 0 || (unsigned)table >= STORE_TABLES)
		return store->next_fail = ERR_VERSION;

	if (store->next_puts++ == 0)
		store->next_txn = txn_write(store->next.state);
	record_put(&store->next_txn, &store->next, table, key, value);
	if (store->next_txn.err != OK || store->next_puts == PUTS_MAX)
		return next_flush(store);
	return OK;
}

/* The reader compares with what is stored. */
static enum err next_sums(struct store *store)
{
	struct txn t = txn_write(store->next.state);

	sums_put(&t, &store->next);
	return txn_commit(&t);
}

enum err store_next_read(struct store *store, store_each *each, void *context)
{
	assert(store->next_begun);
	enum err err = next_flush(store);
	if (err == OK)
		err = next_sums(store);
	return err != OK ? err : generation_read(&store->next, each, context);
}

enum err store_next_restored(struct store *store, struct position position)
{
	assert(store->next_begun);
	enum err err = next_flush(store);
	if (err != OK)
		return err;
	struct txn t = txn_write(store->next.state);
	restored_put(&t, &store->next, position);
	return txn_commit(&t);
}

enum err store_next_commit(struct store *store, struct position position, struct pairtime pair,
                           int64_t wall_ms)
{
	struct image image = {position, pair, wall_ms};
	uint64_t number = store->number + 1;
	char old[GENERATION_NAME_MAX];

	assert(store->next_begun);
	enum err err = next_flush(store);
	if (err == OK)
		err = next_seal(store, &image);
	if (err == OK) {
		err = next_install(store, number);
		if (err !=
		    OK) /* which of the two a restart finds is not sure: no promises any more */
			atomic_store(&store->log_fail, (int)err);
	}
	if (err != OK) {
		store_next_abort(store);
		return err;
	}
	generation_name(old, store->number);
	generation_close(&store->now);
	next_adopt(store, number, position.seq + 1);
	store->next_begun = false;
	generation_remove(store->dir_fd, old);
	return OK;
}

void store_next_abort(struct store *store)
{
	if (!store->next_begun)
		return;
	if (store->next_puts > 0)
		(void)txn_end(&store->next_txn); /* dropped on purpose */
	store->next_puts = 0;
	generation_close(&store->next);
	generation_remove(store->dir_fd, NEXT);
	store->next_begun = false;
}
