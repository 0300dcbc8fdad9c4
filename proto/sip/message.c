#include "proto/sip/message.h"

#include <assert.h>

#include "proto/sip/header.h"
#include "proto/sip/scan.h"

enum { HEADER_NAME_MAX = 18 };

/* Headers that are known, by the length of their name: a lookup compares at most four. */
static const struct {
	enum sip_header_id id;
	struct slice name;
} known[] = {
	{HEADER_CONTENT_TYPE, {SLICE_OF("c")}},
	{HEADER_FROM, {SLICE_OF("f")}},
	{HEADER_CALL_ID, {SLICE_OF("i")}},
	{HEADER_SUPPORTED, {SLICE_OF("k")}},
	{HEADER_CONTENT_LENGTH, {SLICE_OF("l")}},
	{HEADER_CONTACT, {SLICE_OF("m")}},
	{HEADER_EVENT, {SLICE_OF("o")}},
	{HEADER_TO, {SLICE_OF("t")}},
	{HEADER_VIA, {SLICE_OF("v")}},
	{HEADER_TO, {SLICE_OF("To")}},
	{HEADER_VIA, {SLICE_OF("Via")}},
	{HEADER_FROM, {SLICE_OF("From")}},
	{HEADER_CSEQ, {SLICE_OF("CSeq")}},
	{HEADER_PATH, {SLICE_OF("Path")}},
	{HEADER_EVENT, {SLICE_OF("Event")}},
	{HEADER_ACCEPT, {SLICE_OF("Accept")}},
	{HEADER_CONTACT, {SLICE_OF("Contact")}},
	{HEADER_CALL_ID, {SLICE_OF("Call-ID")}},
	{HEADER_EXPIRES, {SLICE_OF("Expires")}},
	{HEADER_REQUIRE, {SLICE_OF("Require")}},
	{HEADER_SUPPORTED, {SLICE_OF("Supported")}},
	{HEADER_USER_AGENT, {SLICE_OF("User-Agent")}},
	{HEADER_MIN_EXPIRES, {SLICE_OF("Min-Expires")}},
	{HEADER_RETRY_AFTER, {SLICE_OF("Retry-After")}},
	{HEADER_UNSUPPORTED, {SLICE_OF("Unsupported")}},
	{HEADER_RECORD_ROUTE, {SLICE_OF("Record-Route")}},
	{HEADER_MAX_FORWARDS, {SLICE_OF("Max-Forwards")}},
	{HEADER_CONTENT_TYPE, {SLICE_OF("Content-Type")}},
	{HEADER_AUTHORIZATION, {SLICE_OF("Authorization")}},
	{HEADER_PROXY_REQUIRE, {SLICE_OF("Proxy-Require")}},
	{HEADER_SERVICE_ROUTE, {SLICE_OF("Service-Route")}},
	{HEADER_CONTENT_LENGTH, {SLICE_OF("Content-Length")}},
	{HEADER_WWW_AUTHENTICATE, {SLICE_OF("WWW-Authenticate")}},
	{HEADER_PROXY_AUTHENTICATE, {SLICE_OF("Proxy-Authenticate")}},
};

/* Where the names of each length begin in `known`; the next entry is where they end. */
static const uint8_t known_from[HEADER_NAME_MAX + 2] = {
	0, 0, 9, 10, 11, 14, 15, 16, 20, 20, 21, 22, 25, 28, 31, 32, 32, 33, 33, 34,
};
_Static_assert(ARRAY_LEN(known) == 34, "known_from must be counted anew");

