/* reply.h - writes the response to a request: Via lines in their order with received and rport
 * filled in (RFC 3261 18.2.1, RFC 3581), From, To with a tag, Call-ID, CSeq copied (R41-R43), then
 * whatever headers the caller adds, then Content-Length: 0. */
#ifndef PROTO_SIP_REPLY_H
#define PROTO_SIP_REPLY_H

#include "proto/base/addr.h"
#include "proto/sip/message.h"

/* Starts the answer. `to_tag` is added where the To has none yet (n == 0: never, for a 100).
 * `reason` NULL: the RFC's phrase. Usable on requests that sip_check refused, too: what can be
 * copied is. */
void reply_begin(struct buf *to, const struct sip_msg *request, const struct flow *flow,
                 uint16_t status, const char *reason, struct slice to_tag);
void reply_header(struct buf *to, const char *name, struct slice value);
void reply_end(struct buf *to); /* Content-Length: 0 and the empty line */

/* Where the answer goes on UDP: the source address; its source port with rport, else the sent-by port
 * or 5060 (RFC 3261 18.2.2, RFC 3581 section 4). */
struct addr reply_target(const struct sip_msg *request, const struct flow *flow);

const char *sip_reason(uint16_t status); /* "OK"; "Unknown" where the RFCs have none */

#endif
