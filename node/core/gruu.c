#include "node/core/gruu.h"

#include <assert.h>

enum {
	TAG_BYTES = 12, /* of the seal; it is also what the key stream begins with */
	TIME_BYTES = 6,
	HASH_BYTES = 8,
	HEAD_BYTES = TIME_BYTES + 2 * HASH_BYTES,
	SEALED_MAX = TAG_BYTES + HEAD_BYTES + SIP_AOR_MAX,
	LETTERS_MAX = (SEALED_MAX * 4 + 2) / 3,
	PIECES_MAX = 4, /* of what a PBX made of a cookie */
};

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* base64url (RFC 4648 section 5) without padding: all of it may stand in a user part. */
static void put_letters(struct buf *to, struct slice bytes)
{
	uint32_t held = 0;
	unsigned bits = 0;

	for (size_t i = 0; i < bytes.n; i++) {
		held = held << 8 | bytes.p[i];
		for (bits += 8; bits >= 6; bits -= 6)
			buf_byte(to, (uint8_t)alphabet[held >> (bits - 6) & 63]);
	}
	if (bits > 0)
		buf_byte(to, (uint8_t)alphabet[held << (6 - bits) & 63]);
}

static bool read_letters(struct slice text, struct buf *to)
{
	uint32_t held = 0;
	unsigned bits = 0;

	for (size_t i = 0; i < text.n; i++) {
		const char *at = text.p[i] == 0 ? NULL : strchr(alphabet, text.p[i]);
		if (at == NULL)
			return false;
		held = held << 6 | (uint32_t)(at - alphabet);
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			buf_byte(to, (uint8_t)(held >> bits));
		}
	}
	return !to->full;
}

static void keyed(const struct gruu_keys *keys, size_t secret, const char *use, struct slice about,
                  uint8_t out[DIGEST_HASH_MAX])
{
	const struct slice parts[] = {slice_str(use), about};

	digest_keyed(keys->digester,
	             (struct slice){keys->secrets->newest[secret].key, DIGEST_KEY_SIZE}, parts,
	             ARRAY_LEN(parts), out);
}

/* What a hash of one text is, the same under any secret: it only ever stands inside a seal. */
static void short_hash(const struct gruu_keys *keys, struct slice text, uint8_t out[HASH_BYTES])
{
	uint8_t hash[DIGEST_HASH_MAX];

	digest_hash(keys->digester, DIGEST_SHA256, &text, 1, hash);
	memcpy(out, hash, HASH_BYTES);
}

/* Turns plain into sealed and back: a stream of keyed hashes over the tag and a count. */
static void stream(const struct gruu_keys *keys, size_t secret, struct slice tag, uint8_t *p,
                   size_t n)
{
	uint8_t about[TAG_BYTES + 1];
	uint8_t block[DIGEST_HASH_MAX];

	assert(tag.n == TAG_BYTES);
	memcpy(about, tag.p, TAG_BYTES);
	about[TAG_BYTES] = 0;
	for (size_t i = 0; i < n; i++) {
		if (i % DIGEST_HASH_MAX == 0) {
			keyed(keys, secret, "gruu-stream:", (struct slice){about, sizeof about},
			      block);
			about[TAG_BYTES]++;
		}
		p[i] ^= block[i % DIGEST_HASH_MAX];
	}
}

/* "sip:user@host" without its scheme and host, and these. */
struct aor_parts {
	struct slice scheme, user, host;
};

static struct aor_parts split(struct slice aor)
{
	struct sip_uri u;
	enum err err = sip_uri_parse(aor, &u);

	assert(err == OK && u.user.p != NULL); /* it was made by sip_aor */
	(void)err;
	size_t user = (size_t)(u.user.p - aor.p);
	return (struct aor_parts){slice_head(aor, user), u.user,
	                          slice_from(aor, user + u.user.n + 1)};
}

bool gruu_is_bulk(const struct binding *b)
{
	struct sip_uri uri;
	struct slice none;

	return sip_uri_parse(b->uri, &uri) == OK && sip_uri_param(&uri, "bnc", &none);
}

static void put_whose(struct buf *to, struct slice aor, const struct binding *b)
{
	struct aor_parts parts = split(aor);

	if (!gruu_is_bulk(b)) {
		buf_put(to, aor);
		return;
	}
	buf_put(to, parts.scheme);
	buf_put(to, parts.host);
	buf_str(to, ";bnc");
}

