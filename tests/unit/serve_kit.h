/* serve_kit.h - a registrar in a test: a working copy, a server, a clock, and requests as text. */
#ifndef TESTS_UNIT_SERVE_KIT_H
#define TESTS_UNIT_SERVE_KIT_H

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/core/serve.h"
#include "proto/sip/digest.h"
#include "tests/check.h"
#include "tests/heap.h"
#include "tests/unit/addr_of.h"
#include "tests/unit/other_reading.h"

enum {
	KIT_ARENA = 512 * 1024,
	KIT_TEXT = 65536,
};
#define KIT_HOUR_MS  INT64_C(3600000)
#define KIT_START_MS (INT64_C(1289690940) * 1000) /* Sat, 13 Nov 2010 23:29:00 GMT */

struct kit {
	struct copy *copy;
	struct server *server;
	struct digester *digester;
	struct reach *reach;
	struct arena arena;
	struct serve_input in;
	struct served out;
	struct aor_record record;
	uint64_t seq;
	char request[KIT_TEXT], reply[KIT_TEXT], summary[KIT_TEXT], line[1024];
	unsigned branch; /* of the next request */
};

#define KIT_DOMAIN(domain, most, offer, contacts, ...)                                      \
	{                                                                                   \
		.name = {SLICE_OF(domain)}, .default_expires_s = 3600, .min_expires_s = 60, \
		.max_expires_s = (most), .digest = (offer), .max_contacts = (contacts),     \
		__VA_ARGS__                                                                 \
	}
static const struct domain_policy kit_domains[] = {
	KIT_DOMAIN("open.example", 7200, OFFER_NOTHING, 4, .third_party = false),
	KIT_DOMAIN("wide.example", 3600, OFFER_NOTHING, 100, .third_party = false),
	KIT_DOMAIN("example.com", 3600, OFFER_ALL, 4, .third_party = false),
	KIT_DOMAIN("third.example", 3600, OFFER_ALL, 4, .third_party = true),
	KIT_DOMAIN("md5.example", 3600, OFFER_MD5, 4, .third_party = false),
	KIT_DOMAIN("sha256.example", 3600, OFFER_SHA256, 4, .third_party = false),
	KIT_DOMAIN("strict.example", 3600, OFFER_ALL, 4, .redirect = true, .auth_int = true,
                   .userhash = true),
	KIT_DOMAIN("rich.example", 3600, OFFER_NOTHING, 4, .redirect = true,
                   .service_route = {SLICE_OF("<sip:10.0.0.9;lr>")},
                   .numbers = {SLICE_OF("pbx1=+12145550100-+12145550199, pbx2=+4930123*")},
                   .push_services = {SLICE_OF("apns,fcm")}, .flow_timer_s = 120),
	{.name = {SLICE_OF("late.example")},
         .default_expires_s = 7200,
         .min_expires_s = 5000,
         .max_expires_s = 9000,
         .max_contacts = 4},
};

static inline void kit_put(struct kit *k, enum table table, struct slice key, struct slice value)
{
	copy_put(k->copy, table, key, value, ++k->seq, PAIRTIME_NEVER);
	k->in.last_seq = k->seq;
	k->in.released = k->seq;
}

static inline void kit_secret(struct kit *k, uint64_t id, uint8_t fill)
{
	uint8_t key[DIGEST_KEY_SIZE], bytes[128], name[8];
	struct buf value = buf_on(bytes, sizeof bytes), id_bytes = buf_on(name, sizeof name);

	memset(key, fill, sizeof key);
	const struct secret_record r = {.id = id, .key = {key, sizeof key}, .created = {1}};
	secret_encode(&r, &value);
	buf_uint(&id_bytes, id, 8);
	kit_put(k, TABLE_SECRET, buf_slice(&id_bytes), buf_slice(&value));
}

