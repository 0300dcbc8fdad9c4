#include "proto/sip/challenge.h"

#include <assert.h>

#include "proto/sip/auth_param.h"

/* Where the value of a parameter belongs; NULL for those nobody asks about. */
static struct slice *field_of(struct sip_challenge *c, struct slice *stale, struct slice name)
{
	const struct {
		struct slice name;
		struct slice *field;
	} known[] = {
		{SLICE("realm"), &c->realm},         {SLICE("nonce"), &c->nonce},
		{SLICE("opaque"), &c->opaque},       {SLICE("qop"), &c->qop},
		{SLICE("algorithm"), &c->algorithm}, {SLICE("stale"), stale},
	};

	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (slice_eq_nocase(name, known[i].name))
			return known[i].field;
	return NULL;
}

/* A line end would end our header, a backslash that was not in quotes would escape ours. */
static bool can_be_given_back(const struct auth_param *p)
{
	for (size_t i = 0; i < p->value.n; i++) {
		bool control = p->value.p[i] < ' ' || p->value.p[i] == 0x7f;

		if (control || (!p->quoted && p->value.p[i] == '\\'))
			return false;
	}
	return true;
}

static enum err read_one(struct slice element, struct sip_challenge *c, struct slice *stale)
{
	struct auth_param p;

	if (!auth_param_read(element, &p))
		return ERR_MALFORMED;
	struct slice *field = field_of(c, stale, p.name);

	if (field == NULL)
		return OK;
	if (field->p != NULL || !can_be_given_back(&p))
		return ERR_MALFORMED;
	*field = p.value;
	return p.value.n > CHALLENGE_TEXT_MAX ? ERR_TOO_BIG : OK;
}

enum err challenge_read(struct slice value, struct sip_challenge *out)
{
	struct slice rest = value, element, stale = {NULL, 0};
	enum err err = auth_scheme(&rest);

	*out = (struct sip_challenge){.proxy = false};
	while (err == OK && list_next(&rest, &element))
		err = read_one(element, out, &stale);
	if (err != OK)
		return err;
	out->stale = slice_eq_nocase(stale, SLICE("true"));
	return out->realm.p != NULL && out->nonce.n > 0 ? OK : ERR_MALFORMED;
}

static bool offers(struct slice list, struct slice wanted)
{
	struct slice element;

	while (list_next(&list, &element))
		if (slice_eq_nocase(element, wanted))
			return true;
	return false;
}

/* What the credentials say of it; n == 0: neither of what was offered is known, or nothing was. */
static struct slice qop_of(const struct sip_challenge *c)
{
	if (offers(c->qop, SLICE("auth")))
		return SLICE("auth");
	return offers(c->qop, SLICE("auth-int")) ? SLICE("auth-int") : (struct slice){NULL, 0};
}

bool challenge_is_known(const struct sip_challenge *c)
{
	struct digest_form form;

	return digest_by_name(c->algorithm, &form) == OK && (c->qop.n == 0 || qop_of(c).n > 0);
}

bool challenge_same_realm(const struct sip_challenge *a, const struct sip_challenge *b)
{
	return a->proxy == b->proxy && slice_eq(a->realm, b->realm);
}

static bool is_wished(const struct sip_challenge *c, const struct challenge_wish *wish,
                      const struct sip_challenge *chosen, size_t n)
{
	bool first = true;

	for (size_t i = 0; i < n; i++) {
		if (challenge_same_realm(c, &chosen[i]))
			return false; /* the topmost is there already */
		first = first && chosen[i].proxy != c->proxy;
	}
	if (wish->any_realm)
		return true;
	return wish->realm.n > 0 ? slice_eq(c->realm, wish->realm) : first;
}

size_t challenge_choose(const struct sip_challenge *all, size_t n,
                        const struct challenge_wish *wish, struct sip_challenge *out, size_t max)
{
	size_t chosen = 0;

	for (size_t i = 0; i < n && chosen < max; i++)
		if (challenge_is_known(&all[i]) && is_wished(&all[i], wish, out, chosen))
			out[chosen++] = all[i];
	return chosen;
}

