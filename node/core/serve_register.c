#include <assert.h>

#include "node/core/register_extend.h"
#include "node/core/registrar.h"
#include "node/core/registration.h"

void registration_challenge(struct turn *t, const struct registration *r, bool stale)
{
	struct denial why = deny(401, SERVED_CHALLENGED, NULL);
	char nonce[NONCE_SIZE + 1];

	why.stale = stale;
	auth_make_nonce(&r->auth, nonce);
	const struct challenge c = {.policy = r->policy,
	                            .nonce = {(const uint8_t *)nonce, NONCE_SIZE}};
	answer_denial(&t->answer, &why, &c);
	turn_finish(t, SERVED_CHALLENGED);
}

/* May this user register this AOR (R10-R12)? Only who has shown a password learns who exists. */
static struct denial check_allowed(struct turn *t, const struct registration *r, struct slice user)
{
	if (slice_eq(user, r->request->user))
		return granted();
	if (turn_find_subscriber(t, r->request->user, r->policy->name) == NULL)
		return t->out->damaged.n > 0 ? deny(503, SERVED_OVERLOAD, NULL)
		                             : deny(404, SERVED_NOT_FOUND, NULL);
	return r->policy->third_party ? granted() : deny(403, SERVED_FORBIDDEN, NULL);
}

bool registration_authenticate(struct turn *t, struct registration *r)
{
	struct slice user = auth_user(&r->auth, &r->given, r->form, r->request->user, t->arena);
	const struct auth_question question = {
		.request = t->request,
		.given = &r->given,
		.form = r->form,
		.who = turn_find_subscriber(t, user, r->policy->name),
		.record = r->record,
	};
	struct denial why = t->out->damaged.n > 0 ? deny(503, SERVED_OVERLOAD, NULL) : granted();

	if (why.status != 0) {
		turn_respond_denied(t, &why);
		return false;
	}
	switch (auth_check(&r->auth, &question, &r->issued)) {
	case AUTH_OK:
		why = check_allowed(t, r, user);
		break;
	case AUTH_BAD_URI:
		why = deny(400, SERVED_BAD, "Credentials For Another Request-URI");
		break;
	case AUTH_WRONG:
		registration_challenge(t, r, false);
		return false;
	case AUTH_STALE:
		registration_challenge(t, r, true);
		return false;
	}
	if (why.status != 0)
		turn_respond_denied(t, &why);
	return why.status == 0;
}

/* False: the list is too long to send, which is answered 500. */
static bool respond_bindings(struct turn *t, const struct registration *r,
                             enum serve_outcome outcome)
{
	const struct listing listing = {r->request, r->record, r->policy, turn_gruus(t),
	                                t->in->pair};

	answer_bindings(&t->answer, &listing);
	turn_finish(t, outcome);
	if (t->out->reply.n > 0)
		return true;
	t->reply = buf_on(t->reply.p, t->reply.room);
	turn_respond(t, 500, SERVED_OVERLOAD, NULL);
	return false;
}

static void repeat(struct turn *t, const struct registration *r)
{
	assert(r->item != NULL);
	t->out->outcome = SERVED_REPEATED;
	if (r->item->seq <= t->in->released)
		(void)respond_bindings(t, r, SERVED_REPEATED); /* it has answered, so or so */
}

/* Tombstones make room before a request is refused for them, unless nothing else is in it. */
static bool encode_record(struct turn *t, struct aor_record *record, struct nonce_note *out)
{
	uint8_t *memory = arena_take(t->arena, RECORD_MAX);
	bool fits = false;

	while (memory != NULL && !fits) {
		struct buf to = buf_on(memory, RECORD_MAX);

		aor_encode(record, t->arena, &to);
		out->value = buf_slice(&to);
		fits = !to.full;
		if (!fits && record->n_tombstones == 0)
			return false;
		if (!fits)
			aor_drop_oldest_tombstone(record);
	}
	out->deadline = aor_record_deadline(record, t->server->options.nonce_lifetime_ms);
	return fits && out->deadline.ms != INT64_MAX;
}

bool registration_note_nonce(struct turn *t, const struct registration *r)
{
	struct nonce_note noted = {.key = r->request->aor};

	if (r->policy->digest == OFFER_NOTHING)
		return true;
	nonce_take(&r->auth, r->record, r->given.nonce, r->given.nc, r->issued);
	if (!encode_record(t, r->record, &noted) || noted.value.n + t->out->value.n > RECORD_MAX)
		return false;
	t->out->noted = noted;
	t->out->gave_way = r->record->gave_way;
	return true;
}

