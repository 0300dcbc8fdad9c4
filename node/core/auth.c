#include "node/core/auth.h"

#include <assert.h>

enum {
	NONCE_TIME_SIZE = 12, /* hex digits */
	NONCE_HEAD_SIZE = NONCE_TIME_SIZE + 8,
	NONCE_HASH_BYTES = 12,
	NONCE_HASH_HEX = 2 * NONCE_HASH_BYTES,
	NONCE_WINDOW = 32, /* nonce-counts below the highest that are remembered */
};

static void keep_newest(struct secrets *s, uint64_t id, struct slice key)
{
	size_t at = 0;

	while (at < s->n && s->newest[at].id > id)
		at++;
	if (at == SECRETS_MAX)
		return;
	if (s->n < SECRETS_MAX)
		s->n++;
	memmove(&s->newest[at + 1], &s->newest[at], (s->n - at - 1) * sizeof s->newest[0]);
	s->newest[at] = (struct secret_key){.id = id};
	memcpy(s->newest[at].key, key.p, DIGEST_KEY_SIZE);
}

void secrets_follow(struct secrets *s, const struct copy *copy, struct arena *arena)
{
	uint64_t count = copy_count(copy, TABLE_SECRET), digest = copy_digest(copy, TABLE_SECRET);
	struct copy_cursor cursor = {0};
	const struct copy_item *item;
	struct secret_record r;

	if (s->n > 0 && s->count == count && s->digest == digest)
		return;
	*s = (struct secrets){.count = count, .digest = digest};
	while ((item = copy_walk(copy, TABLE_SECRET, &cursor)) != NULL) {
		if (secret_decode(item->value, arena, &r) != OK || r.key.n != DIGEST_KEY_SIZE)
			continue;
		keep_newest(s, r.id, r.key);
		s->seq = item->seq > s->seq ? item->seq : s->seq;
	}
}

static void hash_nonce(const struct auth_context *ctx, size_t secret, struct slice head,
                       char out[NONCE_HASH_HEX + 1])
{
	const struct slice parts[] = {SLICE("nonce:"), head, ctx->policy->name};
	struct slice key = {ctx->secrets->newest[secret].key, DIGEST_KEY_SIZE};
	uint8_t hash[DIGEST_HASH_MAX];

	digest_keyed(ctx->digester, key, parts, ARRAY_LEN(parts), hash);
	struct buf to = buf_on((uint8_t *)out, NONCE_HASH_HEX);
	buf_hex(&to, (struct slice){hash, NONCE_HASH_BYTES});
	out[to.n] = '\0';
}

void auth_make_nonce(const struct auth_context *ctx, char out[NONCE_SIZE + 1])
{
	uint8_t head[NONCE_HEAD_SIZE / 2];

	assert(ctx->secrets->n > 0);
	struct buf binary = buf_on(head, sizeof head);
	buf_uint(&binary, (uint64_t)ctx->now.ms, 6);
	buf_uint(&binary, ctx->chance, 4);
	struct buf text = buf_on((uint8_t *)out, NONCE_HEAD_SIZE);
	buf_hex(&text, buf_slice(&binary));
	assert(!text.full);
	hash_nonce(ctx, 0, buf_slice(&text), out + NONCE_HEAD_SIZE);
}

static bool read_time(struct slice nonce, struct pairtime *out)
{
	uint64_t ms = 0;

	if (nonce.n != NONCE_SIZE)
		return false;
	for (size_t i = 0; i < NONCE_TIME_SIZE; i++) {
		uint8_t c = nonce.p[i];
		bool is_digit = c >= '0' && c <= '9', is_letter = c >= 'a' && c <= 'f';

		if (!is_digit && !is_letter)
			return false;
		ms = ms << 4 | (uint64_t)(is_digit ? c - '0' : c - 'a' + 10);
	}
	out->ms = (int64_t)ms;
	return true;
}

static const struct nonce_use *find_nonce(const struct aor_record *record, struct slice nonce)
{
	for (size_t i = 0; i < record->n_nonces; i++)
		if (slice_eq(record->nonces[i].nonce, nonce))
			return &record->nonces[i];
	return NULL;
}

