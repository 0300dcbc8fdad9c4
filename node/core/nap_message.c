#include "node/core/nap_message.h"

#include "proto/sip/uri.h"

enum { MAX_FORWARDS = 70, HEX_SIZE = 16 };

static const struct slice agent = {SLICE_OF("Regpair")};

static void put_number(struct buf *to, const char *name, uint64_t value)
{
	buf_str(to, name);
	buf_u64(to, value);
	buf_str(to, "\r\n");
}

static void put_line(struct buf *to, const char *name, struct slice value)
{
	buf_str(to, name);
	buf_str(to, ": ");
	buf_put(to, value);
	buf_str(to, "\r\n");
}

static void put_transport(struct buf *to, enum transport transport)
{
	if (transport == TRANSPORT_UDP)
		return;
	buf_str(to, ";transport=");
	buf_str(to, transport == TRANSPORT_TCP ? "tcp" : "tls");
}

void nap_put_instance(struct buf *to, uint64_t instance)
{
	/* 122 bits out of 64, as a UUID of version 8 (RFC 9562): nobody else makes these. */
	uint64_t more = instance * UINT64_C(0x9e3779b97f4a7c15);
	static const size_t group_ends[] = {8, 12, 16, 20, 32};
	uint8_t room[2 * HEX_SIZE];
	struct buf digits = buf_on(room, sizeof room);
	size_t from = 0;

	buf_hex64(&digits, (instance & ~UINT64_C(0xf000)) | 0x8000);
	buf_hex64(&digits, more >> 2 | UINT64_C(1) << 63);
	buf_str(to, "<urn:uuid");
	for (size_t i = 0; i < ARRAY_LEN(group_ends); i++) {
		buf_byte(to, i == 0 ? ':' : '-');
		buf_put(to, (struct slice){room + from, group_ends[i] - from});
		from = group_ends[i];
	}
	buf_byte(to, '>');
}

static bool read_aor(struct slice text, struct sip_uri *out)
{
	return sip_uri_parse(text, out) == OK &&
	       (out->scheme == URI_SIP || out->scheme == URI_SIPS) && out->user.n > 0;
}

bool nap_contact(const struct nap_options *o, enum transport transport, const struct addr *local,
                 struct buf *to)
{
	struct sip_uri aor;

	if (!read_aor(o->address_to_register, &aor))
		return false;
	buf_str(to, aor.scheme == URI_SIPS ? "sips:" : "sip:");
	if (!o->gin) { /* RFC 6140 5.2: the numbers take the place of the user */
		buf_put(to, aor.user);
		buf_byte(to, '@');
	}
	addr_put(to, local);
	if (aor.scheme == URI_SIP)
		put_transport(to, transport);
	if (o->gin)
		buf_str(to, ";bnc");
	return !to->full;
}

bool nap_registrar(const struct nap_record *r, struct buf *to)
{
	struct sip_uri aor;

	if (!read_aor(r->aor, &aor))
		return false;
	if (r->registrar.n > 0) {
		buf_put(to, r->registrar);
		return !to->full;
	}
	buf_str(to, aor.scheme == URI_SIPS ? "sips:" : "sip:");
	buf_put(to, aor.host);
	if (aor.port != 0) {
		buf_byte(to, ':');
		buf_u64(to, aor.port);
	}
	return !to->full;
}

/* From the start line up to Max-Forwards. */
static void put_way(struct buf *to, const char *method, struct slice uri,
                    const struct nap_sending *s)
{
	buf_str(to, method);
	buf_byte(to, ' ');
	buf_put(to, uri);
	buf_str(to, " SIP/2.0\r\nVia: SIP/2.0/");
	buf_str(to, transport_name(s->transport));
	buf_byte(to, ' ');
	addr_put(to, &s->local);
	buf_str(to, ";rport;branch=z9hG4bK");
	buf_hex64(to, s->branch);
	buf_str(to, "\r\n");
}

