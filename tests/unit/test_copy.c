/* layer: core */
#include <stdio.h>
#include <stdlib.h>

#include "node/core/copy.h"
#include "proto/base/defs.h"
#include "proto/entry.h"
#include "tests/check.h"
#include "tests/heap.h"
#include "tests/own.h"

#define HALF_HOUR_MS INT64_C(1800000)

static struct slice name(char room[32], uint32_t n)
{
	int length = snprintf(room, 32, "sip:user%u@example.com", n);

	assert_in_range(length, 1, 31);
	return (struct slice){(const uint8_t *)room, (size_t)length};
}

static void put(struct copy *c, uint32_t n, int64_t deadline_ms)
{
	char room[32];

	copy_put(c, TABLE_AOR, name(room, n), SLICE("record"), n, (struct pairtime){deadline_ms});
}

static uint32_t number_of(const struct copy_item *item)
{
	unsigned n = 0;
	char room[32] = "";

	assert_true(item->key.n < sizeof room);
	memcpy(room, item->key.p, item->key.n);
	n = (unsigned)strtoul(room + strlen("sip:user"), NULL, 10);
	return n;
}

static void a_put_replaces_and_a_delete_takes_away(void **state)
{
	(void)state;
	struct copy *c = copy_new(&heap);
	struct slice key = SLICE("sip:alice@example.com");

	assert_null(copy_get(c, TABLE_AOR, key));
	copy_put(c, TABLE_AOR, key, SLICE("one"), 1, PAIRTIME_NEVER);
	copy_put(c, TABLE_AOR, key, SLICE("another"), 2, PAIRTIME_NEVER);
	copy_put(c, TABLE_SUBSCRIBER, key, SLICE("of another table"), 3, PAIRTIME_NEVER);
	const struct copy_item *item = copy_get(c, TABLE_AOR, key);
	assert_non_null(item);
	assert_true(slice_eq(item->key, key));
	assert_true(slice_eq(item->value, SLICE("another")));
	assert_int_equal(item->seq, 2);
	assert_int_equal(copy_count(c, TABLE_AOR), 1);
	copy_delete(c, TABLE_AOR, key);
	copy_delete(c, TABLE_AOR, key); /* what is not there is not missed */
	assert_null(copy_get(c, TABLE_AOR, key));
	assert_int_equal(copy_count(c, TABLE_AOR), 0);
	assert_int_equal(copy_count(c, TABLE_SUBSCRIBER), 1);
	copy_free(&c);
	assert_null(c);
}

static void a_put_may_hand_in_the_bytes_of_the_item_it_replaces(void **state)
{
	(void)state;
	struct copy *c = copy_new(&heap);

	copy_put(c, TABLE_AOR, SLICE("sip:alice@example.com"), SLICE("0123456789"), 1,
	         PAIRTIME_NEVER);
	const struct copy_item *item = copy_get(c, TABLE_AOR, SLICE("sip:alice@example.com"));
	copy_put(c, TABLE_AOR, item->key, slice_from(item->value, 4), 2, PAIRTIME_NEVER);
	item = copy_get(c, TABLE_AOR, SLICE("sip:alice@example.com"));
	assert_true(slice_eq(item->value, SLICE("456789")));
	copy_free(&c);
}

/* The digest is what both nodes compare: it depends on what is there, not on how it came. */
static void the_digest_is_the_sum_over_what_is_there(void **state)
{
	(void)state;
	struct copy *a = copy_new(&heap), *b = copy_new(&heap);
	char room[32];
	uint64_t sum = 0;

	for (uint32_t i = 0; i < 1000; i++) {
		put(a, i, INT64_MAX);
		sum += record_hash(TABLE_AOR, name(room, i), SLICE("record"));
	}
	for (uint32_t i = 2000; i-- > 0;) {
		copy_put(b, TABLE_AOR, name(room, i), SLICE("older"), 1, PAIRTIME_NEVER);
		put(b, i, INT64_MAX);
	}
	for (uint32_t i = 1000; i < 2000; i++)
		copy_delete(b, TABLE_AOR, name(room, i));
	assert_int_equal(copy_digest(a, TABLE_AOR), sum);
	assert_int_equal(copy_digest(b, TABLE_AOR), sum);
	assert_int_equal(copy_digest(a, TABLE_SUBSCRIBER), 0);
	copy_free(&a);
	copy_free(&b);
}

