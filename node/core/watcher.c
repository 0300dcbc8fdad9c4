#include "node/core/watcher.h"

#include <assert.h>

#include "proto/entry.h"

uint64_t watcher_dialog(const struct watcher *w)
{
	return record_hash(TABLE_WATCHER, w->call_id, w->local_tag);
}

bool watcher_has_flow(const struct watcher *w, uint64_t reign)
{
	return w->transport == TRANSPORT_UDP || w->flow_reign == reign;
}

enum notify_kind watcher_wants(const struct watch_news *news, const struct watcher *w)
{
	if (w->reign != news->reign)
		return NOTIFY_FULL;
	return w->told != reginfo_hash(news->record) ? NOTIFY_PARTIAL : NOTIFY_NOTHING;
}

struct watcher *watchers_find(struct watchers_record *r, struct slice call_id, struct slice tag)
{
	for (size_t i = 0; i < r->n; i++)
		if (slice_eq(r->watchers[i].call_id, call_id) &&
		    slice_eq(r->watchers[i].local_tag, tag))
			return &r->watchers[i];
	return NULL;
}

void watchers_take_out(struct watchers_record *r, struct watcher *w)
{
	size_t at = (size_t)(w - r->watchers);

	assert(at < r->n);
	r->n--;
	memmove(w, w + 1, (r->n - at) * sizeof *w);
}

void put_contact_of(struct buf *to, const struct flow *flow)
{
	buf_str(to, "<sip:");
	addr_put(to, &flow->local);
	if (flow->transport != TRANSPORT_UDP) {
		buf_str(to, ";transport=");
		for (const char *c = transport_name(flow->transport); *c != '\0'; c++)
			buf_byte(to, ascii_lower((uint8_t)*c));
	}
	buf_byte(to, '>');
}

static void put_line(struct buf *to, const char *name, struct slice value)
{
	buf_str(to, name);
	buf_str(to, ": ");
	buf_put(to, value);
	buf_str(to, "\r\n");
}

/* The top of it, up to the dialog's own headers; the branch is known to nobody but whom it reaches. */
static void put_way(struct buf *to, const struct watch_news *news, const struct watcher *w)
{
	uint8_t room[48];
	struct buf branch = buf_on(room, sizeof room);

	buf_str(&branch, "z9hG4bK");
	buf_hex64(&branch, record_hash(TABLE_WATCHER, w->call_id, w->local_tag) ^ news->random);
	buf_u64(&branch, w->version);

	buf_str(to, "NOTIFY ");
	buf_put(to, w->target);
	buf_str(to, " SIP/2.0\r\nVia: SIP/2.0/");
	buf_str(to, transport_name(w->transport));
	buf_byte(to, ' ');
	addr_put(to, &w->local);
	buf_str(to, ";rport;branch=");
	buf_put(to, buf_slice(&branch));
	buf_str(to, "\r\nMax-Forwards: 70\r\n");
	for (size_t i = 0; i < w->n_routes; i++)
		put_line(to, "Route", w->route[i]);
}

static void put_dialog(struct buf *to, const struct watch_news *news, const struct watcher *w)
{
	buf_str(to, "From: <");
	buf_put(to, news->aor);
	buf_str(to, ">;tag=");
	buf_put(to, w->local_tag);
	buf_str(to, "\r\n");
	put_line(to, "To", w->remote);
	put_line(to, "Call-ID", w->call_id);
	buf_str(to, "CSeq: ");
	buf_u64(to, (uint64_t)w->version + 1);
	buf_str(to, " NOTIFY\r\n");
}

static void put_state(struct buf *to, const struct watch_news *news, const struct watcher *w,
                      enum notify_kind kind)
{
	put_line(to, "Event", w->event);
	buf_str(to, "Subscription-State: ");
	if (kind == NOTIFY_LAST) {
		buf_str(to, "terminated;reason=timeout");
	} else {
		buf_str(to, "active;expires=");
		buf_u64(to, (uint64_t)(w->expires.ms - news->now.ms + 999) / 1000);
	}
	buf_str(to, "\r\nContent-Type: application/reginfo+xml\r\n");
}

static struct slice document(const struct watch_news *news, const struct watcher *w, bool full,
                             struct arena *arena)
{
	uint8_t *memory = arena_take(arena, NOTIFY_MAX);
	struct buf to = buf_on(memory, memory == NULL ? 0 : NOTIFY_MAX);
	const struct reginfo r = {
		.aor = news->aor,
		.record = news->record,
		.gruus = news->gruus,
		.gruu = w->gruu,
		.full = full,
		.version = w->version,
		.now = news->now,
		.told = w->contacts,
		.n_told = w->n_contacts,
		.told_at = w->told_at,
	};

	reginfo_put(&to, &r);
	return to.full ? (struct slice){NULL, 0} : buf_slice(&to);
}

/* A version that was seen is never used again, also if a backup was made before it was. */
static void next_version(const struct watch_news *news, struct watcher *w)
{
	enum { FROM_BACKUP = 1 << 20 };
	bool before = w->version < WATCHER_UNTOLD / 4 && news->restored.ms > 0 &&
	              w->told_at.ms <= news->restored.ms;

	w->version += before ? FROM_BACKUP : 1;
}

static void count(const struct watch_news *news, struct watcher *w)
{
	w->told = reginfo_hash(news->record);
	w->n_contacts = reginfo_ids(news->record, news->now, w->contacts);
	w->told_at = news->now;
	w->reign = news->reign;
}

/* Five things that have nothing in common.
 * NOLINTNEXTLINE(readability-function-size) */
bool watcher_notify(const struct watch_news *news, struct watcher *w, enum notify_kind kind,
                    struct arena *arena, struct notify *out)
{
	uint8_t *memory = arena_take(arena, NOTIFY_MAX);
	struct buf to = buf_on(memory, memory == NULL ? 0 : NOTIFY_MAX);
	struct flow flow = {w->transport, w->local, w->received, w->connection};
	struct arena scratch = *arena;

	assert(kind != NOTIFY_NOTHING);
	next_version(news, w);
	*out = (struct notify){.flow = flow, .target = w->received, .aor = news->aor};
	out->dialog = watcher_dialog(w);
	put_way(&to, news, w);
	put_dialog(&to, news, w);
	put_state(&to, news, w, kind);
	struct slice body = document(news, w, kind != NOTIFY_PARTIAL, &scratch);
	count(news, w);
	buf_str(&to, "Contact: ");
	put_contact_of(&to, &flow);
	buf_str(&to, "\r\nContent-Length: ");
	buf_u64(&to, body.n);
	buf_str(&to, "\r\n\r\n");
	buf_put(&to, body);
	out->bytes = buf_slice(&to);
	if (!to.full)
		arena->n -= (NOTIFY_MAX - to.n) & ~(size_t)15;
	return body.n > 0 && !to.full;
}