static void put_party(struct buf *to, const char *name, struct slice uri, struct slice tag)
{
	buf_str(to, name);
	buf_str(to, ": <");
	buf_put(to, uri);
	buf_byte(to, '>');
	if (tag.n > 0) {
		buf_str(to, ";tag=");
		buf_put(to, tag);
	}
	buf_str(to, "\r\n");
}

/* Lifetimes stand in the Contact; taking away is said in both ways there are. */
static void put_contact(struct buf *to, const struct nap_record *r, uint32_t expires_s)
{
	buf_str(to, "Contact: <");
	buf_put(to, r->contact);
	buf_byte(to, '>');
	if (r->instance != 0) {
		buf_str(to, ";+sip.instance=\"");
		nap_put_instance(to, r->instance);
		buf_byte(to, '"');
	}
	if (r->reg_id != 0) {
		buf_str(to, ";reg-id=");
		buf_u64(to, r->reg_id);
	}
	put_number(to, ";expires=", expires_s);
	if (expires_s == 0)
		put_number(to, "Expires: ", 0);
}

/* As the Contact is, so that it is taken away as it was registered. */
static void put_options(struct buf *to, const struct nap_record *r, const struct sip_uri *contact)
{
	struct slice bnc;

	buf_str(to, "Supported: path, gruu");
	buf_str(to, r->reg_id != 0 ? ", outbound\r\n" : "\r\n");
	if (sip_uri_param(contact, "bnc", &bnc))
		buf_str(to, "Require: gin\r\nProxy-Require: gin\r\n");
}

static bool has_control(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < ' ' || s.p[i] == 0x7f)
			return true;
	return false;
}

static void put_one(struct buf *to, const struct nap_challenge *c, struct challenge_answer *answer,
                    struct digester *d)
{
	uint8_t room[HEX_SIZE];
	struct buf cnonce = buf_on(room, sizeof room);

	buf_hex64(&cnonce, c->cnonce);
	answer->challenge = &c->asked;
	answer->nc = c->nc;
	answer->cnonce = buf_slice(&cnonce);
	challenge_answer(d, answer, to);
}

/* False: a name that no header can hold. */
static bool put_credentials(struct buf *to, const struct nap_options *o, const struct nap_record *r,
                            struct challenge_answer answer, struct digester *d)
{
	_Alignas(16) uint8_t memory[NAP_TEXT_MAX + 16];
	struct arena arena = arena_on(memory, sizeof memory);
	struct sip_uri aor;

	answer.user = o->user;
	answer.password = o->password;
	if (o->user.n == 0 && read_aor(r->aor, &aor))
		answer.user = uri_unescaped(aor.user, &arena);
	for (size_t i = 0; i < r->n_challenges; i++) {
		const struct nap_challenge *c = &r->challenges[i];

		if (c->cseq != r->cseq || !challenge_is_known(&c->asked))
			continue;
		if (answer.user.n == 0 || has_control(answer.user))
			return false;
		put_one(to, c, &answer, d);
	}
	return true;
}

static void put_end(struct buf *to)
{
	put_line(to, "User-Agent", agent);
	buf_str(to, "Content-Length: 0\r\n\r\n");
}

bool nap_write_register(const struct nap_options *o, const struct nap_record *r,
                        const struct nap_sending *s, struct digester *d, struct buf *to)
{
	uint8_t room[NAP_TEXT_MAX];
	struct buf uri = buf_on(room, sizeof room);
	struct sip_uri contact;

	if (!nap_registrar(r, &uri) || sip_uri_parse(r->contact, &contact) != OK)
		return false;
	put_way(to, "REGISTER", buf_slice(&uri), s);
	put_number(to, "Max-Forwards: ", MAX_FORWARDS);
	put_party(to, "From", r->aor, r->from_tag);
	put_party(to, "To", r->aor, (struct slice){NULL, 0});
	put_line(to, "Call-ID", r->call_id);
	buf_str(to, "CSeq: ");
	buf_u64(to, r->cseq);
	buf_str(to, " REGISTER\r\n");
	put_contact(to, r, s->expires_s);
	put_options(to, r, &contact);
	const struct challenge_answer answer = {.method = SLICE("REGISTER"),
	                                        .uri = buf_slice(&uri)};
	bool named = put_credentials(to, o, r, answer, d);
	put_end(to);
	return named && !to->full;
}

