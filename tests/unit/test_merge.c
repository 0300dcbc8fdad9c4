/* layer: core */
/* What two sides of a fork knew of one AOR, and what is true when they meet (design.md section 8). */
#include "tests/unit/merge_kit.h"

struct row {
	const char *name, *ours, *theirs, *merged;
};

enum { SLOT_OURS, SLOT_THEIRS, SLOT_OUT, SLOT_SWAPPED, SLOT_AGAIN };

static const struct merge no_shift = {.their_shift_ms = 0};

static void check_text(struct merge_bench *bench, const struct row *row, struct slice value)
{
	struct arena arena = arena_on(bench->memory, sizeof bench->memory);
	char text[MERGE_TEXT_MAX];

	assert_int_equal(aor_decode(value, &arena, &bench->record), OK);
	write_record(&bench->record, text);
	if (strcmp(text, row->merged) != 0)
		fail_msg("%s: wanted `%s`, got `%s`", row->name, row->merged, text);
}

/* The sides swapped give the same bytes; either side once more changes nothing. */
static void check_laws(struct merge_bench *bench, const struct row *row,
                       const struct merge_versions *v, struct slice value)
{
	struct merge_versions swapped = {v->theirs, v->ours};
	struct merged back = bench_merge(bench, &no_shift, &swapped, SLOT_SWAPPED);

	if (!slice_eq(back.value, value))
		fail_msg("%s: the other side computes something else", row->name);
	for (size_t i = 0; i < 3; i++) {
		struct merge_versions more = {value, i == 0 ? v->ours : i == 1 ? v->theirs : value};
		struct merged again = bench_merge(bench, &no_shift, &more, SLOT_AGAIN);
		if (!slice_eq(again.value, value) || again.outcome != MERGE_OURS_STAYS)
			fail_msg("%s: merged again it changes", row->name);
	}
}

static void check_row(struct merge_bench *bench, const struct row *row)
{
	struct merge_versions v;

	read_record(row->ours, &bench->record);
	v.ours = bench_encode(bench, SLOT_OURS, &bench->record);
	read_record(row->theirs, &bench->record);
	v.theirs = bench_encode(bench, SLOT_THEIRS, &bench->record);
	struct merged out = bench_merge(bench, &no_shift, &v, SLOT_OUT);
	check_text(bench, row, out.value);
	check_laws(bench, row, &v, out.value);
}

static void check_rows(const struct row *rows, size_t n)
{
	struct merge_bench *bench = malloc(sizeof *bench);

	assert_non_null(bench);
	for (size_t i = 0; i < n; i++)
		check_row(bench, &rows[i]);
	free(bench);
}
#define CHECK(rows) check_rows(rows, ARRAY_LEN(rows))

/* I6, A14: no acknowledged binding is lost. */
static void absence_alone_means_did_not_know_it(void **state)
{
	(void)state;
	static const struct row rows[] = {
		{"each side has one the other never saw", "a=x1@10", "b=y1@20~2",
	         "a=x1@10 b=y1@20"},
		{"both have the same", "a=x1@10", "a=x1@10", "a=x1@10"},
		{"one has more", "a=x1@10 b=y1@20", "a=x1@10", "a=x1@10 b=y1@20"},
		{"contacts of one instance and reg-id are one", "F=x1@10", "F=y1@20~2", "F=y1@20"},
		{"instances tell flows apart", "F=x1@10", "G=x1@20~2", "F=x1@10 G=x1@20"},
		{"two that live together stay so", "3=x1@10 5=x2@20", "b=y1@5",
	         "b=y1@5 t=x1@10 t=x2@20"},
		{"equal URIs are one contact", "3=x1@10", "4=x2@20~2", "T=x2@20"},
	};
	CHECK(rows);
}

