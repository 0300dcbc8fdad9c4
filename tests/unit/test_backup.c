/* layer: proto */
/* test_backup.c - the bytes of a backup: they come out as they went in, or they are refused. */
#include <stdio.h>

#include "proto/backup.h"
#include "tests/check.h"
#include "tests/unit/golden/golden.h"

enum { ROOM = 4096, PARTS = 4 };

static const struct backup_part parts[PARTS] = {
	{.kind = BACKUP_HEAD,
         .head = {.program = {SLICE_OF("0.2.0")},
                  .host = {SLICE_OF("node-a")},
                  .cluster_id = {1, 2, 3},
                  .node_id = 0x1122334455667788,
                  .position = {0xaabb, 4711},
                  .pair = {1000000},
                  .wall_ms = 1700000000000,
                  .made_ms = 1700000000500,
                  .schema = FRAME_SCHEMA}},
	{.kind = BACKUP_RECORD,
         .record = {TABLE_AOR, {SLICE_OF("sip:alice@example.com")}, {SLICE_OF("bytes")}}},
	{.kind = BACKUP_RECORD, .record = {TABLE_SECRET, {SLICE_OF("12345678")}, {SLICE_OF("s")}}},
	{.kind = BACKUP_END, .sums = {[TABLE_AOR] = {1, 77}, [TABLE_SECRET] = {1, 78}}},
};

static struct slice written(uint8_t room[ROOM])
{
	struct backup_chain chain = backup_chain();
	struct buf to = buf_on(room, ROOM);

	for (size_t i = 0; i < PARTS; i++)
		backup_write(&chain, &parts[i], &to);
	assert_false(to.full);
	return buf_slice(&to);
}

/* How many parts are taken before one is refused; `*ended`: the last of them was the end, and all is read. */
static size_t parts_taken(struct slice bytes, bool *ended)
{
	static _Alignas(16) uint8_t memory[ROOM];
	struct backup_chain chain = backup_chain();
	struct backup_part part;
	size_t n = 0, length;

	*ended = false;
	while (bytes.n > 0) {
		struct arena arena = arena_on(memory, sizeof memory);
		if (backup_length(slice_head(bytes, BACKUP_PART_HEAD), &length) != OK ||
		    length > bytes.n - BACKUP_PART_HEAD)
			return n;
		length += BACKUP_PART_HEAD;
		if (backup_read(&chain, slice_head(bytes, length), &arena, &part) != OK)
			return n;
		bytes = slice_from(bytes, length);
		*ended = part.kind == BACKUP_END && bytes.n == 0;
		n++;
	}
	return n;
}

static void same_head(const struct backup_head *got, const struct backup_head *want)
{
	assert_true(slice_eq(got->program, want->program));
	assert_true(slice_eq(got->host, want->host));
	assert_memory_equal(got->cluster_id, want->cluster_id, sizeof got->cluster_id);
	assert_true(got->node_id == want->node_id && got->schema == want->schema);
	assert_int_equal(got->position.reign, want->position.reign);
	assert_int_equal(got->position.seq, want->position.seq);
	assert_true(got->pair.ms == want->pair.ms && got->wall_ms == want->wall_ms);
	assert_int_equal(got->made_ms, want->made_ms);
}

/* The parts of what is written, one by one. */
static void cut_up(struct slice bytes, struct slice part[PARTS])
{
	size_t length;

	for (size_t i = 0; i < PARTS; i++) {
		assert_int_equal(backup_length(slice_head(bytes, BACKUP_PART_HEAD), &length), OK);
		part[i] = slice_head(bytes, length + BACKUP_PART_HEAD);
		bytes = slice_from(bytes, part[i].n);
	}
	assert_int_equal(bytes.n, 0);
}

static void what_is_written_is_read(void **state)
{
	static _Alignas(16) uint8_t memory[ROOM];
	struct arena arena = arena_on(memory, sizeof memory);
	struct backup_chain chain = backup_chain();
	uint8_t room[ROOM];
	struct slice part[PARTS];
	struct backup_part got[PARTS];

	(void)state;
	cut_up(written(room), part);
	for (size_t i = 0; i < PARTS; i++) {
		assert_int_equal(backup_read(&chain, part[i], &arena, &got[i]), OK);
		assert_int_equal(got[i].kind, parts[i].kind);
	}
	same_head(&got[0].head, &parts[0].head);
	assert_int_equal(got[1].record.table, TABLE_AOR);
	assert_true(slice_eq(got[1].record.key, parts[1].record.key));
	assert_true(slice_eq(got[1].record.value, parts[1].record.value));
	assert_memory_equal(got[3].sums, parts[3].sums, sizeof got[3].sums);
}

/* A3: read for as long as there are programs. */
static void the_first_format_stays_as_it_is(void **state)
{
	uint8_t room[ROOM];

	(void)state;
	assert_int_equal(backup_magic(SLICE("regpair backup 1\n")), OK);
	assert_golden("1/backup", written(room));
}

static void flip(uint8_t *bytes, size_t bit)
{
	bytes[bit / 8] ^= (uint8_t)(1U << bit % 8);
}

