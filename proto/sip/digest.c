#include "proto/sip/digest.h"

#include <assert.h>
#include <stdlib.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

enum { HMAC_BLOCK = 64 }; /* bytes of a SHA-256 block: RFC 2104 pads the key to it */

static const struct {
	const char *name;    /* RFC 7616, 8760 */
	const char *fetched; /* OpenSSL's */
	size_t size;
} algorithms[DIGEST_ALGORITHMS] = {
	[DIGEST_MD5] = {"MD5", "MD5", 16},
	[DIGEST_SHA256] = {"SHA-256", "SHA2-256", 32},
	[DIGEST_SHA512_256] = {"SHA-512-256", "SHA2-512/256", 32},
};

/* A context per algorithm: OpenSSL makes its state anew whenever a context changes algorithms. */
struct digester {
	EVP_MD *md[DIGEST_ALGORITHMS];
	EVP_MD_CTX *ctx[DIGEST_ALGORITHMS];
};

/* With the algorithms fetched only a lack of memory makes a digest fail: the process ends. */
static void must(bool worked)
{
	if (!worked)
		abort();
}

struct digester *digester_new(void)
{
	struct digester *d = OPENSSL_zalloc(sizeof *d);

	must(d != NULL);
	for (size_t i = 0; i < DIGEST_ALGORITHMS; i++) {
		d->md[i] = EVP_MD_fetch(NULL, algorithms[i].fetched, NULL);
		d->ctx[i] = EVP_MD_CTX_new();
		must(d->md[i] != NULL && d->ctx[i] != NULL);
		must(EVP_MD_get_size(d->md[i]) == (int)algorithms[i].size);
	}
	return d;
}

void digester_close(struct digester **d)
{
	if (*d == NULL)
		return;
	for (size_t i = 0; i < DIGEST_ALGORITHMS; i++) {
		EVP_MD_CTX_free((*d)->ctx[i]);
		EVP_MD_free((*d)->md[i]);
	}
	OPENSSL_free(*d);
	*d = NULL;
}

const char *digest_name(enum digest_algorithm a)
{
	assert(a < DIGEST_ALGORITHMS);
	return algorithms[a].name;
}

enum err digest_by_name(struct slice text, struct digest_form *out)
{
	const struct slice session = SLICE("-sess");
	size_t head = text.n > session.n ? text.n - session.n : text.n;

	*out = (struct digest_form){.session = slice_eq_nocase(slice_from(text, head), session)};
	if (text.n == 0)
		return OK;
	struct slice name = out->session ? slice_head(text, head) : text;
	for (size_t i = 0; i < DIGEST_ALGORITHMS; i++) {
		if (slice_eq_nocase(name, slice_str(algorithms[i].name))) {
			out->algorithm = (enum digest_algorithm)i;
			return OK;
		}
	}
	return ERR_UNSUPPORTED;
}

size_t digest_size(enum digest_algorithm a)
{
	assert(a < DIGEST_ALGORITHMS);
	return algorithms[a].size;
}

static void add(EVP_MD_CTX *ctx, const struct slice *parts, size_t n_parts)
{
	for (size_t i = 0; i < n_parts; i++)
		must(EVP_DigestUpdate(ctx, parts[i].p, parts[i].n) == 1);
}

void digest_hash(struct digester *d, enum digest_algorithm a, const struct slice *parts,
                 size_t n_parts, uint8_t out[DIGEST_HASH_MAX])
{
	assert(a < DIGEST_ALGORITHMS);
	must(EVP_DigestInit_ex2(d->ctx[a], d->md[a], NULL) == 1);
	add(d->ctx[a], parts, n_parts);
	must(EVP_DigestFinal_ex(d->ctx[a], out, NULL) == 1);
}

/* NOLINTNEXTLINE(readability-function-size): the three texts of one hash, each with its name */
void digest_ha1(struct digester *d, enum digest_algorithm a, struct slice user, struct slice realm,
                struct slice password, uint8_t out[DIGEST_HASH_MAX])
{
	const struct slice parts[] = {user, SLICE(":"), realm, SLICE(":"), password};

	digest_hash(d, a, parts, ARRAY_LEN(parts), out);
}

static struct slice hex_of(struct slice hash, uint8_t to[DIGEST_HEX_MAX])
{
	struct buf b = buf_on(to, DIGEST_HEX_MAX);

	buf_hex(&b, hash);
	return buf_slice(&b);
}

