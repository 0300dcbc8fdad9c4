/* layer: store */
#include <fcntl.h>

#include "tests/own.h"
#include "tests/unit/store_story.h"

enum { RECORDS = 400, ENTRIES = 700, FLIPS = 600, CUTS = 60 };

static const char *const files[] = {"gen-1/log/data.mdb", "gen-1/state/data.mdb"};

/* A store with two tables of some hundred records, and as many entries again behind the image. */
static void fill(struct fixture *f)
{
	opens(f);
	for (uint64_t seq = 1; seq <= ENTRIES; seq += 50) {
		struct bulk bulk = {.first = seq, .n = 50, .size = 300, .keys = RECORDS};
		assert_int_equal(commit_bulk(f->store, bulk), OK);
		if (seq <= RECORDS)
			(void)checkpoints(f, seq + 49);
	}
	struct entry e = entry_of(ENTRIES + 1, "u@r", "pw");
	e.table = TABLE_SUBSCRIBER;
	assert_int_equal(commit_entry(f, &e), OK);
	store_close(&f->store);
}

struct sum {
	uint64_t hash, things;
};

static bool add_record(void *context, enum table table, struct slice key, struct slice value)
{
	struct sum *s = context;

	s->hash += record_hash(table, key, value);
	s->things++;
	return true;
}

static bool add_entry(void *context, struct slice bytes)
{
	struct sum *s = context;
	struct entry e;

	assert_int_equal(entry_decode(bytes, &e), OK);
	s->hash = s->hash * 31 + record_hash(e.table, e.key, e.value) + e.seq;
	s->things++;
	return true;
}

/* All that a node takes from its store at the start. */
static enum err take_all(struct fixture *f, struct sum *image, struct sum *log)
{
	*image = *log = (struct sum){0};
	enum err err = store_open_reading(&f->store, f->dir, f->fault);
	if (err == OK)
		err = state_read(f->store, add_record, image);
	if (err == OK)
		err = log_walk(f->store, add_entry, log);
	store_close(&f->store);
	return err;
}

static struct slice file_read(struct fixture *f, const char *name)
{
	char path[160];
	int fd = open(path_in(f, name, path), O_RDONLY);
	off_t size = lseek(fd, 0, SEEK_END);
	uint8_t *bytes = malloc((size_t)size);

	assert_int_equal(pread(fd, bytes, (size_t)size, 0), size);
	assert_int_equal(close(fd), 0);
	return (struct slice){bytes, (size_t)size};
}

static void file_write(struct fixture *f, const char *name, struct slice bytes)
{
	char path[160];
	int fd = open(path_in(f, name, path), O_WRONLY | O_TRUNC);

	assert_int_equal(write(fd, bytes.p, bytes.n), bytes.n);
	assert_int_equal(close(fd), 0);
}

static void byte_write(struct fixture *f, const char *name, size_t at, uint8_t byte)
{
	char path[160];
	int fd = open(path_in(f, name, path), O_WRONLY);

	assert_int_equal(pwrite(fd, &byte, 1, (off_t)at), 1);
	assert_int_equal(close(fd), 0);
}

static enum err check(struct fixture *f)
{
	struct store_checked found;

	return store_check(f->dir, NULL, NULL, &found, f->fault);
}

/* LMDB's own number of the newest transaction, once on each of the first two pages: a bit of it makes
 * the transaction before count. What that one left is whole, and ends earlier. */
static bool in_transaction_number(size_t at)
{
	return at < 8192 && at % 4096 >= 144 && at % 4096 < 152;
}

struct outcome {
	struct sum image, log; /* as stored */
	unsigned broken, right, before;
};

static bool same(const struct sum *a, const struct sum *b)
{
	return a->hash == b->hash && a->things == b->things;
}

/* Broken, or exactly what was stored. */
static void judge(struct fixture *f, const char *file, size_t at, struct outcome *o)
{
	struct sum image, log;

	if (check(f) != OK) {
		assert_true(f->fault[0] != '\0');
		o->broken++;
		return;
	}
	assert_int_equal(take_all(f, &image, &log), OK);
	if (same(&image, &o->image) && same(&log, &o->log))
		o->right++;
	else if (in_transaction_number(at))
		o->before++;
	else
		fail_msg("%s, byte %zu: %llu records, %llu entries, and no word", file, at,
		         (unsigned long long)image.things, (unsigned long long)log.things);
}

static uint64_t draw(uint64_t *state)
{
	*state = *state * UINT64_C(6364136223846793005) + 1442695040888963407U;
	return *state >> 33;
}