static void every_flipped_bit_is_seen(void **state)
{
	uint8_t room[ROOM];
	struct slice bytes = written(room);
	bool ended;

	(void)state;
	assert_int_equal(parts_taken(bytes, &ended), PARTS);
	assert_true(ended);
	for (size_t i = 0; i < bytes.n * 8; i++) {
		flip(room, i);
		assert_true(parts_taken(bytes, &ended) < PARTS);
		assert_false(ended);
		flip(room, i);
	}
}

static void every_cut_is_seen(void **state)
{
	uint8_t room[ROOM];
	struct slice bytes = written(room);
	bool ended;

	(void)state;
	for (size_t n = 0; n < bytes.n; n++) {
		assert_true(parts_taken(slice_head(bytes, n), &ended) < PARTS);
		assert_false(ended);
	}
	room[bytes.n] = 0; /* one byte more */
	(void)parts_taken((struct slice){room, bytes.n + 1}, &ended);
	assert_false(ended);
}

/* Each part is sound by itself; its place is not. */
static void a_part_that_is_missing_doubled_or_moved_is_seen(void **state)
{
	static const int orders[][PARTS] = {
		{0, 2, 3, -1}, {0, 1, 3, -1}, {0, 2, 1, 3}, {0, 1, 1, 2}, {1, 2, 3, -1}};
	uint8_t room[ROOM], mixed[ROOM];
	struct slice part[PARTS];
	bool ended;

	(void)state;
	cut_up(written(room), part);
	for (size_t row = 0; row < ARRAY_LEN(orders); row++) {
		struct buf to = buf_on(mixed, sizeof mixed);
		for (size_t i = 0; i < PARTS && orders[row][i] >= 0; i++)
			buf_put(&to, part[orders[row][i]]);
		assert_false(to.full);
		assert_true(parts_taken(buf_slice(&to), &ended) < 3);
		assert_false(ended);
	}
}

/* Sound by its hash, as a mistake of ours would be. */
static void what_no_backup_holds_is_refused(void **state)
{
	static _Alignas(16) uint8_t memory[ROOM];
	static const uint8_t large[512] = {1};
	struct backup_part wrong[] = {
		{.kind = BACKUP_HEAD, .head = {.position = {1, 0}}},
		{.kind = BACKUP_HEAD, .head = {.position = {1, SEQ_END}}},
		{.kind = BACKUP_RECORD, .record = {(enum table)0, {large, 1}, {large, 1}}},
		{.kind = BACKUP_RECORD, .record = {(enum table)32, {large, 1}, {large, 1}}},
		{.kind = BACKUP_RECORD, .record = {TABLE_AOR, {large, 0}, {large, 1}}},
		{.kind = BACKUP_RECORD, .record = {TABLE_AOR, {large, 512}, {large, 1}}},
		{.kind = BACKUP_RECORD, .record = {TABLE_AOR, {large, 1}, {large, 0}}},
	};
	uint8_t room[ROOM];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		struct arena arena = arena_on(memory, sizeof memory);
		struct backup_chain writes = backup_chain(), reads = backup_chain();
		struct buf to = buf_on(room, sizeof room);
		struct backup_part part;
		backup_write(&writes, &wrong[i], &to);
		assert_false(to.full);
		assert_int_equal(backup_read(&reads, buf_slice(&to), &arena, &part), ERR_CORRUPT);
	}
}

static void a_record_that_is_too_large_is_not_written(void **state)
{
	static uint8_t large[BACKUP_PART_MAX];
	struct backup_part part = {.kind = BACKUP_RECORD,
	                           .record = {TABLE_AOR, {large, 1}, {large, sizeof large}}};
	struct backup_chain chain = backup_chain();
	uint8_t *room = test_malloc((size_t)2 * BACKUP_PART_MAX);
	struct buf to = buf_on(room, (size_t)2 * BACKUP_PART_MAX);

	(void)state;
	backup_write(&chain, &part, &to);
	assert_true(to.full);
	test_free(room);
}

static void a_magic_tells_a_newer_backup_from_none(void **state)
{
	(void)state;
	assert_int_equal(backup_magic(SLICE("regpair backup 2\n")), ERR_VERSION);
	assert_int_equal(backup_magic(SLICE("regpair backup 1")), ERR_VERSION);
	assert_int_equal(backup_magic(SLICE("regpair bakcup 1\n")), ERR_MALFORMED);
	assert_int_equal(backup_magic(SLICE("")), ERR_MALFORMED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_read),
		cmocka_unit_test(the_first_format_stays_as_it_is),
		cmocka_unit_test(every_flipped_bit_is_seen),
		cmocka_unit_test(every_cut_is_seen),
		cmocka_unit_test(a_part_that_is_missing_doubled_or_moved_is_seen),
		cmocka_unit_test(what_no_backup_holds_is_refused),
		cmocka_unit_test(a_record_that_is_too_large_is_not_written),
		cmocka_unit_test(a_magic_tells_a_newer_backup_from_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
