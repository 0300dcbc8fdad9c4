/* layer: proto */
/* test_entry.c - one change as bytes, and the blocks of the log: no flipped bit goes unseen. */
#include "proto/entry.h"
#include "tests/check.h"
#include "tests/unit/golden/golden.h"

static const struct entry sample = {
	.seq = 48211,
	.reign = 0xfedcba9876543210,
	.pair = {1700000000123},
	.kind = ENTRY_REQUEST,
	.table = TABLE_AOR,
	.key = {SLICE_OF("sip:alice@example.com")},
	.value = {SLICE_OF("\012\001u the record's bytes")},
};

static struct slice encode(const struct entry *e)
{
	static uint8_t room[ENTRY_MAX];
	struct buf to = buf_on(room, sizeof room);

	entry_encode(e, &to);
	assert_false(to.full);
	return buf_slice(&to);
}

static bool within(struct slice part, struct slice whole)
{
	return part.p >= whole.p && part.p + part.n <= whole.p + whole.n;
}

static void an_entry_comes_back_and_borrows_from_its_bytes(void **state)
{
	(void)state;
	struct entry back;
	struct slice bytes = encode(&sample);

	assert_golden("entry", bytes);
	assert_int_equal(entry_decode(bytes, &back), OK);
	assert_int_equal(back.seq, 48211);
	assert_true(back.reign == sample.reign);
	assert_int_equal(back.pair.ms, 1700000000123);
	assert_int_equal(back.kind, ENTRY_REQUEST);
	assert_int_equal(back.table, TABLE_AOR);
	assert_true(slice_eq(back.key, sample.key));
	assert_true(slice_eq(back.value, sample.value));
	assert_true(within(back.key, bytes));
	assert_true(within(back.value, bytes));
}

static void an_entry_without_a_value_takes_the_record_away(void **state)
{
	(void)state;
	struct entry gone = sample;
	struct entry back;

	gone.value = (struct slice){NULL, 0};
	assert_int_equal(entry_decode(encode(&gone), &back), OK);
	assert_int_equal(back.value.n, 0);
	assert_true(slice_eq(back.key, sample.key));
}

static void the_largest_entry_comes_back(void **state)
{
	(void)state;
	static uint8_t value[RECORD_MAX];
	static uint8_t key[RECORD_KEY_MAX];
	struct entry large = {.seq = SEQ_END - 1,
	                      .reign = UINT64_MAX,
	                      .pair = {-1},
	                      .kind = ENTRY_MERGE,
	                      .table = TABLE_REIGN,
	                      .key = {key, sizeof key},
	                      .value = {value, sizeof value}};
	struct entry back;

	assert_int_equal(entry_decode(encode(&large), &back), OK);
	assert_int_equal(back.key.n, RECORD_KEY_MAX);
	assert_int_equal(back.value.n, RECORD_MAX);
}

#define HEAD "\010\001\021abcdefgh\040\001\050\001" /* seq, reign, kind, table */

static void wrong_entries_are_refused(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		struct slice bytes;
		enum err err;
	} cases[] = {
		{"an entry", {SLICE_OF(HEAD "\062\001k")}, OK},
		{"kind 200, table 100", {SLICE_OF(HEAD "\062\001k\040\310\001\050\144")}, OK},
		{"fields of a newer version", {SLICE_OF(HEAD "\062\001k\072\001v\102\003new")}, OK},
		{"value in front of the key", {SLICE_OF(HEAD "\072\001v\062\001k")}, OK},
		{"nothing", {SLICE_OF("")}, ERR_MALFORMED},
		{"no seq", {SLICE_OF("\021abcdefgh\040\001\050\001\062\001k")}, ERR_MALFORMED},
		{"no reign", {SLICE_OF("\010\001\040\001\050\001\062\001k")}, ERR_MALFORMED},
		{"no kind", {SLICE_OF("\010\001\021abcdefgh\050\001\062\001k")}, ERR_MALFORMED},
		{"no table", {SLICE_OF("\010\001\021abcdefgh\040\001\062\001k")}, ERR_MALFORMED},
		{"no key", {SLICE_OF(HEAD)}, ERR_MALFORMED},
		{"cut", {SLICE_OF(HEAD "\062\005k")}, ERR_MALFORMED},
		{"not protobuf", {SLICE_OF("\377\377")}, ERR_MALFORMED},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct entry e;
		enum err err = entry_decode(cases[i].bytes, &e);

		if (err != cases[i].err)
			fail_msg("%s: %s", cases[i].name, err_text(err));
	}
}