/* One of ours? A nonce that the record knows was checked when it was taken. */
static bool is_our_nonce(const struct auth_context *ctx, const struct auth_question *q,
                         struct pairtime *issued)
{
	struct slice nonce = q->given->nonce;
	char hash[NONCE_HASH_HEX + 1];

	if (!read_time(nonce, issued))
		return false;
	if (find_nonce(q->record, nonce) != NULL)
		return true;
	for (size_t i = 0; i < ctx->secrets->n; i++) {
		hash_nonce(ctx, i, slice_head(nonce, NONCE_HEAD_SIZE), hash);
		if (digest_same(slice_from(nonce, NONCE_HEAD_SIZE), hash))
			return true;
	}
	return false;
}

bool auth_offers(enum digest_offer offer, enum digest_algorithm a)
{
	return offer == OFFER_ALL || (offer == OFFER_SHA256 && a <= DIGEST_SHA256) ||
	       (offer == OFFER_MD5 && a == DIGEST_MD5);
}

bool auth_find(const struct sip_msg *m, const struct domain_policy *policy,
               struct sip_credentials *out, struct digest_form *form)
{
	for (const struct sip_header *h = sip_find(m, HEADER_AUTHORIZATION); h != NULL;
	     h = sip_find_next(m, h)) {
		if (credentials_read(h->value, out) != OK || !slice_eq(out->realm, policy->name))
			continue;
		if (digest_by_name(out->algorithm, form) == OK &&
		    auth_offers(policy->digest, form->algorithm))
			return true;
	}
	return false;
}

/* A quoted pair means its second character (RFC 3261 25.1). */
static struct slice unquoted(struct slice s, struct arena *arena)
{
	if (s.n == 0 || memchr(s.p, '\\', s.n) == NULL)
		return s;
	uint8_t *to = arena_take(arena, s.n);
	size_t n = 0;
	for (size_t i = 0; to != NULL && i < s.n; i++) {
		if (s.p[i] == '\\' && i + 1 < s.n)
			i++;
		to[n++] = s.p[i];
	}
	return (struct slice){to, n};
}

/* RFC 5987: UTF-8'language'text, the text escaped by %HH. */
static struct slice extended(struct slice s, struct arena *arena)
{
	const struct slice charset = SLICE("UTF-8'");
	const struct slice nobody = {NULL, 0};

	if (!slice_eq_nocase(slice_head(s, charset.n), charset))
		return nobody;
	struct slice rest = slice_from(s, charset.n);
	const uint8_t *quote = rest.n > 0 ? memchr(rest.p, '\'', rest.n) : NULL;
	if (quote == NULL)
		return nobody;
	return uri_unescaped(slice_from(rest, (size_t)(quote - rest.p) + 1), arena);
}

struct slice auth_user(const struct auth_context *ctx, const struct sip_credentials *given,
                       struct digest_form form, struct slice expected, struct arena *arena)
{
	const struct slice parts[] = {expected, SLICE(":"), ctx->policy->name};
	uint8_t hash[DIGEST_HASH_MAX];
	uint8_t hex[DIGEST_HEX_MAX];
	struct buf text = buf_on(hex, sizeof hex);

	if (given->username_ext.n > 0)
		return extended(given->username_ext, arena);
	if (!ctx->policy->userhash || !slice_eq_nocase(given->userhash, SLICE("true")))
		return unquoted(given->username, arena);
	digest_hash(ctx->digester, form.algorithm, parts, ARRAY_LEN(parts), hash);
	buf_hex(&text, (struct slice){hash, digest_size(form.algorithm)});
	return slice_eq(given->username, buf_slice(&text)) ? expected : (struct slice){NULL, 0};
}

/* The Request-URI as it was signed, or one that is equal to it; a proxy may have changed the rest. */
static bool signs_request(const struct auth_question *q)
{
	struct slice signed_uri = q->given->uri, request_uri = q->request->request_uri;
	struct sip_uri a, b;

	if (slice_eq(signed_uri, request_uri))
		return true;
	if (sip_uri_parse(signed_uri, &a) != OK || sip_uri_parse(request_uri, &b) != OK)
		return false;
	return sip_uri_eq(&a, &b) || (a.host.n > 0 && slice_eq_nocase(a.host, b.host));
}

