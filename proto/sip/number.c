#include "proto/sip/number.h"

#include "proto/sip/header.h"

enum { DIGITS_MAX = 15 }; /* ITU-T E.164 */

static bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static bool is_number(struct slice s)
{
	struct slice digits = s.n > 0 && s.p[0] == '+' ? slice_from(s, 1) : s;

	for (size_t i = 0; i < digits.n; i++)
		if (!is_digit(digits.p[i]))
			return false;
	return digits.n > 0 && digits.n <= DIGITS_MAX;
}

static bool is_user(struct slice s)
{
	for (size_t i = 0; i < s.n; i++) {
		uint8_t c = ascii_lower(s.p[i]);
		bool mark = c == '+' || c == '-' || c == '_' || c == '.';

		if (!is_digit(c) && !(c >= 'a' && c <= 'z') && !mark)
			return false;
	}
	return s.n > 0;
}

/* What stands before the first `c`, which goes, too; false: there is none. */
static bool split(struct slice *s, char c, struct slice *head)
{
	const uint8_t *at = s->n > 0 ? memchr(s->p, c, s->n) : NULL;

	if (at == NULL)
		return false;
	*head = slice_head(*s, (size_t)(at - s->p));
	*s = slice_from(*s, head->n + 1);
	return true;
}

static bool range_read(struct slice element, struct number_range *out)
{
	struct slice rest = element;

	*out = (struct number_range){.prefix = false};
	if (!split(&rest, '=', &out->user) || !is_user(out->user))
		return false;
	out->prefix = rest.n > 0 && rest.p[rest.n - 1] == '*';
	if (out->prefix)
		rest = slice_head(rest, rest.n - 1);
	bool two = !out->prefix && split(&rest, '-', &out->first);
	out->last = rest;
	if (!two)
		out->first = rest;
	return is_number(out->first) && is_number(out->last) && out->first.n == out->last.n &&
	       slice_cmp(out->first, out->last) <= 0;
}

bool number_range_next(struct slice *rest, struct number_range *out, bool *bad)
{
	struct slice element;
	bool more = list_next(rest, &element);

	*bad = more && !range_read(element, out);
	return more && !*bad;
}

static bool lies_in(const struct number_range *r, struct slice number)
{
	if (r->prefix)
		return number.n > r->first.n && slice_eq(slice_head(number, r->first.n), r->first);
	return number.n == r->first.n && slice_cmp(r->first, number) <= 0 &&
	       slice_cmp(number, r->last) <= 0;
}

bool number_range_find(struct slice list, struct slice number, struct number_range *out)
{
	bool bad;

	if (!is_number(number))
		return false;
	while (number_range_next(&list, out, &bad))
		if (lies_in(out, number))
			return true;
	return false;
}
