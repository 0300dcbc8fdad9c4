/* layer: proto */
/* Numbers that no node of ours says are refused before anybody reckons with them. */
#include "proto/frame.h"
#include "tests/check.h"

static const struct reign_mark mark = {
	.id = 1, .epoch = EPOCH_END, .unit = UNIT_PRIMARY, .first_seq = SEQ_END / 2 - 1};
static const struct reign_mark far_epoch = {
	.id = 1, .epoch = EPOCH_END + 1, .unit = UNIT_PRIMARY, .first_seq = 1};
static const struct reign_mark far_seq = {
	.id = 1, .epoch = 1, .unit = UNIT_PRIMARY, .first_seq = SEQ_END / 2};

#define BEAT(...)                                   \
	{                                           \
		FRAME_BEAT, .beat = { __VA_ARGS__ } \
	}
#define HELLO(marks, ...)                    \
	{                                    \
		FRAME_HELLO, .hello = {      \
			.version_min = 1,    \
			.version_max = 1,    \
			.unit = 2,           \
			.history = &(marks), \
			.n_history = 1,      \
			__VA_ARGS__          \
		}                            \
	}

static enum err through_the_wire(const struct frame *f)
{
	static uint8_t wire[FRAME_MAX];
	static _Alignas(16) uint8_t memory[64 * 1024];
	struct arena arena = arena_on(memory, sizeof memory);
	struct buf to = buf_on(wire, sizeof wire);
	struct frame back;

	frame_encode(f, &arena, &to);
	assert_false(to.full);
	return frame_decode(buf_slice(&to), &arena, &back).err;
}

/* T12, A12 */
static void numbers_that_would_overflow_are_refused(void **state)
{
	(void)state;
	static const struct {
		const char *what;
		struct frame frame;
		enum err err;
	} cases[] = {
		{"the last moment there is", BEAT(.pair = {PAIRTIME_END_MS - 1}), OK},
		{"a moment after it", BEAT(.pair = {PAIRTIME_END_MS}), ERR_MALFORMED},
		{"a moment before time", BEAT(.pair = {-1}), ERR_MALFORMED},
		{"the least there is", BEAT(.pair = {INT64_MIN}), ERR_MALFORMED},
		{"an echo held for ever", BEAT(.echo_held_ms = INT64_MAX), ERR_MALFORMED},
		{"a seq at the end", BEAT(.last_seq = SEQ_END), ERR_MALFORMED},
		{"a history at its ends", HELLO(mark, .received_seq = SEQ_END / 2 - 1), OK},
		{"a log beyond", HELLO(mark, .log_first = SEQ_END), ERR_MALFORMED},
		{"entries beyond", HELLO(mark, .received_seq = SEQ_END / 2), ERR_MALFORMED},
		{"an epoch beyond", HELLO(far_epoch, .received_seq = 1), ERR_MALFORMED},
		{"a reign beyond", HELLO(far_seq, .received_seq = 1), ERR_MALFORMED},
		{"the hello's beat", HELLO(mark, .beat = {.pair = {-1}}), ERR_MALFORMED},
		{"resume from beyond",
	         {FRAME_RESUME, .resume = {.how = RESUME_TAIL, .from_seq = UINT64_MAX}},
	         ERR_MALFORMED},
		{"fork beyond",
	         {FRAME_RESUME, .resume = {.how = RESUME_FORK, .fork_seq = UINT64_MAX}},
	         ERR_MALFORMED},
		{"going on beyond",
	         {FRAME_GO_ON, .go_on = {.how = RESUME_SNAPSHOT, .next_seq = UINT64_MAX}},
	         ERR_MALFORMED},
		{"whole with an entry beyond",
	         {FRAME_GO_ON, .go_on = {.how = RESUME_SNAPSHOT, .through_seq = UINT64_MAX}},
	         ERR_MALFORMED},
		{"a snapshot through beyond",
	         {FRAME_END, .end = {.through_seq = UINT64_MAX}},
	         ERR_MALFORMED},
		{"a snapshot far through",
	         {FRAME_END, .end = {.through_seq = SEQ_END / 2 - 1}},
	         OK},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		enum err err = through_the_wire(&cases[i].frame);
		if (err != cases[i].err)
			fail_msg("%s: %s", cases[i].what, err_text(err));
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_that_would_overflow_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
