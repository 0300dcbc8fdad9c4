#include "tests/bench/answer.h"

#include <ctype.h>

/* Text that is read from the front; what was read is gone from `rest`. */
struct scan {
	struct slice rest;
};

static bool at_end(const struct scan *s)
{
	return s->rest.n == 0;
}

static void skip(struct scan *s, size_t n)
{
	s->rest = slice_from(s->rest, n);
}

static bool is_space(uint8_t c)
{
	return c == ' ' || c == '\t';
}

static void skip_spaces(struct scan *s)
{
	while (!at_end(s) && is_space(s->rest.p[0]))
		skip(s, 1);
}

static bool take(struct scan *s, uint8_t c)
{
	skip_spaces(s);
	if (at_end(s) || s->rest.p[0] != c)
		return false;
	skip(s, 1);
	return true;
}

/* How far it is to one of `stops`; most often there is one, or none. */
static size_t distance(struct slice from, const char *stops)
{
	size_t n = 0;

	if (stops[0] == 0)
		return from.n;
	if (stops[1] == 0) {
		const uint8_t *end = memchr(from.p, stops[0], from.n);

		return end != NULL ? (size_t)(end - from.p) : from.n;
	}
	while (n < from.n && strchr(stops, from.p[n]) == NULL)
		n++;
	return n;
}

/* Up to one of `stops` or the end; spaces at both ends are not part of it. */
static struct slice take_until(struct scan *s, const char *stops)
{
	skip_spaces(s);
	if (at_end(s))
		return s->rest;

	struct slice from = s->rest;
	size_t n = distance(from, stops);

	skip(s, n);
	while (n > 0 && is_space(from.p[n - 1]))
		n--;
	return slice_head(from, n);
}

/* A quoted text without its quotes, or a plain one up to one of `stops`. */
static struct slice take_value(struct scan *s, const char *stops)
{
	if (!take(s, '"'))
		return take_until(s, stops);

	size_t n = 0;
	struct slice from = s->rest;

	while (n < from.n && from.p[n] != '"')
		n += from.p[n] == '\\' ? 2 : 1;
	if (n > from.n)
		n = from.n;
	skip(s, n + 1);
	return slice_head(from, n);
}

static bool number(struct slice text, uint32_t *out)
{
	uint64_t v = 0;

	if (text.n == 0 || text.n > 10)
		return false;
	for (size_t i = 0; i < text.n; i++) {
		if (!isdigit(text.p[i]))
			return false;
		v = v * 10 + (uint64_t)(text.p[i] - '0');
	}
	*out = (uint32_t)v;
	return v <= UINT32_MAX;
}

static bool read_via(struct slice value, struct answer *a)
{
	struct scan s = {value};

	if (a->branch.n > 0)
		return true; /* only the topmost Via is ours */
	(void)take_until(&s, ";");
	while (take(&s, ';')) {
		struct slice name = take_until(&s, "=;,");
		struct slice text = take(&s, '=') ? take_value(&s, ";,") : (struct slice){NULL, 0};

		if (slice_eq_nocase(name, SLICE("branch")))
			a->branch = text;
	}
	return a->branch.n > 0;
}

static void read_contact_param(struct scan *s, struct contact *c)
{
	struct slice name = take_until(s, "=;,");
	struct slice text = take(s, '=') ? take_value(s, ";,") : (struct slice){NULL, 0};

	if (slice_eq_nocase(name, SLICE("expires")))
		c->has_expires = number(text, &c->expires);
}

static bool read_contacts(struct slice value, struct answer *a)
{
	struct scan s = {value};

	do {
		if (a->n_contacts == ANSWER_CONTACTS_MAX)
			return false;

		struct contact *c = &a->contacts[a->n_contacts++];

		skip_spaces(&s);
		if (!at_end(&s) && s.rest.p[0] == '"')
			(void)take_value(&s, "<");
		else if (!at_end(&s) && memchr(s.rest.p, '<', s.rest.n) != NULL)
			(void)take_until(&s, "<");
		c->uri = take(&s, '<') ? take_until(&s, ">") : take_until(&s, ";,");
		(void)take(&s, '>');
		while (take(&s, ';'))
			read_contact_param(&s, c);
	} while (take(&s, ','));
	return at_end(&s);
}

/* "auth,auth-int" and the like. */
static bool offers_auth(struct slice list)
{
	struct scan s = {list};

	do {
		if (slice_eq_nocase(take_until(&s, ","), SLICE("auth")))
			return true;
	} while (take(&s, ','));
	return false;
}