/* A10 */
static void the_buckets_are_the_digest_in_parts(void **state)
{
	(void)state;
	struct copy *a = copy_new(&heap), *b = copy_new(&heap);
	uint64_t sum = 0, walked = 0;
	unsigned used = 0;

	for (uint32_t i = 0; i < 20000; i++) /* many more than the hash table begins with */
		put(a, i, INT64_MAX);
	for (uint32_t i = 20000; i-- > 0;)
		put(b, i, INT64_MAX);
	for (uint32_t bucket = 0; bucket < COPY_BUCKETS; bucket++) {
		struct copy_check check = copy_check_bucket(a, TABLE_AOR, bucket);
		assert_true(check.adds_up && check.flipped == 0);
		assert_int_equal(copy_bucket(a, TABLE_AOR, bucket),
		                 copy_bucket(b, TABLE_AOR, bucket));
		sum += copy_bucket(a, TABLE_AOR, bucket);
		walked += check.records;
		used += check.records > 0;
	}
	assert_int_equal(sum, copy_digest(a, TABLE_AOR));
	assert_int_equal(walked, 20000);
	assert_in_range(used, 4000, COPY_BUCKETS); /* 20000 keys leave some 30 empty */
	copy_free(&a);
	copy_free(&b);
}

static void flip_a_bit(const struct copy *c, uint32_t n)
{
	char room[32];
	const struct copy_item *item = copy_get(c, TABLE_AOR, name(room, n));

	assert_non_null(item);
	uint8_t *bytes = own(item->value.p);
	bytes[2] ^= 4;
}

static uint64_t flipped(const struct copy *c)
{
	uint64_t n = 0;

	for (uint32_t bucket = 0; bucket < COPY_BUCKETS; bucket++) {
		struct copy_check check = copy_check_bucket(c, TABLE_AOR, bucket);
		assert_true(check.adds_up);
		assert_true((check.first != NULL) == (check.flipped > 0));
		n += check.flipped;
	}
	return n;
}

/* A10 */
static void a_bit_that_flips_is_found_by_its_key_until_it_is_overwritten(void **state)
{
	(void)state;
	struct copy *c = copy_new(&heap);
	char room[32];

	for (uint32_t i = 0; i < 1000; i++)
		put(c, i, INT64_MAX);
	uint64_t digest = copy_digest(c, TABLE_AOR);
	flip_a_bit(c, 17);
	flip_a_bit(c, 42);
	assert_false(copy_sound(TABLE_AOR, copy_get(c, TABLE_AOR, name(room, 17))));
	assert_true(copy_sound(TABLE_AOR, copy_get(c, TABLE_AOR, name(room, 18))));
	assert_int_equal(flipped(c), 2);
	put(c, 17, INT64_MAX);
	assert_int_equal(flipped(c), 1);
	assert_int_equal(copy_digest(c, TABLE_AOR), digest); /* of what was put */
	copy_delete(c, TABLE_AOR, name(room, 42));
	assert_int_equal(flipped(c), 0);
	copy_free(&c);
}

static void memory_taken_is_counted_and_given_back(void **state)
{
	(void)state;
	struct copy *c = copy_new(&heap);
	uint64_t empty = copy_bytes(c);
	char room[32];

	for (uint32_t i = 0; i < 100; i++)
		put(c, i, 1000 + i);
	assert_true(copy_bytes(c) > empty + 100 * (strlen("sip:user1@example.com") + 6));
	for (uint32_t i = 0; i < 100; i++)
		copy_delete(c, TABLE_AOR, name(room, i));
	assert_int_equal(copy_bytes(c), empty);
	copy_free(&c);
}

/* AORs that end in 0 are one group, in 1 the other; the rest is in none. */
static size_t group_of(const void *context, enum table table, struct slice key)
{
	const size_t *n = context;

	assert_non_null(memchr(key.p, '@', key.n));
	return table == TABLE_AOR ? (size_t)(((const uint8_t *)memchr(key.p, '@', key.n))[-1] - '0')
	                          : *n;
}

static uint64_t weight_of(enum table table, struct slice value)
{
	(void)table;
	return value.n;
}

static void groups_are_counted_as_keys_come_and_go(void **state)
{
	(void)state;
	static const size_t n = 2;
	const struct copy_groups groups = {group_of, weight_of, &n, n};
	struct copy *c = copy_new(&heap);
	char room[32];

	copy_group(c, &groups);
	uint64_t empty = copy_bytes(c);
	for (uint32_t i = 0; i < 2000; i++) {
		put(c, i, 1000);
		if (i % 3 == 0)
			put(c, i, 2000); /* no new key */
	}
	copy_put(c, TABLE_SUBSCRIBER, SLICE("a0@x"), SLICE("v"), 1, PAIRTIME_NEVER);
	assert_int_equal(copy_group_count(c, 0), 200);
	assert_int_equal(copy_group_count(c, 1), 200);
	for (uint32_t i = 0; i < 1000; i++) {
		copy_delete(c, TABLE_AOR, name(room, i));
		copy_delete(c, TABLE_AOR, name(room, i)); /* it is gone already */
	}
	assert_int_equal(copy_group_count(c, 0), 100);
	assert_int_equal(copy_group_count(c, 1), 100);
	for (uint32_t i = 1000; i < 2000; i++)
		copy_delete(c, TABLE_AOR, name(room, i));
	copy_delete(c, TABLE_SUBSCRIBER, SLICE("a0@x"));
	assert_int_equal(copy_group_count(c, 0) + copy_group_count(c, 1), 0);
	assert_true(copy_bytes(c) >= empty); /* it does not shrink its buckets */
	copy_free(&c);
}