static const struct slice method_names[] = {
	[SIP_REGISTER] = {SLICE_OF("REGISTER")},
	[SIP_OPTIONS] = {SLICE_OF("OPTIONS")},
	[SIP_INVITE] = {SLICE_OF("INVITE")},
	[SIP_ACK] = {SLICE_OF("ACK")},
	[SIP_BYE] = {SLICE_OF("BYE")},
	[SIP_CANCEL] = {SLICE_OF("CANCEL")},
	[SIP_SUBSCRIBE] = {SLICE_OF("SUBSCRIBE")},
	[SIP_NOTIFY] = {SLICE_OF("NOTIFY")},
	[SIP_PUBLISH] = {SLICE_OF("PUBLISH")},
	[SIP_MESSAGE] = {SLICE_OF("MESSAGE")},
	[SIP_INFO] = {SLICE_OF("INFO")},
	[SIP_REFER] = {SLICE_OF("REFER")},
	[SIP_UPDATE] = {SLICE_OF("UPDATE")},
	[SIP_PRACK] = {SLICE_OF("PRACK")},
};

static enum sip_header_id header_id(struct slice name)
{
	if (name.n > HEADER_NAME_MAX)
		return HEADER_OTHER;
	for (size_t i = known_from[name.n]; i < known_from[name.n + 1]; i++)
		if (slice_eq_nocase(name, known[i].name))
			return known[i].id;
	return HEADER_OTHER;
}

static enum sip_method method_of(struct slice name)
{
	for (enum sip_method m = SIP_REGISTER; m <= SIP_PRACK; m++)
		if (slice_eq(name, method_names[m]))
			return m;
	return SIP_OTHER_METHOD;
}

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

/* Takes the first n bytes off. */
static struct slice take(struct slice *rest, size_t n)
{
	struct slice taken = {rest->p, n};

	assert(n <= rest->n);
	*rest = (struct slice){rest->p + n, rest->n - n};
	return taken;
}

/* Up to and with the next LF, or everything. A line may end in LF alone: some devices send that. */
static struct slice take_line(struct slice *rest)
{
	const uint8_t *lf = rest->n > 0 ? memchr(rest->p, '\n', rest->n) : NULL;

	return take(rest, lf != NULL ? (size_t)(lf - rest->p) + 1 : rest->n);
}

/* One header with its folded lines. */
static struct slice take_field(struct slice *rest)
{
	struct slice field = take_line(rest);

	while (rest->n > 0 && is_blank(rest->p[0]))
		field.n += take_line(rest).n;
	return field;
}

static bool take_empty_line(struct slice *rest)
{
	bool lf = rest->n >= 1 && rest->p[0] == '\n';
	bool crlf = rest->n >= 2 && rest->p[0] == '\r' && rest->p[1] == '\n';

	if (lf || crlf)
		(void)take(rest, lf ? 1 : 2);
	return lf || crlf;
}

static bool begins_with_version(struct slice s)
{
	return slice_eq_nocase(slice_head(s, 4), SLICE("SIP/"));
}

/* "SIP/2.0 200 OK"; the reason phrase may be empty, its space absent. A code of more digits would be
 * cut to a wrong one (RFC 4475 3.1.2.19). */
static bool read_status_line(struct slice line, struct sip_msg *out)
{
	const uint8_t *space = memchr(line.p, ' ', line.n);
	unsigned status = 0;

	if (space == NULL)
		return false;
	out->version = slice_head(line, (size_t)(space - line.p));
	struct slice rest = slice_from(line, out->version.n + 1);
	if (rest.n < 3 || (rest.n > 3 && rest.p[3] != ' '))
		return false;
	for (size_t i = 0; i < 3; i++) {
		if (rest.p[i] < '0' || rest.p[i] > '9')
			return false;
		status = status * 10 + (unsigned)(rest.p[i] - '0');
	}
	out->status = (uint16_t)status;
	out->reason = trim(slice_from(rest, 3));
	return status >= 100 && status <= 699;
}

/* Method up to the first space, version from the last: what is too much between them is seen by
 * sip_check as white space in the Request-URI and can be answered. */
static bool read_request_line(struct slice line, struct sip_msg *out)
{
	size_t method = span(line, is_token);
	size_t version = line.n;

	if (method == 0 || method == line.n || line.p[method] != ' ')
		return false;
	while (line.p[version - 1] != ' ')
		version--;
	if (version <= method + 2)
		return false;
	out->method_name = slice_head(line, method);
	out->method = method_of(out->method_name);
	out->request_uri = slice_head(slice_from(line, method + 1), version - method - 2);
	out->version = slice_from(line, version);
	return begins_with_version(out->version);
}