void gruu_put_public(struct buf *to, struct slice aor, const struct binding *b)
{
	struct slice in = b->instance;

	if (in.n == 0)
		return;
	if (in.n >= 2 && in.p[0] == '<' && in.p[in.n - 1] == '>')
		in = (struct slice){in.p + 1, in.n - 2};
	put_whose(to, aor, b);
	buf_str(to, ";gr=");
	uri_put_escaped(to, in, "[]/:&+$"); /* RFC 3261 25.1: param-unreserved */
}

static void put_sealed(const struct gruu_keys *keys, struct buf *to, struct slice user,
                       const struct binding *b)
{
	uint8_t room[SEALED_MAX];
	uint8_t hash[DIGEST_HASH_MAX];
	struct buf plain = buf_on(room + TAG_BYTES, sizeof room - TAG_BYTES);

	assert(keys->secrets->n > 0);
	int64_t made = b->stamped.ms > b->called.ms ? b->stamped.ms : b->called.ms;
	buf_uint(&plain, (uint64_t)made, TIME_BYTES);
	short_hash(keys, b->instance, hash);
	buf_put(&plain, (struct slice){hash, HASH_BYTES});
	short_hash(keys, b->call_id, hash);
	buf_put(&plain, (struct slice){hash, HASH_BYTES});
	buf_put(&plain, user);
	assert(!plain.full);
	keyed(keys, 0, "gruu-tag:", buf_slice(&plain), hash);
	memcpy(room, hash, TAG_BYTES);
	stream(keys, 0, (struct slice){room, TAG_BYTES}, plain.p, plain.n);
	put_letters(to, (struct slice){room, TAG_BYTES + plain.n});
}

void gruu_put_temporary(const struct gruu_keys *keys, struct buf *to, struct slice aor,
                        const struct binding *b)
{
	struct aor_parts parts = split(aor);

	if (b->instance.n == 0 || gruu_is_bulk(b))
		return;
	buf_put(to, parts.scheme);
	put_sealed(keys, to, parts.user, b);
	buf_byte(to, '@');
	buf_put(to, parts.host);
	buf_str(to, ";gr");
}

void gruu_put_cookie(const struct gruu_keys *keys, struct buf *to, struct slice aor,
                     const struct binding *b)
{
	if (b->instance.n > 0 && gruu_is_bulk(b))
		put_sealed(keys, to, split(aor).user, b);
}

/* Under the secret that made it; the tag tells. */
static bool open_seal(const struct gruu_keys *keys, struct slice sealed, uint8_t *plain)
{
	struct slice tag = slice_head(sealed, TAG_BYTES), rest = slice_from(sealed, TAG_BYTES);
	uint8_t hash[DIGEST_HASH_MAX];

	for (size_t i = 0; i < keys->secrets->n; i++) {
		memcpy(plain, rest.p, rest.n);
		stream(keys, i, tag, plain, rest.n);
		keyed(keys, i, "gruu-tag:", (struct slice){plain, rest.n}, hash);
		if (memcmp(hash, tag.p, TAG_BYTES) == 0)
			return true;
	}
	return false;
}

/* The URI with another user, as the key of an AOR. */
static enum err key_of(const struct sip_uri *uri, struct slice user, struct arena *arena,
                       struct slice *key)
{
	struct sip_uri named = *uri;
	uint8_t *memory = arena_take(arena, SIP_AOR_MAX);

	if (memory == NULL)
		return ERR_TOO_BIG;
	struct buf to = buf_on(memory, SIP_AOR_MAX);
	named.user = user;
	enum err err = sip_aor(&named, &to);
	*key = buf_slice(&to);
	return err == OK && to.full ? ERR_TOO_BIG : err;
}

/* What is sealed in the letters; 0: nothing of ours. */
static size_t open_letters(const struct gruu_keys *keys, struct slice letters, uint8_t *plain)
{
	uint8_t sealed[SEALED_MAX];
	struct buf bytes = buf_on(sealed, sizeof sealed);

	if (letters.n > LETTERS_MAX || !read_letters(letters, &bytes) ||
	    bytes.n <= TAG_BYTES + HEAD_BYTES || !open_seal(keys, buf_slice(&bytes), plain))
		return 0;
	return bytes.n - TAG_BYTES;
}

