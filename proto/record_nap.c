/* The record of a NAP. */
#include "proto/record_nap.h"

#include <assert.h>

#include "proto/pack.h"
#include "record.pb-c.h"

#define CSEQ_END (UINT32_C(1) << 31) /* RFC 3261 8.1.1.5 */

/* What protobuf-c packs from: messages that point into the record being encoded. */
struct nap_image {
	Rec__Nap m;
	Rec__NapChallenge challenges[NAP_CHALLENGES_MAX];
	Rec__NapChallenge *pointers[NAP_CHALLENGES_MAX];
	ProtobufCBinaryData routes[NAP_ROUTES_MAX];
	uint8_t target[ADDR_BYTES_MAX];
};

const char *nap_phase_name(enum nap_phase p)
{
	static const char *const names[] = {[NAP_IDLE] = "idle",
	                                    [NAP_REGISTERING] = "registering",
	                                    [NAP_REGISTERED] = "registered",
	                                    [NAP_WAITING] = "waiting",
	                                    [NAP_UNREGISTERING] = "unregistering"};

	return p >= NAP_IDLE && p <= NAP_UNREGISTERING ? names[p] : "?";
}

static bool time_sound(struct pairtime t)
{
	return t.ms >= 0 && t.ms < PAIRTIME_END_MS;
}

static bool times_sound(const struct nap_record *r)
{
	return time_sound(r->since) && time_sound(r->sent) && time_sound(r->until) &&
	       time_sound(r->due) && time_sound(r->available_since);
}

static bool texts_sound(const struct nap_record *r)
{
	const struct slice texts[] = {r->call_id,   r->from_tag, r->why,         r->aor,
	                              r->contact,   r->path,     r->last_reason, r->gruu_pub,
	                              r->gruu_temp, r->registrar};

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		if (texts[i].n > NAP_TEXT_MAX)
			return false;
	for (size_t i = 0; i < r->n_routes; i++)
		if (r->service_route[i].n > NAP_TEXT_MAX)
			return false;
	return true;
}

static bool challenge_sound(const struct nap_challenge *c)
{
	const struct slice texts[] = {c->asked.realm, c->asked.nonce, c->asked.opaque,
	                              c->asked.algorithm, c->asked.qop};

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		if (texts[i].n > CHALLENGE_TEXT_MAX)
			return false;
	return c->asked.nonce.n > 0 && c->cseq < CSEQ_END;
}

static bool challenges_sound(const struct nap_record *r)
{
	for (size_t i = 0; i < r->n_challenges; i++)
		if (!challenge_sound(&r->challenges[i]))
			return false;
	return true;
}

static bool nap_sound(const struct nap_record *r)
{
	bool known = r->phase >= NAP_IDLE && r->phase <= NAP_UNREGISTERING &&
	             r->transport <= TRANSPORT_WSS && unit_known(r->unit);
	bool named = r->call_id.n > 0 && r->from_tag.n > 0 && r->cseq > 0 && r->aor.n > 0 &&
	             r->contact.n > 0;

	return known && (named || r->phase == NAP_IDLE) && r->cseq < CSEQ_END && times_sound(r) &&
	       texts_sound(r) && challenges_sound(r);
}

static bool read_challenge(const Rec__NapChallenge *m, struct nap_challenge *out)
{
	*out = (struct nap_challenge){
		.asked = {.proxy = m->proxy,
	                  .realm = borrow(m->realm),
	                  .nonce = borrow(m->nonce),
	                  .opaque = borrow(m->opaque),
	                  .algorithm = borrow(m->algorithm),
	                  .qop = borrow(m->qop)},
		.nc = m->nc,
		.cseq = m->cseq,
		.cnonce = m->cnonce,
		.due = m->due,
		.unknown = borrow_unknown(&m->base),
	};
	return unknown_sound(&m->base);
}

static enum err read_lists(const Rec__Nap *m, struct nap_record *out)
{
	bool ok = addr_decode(borrow(m->target), &out->target);

	if (m->n_challenges > NAP_CHALLENGES_MAX || m->n_service_route > NAP_ROUTES_MAX)
		return ERR_TOO_BIG;
	out->n_challenges = m->n_challenges;
	for (size_t i = 0; i < m->n_challenges; i++)
		ok = read_challenge(m->challenges[i], &out->challenges[i]) && ok;
	out->n_routes = m->n_service_route;
	for (size_t i = 0; i < m->n_service_route; i++)
		out->service_route[i] = borrow(m->service_route[i]);
	return ok ? OK : ERR_MALFORMED;
}

