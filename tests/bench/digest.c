#include "tests/bench/digest.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include <openssl/evp.h>

#include "proto/base/buf.h"

struct digest {
	EVP_MD *md;
	EVP_MD_CTX *ctx;
};

const char *algorithm_name(enum algorithm algorithm)
{
	return algorithm == ALGORITHM_MD5 ? "MD5" : "SHA-256";
}

struct digest *digest_open(enum algorithm algorithm)
{
	struct digest *d = calloc(1, sizeof *d);

	if (d == NULL)
		return NULL;
	d->md = EVP_MD_fetch(NULL, algorithm == ALGORITHM_MD5 ? "MD5" : "SHA256", NULL);
	d->ctx = EVP_MD_CTX_new();
	if (d->md == NULL || d->ctx == NULL)
		digest_close(&d);
	return d;
}

void digest_close(struct digest **digest)
{
	if (*digest == NULL)
		return;
	EVP_MD_CTX_free((*digest)->ctx);
	EVP_MD_free((*digest)->md);
	free(*digest);
	*digest = NULL;
}

/* The parts joined by colons, hashed, in hexadecimal. */
static void hash(struct digest *d, const struct slice *parts, size_t n, char hex[DIGEST_HEX_MAX])
{
	uint8_t raw[EVP_MAX_MD_SIZE];
	unsigned size = 0;
	struct buf out = buf_on((uint8_t *)hex, DIGEST_HEX_MAX);
	int good = EVP_DigestInit_ex2(d->ctx, d->md, NULL);

	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			good &= EVP_DigestUpdate(d->ctx, ":", 1);
		good &= EVP_DigestUpdate(d->ctx, parts[i].p, parts[i].n);
	}
	good &= EVP_DigestFinal_ex(d->ctx, raw, &size);
	assert(good == 1);
	buf_hex(&out, (struct slice){raw, size});
	buf_byte(&out, 0);
	assert(!out.full);
}

void digest_response(struct digest *digest, const struct digest_input *in,
                     char response[DIGEST_HEX_MAX])
{
	char ha1[DIGEST_HEX_MAX];
	char ha2[DIGEST_HEX_MAX];
	char nc[9];
	const struct slice who[] = {in->user, in->realm, in->password};
	const struct slice what[] = {in->method, in->uri};

	hash(digest, who, ARRAY_LEN(who), ha1);
	hash(digest, what, ARRAY_LEN(what), ha2);
	snprintf(nc, sizeof nc, "%08x", in->nc);

	const struct slice with_qop[] = {slice_str(ha1), in->nonce,     slice_str(nc),
	                                 in->cnonce,     SLICE("auth"), slice_str(ha2)};
	const struct slice without[] = {slice_str(ha1), in->nonce, slice_str(ha2)};

	if (in->qop)
		hash(digest, with_qop, ARRAY_LEN(with_qop), response);
	else
		hash(digest, without, ARRAY_LEN(without), response);
}