static void keys_and_entries_beyond_their_limits_are_too_big(void **state)
{
	(void)state;
	static uint8_t room[ENTRY_MAX + 1];
	struct buf long_key = buf_on(room, sizeof room);
	struct entry e;

	buf_put(&long_key, SLICE(HEAD "\062\200\004")); /* a key of 512 bytes */
	long_key.n += RECORD_KEY_MAX + 1;
	assert_int_equal(entry_decode(buf_slice(&long_key), &e), ERR_TOO_BIG);
	assert_int_equal(entry_decode((struct slice){room, sizeof room}, &e), ERR_TOO_BIG);
}

static void key_and_value_are_found_wherever_they_stand(void **state)
{
	(void)state;
	struct entry e;
	struct slice bytes = SLICE(HEAD "\072\002vv\062\003kvv\102\003new");

	assert_int_equal(entry_decode(bytes, &e), OK);
	assert_true(slice_eq(e.key, SLICE("kvv")));
	assert_true(slice_eq(e.value, SLICE("vv")));
	assert_true(within(e.key, bytes));
	assert_true(within(e.value, bytes));
}

static void what_does_not_fit_is_told(void **state)
{
	(void)state;
	uint8_t room[20];
	struct buf to = buf_on(room, sizeof room);

	entry_encode(&sample, &to);
	assert_true(to.full);
	assert_int_equal(to.n, 0);
}

static void kinds_have_names(void **state)
{
	(void)state;
	assert_string_equal(entry_kind_name(ENTRY_REQUEST), "request");
	assert_string_equal(entry_kind_name(ENTRY_MERGE), "merge");
	assert_string_equal(entry_kind_name(0), "?");
	assert_string_equal(entry_kind_name(ENTRY_NAP + 1), "?");
}

/* --- blocks --- */

static struct slice a_block(uint8_t *room, size_t size)
{
	struct block_writer w = block_begin(room, size, 48211);

	block_add(&w, encode(&sample));
	block_add(&w, SLICE("second"));
	block_add(&w, SLICE("3"));
	return block_end(&w, 1700000000999);
}

static void a_block_gives_its_entries_back_in_order(void **state)
{
	(void)state;
	uint8_t room[512];
	struct block b;
	struct slice e;
	struct slice bytes = a_block(room, sizeof room);

	assert_golden("block", bytes);
	assert_int_equal(block_open(bytes, &b), OK);
	assert_int_equal(b.first_seq, 48211);
	assert_int_equal(b.count, 3);
	assert_int_equal(b.wall_ms, 1700000000999);
	assert_true(block_next(&b, &e));
	assert_true(slice_eq(e, encode(&sample)));
	assert_true(block_next(&b, &e));
	assert_true(slice_eq(e, SLICE("second")));
	assert_true(block_next(&b, &e));
	assert_true(slice_eq(e, SLICE("3")));
	assert_false(block_next(&b, &e));
	assert_false(block_next(&b, &e));
}

static void every_flipped_bit_of_a_block_is_seen(void **state)
{
	(void)state;
	uint8_t room[512];
	struct block b;
	struct slice bytes = a_block(room, sizeof room);

	for (size_t bit = 0; bit < bytes.n * 8; bit++) {
		enum err want = bit < 32 ? ERR_VERSION : ERR_CORRUPT;

		room[bit / 8] ^= (uint8_t)(1U << bit % 8);
		assert_int_equal(block_open(bytes, &b), want);
		room[bit / 8] ^= (uint8_t)(1U << bit % 8);
	}
	assert_int_equal(block_open(bytes, &b), OK);
}

