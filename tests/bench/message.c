#include "tests/bench/message.h"

#include <assert.h>

static const char magic[] = "z9hG4bK";

static void put_branch(struct buf *to, const struct options *o, uint32_t at, uint32_t cseq)
{
	buf_str(to, magic);
	buf_str(to, o->tag);
	buf_byte(to, '-');
	buf_u64(to, at);
	buf_byte(to, '-');
	buf_u64(to, cseq);
}

static bool take_number(struct slice *s, uint32_t *out)
{
	uint64_t v = 0;
	size_t n = 0;

	while (n < s->n && n < 10 && s->p[n] >= '0' && s->p[n] <= '9')
		v = v * 10 + (uint64_t)(s->p[n++] - '0');
	*s = slice_from(*s, n);
	*out = (uint32_t)v;
	return n > 0 && v <= UINT32_MAX;
}

bool message_branch(const struct options *o, struct slice branch, uint32_t *at, uint32_t *cseq)
{
	const char *const ours[] = {magic, o->tag, "-"};
	struct slice s = branch;

	for (size_t i = 0; i < ARRAY_LEN(ours); i++) {
		struct slice part = slice_str(ours[i]);

		if (!slice_eq(slice_head(s, part.n), part))
			return false;
		s = slice_from(s, part.n);
	}
	if (!take_number(&s, at) || s.n == 0 || s.p[0] != '-')
		return false;
	s = slice_from(s, 1);
	return take_number(&s, cseq) && s.n == 0;
}

/* name="value" */
static void put_quoted(struct buf *to, const char *name, struct slice value)
{
	buf_str(to, name);
	buf_str(to, "=\"");
	buf_put(to, value);
	buf_byte(to, '"');
}

static void put_nc(struct buf *to, uint32_t nc)
{
	uint8_t bytes[4] = {(uint8_t)(nc >> 24), (uint8_t)(nc >> 16), (uint8_t)(nc >> 8),
	                    (uint8_t)nc};

	buf_hex(to, (struct slice){bytes, sizeof bytes});
}

static void put_authorization(const struct scribe *scribe, const struct user *u, struct buf *to)
{
	const struct options *o = scribe->options;
	const struct credentials *c = &u->credentials;
	uint8_t texts[4][160];
	struct buf name = buf_on(texts[0], sizeof texts[0]);
	struct buf password = buf_on(texts[1], sizeof texts[1]);
	struct buf uri = buf_on(texts[2], sizeof texts[2]);
	char response[DIGEST_HEX_MAX];

	user_name(&name, o, u->number);
	user_password(&password, o, u->number);
	buf_str(&uri, "sip:");
	buf_str(&uri, o->domain);

	const struct digest_input in = {
		.user = buf_slice(&name),
		.realm = {c->realm, c->n_realm},
		.password = buf_slice(&password),
		.method = SLICE("REGISTER"),
		.uri = buf_slice(&uri),
		.nonce = {c->nonce, c->n_nonce},
		.cnonce = slice_str(o->tag),
		.nc = c->nc,
		.qop = c->qop,
	};

	digest_response(scribe->digest, &in, response);
	put_quoted(to, "Authorization: Digest username", in.user);
	put_quoted(to, ", realm", in.realm);
	put_quoted(to, ", nonce", in.nonce);
	put_quoted(to, ", uri", in.uri);
	put_quoted(to, ", response", slice_str(response));
	buf_str(to, ", algorithm=");
	buf_str(to, algorithm_name((enum algorithm)o->algorithm));
	if (c->qop) {
		put_quoted(to, ", cnonce", in.cnonce);
		buf_str(to, ", qop=auth, nc=");
		put_nc(to, c->nc);
	}
	if (c->n_opaque > 0)
		put_quoted(to, ", opaque", (struct slice){c->opaque, c->n_opaque});
	buf_str(to, "\r\n");
}

static void put_aor(const struct options *o, const struct user *u, struct buf *to)
{
	buf_str(to, "<sip:");
	user_name(to, o, u->number);
	buf_byte(to, '@');
	buf_str(to, o->domain);
	buf_byte(to, '>');
}

static void put_contact(const struct options *o, const struct user *u, struct buf *to)
{
	uint32_t expires = u->act == ACT_REMOVE ? 0 : o->expires_s;

	buf_str(to, "Contact: <");
	user_contact(to, o, u->number);
	buf_str(to, ">\r\nExpires: ");
	buf_u64(to, expires);
	buf_str(to, "\r\n");
}

static void put_dialog(const struct options *o, const struct user *u, struct buf *to)
{
	buf_str(to, "\r\nMax-Forwards: 70\r\nFrom: ");
	put_aor(o, u, to);
	buf_str(to, ";tag=");
	buf_str(to, o->tag);
	buf_str(to, "\r\nTo: ");
	put_aor(o, u, to);
	buf_str(to, "\r\nCall-ID: ");
	user_call_id(to, o, u->number);
	buf_str(to, "\r\nCSeq: ");
	buf_u64(to, u->cseq);
	buf_str(to, " REGISTER\r\n");
}

void message_write(const struct scribe *scribe, const struct users *users, uint32_t at,
                   const char *local, struct buf *to)
{
	const struct options *o = scribe->options;
	const struct user *u = &users->list[at];

	buf_str(to, "REGISTER sip:");
	buf_str(to, o->domain);
	buf_str(to, o->transport == 1 ? " SIP/2.0\r\nVia: SIP/2.0/TCP "
	                              : " SIP/2.0\r\nVia: SIP/2.0/UDP ");
	buf_str(to, local);
	buf_str(to, ";rport;branch=");
	put_branch(to, o, at, u->cseq);
	put_dialog(o, u, to);
	if (u->act != ACT_FETCH)
		put_contact(o, u, to);
	if (u->authorized)
		put_authorization(scribe, u, to);
	buf_str(to, "User-Agent: regload\r\n"
	            "Allow: INVITE, ACK, CANCEL, OPTIONS, BYE\r\n"
	            "Supported: path\r\n"
	            "Content-Length: 0\r\n\r\n");
	assert(!to->full);
}
