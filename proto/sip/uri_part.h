/* uri_part.h - the pieces of a URI that its parser and its comparison share. Private to proto/sip. */
#ifndef PROTO_SIP_URI_PART_H
#define PROTO_SIP_URI_PART_H

#include "proto/sip/scan.h"

/* "name" or "name=value", both still escaped; value.p == NULL: a name alone. */
struct uri_part {
	struct slice name;
	struct slice value;
};

/* The next of a list of parameters (';') or headers ('&'); empty ones are skipped. */
static inline bool uri_part_next(struct slice *rest, uint8_t separator, struct uri_part *out)
{
	struct slice one = {NULL, 0};

	while (one.n == 0 && rest->n > 0) {
		size_t n = find_byte(*rest, separator);

		one = slice_head(*rest, n);
		*rest = skip(*rest, n + 1);
	}
	size_t equals = find_byte(one, '=');

	*out = (struct uri_part){.name = slice_head(one, equals)};
	if (equals < one.n)
		out->value = skip(one, equals + 1);
	return one.n > 0;
}

static inline bool is_escape(struct slice s)
{
	return s.n >= 3 && s.p[0] == '%' && is_hex(s.p[1]) && is_hex(s.p[2]);
}

/* The character at the beginning, its escape undone, once. */
static inline uint8_t uri_char(struct slice s)
{
	return is_escape(s) ? (uint8_t)(hex_value(s.p[1]) << 4 | hex_value(s.p[2])) : s.p[0];
}

static inline size_t uri_char_size(struct slice s)
{
	return is_escape(s) ? 3 : 1;
}

/* RFC 3261 19.1.4: a character is the same as its escape unless it is reserved; letters of either
 * case are the same if `nocase`. */
static inline bool uri_text_eq(struct slice a, struct slice b, bool nocase)
{
	while (a.n > 0 && b.n > 0) {
		uint8_t x = uri_char(a);
		uint8_t y = uri_char(b);
		bool same = x == y || (nocase && ascii_lower(x) == ascii_lower(y));
		bool both = is_escape(a) == is_escape(b) || !is_one_of(x, ";/?:@&=+$,");

		if (!same || !both)
			return false;
		a = skip(a, uri_char_size(a));
		b = skip(b, uri_char_size(b));
	}
	return a.n == b.n;
}

#endif
