/* The record of an AOR's watchers: two kinds of message in one. */
#include <assert.h>

#include "proto/pack.h"
#include "proto/record.h"
#include "record.pb-c.h"

/* A NOTIFY every five seconds does not get there: it is a CSeq, too, and has room behind it. */
#define VERSION_END (UINT32_C(1) << 31)

/* What protobuf-c packs from: messages that point into the record being encoded. */
struct watcher_image {
	Rec__Watcher m;
	ProtobufCBinaryData route[WATCHER_ROUTES_MAX];
	uint64_t contacts[AOR_BINDINGS_MAX];
	uint8_t received[ADDR_BYTES_MAX];
	uint8_t local[ADDR_BYTES_MAX];
};

static bool watcher_sound(const struct watcher *w)
{
	bool dialog = w->call_id.n > 0 && w->local_tag.n > 0 && w->remote.n > 0;
	bool transport_known = w->transport >= TRANSPORT_UDP && w->transport <= TRANSPORT_WSS;

	return dialog && w->target.n > 0 && w->event.n > 0 && transport_known &&
	       w->expires.ms >= 0 && w->expires.ms < PAIRTIME_END_MS && w->told_at.ms >= 0 &&
	       w->told_at.ms < PAIRTIME_END_MS;
}

static enum err read_watcher(const Rec__Watcher *m, struct watcher *out)
{
	if (m->n_route > WATCHER_ROUTES_MAX || m->n_contacts > AOR_BINDINGS_MAX)
		return ERR_TOO_BIG;
	*out = (struct watcher){
		.call_id = borrow(m->call_id),
		.local_tag = borrow(m->local_tag),
		.remote_tag = borrow(m->remote_tag),
		.remote = borrow(m->remote),
		.target = borrow(m->target),
		.n_routes = m->n_route,
		.event = borrow(m->event),
		.cseq = m->cseq,
		.version = m->version,
		.expires = {m->expires_ms},
		.told_at = {m->told_ms},
		.told = m->told,
		.reign = m->reign,
		.transport = m->transport,
		.connection = m->connection,
		.flow_reign = m->flow_reign,
		.gruu = m->gruu,
		.unknown = borrow_unknown(&m->base),
	};
	for (size_t i = 0; i < m->n_route; i++)
		out->route[i] = borrow(m->route[i]);
	out->n_contacts = m->n_contacts;
	for (size_t i = 0; i < m->n_contacts; i++)
		out->contacts[i] = m->contacts[i];
	bool ok = addr_decode(borrow(m->received), &out->received);
	ok = addr_decode(borrow(m->local), &out->local) && ok;
	ok = ok && out->version < VERSION_END && out->cseq < VERSION_END;
	return ok && watcher_sound(out) && unknown_sound(&m->base) ? OK : ERR_MALFORMED;
}

enum err watchers_decode(struct slice bytes, struct arena *arena, struct watchers_record *out)
{
	if (bytes.n > RECORD_MAX)
		return ERR_TOO_BIG;

	const Rec__Watchers *m = unpack(&rec__watchers__descriptor, bytes, arena);
	enum err err = OK;

	if (m == NULL)
		return unpack_fault(arena);
	if (m->n_watchers > WATCHERS_MAX)
		return ERR_TOO_BIG;
	out->n = m->n_watchers;
	out->unknown = borrow_unknown(&m->base);
	for (size_t i = 0; i < out->n && err == OK; i++)
		err = read_watcher(m->watchers[i], &out->watchers[i]);
	return err;
}

static void write_watcher(const struct watcher *w, struct watcher_image *to)
{
	Rec__Watcher *m = &to->m;

	assert(watcher_sound(w));
	assert(w->n_routes <= WATCHER_ROUTES_MAX && w->n_contacts <= AOR_BINDINGS_MAX);
	rec__watcher__init(m);
	m->call_id = lend(w->call_id);
	m->local_tag = lend(w->local_tag);
	m->remote_tag = lend(w->remote_tag);
	m->remote = lend(w->remote);
	m->target = lend(w->target);
	m->n_route = w->n_routes;
	m->route = to->route;
	for (size_t i = 0; i < w->n_routes; i++)
		to->route[i] = lend(w->route[i]);
	m->event = lend(w->event);
	m->cseq = w->cseq;
	m->version = w->version;
	m->expires_ms = w->expires.ms;
	m->told_ms = w->told_at.ms;
	m->told = w->told;
	m->reign = w->reign;
	m->received = (ProtobufCBinaryData){addr_encode(&w->received, to->received), to->received};
	m->transport = w->transport;
	m->local = (ProtobufCBinaryData){addr_encode(&w->local, to->local), to->local};
	m->connection = w->connection;
	m->flow_reign = w->flow_reign;
	m->gruu = w->gruu;
	m->n_contacts = w->n_contacts;
	m->contacts = to->contacts;
	memcpy(to->contacts, w->contacts, w->n_contacts * sizeof *w->contacts);
	lend_unknown(&m->base, &w->unknown);
}

void watchers_encode(const struct watchers_record *r, struct arena *arena, struct buf *to)
{
	Rec__Watcher *pointers[WATCHERS_MAX];
	size_t mark = arena->n;
	struct watcher_image *images = arena_take(arena, r->n * sizeof *images);
	Rec__Watchers m;

	assert(r->n <= WATCHERS_MAX);
	if (images == NULL) {
		to->full = true;
		return;
	}
	rec__watchers__init(&m);
	for (size_t i = 0; i < r->n; i++) {
		write_watcher(&r->watchers[i], &images[i]);
		pointers[i] = &images[i].m;
	}
	m.n_watchers = r->n;
	m.watchers = pointers;
	lend_unknown(&m.base, &r->unknown);
	pack(&m.base, RECORD_MAX, to);
	arena->n = mark;
}
