#include "node/core/serve.h"

#include <assert.h>

#include "node/core/turn.h"
#include "node/core/watcher.h"
#include "proto/sip/stun.h"

enum {
	REPLY_ROOM = 65507,       /* what a UDP datagram over IPv4 carries */
	ARENA_LEAST = 256 * 1024, /* less is no arena to serve from */
};

struct server *server_new(const struct server_options *options)
{
	struct server *s = alloc_take(&options->alloc, sizeof *s);

	*s = (struct server){.options = *options};
	s->digester = digester_new();
	s->cache = reply_cache_new(&options->alloc);
	return s;
}

void server_free(struct server **server)
{
	struct server *s = *server;

	if (s == NULL)
		return;
	struct alloc alloc = s->options.alloc;
	reply_cache_free(&s->cache, &alloc);
	digester_close(&s->digester);
	alloc_give(&alloc, s);
	*server = NULL;
}

struct digester *server_digester(struct server *server)
{
	return server->digester;
}

/* How many domains there are: none is called so. */
static size_t domain_number(const struct server *s, struct slice host)
{
	size_t i = 0;

	while (i < s->options.n_domains && !slice_eq_nocase(s->options.domains[i].name, host))
		i++;
	return i;
}

/* The domain in the key of an AOR: "sip:user@host", and a port where it has one. */
static size_t domain_of_key(const void *context, enum table table, struct slice key)
{
	const struct server *s = context;
	size_t from = key.n, colon = key.n;

	if (table != TABLE_AOR)
		return s->options.n_domains;
	while (from > 0 && key.p[from - 1] != '@')
		from--;
	do
		colon--;
	while (colon > from && key.p[colon] >= '0' && key.p[colon] <= '9');
	size_t to = colon > from && key.p[colon] == ':' ? colon : key.n;
	return domain_number(s, (struct slice){key.p + from, to - from});
}

static uint64_t bindings_in(enum table table, struct slice value)
{
	return table == TABLE_AOR ? aor_bindings(value) : 0;
}

struct copy *server_copy(const struct server *s, const struct alloc *alloc)
{
	const struct copy_groups by_domain = {domain_of_key, bindings_in, s, s->options.n_domains};
	struct copy *copy = copy_new(alloc);

	copy_group(copy, &by_domain);
	return copy;
}

bool server_domain_view(const struct server *s, const struct copy *copy, size_t i,
                        struct domain_view *out)
{
	if (i >= s->options.n_domains)
		return false;
	*out = (struct domain_view){.name = s->options.domains[i].name,
	                            .users = copy_group_count(copy, i),
	                            .bindings = copy_group_weight(copy, i),
	                            .max_users = s->options.domains[i].max_users};
	return true;
}

uint32_t server_users_percent(const struct server *s, const struct copy *copy)
{
	uint64_t most = 0;

	for (size_t i = 0; i < s->options.n_domains; i++) {
		uint64_t limit = s->options.domains[i].max_users;
		uint64_t percent = limit > 0 ? copy_group_count(copy, i) * 100 / limit : 0;

		most = percent > most ? percent : most;
	}
	return (uint32_t)most;
}

bool turn_domain_is_full(const struct turn *t, const struct domain_policy *policy)
{
	size_t number = (size_t)(policy - t->server->options.domains);

	return policy->max_users > 0 && copy_group_count(t->copy, number) >= policy->max_users;
}

/* The same on both nodes of a pair, so that a retransmission after a failover gets the tag that the
 * first answer had (R41). */
static void make_to_tag(struct turn *t)
{
	static const struct secret_key none = {.id = 0};
	const struct secrets *secrets = &t->server->secrets;
	const struct secret_key *newest = secrets->n > 0 ? &secrets->newest[0] : &none;
	const struct slice parts[] = {SLICE("tag:"),  t->id.call_id, SLICE("\r\n"),
	                              t->id.from_tag, SLICE("\r\n"), t->id.branch};
	uint8_t hash[DIGEST_HASH_MAX];

	digest_keyed(t->server->digester, (struct slice){newest->key, DIGEST_KEY_SIZE}, parts,
	             ARRAY_LEN(parts), hash);
	struct buf to = buf_on((uint8_t *)t->to_tag, sizeof t->to_tag);
	buf_hex(&to, (struct slice){hash, TO_TAG_BYTES});
	t->answer.to_tag = buf_slice(&to);
}

/* RFC 3261 17.2.3; with Call-ID, From tag and Request-URI for the branches of RFC 2543, and the
 * source, so that nobody asks for another's answer. */
