/* layer: proto */
/* What a resync that goes on says: frames and fields of the bulk connection. */
#include "proto/frame.h"
#include "tests/check.h"
#include "tests/unit/golden/golden.h"

static const struct snapshot_item items[] = {
	{TABLE_AOR, {SLICE_OF("sip:alice@example.com")}, {SLICE_OF("\0\1\2")}},
	{TABLE_SECRET, {SLICE_OF("\0\0\0\0\0\0\0\1")}, {SLICE_OF("secret")}},
};

static const struct {
	const char *name;
	struct frame frame;
} samples[] = {
	{"frame-go-on",
         {FRAME_GO_ON, .go_on = {.how = RESUME_SNAPSHOT,
                                 .next_seq = 48240,
                                 .slices = 7,
                                 .items = 2000,
                                 .digest = 0xcccccccccccccccc,
                                 .place = {TABLE_SUBSCRIBER, 0x12345678, 9},
                                 .through_seq = 48300,
                                 .stored = 40}}},
	{"frame-hello-half",
         {FRAME_HELLO, .hello = {.version_min = 1,
                                 .version_max = 2,
                                 .cluster_id = "0123456789abcde",
                                 .unit = UNIT_PRIMARY,
                                 .half_reign = 0x2222222222222222,
                                 .half_from = 48100}}},
	{"frame-resume-snapshot", {FRAME_RESUME, .resume = {RESUME_SNAPSHOT, 48100, 0, 2000}}},
	{"frame-slice-placed",
         {FRAME_SLICE, .slice = {7, items, ARRAY_LEN(items), {TABLE_SUBSCRIBER, 0x12345678, 9}}}},
};

static struct slice encode(const struct frame *f, uint8_t room[FRAME_MAX])
{
	static _Alignas(16) uint8_t memory[64 * 1024];
	struct arena arena = arena_on(memory, sizeof memory);
	struct buf to = buf_on(room, FRAME_MAX);

	frame_encode(f, &arena, &to);
	assert_false(to.full);
	return buf_slice(&to);
}

static void what_goes_in_comes_out(void **state)
{
	(void)state;
	static uint8_t wire[FRAME_MAX], again[FRAME_MAX];
	static _Alignas(16) uint8_t memory[64 * 1024];

	for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
		struct arena arena = arena_on(memory, sizeof memory);
		struct slice bytes = encode(&samples[i].frame, wire);
		struct frame back;
		assert_golden(samples[i].name, bytes);
		struct decoded d = frame_decode(bytes, &arena, &back);
		assert_int_equal(d.err, OK);
		assert_int_equal(d.used, bytes.n);
		assert_int_equal(back.kind, samples[i].frame.kind);
		assert_true(slice_eq(encode(&back, again), bytes));
	}
}

static void one_that_goes_on_from_an_unknown_way_is_malformed(void **state)
{
	(void)state;
	static const uint8_t wire[] = {0, 0, 0, 5, 0x82, 0x01, 0x02, 0x08, 77}; /* how = 77 */
	static _Alignas(16) uint8_t memory[4096];
	struct arena arena = arena_on(memory, sizeof memory);
	struct frame f;

	struct decoded d = frame_decode((struct slice){wire, sizeof wire}, &arena, &f);
	assert_int_equal(d.err, ERR_MALFORMED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_goes_in_comes_out),
		cmocka_unit_test(one_that_goes_on_from_an_unknown_way_is_malformed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
