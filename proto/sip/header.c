#include "proto/sip/header.h"

#include "proto/sip/scan.h"

enum {
	CSEQ_MAX = INT32_MAX, /* RFC 3261 8.1.1.5: below 2**31 */
	EXPIRES_MAX_S = INT32_MAX,
	EXPIRES_MALFORMED_S = 3600, /* R20 */
	PORT_MAX = 65535,
};

/* From a quote or a '<' to the end of what it opens; to the end of all if it is never closed. */
static size_t opened_size(struct slice s)
{
	size_t n = s.p[0] == '"' ? quoted_size(s) : find_byte(s, '>') + 1;

	return n == 0 || n > s.n ? s.n : n;
}

/* Where `stop` is outside quotes and < >; s.n if it is not in there. Most fields open nothing, and
 * memchr is many times faster than looking at each byte. */
static size_t find_outside(struct slice s, uint8_t stop)
{
	size_t plain = find_byte(s, stop);
	struct slice before = slice_head(s, plain);

	if (find_byte(before, '"') == plain && find_byte(before, '<') == plain)
		return plain;
	size_t i = 0;
	while (i < s.n && s.p[i] != stop) {
		bool opens = s.p[i] == '"' || s.p[i] == '<';

		i += opens ? opened_size(skip(s, i)) : 1;
	}
	return i;
}

struct slice header_unfolded(struct slice value, struct arena *arena)
{
	bool folded = find_byte(value, '\r') < value.n || find_byte(value, '\n') < value.n;

	if (!folded)
		return value;
	uint8_t *to = arena_take(arena, value.n);
	if (to == NULL)
		return (struct slice){NULL, 0};
	for (size_t i = 0; i < value.n; i++)
		to[i] = value.p[i] == '\r' || value.p[i] == '\n' ? ' ' : value.p[i];
	return (struct slice){to, value.n};
}

bool list_next(struct slice *rest, struct slice *element)
{
	while (rest->n > 0) {
		size_t n = find_outside(*rest, ',');

		*element = trim(slice_head(*rest, n));
		*rest = skip(*rest, n + 1);
		if (element->n > 0)
			return true;
	}
	return false;
}

bool param_next(struct slice *params, struct sip_param *out)
{
	struct slice s = *params;

	*out = (struct sip_param){0};
	if (!take_byte(&s, ';'))
		return false;
	size_t n = find_outside(s, ';');
	struct slice one = trim(slice_head(s, n));
	size_t equals = find_byte(one, '=');

	*params = skip(s, n);
	out->name = trim(slice_head(one, equals));
	if (equals < one.n)
		out->value = trim_left(skip(one, equals + 1));
	return true;
}

bool param_find(struct slice params, const char *name, struct slice *value)
{
	struct slice wanted = slice_str(name);
	struct sip_param p;

	while (param_next(&params, &p)) {
		if (slice_eq_nocase(p.name, wanted)) {
			*value = p.value;
			return true;
		}
	}
	return false;
}

/* More than token and host, as tags of the field hold more; never what gives a header structure. */
static bool is_value_char(uint8_t c)
{
	return is_uri_char(c) && c != ',' && c != ';';
}

static bool param_ok(const struct sip_param *p)
{
	if (p->name.n == 0 || !all(p->name, is_token))
		return false;
	if (starts_with(p->value, '"'))
		return quoted_size(p->value) == p->value.n;
	return all(p->value, is_value_char);
}

/* RFC 4475 3.1.2.1: stray semicolons are refused. */
static bool params_ok(struct slice params)
{
	struct sip_param p;

	while (param_next(&params, &p))
		if (!param_ok(&p))
			return false;
	return params.n == 0;
}

/* "SIP / 2.0 / UDP" */
static bool take_protocol(struct slice *s, struct slice *transport)
{
	bool sip = slice_eq_nocase(take_token(s), SLICE("SIP")) && take_byte(s, '/');
	bool version = sip && slice_eq(take_token(s), SLICE("2.0")) && take_byte(s, '/');

	if (!version)
		return false;
	*transport = take_token(s);
	return transport->n > 0 && s->n > 0 && is_space(s->p[0]);
}

static bool take_port(struct slice *s, uint16_t *port)
{
	struct slice t = trim_left(*s);
	size_t n = span(t, is_digit);
	uint32_t v = 0;

	if (!decimal(slice_head(t, n), PORT_MAX, &v))
		return false;
	*port = (uint16_t)v;
	*s = skip(t, n);
	return v != 0;
}

static bool take_sent_by(struct slice *s, struct sip_via *out)
{
	struct slice t = trim_left(*s);

	out->host = slice_head(t, host_size(t));
	*s = skip(t, out->host.n);
	if (out->host.n == 0)
		return false;
	return !take_byte(s, ':') || take_port(s, &out->port);
}