static bool make_key(struct turn *t)
{
	const struct sip_msg *m = t->request;
	const struct sip_header *cseq = sip_find(m, HEADER_CSEQ);
	struct slice number = cseq != NULL ? cseq->value : (struct slice){NULL, 0};
	const struct slice parts[] = {m->method_name, m->request_uri, t->id.branch,  t->id.sent_by,
	                              t->id.call_id,  number,         t->id.from_tag};
	size_t room = 64;

	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		room += parts[i].n + 1;
	uint8_t *memory = arena_take(t->arena, room);
	if (memory == NULL)
		return false;
	struct buf name = buf_on(memory, room);
	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		buf_put(&name, parts[i]);
		buf_byte(&name, '\n');
	}
	const struct addr *from = &t->in->flow.remote;
	buf_put(&name, (struct slice){from->ip, sizeof from->ip});
	buf_uint(&name, from->port, 2);
	buf_uint(&name, t->id.sent_by_port, 2);
	assert(!name.full);
	t->key = reply_key_of(buf_slice(&name));
	return true;
}

static bool repeat_kept(struct turn *t)
{
	struct kept_reply kept = reply_cache_find(t->server->cache, t->key, t->in->now);

	if (kept.bytes.n == 0)
		return false;
	t->out->outcome = SERVED_REPEATED;
	t->out->depends_on = kept.depends_on;
	if (kept.depends_on <= t->in->released)
		t->out->reply = arena_copy(t->arena, kept.bytes);
	return true;
}

void turn_depend_on(struct turn *t, const struct copy_item *item)
{
	uint64_t seq = item != NULL ? item->seq : t->in->last_seq;

	if (seq > t->out->depends_on)
		t->out->depends_on = seq;
}

const struct copy_item *turn_get(struct turn *t, enum table table, struct slice key)
{
	const struct copy_item *item = copy_get(t->copy, table, key);

	turn_depend_on(t, item);
	if (item == NULL || copy_sound(table, item))
		return item;
	t->out->damaged_table = table;
	t->out->damaged = item->key;
	return NULL;
}

void turn_finish(struct turn *t, enum serve_outcome outcome)
{
	t->out->outcome = outcome;
	t->out->reply = t->reply.full ? (struct slice){NULL, 0} : buf_slice(&t->reply);
}

void turn_keep(struct turn *t, uint64_t depends_on)
{
	const struct kept_reply kept = {t->out->reply, depends_on};

	if (t->cacheable && t->out->reply.n > 0)
		reply_cache_put(t->server->cache, t->key, kept, t->in->now);
}

void turn_respond_denied(struct turn *t, const struct denial *why)
{
	assert(why->status >= 400 && why->status < 600); /* R02 */
	answer_denial(&t->answer, why, NULL);
	turn_finish(t, why->outcome);
	if (why->status != 503)
		turn_keep(t, t->out->depends_on);
}

void turn_respond(struct turn *t, uint16_t status, enum serve_outcome outcome, const char *reason)
{
	struct denial why = deny(status, outcome, reason);

	turn_respond_denied(t, &why);
}

static bool is_local_host(const struct turn *t, struct slice host)
{
	struct addr a;

	return addr_parse(host, &a) && addr_same_ip(&a, &t->in->flow.local);
}

const struct domain_policy *turn_find_domain(const struct turn *t, struct sip_uri *uri)
{
	const struct server_options *o = &t->server->options;
	size_t number = domain_number(t->server, uri->host);

	if (number < o->n_domains)
		return &o->domains[number];
	if (!is_local_host(t, uri->host))
		return NULL;
	for (size_t i = 0; i < o->n_domains; i++) {
		if (o->domains[i].strict_users)
			continue;
		uri->host = o->domains[i].name;
		uri->port = 0;
		return &o->domains[i];
	}
	return NULL;
}

struct gruu_keys server_gruus(struct server *s, const struct copy *copy, struct arena *arena)
{
	secrets_follow(&s->secrets, copy, arena);
	return (struct gruu_keys){s->digester, &s->secrets};
}

struct gruu_keys turn_gruus(const struct turn *t)
{
	return (struct gruu_keys){t->server->digester, &t->server->secrets};
}

struct aor_record *turn_read_aor(struct turn *t, struct slice aor, const struct copy_item **item)
{
	struct aor_record *record = arena_take(t->arena, sizeof *record);

	*item = turn_get(t, TABLE_AOR, aor);
	if (record == NULL || t->out->damaged.n > 0)
		return NULL;
	if (*item != NULL)
		return aor_decode((*item)->value, t->arena, record) == OK ? record : NULL;
	record->n_bindings = 0;
	record->n_tombstones = record->gave_way = 0;
	record->n_nonces = 0;
	record->floor = (struct floor){.set = false};
	record->unknown = (struct unknown_fields){0, NULL};
	return record;
}

const struct subscriber_record *turn_find_subscriber(struct turn *t, struct slice user,
                                                     struct slice realm)
{
	uint8_t text[RECORD_KEY_MAX];
	struct buf key = buf_on(text, sizeof text);
	struct subscriber_record *who = arena_take(t->arena, sizeof *who);

