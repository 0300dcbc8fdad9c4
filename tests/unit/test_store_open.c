/* layer: store */
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>

#include "store/internal.h"
#include "tests/unit/store_story.h"

static void write_text(struct fixture *f, const char *name, const char *text)
{
	char path[160];
	FILE *file = fopen(path_in(f, name, path), "wb");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static void the_directory_is_made_for_its_owner_only(void **state)
{
	struct fixture *f = *state;
	struct stat st;

	opens(f);
	assert_int_equal(stat(f->dir, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	assert_true(exists(f, "gen-1"));
	assert_true(exists(f, "current"));
}

static void a_directory_that_cannot_be_made_is_named(void **state)
{
	struct fixture *f = *state;
	char path[160];

	f->options.dir = path_in(f, "no/such", path);
	refuses(f, ERR_IO, "No such file");
}

static void a_second_opener_is_refused(void **state)
{
	struct fixture *f = *state;
	struct store *second = NULL;

	opens(f);
	assert_int_equal(store_open(&second, &f->options, f->fault), ERR_EXISTS);
	assert_null(second);
	assert_non_null(strstr(f->fault, "another process"));
	reopens(f);
}

static void another_pairs_store_is_refused_unharmed(void **state)
{
	struct fixture *f = *state;

	opens(f);
	commits(f, 1, "a", "1");
	store_close(&f->store);
	f->options.cluster_id[3] ^= 1;
	refuses(f, ERR_FOREIGN, "another pair");
	f->options.cluster_id[3] ^= 1;
	opens(f);
	shows_log(f, 1, "1:a=1 ");
}

static void the_node_id_of_the_first_start_stays(void **state)
{
	struct fixture *f = *state;

	opens(f);
	f->options.node_id = 9999;
	reopens(f);
	assert_int_equal(meta_of(f).node_id, 4711);
}

/* Puts as many other bytes in the place of `old`, wherever it stands in the file. */
static void patch(const char *path, struct slice old, const uint8_t *other)
{
	int fd = open(path, O_RDWR);
	off_t size = lseek(fd, 0, SEEK_END);
	uint8_t *bytes = malloc((size_t)size);
	unsigned found = 0;

	assert_int_equal(pread(fd, bytes, (size_t)size, 0), size);
	for (size_t i = 0; i + old.n <= (size_t)size; i++) {
		if (memcmp(bytes + i, old.p, old.n) != 0)
			continue;
		assert_int_equal(pwrite(fd, other, old.n, (off_t)i), old.n);
		found++;
	}
	assert_true(found > 0);
	assert_int_equal(close(fd), 0);
	free(bytes);
}

/* What any version finds: the number, behind it its seal. */
static void format_value(uint8_t bytes[22], uint64_t format)
{
	struct buf b = buf_on(bytes, 22);
	uint8_t number[8];
	struct buf n = buf_on(number, sizeof number);

	buf_uint(&n, format, 8);
	buf_put(&b, SLICE("format"));
	buf_put(&b, buf_slice(&n));
	buf_uint(&b, seal_of(NO_TABLE, SLICE("format"), buf_slice(&n)), SEAL_SIZE);
}

static void a_store_of_a_newer_format_is_refused_unharmed(void **state)
{
	struct fixture *f = *state;
	uint8_t ours[22], newer[22];
	char path[160];

	opens(f);
	commits(f, 1, "a", "1");
	store_close(&f->store);
	format_value(ours, STORE_FORMAT);
	format_value(newer, STORE_FORMAT + 1);
	(void)path_in(f, "gen-1/state/data.mdb", path);
	patch(path, (struct slice){ours, sizeof ours}, newer);
	refuses(f, ERR_VERSION, "format 3");
	patch(path, (struct slice){newer, sizeof newer}, ours);
	opens(f);
	shows_log(f, 1, "1:a=1 ");
}

static void a_lost_current_is_asked_about_not_guessed(void **state)
{
	struct fixture *f = *state;
	char path[160];

	opens(f);
	commits(f, 1, "a", "1");
	store_close(&f->store);
	assert_int_equal(unlink(path_in(f, "current", path)), 0);
	refuses(f, ERR_CORRUPT, "`current` is gone");
	write_text(f, "current", "gen-1\n");
	opens(f);
	shows_log(f, 1, "1:a=1 ");
}

static void a_current_that_names_nothing_is_corrupt(void **state)
{
	struct fixture *f = *state;
	static const char *const wrong[] = {"",         "gen-\n",   "gen-0\n",
	                                    "gen-1x\n", "../etc\n", "gen-99999999999999999999\n"};

	opens(f);
	store_close(&f->store);
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		write_text(f, "current", wrong[i]);
		refuses(f, ERR_CORRUPT, "damaged");
	}
}

static void a_file_that_is_no_database_is_corrupt(void **state)
{
	struct fixture *f = *state;
	static const char *const files[] = {"gen-1/log/data.mdb", "gen-1/state/data.mdb"};

	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		opens(f);
		store_close(&f->store);
		char junk[5000];
		memset(junk, 'x', sizeof junk - 1);
		junk[sizeof junk - 1] = '\0';
		write_text(f, files[i], junk);
		refuses(f, ERR_CORRUPT, "damaged");
		write_text(f, files[i], ""); /* as after a copy that failed */
		refuses(f, ERR_CORRUPT, "damaged");
		(void)nftw(f->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	}
}

/* In a process of its own, as regpairctl is: LMDB knows one environment once in a process. */
static int read_beside(struct fixture *f, uint64_t last_seq)
{
	pid_t child = fork();

	if (child == 0) {
		struct store *s = NULL;
		struct store_meta m;
		uint8_t *room = malloc(BLOCK_MAX);
		struct buf to = buf_on(room, BLOCK_MAX);
		uint8_t text[200];
		struct buf image = buf_on(text, sizeof text);
		bool good = store_open_reading(&s, f->dir, f->fault) == OK &&
		            store_meta(s, &m) == OK && m.log_last == last_seq &&
		            m.node_id == 4711 && log_read(s, last_seq, &to) == OK &&
		            state_read(s, print_record, &image) == OK &&
		            slice_eq(buf_slice(&image), SLICE("1:a=1 "));
		store_close(&s);
		free(room);
		_exit(good ? 0 : 1);
	}
	int status = -1;
	assert_int_equal(waitpid(child, &status, 0), child);
	return status;
}

static void a_running_store_is_read_from_beside(void **state)
{
	struct fixture *f = *state;

	opens(f);
	commits(f, 1, "a", "1");
	(void)checkpoints(f, 1);
	commits(f, 2, "b", "2");
	assert_int_equal(read_beside(f, 2), 0);
	commits(f, 3, "c", "3");
	assert_int_equal(read_beside(f, 3), 0);
	store_close(&f->store);
	assert_int_equal(read_beside(f, 3), 0); /* and when nobody has it open */
}

/* Commits, checkpoints, receives half a snapshot, and is gone without a word. */
static void live_and_die(struct fixture *f)
{
	pid_t child = fork();

	if (child == 0) {
		opens(f);
		commits(f, 1, "a", "1");
		(void)checkpoints(f, 1);
		commits(f, 2, "b", "2");
		bool good = store_next_begin(f->store) == OK &&
		            store_next_put(f->store, TABLE_AOR, SLICE("x"), SLICE("y")) == OK;
		_exit(good ? 0 : 1);
	}
	int status = -1;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

/* X01 */
static void a_killed_process_leaves_what_it_committed(void **state)
{
	struct fixture *f = *state;

	live_and_die(f);
	assert_true(exists(f, "next"));
	opens(f);
	assert_false(exists(f, "next"));
	shows_meta(f, "log 1-2 base 0/0 image 77/1 pair 2000");
	shows_image(f, "1:a=1 ");
	shows_log(f, 1, "1:a=1 2:b=2 ");
	commits(f, 3, "c", "3");
}

static void reading_what_is_not_there_says_so(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(store_open_reading(&f->store, f->dir, f->fault), ERR_IO);
	assert_non_null(strstr(f->fault, "No such file"));
	assert_int_equal(mkdir(f->dir, 0700), 0);
	assert_int_equal(store_open_reading(&f->store, f->dir, f->fault), ERR_NOT_FOUND);
	assert_non_null(strstr(f->fault, "no store"));
}

/* A disk of its own for the store: needs root and a mount namespace, which ends with the process. */
static bool own_disk(struct fixture *f, const char *size)
{
	if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
		return false;
	return mkdir(f->dir, 0700) == 0 && mount("none", f->dir, "tmpfs", 0, size) == 0;
}

/* X08 */
static void a_disk_too_full_to_start_on_is_refused(void **state)
{
	struct fixture *f = *state;

	if (!own_disk(f, "size=16m"))
		skip();
	refuses(f, ERR_FULL, "MiB free");
	assert_int_equal(umount2(f->dir, MNT_DETACH), 0);
}

/* X08 */
static void a_disk_that_fills_up_loses_nothing_and_the_log_goes_on_when_there_is_room(void **state)
{
	struct fixture *f = *state;
	uint64_t seq = 1;
	enum err err = OK;

	if (!own_disk(f, "size=40m"))
		skip();
	f->options.max_size = 1024 * MIB;
	opens(f);
	while (err == OK) {
		err = commit_bulk(f->store, (struct bulk){seq, 500, 1000, 1000});
		seq += err == OK ? 500 : 0;
	}
	assert_int_equal(err, ERR_FULL);
	assert_true(seq > 10000);
	assert_int_equal(commit_bulk(f->store, (struct bulk){seq, 500, 1000, 1000}), ERR_FULL);
	assert_int_equal(meta_of(f).log_last, seq - 1);
	shows_log(f, seq, "");
	store_close(&f->store);
	refuses(f, ERR_FULL, "make room");

	assert_int_equal(mount("none", f->dir, "tmpfs", MS_REMOUNT, "size=80m"), 0);
	opens(f);
	while ((err = commit_bulk(f->store, (struct bulk){seq, 500, 1000, 1000})) == OK)
		seq += 500;
	assert_int_equal(err, ERR_FULL);
	assert_int_equal(mount("none", f->dir, "tmpfs", MS_REMOUNT, "size=160m"), 0);
	assert_int_equal(commit_bulk(f->store, (struct bulk){seq, 500, 1000, 1000}), OK);
	assert_int_equal(meta_of(f).log_last, seq + 499); /* the same process went on */
	assert_int_equal(umount2(f->dir, MNT_DETACH), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORE_TEST(the_directory_is_made_for_its_owner_only),
		STORE_TEST(a_directory_that_cannot_be_made_is_named),
		STORE_TEST(a_second_opener_is_refused),
		STORE_TEST(another_pairs_store_is_refused_unharmed),
		STORE_TEST(the_node_id_of_the_first_start_stays),
		STORE_TEST(a_store_of_a_newer_format_is_refused_unharmed),
		STORE_TEST(a_lost_current_is_asked_about_not_guessed),
		STORE_TEST(a_current_that_names_nothing_is_corrupt),
		STORE_TEST(a_file_that_is_no_database_is_corrupt),
		STORE_TEST(a_running_store_is_read_from_beside),
		STORE_TEST(a_killed_process_leaves_what_it_committed),
		STORE_TEST(reading_what_is_not_there_says_so),
		STORE_TEST(a_disk_too_full_to_start_on_is_refused),
		STORE_TEST(
			a_disk_that_fills_up_loses_nothing_and_the_log_goes_on_when_there_is_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
