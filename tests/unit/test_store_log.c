/* layer: store */
#include <fcntl.h>

#include "tests/unit/store_story.h"

static void a_new_store_is_empty(void **state)
{
	struct fixture *f = *state;

	opens(f);
	shows_meta(f, "log 0-0 base 0/0 image 0/0 pair 0");
	assert_int_equal(meta_of(f).node_id, 4711);
	shows_log(f, 1, "");
	shows_image(f, "");
}

/* I1 */
static void what_was_committed_is_there_after_a_restart(void **state)
{
	struct fixture *f = *state;

	opens(f);
	commits(f, 1, "alice", "one");
	commits(f, 2, "bob", "two");
	commits(f, 3, "alice", "");
	reopens(f);
	shows_log(f, 1, "1:alice=one 2:bob=two 3:alice= ");
	shows_log(f, 3, "3:alice= ");
	shows_meta(f, "log 1-3 base 0/0 image 0/0 pair 3000");
	assert_int_equal(meta_of(f).wall_ms, 5003);
	commits(f, 4, "carol", "x");
	shows_log(f, 4, "4:carol=x ");
}

static void a_large_commit_becomes_blocks_that_are_read_from_any_seq(void **state)
{
	struct fixture *f = *state;
	uint8_t *room = malloc(BLOCK_MAX);
	struct buf to = buf_on(room, BLOCK_MAX);
	struct block b;
	uint64_t blocks = 0;

	opens(f);
	assert_int_equal(commit_bulk(f->store, (struct bulk){1, 1000, 400, 1000}), OK);
	assert_int_equal(commit_bulk(f->store, (struct bulk){1001, 3, RECORD_MAX, 1000}), OK);
	for (uint64_t seq = 1; seq <= 1003; seq = b.first_seq + b.count) {
		assert_int_equal(log_read(f->store, seq, &to), OK);
		assert_int_equal(block_open(buf_slice(&to), &b), OK);
		assert_int_equal(b.first_seq, seq);
		blocks++;
	}
	assert_in_range(blocks, 8, 12);
	assert_int_equal(log_read(f->store, 500, &to), OK);
	assert_int_equal(block_open(buf_slice(&to), &b), OK);
	assert_in_range(500 - b.first_seq, 0, b.count - 1);
	free(room);
}

static void a_seq_outside_the_log_is_not_found(void **state)
{
	struct fixture *f = *state;
	uint8_t *room = malloc(BLOCK_MAX);
	struct buf to = buf_on(room, BLOCK_MAX);

	opens(f);
	commits(f, 1, "a", "1");
	assert_int_equal(log_read(f->store, 0, &to), ERR_NOT_FOUND);
	assert_int_equal(log_read(f->store, 2, &to), ERR_NOT_FOUND);
	assert_int_equal(log_read(f->store, UINT64_MAX, &to), ERR_NOT_FOUND);
	struct buf small = buf_on(room, 10);
	assert_int_equal(log_read(f->store, 1, &small), ERR_TOO_BIG);
	free(room);
}

static void a_seq_out_of_order_stops_the_log(void **state)
{
	struct fixture *f = *state;
	struct entry gap = entry_of(3, "c", "3");
	struct entry next = entry_of(2, "b", "2");

	opens(f);
	commits(f, 1, "a", "1");
	assert_int_equal(commit_entry(f, &gap), ERR_MALFORMED);
	assert_int_equal(commit_entry(f, &next), ERR_MALFORMED);
	assert_int_equal(log_cut(f->store, 1), ERR_MALFORMED);
	reopens(f);
	commits(f, 2, "b", "2");
	shows_log(f, 1, "1:a=1 2:b=2 ");
}

static void bytes_that_are_no_entry_are_not_committed(void **state)
{
	struct fixture *f = *state;
	struct slice junk = SLICE("\xff\xff\xff");

	opens(f);
	assert_int_equal(log_commit(f->store, &junk, 1, 1, 0), ERR_MALFORMED);
	reopens(f);
	shows_meta(f, "log 0-0 base 0/0 image 0/0 pair 0");
	assert_int_equal(log_commit(f->store, NULL, 0, 1, 0), OK);
}

static void a_cut_within_a_block_keeps_what_is_before_it(void **state)
{
	struct fixture *f = *state;

	opens(f);
	assert_int_equal(commit_bulk(f->store, (struct bulk){1, 5, 1, 1000}), OK);
	commits(f, 6, "f", "6");
	assert_int_equal(log_cut(f->store, 3), OK);
	shows_log(f, 1, "1:key000001=b 2:key000002=c 3:key000003=d ");
	commits(f, 4, "d", "again");
	reopens(f);
	shows_log(f, 3, "3:key000003=d 4:d=again ");
	assert_int_equal(log_cut(f->store, 4), OK); /* nothing to do */
	assert_int_equal(log_cut(f->store, 0), OK);
	shows_meta(f, "log 0-0 base 0/0 image 0/0 pair 0");
	commits(f, 1, "a", "anew");
	shows_log(f, 1, "1:a=anew ");
}

