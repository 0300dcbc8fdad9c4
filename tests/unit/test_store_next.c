/* layer: store */
#include "tests/unit/store_story.h"

static void puts_next(struct fixture *f, const char *key, const char *value)
{
	assert_int_equal(store_next_put(f->store, TABLE_AOR, slice_str(key), slice_str(value)), OK);
}

static const struct position snapshot_at = {88, 500};

static enum err commit_next(struct fixture *f)
{
	return store_next_commit(f->store, snapshot_at, (struct pairtime){123000}, 456);
}

static void old_state(struct fixture *f)
{
	opens(f);
	commits(f, 1, "old", "1");
	(void)checkpoints(f, 1);
	commits(f, 2, "old", "2");
}

/* A7 */
static void a_snapshot_replaces_the_store_at_one_moment(void **state)
{
	struct fixture *f = *state;

	old_state(f);
	assert_int_equal(store_next_begin(f->store), OK);
	puts_next(f, "bob", "b");
	puts_next(f, "alice", "a");
	puts_next(f, "carol", "c");
	puts_next(f, "bob", "");
	shows_image(f, "1:old=1 "); /* all goes on with the old one meanwhile */
	commits(f, 3, "old", "3");
	assert_int_equal(commit_next(f), OK);
	shows_image(f, "1:alice=a 1:carol=c ");
	shows_meta(f, "log 0-0 base 88/500 image 88/500 pair 123000");
	assert_int_equal(meta_of(f).wall_ms, 456);
	assert_false(exists(f, "gen-1"));
	assert_false(exists(f, "next"));

	struct entry e = entry_of(501, "dave", "d");
	assert_int_equal(commit_entry(f, &e), OK);
	reopens(f);
	shows_log(f, 501, "501:dave=d ");
	shows_meta(f, "log 501-501 base 88/500 image 88/500 pair 501000");
	assert_int_equal(checkpoints(f, 501), 1);
	shows_image(f, "1:alice=a 1:carol=c 1:dave=d ");
	assert_int_equal(meta_of(f).node_id, 4711);
}

static void an_aborted_snapshot_leaves_the_old_store(void **state)
{
	struct fixture *f = *state;

	old_state(f);
	assert_int_equal(store_next_begin(f->store), OK);
	puts_next(f, "new", "n");
	store_next_abort(f->store);
	store_next_abort(f->store); /* again: nothing */
	assert_false(exists(f, "next"));
	shows_image(f, "1:old=1 ");
	commits(f, 3, "old", "3");
	shows_log(f, 3, "3:old=3 ");
}

static void a_snapshot_begun_again_starts_empty(void **state)
{
	struct fixture *f = *state;

	old_state(f);
	assert_int_equal(store_next_begin(f->store), OK);
	puts_next(f, "first", "1");
	assert_int_equal(store_next_begin(f->store), OK);
	puts_next(f, "second", "2");
	assert_int_equal(commit_next(f), OK);
	shows_image(f, "1:second=2 ");
}

static void snapshots_follow_each_other(void **state)
{
	struct fixture *f = *state;

	old_state(f);
	for (int i = 0; i < 3; i++) {
		char key[8];
		(void)snprintf(key, sizeof key, "k%d", i);
		assert_int_equal(store_next_begin(f->store), OK);
		puts_next(f, key, "v");
		assert_int_equal(commit_next(f), OK);
	}
	assert_true(exists(f, "gen-4"));
	assert_false(exists(f, "gen-3"));
	shows_image(f, "1:k2=v ");
	reopens(f);
	shows_image(f, "1:k2=v ");
}

