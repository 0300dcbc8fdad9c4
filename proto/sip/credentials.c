#include "proto/base/defs.h"
#include "proto/sip/auth_param.h"

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
	struct auth_param p;

	if (!auth_param_read(element, &p))
		return false;
	struct slice *field = field_of(c, p.name);

	if (field == NULL)
		return true;
	bool first = field->p == NULL;

	*field = p.value;
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
	struct slice element;
	enum err err = auth_scheme(&rest);

	*out = (struct sip_credentials){0};
	if (err != OK)
		return err;
	while (list_next(&rest, &element))
		if (!read_one(element, out))
			return ERR_MALFORMED;
	out->nc = read_nc(out->nc_text);
	return OK;
}