static void read_challenge_param(struct scan *s, struct challenge *c, struct slice *algorithm)
{
	struct slice name = take_until(s, "=,");
	struct slice text = take(s, '=') ? take_value(s, ",") : (struct slice){NULL, 0};

	if (slice_eq_nocase(name, SLICE("realm")))
		c->realm = text;
	else if (slice_eq_nocase(name, SLICE("nonce")))
		c->nonce = text;
	else if (slice_eq_nocase(name, SLICE("opaque")))
		c->opaque = text;
	else if (slice_eq_nocase(name, SLICE("stale")))
		c->stale = slice_eq_nocase(text, SLICE("true"));
	else if (slice_eq_nocase(name, SLICE("qop")))
		c->qop = offers_auth(text);
	else if (slice_eq_nocase(name, SLICE("algorithm")))
		*algorithm = text;
}

static bool read_challenge(struct slice value, enum algorithm wanted, struct answer *a)
{
	struct scan s = {value};
	struct challenge c = {.present = true};
	struct slice algorithm = SLICE("MD5"); /* where none is named (RFC 7616 3.3) */

	if (!slice_eq_nocase(take_until(&s, " \t"), SLICE("Digest")))
		return true; /* another scheme is not ours to answer */
	do
		read_challenge_param(&s, &c, &algorithm);
	while (take(&s, ','));
	if (slice_eq_nocase(algorithm, slice_str(algorithm_name(wanted))))
		a->challenge = c;
	return c.nonce.n > 0 && c.realm.n > 0;
}

static bool read_cseq(struct slice value, struct answer *a)
{
	struct scan s = {value};

	return number(take_until(&s, " \t"), &a->cseq);
}

static bool is_named(struct slice name, const char *full, const char *compact)
{
	return slice_eq_nocase(name, slice_str(full)) || slice_eq_nocase(name, slice_str(compact));
}

static bool read_header(struct slice name, struct slice value, enum algorithm wanted,
                        struct answer *a)
{
	if (is_named(name, "Via", "v"))
		return read_via(value, a);
	if (is_named(name, "Contact", "m"))
		return read_contacts(value, a);
	if (is_named(name, "CSeq", "CSeq"))
		return read_cseq(value, a);
	if (is_named(name, "Call-ID", "i"))
		a->call_id = value;
	if (is_named(name, "WWW-Authenticate", "WWW-Authenticate"))
		return read_challenge(value, wanted, a);
	if (is_named(name, "Expires", "Expires"))
		a->has_expires = number(value, &a->expires);
	return true;
}

static struct slice take_line(struct scan *s)
{
	const uint8_t *end = s->rest.n > 0 ? memchr(s->rest.p, '\n', s->rest.n) : NULL;
	size_t n = end != NULL ? (size_t)(end - s->rest.p) : s->rest.n;
	struct slice line = slice_head(s->rest, n);

	skip(s, n + 1);
	if (line.n > 0 && line.p[line.n - 1] == '\r')
		line.n--;
	return line;
}

static bool read_status_line(struct slice line, unsigned *status)
{
	struct scan s = {line};
	uint32_t code = 0;
	bool good = slice_eq_nocase(take_until(&s, " "), SLICE("SIP/2.0")) &&
	            number(take_until(&s, " "), &code) && code >= 100 && code <= 699;

	*status = code;
	return good;
}

bool answer_parse(struct slice message, enum algorithm algorithm, struct answer *out)
{
	struct scan s = {message};

	*out = (struct answer){0};
	if (!read_status_line(take_line(&s), &out->status))
		return false;
	while (!at_end(&s)) {
		struct scan line = {take_line(&s)};

		if (at_end(&line))
			break;

		struct slice name = take_until(&line, ":");

		if (!take(&line, ':') || !read_header(name, take_until(&line, ""), algorithm, out))
			return false;
	}
	return out->branch.n > 0 && out->call_id.n > 0;
}

bool answer_lifetime(const struct answer *a, struct slice contact, uint32_t *seconds)
{
	for (unsigned i = 0; i < a->n_contacts; i++) {
		const struct contact *c = &a->contacts[i];

		if (!slice_eq(c->uri, contact))
			continue;
		*seconds = c->has_expires ? c->expires : a->expires;
		return c->has_expires || a->has_expires;
	}
	return false;
}

int answer_frame(struct slice in)
{
	static const char blank[] = "\r\n\r\n";
	const uint8_t *end = in.n > 0 ? memmem(in.p, in.n, blank, 4) : NULL;

	if (end == NULL)
		return in.n > ANSWER_SIZE_MAX ? -1 : 0;

	size_t head = (size_t)(end - in.p) + 4;
	struct scan s = {slice_head(in, head)};
	uint32_t body = 0;

	while (!at_end(&s)) {
		struct scan line = {take_line(&s)};
		struct slice name = take_until(&line, ":");
		bool is_length = is_named(name, "Content-Length", "l") && take(&line, ':');

		if (is_length && !number(take_until(&line, ""), &body))
			return -1;
	}
	if (head > ANSWER_SIZE_MAX || body > ANSWER_SIZE_MAX)
		return -1;
	return head + body <= in.n ? (int)(head + body) : 0;
}
