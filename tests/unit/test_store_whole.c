/* layer: store */
/* test_store_whole.c - what a backup reads: image and log as one, at one moment; and what a restored
 * generation says of itself. */
#include "tests/unit/store_story.h"

struct heard {
	struct fixture *f;
	struct store_end end;
	void (*meanwhile)(struct fixture *f); /* runs between the beginning and the first record */
	uint8_t text[1000];
	struct buf b;
	unsigned stop_at; /* the callee returns false then; 0: never */
	unsigned n;
};

static bool begins(void *context, const struct store_end *end)
{
	struct heard *h = context;

	h->end = *end;
	if (h->meanwhile != NULL)
		h->meanwhile(h->f);
	return true;
}

static bool refuses_to_begin(void *context, const struct store_end *end)
{
	(void)context;
	(void)end;
	return false;
}

static bool each(void *context, enum table table, struct slice key, struct slice value)
{
	struct heard *h = context;

	return ++h->n != h->stop_at && print_record(&h->b, table, key, value);
}

static void hears(struct heard *h, const char *want)
{
	h->b = buf_on(h->text, sizeof h->text - 1);
	assert_int_equal(store_whole(h->f->store, begins, each, h), OK);
	h->text[h->b.n] = '\0';
	assert_string_equal((const char *)h->text, want);
}

static void ends_at(const struct heard *h, uint64_t seq)
{
	assert_int_equal(h->end.position.seq, seq);
	assert_int_equal(h->end.position.reign, seq > 0 ? REIGN : 0);
	assert_int_equal(h->end.pair.ms, 1000 * seq);
	assert_int_equal(h->end.wall_ms, seq > 0 ? 5000 + seq : 0);
	assert_int_equal(h->end.node_id, 4711);
	assert_int_equal(h->end.cluster_id[3], 0xc1);
}

static void what_the_log_has_beyond_the_image_counts(void **state)
{
	struct heard h = {.f = *state};
	struct entry nap = entry_of(8, "n", "8");

	opens(h.f);
	hears(&h, "");
	ends_at(&h, 0);
	commits(h.f, 1, "b", "1");
	commits(h.f, 2, "d", "2");
	commits(h.f, 3, "f", "3");
	hears(&h, "1:b=1 1:d=2 1:f=3 "); /* no image yet */
	(void)checkpoints(h.f, 3);
	hears(&h, "1:b=1 1:d=2 1:f=3 "); /* nothing but the image */
	ends_at(&h, 3);
	commits(h.f, 4, "a", "4");
	commits(h.f, 5, "d", "5");
	commits(h.f, 6, "f", "");
	commits(h.f, 7, "g", "7");
	nap.table = TABLE_NAP;
	assert_int_equal(commit_entry(h.f, &nap), OK);
	commits(h.f, 9, "g", "9");
	commits(h.f, 10, "e", "10");
	commits(h.f, 11, "e", "");
	hears(&h, "1:a=4 1:b=1 1:d=5 1:g=9 2:n=8 ");
	ends_at(&h, 11);
	(void)checkpoints(h.f, 7);
	hears(&h, "1:a=4 1:b=1 1:d=5 1:g=9 2:n=8 "); /* whatever is in the image already */
	(void)checkpoints(h.f, 11);
	assert_int_equal(log_trim(h.f->store, 12), OK);
	hears(&h, "1:a=4 1:b=1 1:d=5 1:g=9 2:n=8 "); /* and without a log */
	ends_at(&h, 11);
}

static void go_on(struct fixture *f)
{
	commits(f, 5, "a", "5");
	commits(f, 6, "b", "");
	(void)checkpoints(f, 6);
	assert_int_equal(log_trim(f->store, 7), OK);
	commits(f, 7, "a", "7");
}

/* Entries, checkpoint and trim while it reads: they come too late. */
static void what_happens_meanwhile_is_not_seen(void **state)
{
	struct heard h = {.f = *state, .meanwhile = go_on};

	opens(h.f);
	commits(h.f, 1, "a", "1");
	commits(h.f, 2, "b", "2");
	(void)checkpoints(h.f, 2);
	commits(h.f, 3, "a", "3");
	commits(h.f, 4, "c", "4");
	hears(&h, "1:a=3 1:b=2 1:c=4 ");
	ends_at(&h, 4);
	h.meanwhile = NULL;
	hears(&h, "1:a=7 1:c=4 ");
	ends_at(&h, 7);
}

