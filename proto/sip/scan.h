/* scan.h - character classes and small steps that the SIP readers share. Private to proto/sip.
 *
 * White space is SP, HT and the CR LF of a folded line. No step ever leaves the slice it was given. */
#ifndef PROTO_SIP_SCAN_H
#define PROTO_SIP_SCAN_H

#include "proto/base/slice.h"

static inline bool is_space(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static inline bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static inline bool is_alnum(uint8_t c)
{
	uint8_t lower = ascii_lower(c);

	return is_digit(c) || (lower >= 'a' && lower <= 'z');
}

/* For the rare: a call per byte. */
static inline bool is_one_of(uint8_t c, const char *set)
{
	return c != 0 && strchr(set, c) != NULL;
}

/* RFC 3261 25.1: token */
static inline bool is_token(uint8_t c)
{
	return is_alnum(c) || c == '-' || c == '.' || c == '!' || c == '%' || c == '*' ||
	       c == '_' || c == '+' || c == '`' || c == '\'' || c == '~';
}

/* What a URI of any scheme may hold; bytes beyond ASCII are let through. */
static inline bool is_uri_char(uint8_t c)
{
	return c > ' ' && c != 0x7f && c != '<' && c != '>' && c != '"';
}

enum { NOT_HEX = 16 };

/* The value of a hexadecimal digit; NOT_HEX for other characters. */
static inline unsigned hex_value(uint8_t c)
{
	unsigned lower = ascii_lower(c);

	if (is_digit(c))
		return lower - '0';
	return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : NOT_HEX;
}

static inline bool is_hex(uint8_t c)
{
	return hex_value(c) != NOT_HEX;
}

/* As slice_from, but an empty rest still points where it stands: "absent" is not "empty". */
static inline struct slice skip(struct slice s, size_t n)
{
	if (n > s.n)
		n = s.n;
	return n == 0 ? s : (struct slice){s.p + n, s.n - n};
}

/* How many bytes at the beginning are all of a class. */
static inline size_t span(struct slice s, bool (*is)(uint8_t))
{
	size_t n = 0;

	while (n < s.n && is(s.p[n]))
		n++;
	return n;
}

static inline bool all(struct slice s, bool (*is)(uint8_t))
{
	return span(s, is) == s.n;
}

/* Where a byte is; s.n if it is not in there. */
static inline size_t find_byte(struct slice s, uint8_t c)
{
	const uint8_t *at = s.n > 0 ? memchr(s.p, c, s.n) : NULL;

	return at != NULL ? (size_t)(at - s.p) : s.n;
}

static inline struct slice trim_left(struct slice s)
{
	return skip(s, span(s, is_space));
}

static inline struct slice trim(struct slice s)
{
	s = trim_left(s);
	while (s.n > 0 && is_space(s.p[s.n - 1]))
		s.n--;
	return s;
}

static inline bool starts_with(struct slice s, uint8_t c)
{
	return s.n > 0 && s.p[0] == c;
}

/* One byte off `*s`, white space before it ignored; false, and nothing taken, if another is there. */
static inline bool take_byte(struct slice *s, uint8_t c)
{
	struct slice t = trim_left(*s);

	if (!starts_with(t, c))
		return false;
	*s = skip(t, 1);
	return true;
}

/* The token at the beginning, white space before it ignored; empty if there is none. */
static inline struct slice take_token(struct slice *s)
{
	struct slice t = trim_left(*s);
	struct slice token = slice_head(t, span(t, is_token));

	*s = skip(t, token.n);
	return token;
}

static inline bool is_host_char(uint8_t c)
{
	return is_alnum(c) || c == '-' || c == '.' || c == '_';
}

static inline bool is_ipv6_char(uint8_t c)
{
	return is_hex(c) || c == ':' || c == '.';
}

/* The size of the host at the beginning (a name, an IPv4 address, an IPv6 one in brackets); 0: none.
 * The underscore is in no RFC and in many networks. */
static inline size_t host_size(struct slice s)
{
	if (!starts_with(s, '['))
		return span(s, is_host_char);

	size_t n = span(skip(s, 1), is_ipv6_char);
	bool closed = n > 0 && starts_with(skip(s, 1 + n), ']');

	return closed ? n + 2 : 0;
}

/* Nothing but digits, and not above `max`. */
static inline bool decimal(struct slice s, uint32_t max, uint32_t *out)
{
	uint64_t v = 0;

	for (size_t i = 0; i < s.n; i++) {
		if (!is_digit(s.p[i]))
			return false;
		v = v * 10 + (uint64_t)(s.p[i] - '0');
		if (v > max)
			return false;
	}
	*out = (uint32_t)v;
	return s.n > 0;
}

/* The size of the quoted string at the beginning, both quotes counted; 0: it never ends. */
static inline size_t quoted_size(struct slice s)
{
	for (size_t i = 1; i < s.n; i++) {
		if (s.p[i] == '"')
			return i + 1;
		if (s.p[i] == '\\')
			i++;
	}
	return 0;
}

#endif
