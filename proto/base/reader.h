/* reader.h - takes integers and byte runs off a slice. The first short read sticks:
 * every later call returns zero, and the caller looks at `bad` once, at the end. */
#ifndef PROTO_BASE_READER_H
#define PROTO_BASE_READER_H

#include "proto/base/slice.h"

struct reader {
	struct slice rest;
	bool bad;
};

static inline struct slice reader_bytes(struct reader *r, size_t n)
{
	if (r->bad || n > r->rest.n) {
		r->bad = true;
		return (struct slice){NULL, 0};
	}
	struct slice taken = {r->rest.p, n};
	r->rest = (struct slice){r->rest.p + n, r->rest.n - n};
	return taken;
}

/* Big-endian, as everything of ours that is not protobuf. */
static inline uint64_t reader_uint(struct reader *r, size_t size)
{
	struct slice s = reader_bytes(r, size);
	uint64_t v = 0;

	for (size_t i = 0; i < s.n; i++)
		v = v << 8 | s.p[i];
	return v;
}

static inline uint32_t reader_u32(struct reader *r)
{
	return (uint32_t)reader_uint(r, 4);
}

static inline uint64_t reader_u64(struct reader *r)
{
	return reader_uint(r, 8);
}

#endif