static void a_callee_that_stops_ends_it(void **state)
{
	struct heard h = {.f = *state, .stop_at = 2};

	opens(h.f);
	commits(h.f, 1, "a", "1");
	(void)checkpoints(h.f, 1);
	commits(h.f, 2, "b", "2");
	commits(h.f, 3, "c", "3");
	h.b = buf_on(h.text, sizeof h.text);
	assert_int_equal(store_whole(h.f->store, begins, each, &h), ERR_CORRUPT);
	assert_int_equal(h.n, 2);
	assert_int_equal(store_whole(h.f->store, refuses_to_begin, each, &h), ERR_CORRUPT);
	assert_int_equal(h.n, 2);
}

/* Many keys over and over, with an image somewhere behind: against the log played from its beginning. */
static void it_is_what_the_log_says_wherever_the_image_is(void **state)
{
	enum { ENTRIES = 3000, KEYS = 97 };
	struct heard h = {.f = *state};
	uint64_t newest[KEYS] = {0};
	char want[1000] = "";
	size_t n = 0;

	opens(h.f);
	for (uint64_t seq = 1; seq <= ENTRIES; seq++) {
		uint64_t k = seq * seq * 31 % KEYS;
		char key[8], value[8];
		(void)snprintf(key, sizeof key, "%02llu", (unsigned long long)k);
		(void)snprintf(value, sizeof value, "%llu", (unsigned long long)seq);
		if (seq % 5 == 0)
			value[0] = '\0';
		newest[k] = seq % 5 == 0 ? 0 : seq;
		commits(h.f, seq, key, value);
		if (seq % 700 == 0)
			(void)checkpoints(h.f, seq - 50);
	}
	for (unsigned k = 0; k < KEYS; k++)
		if (newest[k] != 0)
			n += (size_t)snprintf(want + n, sizeof want - n, "1:%02u=%llu ", k,
			                      (unsigned long long)newest[k]);
	assert_true(n < sizeof want);
	hears(&h, want);
	ends_at(&h, ENTRIES);
}

static bool same_text(void *context, enum table table, struct slice key, struct slice value)
{
	return print_record(context, table, key, value);
}

static void a_generation_is_read_before_it_is_in_place(void **state)
{
	struct fixture *f = *state;
	uint8_t text[100];
	struct buf b = buf_on(text, sizeof text);
	struct position end = {REIGN, 40};

	opens(f);
	assert_int_equal(store_next_begin(f->store), OK);
	assert_int_equal(store_next_put(f->store, TABLE_AOR, SLICE("k"), SLICE("v")), OK);
	assert_int_equal(store_next_read(f->store, same_text, &b), OK);
	assert_true(slice_eq(buf_slice(&b), SLICE("1:k=v ")));
	assert_int_equal(store_next_restored(f->store, end), OK);
	assert_int_equal(store_next_commit(f->store, end, (struct pairtime){40000}, 5040), OK);
	shows_image(f, "1:k=v ");
	shows_meta(f, "log 0-0 base 77/40 image 77/40 pair 40000");
}

/* Until something is logged behind it, by whomever; a snapshot that replaces it was not restored. */
static void a_restored_store_says_so_until_it_goes_on(void **state)
{
	struct fixture *f = *state;
	struct position end = {REIGN, 40};

	opens(f);
	assert_false(meta_of(f).restored);
	assert_int_equal(store_next_begin(f->store), OK);
	assert_int_equal(store_next_restored(f->store, end), OK);
	assert_int_equal(store_next_commit(f->store, end, (struct pairtime){40000}, 5040), OK);
	assert_true(meta_of(f).restored);
	reopens(f);
	assert_true(meta_of(f).restored);
	commits(f, 41, "k", "v");
	assert_false(meta_of(f).restored);
	(void)checkpoints(f, 41);
	assert_int_equal(log_trim(f->store, 42), OK);
	reopens(f);
	assert_false(meta_of(f).restored);
	assert_int_equal(store_next_begin(f->store), OK);
	assert_int_equal(store_next_commit(f->store, end, (struct pairtime){40000}, 5040), OK);
	assert_false(meta_of(f).restored);
}

static void a_store_in_use_is_told_from_one_that_is_not(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(store_unused(f->dir, f->fault), OK); /* not there */
	opens(f);
	assert_int_equal(store_unused(f->dir, f->fault), ERR_EXISTS);
	assert_non_null(strstr(f->fault, "stop that one first"));
	store_close(&f->store);
	assert_int_equal(store_unused(f->dir, f->fault), OK);
	opens(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORE_TEST(what_the_log_has_beyond_the_image_counts),
		STORE_TEST(what_happens_meanwhile_is_not_seen),
		STORE_TEST(a_callee_that_stops_ends_it),
		STORE_TEST(it_is_what_the_log_says_wherever_the_image_is),
		STORE_TEST(a_generation_is_read_before_it_is_in_place),
		STORE_TEST(a_restored_store_says_so_until_it_goes_on),
		STORE_TEST(a_store_in_use_is_told_from_one_that_is_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
