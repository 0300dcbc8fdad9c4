/* Seals: what tells that a value is the one that was stored. */
#include <assert.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "store/internal.h"

uint64_t seal_of(unsigned table, struct slice key, struct slice bytes)
{
	return XXH3_64bits_withSeed(bytes.p, bytes.n, XXH3_64bits_withSeed(key.p, key.n, table));
}

static uint64_t put_behind_seal(struct txn *t, MDB_dbi db, unsigned table, struct slice key,
                                struct slice bytes)
{
	uint64_t seal = seal_of(table, key, bytes);
	uint8_t *room = txn_reserve(t, db, key, SEAL_SIZE + bytes.n);

	if (room != NULL) {
		struct buf to = buf_on(room, SEAL_SIZE + bytes.n);
		buf_uint(&to, seal, SEAL_SIZE);
		buf_put(&to, bytes);
	}
	return seal;
}

void sealed_put(struct txn *t, MDB_dbi db, unsigned table, struct slice key, struct slice bytes)
{
	(void)put_behind_seal(t, db, table, key, bytes);
}

bool sealed_open(struct txn *t, unsigned table, struct slice key, struct slice *value)
{
	struct reader r = {.rest = *value};
	uint64_t seal = reader_u64(&r);

	if (r.bad || seal != seal_of(table, key, r.rest))
		txn_fail(t, ERR_CORRUPT);
	*value = r.rest;
	return t->err == OK;
}

void record_put(struct txn *t, struct generation *g, unsigned table, struct slice key,
                struct slice bytes)
{
	struct slice old;

	assert(table > NO_TABLE && table < STORE_TABLES);
	assert(g->format == STORE_FORMAT);
	if (txn_get(t, g->tables[table], key, &old)) {
		struct reader r = {.rest = old};
		g->sums.table[table].count--;
		g->sums.table[table].sum -= reader_u64(&r);
		if (r.bad)
			txn_fail(t, ERR_CORRUPT);
	}
	if (bytes.n == 0) {
		txn_delete(t, g->tables[table], key);
		return;
	}
	g->sums.table[table].count++;
	g->sums.table[table].sum += put_behind_seal(t, g->tables[table], table, key, bytes);
}

bool record_open(struct txn *t, const struct generation *g, unsigned table, struct cursor *at,
                 struct sums *sums)
{
	struct reader r = {.rest = at->value};

	if (g->format == 1)
		return true;
	if (sums != NULL) {
		sums->table[table].count++;
		sums->table[table].sum += reader_u64(&r);
	}
	return sealed_open(t, table, at->key, &at->value);
}

void sums_put(struct txn *t, const struct generation *g)
{
	uint8_t room[sizeof g->sums];
	struct buf b = buf_on(room, sizeof room);

	for (unsigned i = 0; i < STORE_TABLES; i++) {
		buf_uint(&b, g->sums.table[i].count, 8);
		buf_uint(&b, g->sums.table[i].sum, 8);
	}
	sealed_put(t, g->meta, NO_TABLE, SLICE("sums"), buf_slice(&b));
}

void sums_get(struct txn *t, const struct generation *g, struct sums *out)
{
	struct reader r = {.bad = true};

	*out = (struct sums){0};
	if (g->format == 1)
		return;
	if (txn_get(t, g->meta, SLICE("sums"), &r.rest) &&
	    sealed_open(t, NO_TABLE, SLICE("sums"), &r.rest))
		r.bad = false;
	for (unsigned i = 0; i < STORE_TABLES; i++) {
		out->table[i].count = reader_u64(&r);
		out->table[i].sum = reader_u64(&r);
	}
	if (r.bad)
		txn_fail(t, ERR_CORRUPT);
}
