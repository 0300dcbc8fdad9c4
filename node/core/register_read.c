#include "node/core/register_read.h"

/* What a Require may ask of us. */
static const struct slice known_options[] = {
	{SLICE_OF("path")},
	{SLICE_OF("outbound")},
	{SLICE_OF("gruu")},
	{SLICE_OF("gin")},
};

void transaction_read(const struct sip_msg *m, struct transaction *out)
{
	const struct sip_header *via = sip_find(m, HEADER_VIA);
	const struct sip_header *from = sip_find(m, HEADER_FROM);
	const struct sip_header *call_id = sip_find(m, HEADER_CALL_ID);
	struct sip_via top;
	struct sip_name_addr name;

	*out = (struct transaction){.sent_by_port = 0};
	if (call_id != NULL)
		out->call_id = call_id->value;
	if (from != NULL && name_addr_read(from->value, &name) == OK)
		(void)param_find(name.params, "tag", &out->from_tag); /* RFC 2543 knows none */
	if (via == NULL)
		return;
	struct slice rest = via->value;
	if (via_next(&rest, &top) == OK) {
		out->branch = top.branch;
		out->sent_by = top.host;
		out->sent_by_port = top.port;
	}
}

static bool is_known_option(struct slice tag)
{
	for (size_t i = 0; i < ARRAY_LEN(known_options); i++)
		if (slice_eq_nocase(tag, known_options[i]))
			return true;
	return false;
}

static bool lists_option(const struct sip_msg *m, enum sip_header_id id, struct slice tag)
{
	for (const struct sip_header *h = sip_find(m, id); h != NULL; h = sip_find_next(m, h)) {
		struct slice rest = h->value, element;

		while (list_next(&rest, &element))
			if (slice_eq_nocase(element, tag))
				return true;
	}
	return false;
}

static bool knows(const struct sip_msg *m, struct slice option)
{
	return lists_option(m, HEADER_SUPPORTED, option) || lists_option(m, HEADER_REQUIRE, option);
}

static void put_unknown_options(struct slice list, struct buf *to)
{
	struct slice tag;

	while (list_next(&list, &tag)) {
		if (is_known_option(tag))
			continue;
		if (to->n > 0)
			buf_str(to, ", ");
		buf_put(to, tag);
	}
}

struct denial require_check(const struct sip_msg *m, enum sip_header_id header, struct arena *arena)
{
	const struct sip_header *first = sip_find(m, header);
	size_t room = 0;

	for (const struct sip_header *h = first; h != NULL; h = sip_find_next(m, h))
		room += 2 * h->value.n + 2;
	if (room == 0)
		return granted();

	uint8_t *memory = arena_take(arena, room);
	if (memory == NULL)
		return deny(500, SERVED_OVERLOAD, NULL);
	struct buf unknown = buf_on(memory, room);
	for (const struct sip_header *h = first; h != NULL; h = sip_find_next(m, h))
		put_unknown_options(h->value, &unknown);
	if (unknown.n == 0)
		return granted();

	struct denial r = deny(420, SERVED_BAD, NULL);
	r.unsupported = buf_slice(&unknown);
	return r;
}

/* A URI with a control character or a space in it would break the line it is printed in. */
static bool is_printable(struct slice uri)
{
	for (size_t i = 0; i < uri.n; i++)
		if (uri.p[i] <= ' ' || uri.p[i] == 0x7f)
			return false;
	return uri.n > 0;
}

/* expires has a field of its own, and GRUUs are ours to give (RFC 5627 5.1). */
static bool is_kept(struct slice name)
{
	return !slice_eq_nocase(name, SLICE("expires")) &&
	       !slice_eq_nocase(name, SLICE("pub-gruu")) &&
	       !slice_eq_nocase(name, SLICE("temp-gruu"));
}

static bool all_kept(struct slice params)
{
	struct sip_param p;
	bool all = true;

	while (param_next(&params, &p))
		all = all && is_kept(p.name);
	return all;
}

/* The header parameters as they are kept. */
static struct slice params_kept(struct slice params, struct arena *arena)
{
	struct slice rest = params;
	struct sip_param p;

	if (all_kept(params))
		return header_unfolded(params, arena);
	uint8_t *memory = arena_take(arena, params.n + 1);
	if (memory == NULL)
		return (struct slice){NULL, 0};
	struct buf to = buf_on(memory, params.n + 1);
	while (param_next(&rest, &p)) {
		if (!is_kept(p.name))
			continue;
		buf_str(&to, ";");
		buf_put(&to, p.name);
		if (p.value.p != NULL) {
			buf_str(&to, "=");
			buf_put(&to, p.value);
		}
	}
	return header_unfolded(buf_slice(&to), arena);
}

static struct denial read_contact(struct slice element, struct arena *arena,
                                  struct register_request *out)
{
	struct sip_uri uri;

	if (out->n_contacts == REGISTER_CONTACTS_MAX)
		return deny(413, SERVED_BAD, "Too Many Contacts In One Request");
	struct sip_contact *c = &out->contacts[out->n_contacts];
	if (contact_read(element, c) != OK)
		return deny(400, SERVED_BAD, "Bad Contact");
	if (c->star) {
		out->star = true;
		return granted();
	}
	if (!is_printable(c->addr.uri) || sip_uri_parse(c->addr.uri, &uri) != OK)
		return deny(400, SERVED_BAD, "Bad Contact URI");
	if (c->addr.uri.n > CONTACT_URI_MAX)
		return deny(413, SERVED_BAD, "Contact URI Too Long");
	if (!out->knows_outbound || c->instance.n == 0)
		c->reg_id = 0; /* RFC 5626 section 6: then it says nothing */
	c->addr.display = header_unfolded(c->addr.display, arena);
	c->addr.params = params_kept(c->addr.params, arena);
	out->n_contacts++;
	return granted();
}

