#include "tests/sim/history.h"

#include <assert.h>
#include <stdlib.h>

#include "tests/sim/queue.h"

void history_begin(struct history *h)
{
	h->room = 256;
	h->n = 1;
	h->entries = take_memory(h->room * sizeof *h->entries);
	h->entries[0] = (struct history_entry){
		.aor = -1, .watched_aor = -1, .nap = -1, .digest_known = true};
}

void history_free(struct history *h)
{
	for (size_t i = 1; i < h->n; i++)
		free(h->entries[i].bytes);
	free(h->entries);
}

uint32_t history_find(const struct history *h, uint64_t reign, uint64_t seq)
{
	for (size_t i = h->n - 1; i > 0; i--)
		if (h->entries[i].seq == seq && h->entries[i].reign == reign)
			return (uint32_t)i;
	return 0;
}

uint32_t history_add(struct history *h, const struct entry *e, struct slice bytes, uint32_t parent)
{
	if (h->n == h->room) {
		h->room *= 2;
		h->entries = more_memory(h->entries, h->room * sizeof *h->entries);
	}
	struct history_entry *to = &h->entries[h->n];
	*to = (struct history_entry){
		.parent = parent,
		.reign = e->reign,
		.seq = e->seq,
		.pair = e->pair,
		.kind = e->kind,
		.table = e->table,
		.aor = -1,
		.watched_aor = -1,
		.nap = -1,
		.bytes = take_memory(bytes.n),
		.n = bytes.n,
	};
	memcpy(to->bytes, bytes.p, bytes.n);
	return (uint32_t)h->n++;
}

void chain_begin(struct chain *c)
{
	*c = (struct chain){.at = take_memory(256 * sizeof *c->at), .room = 256};
	c->at[0] = 0;
}

void chain_free(struct chain *c)
{
	free(c->at);
}

uint32_t chain_head(const struct chain *c)
{
	return c->at[c->n];
}

static void grow(struct chain *c, uint64_t seq)
{
	while (seq >= c->room) {
		c->room *= 2;
		c->at = more_memory(c->at, c->room * sizeof *c->at);
	}
}

static void note_newest(struct chain *c, const struct history *h, uint32_t entry)
{
	const struct history_entry *e = &h->entries[entry];

	if (e->aor >= 0)
		c->aor[e->aor] = entry;
	if (e->watched_aor >= 0)
		c->watched[e->watched_aor] = entry;
	if (e->nap >= 0)
		c->nap[e->nap] = entry;
}

void chain_push(struct chain *c, const struct history *h, uint32_t entry)
{
	const struct history_entry *e = &h->entries[entry];

	assert(e->seq == c->n + 1);
	grow(c, e->seq);
	c->at[++c->n] = entry;
	note_newest(c, h, entry);
}

static void find_aors(struct chain *c, const struct history *h)
{
	memset(c->aor, 0, sizeof c->aor);
	memset(c->watched, 0, sizeof c->watched);
	memset(c->nap, 0, sizeof c->nap);
	for (uint64_t seq = 1; seq <= c->n; seq++)
		note_newest(c, h, c->at[seq]);
}

void chain_cut(struct chain *c, const struct history *h, uint64_t seq)
{
	assert(seq <= c->n);
	c->n = seq;
	find_aors(c, h);
}

void chain_set(struct chain *c, const struct history *h, uint32_t entry)
{
	c->n = h->entries[entry].seq;
	grow(c, c->n);
	for (uint64_t seq = c->n; seq > 0; seq--) {
		c->at[seq] = entry;
		entry = h->entries[entry].parent;
	}
	assert(entry == 0);
	find_aors(c, h);
}

bool chain_has(const struct chain *c, const struct history *h, uint32_t entry)
{
	uint64_t seq = h->entries[entry].seq;

	return seq <= c->n && c->at[seq] == entry;
}
