/* layer: core */
/* test_merge_nap.c - what two histories say of one NAP becomes what one says. */
#include "proto/record_nap.h"
#include "tests/unit/merge_kit.h"

enum { SLOT_OURS, SLOT_THEIRS, SLOT_MERGED, SLOT_OTHER };

static const struct merge no_shift = {.n_their_reigns = 0};

/* "r12": registered with CSeq 12; r, R (registering), w, u, i; a second number: when it was sent. */
static struct slice nap(struct merge_bench *bench, size_t slot, const char *text)
{
	static const char letters[] = "?iRrwu";
	struct buf to = buf_on(bench->bytes[slot], RECORD_MAX);
	char *end;

	if (*text == '\0')
		return SLICE("");
	const char *phase = strchr(letters, *text);
	assert_non_null(phase);
	struct nap_record r = {
		.call_id = SLICE("c"),
		.from_tag = SLICE("t"),
		.cseq = (uint32_t)strtoul(text + 1, &end, 10),
		.phase = (enum nap_phase)(phase - letters),
		.aor = SLICE("sip:t@x"),
		.contact = SLICE("sip:t@h"),
		.due = {900},
		.epoch = 2,
		.unit = UNIT_SECONDARY,
	};
	if (*end == '@')
		r.sent.ms = strtol(end + 1, &end, 10);
	assert_int_equal(*end, '\0');
	nap_encode(&r, &to);
	assert_false(to.full);
	return buf_slice(&to);
}

static struct merged merged_in(struct merge_bench *bench, const struct merge *m, struct slice ours,
                               struct slice theirs, size_t slot)
{
	struct arena arena = arena_on(bench->memory, sizeof bench->memory);
	const struct merge_versions v = {ours, theirs};
	struct merged out;

	assert_int_equal(record_merge(m, TABLE_NAP, &v, &arena, &out), OK);
	out.value = bench_keep(bench, slot, out.value);
	return out;
}

static void read_nap(struct merge_bench *bench, struct slice bytes, struct nap_record *out)
{
	struct arena arena = arena_on(bench->memory, sizeof bench->memory);

	assert_int_equal(nap_decode(bytes, &arena, out), OK);
}

static const struct row {
	const char *ours, *theirs;
	uint32_t cseq;
	enum nap_phase phase;
	enum merge_outcome outcome;
} rows[] = {
	{"r12", "r11", 12, NAP_REGISTERING, MERGE_JOINED},
	{"r11", "r12", 12, NAP_REGISTERING, MERGE_THEIRS_WINS},
	{"R12", "r11", 12, NAP_REGISTERING, MERGE_JOINED},
	{"w11", "r12", 12, NAP_REGISTERING, MERGE_THEIRS_WINS},
	{"w12", "r11", 12, NAP_WAITING, MERGE_OURS_STAYS},
	{"u12", "r11", 12, NAP_UNREGISTERING, MERGE_OURS_STAYS},
	{"i12", "r11", 12, NAP_IDLE, MERGE_OURS_STAYS},
	{"r12@5", "w12@6", 12, NAP_WAITING, MERGE_THEIRS_WINS},
	{"", "r11", 11, NAP_REGISTERING, MERGE_THEIRS_WINS},
	{"r11", "", 11, NAP_REGISTERING, MERGE_JOINED},
	{"w11", "", 11, NAP_WAITING, MERGE_OURS_STAYS},
	{"r12", "r12", 12, NAP_REGISTERED, MERGE_OURS_STAYS},
	{"r12@1", "R12@1", 12, NAP_REGISTERING, MERGE_JOINED},
};