static bool response_is_right(const struct auth_context *ctx, const struct auth_question *q)
{
	static const uint8_t nobody[DIGEST_HASH_MAX] = {0};
	enum digest_algorithm a = q->form.algorithm;
	size_t size = digest_size(a);
	bool known = q->who != NULL && !q->who->gone && q->who->ha1[a].n == size;
	const struct digest_question question = {
		.form = q->form,
		.ha1 = known ? q->who->ha1[a] : (struct slice){nobody, size},
		.method = q->request->method_name,
		.uri = q->given->uri,
		.nonce = q->given->nonce,
		.nc = q->given->nc_text,
		.cnonce = q->given->cnonce,
		.qop = q->given->qop,
		.body = q->request->body,
	};
	char expected[DIGEST_HEX_MAX + 1];

	digest_response(ctx->digester, &question, expected);
	return digest_same(q->given->response, expected) && known;
}

enum auth_result auth_check(const struct auth_context *ctx, const struct auth_question *q,
                            struct pairtime *issued)
{
	bool has_qop = slice_eq_nocase(q->given->qop, SLICE("auth")) ||
	               (ctx->policy->auth_int && slice_eq_nocase(q->given->qop, SLICE("auth-int")));

	if (!has_qop || q->given->nc == 0 || q->given->cnonce.n == 0) /* D4: never without */
		return AUTH_WRONG;
	if (!is_our_nonce(ctx, q, issued) || !response_is_right(ctx, q))
		return AUTH_WRONG;
	if (!signs_request(q))
		return AUTH_BAD_URI;
	bool ended = issued->ms + ctx->nonce_lifetime_ms <= ctx->now.ms;
	bool ahead = issued->ms > ctx->now.ms + NONCE_FUTURE_MS;
	return ended || ahead ? AUTH_STALE : AUTH_OK;
}

bool nonce_replayed(const struct aor_record *record, struct slice nonce, uint32_t nc)
{
	const struct nonce_use *use = find_nonce(record, nonce);

	if (use == NULL || nc > use->highest)
		return false;
	uint32_t below = use->highest - nc;
	if (below == 0 || below > NONCE_WINDOW)
		return true;
	return (use->window >> (below - 1) & 1) != 0;
}

static void note_count(struct nonce_use *use, uint32_t nc)
{
	if (nc < use->highest) {
		use->window |= UINT32_C(1) << (use->highest - nc - 1);
		return;
	}
	uint32_t above = nc - use->highest;
	uint32_t moved = above < NONCE_WINDOW ? use->window << above : 0;
	if (above <= NONCE_WINDOW)
		moved |= UINT32_C(1) << (above - 1);
	use->highest = nc;
	use->window = moved;
}

static void drop_nonce(struct aor_record *record, size_t at)
{
	assert(at < record->n_nonces);
	record->n_nonces--;
	memmove(&record->nonces[at], &record->nonces[at + 1],
	        (record->n_nonces - at) * sizeof record->nonces[0]);
}

static void drop_ended_nonces(const struct auth_context *ctx, struct aor_record *record)
{
	for (size_t i = record->n_nonces; i > 0; i--)
		if (record->nonces[i - 1].issued.ms + ctx->nonce_lifetime_ms <= ctx->now.ms)
			drop_nonce(record, i - 1);
}

static void drop_oldest_nonce(struct aor_record *record)
{
	size_t oldest = 0;

	for (size_t i = 1; i < record->n_nonces; i++)
		if (record->nonces[i].issued.ms < record->nonces[oldest].issued.ms)
			oldest = i;
	drop_nonce(record, oldest);
}

void nonce_take(const struct auth_context *ctx, struct aor_record *record, struct slice nonce,
                uint32_t nc, struct pairtime issued)
{
	assert(!nonce_replayed(record, nonce, nc));
	drop_ended_nonces(ctx, record);
	for (size_t i = 0; i < record->n_nonces; i++) {
		if (!slice_eq(record->nonces[i].nonce, nonce))
			continue;
		note_count(&record->nonces[i], nc);
		return;
	}
	if (record->n_nonces == AOR_NONCES_MAX)
		drop_oldest_nonce(record);
	record->nonces[record->n_nonces++] =
		(struct nonce_use){.nonce = nonce, .highest = nc, .issued = issued};
}
