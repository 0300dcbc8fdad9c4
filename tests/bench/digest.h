/* digest.h - the client's half of digest authentication (RFC 7616, RFC 8760): MD5 and SHA-256,
 * qop=auth, and the form without qop of RFC 2069. */
#ifndef TESTS_BENCH_DIGEST_H
#define TESTS_BENCH_DIGEST_H

#include "proto/base/defs.h"
#include "proto/base/slice.h"

enum algorithm { ALGORITHM_MD5, ALGORITHM_SHA256 };
enum { DIGEST_HEX_MAX = 65 }; /* SHA-256 in hexadecimal and a NUL */

struct digest; /* the algorithm, fetched once */

struct digest_input {
	struct slice user, realm, password, method, uri, nonce, cnonce;
	uint32_t nc;
	bool qop; /* the challenge offered qop=auth */
};

struct digest *digest_open(enum algorithm algorithm) MUST_CHECK; /* NULL: not to be had */
void digest_close(struct digest **digest);

void digest_response(struct digest *digest, const struct digest_input *in,
                     char response[DIGEST_HEX_MAX]);

const char *algorithm_name(enum algorithm algorithm); /* as a header has it */

#endif