/* I4, I6, T4 */
static void under_one_call_id_the_higher_cseq_wins(void **state)
{
	(void)state;
	static const struct row rows[] = {
		{"both refreshed", "a=x2@20", "a=x3@30~2", "a=x3@30"},
		{"whatever the clocks say", "a=x3@20", "a=x2@90~2", "a=x3@20"},
		{"equal CSeq: the newest", "a=x2@20", "a=x2@21~2", "a=x2@21"},
		{"equal in time too: the higher epoch", "a=x2@20~1", "a=x2@20~2", "a=x2@20"},
		{"removed after the refresh", "a=x2@20", "a!x3@30r~2", "a!x3@30r"},
		{"removed after it, by a clock that is slow", "a=x2@20", "a!x3@15r~2", "a!x3@15r"},
		{"refreshed after the removal", "a=x3@30", "a!x2@20r~2", "a=x3@30 a!x2@20r"},
		{"removed on both sides", "a!x2@20r", "a!x3@15r~2", "a!x3@20r"},
		{"removed here, removed there where it had been taken", "a!x2@20r", "a!x3@30p~2",
	         "a!x3@30r"},
		{"removed here, added anew there", "a!x2@20r", "a=x3@30~2", "a=x3@30 a!x2@20r"},
		{"removed where it was not known", "a=x1@10 b=y1@10", "a!x2@20r~2",
	         "b=y1@10 a!x2@20r"},
	};
	CHECK(rows);
}

/* I6: another Call-ID. */
static void between_call_ids_the_newest_wins(void **state)
{
	(void)state;
	static const struct row rows[] = {
		{"taken here, refreshed there before", "a=y1@30 a!x1@30p", "a=x2@20~2",
	         "a=y1@30 a!x1@30p"},
		{"taken here, refreshed there since", "a=y1@20 a!x1@20p", "a=x2@30~2", "a=x2@30"},
		{"taken here, untouched there", "a=y1@30 a!x1@30p", "a=x1@10", "a=y1@30 a!x1@30p"},
		{"taken twice", "a=y1@20 a!x1@20p", "a=z1@30~2 a!x1@30p~2", "a=z1@30 a!x1@30p"},
		{"removed by another since", "a=x1@10", "a!x1@20p~2 a!y9@20r~2",
	         "a!x1@20p a!y9@20r"},
		{"removed by another before", "a=x2@30", "a!y9@20r~2 a!x1@20p~2",
	         "a=x2@30 a!y9@20r"},
		{"registered in the ms another removed it", "a=x1@20 a!y9@20r",
	         "b=z1@30~2 a!y9@20r", "a=x1@20 b=z1@30 a!y9@20r"},
		{"a stale refresh wins nothing from who took it since", "a=x1@40",
	         "a=y1@30~2 a!x2@20r~2", "a=y1@30 a!x2@20r"},
	};
	CHECK(rows);
}

/* I6, I7 */
static void an_expired_tombstone_counts_as_absence(void **state)
{
	(void)state;
	static const struct row rows[] = {
		{"expired here, refreshed there", "a!x1@60e", "a=x2@30~2", "a=x2@30"},
		{"expired here too early, known there", "a!x1@60e", "a=x1@10", "a=x1@10"},
		/* seed 50 */
		{"expired here, an older one there", "a!x2@60e", "a=x1@50~2", "a!x2@60e"},
		{"expired on both", "a!x1@60e", "a!x1@61e~2", "a!x1@61e"},
		{"expired here, removed there", "a!x2@60e", "a!x1@20r~2", "a!x2@20r"},
		/* seed 2493 */
		{"removed, there again and expired here; taken by another there", "a!x3@25r",
	         "a=y1@15~2", "a!x3@25r"},
		{"... taken by another since there", "a!x3@25r", "a=y1@30~2", "a=y1@30 a!x3@25r"},
		{"... expired here too early", "a!x3@25r", "a=x3@30 a!x2@25r", "a=x3@30 a!x3@25r"},
		{"expired under another Call-ID", "a!x1@60e", "a=y1@30~2", "a=y1@30 a!x1@60e"},
	};
	CHECK(rows);
}

