/* layer: store */
#include "tests/unit/store_story.h"

/* A store that the first release wrote: alice, bob, carol and a subscriber in the image (entry 4), the
 * log from 3 on with alice changed, bob removed and dave new (7). Its files stand in golden/store-1.hex: name and
 * size of each, then the rows of 32 bytes that are not all zero, each behind its offset. */
static void write_row(FILE *file, long at, const char *hex)
{
	assert_int_equal(fseek(file, at, SEEK_SET), 0);
	for (; *hex != '\0' && *hex != '\n'; hex += 2) {
		const char digits[] = {hex[0], hex[1], '\0'};
		char *end;
		int byte = (int)strtol(digits, &end, 16);

		assert_ptr_equal(end, digits + 2);
		assert_int_equal(fputc(byte, file), byte);
	}
}

static FILE *begin_file(struct fixture *f, const char *name, long size)
{
	char path[160];
	FILE *file = fopen(path_in(f, name, path), "wb");

	assert_non_null(file);
	assert_int_equal(ftruncate(fileno(file), size), 0);
	return file;
}

static void write_files(struct fixture *f, FILE *golden)
{
	char line[80]; /* an offset, and 32 bytes in hex */
	FILE *file = NULL;

	while (fgets(line, sizeof line, golden) != NULL) {
		char *second = strchr(line, ' ');
		assert_non_null(second);
		*second++ = '\0';
		if (strchr(line, '/') != NULL) {
			if (file != NULL)
				assert_int_equal(fclose(file), 0);
			file = begin_file(f, line, strtol(second, NULL, 10));
			continue;
		}
		assert_non_null(file);
		write_row(file, strtol(line, NULL, 16), second);
	}
	assert_non_null(file);
	assert_int_equal(fclose(file), 0);
}

static void take_old(struct fixture *f)
{
	static const char *const dirs[] = {"", "gen-1", "gen-1/log", "gen-1/state"};
	char path[160];

	for (size_t i = 0; i < ARRAY_LEN(dirs); i++)
		(void)mkdir(path_in(f, dirs[i], path), 0700); /* the files tell */
	FILE *golden = fopen(GOLDEN_DIR "/store-1.hex", "r");
	assert_non_null(golden);
	write_files(f, golden);
	assert_int_equal(fclose(golden), 0);
	FILE *current = fopen(path_in(f, "current", path), "w");
	assert_non_null(current);
	assert_true(fputs("gen-1\n", current) >= 0);
	assert_int_equal(fclose(current), 0);
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
