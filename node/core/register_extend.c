#include "node/core/register_extend.h"

static bool is_removal(const struct register_request *r, const struct sip_contact *c)
{
	return c->has_expires ? c->expires_s == 0 : r->has_expires && r->expires_s == 0;
}

/* The edge proxy, or we ourselves, keep the flow: who says so is the topmost Path (RFC 5626 5.1). */
static bool first_hop_keeps_flows(const struct register_request *r)
{
	struct sip_name_addr name;
	struct sip_uri uri;
	struct slice none;

	if (r->direct)
		return true;
	return r->n_paths > 0 && name_addr_read(r->path[0], &name) == OK &&
	       sip_uri_parse(name.uri, &uri) == OK && sip_uri_param(&uri, "ob", &none);
}

static struct denial check_flows(const struct register_request *r)
{
	size_t flows = 0, made = 0;

	for (size_t i = 0; i < r->n_contacts; i++) {
		flows += r->contacts[i].reg_id != 0;
		made += r->contacts[i].reg_id != 0 && !is_removal(r, &r->contacts[i]);
	}
	if (made > 1)
		return deny(400, SERVED_BAD, "One reg-id In A Request");
	if (flows > 0 && !first_hop_keeps_flows(r))
		return deny(439, SERVED_BAD, NULL);
	return granted();
}

/* RFC 6140 5.2: a PBX registers all its numbers by a URI that has no user. */
static struct denial check_bulk(const struct register_request *r, const struct sip_uri *uri)
{
	struct slice none;

	if (!sip_uri_param(uri, "bnc", &none))
		return granted();
	if (!r->wants_gin)
		return deny(400, SERVED_BAD, "bnc Needs Require: gin");
	return uri->user.p == NULL ? granted() : deny(400, SERVED_BAD, "bnc Takes No User");
}

static bool is_in_list(struct slice list, struct slice name)
{
	struct slice element;

	while (list_next(&list, &element))
		if (slice_eq_nocase(element, name))
			return true;
	return false;
}

/* RFC 8599 5.2; where no service is known, push is none of our business. */
static struct denial check_push(const struct extension_check *x, const struct sip_uri *uri)
{
	struct slice provider;

	if (x->policy->push_services.n == 0 || !sip_uri_param(uri, "pn-provider", &provider) ||
	    provider.n == 0 || is_in_list(x->policy->push_services, provider))
		return granted();
	return deny(555, SERVED_BAD, NULL);
}

/* RFC 5627 5.1: an instance that is reached by its own AOR, or by a GRUU of it, is never reached. */
static struct denial check_loop(const struct extension_check *x, const struct register_request *r,
                                const struct sip_uri *uri)
{
	uint8_t room[SIP_AOR_MAX];
	struct buf key = buf_on(room, sizeof room);
	struct gruu gruu;

	if (gruu_read(&x->gruus, uri, x->arena, &gruu) != OK)
		return granted();
	bool named = gruu.kind == GRUU_PUBLIC || gruu.kind == GRUU_TEMPORARY;
	bool itself = gruu.kind == GRUU_NONE && uri->user.n > 0 && sip_aor(uri, &key) == OK &&
	              slice_eq(buf_slice(&key), r->aor);
	if (itself || (named && slice_eq(gruu.aor, r->aor)))
		return deny(403, SERVED_FORBIDDEN, "Contact Leads Back To The AOR");
	return granted();
}

static struct denial check_contact(const struct extension_check *x,
                                   const struct register_request *r, const struct sip_contact *c)
{
	struct sip_uri uri;
	struct denial why = granted();

	if (is_removal(r, c) || sip_uri_parse(c->addr.uri, &uri) != OK)
		return why;
	why = check_bulk(r, &uri);
	if (why.status == 0)
		why = check_push(x, &uri);
	if (why.status == 0 && c->instance.n > 0)
		why = check_loop(x, r, &uri);
	return why;
}

struct denial extensions_check(const struct extension_check *x, const struct register_request *r)
{
	struct denial why = check_flows(r);

	for (size_t i = 0; i < r->n_contacts && why.status == 0; i++)
		why = check_contact(x, r, &r->contacts[i]);
	return why;
}

bool push_asked(const struct register_request *r, struct slice *provider)
{
	struct sip_uri uri;

	for (size_t i = 0; i < r->n_contacts; i++)
		if (sip_uri_parse(r->contacts[i].addr.uri, &uri) == OK &&
		    sip_uri_param(&uri, "pn-provider", provider))
			return true;
	return false;
}