/* I6: `*` and an operator's removal. */
static void a_floor_removes_what_was_stamped_earlier(void **state)
{
	(void)state;
	static const struct row rows[] = {
		{"a star against an unknown binding", "*x9@30", "a=y1@20~2", "*x9@30"},
		{"a star against a later one", "*x9@30", "a=y1@40~2", "a=y1@40 *x9@30"},
		{"a star and its own Call-ID's later CSeq", "*x9@30", "a=x10@29~2",
	         "a=x10@29 *x9@30"},
		{"a star and its own Call-ID's late duplicate", "*x9@30", "a=x8@40~2", "*x9@30"},
		{"an operator against any CSeq", "*@30 a!x1@30o", "a=x7@20~2", "a!x1@30o *@30"},
		{"an operator against a later one", "*@30 a!x1@30o", "a=x7@40~2", "a=x7@40 *@30"},
		/* seed 29608 */
		{"an operator against what he saw replaced, by a clock that is slow", "a!x2@30o",
	         "a=x1@40~2", "a!x2@30o"},
		{"an operator's tombstone goes by time alone", "a!x1@30o", "a=x7@20~2", "a!x1@30o"},
		{"two floors: the newer", "*x9@30", "*@40 b=y1@41", "b=y1@41 *@40"},
		{"registered after one, before the other", "*x9@30 a=y1@35", "*@40", "*@40"},
		{"registered in the same ms, after it", "*@30 a=x2@30", "b=y1@20~2",
	         "a=x2@30 *@30"},
		{"removed in the ms it was registered in", "a=x1@30", "a!x1@30o *@30",
	         "a!x1@30o *@30"},
	};
	CHECK(rows);
}

/* I8: a count taken on either side is taken. */
static void nonce_counts_of_both_sides_are_taken(void **state)
{
	(void)state;
	static const struct row rows[] = {
		{"one side only", "n3/3@10", "", "n3/3@10"},
		{"ahead by two", "n5/0@10", "n3/1@10", "n5/6@10"},
		{"the same count, other holes", "n5/1@10", "n5/4@10", "n5/5@10"},
		{"ahead by the window", "n40/0@10", "n8/ffffffff@10", "n40/80000000@10"},
		{"ahead by more", "n41/0@10", "n8/ffffffff@10", "n41/0@10"},
		{"two nonces", "n5/1@10", "m1/0@20", "n5/1@10 m1/0@20"},
		{"the newest eight", "a1/0@1 b1/0@2 c1/0@3 d1/0@4 e1/0@5",
	         "f1/0@6 g1/0@7 h1/0@8 i1/0@9",
	         "b1/0@2 c1/0@3 d1/0@4 e1/0@5 f1/0@6 g1/0@7 h1/0@8 i1/0@9"},
	};
	CHECK(rows);
}

/* A14: for the report of what differed. */
static void the_outcome_says_whose_record_it_is(void **state)
{
	(void)state;
	static const struct {
		const char *ours, *theirs;
		enum merge_outcome outcome;
	} rows[] = {
		{"a=x1@10", "a=x1@10", MERGE_OURS_STAYS},
		{"a=x2@20", "a=x1@10", MERGE_OURS_STAYS},
		{"a=x1@10", "a=x2@20~2", MERGE_THEIRS_WINS},
		{"a=x1@10", "a!x2@20r~2", MERGE_THEIRS_WINS},
		{"a=x1@10", "b=x2@20~2", MERGE_JOINED},
		{"a=x2@20 b=y1@30", "a=x1@10 b=y2@40~2", MERGE_JOINED},
		{"a=x1@10 *@5", "a=x1@10", MERGE_OURS_STAYS},
		{"a=x1@10 *@5", "a=x2@20 *@5", MERGE_THEIRS_WINS},
	};
	struct merge_bench *bench = malloc(sizeof *bench);

	assert_non_null(bench);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct merge_versions v;
		read_record(rows[i].ours, &bench->record);
		v.ours = bench_encode(bench, SLOT_OURS, &bench->record);
		read_record(rows[i].theirs, &bench->record);
		v.theirs = bench_encode(bench, SLOT_THEIRS, &bench->record);
		struct merged out = bench_merge(bench, &no_shift, &v, SLOT_OUT);
		assert_int_equal(out.outcome, rows[i].outcome);
		if (out.outcome != MERGE_JOINED)
			assert_true(slice_eq(out.value,
			                     out.outcome == MERGE_OURS_STAYS ? v.ours : v.theirs));
	}
	free(bench);
}