static void put_routes(struct buf *to, const struct nap_record *r)
{
	for (size_t i = 0; i < r->n_routes; i++) {
		buf_str(to, i == 0 ? "Route: " : ", ");
		buf_put(to, r->service_route[i]);
	}
	if (r->n_routes > 0)
		buf_str(to, "\r\n");
}

bool nap_write_subscribe(const struct nap_options *o, const struct nap_record *r,
                         const struct nap_sending *s, struct digester *d, struct buf *to)
{
	const struct slice uri = s->remote.n > 0 ? s->remote : r->aor;
	const struct challenge_answer answer = {.method = SLICE("SUBSCRIBE"), .uri = uri};

	put_way(to, "SUBSCRIBE", uri, s);
	put_number(to, "Max-Forwards: ", MAX_FORWARDS);
	put_routes(to, r);
	put_party(to, "From", r->aor, r->from_tag);
	put_party(to, "To", r->aor, s->remote_tag);
	put_line(to, "Call-ID", r->call_id);
	buf_str(to, "CSeq: ");
	buf_u64(to, r->cseq);
	buf_str(to, " SUBSCRIBE\r\nContact: <");
	buf_put(to, r->contact);
	buf_str(to, ">\r\nEvent: reg\r\nAccept: application/reginfo+xml\r\n");
	put_number(to, "Expires: ", s->expires_s);
	bool named = put_credentials(to, o, r, answer, d);
	put_end(to);
	return named && !to->full;
}

/* "sip:host", "sip:host:port": of an address with the brackets it wants. */
static bool put_proxy(struct buf *to, struct slice proxy)
{
	struct addr addr;
	struct sip_uri uri;

	buf_str(to, "sip:");
	if (addr_parse(proxy, &addr))
		addr_put(to, &addr);
	else
		buf_put(to, proxy);
	return !to->full && sip_uri_parse(buf_slice(to), &uri) == OK && uri.host.n > 0;
}

static void put_asker(struct buf *to, const struct nap_options *o, const struct nap_sending *s,
                      struct slice tag)
{
	uint8_t room[ADDR_TEXT_MAX + sizeof "sip:"];
	struct buf own = buf_on(room, sizeof room);
	struct sip_uri aor;

	buf_str(&own, "sip:");
	addr_put(&own, &s->local);
	bool named = read_aor(o->address_to_register, &aor);
	put_party(to, "From", named ? o->address_to_register : buf_slice(&own), tag);
	buf_str(to, "Contact: <");
	buf_put(to, buf_slice(&own));
	put_transport(to, s->transport);
	buf_str(to, ">\r\n");
}

bool nap_write_options(const struct nap_options *o, const struct nap_sending *s, struct buf *to)
{
	uint8_t room[NAP_TEXT_MAX], hex[HEX_SIZE];
	struct buf uri = buf_on(room, sizeof room), id = buf_on(hex, sizeof hex);

	if (!put_proxy(&uri, o->proxy))
		return false;
	buf_hex64(&id, s->branch);
	put_way(to, "OPTIONS", buf_slice(&uri), s);
	put_number(to, "Max-Forwards: ", o->poll_max_forwards);
	put_asker(to, o, s, buf_slice(&id));
	put_party(to, "To", buf_slice(&uri), (struct slice){NULL, 0});
	put_line(to, "Call-ID", buf_slice(&id));
	buf_str(to, "CSeq: 1 OPTIONS\r\nAccept: application/sdp\r\n");
	put_end(to);
	return !to->full;
}

void nap_answer_challenges(struct nap_record *r, bool all, uint64_t cnonce)
{
	for (size_t i = 0; i < r->n_challenges; i++) {
		struct nap_challenge *c = &r->challenges[i];

		if (!all && !c->due && c->cseq != r->cseq)
			continue;
		if (c->nc == 0)
			c->cnonce = cnonce;
		c->nc++;
		c->cseq = r->cseq;
		c->due = false;
	}
}