static void groups_weigh_what_their_records_do(void **state)
{
	(void)state;
	static const size_t n = 2;
	const struct copy_groups groups = {group_of, weight_of, &n, n};
	struct copy *c = copy_new(&heap);

	copy_group(c, &groups);
	copy_put(c, TABLE_AOR, SLICE("a0@x"), SLICE("12345"), 1, PAIRTIME_NEVER);
	copy_put(c, TABLE_AOR, SLICE("b0@x"), SLICE("1"), 2, PAIRTIME_NEVER);
	copy_put(c, TABLE_AOR, SLICE("c1@x"), SLICE("123"), 3, PAIRTIME_NEVER);
	copy_put(c, TABLE_AOR, SLICE("d7@x"), SLICE("12"), 4, PAIRTIME_NEVER); /* of no group */
	assert_int_equal(copy_group_weight(c, 0), 6);
	assert_int_equal(copy_group_weight(c, 1), 3);
	assert_int_equal(copy_weight(c), 11);
	copy_put(c, TABLE_AOR, SLICE("a0@x"), SLICE("12"), 5, PAIRTIME_NEVER);
	copy_put(c, TABLE_AOR, SLICE("a0@x"), SLICE("34"), 6, PAIRTIME_NEVER);
	assert_int_equal(copy_group_weight(c, 0), 3);
	copy_delete(c, TABLE_AOR, SLICE("a0@x"));
	copy_delete(c, TABLE_AOR, SLICE("d7@x"));
	assert_int_equal(copy_group_weight(c, 0), 1);
	assert_int_equal(copy_weight(c), 4);
	copy_delete(c, TABLE_AOR, SLICE("c1@x"));
	assert_int_equal(copy_weight(c), 1);
	copy_free(&c);
}

static void an_item_of_moderate_size_costs_little_more_than_its_bytes(void **state)
{
	(void)state;
	enum { N = 100 * 1000, OVERHEAD_MAX = 110 };
	struct copy *c = copy_new(&heap);
	uint64_t empty = copy_bytes(c);
	uint64_t bytes = 0;
	char room[32];

	for (uint32_t i = 0; i < N; i++) {
		put(c, i, 1000);
		bytes += name(room, i).n + strlen("record");
	}
	assert_true(copy_bytes(c) - empty - bytes < (uint64_t)N * OVERHEAD_MAX);
	copy_free(&c);
}

static void what_is_due_comes_in_order_of_the_grain_and_never_early(void **state)
{
	(void)state;
	enum { N = 5000, STEP_MS = 700, GRAIN_MS = 250 };
	struct copy *c = copy_new(&heap);
	int64_t base = INT64_C(1790000000000);
	uint32_t dice = 7;
	char room[32];

	for (uint32_t i = 0; i < N; i++) {
		dice = dice * 1664525U + 1013904223U;
		put(c, i, base + dice % (5 * 3600 * 1000)); /* more than four laps */
	}
	int64_t last = 0;
	uint32_t met = 0;
	for (struct pairtime now = {base}; met < N; now = copy_next_deadline(c)) {
		const struct copy_item *item;
		enum table table;
		assert_true(now.ms != PAIRTIME_NEVER.ms);
		now.ms += now.ms % STEP_MS; /* somebody looks a little late */
		while ((item = copy_due(c, now, &table)) != NULL) {
			assert_int_equal(table, TABLE_AOR);
			assert_true(item->deadline.ms <= now.ms);
			assert_true(item->deadline.ms > last - GRAIN_MS);
			last = item->deadline.ms > last ? item->deadline.ms : last;
			met++;
			copy_delete(c, table, name(room, number_of(item)));
		}
		assert_true(copy_next_deadline(c).ms > now.ms);
	}
	assert_int_equal(copy_next_deadline(c).ms, PAIRTIME_NEVER.ms);
	copy_free(&c);
}

