/* layer: store */
#include <fcntl.h>

#include "tests/unit/store_story.h"

static void a_checkpoint_keeps_the_last_value_of_each_key(void **state)
{
	struct fixture *f = *state;

	opens(f);
	commits(f, 1, "bob", "1");
	commits(f, 2, "alice", "2");
	commits(f, 3, "bob", "3");
	commits(f, 4, "carol", "4");
	commits(f, 5, "carol", "");
	assert_int_equal(checkpoints(f, 5), 3);
	shows_image(f, "1:alice=2 1:bob=3 ");
	shows_meta(f, "log 1-5 base 0/0 image 77/5 pair 5000");
	reopens(f);
	shows_image(f, "1:alice=2 1:bob=3 ");
	commits(f, 6, "alice", "");
	assert_int_equal(checkpoints(f, 6), 1);
	shows_image(f, "1:bob=3 ");
}

static void a_checkpoint_stops_where_it_is_told(void **state)
{
	struct fixture *f = *state;

	opens(f);
	assert_int_equal(commit_bulk(f->store, (struct bulk){1, 4, 1, 1000}), OK);
	assert_int_equal(checkpoints(f, 2), 2);
	shows_image(f, "1:key000001=b 1:key000002=c ");
	shows_meta(f, "log 1-4 base 0/0 image 77/2 pair 4000");
	assert_int_equal(checkpoints(f, 4), 2); /* from the middle of the block */
	shows_meta(f, "log 1-4 base 0/0 image 77/4 pair 4000");
}

static void a_checkpoint_done_again_changes_nothing(void **state)
{
	struct fixture *f = *state;

	opens(f);
	assert_int_equal(checkpoints(f, 100), 0); /* an empty log */
	commits(f, 1, "a", "1");
	assert_int_equal(checkpoints(f, 100), 1); /* beyond the log: as far as it goes */
	assert_int_equal(checkpoints(f, 100), 0);
	assert_int_equal(checkpoints(f, 1), 0);
	shows_image(f, "1:a=1 ");
	shows_meta(f, "log 1-1 base 0/0 image 77/1 pair 1000");
}

/* A3 */
static void tables_are_apart_and_those_of_newer_versions_are_kept(void **state)
{
	struct fixture *f = *state;
	struct entry nap = entry_of(1, "same", "nap");
	struct entry newer = entry_of(2, "same", "newer");
	struct entry aor = entry_of(3, "same", "aor");
	uint8_t room[16];
	struct buf value = buf_on(room, sizeof room);

	nap.table = TABLE_NAP;
	newer.table = (enum table)20;
	opens(f);
	assert_int_equal(commit_entry(f, &nap), OK);
	assert_int_equal(commit_entry(f, &newer), OK);
	assert_int_equal(commit_entry(f, &aor), OK);
	(void)checkpoints(f, 3);
	reopens(f);
	shows_image(f, "1:same=aor 2:same=nap 20:same=newer ");
	assert_int_equal(state_get(f->store, TABLE_NAP, SLICE("same"), &value), OK);
	assert_true(slice_eq(buf_slice(&value), SLICE("nap")));
	assert_int_equal(state_get(f->store, TABLE_NAP, SLICE("other"), &value), ERR_NOT_FOUND);
	assert_int_equal(state_get(f->store, (enum table)999, SLICE("x"), &value), ERR_NOT_FOUND);
	struct buf small = buf_on(room, 2);
	assert_int_equal(state_get(f->store, TABLE_NAP, SLICE("same"), &small), ERR_TOO_BIG);
}

static void a_table_number_beyond_all_is_refused_by_the_image_only(void **state)
{
	struct fixture *f = *state;
	struct entry e = entry_of(2, "k", "v");
	uint64_t records = 0;

	e.table = (enum table)200;
	opens(f);
	commits(f, 1, "a", "1");
	assert_int_equal(commit_entry(f, &e), OK);
	assert_int_equal(store_checkpoint(f->store, 2, &records), ERR_VERSION);
	shows_meta(f, "log 1-2 base 0/0 image 0/0 pair 2000");
	shows_log(f, 2, "2:k=v ");
}