	buf_put(&key, user);
	buf_byte(&key, '@');
	buf_put(&key, realm);
	if (key.full || who == NULL)
		return NULL;
	const struct copy_item *item = turn_get(t, TABLE_SUBSCRIBER, buf_slice(&key));
	if (item == NULL || subscriber_decode(item->value, t->arena, who) != OK || who->gone)
		return NULL;
	return who;
}

struct denial turn_check_request_uri(const struct turn *t, struct sip_uri *uri)
{
	if (sip_uri_parse(t->request->request_uri, uri) != OK)
		return deny(400, SERVED_BAD, "Bad Request-URI");
	if (uri->scheme != URI_SIP && uri->scheme != URI_SIPS)
		return deny(416, SERVED_BAD, NULL);
	if (domain_number(t->server, uri->host) == t->server->options.n_domains &&
	    !is_local_host(t, uri->host))
		return deny(404, SERVED_NOT_FOUND, "Domain Not Served Here");
	return granted();
}

static void serve_options(struct turn *t)
{
	struct sip_uri uri;
	struct denial why = turn_check_request_uri(t, &uri);

	if (why.status == 0 && uri.user.n > 0) { /* a user's device is asked, not the registrar */
		serve_locate(t);
		return;
	}
	if (why.status == 0)
		why = require_check(t->request, HEADER_REQUIRE, t->arena);
	if (why.status != 0) {
		turn_respond_denied(t, &why);
		return;
	}
	answer_options(&t->answer);
	turn_finish(t, SERVED_OPTIONS);
}

static void serve_method(struct turn *t)
{
	const char *reason = NULL;
	uint16_t status = sip_check(t->request, &reason);

	if (status != 0) {
		t->cacheable = false; /* two broken ones need not be the same */
		turn_respond(t, status, SERVED_BAD, reason);
	} else if (t->request->method == SIP_REGISTER)
		serve_register(t);
	else if (t->request->method == SIP_SUBSCRIBE)
		serve_subscribe(t);
	else if (t->request->method == SIP_OPTIONS)
		serve_options(t);
	else if (t->request->method == SIP_CANCEL) /* R47: a REGISTER is answered at once */
		turn_respond(t, 481, SERVED_REFUSED, NULL);
	else
		serve_locate(t);
}

/* Something that wants an answer, and can be given one? */
static bool is_to_be_answered(const struct sip_msg *m)
{
	return m->is_request && m->method != SIP_ACK && sip_find(m, HEADER_VIA) != NULL;
}

static bool begin(struct turn *t)
{
	uint8_t *reply = arena_take(t->arena, REPLY_ROOM);

	t->request = arena_take(t->arena, sizeof *t->request);
	if (reply == NULL || t->request == NULL)
		return false;
	if (sip_parse(t->in->bytes, t->request) != OK || !is_to_be_answered(t->request))
		return false;
	t->reply = buf_on(reply, REPLY_ROOM);
	t->answer = (struct answer){&t->reply, t->request, &t->in->flow, {NULL, 0}};
	t->cacheable = t->in->flow.transport == TRANSPORT_UDP;
	t->out->target = reply_target(t->request, &t->in->flow);
	transaction_read(t->request, &t->id);
	return !t->cacheable || make_key(t);
}

/* RFC 5626 8: it depends on nothing that is stored. */
static void answer_keep_alive(const struct serve_input *in, struct arena *arena, struct served *out)
{
	uint8_t *memory = arena_take(arena, STUN_ANSWER_MAX);

	assert(memory != NULL);
	struct buf to = buf_on(memory, STUN_ANSWER_MAX);
	stun_answer(in->bytes, &in->flow.remote, &to);
	out->outcome = SERVED_KEEP_ALIVE;
	out->target = in->flow.remote;
	out->reply = buf_slice(&to);
}

void serve(struct server *s, const struct copy *copy, const struct serve_input *in,
           struct arena *arena, struct served *out)
{
	struct turn t = {.server = s, .copy = copy, .in = in, .arena = arena, .out = out};

	assert(arena->room >= ARENA_LEAST);
	*out = (struct served){
		.outcome = SERVED_NOTHING, .table = TABLE_AOR, .deadline = PAIRTIME_NEVER};
	if (in->flow.transport == TRANSPORT_UDP && stun_is_request(in->bytes)) {
		answer_keep_alive(in, arena, out);
		return;
	}
	if (!begin(&t) || (t.cacheable && repeat_kept(&t)))
		return;
	secrets_follow(&s->secrets, copy, arena);
	out->depends_on = s->secrets.seq; /* what is made with one is known to the standby, too */
	make_to_tag(&t);
	serve_method(&t);
	assert(!out->change || out->reply.n > 0);
}