static void what_is_due_comes_again_until_it_is_dealt_with(void **state)
{
	(void)state;
	struct copy *c = copy_new(&heap);
	enum table table;
	char room[32];

	put(c, 1, 10000);
	assert_null(copy_due(c, (struct pairtime){9999}, &table));
	assert_int_equal(copy_next_deadline(c).ms, 10000);
	assert_non_null(copy_due(c, (struct pairtime){10000}, &table));
	assert_non_null(copy_due(c, (struct pairtime){10000}, &table));
	copy_again(c, TABLE_AOR, name(room, 1), (struct pairtime){20000});
	assert_null(copy_due(c, (struct pairtime){10000}, &table));
	assert_int_equal(copy_next_deadline(c).ms, 20000);
	put(c, 1, INT64_MAX);
	assert_int_equal(copy_next_deadline(c).ms, PAIRTIME_NEVER.ms);
	assert_null(copy_due(c, (struct pairtime){INT64_MAX - 1}, &table));
	copy_again(c, TABLE_AOR, name(room, 1), (struct pairtime){INT64_MAX - 1});
	assert_null(copy_due(c, (struct pairtime){20000}, &table));
	copy_again(c, TABLE_AOR, name(room, 1), (struct pairtime){-5});
	assert_non_null(copy_due(c, (struct pairtime){0}, &table));
	copy_free(&c);
}

/* A refreshed binding leaves nothing behind: a standby that never asks what is due may become active
 * after hours and finds only what is due. */
static void a_moved_deadline_is_not_found_at_its_old_place(void **state)
{
	(void)state;
	struct copy *c = copy_new(&heap);
	enum table table;

	for (uint32_t round = 0; round < 50; round++)
		for (uint32_t i = 0; i < 100; i++)
			put(c, i, (round + 1) * HALF_HOUR_MS + INT64_C(1000) * i);
	assert_int_equal(copy_next_deadline(c).ms, 50 * HALF_HOUR_MS);
	assert_null(copy_due(c, (struct pairtime){50 * HALF_HOUR_MS - 1}, &table));
	assert_non_null(copy_due(c, (struct pairtime){50 * HALF_HOUR_MS}, &table));
	copy_free(&c);
}

/* Puts and deletes that a walk lives through: `stays` records are there all the time, others come
 * and go, and the table grows to many times its size. */
static void a_walk_meets_every_record_that_stays_once(void **state)
{
	(void)state;
	enum { STAYS = 3000, COMES = 60 * 1000 };
	struct copy *c = copy_new(&heap);
	struct copy_cursor cursor = {0};
	const struct copy_item *item;
	static uint8_t met[STAYS];
	uint32_t come = STAYS;
	char room[32];

	memset(met, 0, sizeof met);
	for (uint32_t i = 0; i < STAYS; i++)
		put(c, i, INT64_MAX);
	while ((item = copy_walk(c, TABLE_AOR, &cursor)) != NULL) {
		uint32_t n = number_of(item);
		if (n < STAYS) {
			assert_int_equal(met[n], 0);
			met[n] = 1;
			put(c, n, 1000); /* a new block in the same place */
			put(c, (n * 7) % STAYS, 2000);
		}
		for (int i = 0; i < 20 && come < STAYS + COMES; i++)
			put(c, come++, INT64_MAX);
		if (come % 3 == 0)
			copy_delete(c, TABLE_AOR, name(room, come - 1));
	}
	for (uint32_t i = 0; i < STAYS; i++)
		assert_int_equal(met[i], 1);
	assert_int_equal(come, STAYS + COMES);
	assert_null(copy_walk(c, TABLE_AOR, &cursor));
	copy_free(&c);
}

static void a_walk_of_an_empty_table_ends_at_once(void **state)
{
	(void)state;
	struct copy *c = copy_new(&heap);
	struct copy_cursor cursor = {0};

	put(c, 1, INT64_MAX);
	assert_null(copy_walk(c, TABLE_SECRET, &cursor));
	cursor = (struct copy_cursor){0};
	assert_non_null(copy_walk(c, TABLE_AOR, &cursor));
	assert_null(copy_walk(c, TABLE_AOR, &cursor));
	copy_free(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_put_replaces_and_a_delete_takes_away),
		cmocka_unit_test(a_put_may_hand_in_the_bytes_of_the_item_it_replaces),
		cmocka_unit_test(the_digest_is_the_sum_over_what_is_there),
		cmocka_unit_test(the_buckets_are_the_digest_in_parts),
		cmocka_unit_test(a_bit_that_flips_is_found_by_its_key_until_it_is_overwritten),
		cmocka_unit_test(memory_taken_is_counted_and_given_back),
		cmocka_unit_test(groups_are_counted_as_keys_come_and_go),
		cmocka_unit_test(groups_weigh_what_their_records_do),
		cmocka_unit_test(an_item_of_moderate_size_costs_little_more_than_its_bytes),
		cmocka_unit_test(what_is_due_comes_in_order_of_the_grain_and_never_early),
		cmocka_unit_test(what_is_due_comes_again_until_it_is_dealt_with),
		cmocka_unit_test(a_moved_deadline_is_not_found_at_its_old_place),
		cmocka_unit_test(a_walk_meets_every_record_that_stays_once),
		cmocka_unit_test(a_walk_of_an_empty_table_ends_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
