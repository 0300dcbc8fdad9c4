/* auth_kit.h - a client with a password for the registrar of serve_kit.h. */
#ifndef TESTS_UNIT_AUTH_KIT_H
#define TESTS_UNIT_AUTH_KIT_H

#include "node/core/auth.h"
#include "tests/unit/serve_ask.h"

#define A     "<sip:alice@192.0.2.7:5062>"
#define URI   "sip:example.com"
#define ALICE "sip:alice@example.com"
/* SHA-256 of alice:strict.example */
#define USERHASH                                                                          \
	"username=\"7b3ba3e1a1f25aa5dcbaa4021a6e5bacb4fa7648c6e2bb6df325a05a56ae2791\", " \
	"userhash=true"

/* What a client answers a challenge with; what is NULL or 0 gets the right value. */
struct client {
	const char *user, *password, *realm, *uri, *algorithm, *qop, *scheme, *response;
	const char
		*signed_user; /* what the hash is made over, where it is not the text of `user` */
	const char *named;    /* in the place of username="user" */
	const char *method;   /* REGISTER */
	unsigned nc;
};

static inline const char *or_else(const char *given, const char *usual)
{
	return given != NULL ? given : usual;
}

static inline struct digest_form form_of(const struct client *c)
{
	struct digest_form form;

	if (digest_by_name(slice_str(or_else(c->algorithm, "SHA-256")), &form) != OK)
		form = (struct digest_form){DIGEST_MD5, false};
	return form;
}

static inline void respond(struct kit *k, const struct client *c, const char *nonce, const char *nc,
                           char out[DIGEST_HEX_MAX + 1])
{
	const char *user = or_else(c->signed_user, or_else(c->user, "alice"));
	struct digest_form form = form_of(c);
	uint8_t ha1[DIGEST_HASH_MAX];

	digest_ha1(k->digester, form.algorithm, slice_str(user),
	           slice_str(or_else(c->realm, "example.com")),
	           slice_str(or_else(c->password, "secret")), ha1);
	const struct digest_question q = {
		.form = form,
		.ha1 = {ha1, digest_size(form.algorithm)},
		.method = slice_str(or_else(c->method, "REGISTER")),
		.uri = slice_str(or_else(c->uri, URI)),
		.nonce = slice_str(nonce),
		.nc = slice_str(nc),
		.cnonce = SLICE("cn"),
		.qop = slice_str(or_else(c->qop, "auth")),
	};
	digest_response(k->digester, &q, out);
}

/* The Authorization line; it lives until the next. */
static inline const char *authorization(struct kit *k, const struct client *c, const char *nonce)
{
	const char *algorithm = or_else(c->algorithm, "SHA-256"), *qop = or_else(c->qop, "auth");
	char nc[16], response[DIGEST_HEX_MAX + 1], with_algorithm[64] = "", with_qop[64] = "";
	char username[128];

	(void)snprintf(username, sizeof username, "username=\"%s\"", or_else(c->user, "alice"));
	(void)snprintf(nc, sizeof nc, "%08x", c->nc != 0 ? c->nc : 1);
	respond(k, c, nonce, nc, response);
	if (*algorithm != '\0')
		(void)snprintf(with_algorithm, sizeof with_algorithm, ", algorithm=%s", algorithm);
	if (*qop != '\0')
		(void)snprintf(with_qop, sizeof with_qop, ", qop=%s, nc=%s, cnonce=\"cn\"", qop,
		               nc);
	(void)snprintf(k->line, sizeof k->line,
	               "Authorization: %s %s, realm=\"%s\", nonce=\"%s\", uri=\"%s\", "
	               "response=\"%s\"%s%s\r\n",
	               or_else(c->scheme, "Digest"), or_else(c->named, username),
	               or_else(c->realm, "example.com"), nonce, or_else(c->uri, URI),
	               or_else(c->response, response), with_algorithm, with_qop);
	return k->line;
}

static inline struct kit *new_realm(void)
{
	struct kit *k = kit_new();

	kit_secret(k, 1, 0x11);
	kit_subscriber(k, "alice", "example.com", false);
	kit_subscriber(k, "bob", "example.com", false);
	kit_subscriber(k, "gone", "example.com", true);
	return k;
}

/* A challenge; its nonce into `nonce`. */
static inline void get_nonce(struct kit *k, char nonce[NONCE_SIZE + 1])
{
	assert_string_equal(kit_register(k, &(struct reg){.to = ALICE, .call_id = "knock"}), "401");
	const char *at = strstr(k->reply, "nonce=\"");
	assert_non_null(at);
	(void)snprintf(nonce, NONCE_SIZE + 1, "%s", at + strlen("nonce=\""));
}

static inline const char *try(struct kit *k, const struct client *c, const char *nonce)
{
	const struct reg r = {.to = ALICE,
	                      .cseq = 100 + k->branch,
	                      .contact = A,
	                      .more = authorization(k, c, nonce)};

	return kit_register(k, &r);
}

static inline bool says_stale(const struct kit *k)
{
	return strstr(k->reply, "stale=true") != NULL;
}

#endif
