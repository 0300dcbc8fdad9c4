#include "node/core/reginfo.h"

#include "proto/base/utf8.h"
#include "proto/entry.h"
#include "proto/sip/header.h"

static void put_escaped(struct buf *to, uint8_t c)
{
	switch (c) {
	case '<':
		buf_str(to, "&lt;");
		break;
	case '>':
		buf_str(to, "&gt;");
		break;
	case '&':
		buf_str(to, "&amp;");
		break;
	case '"':
		buf_str(to, "&quot;");
		break;
	case '\'':
		buf_str(to, "&apos;");
		break;
	default:
		buf_byte(to, c < ' ' || c == 0x7f ? ' ' : c);
	}
}

/* E12. Bytes that no XML may hold become a question mark. */
static void put_text(struct buf *to, struct slice s)
{
	while (s.n > 0) {
		size_t n = utf8_size(s);

		if (n == 1)
			put_escaped(to, s.p[0]);
		else if (n > 1)
			buf_put(to, slice_head(s, n));
		else
			buf_byte(to, '?');
		s = slice_from(s, n > 0 ? n : 1);
	}
}

static void put_attribute(struct buf *to, const char *name, struct slice value)
{
	buf_byte(to, ' ');
	buf_str(to, name);
	buf_str(to, "=\"");
	put_text(to, value);
	buf_byte(to, '"');
}

static void put_number(struct buf *to, const char *name, uint64_t value)
{
	uint8_t room[20];
	struct buf text = buf_on(room, sizeof room);

	buf_u64(&text, value);
	put_attribute(to, name, buf_slice(&text));
}

static void put_id(struct buf *to, uint64_t id)
{
	buf_str(to, " id=\"a"); /* an NCName begins with a letter */
	buf_hex64(to, id);
	buf_byte(to, '"');
}

/* E7: of what makes the binding that binding, so it is the same in every document. */
static uint64_t contact_id(const struct contact_key *k)
{
	if (k->instance.n == 0 || k->reg_id == 0)
		return record_hash(TABLE_AOR, k->uri, k->instance);
	return record_hash(TABLE_WATCHER, k->instance, (struct slice){NULL, 0}) + k->reg_id;
}

static void put_element(struct buf *to, const char *name, struct slice text)
{
	buf_byte(to, '<');
	buf_str(to, name);
	buf_byte(to, '>');
	put_text(to, text);
	buf_str(to, "</");
	buf_str(to, name);
	buf_str(to, ">\n");
}

static void put_display(struct buf *to, struct slice display)
{
	bool quoted = display.n >= 2 && display.p[0] == '"';

	if (display.n == 0)
		return;
	if (quoted)
		display = (struct slice){display.p + 1, display.n - 2};
	put_element(to, "display-name", display);
}

static void put_params(struct buf *to, struct slice params)
{
	struct sip_param p;

	while (param_next(&params, &p)) {
		if (slice_eq_nocase(p.name, SLICE("q")))
			continue;
		buf_str(to, "<unknown-param");
		put_attribute(to, "name", p.name);
		buf_byte(to, '>');
		put_text(to, p.value);
		buf_str(to, "</unknown-param>\n");
	}
}

static void put_gruu(struct buf *to, const char *element, const struct buf *uri)
{
	buf_str(to, "<gr:");
	buf_str(to, element);
	put_attribute(to, "uri", buf_slice(uri));
	to->full = to->full || uri->full;
}

/* RFC 5628 5. Older temporary ones than of the newest REGISTER are good, too: we say less. */
static void put_gruus(struct buf *to, const struct reginfo *r, const struct binding *b)
{
	enum { GRUU_ROOM = 4096 };
	uint8_t room[GRUU_ROOM];
	struct buf uri = buf_on(room, sizeof room);

	if (!r->gruu || b->instance.n == 0 || r->gruus.secrets->n == 0)
		return;
	gruu_put_public(&uri, r->aor, b);
	put_gruu(to, "pub-gruu", &uri);
	buf_str(to, "/>\n");
	if (gruu_is_bulk(b))
		return;
	uri = buf_on(room, sizeof room);
	gruu_put_temporary(&r->gruus, &uri, r->aor, b);
	put_gruu(to, "temp-gruu", &uri);
	put_number(to, "first-cseq", b->cseq);
	buf_str(to, "/>\n");
}

static void put_q(struct buf *to, uint32_t milli)
{
	uint8_t room[8];
	struct buf text = buf_on(room, sizeof room);

	buf_str(&text, milli == 1000 ? "1." : "0.");
	for (uint32_t unit = 100; unit > 0; unit /= 10)
		buf_byte(&text, (uint8_t)('0' + milli / unit % 10));
	put_attribute(to, "q", buf_slice(&text));
}

static void put_binding(struct buf *to, const struct reginfo *r, const struct binding *b)
{
	struct contact_key key = binding_key(b);
	int64_t bound_ms = b->bound.ms > 0 && b->bound.ms < r->now.ms ? r->now.ms - b->bound.ms : 0;
	bool is_new = b->bound.ms == b->stamped.ms;

	buf_str(to, "<contact");
	put_id(to, contact_id(&key));
	buf_str(to, is_new ? " state=\"active\" event=\"registered\""
	                   : " state=\"active\" event=\"refreshed\"");
	put_number(to, "expires", (uint64_t)(b->expires.ms - r->now.ms + 999) / 1000);
	put_number(to, "duration-registered", (uint64_t)bound_ms / 1000);
	put_q(to, b->q_milli);
	put_attribute(to, "callid", b->call_id);
	put_number(to, "cseq", b->cseq);
	buf_str(to, ">\n");
	put_element(to, "uri", b->uri);
	put_display(to, b->display);
	put_params(to, b->params);
	put_gruus(to, r, b);
	buf_str(to, "</contact>\n");
}

