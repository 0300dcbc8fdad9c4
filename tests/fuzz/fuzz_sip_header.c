/* fuzz_sip_header.c - any value of any header: no crash, and no slice leaves the value. The first byte
 * chooses the reader. What makes an AOR's key: reads again, and makes the same key. */
#include <assert.h>

#include "proto/sip/challenge.h"
#include "proto/sip/header.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void inside(struct slice whole, struct slice part)
{
	if (part.p == NULL) {
		assert(part.n == 0);
		return;
	}
	uintptr_t begin = (uintptr_t)whole.p;
	uintptr_t at = (uintptr_t)part.p;

	assert(at >= begin && at - begin <= whole.n && part.n <= whole.n - (at - begin));
}

static void try_params(struct slice value)
{
	struct slice rest = value;
	struct sip_param p;

	while (rest.n > 0) {
		size_t before = rest.n;

		if (!param_next(&rest, &p))
			break;
		assert(rest.n < before);
		inside(value, rest);
		inside(value, p.name);
		inside(value, p.value);
	}
}

static void try_list(struct slice value)
{
	struct slice rest = value;
	struct slice element;

	while (list_next(&rest, &element)) {
		assert(element.n > 0);
		inside(value, rest);
		inside(value, element);
		try_params(element);
	}
	assert(rest.n == 0);
}

static void try_via(struct slice value)
{
	struct slice rest = value;
	struct sip_via via;

	while (via_next(&rest, &via) == OK) {
		assert(via.transport.n > 0 && via.host.n > 0);
		inside(value, rest);
		inside(value, via.transport);
		inside(value, via.host);
		inside(value, via.params);
		inside(value, via.branch);
		try_params(via.params);
	}
}

static void try_key(const struct sip_uri *u)
{
	uint8_t once[SIP_AOR_MAX];
	uint8_t again[SIP_AOR_MAX];
	struct buf first = buf_on(once, sizeof once);
	struct buf second = buf_on(again, sizeof again);
	struct sip_uri v;

	if (sip_aor(u, &first) != OK)
		return;
	enum err err = sip_uri_parse(buf_slice(&first), &v);

	assert(err == OK && v.scheme == u->scheme && v.port == u->port);
	err = sip_aor(&v, &second);
	assert(err == OK && slice_eq(buf_slice(&first), buf_slice(&second)));
}

static void try_uri(struct slice value)
{
	struct sip_uri u;

	if (sip_uri_parse(value, &u) != OK)
		return;
	inside(value, u.user);
	inside(value, u.password);
	inside(value, u.host);
	inside(value, u.params);
	inside(value, u.headers);
	assert(sip_uri_eq(&u, &u));
	try_key(&u);
}

/* Two URIs with a space between them: being equal knows no order. */
static void try_equality(struct slice value)
{
	const uint8_t *space = value.n > 0 ? memchr(value.p, ' ', value.n) : NULL;
	struct sip_uri a;
	struct sip_uri b;

	if (space == NULL)
		return;
	size_t n = (size_t)(space - value.p);
	bool read = sip_uri_parse(slice_head(value, n), &a) == OK &&
	            sip_uri_parse(slice_from(value, n + 1), &b) == OK;

	assert(!read || sip_uri_eq(&a, &b) == sip_uri_eq(&b, &a));
}

static void try_contact(struct slice value)
{
	struct sip_contact c;

	if (contact_read(value, &c) != OK || c.star)
		return;
	assert(c.q_milli <= 1000 && c.expires_s <= INT32_MAX && c.reg_id <= INT32_MAX);
	assert(c.addr.uri.n > 0);
	inside(value, c.addr.display);
	inside(value, c.addr.uri);
	inside(value, c.addr.params);
	inside(value, c.instance);
	try_uri(c.addr.uri);
}

static void try_credentials(struct slice value)
{
	struct sip_credentials c;

	if (credentials_read(value, &c) != OK)
		return;
	const struct slice all[] = {c.username,  c.realm,  c.nonce,  c.uri, c.response,
	                            c.algorithm, c.cnonce, c.opaque, c.qop, c.nc_text};

	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		inside(value, all[i]);
	assert(c.nc == 0 || c.nc_text.n == 8);
}

/* What is known can be answered, and says what was asked. */
static void try_challenge(struct slice value)
{
	static struct digester *digester; /* what OpenSSL keeps is made once */
	uint8_t text[8 * CHALLENGE_TEXT_MAX];
	struct buf to = buf_on(text, sizeof text);
	struct sip_challenge c;
	struct sip_credentials said;

	if (challenge_read(value, &c) != OK || !challenge_is_known(&c))
		return;
	inside(value, c.opaque);
	if (digester == NULL)
		digester = digester_new();
	challenge_answer(digester,
	                 &(struct challenge_answer){.challenge = &c,
	                                            .user = SLICE("b\"ob"),
	                                            .method = SLICE("REGISTER"),
	                                            .uri = SLICE("sip:h"),
	                                            .nc = 7,
	                                            .cnonce = SLICE("c")},
	                 &to);
	struct slice line = slice_from(buf_slice(&to), sizeof "Authorization:");
	enum err err = credentials_read(slice_head(line, line.n - 2), &said);

	assert(err == OK && !to.full);
	assert(slice_eq(said.realm, c.realm) && slice_eq(said.nonce, c.nonce));
	assert(slice_eq(said.opaque, c.opaque) && slice_eq(said.algorithm, c.algorithm));
	assert(said.nc == (said.qop.n > 0 ? 7 : 0));
}

/* Both have one shape. */
static void try_digest(struct slice value)
{
	try_credentials(value);
	try_challenge(value);
}

static void try_numbers(struct slice value)
{
	struct sip_cseq cseq;
	uint32_t n = 0;

	assert(expires_read(value) <= INT32_MAX);
	if (cseq_read(value, &cseq) == OK) {
		assert(cseq.number <= INT32_MAX && cseq.method.n > 0);
		inside(value, cseq.method);
		assert(number_read(value, &n) == ERR_MALFORMED);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const readers[])(struct slice value) = {
		try_list, try_params,   try_via,    try_contact,
		try_uri,  try_equality, try_digest, try_numbers,
	};

	if (size > 0)
		readers[data[0] % ARRAY_LEN(readers)]((struct slice){data + 1, size - 1});
	return 0;
}