static void every_cut_of_a_block_is_corrupt(void **state)
{
	(void)state;
	uint8_t room[512];
	struct block b;
	struct slice bytes = a_block(room, sizeof room);

	for (size_t n = 0; n < bytes.n; n++)
		assert_int_equal(block_open(slice_head(bytes, n), &b), ERR_CORRUPT);
	room[bytes.n] = 0;
	assert_int_equal(block_open((struct slice){room, bytes.n + 1}, &b), ERR_CORRUPT);
}

static void a_block_with_a_right_check_and_a_wrong_count_is_corrupt(void **state)
{
	(void)state;
	uint8_t room[64];
	struct block b;

	for (uint32_t count = 1; count <= 3; count++) {
		struct block_writer w = block_begin(room, sizeof room, 1);

		block_add(&w, SLICE("one"));
		block_add(&w, SLICE("two"));
		w.count = count;
		assert_int_equal(block_open(block_end(&w, 0), &b), count == 2 ? OK : ERR_CORRUPT);
	}
}

static void a_block_at_its_target_takes_one_more_entry_of_any_size(void **state)
{
	(void)state;
	static uint8_t room[BLOCK_MAX];
	static uint8_t entry[ENTRY_MAX];
	struct block b;
	struct block_writer w = block_begin(room, sizeof room, 1);

	while (w.to.n + 5 < BLOCK_TARGET)
		block_add(&w, SLICE("x"));
	block_add(&w, (struct slice){entry, sizeof entry});
	assert_int_equal(block_open(block_end(&w, 0), &b), OK);
}

/* --- the hash --- */

static void the_hash_tells_table_key_and_value_apart(void **state)
{
	(void)state;
	uint64_t hash = record_hash(TABLE_AOR, SLICE("key"), SLICE("value"));

	assert_true(hash == record_hash(TABLE_AOR, SLICE("key"), SLICE("value")));
	assert_true(hash != record_hash(TABLE_NAP, SLICE("key"), SLICE("value")));
	assert_true(hash != record_hash(TABLE_AOR, SLICE("ke"), SLICE("yvalue")));
	assert_true(hash != record_hash(TABLE_AOR, SLICE("keyv"), SLICE("alue")));
	assert_true(hash != record_hash(TABLE_AOR, SLICE("key"), SLICE("")));
}

/* Two versions in one pair compare digests: the number is part of the protocol. */
static void the_hash_is_that_of_the_release(void **state)
{
	(void)state;
	uint8_t room[8];
	struct buf hash = buf_on(room, sizeof room);

	buf_uint(&hash, record_hash(TABLE_AOR, SLICE("key"), SLICE("value")), 8);
	assert_golden("record-hash", buf_slice(&hash));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_entry_comes_back_and_borrows_from_its_bytes),
		cmocka_unit_test(an_entry_without_a_value_takes_the_record_away),
		cmocka_unit_test(the_largest_entry_comes_back),
		cmocka_unit_test(wrong_entries_are_refused),
		cmocka_unit_test(keys_and_entries_beyond_their_limits_are_too_big),
		cmocka_unit_test(key_and_value_are_found_wherever_they_stand),
		cmocka_unit_test(what_does_not_fit_is_told),
		cmocka_unit_test(kinds_have_names),
		cmocka_unit_test(a_block_gives_its_entries_back_in_order),
		cmocka_unit_test(every_flipped_bit_of_a_block_is_seen),
		cmocka_unit_test(every_cut_of_a_block_is_corrupt),
		cmocka_unit_test(a_block_with_a_right_check_and_a_wrong_count_is_corrupt),
		cmocka_unit_test(a_block_at_its_target_takes_one_more_entry_of_any_size),
		cmocka_unit_test(the_hash_tells_table_key_and_value_apart),
		cmocka_unit_test(the_hash_is_that_of_the_release),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
