#include "node/io/config_values.h"
#include "proto/sip/header.h"
#include "proto/sip/number.h"

enum { PORT_DIGITS = 5, BITS_DIGITS = 3, IPV4_BITS = 32, IPV6_BITS = 128, DNS_SERVERS_MAX = 3 };

bool config_is_path(struct slice text)
{
	return text.n > 0 && text.p[0] == '/';
}

static bool is_letter(uint8_t c)
{
	c = ascii_lower(c);
	return c >= 'a' && c <= 'z';
}

static bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

bool config_is_word(struct slice text)
{
	for (size_t i = 0; i < text.n; i++)
		if (!is_letter(text.p[i]) && !is_digit(text.p[i]) &&
		    strchr("-_.", text.p[i]) == NULL)
			return false;
	return true;
}

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

/* At most `digits` of them, and no more than `most`. */
static bool is_number(struct slice text, size_t digits, unsigned most)
{
	unsigned value = 0;

	if (text.n == 0 || text.n > digits)
		return false;
	for (size_t i = 0; i < text.n; i++) {
		if (!is_digit(text.p[i]))
			return false;
		value = value * 10 + (unsigned)(text.p[i] - '0');
	}
	return value <= most;
}

/* RFC 3261 25.1: labels of letters, digits and hyphens; the last one begins with a letter, which tells
 * a name from an address with a slip in it. */
static bool is_host_name(struct slice text)
{
	uint8_t before = '.', last = 0;

	for (size_t i = 0; i < text.n; i++) {
		uint8_t c = text.p[i];
		if (c != '.' && c != '-' && !is_letter(c) && !is_digit(c))
			return false;
		if (before == '.' && (c == '.' || c == '-'))
			return false;
		if (before == '.')
			last = c;
		before = c;
	}
	return is_letter(last) && before != '-';
}

/* Of "host:port"; all of it where there is no port. */
static struct slice host_of(struct slice text, struct slice *port)
{
	const uint8_t *colon = memchr(text.p, ':', text.n);
	size_t n = colon == NULL ? text.n : (size_t)(colon - text.p);

	*port = slice_from(text, n);
	return slice_head(text, n);
}

bool config_is_proxy(struct slice text)
{
	struct slice port;
	struct addr address;

	if (text.n == 0 || addr_parse(text, &address))
		return true;
	struct slice host = host_of(text, &port);
	return is_host_name(host) &&
	       (port.n == 0 || (is_number(slice_from(port, 1), PORT_DIGITS, UINT16_MAX) &&
	                        !slice_eq(port, SLICE(":0"))));
}

bool config_is_aor(struct slice text)
{
	struct sip_uri uri;

	return text.n == 0 || (sip_uri_parse(text, &uri) == OK &&
	                       (uri.scheme == URI_SIP || uri.scheme == URI_SIPS) &&
	                       uri.user.n > 0 && uri.params.p == NULL && uri.headers.p == NULL);
}

static bool is_network(struct slice text)
{
	const uint8_t *slash = memchr(text.p, '/', text.n);
	size_t n = slash == NULL ? text.n : (size_t)(slash - text.p);
	struct addr address;

	if (!addr_parse(slice_head(text, n), &address) || address.port != 0)
		return false;
	return slash == NULL || is_number(slice_from(text, n + 1), BITS_DIGITS,
	                                  address.family == ADDR_IPV4 ? IPV4_BITS : IPV6_BITS);
}

bool config_is_servers(struct slice text)
{
	struct slice rest = text, element;
	struct addr address;
	size_t n = 0;

	for (; list_next(&rest, &element); n++)
		if (n == DNS_SERVERS_MAX || !addr_parse(element, &address))
			return false;
	return true;
}

bool config_is_networks(struct slice text)
{
	struct slice rest = text, element;

	while (list_next(&rest, &element))
		if (!is_network(element))
			return false;
	return true;
}
