/* sip_stand.h - the node of fuzz_node.c in the beginning, and what must be true in the end. */
#ifndef TESTS_FUZZ_SIP_STAND_H
#define TESTS_FUZZ_SIP_STAND_H

#include "tests/fuzz/sip_step.h"

static const struct domain_policy desk_domains[] = {
	{.name = {SLICE_OF("example.com")},
         .default_expires_s = 3600,
         .min_expires_s = 60,
         .max_expires_s = 7200,
         .grace_s = 30,
         .max_users = 4,
         .max_contacts = 4,
         .extra_contact = EXTRA_REPLACES_OLDEST,
         .service_route = {SLICE_OF("<sip:10.0.0.9;lr>")},
         .push_services = {SLICE_OF("apns,fcm")},
         .numbers = {SLICE_OF("a=1*,b=+10-+20")},
         .flow_timer_s = 120,
         .keep_alive = KEEP_ALIVE_OPTIONS,
         .keep_alive_ms = 20000,
         .keep_alive_remove = true,
         .jitter = JITTER_ALWAYS,
         .redirect = true},
	{.name = {SLICE_OF("example.net")},
         .default_expires_s = 3600,
         .min_expires_s = 60,
         .max_expires_s = 7200,
         .max_contacts = 4,
         .digest = OFFER_ALL,
         .auth_int = true,
         .userhash = true,
         .third_party = true,
         .strict_users = true,
         .keep_alive = KEEP_ALIVE_CRLF,
         .keep_alive_ms = 30000,
         .redirect = true},
};

static inline struct digester *desk_digester(void)
{
	static struct digester *d;

	if (d == NULL)
		d = digester_new();
	return d;
}

static inline void desk_put_alice(struct desk *d)
{
	uint8_t ha1[DIGEST_ALGORITHMS][DIGEST_HASH_MAX];
	struct node_command c = {
		.kind = COMMAND_SUBSCRIBER_PUT, .key = SLICE("alice@example.net"), .replace = true};

	c.subscriber =
		(struct subscriber_record){.user = SLICE("alice"), .realm = SLICE("example.net")};
	for (int i = 0; i < DIGEST_ALGORITHMS; i++) {
		enum digest_algorithm a = (enum digest_algorithm)i;
		digest_ha1(desk_digester(), a, c.subscriber.user, c.subscriber.realm,
		           SLICE("secret"), ha1[a]);
		c.subscriber.ha1[a] = (struct slice){ha1[a], digest_size(a)};
	}
	desk_command(d, &c);
}

static inline struct desk *desk_new(struct slice in)
{
	struct desk *d = heap_take(NULL, sizeof *d);
	const struct alloc alloc = {kept_take, kept_give, &d->memory};
	const struct node_options options = {
		.role = {.standalone = true, .advert_ms = 100, .peer_timeout_ms = 200},
		.server = {desk_domains, ARRAY_LEN(desk_domains), INT64_C(300000), alloc},
		.unit = UNIT_STANDALONE,
		.node_id = 1,
		.secret_id = 1,
		.secret = {1},
		.longest_expires_ms = INT64_C(7200000),
		.default_expires_ms = INT64_C(3600000),
		.window_bytes = 256 << 10,
		.held_bytes = 192 << 10,
		.expiry_rate = 1000,
		.alloc = alloc,
	};
	const struct node_loaded empty = {.wall_ms = 1700000000000, .wall_synchronised = true};
	struct node_input loaded = {.event = NODE_LOADED, .loaded = empty};

	*d = (struct desk){.now = {1000000}, .in = {.rest = in}};
	d->scratch = arena_on(kept_take(&d->memory, SCRATCH), SCRATCH);
	d->model = copy_new(&alloc);
	d->node = node_new(&options, d->now);
	desk_feed(d, &loaded);
	desk_durable(d, d->seq);
	assert(node_serves(d->node));
	desk_put_alice(d);
	desk_durable(d, d->seq);
	return d;
}

static inline void desk_free(struct desk *d)
{
	node_free(&d->node);
	copy_free(&d->model);
	kept_give(&d->memory, d->scratch.p);
	assert(d->memory == 0);
	free(d);
}

/* Whatever was sent: it serves, every command was answered, and what nobody refreshes ends. */
static inline void desk_end(struct desk *d)
{
	enum { DAY_MS = 24 * 3600 * 1000, DAYS = 3 };
	static const char options[] =
		"OPTIONS sip:example.com SIP/2.0\r\nVia: SIP/2.0/UDP "
		"10.0.0.99;branch=z9hG4bKend\r\n"
		"From: <sip:end@example.com>;tag=end\r\nTo: <sip:example.com>\r\nCall-ID: end\r\n"
		"CSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n";
	const struct flow flow = {TRANSPORT_UDP,
	                          {ADDR_IPV4, 5060, {10, 0, 0, 10}},
	                          {ADDR_IPV4, 5060, {10, 0, 0, 99}},
	                          0};
	struct node_input room = {.event = NODE_ROOM, .on = true};

	desk_feed(d, &room);
	desk_hear(d, slice_str(options), &flow);
	desk_durable(d, d->seq);
	assert(d->asked[d->n_asked - 1].answered);
	assert(d->answers == d->commands);
	check_copy(d);
	for (int i = 0; i < DAYS; i++) {
		desk_pass(d, DAY_MS);
		desk_durable(d, d->seq);
	}
	assert(copy_count(node_copy(d->node), TABLE_WATCHER) == 0);
	assert(copy_count(node_copy(d->node), TABLE_AOR) == 0);
	check_copy(d);
}

#endif
