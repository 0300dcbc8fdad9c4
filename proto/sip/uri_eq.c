#include "proto/sip/uri.h"
#include "proto/sip/uri_part.h"

/* RFC 3261 19.1.4: these four never match where only one URI has them, and its examples say the same
 * of transport. Any other parameter of one URI alone is ignored. */
static bool may_lack(struct slice name)
{
	static const char *const weighty[] = {"user", "ttl", "method", "maddr", "transport"};

	for (size_t i = 0; i < ARRAY_LEN(weighty); i++)
		if (uri_text_eq(name, slice_str(weighty[i]), true))
			return false;
	return true;
}

static bool never_lacks(struct slice name)
{
	(void)name;
	return false;
}

struct part_rules {
	uint8_t separator;
	bool (*may_lack)(struct slice name);
};

static bool optional_eq(struct slice a, struct slice b, bool nocase)
{
	if (a.p == NULL || b.p == NULL)
		return a.p == b.p;
	return uri_text_eq(a, b, nocase);
}

/* Is the same part in the list; or none of its name, where that does not count? */
static bool has_partner(const struct uri_part *part, struct slice list, const struct part_rules *r)
{
	struct uri_part other;
	bool named = false;

	while (uri_part_next(&list, r->separator, &other)) {
		if (!uri_text_eq(part->name, other.name, true))
			continue;
		if (optional_eq(part->value, other.value, true))
			return true;
		named = true;
	}
	return !named && r->may_lack(part->name);
}

static bool all_have_partners(struct slice from, struct slice in, const struct part_rules *r)
{
	struct uri_part part;

	while (uri_part_next(&from, r->separator, &part))
		if (!has_partner(&part, in, r))
			return false;
	return true;
}

/* Order is free; both ways, as each may have what the other has not. */
static bool parts_eq(struct slice a, struct slice b, const struct part_rules *r)
{
	return all_have_partners(a, b, r) && all_have_partners(b, a, r);
}

static bool sip_eq(const struct sip_uri *a, const struct sip_uri *b)
{
	static const struct part_rules params = {';', may_lack};
	static const struct part_rules headers = {'&', never_lacks};

	return a->port == b->port && slice_eq_nocase(a->host, b->host) &&
	       optional_eq(a->user, b->user, false) &&
	       optional_eq(a->password, b->password, false) &&
	       parts_eq(a->params, b->params, &params) &&
	       parts_eq(a->headers, b->headers, &headers);
}

static struct slice without_separators(struct slice s)
{
	size_t n = 0;

	while (n < s.n && is_one_of(s.p[n], "-.()"))
		n++;
	return skip(s, n);
}

/* RFC 3966 section 3 and 4: visual separators mean nothing. */
static bool tel_number_eq(struct slice a, struct slice b)
{
	a = without_separators(a);
	b = without_separators(b);
	while (a.n > 0 && b.n > 0 && ascii_lower(a.p[0]) == ascii_lower(b.p[0])) {
		a = without_separators(skip(a, 1));
		b = without_separators(skip(b, 1));
	}
	return a.n == 0 && b.n == 0;
}

static bool tel_eq(const struct sip_uri *a, const struct sip_uri *b)
{
	static const struct part_rules params = {';', never_lacks};

	return tel_number_eq(a->user, b->user) && parts_eq(a->params, b->params, &params);
}

/* How much of it is the same in either case: the scheme; of a URN its namespace, too (RFC 8141). */
static size_t caseless_size(struct slice text)
{
	size_t scheme = find_byte(text, ':');
	bool urn = slice_eq_nocase(slice_head(text, scheme), SLICE("urn"));

	return urn ? scheme + 1 + find_byte(skip(text, scheme + 1), ':') : scheme;
}

static bool other_eq(struct slice a, struct slice b)
{
	size_t n = caseless_size(a);

	return n == caseless_size(b) && slice_eq_nocase(slice_head(a, n), slice_head(b, n)) &&
	       slice_eq(skip(a, n), skip(b, n));
}

bool sip_uri_eq(const struct sip_uri *a, const struct sip_uri *b)
{
	if (a->scheme != b->scheme)
		return false;
	switch (a->scheme) {
	case URI_SIP:
	case URI_SIPS:
		return sip_eq(a, b);
	case URI_TEL:
		return tel_eq(a, b);
	case URI_OTHER:
		break;
	}
	return other_eq(a->text, b->text);
}
