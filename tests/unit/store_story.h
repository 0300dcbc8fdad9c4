/* store_story.h - short words for what the stories of the store do and see. */
#ifndef TESTS_STORE_STORY_H
#define TESTS_STORE_STORY_H

#include "tests/unit/store_fixture.h"

enum { REIGN = 77 };

static inline size_t encode(const struct entry *e, uint8_t room[ENTRY_MAX])
{
	struct buf b = buf_on(room, ENTRY_MAX);

	entry_encode(e, &b);
	assert_false(b.full);
	return b.n;
}

static inline struct entry entry_of(uint64_t seq, const char *key, const char *value)
{
	return (struct entry){.seq = seq,
	                      .reign = REIGN,
	                      .pair = {(int64_t)(1000 * seq)},
	                      .kind = ENTRY_REQUEST,
	                      .table = TABLE_AOR,
	                      .key = slice_str(key),
	                      .value = slice_str(value)};
}

static inline enum err commit_entry(struct fixture *f, const struct entry *e)
{
	uint8_t room[ENTRY_MAX];
	struct slice bytes = {room, encode(e, room)};

	return log_commit(f->store, &bytes, 1, e->seq, (int64_t)(5000 + e->seq));
}

/* key=value; an empty value deletes */
static inline void commits(struct fixture *f, uint64_t seq, const char *key, const char *value)
{
	struct entry e = entry_of(seq, key, value);

	assert_int_equal(commit_entry(f, &e), OK);
}

/* `n` entries in one transaction, each with a value of `size` bytes; keys repeat every `keys`. */
struct bulk {
	uint64_t first;
	size_t n, size;
	uint64_t keys;
};

static inline enum err commit_bulk(struct store *store, struct bulk bulk)
{
	uint8_t *room = malloc(bulk.n * (bulk.size + 128));
	struct slice *entries = calloc(bulk.n, sizeof *entries);
	uint8_t value[RECORD_MAX];
	struct buf b = buf_on(room, bulk.n * (bulk.size + 128));

	assert_non_null(room);
	assert_non_null(entries);
	for (size_t i = 0; i < bulk.n; i++) {
		uint64_t seq = bulk.first + i;
		char key[32];
		size_t at = b.n;
		memset(value, (int)('a' + seq % 26), sizeof value);
		(void)snprintf(key, sizeof key, "key%06llu", (unsigned long long)(seq % bulk.keys));
		struct entry e = entry_of(seq, key, "");
		e.value = (struct slice){value, bulk.size};
		entry_encode(&e, &b);
		entries[i] = (struct slice){room + at, b.n - at};
	}
	assert_false(b.full);
	enum err err = log_commit(store, entries, bulk.n, bulk.first, 9000);
	free(entries);
	free(room);
	return err;
}

static inline struct store_meta meta_of(struct fixture *f)
{
	struct store_meta m;

	assert_int_equal(store_meta(f->store, &m), OK);
	return m;
}

static inline void shows_meta(struct fixture *f, const char *want)
{
	struct store_meta m = meta_of(f);
	char text[160];

	(void)snprintf(text, sizeof text, "log %llu-%llu base %llu/%llu image %llu/%llu pair %lld",
	               (unsigned long long)m.log_first, (unsigned long long)m.log_last,
	               (unsigned long long)m.base.reign, (unsigned long long)m.base.seq,
	               (unsigned long long)m.applied.reign, (unsigned long long)m.applied.seq,
	               (long long)m.pair.ms);
	assert_string_equal(text, want);
}

static inline bool print_record(void *context, enum table table, struct slice key,
                                struct slice value)
{
	struct buf *b = context;

	buf_u64(b, (uint64_t)table);
	buf_byte(b, ':');
	buf_put(b, key);
	buf_byte(b, '=');
	buf_put(b, value);
	buf_byte(b, ' ');
	return true;
}

static inline void shows_image(struct fixture *f, const char *want)
{
	uint8_t text[1000];
	struct buf b = buf_on(text, sizeof text - 1);

	assert_int_equal(state_read(f->store, print_record, &b), OK);
	text[b.n] = '\0';
	assert_string_equal((const char *)text, want);
}

/* What the log holds from `seq` on: "1:k=v 2:k= ". */
static inline void shows_log(struct fixture *f, uint64_t seq, const char *want)
{
	uint8_t *room = malloc(BLOCK_MAX);
	struct buf block = buf_on(room, BLOCK_MAX);
	uint8_t text[1000];
	struct buf b = buf_on(text, sizeof text - 1);
	struct block in;
	struct slice bytes;
	struct entry e;

	while (log_read(f->store, seq, &block) == OK) {
		assert_int_equal(block_open(buf_slice(&block), &in), OK);
		while (block_next(&in, &bytes)) {
			assert_int_equal(entry_decode(bytes, &e), OK);
			if (e.seq >= seq)
				(void)print_record(&b, (enum table)e.seq, e.key, e.value);
		}
		seq = in.first_seq + in.count;
	}
	free(room);
	text[b.n] = '\0';
	assert_string_equal((const char *)text, want);
}

static inline uint64_t checkpoints(struct fixture *f, uint64_t through)
{
	uint64_t records = 0;

	assert_int_equal(store_checkpoint(f->store, through, &records), OK);
	return records;
}

#endif