static void check_moved(struct merge_bench *bench, const struct merge *m, const struct row *row)
{
	struct merge_versions v;

	read_record(row->ours, &bench->record);
	v.ours = bench_encode(bench, SLOT_OURS, &bench->record);
	read_record(row->theirs, &bench->record);
	v.theirs = bench_encode(bench, SLOT_THEIRS, &bench->record);
	struct merged out = bench_merge(bench, m, &v, SLOT_OUT);
	check_text(bench, row, out.value);
	v.ours = out.value; /* once more: they still have what they had */
	struct merged again = bench_merge(bench, m, &v, SLOT_AGAIN);
	assert_true(slice_eq(again.value, out.value));
}

/* I7: skew between the nodes changes nothing. */
static void only_what_the_fork_wrote_is_moved_in_time(void **state)
{
	(void)state;
	static const struct merge fast = {
		.their_shift_ms = -1000000,
		.their_reigns = {{2, UNIT_SECONDARY}},
		.n_their_reigns = 1,
		.their_fork_began = {1100000},
	};
	static const struct row rows[] = {
		{"a binding", "a=y1@130", "a=x1@1120~2", "a=y1@130"},
		{"a later binding", "a=y1@130", "a=x1@1140~2", "a=x1@140"},
		{"a tombstone", "a=y1@130", "a!x1@1120r~2", "a=y1@130 a!x1@120r"},
		{"a floor", "a=y1@130 b=y2@110", "*@1120", "a=y1@130 *@120"},
		{"not those from before", "", "b=y1@1050 *@1040 c=x1@1140~2",
	         "b=y1@1050 c=x1@140 *@1040"},
	};
	struct merge_bench *bench = malloc(sizeof *bench);

	assert_non_null(bench);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		check_moved(bench, &fast, &rows[i]);
	free(bench);
}

/* I6: seed 2493: our clock went on late from what both knew. */
static void what_the_fork_wrote_is_newer_than_what_both_knew(void **state)
{
	(void)state;
	static const struct merge slow = {
		.their_shift_ms = -100000,
		.their_reigns = {{2, UNIT_SECONDARY}},
		.n_their_reigns = 1,
		.their_fork_began = {1110000},
		.common_until = {1105000},
	};
	static const struct row rows[] = {
		{"a floor", "a=x1@1100 b=y1@1104", "*@1120", "*@1105"},
		{"a removal by another", "a=x1@1100", "a!x1@1120p~2 a!y1@1120r~2",
	         "a!x1@1105p a!y1@1105r"},
		{"taken by another", "a=x1@1100", "a=y1@1120~2 a!x1@1120p~2",
	         "a=y1@1105 a!x1@1105p"},
		{"not newer than what we wrote since", "a=z1@1106 b=x1@1100", "a=y1@1120~2",
	         "a=z1@1106 b=x1@1100"},
	};
	struct merge_bench *bench = malloc(sizeof *bench);

	assert_non_null(bench);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		check_moved(bench, &slow, &rows[i]);
	free(bench);
}

/* `n` bindings of `bytes` each, every one later than the one before; contacts from `first` on. */
static struct slice many(struct merge_bench *bench, size_t slot, size_t n, size_t bytes)
{
	static char uris[2][AOR_BINDINGS_MAX][2048];
	struct aor_record *r = &bench->record;

	assert_true(slot < 2 && bytes < sizeof uris[0][0]);
	read_record("", r);
	for (size_t i = 0; i < n; i++) {
		(void)read_a_binding("x1@0", 'a', &r->bindings[i]);
		int head = snprintf(uris[slot][i], bytes, "sip:u%zu-%zu@", slot, i);
		memset(uris[slot][i] + head, 'h', bytes - (size_t)head);
		r->bindings[i].uri = (struct slice){(uint8_t *)uris[slot][i], bytes};
		r->bindings[i].stamped.ms = (int64_t)(2 * i + slot);
		r->bindings[i].expires.ms = (int64_t)(1000 + 2 * i + slot);
	}
	r->n_bindings = n;
	(void)read_a_tombstone("z1@1r", 'z', &r->tombstones[r->n_tombstones++]);
	(void)read_a_nonce("1/0@1", 'n', &r->nonces[r->n_nonces++]);
	return bench_encode(bench, slot, r);
}