static void split_field(struct slice field, struct sip_msg *out)
{
	size_t name = span(field, is_token);
	size_t colon = name;

	if (out->n_headers == SIP_HEADERS_MAX) {
		out->too_many_headers = true;
		return;
	}
	struct sip_header *h = &out->headers[out->n_headers++];
	while (colon < field.n && is_blank(field.p[colon]))
		colon++;
	if (name == 0 || colon == field.n || field.p[colon] != ':') {
		/* sip_check knows what is no header by its empty name */
		*h = (struct sip_header){HEADER_OTHER, {field.p, 0}, trim(field)};
		return;
	}
	h->name = slice_head(field, name);
	h->id = header_id(h->name);
	h->value = trim(slice_from(field, colon + 1));
}

/* True when the empty line that ends the head was found. */
static bool split_head(struct slice *rest, struct sip_msg *out)
{
	while (rest->n > 0) {
		if (take_empty_line(rest))
			return true;
		split_field(take_field(rest), out);
	}
	return false;
}

/* A CR that ends no line is a line end to some receivers and none to others: what is copied from
 * such a message would smuggle a header past one of them. */
static bool has_bare_cr(struct slice head)
{
	const uint8_t *end = head.p + head.n;
	const uint8_t *cr = memchr(head.p, '\r', head.n);

	while (cr != NULL) {
		if (cr + 1 == end || cr[1] != '\n')
			return true;
		cr = memchr(cr + 1, '\r', (size_t)(end - cr - 1));
	}
	return false;
}

/* R45: without a length the rest of the datagram is the body. An unreadable length is left to
 * sip_check. */
static void cut_body(struct slice rest, struct sip_msg *out)
{
	const struct sip_header *length = sip_find(out, HEADER_CONTENT_LENGTH);
	uint32_t n = 0;

	out->body = rest;
	if (length == NULL || number_read(length->value, &n) != OK)
		return;
	out->short_body = out->short_body || n > rest.n;
	out->body = slice_head(rest, n);
}

static void start(struct sip_msg *out)
{
	static const struct slice none = {NULL, 0};

	/* The headers are not cleared: 5 KiB per message, and n_headers says what counts. */
	out->method = SIP_OTHER_METHOD;
	out->method_name = out->request_uri = none;
	out->status = 0;
	out->reason = none;
	out->n_headers = 0;
	out->too_many_headers = false;
}

enum err sip_parse(struct slice bytes, struct sip_msg *out)
{
	struct slice rest = bytes;

	start(out);
	while (take_empty_line(&rest))
		; /* RFC 3261 7.5 */
	if (rest.n == 0)
		return ERR_MALFORMED;
	struct slice head = rest;
	struct slice line = trim(take_line(&rest));
	out->is_request = !begins_with_version(line);
	if (out->is_request ? !read_request_line(line, out) : !read_status_line(line, out))
		return ERR_MALFORMED;
	out->short_body = !split_head(&rest, out);
	head.n -= rest.n;
	if (has_bare_cr(head))
		return ERR_MALFORMED;
	cut_body(rest, out);
	return OK;
}

const struct sip_header *sip_find(const struct sip_msg *m, enum sip_header_id id)
{
	for (size_t i = 0; i < m->n_headers; i++)
		if (m->headers[i].id == id)
			return &m->headers[i];
	return NULL;
}

const struct sip_header *sip_find_next(const struct sip_msg *m, const struct sip_header *h)
{
	assert(h >= m->headers && h < m->headers + m->n_headers);
	for (const struct sip_header *next = h + 1; next < m->headers + m->n_headers; next++)
		if (next->id == h->id)
			return next;
	return NULL;
}

size_t sip_count(const struct sip_msg *m, enum sip_header_id id)
{
	size_t n = 0;

	for (size_t i = 0; i < m->n_headers; i++)
		n += m->headers[i].id == id;
	return n;
}