static inline void kit_subscriber(struct kit *k, const char *user, const char *realm, bool gone)
{
	uint8_t ha1[DIGEST_ALGORITHMS][DIGEST_HASH_MAX], bytes[512];
	char name[256];
	struct subscriber_record r = {
		.user = slice_str(user), .realm = slice_str(realm), .gone = gone};
	struct buf value = buf_on(bytes, sizeof bytes);

	for (int a = 0; a < DIGEST_ALGORITHMS; a++) {
		digest_ha1(k->digester, (enum digest_algorithm)a, r.user, r.realm, SLICE("secret"),
		           ha1[a]);
		r.ha1[a] = (struct slice){ha1[a], digest_size((enum digest_algorithm)a)};
	}
	subscriber_encode(&r, &value);
	assert_false(value.full);
	(void)snprintf(name, sizeof name, "%s@%s", user, realm);
	kit_put(k, TABLE_SUBSCRIBER, slice_str(name), buf_slice(&value));
}

static inline struct kit *kit_new(void)
{
	struct kit *k = calloc(1, sizeof *k);
	const struct server_options options = {
		.domains = kit_domains,
		.n_domains = ARRAY_LEN(kit_domains),
		.nonce_lifetime_ms = KIT_HOUR_MS,
		.alloc = heap,
	};

	assert_non_null(k);
	k->copy = copy_new(&options.alloc);
	k->server = server_new(&options);
	k->digester = digester_new();
	k->reach = reach_new(&options.alloc);
	k->in.reach = k->reach;
	k->arena = arena_on(malloc(KIT_ARENA), KIT_ARENA);
	k->in.flow = (struct flow){TRANSPORT_UDP, addr_of("10.0.0.10:5060"),
	                           addr_of("192.0.2.7:40000"), 0};
	k->in.pair.ms = KIT_START_MS;
	k->in.now.ms = 1000;
	k->in.epoch = 3;
	k->in.unit = UNIT_PRIMARY;
	return k;
}

static inline void kit_free(struct kit *k)
{
	server_free(&k->server);
	assert_null(k->server);
	copy_free(&k->copy);
	digester_close(&k->digester);
	reach_free(&k->reach);
	free(k->arena.p);
	free(k);
}

static inline void kit_pass(struct kit *k, int64_t ms)
{
	k->in.pair.ms += ms;
	k->in.now.ms += ms;
}

static inline void kit_change(struct kit *k)
{
	const struct served *o = &k->out;

	if (o->noted.key.n > 0)
		copy_put(k->copy, TABLE_AOR, o->noted.key, o->noted.value, ++k->seq,
		         o->noted.deadline);
	if (o->change && o->value.n == 0)
		copy_delete(k->copy, o->table, o->key);
	else if (o->change)
		copy_put(k->copy, o->table, o->key, o->value, k->seq + 1, o->deadline);
	k->seq += o->change;
	k->in.last_seq = k->in.released = k->seq;
}

/* Is the answer one that repeats nothing broken? The other reader's strings end at a NUL. */
static inline bool kit_is_readable(const struct kit *k)
{
	const char *status = k->reply + strlen("SIP/2.0 ");

	return k->reply[0] == 'S' && strlen(k->reply) == k->out.reply.n &&
	       strncmp(status, "400", 3) != 0 && strncmp(status, "505", 3) != 0 &&
	       strstr(k->reply, "%00") == NULL;
}

/* Serves bytes and applies the change, as the node does; the reply as text, "" if there is none. A
 * reader that is not ours must read the reply as ours does. */
static inline const char *kit_serve(struct kit *k, struct slice bytes)
{
	arena_reset(&k->arena);
	k->in.bytes = bytes;
	reach_open(k->reach, &k->in.flow);
	serve(k->server, k->copy, &k->in, &k->arena, &k->out);
	assert_true(k->out.reply.n < sizeof k->reply);
	if (k->out.reply.n > 0)
		memcpy(k->reply, k->out.reply.p, k->out.reply.n);
	k->reply[k->out.reply.n] = '\0';
	if (kit_is_readable(k))
		assert_read_alike(k->out.reply);
	kit_change(k);
	return k->reply;
}

/* The stored record of an AOR, which must be there; it lives until the next request. */
static inline const struct aor_record *kit_record(struct kit *k, const char *aor)
{
	const struct copy_item *item = copy_get(k->copy, TABLE_AOR, slice_str(aor));

	assert_non_null(item);
	assert_int_equal(aor_decode(item->value, &k->arena, &k->record), OK);
	return &k->record;
}

#endif