static void the_largest_record_and_key_are_kept(void **state)
{
	struct fixture *f = *state;
	static uint8_t value[RECORD_MAX];
	static uint8_t got[RECORD_MAX];
	uint8_t key[RECORD_KEY_MAX];
	struct buf to = buf_on(got, sizeof got);
	struct entry e = entry_of(1, "", "");

	memset(value, 'v', sizeof value);
	memset(key, 'k', sizeof key);
	e.key = (struct slice){key, sizeof key};
	e.value = (struct slice){value, sizeof value};
	opens(f);
	assert_int_equal(commit_entry(f, &e), OK);
	assert_int_equal(checkpoints(f, 1), 1);
	assert_int_equal(state_get(f->store, TABLE_AOR, e.key, &to), OK);
	assert_true(slice_eq(buf_slice(&to), e.value));
}

static bool stop_at_second(void *context, enum table table, struct slice key, struct slice value)
{
	int *seen = context;

	(void)table;
	(void)key;
	(void)value;
	return ++*seen < 2;
}

static void reading_the_image_stops_when_it_is_told_so(void **state)
{
	struct fixture *f = *state;
	int seen = 0;

	opens(f);
	assert_int_equal(commit_bulk(f->store, (struct bulk){1, 5, 1, 1000}), OK);
	(void)checkpoints(f, 5);
	assert_int_equal(state_read(f->store, stop_at_second, &seen), ERR_CORRUPT);
	assert_int_equal(seen, 2);
}

struct tally {
	uint64_t records, bytes;
};

static bool count_record(void *context, enum table table, struct slice key, struct slice value)
{
	struct tally *t = context;

	(void)table;
	t->records++;
	t->bytes += key.n + value.n;
	return true;
}

static void many_windows_give_the_same_image_as_one(void **state)
{
	struct fixture *f = *state;
	struct tally got = {0, 0};

	opens(f);
	for (uint64_t seq = 1; seq <= 40000; seq += 4000)
		assert_int_equal(commit_bulk(f->store, (struct bulk){seq, 4000, 100, 30000}), OK);
	/* 16384 + 16384 + 7232 entries; no key twice within a window */
	assert_int_equal(checkpoints(f, 40000), 40000);
	assert_int_equal(state_read(f->store, count_record, &got), OK);
	assert_int_equal(got.records, 30000);
	assert_int_equal(got.bytes, 30000 * 109);
	assert_int_equal(meta_of(f).applied.seq, 40000);
}

static void copy_file(struct fixture *f, const char *from, const char *to)
{
	char path[160];
	char *bytes = malloc(64 * MIB);
	FILE *in = fopen(path_in(f, from, path), "rb");
	assert_non_null(in);
	FILE *out = fopen(path_in(f, to, path), "wb");
	assert_non_null(out);
	size_t n = fread(bytes, 1, 64 * MIB, in);

	assert_int_equal(fwrite(bytes, 1, n, out), n);
	assert_int_equal(fclose(in), 0);
	assert_int_equal(fclose(out), 0);
	free(bytes);
}

