/* The frames by which two nodes prove that they are equal. */
#include <assert.h>

#include "proto/frame_parts.h"
#include "proto/pack.h"

enum err frame_read_digest(const Repl__Digest *m, struct arena *arena, struct frame *out)
{
	if (m->n_tables > FRAME_TABLES_MAX)
		return ERR_TOO_BIG;

	struct table_digest *tables = arena_take(arena, m->n_tables * sizeof *tables);

	if (tables == NULL)
		return ERR_TOO_BIG;
	for (size_t i = 0; i < m->n_tables; i++) {
		const Repl__TableDigest *from = m->tables[i];

		tables[i] = (struct table_digest){from->table, from->count, from->digest};
	}
	out->digest.seq = m->seq;
	out->digest.tables = tables;
	out->digest.n_tables = m->n_tables;
	return OK;
}

enum err frame_read_digest_answer(const Repl__DigestAnswer *m, struct frame *out)
{
	out->digest_answer.seq = m->seq;
	out->digest_answer.equal = m->equal;
	out->digest_answer.damaged = m->damaged;
	return OK;
}

enum err frame_read_buckets(const Repl__Buckets *m, struct frame *out)
{
	out->buckets.seq = m->seq;
	out->buckets.table = m->table;
	out->buckets.sums = m->n_sums > 0 ? m->sums : NULL;
	return m->n_sums == 0 || m->n_sums == FRAME_BUCKETS ? OK : ERR_MALFORMED;
}

enum err frame_read_keys(const Repl__Keys *m, struct arena *arena, struct frame *out)
{
	if (m->n_keys > FRAME_KEYS_MAX || m->n_buckets > FRAME_BUCKETS)
		return ERR_TOO_BIG;

	struct key_digest *keys = arena_take(arena, m->n_keys * sizeof *keys);
	bool sound = m->n_buckets <= m->differing;

	if (keys == NULL)
		return ERR_TOO_BIG;
	for (size_t i = 0; i < m->n_keys; i++) {
		keys[i] = (struct key_digest){borrow(m->keys[i]->key), m->keys[i]->digest};
		sound = sound && keys[i].key.n > 0 && keys[i].key.n <= RECORD_KEY_MAX;
	}
	for (size_t i = 0; i < m->n_buckets; i++)
		sound = sound && m->buckets[i] < FRAME_BUCKETS;
	out->keys = (struct keys_frame){
		.seq = m->seq,
		.table = {m->table, m->count, m->digest},
		.differing = m->differing,
		.buckets = m->buckets,
		.n_buckets = m->n_buckets,
		.keys = keys,
		.n_keys = m->n_keys,
	};
	return sound ? OK : ERR_MALFORMED;
}

void frame_write_digest(const struct frame *f, struct arena *arena, Repl__Digest *m)
{
	size_t n = f->digest.n_tables;
	Repl__TableDigest *tables = arena_take(arena, n * sizeof *tables);
	Repl__TableDigest **list = arena_take(arena, n * sizeof(void *));

	assert(n <= FRAME_TABLES_MAX);
	repl__digest__init(m);
	if (tables == NULL || list == NULL)
		return;
	for (size_t i = 0; i < n; i++) {
		repl__table_digest__init(&tables[i]);
		tables[i].table = f->digest.tables[i].table;
		tables[i].count = f->digest.tables[i].count;
		tables[i].digest = f->digest.tables[i].digest;
		list[i] = &tables[i];
	}
	m->seq = f->digest.seq;
	m->tables = list;
	m->n_tables = n;
}

void frame_write_digest_answer(const struct frame *f, Repl__DigestAnswer *m)
{
	repl__digest_answer__init(m);
	m->seq = f->digest_answer.seq;
	m->equal = f->digest_answer.equal;
	m->damaged = f->digest_answer.damaged;
}

void frame_write_buckets(const struct frame *f, Repl__Buckets *m)
{
	repl__buckets__init(m);
	m->seq = f->buckets.seq;
	m->table = f->buckets.table;
	m->sums = lend_memory(f->buckets.sums);
	m->n_sums = f->buckets.sums == NULL ? 0 : FRAME_BUCKETS;
}

void frame_write_keys(const struct keys_frame *k, struct arena *arena, Repl__Keys *m)
{
	Repl__KeyDigest *keys = arena_take(arena, k->n_keys * sizeof *keys);
	Repl__KeyDigest **list = arena_take(arena, k->n_keys * sizeof(void *));

	assert(k->n_keys <= FRAME_KEYS_MAX && k->n_buckets <= FRAME_BUCKETS);
	repl__keys__init(m);
	if (keys == NULL || list == NULL)
		return;
	for (size_t i = 0; i < k->n_keys; i++) {
		repl__key_digest__init(&keys[i]);
		keys[i].key = lend(k->keys[i].key);
		keys[i].digest = k->keys[i].digest;
		list[i] = &keys[i];
	}
	m->seq = k->seq;
	m->table = k->table.table;
	m->count = k->table.count;
	m->digest = k->table.digest;
	m->differing = k->differing;
	m->buckets = lend_memory(k->buckets);
	m->n_buckets = k->n_buckets;
	m->keys = list;
	m->n_keys = k->n_keys;
}
