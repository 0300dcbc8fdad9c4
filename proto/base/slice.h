/* slice.h - bytes somebody else owns. Never NUL-terminated, never freed through this type. */
#ifndef PROTO_BASE_SLICE_H
#define PROTO_BASE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct slice {
	const uint8_t *p;
	size_t n;
};

#define SLICE_OF(literal) (const uint8_t *)(literal), sizeof(literal) - 1 /* goes inside { } */
#define SLICE(literal)    ((struct slice){SLICE_OF(literal)})
#define SLICE_FMT         "%.*s"
#define SLICE_ARG(s)      (int)(s).n, (const char *)(s).p

static inline bool slice_eq(struct slice a, struct slice b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static inline struct slice slice_from(struct slice s, size_t from)
{
	return from >= s.n ? (struct slice){NULL, 0} : (struct slice){s.p + from, s.n - from};
}

/* The first n bytes, or all where there are fewer. */
static inline struct slice slice_head(struct slice s, size_t n)
{
	return (struct slice){s.p, n < s.n ? n : s.n};
}

static inline struct slice slice_str(const char *text)
{
	return (struct slice){(const uint8_t *)text, strlen(text)};
}

/* Byte order; the shorter of two that agree comes first. */
static inline int slice_cmp(struct slice a, struct slice b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int c = n == 0 ? 0 : memcmp(a.p, b.p, n);

	return c != 0 ? c : (a.n > b.n) - (a.n < b.n);
}

static inline uint8_t ascii_lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c;
}

/* ASCII letters of either case are the same (tokens, hosts and parameter names of SIP). */
static inline bool slice_eq_nocase(struct slice a, struct slice b)
{
	if (a.n != b.n)
		return false;
	for (size_t i = 0; i < a.n; i++)
		if (ascii_lower(a.p[i]) != ascii_lower(b.p[i]))
			return false;
	return true;
}

#endif