/* X01: a crash leaves an earlier position, whole, and going on from it ends the same. */
static void a_checkpoint_that_failed_between_windows_is_taken_up_again(void **state)
{
	struct fixture *f = *state;
	struct tally got = {0, 0};
	uint64_t records = 0;
	struct entry poison = entry_of(20001, "k", "v");

	poison.table = (enum table)200; /* stops the second window */
	opens(f);
	for (uint64_t seq = 1; seq <= 20000; seq += 4000)
		assert_int_equal(commit_bulk(f->store, (struct bulk){seq, 4000, 50, 50000}), OK);
	assert_int_equal(commit_entry(f, &poison), OK);
	assert_int_equal(store_checkpoint(f->store, 20001, &records), ERR_VERSION);
	assert_int_equal(records, 16384);
	assert_int_equal(meta_of(f).applied.seq, 16384);
	reopens(f);
	assert_int_equal(meta_of(f).applied.seq, 16384);
	assert_int_equal(state_read(f->store, count_record, &got), OK);
	assert_int_equal(got.records, 16384);
	assert_int_equal(checkpoints(f, 20000), 20000 - 16384);
	got = (struct tally){0, 0};
	assert_int_equal(state_read(f->store, count_record, &got), OK);
	assert_int_equal(got.records, 20000);
}

/* As a crash leaves it: the image's file of an earlier moment beside the log's of a later one. */
static void an_older_image_is_brought_up_to_the_log(void **state)
{
	struct fixture *f = *state;

	opens(f);
	commits(f, 1, "a", "1");
	(void)checkpoints(f, 1);
	copy_file(f, "gen-1/state/data.mdb", "older");
	commits(f, 2, "a", "2");
	commits(f, 3, "b", "3");
	(void)checkpoints(f, 3);
	store_close(&f->store);
	copy_file(f, "older", "gen-1/state/data.mdb");
	opens(f);
	shows_meta(f, "log 1-3 base 0/0 image 77/1 pair 3000");
	shows_image(f, "1:a=1 ");
	assert_int_equal(checkpoints(f, 3), 2);
	shows_image(f, "1:a=2 1:b=3 ");
}

static void an_image_ahead_of_its_log_is_corrupt(void **state)
{
	struct fixture *f = *state;

	opens(f);
	commits(f, 1, "a", "1");
	copy_file(f, "gen-1/log/data.mdb", "older");
	commits(f, 2, "b", "2");
	(void)checkpoints(f, 2);
	store_close(&f->store);
	copy_file(f, "older", "gen-1/log/data.mdb");
	refuses(f, ERR_CORRUPT, "damaged");
}

/* X08 */
static void a_full_image_says_so_and_stays_whole(void **state)
{
	struct fixture *f = *state;
	uint64_t records = 0;
	uint64_t seq = 1;
	enum err err = OK;

	f->options.max_size = 4 * MIB;
	opens(f);
	while (err == OK) { /* the log is trimmed each time, so the image fills first */
		assert_int_equal(commit_bulk(f->store, (struct bulk){seq, 100, 1000, 9999}), OK);
		seq += 100;
		err = store_checkpoint(f->store, seq - 1, &records);
		if (err == OK)
			assert_int_equal(log_trim(f->store, seq), OK);
	}
	assert_int_equal(err, ERR_FULL);
	assert_int_equal(meta_of(f).applied.seq, seq - 101);
	f->options.max_size = 8 * MIB; /* what the operator does */
	reopens(f);
	assert_int_equal(checkpoints(f, seq - 1), 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORE_TEST(a_checkpoint_keeps_the_last_value_of_each_key),
		STORE_TEST(a_checkpoint_stops_where_it_is_told),
		STORE_TEST(a_checkpoint_done_again_changes_nothing),
		STORE_TEST(tables_are_apart_and_those_of_newer_versions_are_kept),
		STORE_TEST(a_table_number_beyond_all_is_refused_by_the_image_only),
		STORE_TEST(the_largest_record_and_key_are_kept),
		STORE_TEST(reading_the_image_stops_when_it_is_told_so),
		STORE_TEST(many_windows_give_the_same_image_as_one),
		STORE_TEST(a_checkpoint_that_failed_between_windows_is_taken_up_again),
		STORE_TEST(an_older_image_is_brought_up_to_the_log),
		STORE_TEST(an_image_ahead_of_its_log_is_corrupt),
		STORE_TEST(a_full_image_says_so_and_stays_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