static struct denial read_contacts(const struct sip_msg *m, struct arena *arena,
                                   struct register_request *out)
{
	size_t n = 0;

	for (const struct sip_header *h = sip_find(m, HEADER_CONTACT); h != NULL;
	     h = sip_find_next(m, h)) {
		struct slice rest = h->value, element;

		while (list_next(&rest, &element)) {
			struct denial r = read_contact(element, arena, out);
			if (r.status != 0)
				return r;
			n++;
		}
	}
	bool star_alone = n == 1 && out->has_expires && out->expires_s == 0;
	if (out->star && !star_alone)
		return deny(400, SERVED_BAD, "Contact * Needs Expires 0 And Nothing Else");
	return granted();
}

static struct denial read_path(const struct sip_msg *m, struct arena *arena,
                               struct register_request *out)
{
	for (const struct sip_header *h = sip_find(m, HEADER_PATH); h != NULL;
	     h = sip_find_next(m, h)) {
		struct slice rest = h->value, element;
		struct sip_name_addr name;
		struct sip_uri uri;

		while (list_next(&rest, &element)) {
			if (name_addr_read(element, &name) != OK || !is_printable(name.uri) ||
			    sip_uri_parse(name.uri, &uri) != OK || uri.host.n == 0)
				return deny(400, SERVED_BAD, "Bad Path");
			if (out->n_paths == BINDING_PATHS_MAX)
				return deny(413, SERVED_BAD, "Too Many Path Values");
			out->path[out->n_paths++] = header_unfolded(element, arena);
		}
	}
	return granted();
}

struct denial register_name_aor(struct arena *arena, struct register_request *r)
{
	uint8_t *memory = arena_take(arena, SIP_AOR_MAX);

	if (memory == NULL)
		return deny(500, SERVED_OVERLOAD, NULL);
	struct buf aor = buf_on(memory, SIP_AOR_MAX);
	enum err err = sip_aor(&r->to, &aor);
	if (err == ERR_TOO_BIG || aor.full)
		return deny(414, SERVED_BAD, "Address Of Record Too Long");
	if (err != OK)
		return deny(400, SERVED_BAD, "Bad To");
	r->aor = buf_slice(&aor);
	return granted();
}

static struct denial read_to(const struct sip_msg *m, struct arena *arena,
                             struct register_request *out)
{
	const struct sip_header *to = sip_find(m, HEADER_TO);
	struct sip_name_addr name;
	struct slice tag;

	if (to == NULL || name_addr_read(to->value, &name) != OK ||
	    sip_uri_parse(name.uri, &out->to) != OK)
		return deny(400, SERVED_BAD, "Bad To");
	out->has_to_tag = param_find(name.params, "tag", &tag);
	if (out->to.scheme != URI_SIP && out->to.scheme != URI_SIPS)
		return deny(416, SERVED_BAD, NULL);
	if (out->to.user.n == 0)
		return deny(403, SERVED_FORBIDDEN, "To Names No User");
	out->user = uri_unescaped(out->to.user, arena);
	return granted();
}

static void read_expires(const struct sip_msg *m, struct register_request *out)
{
	const struct sip_header *h = sip_find(m, HEADER_EXPIRES);

	out->has_expires = h != NULL;
	out->expires_s = h == NULL ? 0 : expires_read(h->value);
}

static struct denial read_sequence(const struct sip_msg *m, struct register_request *out)
{
	const struct sip_header *h = sip_find(m, HEADER_CSEQ);
	struct sip_cseq cseq;

	if (h == NULL || cseq_read(h->value, &cseq) != OK || out->id.call_id.n == 0)
		return deny(400, SERVED_BAD, "Bad CSeq");
	out->cseq = cseq.number;
	return granted();
}

static void read_agent(const struct sip_msg *m, struct arena *arena, struct register_request *out)
{
	const struct sip_header *h = sip_find(m, HEADER_USER_AGENT);

	out->user_agent = (struct slice){NULL, 0};
	if (h != NULL)
		out->user_agent =
			header_unfolded(slice_head(h->value, USER_AGENT_STORED_MAX), arena);
}

static bool is_direct(const struct sip_msg *m)
{
	const struct sip_header *via = sip_find(m, HEADER_VIA);
	struct slice rest = via->value, element;

	return sip_find_next(m, via) == NULL && list_next(&rest, &element) &&
	       !list_next(&rest, &element);
}

struct denial register_read(const struct sip_msg *m, const struct transaction *id,
                            struct arena *arena, struct register_request *out)
{
	out->id = *id;
	struct denial r = read_sequence(m, out);
	out->star = false;
	out->n_contacts = 0;
	out->n_paths = 0;
	out->direct = is_direct(m);
	out->knows_path = knows(m, SLICE("path"));
	out->knows_outbound = knows(m, SLICE("outbound"));
	out->knows_gruu = knows(m, SLICE("gruu"));
	out->wants_gin = lists_option(m, HEADER_REQUIRE, SLICE("gin"));
	read_expires(m, out);
	read_agent(m, arena, out);
	if (r.status == 0)
		r = read_to(m, arena, out);
	if (r.status == 0)
		r = read_contacts(m, arena, out);
	if (r.status == 0)
		r = read_path(m, arena, out);
	if (r.status == 0 && arena->full)
		r = deny(500, SERVED_OVERLOAD, NULL);
	return r;
}
