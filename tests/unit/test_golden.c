/* layer: proto */
/* test_golden.c - what an older format wrote, as recorded (golden/N: never changed), is read by this
 * program, and comes out again byte for byte; what a newer one adds is passed over or kept. */
#include <stdlib.h>

#include "proto/base/reader.h"
#include "proto/entry.h"
#include "proto/frame.h"
#include "proto/record.h"
#include "tests/check.h"
#include "tests/unit/golden/golden.h"
#include "tests/unit/record_desk.h"

enum { ARENA_SIZE = 64 * 1024, LENGTH = 4 };

static const char *const formats[] = {"1"};
static const char *const frames[] = {
	"frame-hello",  "frame-refusal", "frame-beat", "frame-entry",     "frame-ack",
	"frame-resume", "frame-slice",   "frame-end",  "frame-slice-ack", "frame-live",
};

static struct slice recorded(const char *format, const char *name, uint8_t room[GOLDEN_MAX])
{
	char path[64];
	char text[GOLDEN_MAX];
	struct buf to = buf_on(room, GOLDEN_MAX);

	(void)snprintf(path, sizeof path, "%s/%s", format, name);
	golden_read(path, text);
	for (size_t i = 0; text[i] != '\0'; i += 2) {
		const char digits[] = {text[i], text[i + 1], '\0'};
		char *end;

		buf_byte(&to, (uint8_t)strtoul(digits, &end, 16));
		assert_ptr_equal(end, digits + 2);
	}
	assert_true(to.n > 0 && !to.full);
	return buf_slice(&to);
}

/* Decoded and encoded again. */
static struct slice through_a_frame(struct slice in, uint8_t out[GOLDEN_MAX])
{
	static _Alignas(16) uint8_t memory[ARENA_SIZE];
	struct arena arena = arena_on(memory, sizeof memory);
	struct buf to = buf_on(out, GOLDEN_MAX);
	struct frame f;

	struct decoded d = frame_decode(in, &arena, &f);
	assert_int_equal(d.err, OK);
	assert_int_equal(d.used, in.n);
	frame_encode(&f, &arena, &to);
	assert_false(to.full);
	return buf_slice(&to);
}

/* T13, A3 */
static void every_frame_of_an_older_format_is_read_and_written_alike(void **state)
{
	(void)state;
	uint8_t was[GOLDEN_MAX], is[GOLDEN_MAX];

	for (size_t v = 0; v < ARRAY_LEN(formats); v++)
		for (size_t i = 0; i < ARRAY_LEN(frames); i++) {
			struct slice bytes = recorded(formats[v], frames[i], was);
			assert_same(through_a_frame(bytes, is), bytes);
		}
}

/* A frame that says more: a field of a newer version within its message, and one beside that. */
static struct slice with_more(struct slice frame, uint8_t room[GOLDEN_MAX])
{
	static const struct slice more = {SLICE_OF("\372\001\002hi")};
	struct reader r = {.rest = slice_from(frame, LENGTH)};
	struct buf to = buf_on(room, GOLDEN_MAX);
	uint8_t tag = (uint8_t)reader_uint(&r, 1), length = (uint8_t)reader_uint(&r, 1);
	size_t longer = length, skip = 0;

	if ((length & 0x80) != 0) {
		longer = (length & 0x7fU) | (size_t)reader_uint(&r, 1) << 7;
		skip = 1;
	}
	longer += more.n;
	struct slice message = slice_from(frame, LENGTH + 2 + skip);
	size_t size = (longer < 128 ? 2U : 3U) + longer + more.n;

	buf_uint(&to, size, LENGTH);
	buf_byte(&to, tag);
	buf_byte(&to, (uint8_t)(longer < 128 ? longer : (longer & 0x7f) | 0x80));
	if (longer >= 128)
		buf_byte(&to, (uint8_t)(longer >> 7));
	buf_put(&to, message);
	buf_put(&to, more);
	buf_put(&to, more);
	assert_int_equal(to.n, LENGTH + size);
	return buf_slice(&to);
}

/* I15: a frame is not stored, so nothing of it is kept */
static void what_a_newer_version_adds_to_a_frame_is_passed_over(void **state)
{
	(void)state;
	uint8_t was[GOLDEN_MAX], longer[GOLDEN_MAX], is[GOLDEN_MAX];

	for (size_t i = 0; i < ARRAY_LEN(frames); i++) {
		struct slice bytes = recorded("1", frames[i], was);
		if (strcmp(frames[i], "frame-entry") == 0)
			continue; /* bytes, no message: those of an entry */
		assert_same(through_a_frame(with_more(bytes, longer), is), bytes);
	}
}

static void check_entry(struct slice bytes)
{
	struct entry e;
	struct desk d = desk();

	assert_int_equal(entry_decode(bytes, &e), OK);
	entry_encode(&e, &d.to);
	assert_same(buf_slice(&d.to), bytes);
}

static void check_block(struct slice bytes)
{
	uint8_t room[GOLDEN_MAX];
	struct block b;
	struct slice one;

	assert_int_equal(block_open(bytes, &b), OK);
	struct block_writer w = block_begin(room, sizeof room, b.first_seq);
	while (block_next(&b, &one))
		block_add(&w, one);
	assert_same(block_end(&w, b.wall_ms), bytes);
}

static void check_aor(struct slice bytes)
{
	static struct aor_record r;
	struct desk d = desk();

	assert_int_equal(aor_decode(bytes, &d.arena, &r), OK);
	aor_encode(&r, &d.arena, &d.to);
	assert_same(buf_slice(&d.to), bytes);
}

static void check_subscriber(struct slice bytes)
{
	struct subscriber_record r;
	struct desk d = desk();

	assert_int_equal(subscriber_decode(bytes, &d.arena, &r), OK);
	subscriber_encode(&r, &d.to);
	assert_same(buf_slice(&d.to), bytes);
}

static void check_secret(struct slice bytes)
{
	struct secret_record r;
	struct desk d = desk();

	assert_int_equal(secret_decode(bytes, &d.arena, &r), OK);
	secret_encode(&r, &d.to);
	assert_same(buf_slice(&d.to), bytes);
}

static void check_reign(struct slice bytes)
{
	struct reign_record r;
	struct desk d = desk();

	assert_int_equal(reign_decode(bytes, &d.arena, &r), OK);
	reign_encode(&r, &d.to);
	assert_same(buf_slice(&d.to), bytes);
}

/* T13, A3 */
static void whatever_an_older_format_stored_is_read_and_written_alike(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		void (*check)(struct slice bytes);
	} stored[] = {
		{"entry", check_entry},          {"block", check_block},
		{"record-aor", check_aor},       {"record-subscriber", check_subscriber},
		{"record-secret", check_secret}, {"record-reign", check_reign},
	};
	uint8_t room[GOLDEN_MAX];

	for (size_t v = 0; v < ARRAY_LEN(formats); v++)
		for (size_t i = 0; i < ARRAY_LEN(stored); i++)
			stored[i].check(recorded(formats[v], stored[i].name, room));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_frame_of_an_older_format_is_read_and_written_alike),
		cmocka_unit_test(what_a_newer_version_adds_to_a_frame_is_passed_over),
		cmocka_unit_test(whatever_an_older_format_stored_is_read_and_written_alike),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