static void a_large_snapshot_is_written_in_batches(void **state)
{
	struct fixture *f = *state;
	uint8_t room[16];
	struct buf value = buf_on(room, sizeof room);

	old_state(f);
	assert_int_equal(store_next_begin(f->store), OK);
	for (unsigned i = 0; i < 10000; i++) {
		char key[16];
		(void)snprintf(key, sizeof key, "k%05u", i);
		puts_next(f, key, key);
	}
	assert_int_equal(commit_next(f), OK);
	reopens(f);
	assert_int_equal(state_get(f->store, TABLE_AOR, SLICE("k09999"), &value), OK);
	assert_int_equal(state_get(f->store, TABLE_AOR, SLICE("k00000"), &value), OK);
	assert_int_equal(state_get(f->store, TABLE_AOR, SLICE("old"), &value), ERR_NOT_FOUND);
}

static void an_empty_snapshot_is_a_snapshot(void **state)
{
	struct fixture *f = *state;

	old_state(f);
	assert_int_equal(store_next_begin(f->store), OK);
	assert_int_equal(commit_next(f), OK);
	shows_image(f, "");
	shows_meta(f, "log 0-0 base 88/500 image 88/500 pair 123000");
}

static void a_failed_put_fails_the_snapshot_only(void **state)
{
	struct fixture *f = *state;
	struct slice key = SLICE("k");

	old_state(f);
	assert_int_equal(store_next_begin(f->store), OK);
	assert_int_equal(store_next_put(f->store, (enum table)200, key, key), ERR_VERSION);
	assert_int_equal(store_next_put(f->store, TABLE_AOR, key, key), ERR_VERSION);
	assert_int_equal(commit_next(f), ERR_VERSION);
	assert_false(exists(f, "next"));
	shows_image(f, "1:old=1 ");
	commits(f, 3, "old", "3");
}

static void a_snapshot_too_large_for_the_map_leaves_the_old_store(void **state)
{
	struct fixture *f = *state;
	static uint8_t value[RECORD_MAX];
	enum err err = OK;

	f->options.max_size = 2 * MIB;
	old_state(f);
	assert_int_equal(store_next_begin(f->store), OK);
	for (unsigned i = 0; i < 200 && err == OK; i++) {
		uint8_t key[2] = {(uint8_t)(i >> 8), (uint8_t)i};
		err = store_next_put(f->store, TABLE_AOR, (struct slice){key, 2},
		                     (struct slice){value, sizeof value});
	}
	assert_int_equal(err, ERR_FULL);
	assert_int_equal(commit_next(f), ERR_FULL);
	shows_image(f, "1:old=1 ");
	shows_log(f, 2, "2:old=2 ");
}

static void makes_dir(struct fixture *f, const char *name)
{
	char path[160];

	assert_int_equal(mkdir(path_in(f, name, path), 0700), 0);
}

/* A crash while it was received, before and after `current` was replaced. */
static void what_a_crash_left_of_a_snapshot_is_removed(void **state)
{
	struct fixture *f = *state;
	static const char *const left[] = {"next",  "next/log",  "next/state",
	                                   "gen-2", "gen-2/log", "gen-2/state"};

	old_state(f);
	store_close(&f->store);
	for (size_t i = 0; i < ARRAY_LEN(left); i++)
		makes_dir(f, left[i]);
	opens(f);
	assert_false(exists(f, "next"));
	assert_false(exists(f, "gen-2"));
	shows_image(f, "1:old=1 ");
	shows_log(f, 2, "2:old=2 ");
	assert_int_equal(store_next_begin(f->store), OK);
	puts_next(f, "new", "n");
	store_close(&f->store); /* as a kill: nothing of it stays */
	opens(f);
	shows_image(f, "1:old=1 ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORE_TEST(a_snapshot_replaces_the_store_at_one_moment),
		STORE_TEST(an_aborted_snapshot_leaves_the_old_store),
		STORE_TEST(a_snapshot_begun_again_starts_empty),
		STORE_TEST(snapshots_follow_each_other),
		STORE_TEST(a_large_snapshot_is_written_in_batches),
		STORE_TEST(an_empty_snapshot_is_a_snapshot),
		STORE_TEST(a_failed_put_fails_the_snapshot_only),
		STORE_TEST(a_snapshot_too_large_for_the_map_leaves_the_old_store),
		STORE_TEST(what_a_crash_left_of_a_snapshot_is_removed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