/* The next run of our letters that is long enough to be a cookie. */
static bool next_piece(struct slice *rest, struct slice *piece)
{
	const size_t least = (TAG_BYTES + HEAD_BYTES + 1) * 4 / 3;

	for (*piece = slice_head(*rest, 0); rest->n > 0 && piece->n < least;
	     *rest = slice_from(*rest, piece->n + 1)) {
		*piece = slice_head(*rest, 0);
		while (piece->n < rest->n && rest->p[piece->n] != 0 &&
		       strchr(alphabet, rest->p[piece->n]) != NULL)
			piece->n++;
	}
	return piece->n >= least;
}

/* What a PBX made has its cookie in it, between signs that are no letters of ours. */
static size_t open_pieces(const struct gruu_keys *keys, struct slice user, uint8_t *plain)
{
	struct slice piece;
	size_t n = 0;

	for (int i = 0; n == 0 && i < PIECES_MAX && next_piece(&user, &piece); i++)
		n = open_letters(keys, piece, plain);
	return n;
}

static enum err read_temporary(const struct gruu_keys *keys, const struct sip_uri *uri,
                               struct arena *arena, struct gruu *out)
{
	uint8_t *plain = arena_take(arena, SEALED_MAX);
	size_t n = plain == NULL ? 0 : open_letters(keys, uri->user, plain);

	out->kind = GRUU_UNKNOWN;
	out->of_pbx = n == 0;
	if (n == 0 && plain != NULL)
		n = open_pieces(keys, uri->user, plain);
	if (n == 0)
		return OK;
	out->kind = GRUU_TEMPORARY;
	for (int i = 0; i < TIME_BYTES; i++)
		out->sealed.made.ms = out->sealed.made.ms << 8 | plain[i];
	memcpy(out->sealed.instance, plain + TIME_BYTES, HASH_BYTES);
	memcpy(out->sealed.call_id, plain + TIME_BYTES + HASH_BYTES, HASH_BYTES);
	return key_of(uri, (struct slice){plain + HEAD_BYTES, n - HEAD_BYTES}, arena, &out->aor);
}

static enum err read_public(const struct sip_uri *uri, struct slice gr, struct arena *arena,
                            struct gruu *out)
{
	struct slice bare = uri_unescaped(gr, arena);
	uint8_t *memory = arena_take(arena, bare.n + 2);

	if (memory == NULL)
		return ERR_TOO_BIG;
	struct buf to = buf_on(memory, bare.n + 2);
	buf_byte(&to, '<');
	buf_put(&to, bare);
	buf_byte(&to, '>');
	out->kind = GRUU_PUBLIC;
	out->instance = buf_slice(&to);
	return key_of(uri, uri->user, arena, &out->aor);
}

enum err gruu_read(const struct gruu_keys *keys, const struct sip_uri *uri, struct arena *arena,
                   struct gruu *out)
{
	struct slice gr;

	*out = (struct gruu){.kind = GRUU_NONE};
	if (uri->scheme != URI_SIP && uri->scheme != URI_SIPS)
		return ERR_UNSUPPORTED;
	if (!sip_uri_param(uri, "gr", &gr))
		return OK;
	return gr.n == 0 ? read_temporary(keys, uri, arena, out) : read_public(uri, gr, arena, out);
}

/* +sip.instance may stand without its < >, though it should not. */
static bool same_instance(struct slice bracketed, struct slice instance)
{
	struct slice bare = {bracketed.p + 1, bracketed.n - 2};

	return slice_eq_nocase(bracketed, instance) || slice_eq_nocase(bare, instance);
}

bool gruu_means(const struct gruu_keys *keys, const struct gruu *g, const struct binding *b)
{
	uint8_t hash[HASH_BYTES];

	if (b->instance.n == 0)
		return false;
	if (g->kind == GRUU_PUBLIC)
		return same_instance(g->instance, b->instance);
	if (g->kind != GRUU_TEMPORARY || g->sealed.made.ms < b->called.ms)
		return false;
	short_hash(keys, b->instance, hash);
	if (memcmp(hash, g->sealed.instance, HASH_BYTES) != 0)
		return false;
	short_hash(keys, b->call_id, hash);
	return memcmp(hash, g->sealed.call_id, HASH_BYTES) == 0;
}
