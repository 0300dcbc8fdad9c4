/* A request for a user of ours: the registrar says where the user is (RFC 3261 8.3). */
#include "node/core/location.h"
#include "node/core/turn.h"
#include "proto/sip/number.h"

/* Whose bindings are asked for. */
struct lookup {
	const struct domain_policy *policy;
	struct gruu gruu;
	struct sip_uri uri;
	struct slice aor;
};

static struct denial read_lookup(struct turn *t, struct lookup *l)
{
	uint8_t *memory = arena_take(t->arena, SIP_AOR_MAX);
	struct gruu_keys keys = turn_gruus(t);

	if (memory == NULL)
		return deny(500, SERVED_OVERLOAD, NULL);
	struct buf to = buf_on(memory, SIP_AOR_MAX);
	enum err err = gruu_read(&keys, &l->uri, t->arena, &l->gruu);
	if (err == OK && l->gruu.kind == GRUU_UNKNOWN)
		return deny(404, SERVED_NOT_FOUND, NULL);
	if (err == OK && l->gruu.kind == GRUU_NONE)
		err = sip_aor(&l->uri, &to);
	if (err == ERR_TOO_BIG || to.full)
		return deny(414, SERVED_BAD, NULL);
	if (err != OK)
		return deny(400, SERVED_BAD, "Bad Request-URI");
	l->aor = l->gruu.kind == GRUU_NONE ? buf_slice(&to) : l->gruu.aor;
	return granted();
}

/* Nobody is there to answer; is there such a user at all? */
static struct denial nobody(struct turn *t, const struct lookup *l, bool has_record)
{
	struct sip_uri named;
	bool known = has_record;

	if (l->gruu.kind == GRUU_TEMPORARY) /* it has died (RFC 5627 5.3) */
		return deny(404, SERVED_NOT_FOUND, NULL);
	if (l->policy->digest != OFFER_NOTHING && sip_uri_parse(l->aor, &named) == OK)
		known = turn_find_subscriber(t, uri_unescaped(named.user, t->arena),
		                             l->policy->name) != NULL;
	if (t->out->damaged.n > 0)
		return deny(503, SERVED_OVERLOAD, NULL);
	return known ? deny(480, SERVED_UNAVAILABLE, NULL) : deny(404, SERVED_NOT_FOUND, NULL);
}

static void redirect(struct turn *t, const struct location_target *targets, size_t n)
{
	reply_begin(&t->reply, t->request, &t->in->flow, 302, NULL, t->answer.to_tag);
	for (size_t i = 0; i < n; i++) {
		buf_str(&t->reply, "Contact: ");
		location_put(&t->reply, &targets[i], t->in->pair);
		buf_str(&t->reply, "\r\n");
	}
	reply_end(&t->reply);
	turn_finish(t, SERVED_REDIRECTED);
}

/* What an AOR's record says of it, or (`number`) of a PBX's. */
struct search {
	struct slice aor, number, more;
	bool has_record;
	size_t n;
	struct location_target targets[AOR_BINDINGS_MAX];
};

static struct denial search(struct turn *t, const struct lookup *l, struct search *s)
{
	const struct location_query query = {
		.keys = turn_gruus(t),
		.gruu = &l->gruu,
		.now = t->in->pair,
		.reach = t->in->reach,
		.aor = s->aor,
		.number = s->number,
		.more = s->more,
		.grace_s = l->policy->grace_s,
	};
	const struct copy_item *item = NULL;
	struct aor_record *record = turn_read_aor(t, s->aor, &item);

	if (record == NULL)
		return deny(t->out->damaged.n > 0 ? 503 : 500, SERVED_OVERLOAD, NULL);
	s->has_record = item != NULL;
	s->n = location_find(&query, record, s->targets);
	return granted();
}

/* A GRUU of a PBX's phone says which one by `sg` (RFC 6140 7.1.1). */
static struct slice which_phone(struct turn *t, const struct lookup *l)
{
	struct slice sg;

	if (l->gruu.kind == GRUU_NONE || !sip_uri_param(&l->uri, "sg", &sg))
		return (struct slice){NULL, 0};
	uint8_t *memory = arena_take(t->arena, sg.n + 4);
	struct buf to = buf_on(memory, memory == NULL ? 0 : sg.n + 4);
	buf_str(&to, ";sg=");
	buf_put(&to, sg);
	return buf_slice(&to);
}

/* Is the number one of a PBX's? Then `*s` asks for that. */
static bool is_of_pbx(struct turn *t, const struct lookup *l, struct search *s)
{
	struct slice user = uri_unescaped(l->uri.user, t->arena);
	uint8_t *memory = arena_take(t->arena, SIP_AOR_MAX);
	struct number_range range;

	if (l->gruu.kind == GRUU_TEMPORARY || memory == NULL ||
	    !number_range_find(l->policy->numbers, user, &range))
		return false;
	struct buf to = buf_on(memory, SIP_AOR_MAX);
	buf_str(&to, "sip:");
	buf_put(&to, range.user);
	buf_byte(&to, '@');
	buf_put(&to, l->policy->name);
	*s = (struct search){.aor = buf_slice(&to), .number = user, .more = which_phone(t, l)};
	return !to.full;
}

static struct denial locate(struct turn *t, const struct lookup *l)
{
	struct search own = {.aor = l->aor}, pbx;

	if (l->gruu.of_pbx) { /* the PBX knows what it made: its user, and that it is one */
		own.number = l->uri.user;
		own.more = SLICE(";gr");
	}
	struct denial why = search(t, l, &own);

	if (why.status == 0 && own.n == 0 && is_of_pbx(t, l, &pbx)) {
		why = search(t, l, &pbx);
		if (why.status == 0 && pbx.n == 0)
			return deny(480, SERVED_UNAVAILABLE, NULL);
		own = pbx;
	}
	if (why.status != 0)
		return why;
	if (own.n == 0)
		return nobody(t, l, own.has_record);
	redirect(t, own.targets, own.n);
	return granted();
}

/* The registrar itself is asked, and it knows few methods. */
static struct denial not_known(enum sip_method method)
{
	if (method == SIP_OPTIONS)
		return deny(404, SERVED_NOT_FOUND, NULL);
	return deny(method == SIP_OTHER_METHOD ? 501 : 405, SERVED_REFUSED, NULL);
}

static struct denial check_lookup(struct turn *t, struct lookup *l)
{
	if (sip_uri_parse(t->request->request_uri, &l->uri) == OK && l->uri.user.n == 0 &&
	    l->uri.scheme != URI_OTHER)
		return not_known(t->request->method);
	struct denial why = turn_check_request_uri(t, &l->uri);
	if (why.status == 0)
		why = require_check(t->request, HEADER_PROXY_REQUIRE, t->arena);
	if (why.status != 0)
		return why;
	l->policy = turn_find_domain(t, &l->uri);
	return l->policy != NULL && l->policy->redirect ? granted() : not_known(t->request->method);
}

void serve_locate(struct turn *t)
{
	struct lookup l = {0};
	struct denial why = check_lookup(t, &l);

	if (why.status == 0)
		why = read_lookup(t, &l);
	if (why.status == 0)
		why = locate(t, &l);
	if (why.status != 0)
		turn_respond_denied(t, &why);
}
