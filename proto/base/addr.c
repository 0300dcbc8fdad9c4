#include "proto/base/addr.h"

#include <arpa/inet.h>

static size_t ip_size(enum addr_family f)
{
	return f == ADDR_IPV4 ? 4 : f == ADDR_IPV6 ? 16 : 0;
}

bool addr_same_ip(const struct addr *a, const struct addr *b)
{
	return a->family == b->family && memcmp(a->ip, b->ip, ip_size(a->family)) == 0;
}

bool addr_eq(const struct addr *a, const struct addr *b)
{
	return a->port == b->port && addr_same_ip(a, b);
}

void addr_put_ip(struct buf *to, const struct addr *a)
{
	char text[INET6_ADDRSTRLEN] = "";

	if (a->family != ADDR_NONE)
		(void)inet_ntop(a->family == ADDR_IPV4 ? AF_INET : AF_INET6, a->ip, text,
		                sizeof text);
	buf_str(to, text);
}

void addr_put(struct buf *to, const struct addr *a)
{
	bool bracketed = a->family == ADDR_IPV6;

	if (bracketed)
		buf_byte(to, '[');
	addr_put_ip(to, a);
	if (bracketed)
		buf_byte(to, ']');
	if (a->port != 0) {
		buf_byte(to, ':');
		buf_u64(to, a->port);
	}
}

static bool parse_port(struct slice text, uint16_t *port)
{
	uint32_t v = 0;

	if (text.n == 0 || text.n > 5)
		return false;
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] < '0' || text.p[i] > '9')
			return false;
		v = v * 10 + (uint32_t)(text.p[i] - '0');
	}
	*port = (uint16_t)v;
	return v > 0 && v <= UINT16_MAX;
}

static bool parse_ip(struct slice text, struct addr *out)
{
	char copy[INET6_ADDRSTRLEN];

	if (text.n == 0 || text.n >= sizeof copy || memchr(text.p, '\0', text.n) != NULL)
		return false;
	memcpy(copy, text.p, text.n);
	copy[text.n] = '\0';
	if (inet_pton(AF_INET, copy, out->ip) == 1)
		out->family = ADDR_IPV4;
	else if (inet_pton(AF_INET6, copy, out->ip) == 1)
		out->family = ADDR_IPV6;
	return out->family != ADDR_NONE;
}

/* "[IP]" or "[IP]:PORT": false where the bracket is not closed. */
static bool split_bracketed(struct slice text, struct slice *ip, struct slice *port)
{
	const uint8_t *close = memchr(text.p, ']', text.n);

	if (close == NULL)
		return false;
	size_t inside = (size_t)(close - text.p);
	*ip = (struct slice){text.p + 1, inside - 1};
	*port = slice_from(text, inside + 1);
	return port->n == 0 || port->p[0] == ':';
}

/* "IP" or "IPV4:PORT": more than one colon is an IPv6 address without a port. */
static bool split_bare(struct slice text, struct slice *ip, struct slice *port)
{
	const uint8_t *colon = memchr(text.p, ':', text.n);

	*ip = text;
	*port = (struct slice){NULL, 0};
	if (colon == NULL)
		return true;
	size_t before = (size_t)(colon - text.p);
	struct slice after = slice_from(text, before + 1);
	if (after.n > 0 && memchr(after.p, ':', after.n) != NULL)
		return true;
	*ip = slice_head(text, before);
	*port = slice_from(text, before);
	return true;
}

bool addr_parse(struct slice text, struct addr *out)
{
	struct slice ip;
	struct slice port;

	*out = (struct addr){0};
	if (text.n == 0)
		return false;
	bool split = text.p[0] == '[' ? split_bracketed(text, &ip, &port)
	                              : split_bare(text, &ip, &port);
	if (!split || !parse_ip(ip, out))
		return false;
	return port.n == 0 || parse_port(slice_from(port, 1), &out->port);
}

size_t addr_encode(const struct addr *a, uint8_t to[ADDR_BYTES_MAX])
{
	size_t n = ip_size(a->family);

	if (n == 0)
		return 0;
	memcpy(to, a->ip, n);
	to[n] = (uint8_t)(a->port >> 8);
	to[n + 1] = (uint8_t)a->port;
	return n + 2;
}

bool addr_decode(struct slice bytes, struct addr *out)
{
	*out = (struct addr){0};
	if (bytes.n == 0)
		return true;
	if (bytes.n != 6 && bytes.n != 18)
		return false;
	size_t n = bytes.n - 2;
	out->family = n == 4 ? ADDR_IPV4 : ADDR_IPV6;
	memcpy(out->ip, bytes.p, n);
	out->port = (uint16_t)(bytes.p[n] << 8 | bytes.p[n + 1]);
	return true;
}

const char *transport_name(enum transport t)
{
	static const char *const names[] = {
		[TRANSPORT_UDP] = "UDP", [TRANSPORT_TCP] = "TCP", [TRANSPORT_TLS] = "TLS",
		[TRANSPORT_WS] = "WS",   [TRANSPORT_WSS] = "WSS",
	};

	return t >= TRANSPORT_UDP && t <= TRANSPORT_WSS ? names[t] : "?";
}
