/* layer: store */
#include "tests/unit/store_story.h"

/* A store that the first release wrote: alice, bob, carol and a subscriber in the image (entry 4), the
 * log from 3 on with alice changed, bob removed and dave new (7). */
static void copy_file(const char *from, const char *to)
{
	uint8_t bytes[65536];
	FILE *in = fopen(from, "rb");
	FILE *out = fopen(to, "wb");

	assert_non_null(in);
	assert_non_null(out);
	size_t n = fread(bytes, 1, sizeof bytes, in);
	assert_true(n > 0 && n < sizeof bytes);
	assert_int_equal(fwrite(bytes, 1, n, out), n);
	assert_int_equal(fclose(in), 0);
	assert_int_equal(fclose(out), 0);
}

static void take_old(struct fixture *f)
{
	static const char *const dirs[] = {"", "gen-1", "gen-1/log", "gen-1/state"};
	static const char *const files[] = {"current", "gen-1/log/data.mdb",
	                                    "gen-1/state/data.mdb"};
	char path[160], from[320];

	for (size_t i = 0; i < ARRAY_LEN(dirs); i++)
		(void)mkdir(path_in(f, dirs[i], path), 0700); /* the copies tell */
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		(void)snprintf(from, sizeof from, "%s/store-1/%s", GOLDEN_DIR, files[i]);
		copy_file(from, path_in(f, files[i], path));
	}
}

static void shows_what_was_there(struct fixture *f)
{
	shows_image(f, "1:alice=5 1:carol=3 1:dave=7 4:u@r=pw ");
	shows_meta(f, "log 0-0 base 77/7 image 77/7 pair 7000");
	assert_int_equal(meta_of(f).node_id, 4711);
	assert_int_equal(meta_of(f).wall_ms, 5007);
	assert_false(meta_of(f).lost);
}

static void a_store_of_the_first_format_is_brought_up_when_opened(void **state)
{
	struct fixture *f = *state;

	take_old(f);
	opens(f);
	shows_what_was_there(f);
	assert_true(exists(f, "gen-2"));
	assert_false(exists(f, "gen-1"));
	commits(f, 8, "erin", "8");
	assert_int_equal(checkpoints(f, 8), 1);
	reopens(f);
	shows_image(f, "1:alice=5 1:carol=3 1:dave=7 1:erin=8 4:u@r=pw ");
	shows_log(f, 8, "8:erin=8 ");
}

static void one_that_is_only_read_stays_as_it_is(void **state)
{
	struct fixture *f = *state;

	take_old(f);
	assert_int_equal(store_open_reading(&f->store, f->dir, f->fault), OK);
	shows_image(f, "1:alice=1 1:bob=2 1:carol=3 4:u@r=pw ");
	shows_log(f, 3, "3:carol=3 4:u@r=pw 5:alice=5 6:bob= 7:dave=7 ");
	assert_false(exists(f, "gen-2"));
}

/* The new one stands under its name and `current` names the old one still; another was cut short. */
static void a_crash_before_the_new_one_counts_does_it_again(void **state)
{
	struct fixture *f = *state;
	char path[160];

	take_old(f);
	opens(f);
	store_close(&f->store);
	assert_int_equal(mkdir(path_in(f, "next", path), 0700), 0);
	take_old(f);
	opens(f);
	shows_what_was_there(f);
	assert_true(exists(f, "gen-2"));
	assert_false(exists(f, "next"));
}

static void count(void *context, const char *what, uint64_t done)
{
	assert_string_equal(what, "upgraded");
	*(uint64_t *)context = done;
}

static void its_progress_is_told(void **state)
{
	struct fixture *f = *state;
	uint64_t done = 0;

	take_old(f);
	f->options.progress = count;
	f->options.context = &done;
	opens(f);
	assert_int_equal(done, 4 + 3);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		STORE_TEST(a_store_of_the_first_format_is_brought_up_when_opened),
		STORE_TEST(one_that_is_only_read_stays_as_it_is),
		STORE_TEST(a_crash_before_the_new_one_counts_does_it_again),
		STORE_TEST(its_progress_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
