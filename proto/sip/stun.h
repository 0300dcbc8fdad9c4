/* stun.h - the answer to the keep-alive of a flow over UDP (RFC 5626 4.4.2 and 8): a STUN Binding request
 * that comes to the port of SIP gets a Binding success response (RFC 8489), no other STUN is known. */
#ifndef PROTO_SIP_STUN_H
#define PROTO_SIP_STUN_H

#include "proto/base/addr.h"

enum { STUN_ANSWER_MAX = 44 }; /* bytes, of IPv6 */

/* A whole Binding request; its first byte tells it from any SIP message. */
bool stun_is_request(struct slice bytes) MUST_CHECK;
/* What it is answered: the source it came from, as XOR-MAPPED-ADDRESS. `to` has STUN_ANSWER_MAX room. */
void stun_answer(struct slice request, const struct addr *source, struct buf *to);

#endif