/* `name="value"`, its quotes and backslashes escaped where they are not yet. */
static void put_quoted(struct buf *to, const char *name, struct slice value, bool escaped)
{
	buf_str(to, name);
	buf_str(to, "=\"");
	for (size_t i = 0; i < value.n; i++) {
		if (!escaped && (value.p[i] == '"' || value.p[i] == '\\'))
			buf_byte(to, '\\');
		buf_byte(to, value.p[i]);
	}
	buf_byte(to, '"');
}

/* Eight digits, as a digest counts. */
static struct slice nc_text(uint32_t nc, uint8_t room[8])
{
	const uint8_t bytes[] = {(uint8_t)(nc >> 24), (uint8_t)(nc >> 16), (uint8_t)(nc >> 8),
	                         (uint8_t)nc};
	struct buf to = buf_on(room, 8);

	buf_hex(&to, (struct slice){bytes, sizeof bytes});
	return buf_slice(&to);
}

/* Quoted pairs undone: a realm is hashed as what it is, as a user name is. */
static struct slice bare(struct slice text, uint8_t room[CHALLENGE_TEXT_MAX])
{
	struct buf to = buf_on(room, CHALLENGE_TEXT_MAX);

	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] == '\\' && i + 1 < text.n)
			i++;
		buf_byte(&to, text.p[i]);
	}
	assert(!to.full);
	return buf_slice(&to);
}

static void respond(struct digester *d, const struct challenge_answer *a, struct digest_question *q,
                    char response[DIGEST_HEX_MAX + 1])
{
	uint8_t ha1[DIGEST_HASH_MAX], room[CHALLENGE_TEXT_MAX];

	digest_ha1(d, q->form.algorithm, a->user, bare(a->challenge->realm, room), a->password,
	           ha1);
	q->ha1 = (struct slice){ha1, digest_size(q->form.algorithm)};
	digest_response(d, q, response);
	q->ha1 = (struct slice){NULL, 0};
}

/* Only what was asked for is said: without qop the form of RFC 2069, but for what -sess needs. */
static void put_form(struct buf *to, const struct sip_challenge *c, const struct digest_question *q)
{
	if (c->algorithm.n > 0) {
		buf_str(to, ", algorithm=");
		buf_put(to, c->algorithm);
	}
	if (c->opaque.n > 0)
		put_quoted(to, ", opaque", c->opaque, true);
	if (q->qop.n > 0 || q->form.session)
		put_quoted(to, ", cnonce", q->cnonce, false);
	if (q->qop.n > 0) {
		buf_str(to, ", qop=");
		buf_put(to, q->qop);
		buf_str(to, ", nc=");
		buf_put(to, q->nc);
	}
}

void challenge_answer(struct digester *d, const struct challenge_answer *a, struct buf *to)
{
	const struct sip_challenge *c = a->challenge;
	uint8_t nc[8];
	char response[DIGEST_HEX_MAX + 1];
	struct digest_question q = {
		.method = a->method,
		.uri = a->uri,
		.nonce = c->nonce,
		.nc = nc_text(a->nc, nc),
		.cnonce = a->cnonce,
		.qop = qop_of(c),
		.body = a->body,
	};
	enum err err = digest_by_name(c->algorithm, &q.form);

	assert(err == OK);
	assert(c->realm.n <= CHALLENGE_TEXT_MAX);
	respond(d, a, &q, response);
	buf_str(to, c->proxy ? "Proxy-Authorization: Digest " : "Authorization: Digest ");
	put_quoted(to, "username", a->user, false);
	put_quoted(to, ", realm", c->realm, true);
	put_quoted(to, ", nonce", c->nonce, true);
	put_quoted(to, ", uri", a->uri, false);
	put_quoted(to, ", response", slice_str(response), true);
	put_form(to, c, &q);
	buf_str(to, "\r\n");
}
