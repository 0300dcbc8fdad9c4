/* layer: proto */
/* test_record.c - subscribers, secrets and reigns come back as they went; what is wrong is refused. */
#include "proto/record.h"
#include "tests/check.h"
#include "tests/unit/golden/golden.h"
#include "tests/unit/record_desk.h"

static const uint8_t hash_bytes[32] = "0123456789abcdef0123456789abcde";

#define HASH(size)               \
	{                        \
		hash_bytes, size \
	}

static void a_subscriber_comes_back_as_it_went(void **state)
{
	(void)state;
	struct subscriber_record back;
	struct subscriber_record r = {.user = SLICE("alice"),
	                              .realm = SLICE("example.com"),
	                              .ha1 = {HASH(16), HASH(32), HASH(32)},
	                              .stamped = {1700000000123},
	                              .gone = true};
	struct desk d = desk();
	struct desk again = desk();

	subscriber_encode(&r, &d.to);
	assert_golden("record-subscriber", buf_slice(&d.to));
	buf_put(&d.to, SLICE(NEWER NEWER_2));
	assert_int_equal(subscriber_decode(buf_slice(&d.to), &d.arena, &back), OK);
	assert_true(slice_eq(back.realm, r.realm));
	assert_true(slice_eq(back.ha1[2], r.ha1[2]));
	assert_true(back.gone);
	subscriber_encode(&back, &again.to);
	assert_same(buf_slice(&again.to), buf_slice(&d.to));
}

static void a_secret_comes_back_as_it_went(void **state)
{
	(void)state;
	struct secret_record back;
	struct secret_record r = {.id = 3, .key = HASH(32), .created = {1700000000123}};
	struct desk d = desk();
	struct desk again = desk();

	secret_encode(&r, &d.to);
	assert_golden("record-secret", buf_slice(&d.to));
	buf_put(&d.to, SLICE(NEWER));
	assert_int_equal(secret_decode(buf_slice(&d.to), &d.arena, &back), OK);
	assert_int_equal(back.id, 3);
	assert_true(slice_eq(back.key, r.key));
	secret_encode(&back, &again.to);
	assert_same(buf_slice(&again.to), buf_slice(&d.to));
}

static void a_reign_comes_back_as_it_went(void **state)
{
	(void)state;
	struct reign_record back;
	struct reign_record r = {.id = 0xfedcba9876543210,
	                         .epoch = 12,
	                         .unit = UNIT_PRIMARY,
	                         .first_seq = 48211,
	                         .began = {1700000000123},
	                         .behind = true,
	                         .exposed = true};
	struct desk d = desk();
	struct desk again = desk();

	reign_encode(&r, &d.to);
	assert_golden("record-reign", buf_slice(&d.to));
	buf_put(&d.to, SLICE(NEWER_2));
	assert_int_equal(reign_decode(buf_slice(&d.to), &d.arena, &back), OK);
	assert_true(back.id == r.id);
	assert_int_equal(back.first_seq, 48211);
	assert_true(back.behind);
	assert_true(back.exposed);
	reign_encode(&back, &again.to);
	assert_same(buf_slice(&again.to), buf_slice(&d.to));
}

static enum err decode_subscriber(struct slice bytes)
{
	struct subscriber_record r;
	struct desk d = desk();

	return subscriber_decode(bytes, &d.arena, &r);
}

static enum err decode_secret(struct slice bytes)
{
	struct secret_record r;
	struct desk d = desk();

	return secret_decode(bytes, &d.arena, &r);
}

static enum err decode_reign(struct slice bytes)
{
	struct reign_record r;
	struct desk d = desk();

	return reign_decode(bytes, &d.arena, &r);
}

#define USER "\012\001a\022\001r"
#define X16  "xxxxxxxxxxxxxxxx"
#define ID   "\011abcdefgh"

static void wrong_records_are_refused(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		enum err (*decode)(struct slice bytes);
		struct slice bytes;
		enum err err;
	} cases[] = {
		{"no hashes", decode_subscriber, {SLICE_OF(USER)}, OK},
		{"MD5", decode_subscriber, {SLICE_OF(USER "\032\020" X16)}, OK},
		{"short MD5", decode_subscriber, {SLICE_OF(USER "\032\001x")}, ERR_MALFORMED},
		{"short SHA-256",
	         decode_subscriber,
	         {SLICE_OF(USER "\042\020" X16)},
	         ERR_MALFORMED},
		{"short SHA-512-256",
	         decode_subscriber,
	         {SLICE_OF(USER "\052\020" X16)},
	         ERR_MALFORMED},
		{"no user", decode_subscriber, {SLICE_OF("\022\001r")}, ERR_MALFORMED},
		{"no realm", decode_subscriber, {SLICE_OF("\012\001a")}, ERR_MALFORMED},
		{"nothing", decode_subscriber, {SLICE_OF("")}, ERR_MALFORMED},
		{"key of 15", decode_secret, {SLICE_OF("\022\017xxxxxxxxxxxxxxx")}, ERR_MALFORMED},
		{"key of 16", decode_secret, {SLICE_OF("\022\020" X16)}, OK},
		{"key of 64", decode_secret, {SLICE_OF("\022\100" X16 X16 X16 X16)}, OK},
		{"key of 65",
	         decode_secret,
	         {SLICE_OF("\022\101" X16 X16 X16 X16 "x")},
	         ERR_MALFORMED},
		{"no key", decode_secret, {SLICE_OF("\010\001")}, ERR_MALFORMED},
		{"a reign", decode_reign, {SLICE_OF(ID "\030\001\040\001")}, OK},
		{"no id", decode_reign, {SLICE_OF("\030\001\040\001")}, ERR_MALFORMED},
		{"no unit", decode_reign, {SLICE_OF(ID "\040\001")}, ERR_MALFORMED},
		{"unit 4", decode_reign, {SLICE_OF(ID "\030\004\040\001")}, ERR_MALFORMED},
		{"no first seq", decode_reign, {SLICE_OF(ID "\030\001")}, ERR_MALFORMED},
		{"cut id", decode_reign, {SLICE_OF("\011abc")}, ERR_MALFORMED},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_err(cases[i].name, cases[i].decode(cases[i].bytes), cases[i].err);
	}
}

static void tables_and_units_have_names(void **state)
{
	(void)state;
	assert_string_equal(table_name(TABLE_AOR), "aor");
	assert_string_equal(table_name(TABLE_REIGN), "reign");
	assert_string_equal(table_name(TABLE_END), "?");
	assert_string_equal(table_name(0), "?");
	assert_string_equal(unit_name(UNIT_STANDALONE), "standalone");
	assert_string_equal(unit_name(UNIT_SECONDARY), "secondary");
	assert_string_equal(unit_name(0), "?");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_subscriber_comes_back_as_it_went),
		cmocka_unit_test(a_secret_comes_back_as_it_went),
		cmocka_unit_test(a_reign_comes_back_as_it_went),
		cmocka_unit_test(wrong_records_are_refused),
		cmocka_unit_test(tables_and_units_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