static void the_log_is_not_cut_under_its_image(void **state)
{
	struct fixture *f = *state;

	opens(f);
	commits(f, 1, "a", "1");
	commits(f, 2, "a", "2");
	(void)checkpoints(f, 2);
	assert_int_equal(log_cut(f->store, 1), ERR_UNSUPPORTED);
	assert_int_equal(log_cut(f->store, 2), OK);
	commits(f, 3, "a", "3");
}

static void a_trim_drops_whole_blocks_and_keeps_the_base(void **state)
{
	struct fixture *f = *state;

	opens(f);
	assert_int_equal(commit_bulk(f->store, (struct bulk){1, 5, 1, 1000}), OK);
	commits(f, 6, "f", "6");
	commits(f, 7, "g", "7");
	assert_int_equal(log_trim(f->store, 7), OK); /* the image is at 0: nothing goes */
	shows_meta(f, "log 1-7 base 0/0 image 0/0 pair 7000");
	(void)checkpoints(f, 6);
	assert_int_equal(log_trim(f->store, 5), OK); /* within the first block */
	shows_meta(f, "log 1-7 base 0/0 image 77/6 pair 7000");
	assert_int_equal(log_trim(f->store, 6), OK);
	shows_meta(f, "log 6-7 base 77/5 image 77/6 pair 7000");
	assert_int_equal(log_trim(f->store, 100), OK); /* not beyond the image */
	shows_meta(f, "log 7-7 base 77/6 image 77/6 pair 7000");
	(void)checkpoints(f, 7);
	assert_int_equal(log_trim(f->store, 100), OK);
	reopens(f);
	shows_meta(f, "log 0-0 base 77/7 image 77/7 pair 7000");
	assert_int_equal(meta_of(f).wall_ms, 5007);
	commits(f, 8, "h", "8");
	shows_meta(f, "log 8-8 base 77/7 image 77/7 pair 8000");
}

static void a_long_trim_takes_several_transactions(void **state)
{
	struct fixture *f = *state;

	opens(f);
	for (uint64_t seq = 1; seq <= 600; seq++)
		commits(f, seq, "k", "v");
	(void)checkpoints(f, 600);
	assert_int_equal(log_trim(f->store, 599), OK);
	shows_meta(f, "log 599-600 base 77/598 image 77/600 pair 600000");
}

/* Reads back a file of log_set_aside: "4:key=value ". */
static void shows_file(const char *path, const char *want)
{
	uint8_t *room = malloc(BLOCK_MAX);
	uint8_t text[500];
	struct buf b = buf_on(text, sizeof text - 1);
	uint8_t length[4];
	FILE *file = fopen(path, "rb");

	assert_non_null(file);
	while (fread(length, 1, 4, file) == 4) {
		size_t n = (size_t)length[1] << 16 | (size_t)length[2] << 8 | length[3];
		struct block in;
		struct slice bytes;
		struct entry e;
		assert_int_equal(fread(room, 1, n, file), n);
		assert_int_equal(block_open((struct slice){room, n}, &in), OK);
		while (block_next(&in, &bytes)) {
			assert_int_equal(entry_decode(bytes, &e), OK);
			(void)print_record(&b, (enum table)e.seq, e.key, e.value);
		}
	}
	assert_int_equal(fclose(file), 0);
	free(room);
	text[b.n] = '\0';
	assert_string_equal((const char *)text, want);
}

static void a_fork_is_set_aside_in_a_file_of_blocks(void **state)
{
	struct fixture *f = *state;
	uint64_t count = 0;
	char path[160];
	char other[160];

	opens(f);
	assert_int_equal(commit_bulk(f->store, (struct bulk){1, 3, 1, 1000}), OK);
	commits(f, 4, "d", "4");
	(void)path_in(f, "aside", path);
	(void)path_in(f, "none", other);
	assert_int_equal(log_set_aside(f->store, 1, path, &count), OK);
	assert_int_equal(count, 3);
	shows_file(path, "2:key000002=c 3:key000003=d 4:d=4 ");
	assert_int_equal(log_set_aside(f->store, 1, path, &count), ERR_EXISTS);
	assert_int_equal(log_set_aside(f->store, 4, other, &count), OK);
	assert_int_equal(count, 0);
	shows_file(other, "");
	shows_log(f, 4, "4:d=4 ");
}