static void change_record(struct turn *t, const struct registration *r,
                          const struct reg_decision *decision)
{
	if (r->policy->digest)
		nonce_take(&r->auth, r->record, r->given.nonce, r->given.nc, r->issued);
	struct nonce_note changed;
	if (!encode_record(t, r->record, &changed)) {
		turn_respond(t, 413, SERVED_BAD, "Registration Too Large");
		return;
	}
	t->out->value = changed.value;
	t->out->deadline = changed.deadline;
	if (!respond_bindings(t, r, decision->outcome))
		return;
	t->out->change = true;
	t->out->key = r->request->aor;
	t->out->gave_way = r->record->gave_way;
}

/* Those that came over together must not come again together. */
static bool jitters(const struct turn *t, const struct domain_policy *policy)
{
	int64_t over_ms = t->in->took_over.ms + policy->default_expires_s * INT64_C(1000);

	return policy->jitter == JITTER_ALWAYS ||
	       (policy->jitter == JITTER_AFTER_TAKEOVER && t->in->took_over.ms != 0 &&
	        t->in->pair.ms < over_ms);
}

static void decide(struct turn *t, const struct registration *r)
{
	const struct reg_context context = {
		.policy = r->policy,
		.flow = &t->in->flow,
		.reach = t->in->reach,
		.stamp = {t->in->pair, t->in->epoch, t->in->unit},
		.jitter = jitters(t, r->policy) ? t->in->random : 0,
	};
	const struct extension_check extensions = {r->policy, turn_gruus(t), t->arena};
	struct denial why = extensions_check(&extensions, r->request);
	if (why.status != 0) {
		turn_respond_denied(t, &why);
		return;
	}
	struct reg_decision decision = reg_decide(&context, r->request, r->record);

	if (decision.denial.status != 0)
		turn_respond_denied(t, &decision.denial);
	else if (decision.changed && r->item == NULL && turn_domain_is_full(t, r->policy))
		turn_respond(t, 503, SERVED_FULL, NULL);
	else if (decision.changed)
		change_record(t, r, &decision);
	else
		(void)respond_bindings(t, r, decision.outcome); /* it has answered, so or so */
}

/* With the record at hand: who asks, whether it was asked before, then the decision. */
static void register_on_record(struct turn *t, struct registration *r)
{
	r->record = turn_read_aor(t, r->request->aor, &r->item);
	if (r->record == NULL) {
		turn_respond(t, t->out->damaged.n > 0 ? 503 : 500, SERVED_OVERLOAD, NULL);
		return;
	}
	if (r->policy->digest && !registration_authenticate(t, r))
		return;
	if (reg_repeated(r->record, r->request)) {
		repeat(t, r);
		return;
	}
	if (r->policy->digest && nonce_replayed(r->record, r->given.nonce, r->given.nc)) {
		registration_challenge(t, r, true);
		return;
	}
	decide(t, r);
}

struct denial registration_read(struct turn *t, struct registration *r)
{
	struct sip_uri uri;
	struct denial why = turn_check_request_uri(t, &uri);

	if (why.status == 0)
		why = require_check(t->request, HEADER_REQUIRE, t->arena);
	if (why.status == 0)
		why = register_read(t->request, &t->id, t->arena, r->request);
	if (why.status != 0)
		return why;
	r->policy = turn_find_domain(t, &r->request->to);
	return r->policy != NULL ? register_name_aor(t->arena, r->request)
	                         : deny(404, SERVED_NOT_FOUND, NULL);
}

static struct denial check_register(struct turn *t, struct registration *r)
{
	struct denial why = registration_read(t, r);

	if (why.status != 0)
		return why;
	bool lacks_secret = r->policy->digest && t->server->secrets.n == 0;
	bool changes = r->request->star || r->request->n_contacts > 0;
	if (lacks_secret || (changes && t->in->no_room))
		return deny(503, SERVED_OVERLOAD, NULL);
	return granted();
}

bool registration_knocks(struct turn *t, struct registration *r)
{
	r->auth = (struct auth_context){
		.digester = t->server->digester,
		.secrets = &t->server->secrets,
		.policy = r->policy,
		.nonce_lifetime_ms = t->server->options.nonce_lifetime_ms,
		.now = t->in->pair,
		.chance = (uint32_t)t->in->random,
	};
	return r->policy->digest != OFFER_NOTHING &&
	       !auth_find(t->request, r->policy, &r->given, &r->form);
}

void serve_register(struct turn *t)
{
	struct registration r = {.request = arena_take(t->arena, sizeof *r.request)};

	if (r.request == NULL) {
		turn_respond(t, 500, SERVED_OVERLOAD, NULL);
		return;
	}
	struct denial why = check_register(t, &r);
	if (why.status != 0) {
		turn_respond_denied(t, &why);
		return;
	}
	if (registration_knocks(t, &r))
		registration_challenge(t, &r, false);
	else
		register_on_record(t, &r);
}