/* X08, X13 */
static void a_flipped_bit_is_seen_or_changes_nothing(void **state)
{
	struct fixture *f = *state;
	uint64_t random = 20260101;
	struct outcome o = {0};

	fill(f);
	assert_int_equal(take_all(f, &o.image, &o.log), OK);
	assert_int_equal(o.image.things, RECORDS);
	assert_int_equal(o.log.things, ENTRIES + 1);
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		struct slice whole = file_read(f, files[i]);
		for (unsigned n = 0; n < FLIPS; n++) {
			/* Every other one in the first pages: LMDB's own. */
			size_t at = draw(&random) % (n % 2 == 0 ? whole.n : 8192 + 4096);
			uint8_t bit = (uint8_t)(1U << draw(&random) % 8);
			byte_write(f, files[i], at, whole.p[at] ^ bit);
			judge(f, files[i], at, &o);
			byte_write(f, files[i], at, whole.p[at]);
		}
		free(own(whole.p));
	}
	assert_int_equal(check(f), OK);
	print_message("%u flips seen, %u without effect, %u went back a transaction\n", o.broken,
	              o.right, o.before);
	assert_true(o.broken > FLIPS / 2);
}

/* X08: also a block whose end was never written. */
static void a_file_that_lost_its_end_is_seen(void **state)
{
	struct fixture *f = *state;
	uint64_t random = 4;
	struct outcome o = {0};

	fill(f);
	assert_int_equal(take_all(f, &o.image, &o.log), OK);
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		struct slice whole = file_read(f, files[i]);
		for (unsigned n = 0; n < CUTS; n++) {
			size_t kept = n == 0 ? 0 : draw(&random) % whole.n;
			file_write(f, files[i], slice_head(whole, kept));
			judge(f, files[i], SIZE_MAX, &o);
		}
		file_write(f, files[i], whole);
		free(own(whole.p));
	}
	assert_int_equal(check(f), OK);
	print_message("%u cuts seen, %u without effect\n", o.broken, o.right);
	assert_true(o.broken > CUTS);
}

static void count(void *context, const char *what, uint64_t done)
{
	uint64_t *most = context;

	(void)what;
	*most = done > *most ? done : *most;
}

static void the_look_tells_how_far_it_is_and_whose_the_store_is(void **state)
{
	struct fixture *f = *state;
	struct store_checked found;
	struct bulk bulk = {.first = 1, .n = 5000, .size = 10, .keys = 100};
	uint64_t most = 0;

	assert_int_equal(store_check(f->dir, NULL, NULL, &found, f->fault), OK);
	assert_int_equal(found.node_id, 0); /* there is none */
	opens(f);
	assert_int_equal(commit_bulk(f->store, bulk), OK);
	assert_int_equal(store_check(f->dir, count, &most, &found, f->fault), OK);
	assert_int_equal(found.node_id, 4711);
	assert_int_equal(found.entries, 5000);
	assert_true(most >= 4096);
}

/* X13 */
static void a_damaged_store_is_set_aside_whole_and_the_next_one_is_empty(void **state)
{
	struct fixture *f = *state;

	fill(f);
	assert_int_equal(store_set_aside(f->dir, 100, f->fault), OK);
	assert_true(exists(f, "broken-100/current"));
	assert_true(exists(f, "broken-100/gen-1/log/data.mdb"));
	assert_false(exists(f, "current"));
	assert_int_equal(check(f), OK);
	opens(f);
	assert_true(meta_of(f).lost);
	assert_int_equal(store_set_aside(f->dir, 200, f->fault), ERR_EXISTS);
	reopens(f);
	assert_true(meta_of(f).lost); /* until something is in it again */
	commits(f, 1, "a", "1");
	assert_false(meta_of(f).lost);
	store_close(&f->store);
	assert_int_equal(store_set_aside(f->dir, 200, f->fault), OK);
	assert_true(exists(f, "broken-200/gen-1/state/data.mdb"));
	assert_false(exists(f, "broken-100")); /* they would fill the disk */
}

static void a_store_whose_current_is_gone_is_damaged(void **state)
{
	struct fixture *f = *state;
	char path[160];

	fill(f);
	assert_int_equal(unlink(path_in(f, "current", path)), 0);
	assert_int_equal(check(f), ERR_CORRUPT);
	assert_int_equal(store_set_aside(f->dir, 7, f->fault), OK);
	opens(f);
	shows_image(f, "");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		STORE_TEST(a_flipped_bit_is_seen_or_changes_nothing),
		STORE_TEST(a_file_that_lost_its_end_is_seen),
		STORE_TEST(the_look_tells_how_far_it_is_and_whose_the_store_is),
		STORE_TEST(a_damaged_store_is_set_aside_whole_and_the_next_one_is_empty),
		STORE_TEST(a_store_whose_current_is_gone_is_damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
