/* layer: sip */
/* test_sip_frame.c - where one message ends in a stream that knows no borders. */
#include <stdlib.h>

#include "proto/sip/message.h"
#include "tests/check.h"

#define HEAD "BYE sip:a SIP/2.0\r\nTo: a\r\n"

/* R45 */
static void a_stream_is_cut_at_its_messages(void **state)
{
	(void)state;
	static const struct {
		const char *stream;
		enum sip_framing what;
		size_t size;
	} cases[] = {
		{"", SIP_FRAME_MORE, 0},
		{"B", SIP_FRAME_MORE, 0},
		{HEAD, SIP_FRAME_MORE, 0},
		{HEAD "l: 0\r\n", SIP_FRAME_MORE, 0},
		{HEAD "l: 0\r\n\r", SIP_FRAME_MORE, 0},
		{HEAD "l: 0\r\n\r\n", SIP_FRAME_MESSAGE, 34},
		{HEAD "l: 0\n\n", SIP_FRAME_MESSAGE, 32},
		{HEAD "l: 0\r\n\r\nBYE sip:b", SIP_FRAME_MESSAGE, 34},
		{HEAD "l: 4\r\n\r\nbod", SIP_FRAME_MORE, 0},
		{HEAD "l: 4\r\n\r\nbody", SIP_FRAME_MESSAGE, 38},
		{HEAD "l: 4\r\n\r\nbodyBYE", SIP_FRAME_MESSAGE, 38},
		{"SIP/2.0 200 OK\r\nContent-Length :\r\n 2\r\n\r\nxxx", SIP_FRAME_MESSAGE, 42},
		{HEAD "\r\n", SIP_FRAME_NO_LENGTH, 28},
		{HEAD "l: -1\r\n\r\nx", SIP_FRAME_NO_LENGTH, 35},
		{HEAD "l: 4 4\r\n\r\n", SIP_FRAME_NO_LENGTH, 36},
		{HEAD "l: 1\r\nContent-Length: 2\r\n\r\nxx", SIP_FRAME_NO_LENGTH, 53},
		{HEAD "l: 1\r\nl: 1\r\n\r\nx", SIP_FRAME_NO_LENGTH, 40},
		{"GET / HTTP/1.1\r\nContent-Length: 0\r\n\r\n", SIP_FRAME_NO_LENGTH, 37},
		{HEAD "l: 65501\r\n\r\n", SIP_FRAME_TOO_BIG, 38},
		{HEAD "l: 4294967295\r\n\r\n", SIP_FRAME_TOO_BIG, 43},
		{HEAD "l: 65497\r\n\r\n", SIP_FRAME_MORE, 0},
		{HEAD "l: 65498\r\n\r\n", SIP_FRAME_TOO_BIG, 38},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct sip_frame f = sip_frame(slice_str(cases[i].stream));

		if (f.what != cases[i].what || f.size != cases[i].size)
			fail_msg("got %d, %zu for\n%s", (int)f.what, f.size, cases[i].stream);
	}
}

/* ob-10, RFC 3261 7.5 */
static void pings_are_told_from_stray_line_ends(void **state)
{
	(void)state;
	static const struct {
		const char *stream;
		enum sip_framing what;
		size_t size;
	} cases[] = {
		{"\r", SIP_FRAME_MORE, 0},           {"\r\n", SIP_FRAME_MORE, 0},
		{"\r\n\r", SIP_FRAME_MORE, 0},       {"\r\n\r\n", SIP_FRAME_PING, 4},
		{"\r\n\r\n\r\n", SIP_FRAME_PING, 4}, {"\r\n\r\nBYE", SIP_FRAME_PING, 4},
		{"\r\nBYE", SIP_FRAME_SKIP, 2},      {"\r\n\rBYE", SIP_FRAME_SKIP, 3},
		{"\rBYE", SIP_FRAME_SKIP, 1},        {"\n", SIP_FRAME_SKIP, 1},
		{"\n\r\n\r\n", SIP_FRAME_SKIP, 1},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct sip_frame f = sip_frame(slice_str(cases[i].stream));

		if (f.what != cases[i].what || f.size != cases[i].size)
			fail_msg("case %zu: got %d, %zu", i, (int)f.what, f.size);
	}
}

static void a_head_without_end_is_too_big_at_the_limit(void **state)
{
	(void)state;
	static uint8_t bytes[SIP_MESSAGE_MAX + 1];

	memset(bytes, 'x', sizeof bytes);
	struct sip_frame f = sip_frame((struct slice){bytes, SIP_MESSAGE_MAX - 1});
	assert_int_equal(f.what, SIP_FRAME_MORE);
	f = sip_frame((struct slice){bytes, SIP_MESSAGE_MAX});
	assert_int_equal(f.what, SIP_FRAME_TOO_BIG);
	f = sip_frame((struct slice){bytes, sizeof bytes});
	assert_int_equal(f.what, SIP_FRAME_TOO_BIG);
	assert_int_equal(f.size, SIP_MESSAGE_MAX);
}

static void the_largest_message_still_passes(void **state)
{
	(void)state;
	static uint8_t bytes[SIP_MESSAGE_MAX + 10] = HEAD "l: 65497\r\n\r\n";
	struct sip_frame f = sip_frame((struct slice){bytes, sizeof bytes});
	struct sip_msg m;

	assert_int_equal(f.what, SIP_FRAME_MESSAGE);
	assert_int_equal(f.size, SIP_MESSAGE_MAX);
	assert_int_equal(sip_parse((struct slice){bytes, f.size}, &m), OK);
	assert_int_equal(m.body.n, 65497);
	assert_false(m.short_body);
}

/* R45: however the bytes come, the same messages come out. */
static void one_byte_at_a_time_gives_the_same_messages(void **state)
{
	(void)state;
	static const char stream[] = "\r\n\r\n" HEAD "l: 2\r\n\r\nab\r\n" HEAD
				     "l: 0\r\n\r\n\r\n\r\n";
	static const enum sip_framing expected[] = {
		SIP_FRAME_PING,    SIP_FRAME_MESSAGE, SIP_FRAME_SKIP,
		SIP_FRAME_MESSAGE, SIP_FRAME_PING,
	};
	size_t from = 0;
	size_t seen = 0;

	for (size_t n = 1; n < sizeof stream; n++) {
		struct slice held = {(const uint8_t *)stream + from, n - from};
		struct sip_frame f = sip_frame(held);

		if (f.what == SIP_FRAME_MORE)
			continue;
		assert_true(seen < ARRAY_LEN(expected));
		assert_int_equal(f.what, expected[seen++]);
		assert_true(f.size > 0 && f.size <= held.n);
		from += f.size;
	}
	assert_int_equal(seen, ARRAY_LEN(expected));
	assert_int_equal(from, sizeof stream - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_stream_is_cut_at_its_messages),
		cmocka_unit_test(pings_are_told_from_stray_line_ends),
		cmocka_unit_test(a_head_without_end_is_too_big_at_the_limit),
		cmocka_unit_test(the_largest_message_still_passes),
		cmocka_unit_test(one_byte_at_a_time_gives_the_same_messages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
