/* The AOR's record: four kinds of message in one. */
#include <assert.h>

#include "proto/base/reader.h"
#include "proto/pack.h"
#include "proto/record.h"
#include "record.pb-c.h"

enum { Q_MILLI_MAX = 1000 };

/* What protobuf-c packs from: messages that point into the record being encoded. */
struct binding_image {
	Rec__Binding m;
	ProtobufCBinaryData path[BINDING_PATHS_MAX];
	uint8_t received[ADDR_BYTES_MAX];
	uint8_t local[ADDR_BYTES_MAX];
};

struct aor_image {
	Rec__Aor m;
	Rec__Floor floor;
	Rec__Binding *bindings[AOR_BINDINGS_MAX];
	Rec__Tombstone *tombstones[AOR_TOMBSTONES_MAX];
	Rec__NonceUse *nonces[AOR_NONCES_MAX];
};

static bool binding_sound(const struct binding *b)
{
	bool transport_known = b->transport >= TRANSPORT_UDP && b->transport <= TRANSPORT_WSS;

	return b->uri.n > 0 && transport_known && unit_known(b->unit) && b->q_milli <= Q_MILLI_MAX;
}

static bool tombstone_sound(const struct tombstone *t)
{
	bool cause_known = t->cause >= CAUSE_REQUEST && t->cause <= CAUSE_EXPIRED;

	return (t->uri.n > 0 || t->instance.n > 0) && cause_known && unit_known(t->unit);
}

static enum err read_addresses(const Rec__Binding *m, struct binding *out)
{
	bool ok = addr_decode(borrow(m->received), &out->received);

	ok = addr_decode(borrow(m->local), &out->local) && ok;
	return ok ? OK : ERR_MALFORMED;
}

static enum err read_binding(const Rec__Binding *m, struct binding *out)
{
	if (m->n_path > BINDING_PATHS_MAX)
		return ERR_TOO_BIG;
	*out = (struct binding){
		.uri = borrow(m->uri),
		.display = borrow(m->display),
		.params = borrow(m->params),
		.call_id = borrow(m->call_id),
		.cseq = m->cseq,
		.branch = borrow(m->branch),
		.from_tag = borrow(m->from_tag),
		.stamped = {m->stamped_ms},
		.expires = {m->expires_ms},
		.bound = {m->bound_ms},
		.called = {m->called_ms},
		.q_milli = m->q_milli,
		.instance = borrow(m->instance),
		.reg_id = m->reg_id,
		.n_paths = m->n_path,
		.transport = m->transport,
		.user_agent = borrow(m->user_agent),
		.epoch = m->epoch,
		.unit = m->unit,
		.unknown = borrow_unknown(&m->base),
	};
	for (size_t i = 0; i < m->n_path; i++)
		out->path[i] = borrow(m->path[i]);
	if (!binding_sound(out) || !unknown_sound(&m->base))
		return ERR_MALFORMED;
	return read_addresses(m, out);
}

static enum err read_tombstone(const Rec__Tombstone *m, struct tombstone *out)
{
	*out = (struct tombstone){
		.uri = borrow(m->uri),
		.instance = borrow(m->instance),
		.reg_id = m->reg_id,
		.call_id = borrow(m->call_id),
		.cseq = m->cseq,
		.branch = borrow(m->branch),
		.stamped = {m->stamped_ms},
		.cause = m->cause,
		.epoch = m->epoch,
		.unit = m->unit,
		.unknown = borrow_unknown(&m->base),
	};
	return tombstone_sound(out) && unknown_sound(&m->base) ? OK : ERR_MALFORMED;
}

static enum err read_nonce(const Rec__NonceUse *m, struct nonce_use *out)
{
	*out = (struct nonce_use){
		.nonce = borrow(m->nonce),
		.highest = m->highest,
		.window = m->window,
		.issued = {m->issued_ms},
		.unknown = borrow_unknown(&m->base),
	};
	return out->nonce.n > 0 && unknown_sound(&m->base) ? OK : ERR_MALFORMED;
}

