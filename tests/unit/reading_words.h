/* reading_words.h - the words in which our_reading.h and other_reading.h tell what they read, so that the
 * two can be compared as texts.
 *
 * A line a header: names in lower case, escapes of URIs undone, white space as one blank. */
#ifndef TESTS_UNIT_READING_WORDS_H
#define TESTS_UNIT_READING_WORDS_H

#include "proto/sip/header.h"
#include "tests/check.h"

enum { READ_MAX = 65536 };

/* What is compared besides the fields that have a reader of their own. */
static const struct read_field {
	const char *name;
	bool list;
} read_fields[] = {{"date", false},        {"expires", false},     {"feature-caps", true},
                   {"flow-timer", false},  {"min-expires", false}, {"path", true},
                   {"require", true},      {"retry-after", false}, {"service-route", true},
                   {"supported", true},    {"unsupported", true},  {"user-agent", false},
                   {"proxy-require", true}};

static inline const struct read_field *read_field_of(struct slice name)
{
	for (size_t i = 0; i < ARRAY_LEN(read_fields); i++)
		if (slice_eq_nocase(name, slice_str(read_fields[i].name)))
			return &read_fields[i];
	return NULL;
}

static inline void say(struct buf *to, struct slice s)
{
	for (size_t i = 0; i < s.n; i++) {
		bool blank = s.p[i] == ' ' || (s.p[i] >= '\t' && s.p[i] <= '\r');

		if (!blank)
			buf_byte(to, s.p[i]);
		else if (to->n > 0 && to->p[to->n - 1] != ' ')
			buf_byte(to, ' ');
	}
}

static inline void say_word(struct buf *to, const char *name, struct slice s)
{
	buf_str(to, name);
	say(to, s);
	buf_byte(to, '\n');
}

static inline void say_param(struct buf *to, struct slice name, struct slice value)
{
	buf_byte(to, ';');
	for (size_t i = 0; i < name.n; i++)
		buf_byte(to, ascii_lower(name.p[i]));
	if (value.n > 0)
		buf_byte(to, '=');
	say(to, value);
}

#endif
