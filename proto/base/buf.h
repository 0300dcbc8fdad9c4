/* buf.h - writes text and bytes into memory somebody else owns. The first write that does not fit
 * sticks: `full` is set, later writes do nothing, and the caller looks once, at the end. */
#ifndef PROTO_BASE_BUF_H
#define PROTO_BASE_BUF_H

#include <stdio.h>

#include "proto/base/defs.h"
#include "proto/base/slice.h"

struct buf {
	uint8_t *p;
	size_t room; /* bytes at p */
	size_t n;    /* bytes written */
	bool full;   /* something did not fit; what is in it is a cut text */
};

static inline struct buf buf_on(uint8_t *p, size_t room)
{
	return (struct buf){.p = p, .room = room};
}

static inline struct slice buf_slice(const struct buf *b)
{
	return (struct slice){b->p, b->n};
}

static inline void buf_put(struct buf *b, struct slice s)
{
	if (b->full || s.n > b->room - b->n) {
		b->full = true;
		return;
	}
	if (s.n > 0)
		memcpy(b->p + b->n, s.p, s.n);
	b->n += s.n;
}

static inline void buf_byte(struct buf *b, uint8_t c)
{
	buf_put(b, (struct slice){&c, 1});
}

/* A literal or any NUL-terminated text. */
static inline void buf_str(struct buf *b, const char *text)
{
	buf_put(b, slice_str(text));
}

/* Decimal, without the cost of printf. */
static inline void buf_u64(struct buf *b, uint64_t v)
{
	uint8_t digits[20];
	size_t at = sizeof digits;

	do {
		digits[--at] = (uint8_t)('0' + v % 10);
		v /= 10;
	} while (v != 0);
	buf_put(b, (struct slice){digits + at, sizeof digits - at});
}

/* Lower-case hexadecimal. */
static inline void buf_hex(struct buf *b, struct slice s)
{
	static const uint8_t digit[] = "0123456789abcdef";

	for (size_t i = 0; i < s.n; i++) {
		buf_byte(b, digit[s.p[i] >> 4]);
		buf_byte(b, digit[s.p[i] & 15]);
	}
}

/* `size` bytes, big-endian: the counterpart of reader_uint. */
static inline void buf_uint(struct buf *b, uint64_t v, size_t size)
{
	for (size_t i = size; i > 0; i--)
		buf_byte(b, (uint8_t)(v >> (8 * (i - 1))));
}

enum { BUF_HEX64 = 16 }; /* characters */

/* A number as a name: always as many characters. */
static inline void buf_hex64(struct buf *b, uint64_t v)
{
	uint8_t bytes[sizeof v];
	struct buf number = buf_on(bytes, sizeof bytes);

	buf_uint(&number, v, sizeof v);
	buf_hex(b, (struct slice){bytes, sizeof bytes});
}

#endif
