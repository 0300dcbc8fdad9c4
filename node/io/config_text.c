#include "node/io/config_keys.h"
#include "proto/sip/header.h"
#include "proto/sip/number.h"

/* RFC 3608: each of them a name-addr with a SIP URI in < >, loose routing asked for. */
bool config_is_route(struct slice text)
{
	struct slice rest = text, element, lr;
	struct sip_name_addr name;
	struct sip_uri uri;

	while (list_next(&rest, &element))
		if (memchr(element.p, '<', element.n) == NULL ||
		    name_addr_read(element, &name) != OK || sip_uri_parse(name.uri, &uri) != OK ||
		    uri.host.n == 0 || !sip_uri_param(&uri, "lr", &lr))
			return false;
	return true;
}

bool config_is_numbers(struct slice text)
{
	struct number_range range;
	bool bad;

	while (number_range_next(&text, &range, &bad))
		;
	return !bad;
}
