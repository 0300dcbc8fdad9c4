/* fuzz_serve.c - bytes in, one decision out: what is answered is a SIP response, what is changed can be
 * read. The server is kept between runs, for it is dear to make; over a stream it keeps no answers,
 * so that a run depends on its bytes alone. */
#include <assert.h>
#include <stdlib.h>

#include "node/core/serve.h"
#include "proto/sip/message.h"
#include "tests/heap.h"

enum { ARENA = 512 * 1024, MESSAGES = 16 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct domain_policy domains[] = {
	{.name = {SLICE_OF("example.com")},
         .default_expires_s = 3600,
         .min_expires_s = 60,
         .max_expires_s = 7200,
         .max_contacts = 4,
         .service_route = {SLICE_OF("<sip:10.0.0.9;lr>")},
         .push_services = {SLICE_OF("apns,fcm")},
         .flow_timer_s = 120,
         .numbers = {SLICE_OF("a=1*,b=+10-+20")}},
	{.name = {SLICE_OF("example.net")},
         .default_expires_s = 3600,
         .min_expires_s = 60,
         .max_expires_s = 7200,
         .digest = OFFER_ALL,
         .third_party = true,
         .max_contacts = 4,
         .auth_int = true,
         .userhash = true},
};

static void add_secret(struct copy *c)
{
	static const uint8_t id[8] = {[7] = 1}, key[32] = {1};
	uint8_t bytes[128];
	struct buf value = buf_on(bytes, sizeof bytes);
	const struct secret_record r = {.id = 1, .key = {key, sizeof key}, .created = {1}};

	secret_encode(&r, &value);
	copy_put(c, TABLE_SECRET, (struct slice){id, sizeof id}, buf_slice(&value), 1,
	         PAIRTIME_NEVER);
}

static void check_reply(struct slice reply)
{
	static struct sip_msg m;

	if (reply.n == 0)
		return;
	assert(sip_parse(reply, &m) == OK);
	assert(!m.is_request);
	assert(m.status >= 200 && m.status < 600);
}

static void check_notify(struct slice bytes)
{
	static struct sip_msg m;
	const char *why;

	if (bytes.n == 0)
		return;
	assert(sip_parse(bytes, &m) == OK);
	assert(m.is_request && m.method == SIP_NOTIFY && !m.short_body);
	assert(sip_check(&m, &why) == 0);
}

static void check_change(const struct served *out, struct arena *arena)
{
	static struct aor_record r;
	uint8_t *bytes = arena_take(arena, out->value.n);
	struct buf again = buf_on(bytes, out->value.n);

	assert(bytes != NULL && out->reply.n > 0);
	assert(out->key.n > 0 && out->key.n <= RECORD_KEY_MAX);
	if (out->table == TABLE_WATCHER) {
		static struct watchers_record w;
		if (out->value.n == 0)
			return;
		assert(watchers_decode(out->value, arena, &w) == OK);
		watchers_encode(&w, arena, &again);
	} else {
		assert(aor_decode(out->value, arena, &r) == OK);
		aor_encode(&r, arena, &again);
	}
	assert(slice_eq(buf_slice(&again), out->value));
}

/* What is changed is there for the next message. */
static void serve_one(struct server *server, struct copy *copy, struct serve_input *in)
{
	static uint8_t memory[ARENA], more[ARENA];
	struct arena arena = arena_on(memory, ARENA), scratch = arena_on(more, ARENA);
	struct served out;

	serve(server, copy, in, &arena, &out);
	check_reply(out.reply);
	check_notify(out.notify.bytes);
	if (!out.change)
		return;
	check_change(&out, &scratch);
	++in->last_seq;
	if (out.value.n == 0)
		copy_delete(copy, out.table, out.key);
	else
		copy_put(copy, out.table, out.key, out.value, in->last_seq, out.deadline);
}

/* One message after the other, NUL NUL between them, into the same small working copy. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct server_options options = {domains, 2, INT64_C(3600000), heap};
	static struct server *server;
	struct copy *copy = copy_new(&options.alloc);
	struct slice rest = {data, size};
	struct serve_input in = {
		.flow = {TRANSPORT_TCP,
	                 {ADDR_IPV4, 5060, {10}},
	                 {ADDR_IPV4, 5062, {10, 0, 0, 2}},
	                 1},
		.pair = {INT64_C(1700000000000)},
		.epoch = 1,
		.unit = UNIT_PRIMARY,
		.last_seq = 1,
		.released = UINT64_MAX,
	};

	if (server == NULL)
		server = server_new(&options);
	add_secret(copy);
	for (int i = 0; i < MESSAGES && rest.n > 0; i++) {
		const uint8_t *end = memmem(rest.p, rest.n, "\0\0", 2);

		in.bytes = slice_head(rest, end != NULL ? (size_t)(end - rest.p) : rest.n);
		rest = slice_from(rest, in.bytes.n + 2);
		serve_one(server, copy, &in);
		in.pair.ms += 1000;
	}
	copy_free(&copy);
	return 0;
}
