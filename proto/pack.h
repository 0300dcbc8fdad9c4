/* pack.h - what the codecs over protobuf-c share: memory from an arena, and the casts.
 *
 * Only the .c files that include generated code include this. */
#ifndef PROTO_PACK_H
#define PROTO_PACK_H

#include <protobuf-c/protobuf-c.h>

#include "proto/base/arena.h"
#include "proto/base/buf.h"
#include "proto/record.h"

enum { PACK_FIELD_MAX = (1 << 29) - 1 }; /* the largest field number of protobuf */

/* protobuf-c knows no const; packing only reads, so this is the one place that casts it away. */
static inline void *lend_memory(const void *p)
{
	return (void *)(uintptr_t)p; /* NOLINT(performance-no-int-to-ptr) */
}

static inline ProtobufCBinaryData lend(struct slice s)
{
	return (ProtobufCBinaryData){.len = s.n, .data = lend_memory(s.p)};
}

static inline struct slice borrow(ProtobufCBinaryData d)
{
	return (struct slice){d.data, d.len};
}

static inline void lend_unknown(ProtobufCMessage *m, const struct unknown_fields *u)
{
	m->n_unknown_fields = u->n;
	m->unknown_fields = lend_memory(u->fields);
}

static inline struct unknown_fields borrow_unknown(const ProtobufCMessage *m)
{
	return (struct unknown_fields){m->n_unknown_fields, m->unknown_fields};
}

static inline void *pack_take(void *arena, size_t size)
{
	return arena_take(arena, size);
}

static inline void pack_give(void *arena, void *p)
{
	(void)arena; /* an arena is given back whole */
	(void)p;
}

/* protobuf-c takes field numbers written overlong that it would not read back as it writes them:
 * none may get into a record. */
static inline bool unknown_sound(const ProtobufCMessage *m)
{
	for (unsigned i = 0; i < m->n_unknown_fields; i++)
		if (m->unknown_fields[i].tag == 0 || m->unknown_fields[i].tag > PACK_FIELD_MAX)
			return false;
	return true;
}

/* The message, in the arena; NULL: unpack_fault says why. Messages inside it are the caller's to
 * check with unknown_sound. */
static inline void *unpack(const ProtobufCMessageDescriptor *type, struct slice bytes,
                           struct arena *arena)
{
	ProtobufCAllocator in_arena = {pack_take, pack_give, arena};

	ProtobufCMessage *m = protobuf_c_message_unpack(type, &in_arena, bytes.n, bytes.p);

	return m != NULL && unknown_sound(m) ? m : NULL;
}

static inline enum err unpack_fault(const struct arena *arena)
{
	return arena->full ? ERR_TOO_BIG : ERR_MALFORMED;
}

/* Appends the message; `full` if it is larger than `limit` or the room. */
static inline void pack(const ProtobufCMessage *m, size_t limit, struct buf *to)
{
	size_t size = protobuf_c_message_get_packed_size(m);

	if (to->full || size > limit || size > to->room - to->n) {
		to->full = true;
		return;
	}
	to->n += protobuf_c_message_pack(m, to->p + to->n);
}

static inline bool unit_known(uint32_t unit)
{
	return unit >= UNIT_STANDALONE && unit <= UNIT_SECONDARY;
}

#endif