static struct slice hash_hex(struct digester *d, enum digest_algorithm a, const struct slice *parts,
                             size_t n_parts, uint8_t to[DIGEST_HEX_MAX])
{
	uint8_t hash[DIGEST_HASH_MAX];

	digest_hash(d, a, parts, n_parts, hash);
	return hex_of((struct slice){hash, digest_size(a)}, to);
}

/* RFC 7616 3.4.2 */
static struct slice ha1_of(struct digester *d, const struct digest_question *q,
                           uint8_t to[DIGEST_HEX_MAX])
{
	uint8_t room[DIGEST_HEX_MAX];
	const struct slice colon = SLICE(":");
	struct slice ha1 = hex_of(q->ha1, q->form.session ? room : to);
	const struct slice a1[] = {ha1, colon, q->nonce, colon, q->cnonce};

	return q->form.session ? hash_hex(d, q->form.algorithm, a1, ARRAY_LEN(a1), to) : ha1;
}

/* RFC 7616 3.4.3 */
static struct slice ha2_of(struct digester *d, const struct digest_question *q,
                           uint8_t to[DIGEST_HEX_MAX])
{
	uint8_t room[DIGEST_HEX_MAX];
	const struct slice colon = SLICE(":");
	bool covers_body = slice_eq_nocase(q->qop, SLICE("auth-int"));
	struct slice body = covers_body ? hash_hex(d, q->form.algorithm, &q->body, 1, room)
	                                : q->body;
	const struct slice a2[] = {q->method, colon, q->uri, colon, body};

	return hash_hex(d, q->form.algorithm, a2, covers_body ? ARRAY_LEN(a2) : 3, to);
}

void digest_response(struct digester *d, const struct digest_question *q,
                     char out[DIGEST_HEX_MAX + 1])
{
	const struct slice colon = SLICE(":");
	uint8_t ha1_room[DIGEST_HEX_MAX];
	uint8_t ha2_room[DIGEST_HEX_MAX];
	struct slice answer;

	assert(q->ha1.n == digest_size(q->form.algorithm));
	struct slice ha1 = ha1_of(d, q, ha1_room);
	struct slice ha2 = ha2_of(d, q, ha2_room);

	if (q->qop.n > 0) {
		const struct slice parts[] = {ha1,       colon, q->nonce, colon, q->nc, colon,
		                              q->cnonce, colon, q->qop,   colon, ha2};

		answer = hash_hex(d, q->form.algorithm, parts, ARRAY_LEN(parts), (uint8_t *)out);
	} else {
		const struct slice parts[] = {ha1, colon, q->nonce, colon, ha2};

		answer = hash_hex(d, q->form.algorithm, parts, ARRAY_LEN(parts), (uint8_t *)out);
	}
	out[answer.n] = '\0';
}

bool digest_same(struct slice given, const char *expected)
{
	size_t n = strlen(expected);

	return given.n == n && (n == 0 || CRYPTO_memcmp(given.p, expected, n) == 0);
}

/* A hash that has taken the key's block, every byte turned by `pad`. Doing this anew costs less than
 * copying a keyed context, which allocates. */
static EVP_MD_CTX *begin_keyed(struct digester *d, const uint8_t key[HMAC_BLOCK], uint8_t pad)
{
	EVP_MD_CTX *ctx = d->ctx[DIGEST_SHA256];
	uint8_t block[HMAC_BLOCK];

	for (size_t i = 0; i < HMAC_BLOCK; i++)
		block[i] = key[i] ^ pad;
	must(EVP_DigestInit_ex2(ctx, d->md[DIGEST_SHA256], NULL) == 1);
	must(EVP_DigestUpdate(ctx, block, sizeof block) == 1);
	OPENSSL_cleanse(block, sizeof block);
	return ctx;
}

void digest_keyed(struct digester *d, struct slice key, const struct slice *parts, size_t n_parts,
                  uint8_t out[DIGEST_HASH_MAX])
{
	uint8_t block[HMAC_BLOCK] = {0};
	uint8_t inner[DIGEST_HASH_MAX];

	if (key.n > HMAC_BLOCK)
		digest_hash(d, DIGEST_SHA256, &key, 1, block);
	else if (key.n > 0)
		memcpy(block, key.p, key.n);

	EVP_MD_CTX *ctx = begin_keyed(d, block, 0x36);

	add(ctx, parts, n_parts);
	must(EVP_DigestFinal_ex(ctx, inner, NULL) == 1);
	ctx = begin_keyed(d, block, 0x5c);
	must(EVP_DigestUpdate(ctx, inner, sizeof inner) == 1);
	must(EVP_DigestFinal_ex(ctx, out, NULL) == 1);
	OPENSSL_cleanse(block, sizeof block);
}
