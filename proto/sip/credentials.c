#include "proto/base/defs.h"
#include "proto/sip/header.h"
#include "proto/sip/scan.h"

enum { NC_DIGITS = 8 }; /* RFC 7616 3.4 */

/* Where the value of a parameter belongs; NULL for those nobody asks about. */
static struct slice *field_of(struct sip_credentials *c, struct slice name)
{
	const struct {
		struct slice name;
		struct slice *field;
	} known[] = {
		{SLICE("username"), &c->username}, {SLICE("realm"), &c->realm},
		{SLICE("nonce"), &c->nonce},       {SLICE("uri"), &c->uri},
		{SLICE("response"), &c->response}, {SLICE("algorithm"), &c->algorithm},
		{SLICE("cnonce"), &c->cnonce},     {SLICE("opaque"), &c->opaque},
		{SLICE("qop"), &c->qop},           {SLICE("nc"), &c->nc_text},
		{SLICE("userhash"), &c->userhash}, {SLICE("username*"), &c->username_ext},
	};

	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (slice_eq_nocase(name, known[i].name))
			return known[i].field;
	return NULL;
}

/* RFC 7616 3.4: each at most once. Which of two counts would be the client's secret. */
static bool read_one(struct slice element, struct sip_credentials *c)
{
	size_t equals = find_byte(element, '=');
	struct slice name = trim(slice_head(element, equals));
	struct slice value = trim_left(skip(element, equals + 1));
	bool quoted = starts_with(value, '"');

	if (equals == element.n || name.n == 0 || !all(name, is_token))
		return false;
	if (quoted ? quoted_size(value) != value.n : find_byte(value, '"') < value.n)
		return false;
	struct slice *field = field_of(c, name);

	if (field == NULL)
		return true;
	bool first = field->p == NULL;

	*field = quoted ? (struct slice){value.p + 1, value.n - 2} : value;
	return first;
}

static uint32_t read_nc(struct slice text)
{
	uint32_t nc = 0;

	if (text.n != NC_DIGITS || !all(text, is_hex))
		return 0;
	for (size_t i = 0; i < text.n; i++)
		nc = nc << 4 | hex_value(text.p[i]);
	return nc;
}

enum err credentials_read(struct slice value, struct sip_credentials *out)
{
	struct slice rest = value;
	struct slice scheme = take_token(&rest);
	struct slice element;

	*out = (struct sip_credentials){0};
	if (scheme.n == 0)
		return ERR_MALFORMED;
	if (!slice_eq_nocase(scheme, SLICE("Digest")))
		return ERR_UNSUPPORTED;
	if (trim_left(rest).n == rest.n)
		return ERR_MALFORMED;
	while (list_next(&rest, &element))
		if (!read_one(element, out))
			return ERR_MALFORMED;
	out->nc = read_nc(out->nc_text);
	return OK;
}
