/* layer: store */
#include <fcntl.h>

#include "tests/unit/store_story.h"

static void fill(struct fixture *f, uint64_t records)
{
	struct bulk bulk = {.first = 1, .n = records, .size = 200, .keys = records + 1};

	opens(f);
	assert_int_equal(commit_bulk(f->store, bulk), OK);
	(void)checkpoints(f, records);
}

/* One byte of the one place where these stand in the image's file. */
static void flip(struct fixture *f, struct slice text)
{
	char path[160];
	int fd = open(path_in(f, "gen-1/state/data.mdb", path), O_RDWR);
	off_t size = lseek(fd, 0, SEEK_END);
	uint8_t *bytes = malloc((size_t)size);

	assert_int_equal(pread(fd, bytes, (size_t)size, 0), size);
	const uint8_t *at = memmem(bytes, (size_t)size, text.p, text.n);
	assert_non_null(at);
	uint8_t other = (uint8_t)(at[text.n + 20] ^ 1);
	assert_int_equal(pwrite(fd, &other, 1, at - bytes + (off_t)text.n + 20), 1);
	assert_int_equal(close(fd), 0);
	free(bytes);
}

/* Calls until the image's end was reached; how many found something damaged. */
static unsigned scrub_round(struct fixture *f, struct scrub_place *at, size_t bytes,
                            char found[RECORD_KEY_MAX + 1])
{
	unsigned damaged = 0;

	for (int i = 0; i < 10000; i++) {
		if (store_scrub(f->store, at, bytes) == ERR_CORRUPT) {
			damaged++;
			memcpy(found, at->key, at->key_n);
			found[at->key_n] = '\0';
		}
		if (at->rounds > 0)
			return damaged;
	}
	fail_msg("the scrub does not come to an end");
	return 0;
}

/* A10, X13 */
static void the_scrub_finds_a_flipped_record_and_goes_on_behind_it(void **state)
{
	struct fixture *f = *state;
	struct scrub_place at = {0};
	char found[RECORD_KEY_MAX + 1];

	fill(f, 500);
	assert_int_equal(scrub_round(f, &at, 1000, found), 0);
	flip(f, SLICE("key000123"));
	assert_int_equal(scrub_round(f, &at, 1000, found), 1);
	assert_string_equal(found, "key000123");
	assert_int_equal(at.table, 1); /* begins anew */
	assert_int_equal(scrub_round(f, &at, 1U << 20, found), 1);

	/* Written anew, as the log has it now, it is sound again: the next start finds nothing. */
	commits(f, 501, "key000123", "again");
	assert_int_equal(checkpoints(f, 501), 1);
	assert_int_equal(scrub_round(f, &at, 1000, found), 0);
	struct store_checked checked;
	assert_int_equal(store_check(f->dir, NULL, NULL, &checked, f->fault), OK);
}

static void a_slice_of_the_scrub_is_bounded(void **state)
{
	struct fixture *f = *state;
	struct scrub_place at = {0};
	unsigned calls = 0;

	fill(f, 500);
	while (at.rounds == 0 && ++calls < 1000)
		assert_int_equal(store_scrub(f->store, &at, 1000), OK);
	assert_in_range(calls, 500 * 200 / 1000 / 2, 500 * 300 / 1000);
}

static void the_scrub_of_an_empty_image_comes_to_its_end(void **state)
{
	struct fixture *f = *state;
	struct scrub_place at = {0};

	opens(f);
	assert_int_equal(store_scrub(f->store, &at, 1000), OK);
	assert_int_equal(at.rounds, 1);
}

static void the_room_shrinks_as_the_store_grows(void **state)
{
	struct fixture *f = *state;
	struct store_room before, after;

	opens(f);
	assert_int_equal(store_room(f->store, &before), OK);
	assert_true(before.disk > 0);
	assert_in_range(before.log, 63 * MIB, 64 * MIB);
	store_close(&f->store);
	fill(f, 10000);
	assert_int_equal(store_room(f->store, &after), OK);
	assert_in_range(before.log - after.log, 2 * MIB, 4 * MIB);
	assert_in_range(before.state - after.state, 2 * MIB, 6 * MIB);
	assert_int_equal(log_trim(f->store, 10001), OK);
	commits(f, 10001, "a", "b"); /* what a trim freed counts two transactions later */
	commits(f, 10002, "a", "c");
	assert_int_equal(store_room(f->store, &after), OK);
	assert_in_range(before.log - after.log, 0, 4 * MIB);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		STORE_TEST(the_scrub_finds_a_flipped_record_and_goes_on_behind_it),
		STORE_TEST(a_slice_of_the_scrub_is_bounded),
		STORE_TEST(the_scrub_of_an_empty_image_comes_to_its_end),
		STORE_TEST(the_room_shrinks_as_the_store_grows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