static bool was_told(const struct reginfo *r, uint64_t id)
{
	for (size_t i = 0; i < r->n_told; i++)
		if (r->told[i] == id)
			return true;
	return false;
}

/* E8: the reader believes it is bound, it is not, and it is the newest of its kind. */
static bool is_news(const struct reginfo *r, const struct tombstone *t)
{
	struct contact_key key = tombstone_key(t);

	if (!was_told(r, contact_id(&key)))
		return false;
	for (size_t i = 0; i < r->record->n_bindings; i++) {
		const struct binding *b = &r->record->bindings[i];
		struct contact_key bound = binding_key(b);
		if (binding_is_live(b, r->now) && contact_id(&bound) == contact_id(&key))
			return false;
	}
	for (size_t i = 0; i < r->record->n_tombstones; i++) {
		const struct tombstone *other = &r->record->tombstones[i];
		struct contact_key its = tombstone_key(other);
		bool newer = other->stamped.ms > t->stamped.ms ||
		             (other->stamped.ms == t->stamped.ms && other > t);
		if (newer && contact_id(&its) == contact_id(&key))
			return false;
	}
	return true;
}

/* A removal from before the reader was told that the contact is bound is not what ended it. */
static void put_tombstone(struct buf *to, const struct reginfo *r, const struct tombstone *t)
{
	static const char *const events[] = {
		[CAUSE_REQUEST] = "unregistered",
		[CAUSE_OPERATOR] = "deactivated",
		[CAUSE_REPLACED] = "unregistered",
		[CAUSE_EXPIRED] = "expired",
	};
	struct contact_key key = tombstone_key(t);
	enum tombstone_cause cause = t->stamped.ms < r->told_at.ms ? CAUSE_EXPIRED : t->cause;

	buf_str(to, "<contact");
	put_id(to, contact_id(&key));
	buf_str(to, " state=\"terminated\"");
	put_attribute(to, "event", slice_str(events[cause]));
	put_attribute(to, "callid", t->call_id);
	put_number(to, "cseq", t->cseq);
	buf_str(to, ">\n");
	put_element(to, "uri", t->uri);
	buf_str(to, "</contact>\n");
}

static size_t count_news(const struct reginfo *r)
{
	size_t n = 0;

	for (size_t i = 0; i < r->record->n_tombstones; i++)
		n += is_news(r, &r->record->tombstones[i]);
	return n;
}

static void put_registration(struct buf *to, const struct reginfo *r)
{
	size_t live = aor_count_live(r->record, r->now);
	const char *state = live > 0 ? "active" : count_news(r) > 0 ? "terminated" : "init";

	buf_str(to, "<registration");
	put_attribute(to, "aor", r->aor);
	put_id(to, record_hash(TABLE_AOR, r->aor, (struct slice){NULL, 0}));
	put_attribute(to, "state", slice_str(state));
	buf_str(to, ">\n");
	for (size_t i = 0; i < r->record->n_bindings; i++)
		if (binding_is_live(&r->record->bindings[i], r->now))
			put_binding(to, r, &r->record->bindings[i]);
	for (size_t i = 0; i < r->record->n_tombstones; i++)
		if (is_news(r, &r->record->tombstones[i]))
			put_tombstone(to, r, &r->record->tombstones[i]);
	buf_str(to, "</registration>\n");
}

void reginfo_put(struct buf *to, const struct reginfo *r)
{
	buf_str(to, "<?xml version=\"1.0\"?>\n"
	            "<reginfo xmlns=\"urn:ietf:params:xml:ns:reginfo\"");
	if (r->gruu)
		buf_str(to, " xmlns:gr=\"urn:ietf:params:xml:ns:gruuinfo\"");
	put_number(to, "version", r->version);
	put_attribute(to, "state", slice_str(r->full ? "full" : "partial"));
	buf_str(to, ">\n");
	put_registration(to, r);
	buf_str(to, "</reginfo>\n");
}

size_t reginfo_ids(const struct aor_record *record, struct pairtime now,
                   uint64_t out[AOR_BINDINGS_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < record->n_bindings; i++) {
		struct contact_key key = binding_key(&record->bindings[i]);
		if (binding_is_live(&record->bindings[i], now))
			out[n++] = contact_id(&key);
	}
	return n;
}

uint64_t reginfo_hash(const struct aor_record *record)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < record->n_bindings; i++) {
		const struct binding *b = &record->bindings[i];
		uint8_t room[16];
		struct buf times = buf_on(room, sizeof room);

		buf_uint(&times, (uint64_t)b->stamped.ms, 8);
		buf_uint(&times, (uint64_t)b->expires.ms, 8);
		sum += record_hash(TABLE_AOR, b->uri, buf_slice(&times));
	}
	return sum;
}
