/* layer: core */
/* test_merge_watcher.c - the watchers of two histories become those of one. */
#include "tests/unit/merge_kit.h"

enum { SLOT_OURS, SLOT_THEIRS };

/* What a row of watchers has: "a5" is dialog a, told up to version 5. */
static struct slice watchers(struct merge_bench *bench, size_t slot, const char *text)
{
	struct arena arena = arena_on(bench->memory, sizeof bench->memory);
	struct buf to = buf_on(bench->bytes[slot], RECORD_MAX);
	struct watchers_record r = {.n = 0};

	for (; *text != '\0'; text += 2)
		r.watchers[r.n++] = (struct watcher){.call_id = {(const uint8_t *)text, 1},
		                                     .local_tag = SLICE("t"),
		                                     .remote = SLICE("<sip:a@x>"),
		                                     .target = SLICE("sip:a@h"),
		                                     .event = SLICE("reg"),
		                                     .version = (uint32_t)(text[1] - '0'),
		                                     .told_at = {10},
		                                     .expires = {20},
		                                     .transport = TRANSPORT_UDP};
	watchers_encode(&r, &arena, &to);
	assert_false(to.full);
	return r.n == 0 ? SLICE("") : buf_slice(&to);
}

/* E13, I11: no dialog is lost, and no version goes back */
static void of_one_dialog_the_higher_version_wins(void **state)
{
	(void)state;
	static const struct {
		const char *ours, *theirs, *joined;
		enum merge_outcome outcome;
	} rows[] = {
		{"a5", "a4", "a5", MERGE_OURS_STAYS},
		{"a5", "a6", "a6", MERGE_JOINED},
		{"a5b2", "b3c0", "a5b3c0", MERGE_JOINED},
		{"", "a0b1", "a0b1", MERGE_THEIRS_WINS},
		{"a1b1c1d1e1f1g1h1", "i9", "a1b1c1d1e1f1g1h1", MERGE_OURS_STAYS},
	};
	const struct merge shifted = {.their_shift_ms = -5,
	                              .their_reigns = {{2, UNIT_SECONDARY}},
	                              .n_their_reigns = 1,
	                              .their_fork_began = {5}};
	struct merge_bench *bench = malloc(sizeof *bench);

	assert_non_null(bench);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct merge_versions v = {watchers(bench, SLOT_OURS, rows[i].ours),
		                           watchers(bench, SLOT_THEIRS, rows[i].theirs)};
		struct arena arena = arena_on(bench->memory, sizeof bench->memory);
		struct watchers_record r;
		struct merged out;
		assert_int_equal(record_merge(&shifted, TABLE_WATCHER, &v, &arena, &out), OK);
		assert_int_equal(out.outcome, rows[i].outcome);
		assert_int_equal(watchers_decode(out.value, &arena, &r), OK);
		assert_int_equal(2 * r.n, strlen(rows[i].joined));
		for (size_t j = 0; j < r.n; j++) {
			const struct watcher *w = &r.watchers[j];
			assert_int_equal(w->call_id.p[0], rows[i].joined[2 * j]);
			assert_int_equal(w->version, rows[i].joined[2 * j + 1] - '0');
			assert_true(w->expires.ms == 20 || w->expires.ms == 15);
		}
	}
	free(bench);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(of_one_dialog_the_higher_version_wins),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
