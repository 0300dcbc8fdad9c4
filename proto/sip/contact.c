#include "proto/sip/header.h"
#include "proto/sip/scan.h"

enum {
	Q_ONE = 1000,
	Q_DIGITS = 3,
	REG_ID_MAX = INT32_MAX, /* RFC 5626 4.2 */
};

/* "0", "0.7", "1.000"; what comes after the third digit counts for nothing. */
static uint32_t read_q(struct slice text)
{
	size_t point = find_byte(text, '.');
	struct slice fraction = skip(text, point + 1);
	uint32_t whole = 0;
	uint32_t milli = 0;

	if (!decimal(slice_head(text, point), Q_ONE, &whole) || whole > 0)
		return Q_ONE;
	if (!all(fraction, is_digit))
		return Q_ONE;
	for (size_t i = 0; i < Q_DIGITS; i++)
		milli = milli * 10 + (i < fraction.n ? (uint32_t)(fraction.p[i] - '0') : 0);
	return milli;
}

static struct slice without_quotes(struct slice s)
{
	return starts_with(s, '"') ? (struct slice){s.p + 1, s.n - 2} : s;
}

static void read_params(struct slice params, struct sip_contact *out)
{
	struct slice value;

	out->has_expires = param_find(params, "expires", &value);
	if (out->has_expires)
		out->expires_s = expires_read(value);
	out->q_milli = param_find(params, "q", &value) ? read_q(value) : Q_ONE;
	if (param_find(params, "+sip.instance", &value))
		out->instance = without_quotes(value);
	if (param_find(params, "reg-id", &value))
		(void)decimal(value, REG_ID_MAX, &out->reg_id);
}

enum err contact_read(struct slice element, struct sip_contact *out)
{
	*out = (struct sip_contact){.star = slice_eq(trim(element), SLICE("*"))};
	if (out->star)
		return OK;
	enum err err = name_addr_read(element, &out->addr);

	if (err == OK)
		read_params(out->addr.params, out);
	return err;
}
