/* merge_kit.h - what the tests of the merge share: records as texts (merge_text.h), and a bench with
 * the memory that a merge wants. */
#ifndef TESTS_UNIT_MERGE_KIT_H
#define TESTS_UNIT_MERGE_KIT_H

#include "node/core/merge.h"
#include "tests/unit/merge_text.h"

enum { MERGE_ARENA = 1024 * 1024, MERGE_TEXT_MAX = 4096 };

struct merge_bench {
	_Alignas(16) uint8_t memory[MERGE_ARENA];
	struct aor_record record;
	uint8_t bytes[6][RECORD_MAX]; /* what outlives the arena's next use */
};

static inline char contact_letter(struct slice uri, struct slice instance)
{
	return (char)(instance.n > 0 ? instance.p[instance.n - 2] : uri.p[sizeof "sip:u@" - 1]);
}

static inline void write_call(struct buf *to, struct slice call_id, uint32_t cseq,
                              struct pairtime at)
{
	buf_put(to, call_id);
	if (call_id.n > 0)
		buf_u64(to, cseq);
	buf_byte(to, '@');
	buf_u64(to, (uint64_t)at.ms / 1000);
}

static inline void write_bindings(struct buf *to, const struct aor_record *r)
{
	for (size_t i = 0; i < r->n_bindings; i++) {
		const struct binding *b = &r->bindings[i];

		buf_byte(to, ' ');
		buf_byte(to, (uint8_t)contact_letter(b->uri, b->instance));
		buf_byte(to, '=');
		write_call(to, b->call_id, b->cseq, b->stamped);
	}
}

static inline void write_tombstones(struct buf *to, const struct aor_record *r)
{
	for (size_t i = 0; i < r->n_tombstones; i++) {
		const struct tombstone *t = &r->tombstones[i];

		buf_byte(to, ' ');
		buf_byte(to, (uint8_t)contact_letter(t->uri, t->instance));
		buf_byte(to, '!');
		write_call(to, t->call_id, t->cseq, t->stamped);
		buf_byte(to, (uint8_t) "?rope"[t->cause]);
	}
}

/* The record as a text, without epochs. */
static inline void write_record(const struct aor_record *r, char text[MERGE_TEXT_MAX])
{
	struct buf to = buf_on((uint8_t *)text, MERGE_TEXT_MAX - 1);

	write_bindings(&to, r);
	write_tombstones(&to, r);
	if (r->floor.set) {
		buf_str(&to, " *");
		write_call(&to, r->floor.call_id, r->floor.cseq, r->floor.stamped);
	}
	for (size_t i = 0; i < r->n_nonces; i++) {
		char nonce[64];
		(void)snprintf(nonce, sizeof nonce, " " SLICE_FMT "%u/%x@%lld",
		               SLICE_ARG(r->nonces[i].nonce), r->nonces[i].highest,
		               r->nonces[i].window, (long long)r->nonces[i].issued.ms / 1000);
		buf_str(&to, nonce);
	}
	assert_false(to.full);
	text[to.n] = '\0';
	if (to.n > 0)
		memmove(text, text + 1, to.n);
}

static inline struct slice bench_keep(struct merge_bench *bench, size_t slot, struct slice bytes)
{
	assert_true(slot < ARRAY_LEN(bench->bytes) && bytes.n <= RECORD_MAX);
	if (bytes.n > 0)
		memcpy(bench->bytes[slot], bytes.p, bytes.n);
	return (struct slice){bench->bytes[slot], bytes.n};
}

static inline struct slice bench_encode(struct merge_bench *bench, size_t slot,
                                        const struct aor_record *r)
{
	struct arena arena = arena_on(bench->memory, sizeof bench->memory);
	struct buf to = buf_on(bench->bytes[slot], RECORD_MAX);

	aor_encode(r, &arena, &to);
	assert_false(to.full);
	return buf_slice(&to);
}

/* Merges, and keeps the result in the slot. */
static inline struct merged bench_merge(struct merge_bench *bench, const struct merge *m,
                                        const struct merge_versions *v, size_t slot)
{
	struct arena arena = arena_on(bench->memory, sizeof bench->memory);
	struct merged out;

	assert_int_equal(record_merge(m, TABLE_AOR, v, &arena, &out), OK);
	out.value = bench_keep(bench, slot, out.value);
	return out;
}

#endif
