/* utf8.h - where a character ends in text from outside. */
#ifndef PROTO_BASE_UTF8_H
#define PROTO_BASE_UTF8_H

#include "proto/base/slice.h"

/* The size of the first character of what is not empty; 0: it is not UTF-8 (RFC 3629 4). */
static inline size_t utf8_size(struct slice s)
{
	uint8_t lead = s.p[0];
	size_t n = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
	uint8_t least = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
	uint8_t most = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;

	if (lead < 0x80)
		return 1;
	if (lead < 0xc2 || lead > 0xf4 || s.n < n || s.p[1] < least || s.p[1] > most)
		return 0;
	for (size_t i = 2; i < n; i++)
		if ((s.p[i] & 0xc0) != 0x80)
			return 0;
	return n;
}

#endif