static void decode_merged(struct merge_bench *bench, const struct merge_versions *v)
{
	struct arena arena = arena_on(bench->memory, sizeof bench->memory);
	struct merged out = bench_merge(bench, &no_shift, v, SLOT_OUT);

	assert_true(out.value.n <= RECORD_MAX);
	assert_int_equal(aor_decode(out.value, &arena, &bench->record), OK);
}

/* Beyond what a record can hold, those that end first go, and all else before a binding. */
static void what_a_record_cannot_hold_goes_in_an_order(void **state)
{
	(void)state;
	struct merge_bench *bench = malloc(sizeof *bench);
	struct merge_versions v;

	assert_non_null(bench);
	v.ours = many(bench, SLOT_OURS, 16, 100);
	v.theirs = many(bench, SLOT_THEIRS, 16, 100);
	decode_merged(bench, &v);
	assert_int_equal(bench->record.n_bindings, 32);
	assert_int_equal(bench->record.n_tombstones, 1);

	v.ours = many(bench, SLOT_OURS, 20, 100);
	v.theirs = many(bench, SLOT_THEIRS, 20, 100);
	decode_merged(bench, &v);
	assert_int_equal(bench->record.n_bindings, AOR_BINDINGS_MAX);
	assert_int_equal(bench->record.bindings[0].expires.ms, 1008);

	v.ours = many(bench, SLOT_OURS, 14, 2000);
	v.theirs = many(bench, SLOT_THEIRS, 14, 2000);
	decode_merged(bench, &v);
	assert_int_equal(bench->record.n_bindings, 16);
	assert_int_equal(bench->record.bindings[0].expires.ms, 1012);
	assert_int_equal(bench->record.n_tombstones + bench->record.n_nonces, 0);
	free(bench);
}

static struct slice a_subscriber(struct merge_bench *bench, size_t slot, int64_t at_ms, bool gone)
{
	struct subscriber_record s = {
		.user = SLICE("alice"), .realm = SLICE("x"), .stamped = {at_ms}, .gone = gone};
	struct buf to = buf_on(bench->bytes[slot], RECORD_MAX);

	subscriber_encode(&s, &to);
	return buf_slice(&to);
}

/* Whole records, the later pair time, removals included. */
static void of_a_subscriber_the_later_record_stays_whole(void **state)
{
	(void)state;
	static const struct {
		int64_t ours, theirs, shift;
		bool we_gone, they_gone;
		enum merge_outcome outcome;
		int64_t stamped;
	} rows[] = {
		{10, 20, 0, false, false, MERGE_THEIRS_WINS, 20},
		{20, 10, 0, false, true, MERGE_OURS_STAYS, 20},
		{10, 20, 0, false, true, MERGE_THEIRS_WINS, 20},
		{20, 20, 0, false, true, MERGE_THEIRS_WINS, 20},
		{20, 20, 0, true, false, MERGE_OURS_STAYS, 20},
		{20, 25, -10, false, false, MERGE_OURS_STAYS, 20},
		{20, 35, -10, false, false, MERGE_THEIRS_WINS, 25},
		{3, 4, -10, false, false, MERGE_THEIRS_WINS, 4},
	};
	struct merge_bench *bench = malloc(sizeof *bench);

	assert_non_null(bench);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct arena arena = arena_on(bench->memory, sizeof bench->memory);
		struct merge m = {.their_shift_ms = rows[i].shift,
		                  .their_reigns = {{2, UNIT_SECONDARY}},
		                  .n_their_reigns = 1,
		                  .their_fork_began = {5}};
		struct merge_versions v = {
			a_subscriber(bench, SLOT_OURS, rows[i].ours, rows[i].we_gone),
			a_subscriber(bench, SLOT_THEIRS, rows[i].theirs, rows[i].they_gone)};
		struct subscriber_record s;
		struct merged out;
		assert_int_equal(record_merge(&m, TABLE_SUBSCRIBER, &v, &arena, &out), OK);
		assert_int_equal(out.outcome, rows[i].outcome);
		assert_int_equal(subscriber_decode(out.value, &arena, &s), OK);
		assert_int_equal(s.stamped.ms, rows[i].stamped);
	}
	free(bench);
}