static enum err read_floor(const Rec__Floor *m, struct floor *out)
{
	*out = (struct floor){.set = m != NULL};
	if (m == NULL)
		return OK;
	out->stamped.ms = m->stamped_ms;
	out->call_id = borrow(m->call_id);
	out->cseq = m->cseq;
	out->branch = borrow(m->branch);
	out->unknown = borrow_unknown(&m->base);
	return unknown_sound(&m->base) ? OK : ERR_MALFORMED;
}

static enum err read_aor(const Rec__Aor *m, struct aor_record *out)
{
	enum err err = read_floor(m->floor, &out->floor);

	for (size_t i = 0; i < m->n_bindings && err == OK; i++)
		err = read_binding(m->bindings[i], &out->bindings[i]);
	for (size_t i = 0; i < m->n_tombstones && err == OK; i++)
		err = read_tombstone(m->tombstones[i], &out->tombstones[i]);
	for (size_t i = 0; i < m->n_nonces && err == OK; i++)
		err = read_nonce(m->nonces[i], &out->nonces[i]);
	return err;
}

enum err aor_decode(struct slice bytes, struct arena *arena, struct aor_record *out)
{
	if (bytes.n > RECORD_MAX)
		return ERR_TOO_BIG;

	const Rec__Aor *m = unpack(&rec__aor__descriptor, bytes, arena);

	if (m == NULL)
		return unpack_fault(arena);
	if (m->n_bindings > AOR_BINDINGS_MAX || m->n_tombstones > AOR_TOMBSTONES_MAX ||
	    m->n_nonces > AOR_NONCES_MAX)
		return ERR_TOO_BIG;
	/* The record is 20 KiB, most of it unused: field by field, not cleared. */
	out->n_bindings = m->n_bindings;
	out->n_tombstones = m->n_tombstones;
	out->gave_way = 0;
	out->n_nonces = m->n_nonces;
	out->unknown = borrow_unknown(&m->base);
	return read_aor(m, out);
}

static void write_binding(const struct binding *b, struct binding_image *to)
{
	Rec__Binding *m = &to->m;

	assert(binding_sound(b));
	assert(b->n_paths <= BINDING_PATHS_MAX);
	rec__binding__init(m);
	m->uri = lend(b->uri);
	m->display = lend(b->display);
	m->params = lend(b->params);
	m->call_id = lend(b->call_id);
	m->cseq = b->cseq;
	m->branch = lend(b->branch);
	m->from_tag = lend(b->from_tag);
	m->stamped_ms = b->stamped.ms;
	m->expires_ms = b->expires.ms;
	m->bound_ms = b->bound.ms;
	m->called_ms = b->called.ms;
	m->q_milli = b->q_milli;
	m->instance = lend(b->instance);
	m->reg_id = b->reg_id;
	m->n_path = b->n_paths;
	m->path = to->path;
	for (size_t i = 0; i < b->n_paths; i++)
		to->path[i] = lend(b->path[i]);
	m->received = (ProtobufCBinaryData){addr_encode(&b->received, to->received), to->received};
	m->transport = b->transport;
	m->local = (ProtobufCBinaryData){addr_encode(&b->local, to->local), to->local};
	m->user_agent = lend(b->user_agent);
	m->epoch = b->epoch;
	m->unit = b->unit;
	lend_unknown(&m->base, &b->unknown);
}

static void write_tombstone(const struct tombstone *t, Rec__Tombstone *m)
{
	assert(tombstone_sound(t));
	rec__tombstone__init(m);
	m->uri = lend(t->uri);
	m->instance = lend(t->instance);
	m->reg_id = t->reg_id;
	m->call_id = lend(t->call_id);
	m->cseq = t->cseq;
	m->branch = lend(t->branch);
	m->stamped_ms = t->stamped.ms;
	m->cause = t->cause;
	m->epoch = t->epoch;
	m->unit = t->unit;
	lend_unknown(&m->base, &t->unknown);
}

