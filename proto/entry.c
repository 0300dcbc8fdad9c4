/* Entries, and the blocks in which the log keeps them. */
#include "proto/entry.h"

#include <assert.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "proto/base/reader.h"
#include "proto/pack.h"
#include "repl.pb-c.h"

enum {
	BLOCK_FORMAT = 1,
	BLOCK_CHECKED = 24, /* bytes of the head in front of its check */
	LENGTH_SIZE = 4,
	SCRATCH = ENTRY_MAX + 4096, /* one entry's copies and some fields of a newer version */
};

const char *entry_kind_name(enum entry_kind k)
{
	static const char *const names[] = {
		[ENTRY_REQUEST] = "request",   [ENTRY_EXPIRY] = "expiry",
		[ENTRY_OPERATOR] = "operator", [ENTRY_REIGN] = "reign",
		[ENTRY_SECRET] = "secret",     [ENTRY_MERGE] = "merge",
		[ENTRY_REPAIR] = "repair",     [ENTRY_NOTIFY] = "notify",
		[ENTRY_NAP] = "nap",
	};

	return k >= ENTRY_REQUEST && (size_t)k < ARRAY_LEN(names) ? names[k] : "?";
}

static bool entry_sound(const struct entry *e)
{
	return e->seq != 0 && e->seq < SEQ_END && e->reign != 0 && e->kind != 0 && e->table != 0 &&
	       e->key.n > 0;
}

static bool entry_fits(const struct entry *e)
{
	return e->key.n <= RECORD_KEY_MAX && e->value.n <= RECORD_MAX;
}

/* protobuf-c copies; this finds what it copied. Our own encoder puts the value at the very end. */
static struct slice source_of(ProtobufCBinaryData copy, struct slice in)
{
	if (copy.len == 0)
		return (struct slice){NULL, 0};
	assert(copy.len <= in.n);

	const uint8_t *at = in.p + in.n - copy.len;

	if (memcmp(at, copy.data, copy.len) != 0)
		at = memmem(in.p, in.n, copy.data, copy.len);
	assert(at != NULL);
	return (struct slice){at, copy.len};
}

enum err entry_decode(struct slice bytes, struct entry *out)
{
	_Alignas(16) uint8_t scratch[SCRATCH];
	struct arena arena = arena_on(scratch, sizeof scratch);

	if (bytes.n > ENTRY_MAX)
		return ERR_TOO_BIG;

	const Repl__Entry *m = unpack(&repl__entry__descriptor, bytes, &arena);

	if (m == NULL)
		return unpack_fault(&arena);
	*out = (struct entry){
		.seq = m->seq,
		.reign = m->reign,
		.pair = {m->pair_ms},
		.kind = m->kind,
		.table = m->table,
		.key = source_of(m->key, bytes),
		.value = source_of(m->value, bytes),
	};
	if (!entry_fits(out))
		return ERR_TOO_BIG;
	return entry_sound(out) ? OK : ERR_MALFORMED;
}

void entry_encode(const struct entry *e, struct buf *to)
{
	Repl__Entry m;

	assert(entry_sound(e));
	assert(entry_fits(e));
	repl__entry__init(&m);
	m.seq = e->seq;
	m.reign = e->reign;
	m.pair_ms = e->pair.ms;
	m.kind = e->kind;
	m.table = e->table;
	m.key = lend(e->key);
	m.value = lend(e->value);
	pack(&m.base, ENTRY_MAX, to);
}

/* Over the head in front of the check, then over the entries. */
static uint64_t block_check(struct slice head, struct slice rest)
{
	assert(head.n == BLOCK_CHECKED);
	return XXH64(rest.p, rest.n, XXH64(head.p, head.n, 0));
}

struct block_writer block_begin(uint8_t *room, size_t size, uint64_t first_seq)
{
	struct block_writer w = {.to = buf_on(room, size), .first_seq = first_seq};

	assert(size >= BLOCK_HEAD);
	assert(first_seq != 0);
	w.to.n = BLOCK_HEAD; /* written by block_end */
	return w;
}

void block_add(struct block_writer *w, struct slice entry)
{
	assert(entry.n > 0 && entry.n <= ENTRY_MAX);
	buf_uint(&w->to, entry.n, LENGTH_SIZE);
	buf_put(&w->to, entry);
	w->count++;
}

struct slice block_end(struct block_writer *w, int64_t wall_ms)
{
	struct buf head = buf_on(w->to.p, BLOCK_HEAD);
	struct slice rest = slice_from(buf_slice(&w->to), BLOCK_HEAD);

	assert(w->count > 0);
	assert(!w->to.full); /* room is the caller's to keep: BLOCK_MAX, closed at BLOCK_TARGET */
	buf_uint(&head, BLOCK_FORMAT, 4);
	buf_uint(&head, w->count, 4);
	buf_uint(&head, w->first_seq, 8);
	buf_uint(&head, (uint64_t)wall_ms, 8);
	buf_uint(&head, block_check(buf_slice(&head), rest), 8);
	assert(head.n == BLOCK_HEAD);
	return buf_slice(&w->to);
}

/* Do exactly `count` entries stand there? */
static bool block_whole(struct block b)
{
	struct slice entry;
	uint32_t left = b.count;

	while (left > 0 && block_next(&b, &entry))
		left--;
	return left == 0 && b.rest.n == 0;
}

enum err block_open(struct slice bytes, struct block *out)
{
	struct reader r = {.rest = bytes};
	uint32_t format = reader_u32(&r);

	*out = (struct block){0};
	if (!r.bad && format != BLOCK_FORMAT)
		return ERR_VERSION;
	out->count = reader_u32(&r);
	out->first_seq = reader_u64(&r);
	out->wall_ms = (int64_t)reader_u64(&r);
	uint64_t check = reader_u64(&r);
	out->rest = r.rest;
	if (r.bad || check != block_check(slice_head(bytes, BLOCK_CHECKED), r.rest))
		return ERR_CORRUPT;
	return out->count > 0 && out->first_seq > 0 && block_whole(*out) ? OK : ERR_CORRUPT;
}

bool block_next(struct block *b, struct slice *entry)
{
	struct reader r = {.rest = b->rest};

	*entry = reader_bytes(&r, reader_u32(&r));
	if (r.bad || entry->n == 0 || entry->n > ENTRY_MAX)
		return false;
	b->rest = r.rest;
	return true;
}

uint64_t record_hash(enum table table, struct slice key, struct slice value)
{
	uint8_t room[3];
	struct buf head = buf_on(room, sizeof room);
	XXH64_state_t state;

	buf_uint(&head, table, 1);
	buf_uint(&head, key.n, 2);
	XXH64_reset(&state, 0);
	XXH64_update(&state, head.p, head.n);
	XXH64_update(&state, key.p, key.n);
	XXH64_update(&state, value.p, value.n);
	return XXH64_digest(&state);
}