static void read_fields(const Rec__Nap *m, struct nap_record *out)
{
	*out = (struct nap_record){
		.call_id = borrow(m->call_id),
		.from_tag = borrow(m->from_tag),
		.cseq = m->cseq,
		.phase = m->phase,
		.why = borrow(m->why),
		.since = {m->since_ms},
		.sent = {m->sent_ms},
		.until = {m->until_ms},
		.due = {m->due_ms},
		.granted_s = m->granted_s,
		.ask_s = m->ask_s,
		.attempts = m->attempts,
		.aor = borrow(m->aor),
		.contact = borrow(m->contact),
		.registrar = borrow(m->registrar),
		.instance = m->instance,
		.reg_id = m->reg_id,
		.transport = m->transport,
		.last_status = (uint16_t)m->last_status,
		.last_reason = borrow(m->last_reason),
		.path = borrow(m->path),
		.gruu_pub = borrow(m->gruu_pub),
		.gruu_temp = borrow(m->gruu_temp),
		.available = m->available,
		.available_since = {m->available_ms},
		.epoch = m->epoch,
		.unit = m->unit,
		.unknown = borrow_unknown(&m->base),
	};
}

enum err nap_decode(struct slice bytes, struct arena *arena, struct nap_record *out)
{
	if (bytes.n > RECORD_MAX)
		return ERR_TOO_BIG;

	const Rec__Nap *m = unpack(&rec__nap__descriptor, bytes, arena);

	if (m == NULL)
		return unpack_fault(arena);
	read_fields(m, out);
	enum err err = read_lists(m, out);
	if (err != OK)
		return err;
	return nap_sound(out) && m->last_status <= UINT16_MAX ? OK : ERR_MALFORMED;
}

static void write_challenge(const struct nap_challenge *c, Rec__NapChallenge *m)
{
	rec__nap_challenge__init(m);
	m->proxy = c->asked.proxy;
	m->realm = lend(c->asked.realm);
	m->nonce = lend(c->asked.nonce);
	m->opaque = lend(c->asked.opaque);
	m->algorithm = lend(c->asked.algorithm);
	m->qop = lend(c->asked.qop);
	m->nc = c->nc;
	m->cseq = c->cseq;
	m->cnonce = c->cnonce;
	m->due = c->due;
	lend_unknown(&m->base, &c->unknown);
}

static void write_lists(const struct nap_record *r, struct nap_image *to)
{
	Rec__Nap *m = &to->m;

	m->target = (ProtobufCBinaryData){addr_encode(&r->target, to->target), to->target};
	m->n_challenges = r->n_challenges;
	m->challenges = to->pointers;
	for (size_t i = 0; i < r->n_challenges; i++) {
		write_challenge(&r->challenges[i], &to->challenges[i]);
		to->pointers[i] = &to->challenges[i];
	}
	m->n_service_route = r->n_routes;
	m->service_route = to->routes;
	for (size_t i = 0; i < r->n_routes; i++)
		to->routes[i] = lend(r->service_route[i]);
}

static void write_fields(const struct nap_record *r, Rec__Nap *m)
{
	rec__nap__init(m);
	m->call_id = lend(r->call_id);
	m->from_tag = lend(r->from_tag);
	m->cseq = r->cseq;
	m->phase = r->phase;
	m->why = lend(r->why);
	m->since_ms = r->since.ms;
	m->sent_ms = r->sent.ms;
	m->until_ms = r->until.ms;
	m->due_ms = r->due.ms;
	m->granted_s = r->granted_s;
	m->ask_s = r->ask_s;
	m->attempts = r->attempts;
	m->aor = lend(r->aor);
	m->contact = lend(r->contact);
	m->registrar = lend(r->registrar);
	m->instance = r->instance;
	m->reg_id = r->reg_id;
	m->transport = r->transport;
	m->last_status = r->last_status;
	m->last_reason = lend(r->last_reason);
	m->path = lend(r->path);
	m->gruu_pub = lend(r->gruu_pub);
	m->gruu_temp = lend(r->gruu_temp);
	m->available = r->available;
	m->available_ms = r->available_since.ms;
	m->epoch = r->epoch;
	m->unit = r->unit;
	lend_unknown(&m->base, &r->unknown);
}

void nap_encode(const struct nap_record *r, struct buf *to)
{
	struct nap_image image;

	assert(r->n_challenges <= NAP_CHALLENGES_MAX && r->n_routes <= NAP_ROUTES_MAX);
	assert(nap_sound(r));
	write_fields(r, &image.m);
	write_lists(r, &image);
	pack(&image.m.base, RECORD_MAX, to);
}
