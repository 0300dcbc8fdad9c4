#include "node/core/location.h"

#include "proto/sip/header.h"

static struct location_target target_of(const struct location_query *q, const struct binding *b)
{
	struct location_target t = {
		.binding = b,
		.in_grace = !binding_is_live(b, pairtime_add_s(q->now, q->grace_s)),
		.flow_lost = reach_is_lost(q->reach, b),
		.number = q->number,
		.more = q->more,
		.unreachable = reach_is_silent(q->reach, q->aor, b),
	};
	struct sip_uri uri;
	struct slice id;

	if (sip_uri_parse(b->uri, &uri) == OK && sip_uri_param(&uri, "pn-prid", &id) && id.n > 0 &&
	    !sip_uri_param(&uri, "pn-provider", &t.push))
		t.push = id;
	return t;
}

static bool is_wanted(const struct location_query *q, const struct binding *b)
{
	/* bnc is for all numbers of a PBX, and for nothing else (RFC 6140 5.2). */
	return binding_is_live(b, q->now) && gruu_is_bulk(b) == (q->number.n > 0) &&
	       (q->gruu->kind == GRUU_NONE || gruu_means(&q->keys, q->gruu, b));
}

static bool fails(const struct location_target *t)
{
	return t->flow_lost || t->unreachable;
}

static bool comes_before(const struct location_target *a, const struct location_target *b)
{
	bool a_last = fails(a), b_last = fails(b);

	if (a->in_grace != b->in_grace)
		return b->in_grace;
	if (a_last != b_last)
		return b_last;
	if (a->binding->q_milli != b->binding->q_milli)
		return a->binding->q_milli > b->binding->q_milli;
	return a->binding->stamped.ms > b->binding->stamped.ms;
}

static bool same_instance(const struct binding *a, const struct binding *b)
{
	return a->instance.n > 0 && slice_eq_nocase(a->instance, b->instance);
}

/* Of what reaches one phone, no two at once (RFC 5626 7): the next only where the one before is known
 * not to. */
static size_t one_way_each(struct location_target *t, size_t n)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		bool second = false;
		for (size_t k = 0; k < kept; k++)
			second |= !fails(&t[k]) && same_instance(t[k].binding, t[i].binding);
		if (!second || fails(&t[i]))
			t[kept++] = t[i];
	}
	return kept;
}

size_t location_find(const struct location_query *q, const struct aor_record *record,
                     struct location_target out[AOR_BINDINGS_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < record->n_bindings; i++) {
		const struct binding *b = &record->bindings[i];
		size_t at = n;

		if (!is_wanted(q, b))
			continue;
		struct location_target t = target_of(q, b);
		for (; at > 0 && comes_before(&t, &out[at - 1]); at--)
			out[at] = out[at - 1];
		out[at] = t;
		n++;
	}
	return one_way_each(out, n);
}

static void put_route(struct buf *to, const struct binding *b)
{
	bool has_headers = b->uri.n > 0 && memchr(b->uri.p, '?', b->uri.n) != NULL;

	for (size_t i = 0; i < b->n_paths; i++) {
		buf_str(to, i > 0 ? "%2C" : has_headers ? "&Route=" : "?Route=");
		uri_put_escaped(to, b->path[i], "[]/?:+$"); /* RFC 3261 25.1: hnv-unreserved */
	}
}

/* sip:host;bnc;x=y becomes sip:number@host;x=y, with `more` behind it. */
static void put_with_number(struct buf *to, struct slice text, const struct location_target *t)
{
	struct sip_uri uri;
	struct sip_param p;

	if (sip_uri_parse(text, &uri) != OK || uri.params.p == NULL)
		return;
	struct slice params = {uri.params.p - 1, uri.params.n + 1};
	buf_put(to, slice_head(text, (size_t)(uri.host.p - text.p)));
	buf_put(to, t->number);
	buf_byte(to, '@');
	buf_put(to, (struct slice){uri.host.p, (size_t)(params.p - uri.host.p)});
	while (param_next(&params, &p)) {
		if (slice_eq_nocase(p.name, SLICE("bnc")))
			continue;
		buf_byte(to, ';');
		buf_put(to, p.name);
		if (p.value.p == NULL)
			continue;
		buf_byte(to, '=');
		buf_put(to, p.value);
	}
	buf_put(to, t->more);
	if (uri.headers.p == NULL)
		return;
	buf_byte(to, '?');
	buf_put(to, uri.headers);
}

void location_put(struct buf *to, const struct location_target *target, struct pairtime now)
{
	const struct binding *b = target->binding;

	if (b->display.n > 0) {
		buf_put(to, b->display);
		buf_byte(to, ' ');
	}
	buf_byte(to, '<');
	if (target->number.n > 0)
		put_with_number(to, b->uri, target);
	else
		buf_put(to, b->uri);
	put_route(to, b);
	buf_byte(to, '>');
	buf_put(to, b->params);
	if (target->push.n > 0) {
		buf_str(to, ";push=");
		buf_put(to, target->push);
	}
	if (target->flow_lost)
		buf_str(to, ";flow-lost");
	if (target->unreachable)
		buf_str(to, ";unreachable");
	buf_str(to, ";expires=");
	buf_u64(to, (uint64_t)(b->expires.ms - now.ms + 999) / 1000);
}
