/* auth_param.h - what challenges and credentials share: the scheme, and one name=value of the list
 * behind it. Private to proto/sip. */
#ifndef PROTO_SIP_AUTH_PARAM_H
#define PROTO_SIP_AUTH_PARAM_H

#include "proto/sip/header.h"
#include "proto/sip/scan.h"

struct auth_param {
	struct slice name;
	struct slice value; /* without its quotes, backslashes kept */
	bool quoted;
};

/* Takes "Digest" and the white space behind it. ERR_UNSUPPORTED: another scheme. */
static inline enum err auth_scheme(struct slice *rest)
{
	struct slice scheme = take_token(rest);

	if (scheme.n == 0)
		return ERR_MALFORMED;
	if (!slice_eq_nocase(scheme, SLICE("Digest")))
		return ERR_UNSUPPORTED;
	return trim_left(*rest).n == rest->n ? ERR_MALFORMED : OK;
}

static inline bool auth_param_read(struct slice element, struct auth_param *out)
{
	size_t equals = find_byte(element, '=');
	struct slice value = trim_left(skip(element, equals + 1));

	out->name = trim(slice_head(element, equals));
	out->quoted = starts_with(value, '"');
	if (equals == element.n || out->name.n == 0 || !all(out->name, is_token))
		return false;
	if (out->quoted ? quoted_size(value) != value.n : find_byte(value, '"') < value.n)
		return false;
	out->value = out->quoted ? (struct slice){value.p + 1, value.n - 2} : value;
	return true;
}

#endif