static void setting_aside_takes_all_where_the_log_begins_later(void **state)
{
	struct fixture *f = *state;
	uint64_t count = 0;
	char path[160];

	opens(f);
	commits(f, 1, "a", "1");
	commits(f, 2, "b", "2");
	(void)checkpoints(f, 1);
	assert_int_equal(log_trim(f->store, 2), OK);
	assert_int_equal(log_set_aside(f->store, 0, path_in(f, "aside", path), &count), OK);
	assert_int_equal(count, 1);
	shows_file(path, "2:b=2 ");
}

/* Flips one byte behind the n-th place where `mark` stands in the file. */
static void flip_behind(const char *path, struct slice mark)
{
	int fd = open(path, O_RDWR);
	off_t size = lseek(fd, 0, SEEK_END);
	uint8_t *bytes = malloc((size_t)size);

	assert_int_equal(pread(fd, bytes, (size_t)size, 0), size);
	uint8_t *at = memmem(bytes, (size_t)size, mark.p, mark.n);
	assert_non_null(at);
	at[0] ^= 1;
	assert_int_equal(pwrite(fd, at, 1, at - bytes), 1);
	assert_int_equal(close(fd), 0);
	free(bytes);
}

/* X08 */
static void a_flipped_byte_in_a_block_is_found(void **state)
{
	struct fixture *f = *state;
	uint8_t *room = malloc(BLOCK_MAX);
	struct buf to = buf_on(room, BLOCK_MAX);
	char path[160];
	uint64_t records = 0;
	uint64_t count = 0;

	opens(f);
	commits(f, 1, "first", "sound");
	commits(f, 2, "second", "a value to be damaged");
	commits(f, 3, "third", "sound");
	store_close(&f->store);
	flip_behind(path_in(f, "gen-1/log/data.mdb", path), SLICE("to be damaged"));
	opens(f);
	assert_int_equal(log_read(f->store, 2, &to), ERR_CORRUPT);
	assert_int_equal(log_read(f->store, 1, &to), OK);
	assert_int_equal(log_read(f->store, 3, &to), OK);
	assert_int_equal(store_checkpoint(f->store, 3, &records), ERR_CORRUPT);
	assert_int_equal(log_set_aside(f->store, 0, path_in(f, "aside", path), &count),
	                 ERR_CORRUPT);
	assert_false(exists(f, "aside"));
	shows_meta(f, "log 1-3 base 0/0 image 0/0 pair 3000");
	free(room);
}

/* X08 */
static void a_full_log_takes_nothing_until_there_is_room_and_then_goes_on(void **state)
{
	struct fixture *f = *state;
	uint64_t seq = 1;
	enum err err = OK;

	f->options.max_size = 4 * MIB;
	opens(f);
	while (err == OK) {
		err = commit_bulk(f->store, (struct bulk){seq, 100, 1000, 1000});
		seq += err == OK ? 100 : 0;
	}
	assert_int_equal(err, ERR_FULL);
	assert_int_equal(commit_bulk(f->store, (struct bulk){seq, 100, 1000, 1000}), ERR_FULL);
	assert_int_equal(meta_of(f).log_last, seq - 1);
	shows_log(f, seq, "");

	reopens(f); /* full as it is, it can be trimmed, and then written again */
	assert_int_equal(meta_of(f).log_last, seq - 1);
	(void)checkpoints(f, seq - 1);
	assert_int_equal(log_trim(f->store, seq), OK);
	assert_int_equal(commit_bulk(f->store, (struct bulk){seq, 100, 1000, 1000}), OK);
	assert_int_equal(meta_of(f).log_last, seq + 99);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORE_TEST(a_new_store_is_empty),
		STORE_TEST(what_was_committed_is_there_after_a_restart),
		STORE_TEST(a_large_commit_becomes_blocks_that_are_read_from_any_seq),
		STORE_TEST(a_seq_outside_the_log_is_not_found),
		STORE_TEST(a_seq_out_of_order_stops_the_log),
		STORE_TEST(bytes_that_are_no_entry_are_not_committed),
		STORE_TEST(a_cut_within_a_block_keeps_what_is_before_it),
		STORE_TEST(the_log_is_not_cut_under_its_image),
		STORE_TEST(a_trim_drops_whole_blocks_and_keeps_the_base),
		STORE_TEST(a_long_trim_takes_several_transactions),
		STORE_TEST(a_fork_is_set_aside_in_a_file_of_blocks),
		STORE_TEST(setting_aside_takes_all_where_the_log_begins_later),
		STORE_TEST(a_flipped_byte_in_a_block_is_found),
		STORE_TEST(a_full_log_takes_nothing_until_there_is_room_and_then_goes_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
