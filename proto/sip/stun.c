#include "proto/sip/stun.h"

#include <assert.h>

/* RFC 8489 section 5, 14.2 */
enum {
	HEAD = 20,
	ID_AT = 4, /* the magic cookie and the transaction id: 16 bytes */
	BINDING_REQUEST = 0x0001,
	BINDING_SUCCESS = 0x0101,
	XOR_MAPPED_ADDRESS = 0x0020,
	FAMILY_IPV4 = 1,
	FAMILY_IPV6 = 2,
	COOKIE_HIGH = 0x2112, /* what a port is turned by */
};
static const uint8_t cookie[] = {0x21, 0x12, 0xa4, 0x42};

static unsigned u16_at(struct slice s, size_t at)
{
	return (unsigned)s.p[at] << 8 | s.p[at + 1];
}

bool stun_is_request(struct slice bytes)
{
	return bytes.n >= HEAD && u16_at(bytes, 0) == BINDING_REQUEST &&
	       memcmp(bytes.p + ID_AT, cookie, sizeof cookie) == 0 &&
	       u16_at(bytes, 2) == bytes.n - HEAD && bytes.n % 4 == 0;
}

void stun_answer(struct slice request, const struct addr *source, struct buf *to)
{
	bool is_v4 = source->family == ADDR_IPV4;
	size_t size = is_v4 ? 4 : 16;

	assert(request.n >= HEAD && to->room - to->n >= STUN_ANSWER_MAX);
	buf_uint(to, BINDING_SUCCESS, 2);
	buf_uint(to, 8 + size, 2);
	buf_put(to, (struct slice){request.p + ID_AT, HEAD - ID_AT});
	buf_uint(to, XOR_MAPPED_ADDRESS, 2);
	buf_uint(to, 4 + size, 2);
	buf_uint(to, is_v4 ? FAMILY_IPV4 : FAMILY_IPV6, 2);
	buf_uint(to, source->port ^ (unsigned)COOKIE_HIGH, 2);
	for (size_t i = 0; i < size; i++)
		buf_byte(to, source->ip[i] ^ request.p[ID_AT + i]);
}
