#include "proto/sip/uri.h"

#include "proto/sip/uri_part.h"

enum {
	PORT_MAX = 65535,
	PARTS_MAX = 32, /* parameters, and headers, of one URI: comparing is quadratic in them */
};

static bool is_scheme_char(uint8_t c)
{
	return is_alnum(c) || is_one_of(c, "+-.");
}

static bool is_tel_char(uint8_t c)
{
	return is_hex(c) || is_one_of(c, "+*#-.()");
}

/* RFC 3261 25.1: unreserved and user-unreserved */
static bool is_user_char(uint8_t c)
{
	return is_alnum(c) || is_one_of(c, "-_.!~*'()&=+$,;?/");
}

static enum uri_scheme scheme_of(struct slice name)
{
	if (slice_eq_nocase(name, SLICE("sip")))
		return URI_SIP;
	if (slice_eq_nocase(name, SLICE("sips")))
		return URI_SIPS;
	return slice_eq_nocase(name, SLICE("tel")) ? URI_TEL : URI_OTHER;
}

static bool escapes_ok(struct slice s)
{
	size_t at = find_byte(s, '%');

	while (at < s.n) {
		s = skip(s, at);
		if (!is_escape(s))
			return false;
		s = skip(s, 3);
		at = find_byte(s, '%');
	}
	return true;
}

static bool too_many(struct slice list, uint8_t separator)
{
	struct uri_part part;
	size_t n = 0;

	while (n <= PARTS_MAX && uri_part_next(&list, separator, &part))
		n++;
	return n > PARTS_MAX;
}

/* ";parameters?headers", either may be missing */
static enum err split_tail(struct slice s, struct sip_uri *out)
{
	if (starts_with(s, ';')) {
		size_t n = find_byte(s, '?');

		out->params = skip(slice_head(s, n), 1);
		s = skip(s, n);
	}
	if (starts_with(s, '?')) {
		out->headers = skip(s, 1);
		s = skip(s, s.n);
	}
	if (s.n > 0)
		return ERR_MALFORMED;
	bool big = too_many(out->params, ';') || too_many(out->headers, '&');

	return big ? ERR_TOO_BIG : OK;
}

/* "user:password@" */
static bool take_userinfo(struct slice *s, struct sip_uri *out)
{
	size_t at = find_byte(*s, '@');

	if (at == s->n)
		return true;
	struct slice info = slice_head(*s, at);
	size_t colon = find_byte(info, ':');

	out->user = slice_head(info, colon);
	if (colon < info.n)
		out->password = skip(info, colon + 1);
	*s = skip(*s, at + 1);
	return out->user.n > 0;
}

/* "host:port" */
static bool take_host(struct slice *s, struct sip_uri *out)
{
	uint32_t port = 0;

	out->host = slice_head(*s, host_size(*s));
	*s = skip(*s, out->host.n);
	if (!starts_with(*s, ':'))
		return out->host.n > 0;
	struct slice digits = skip(*s, 1);

	digits = slice_head(digits, span(digits, is_digit));
	*s = skip(*s, 1 + digits.n);
	bool ok = decimal(digits, PORT_MAX, &port) && port > 0;

	out->port = (uint16_t)port;
	return ok && out->host.n > 0;
}

static enum err split_sip(struct slice s, struct sip_uri *out)
{
	if (!take_userinfo(&s, out) || !take_host(&s, out))
		return ERR_MALFORMED;
	return split_tail(s, out);
}

static enum err split_tel(struct slice s, struct sip_uri *out)
{
	out->user = slice_head(s, find_byte(s, ';'));
	if (out->user.n == 0 || !all(out->user, is_tel_char))
		return ERR_MALFORMED;
	return split_tail(skip(s, out->user.n), out);
}

enum err sip_uri_parse(struct slice text, struct sip_uri *out)
{
	size_t colon = find_byte(text, ':');
	struct slice name = slice_head(text, colon);
	struct slice rest = skip(text, colon + 1);

	*out = (struct sip_uri){.scheme = scheme_of(name), .text = text};
	if (name.n == 0 || rest.n == 0 || !all(name, is_scheme_char) || !all(rest, is_uri_char))
		return ERR_MALFORMED;
	if (out->scheme == URI_OTHER)
		return OK;
	if (!escapes_ok(rest))
		return ERR_MALFORMED;
	return out->scheme == URI_TEL ? split_tel(rest, out) : split_sip(rest, out);
}

/* Characters that no user part may hold bare become escapes, so that both spellings meet. */
static void put_user(struct buf *to, struct slice user)
{
	static const char digit[] = "0123456789ABCDEF";

	while (user.n > 0) {
		uint8_t c = uri_char(user);

		if (is_user_char(c)) {
			buf_byte(to, c);
		} else {
			buf_byte(to, '%');
			buf_byte(to, (uint8_t)digit[c >> 4]);
			buf_byte(to, (uint8_t)digit[c & 15]);
		}
		user = skip(user, uri_char_size(user));
	}
}

static void put_lower(struct buf *to, struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		buf_byte(to, ascii_lower(s.p[i]));
}

enum err sip_aor(const struct sip_uri *u, struct buf *to)
{
	size_t before = to->n;

	if (u->scheme != URI_SIP && u->scheme != URI_SIPS)
		return ERR_UNSUPPORTED;
	buf_str(to, u->scheme == URI_SIPS ? "sips:" : "sip:");
	if (u->user.p != NULL) {
		put_user(to, u->user);
		buf_byte(to, '@');
	}
	put_lower(to, u->host);
	if (u->port != 0) {
		buf_byte(to, ':');
		buf_u64(to, u->port);
	}
	if (!to->full && to->n - before <= SIP_AOR_MAX)
		return OK;
	to->n = before;
	return ERR_TOO_BIG;
}

struct slice uri_unescaped(struct slice text, struct arena *arena)
{
	if (find_byte(text, '%') == text.n)
		return text;
	uint8_t *memory = arena_take(arena, text.n);
	if (memory == NULL)
		return (struct slice){NULL, 0};
	struct buf to = buf_on(memory, text.n);
	while (text.n > 0) {
		size_t n = is_escape(text) && uri_char(text) != 0 ? 3 : 1;

		buf_byte(&to, n == 3 ? uri_char(text) : text.p[0]);
		text = skip(text, n);
	}
	return buf_slice(&to);
}

bool sip_uri_param(const struct sip_uri *u, const char *name, struct slice *value)
{
	struct slice rest = u->params;
	struct uri_part part;

	while (uri_part_next(&rest, ';', &part))
		if (uri_text_eq(part.name, slice_str(name), true)) {
			*value = part.value;
			return true;
		}
	return false;
}

void uri_put_escaped(struct buf *to, struct slice text, const char *bare)
{
	for (size_t i = 0; i < text.n; i++) {
		uint8_t c = text.p[i];

		if (is_alnum(c) || is_one_of(c, "-_.!~*'()") || is_one_of(c, bare)) {
			buf_byte(to, c);
			continue;
		}
		buf_byte(to, '%');
		buf_hex(to, (struct slice){&c, 1});
	}
}