enum err via_next(struct slice *rest, struct sip_via *out)
{
	struct slice s;
	struct slice ignored;

	*out = (struct sip_via){0};
	if (!list_next(rest, &s))
		return ERR_MALFORMED;
	if (!take_protocol(&s, &out->transport) || !take_sent_by(&s, out))
		return ERR_MALFORMED;
	out->params = trim_left(s);
	if (!params_ok(out->params))
		return ERR_MALFORMED;
	(void)param_find(out->params, "branch", &out->branch);
	out->rport = param_find(out->params, "rport", &ignored);
	return OK;
}

/* "<uri>;params" */
static enum err read_angles(struct slice s, struct sip_name_addr *out)
{
	struct slice inside = skip(s, 1);
	size_t n = find_byte(inside, '>');

	if (n == inside.n)
		return ERR_MALFORMED;
	out->uri = slice_head(inside, n);
	out->params = trim_left(skip(inside, n + 1));
	bool ok = n > 0 && all(out->uri, is_uri_char) && params_ok(out->params);
	return ok ? OK : ERR_MALFORMED;
}

/* RFC 3261 20: a URI with a question mark or comma in it must stand in < >. An at sign behind the
 * semicolon tells of a URI whose user part held that semicolon: the same fault. */
static bool needs_angles(struct slice uri, struct slice params)
{
	struct sip_param p;

	if (find_byte(uri, '?') < uri.n)
		return true;
	while (param_next(&params, &p)) {
		bool quoted = starts_with(p.value, '"');
		bool of_a_uri = find_byte(p.value, '?') < p.value.n ||
		                find_byte(p.value, '@') < p.value.n;

		if (!quoted && of_a_uri)
			return true;
	}
	return false;
}

/* R33: without < > every parameter is the header's. `n`: where the first of them begins. */
static enum err read_addr_spec(struct slice s, size_t n, struct sip_name_addr *out)
{
	out->uri = trim(slice_head(s, n));
	out->params = skip(s, n);
	bool ok = out->uri.n > 0 && all(out->uri, is_uri_char) && params_ok(out->params);
	return ok && !needs_angles(out->uri, out->params) ? OK : ERR_MALFORMED;
}

static bool is_display_char(uint8_t c)
{
	return c != '<' && c != '>' && c != ';' && c != ',' && c != '"';
}

enum err name_addr_read(struct slice value, struct sip_name_addr *out)
{
	struct slice s = trim(value);
	bool quoted = starts_with(s, '"');
	size_t n = quoted ? quoted_size(s) : span(s, is_display_char);
	struct slice rest = trim_left(skip(s, n));

	*out = (struct sip_name_addr){0};
	if (quoted && (n == 0 || !starts_with(rest, '<')))
		return ERR_MALFORMED;
	if (starts_with(rest, '<')) {
		out->display = trim(slice_head(s, n));
		return read_angles(rest, out);
	}
	if (rest.n > 0 && !starts_with(rest, ';'))
		return ERR_MALFORMED;
	return read_addr_spec(s, n, out);
}

enum err number_read(struct slice value, uint32_t *out)
{
	struct slice s = trim(value);

	if (s.n == 0 || !all(s, is_digit))
		return ERR_MALFORMED;
	return decimal(s, UINT32_MAX, out) ? OK : ERR_TOO_BIG;
}

uint32_t expires_read(struct slice value)
{
	uint32_t s = 0;

	if (number_read(value, &s) != OK)
		return EXPIRES_MALFORMED_S;
	return s > EXPIRES_MAX_S ? EXPIRES_MAX_S : s;
}

enum err retry_after_read(struct slice value, uint32_t *out)
{
	struct slice s = trim(value);
	size_t n = span(s, is_digit);
	struct slice rest = skip(s, n);
	bool ends = rest.n == 0 || is_space(rest.p[0]) || is_one_of(rest.p[0], ";(");

	if (n == 0 || !ends)
		return ERR_MALFORMED;
	if (!decimal(slice_head(s, n), INT32_MAX, out))
		*out = INT32_MAX;
	return OK;
}

enum err cseq_read(struct slice value, struct sip_cseq *out)
{
	struct slice s = trim(value);
	size_t n = span(s, is_digit);
	struct slice rest = skip(s, n);

	*out = (struct sip_cseq){.method = trim_left(rest)};
	bool apart = out->method.n < rest.n;

	if (n == 0 || !apart || out->method.n == 0 || !all(out->method, is_token))
		return ERR_MALFORMED;
	return decimal(slice_head(s, n), CSEQ_MAX, &out->number) ? OK : ERR_TOO_BIG;
}
