/* sip_tls.h - TLS towards other SIP systems: who they must be (RFC 5922).
 *
 * The chain must end in the system's store of CAs, or in `tls.ca_file` where that is configured; TLS 1.2
 * at least. The certificate must name the host that was meant: by a URI `sip:host` of its
 * subjectAltName; where it has none of these by a DNS name there; without any subjectAltName by its
 * common name; an address by an IP there. No wildcards. What is not verified never stands. */
#ifndef NODE_IO_SIP_TLS_H
#define NODE_IO_SIP_TLS_H

#include "node/io/config.h"
#include "node/io/tls_stream.h"

struct sip_tls;

/* NULL: the fault says why and what helps. */
struct sip_tls *sip_tls_open(const struct config *c, char fault[TLS_FAULT_MAX]);
void sip_tls_close(struct sip_tls **t);

/* As the client; `name`: the host that the other side must be. */
struct tls_stream *sip_tls_stream(struct sip_tls *t, int fd, struct slice name);

#endif