static void write_nonce(const struct nonce_use *n, Rec__NonceUse *m)
{
	assert(n->nonce.n > 0);
	rec__nonce_use__init(m);
	m->nonce = lend(n->nonce);
	m->highest = n->highest;
	m->window = n->window;
	m->issued_ms = n->issued.ms;
	lend_unknown(&m->base, &n->unknown);
}

static void write_floor(const struct floor *f, struct aor_image *to)
{
	if (!f->set)
		return;
	rec__floor__init(&to->floor);
	to->floor.stamped_ms = f->stamped.ms;
	to->floor.call_id = lend(f->call_id);
	to->floor.cseq = f->cseq;
	to->floor.branch = lend(f->branch);
	lend_unknown(&to->floor.base, &f->unknown);
	to->m.floor = &to->floor;
}

/* Fills the image; false: the arena is full. */
static bool write_aor(const struct aor_record *r, struct arena *arena, struct aor_image *to)
{
	struct binding_image *b = arena_take(arena, r->n_bindings * sizeof *b);
	Rec__Tombstone *t = arena_take(arena, r->n_tombstones * sizeof *t);
	Rec__NonceUse *n = arena_take(arena, r->n_nonces * sizeof *n);

	if (b == NULL || t == NULL || n == NULL)
		return false;
	for (size_t i = 0; i < r->n_bindings; i++) {
		write_binding(&r->bindings[i], &b[i]);
		to->bindings[i] = &b[i].m;
	}
	for (size_t i = 0; i < r->n_tombstones; i++) {
		write_tombstone(&r->tombstones[i], &t[i]);
		to->tombstones[i] = &t[i];
	}
	for (size_t i = 0; i < r->n_nonces; i++) {
		write_nonce(&r->nonces[i], &n[i]);
		to->nonces[i] = &n[i];
	}
	write_floor(&r->floor, to);
	return true;
}

/* --- counted --- */

enum { WIRE_VARINT, WIRE_64, WIRE_BYTES, WIRE_32 = 5, TAG_BINDINGS = 1 << 3 | WIRE_BYTES };

static uint64_t varint(struct reader *r)
{
	uint64_t v = 0;

	for (unsigned shift = 0; shift < 64; shift += 7) {
		uint64_t byte = reader_uint(r, 1);
		v |= (byte & 0x7f) << shift;
		if (byte < 0x80)
			return v;
	}
	r->bad = true;
	return 0;
}

static void pass_field(struct reader *r, uint64_t wire)
{
	if (wire == WIRE_VARINT)
		(void)varint(r);
	else if (wire == WIRE_64 || wire == WIRE_32)
		(void)reader_bytes(r, wire == WIRE_64 ? 8 : 4);
	else if (wire == WIRE_BYTES)
		(void)reader_bytes(r, varint(r));
	else
		r->bad = true;
}

size_t aor_bindings(struct slice bytes)
{
	struct reader r = {.rest = bytes};
	size_t n = 0;

	while (r.rest.n > 0 && !r.bad) {
		uint64_t tag = varint(&r);
		n += tag == TAG_BINDINGS;
		pass_field(&r, tag & 7);
	}
	return n;
}

void aor_encode(const struct aor_record *r, struct arena *arena, struct buf *to)
{
	struct aor_image image;
	size_t mark = arena->n;

	assert(r->n_bindings <= AOR_BINDINGS_MAX);
	assert(r->n_tombstones <= AOR_TOMBSTONES_MAX);
	assert(r->n_nonces <= AOR_NONCES_MAX);
	rec__aor__init(&image.m);
	image.m.n_bindings = r->n_bindings;
	image.m.bindings = image.bindings;
	image.m.n_tombstones = r->n_tombstones;
	image.m.tombstones = image.tombstones;
	image.m.n_nonces = r->n_nonces;
	image.m.nonces = image.nonces;
	lend_unknown(&image.m.base, &r->unknown);
	if (write_aor(r, arena, &image))
		pack(&image.m.base, RECORD_MAX, to);
	else
		to->full = true;
	arena->n = mark;
}