/* I11, C46: what a provider may hold for registered is asked again, with a CSeq above all that it saw */
static void the_higher_cseq_wins_and_is_asked_again(void **state)
{
	struct merge_bench *bench = *state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct row *row = &rows[i];
		struct merged out = merged_in(bench, &no_shift, nap(bench, SLOT_OURS, row->ours),
		                              nap(bench, SLOT_THEIRS, row->theirs), SLOT_MERGED);
		struct nap_record r;

		read_nap(bench, out.value, &r);
		if (r.cseq != row->cseq || r.phase != row->phase)
			fail_msg("%s + %s: %u %s", row->ours, row->theirs, r.cseq,
			         nap_phase_name(r.phase));
		assert_int_equal(out.outcome, row->outcome);
		assert_int_equal(r.due.ms, r.phase == NAP_REGISTERING ? 0 : 900);
		assert_int_equal(r.why.n > 0, r.phase == NAP_REGISTERING);
	}
}

static void it_does_not_matter_who_merges_nor_how_often(void **state)
{
	struct merge_bench *bench = *state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct slice ours = nap(bench, SLOT_OURS, rows[i].ours);
		struct slice theirs = nap(bench, SLOT_THEIRS, rows[i].theirs);
		struct slice one = merged_in(bench, &no_shift, ours, theirs, SLOT_MERGED).value;
		struct slice other = merged_in(bench, &no_shift, theirs, ours, SLOT_OTHER).value;

		assert_true(slice_eq(one, other));
		other = merged_in(bench, &no_shift, one, theirs, SLOT_OTHER).value;
		assert_true(slice_eq(one, other));
		other = merged_in(bench, &no_shift, ours, one, SLOT_OTHER).value;
		assert_true(slice_eq(one, other));
	}
}

/* Only what their fork's reigns wrote is moved; what stands at 0 says that there is none. */
static void times_of_their_fork_are_moved(void **state)
{
	struct merge_bench *bench = *state;
	struct merge shifted = {
		.their_shift_ms = 100, .their_reigns = {{2, UNIT_SECONDARY}}, .n_their_reigns = 1};
	struct slice ours = nap(bench, SLOT_OURS, "w11@9"),
		     theirs = nap(bench, SLOT_THEIRS, "w12@8");
	struct nap_record r;

	read_nap(bench, merged_in(bench, &shifted, ours, theirs, SLOT_MERGED).value, &r);
	assert_int_equal(r.sent.ms, 108);
	assert_int_equal(r.due.ms, 1000);
	assert_int_equal(r.until.ms, 0);
	shifted.their_reigns[0].epoch = 3;
	read_nap(bench, merged_in(bench, &shifted, ours, theirs, SLOT_MERGED).value, &r);
	assert_int_equal(r.sent.ms, 8);
	/* moved off the line: as if they had none */
	shifted.their_reigns[0].epoch = 2;
	shifted.their_shift_ms = -9;
	read_nap(bench, merged_in(bench, &shifted, ours, theirs, SLOT_MERGED).value, &r);
	assert_int_equal(r.cseq, 11);
}

static void what_cannot_be_read_leaves_ours(void **state)
{
	struct merge_bench *bench = *state;
	struct slice good = nap(bench, SLOT_OURS, "r1");
	const struct merge_versions bad[] = {{good, SLICE("\377\377")}, {SLICE("\377\377"), good}};
	struct merged out;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct arena arena = arena_on(bench->memory, sizeof bench->memory);
		assert_int_equal(record_merge(&no_shift, TABLE_NAP, &bad[i], &arena, &out),
		                 ERR_MALFORMED);
		assert_true(slice_eq(out.value, bad[i].ours));
	}
	struct arena small = arena_on(bench->memory, 1024);
	const struct merge_versions v = {good, SLICE("")};
	assert_int_equal(record_merge(&no_shift, TABLE_NAP, &v, &small, &out), ERR_TOO_BIG);
}

static int make_bench(void **state)
{
	*state = malloc(sizeof(struct merge_bench));
	return *state == NULL;
}

static int free_bench(void **state)
{
	free(*state);
	return 0;
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_higher_cseq_wins_and_is_asked_again),
		cmocka_unit_test(it_does_not_matter_who_merges_nor_how_often),
		cmocka_unit_test(times_of_their_fork_are_moved),
		cmocka_unit_test(what_cannot_be_read_leaves_ours),
	};

	return cmocka_run_group_tests(tests, make_bench, free_bench);
}
