/* digest.h - HTTP digest as SIP uses it (RFC 7616, 8760, 2617), and keyed hashes. The one pure file
 * that calls OpenSSL, for its digests alone.
 *
 * A struct digester keeps what is dear to make (fetched algorithms, contexts); one per node. */
#ifndef PROTO_SIP_DIGEST_H
#define PROTO_SIP_DIGEST_H

#include "proto/base/buf.h"
#include "proto/base/defs.h"
#include "proto/base/err.h"
#include "proto/base/slice.h"

enum {
	DIGEST_HASH_MAX = 32, /* bytes of the longest hash used (SHA-256, SHA-512-256) */
	DIGEST_HEX_MAX = 64,
	DIGEST_KEY_SIZE = 32, /* bytes of a key for keyed hashes */
};

enum digest_algorithm { DIGEST_MD5, DIGEST_SHA256, DIGEST_SHA512_256, DIGEST_ALGORITHMS };

struct digester;
struct digester *digester_new(void); /* ends the process if OpenSSL has not these algorithms */
void digester_close(struct digester **d);

/* "MD5", "SHA-256", "SHA-512-256" */
const char *digest_name(enum digest_algorithm a);
/* What `algorithm` in credentials names, in any case: "SHA-256", "MD5-sess" ... An empty text is MD5 (D3);
 * others are ERR_UNSUPPORTED. */
struct digest_form {
	enum digest_algorithm algorithm;
	bool session; /* -sess: HA1 is hashed once more, with nonce and cnonce */
};
enum err digest_by_name(struct slice text, struct digest_form *out) MUST_CHECK;
size_t digest_size(enum digest_algorithm a); /* 16 or 32 bytes */

/* H(parts one after the other), binary, digest_size(a) bytes. */
void digest_hash(struct digester *d, enum digest_algorithm a, const struct slice *parts,
                 size_t n_parts, uint8_t out[DIGEST_HASH_MAX]);

/* HA1 = H(user:realm:password), binary. */
void digest_ha1(struct digester *d, enum digest_algorithm a, struct slice user, struct slice realm,
                struct slice password, uint8_t out[DIGEST_HASH_MAX]);

struct digest_question {
	struct digest_form form;
	struct slice ha1; /* binary, digest_size */
	struct slice method, uri, nonce;
	struct slice nc, cnonce; /* with qop only */
	struct slice qop;        /* empty: the form without qop (RFC 2069); "auth", "auth-int" */
	struct slice body;       /* with auth-int */
};
/* The response a client must give, lower-case hex, 2 * digest_size characters. */
void digest_response(struct digester *d, const struct digest_question *q,
                     char out[DIGEST_HEX_MAX + 1]);

/* Constant-time; false for other lengths. Upper-case hex is refused: the RFC says lower-case (D14). */
bool digest_same(struct slice given, const char *expected);

/* HMAC-SHA-256(key, parts), 32 bytes. */
void digest_keyed(struct digester *d, struct slice key, const struct slice *parts, size_t n_parts,
                  uint8_t out[DIGEST_HASH_MAX]);

#endif