static void a_secret_is_added_never_replaced(void **state)
{
	(void)state;
	static _Alignas(16) uint8_t memory[64 * 1024];
	static uint8_t bytes[2][128];
	struct secret_record first = {.id = 7, .key = SLICE("0123456789abcdef")};
	struct secret_record second = {.id = 7, .key = SLICE("fedcba9876543210")};
	struct buf a = buf_on(bytes[0], sizeof bytes[0]), b = buf_on(bytes[1], sizeof bytes[1]);
	struct arena arena = arena_on(memory, sizeof memory);
	struct merged out;

	secret_encode(&first, &a);
	secret_encode(&second, &b);
	struct merge_versions both = {buf_slice(&a), buf_slice(&b)};
	struct merge_versions new_one = {{NULL, 0}, buf_slice(&b)};
	assert_int_equal(record_merge(&no_shift, TABLE_SECRET, &both, &arena, &out), OK);
	assert_int_equal(out.outcome, MERGE_OURS_STAYS);
	assert_int_equal(record_merge(&no_shift, TABLE_SECRET, &new_one, &arena, &out), OK);
	assert_int_equal(out.outcome, MERGE_THEIRS_WINS);
	assert_true(slice_eq(out.value, buf_slice(&b)));
}

static void what_cannot_be_read_changes_nothing(void **state)
{
	(void)state;
	static const enum table tables[] = {TABLE_AOR, TABLE_SUBSCRIBER, TABLE_SECRET,
	                                    TABLE_WATCHER};
	static _Alignas(16) uint8_t memory[MERGE_ARENA];
	struct arena arena = arena_on(memory, sizeof memory);
	struct arena small = arena_on(memory, 1024);
	struct merge_versions v = {SLICE("\x12\x00"), SLICE("\xff\xff\xff")};
	struct merge_versions none = {SLICE(""), SLICE("")};
	struct merged out;

	for (size_t i = 0; i < ARRAY_LEN(tables); i++) {
		assert_int_equal(record_merge(&no_shift, tables[i], &v, &arena, &out),
		                 ERR_MALFORMED);
		assert_true(out.outcome == MERGE_OURS_STAYS && slice_eq(out.value, v.ours));
		assert_int_equal(record_merge(&no_shift, tables[i], &none, &arena, &out), OK);
		assert_true(out.outcome == MERGE_OURS_STAYS && out.value.n == 0);
	}
	assert_int_equal(record_merge(&no_shift, TABLE_AOR, &v, &small, &out), ERR_TOO_BIG);
	assert_int_equal(record_merge(&no_shift, TABLE_FORWARD, &v, &arena, &out), OK);
	assert_int_equal(out.outcome, MERGE_OURS_STAYS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(absence_alone_means_did_not_know_it),
		cmocka_unit_test(under_one_call_id_the_higher_cseq_wins),
		cmocka_unit_test(between_call_ids_the_newest_wins),
		cmocka_unit_test(an_expired_tombstone_counts_as_absence),
		cmocka_unit_test(a_floor_removes_what_was_stamped_earlier),
		cmocka_unit_test(nonce_counts_of_both_sides_are_taken),
		cmocka_unit_test(the_outcome_says_whose_record_it_is),
		cmocka_unit_test(only_what_the_fork_wrote_is_moved_in_time),
		cmocka_unit_test(what_the_fork_wrote_is_newer_than_what_both_knew),
		cmocka_unit_test(what_a_record_cannot_hold_goes_in_an_order),
		cmocka_unit_test(of_a_subscriber_the_later_record_stays_whole),
		cmocka_unit_test(a_secret_is_added_never_replaced),
		cmocka_unit_test(what_cannot_be_read_changes_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
