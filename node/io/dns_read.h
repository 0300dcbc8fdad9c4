/* dns_read.h - the bytes of a DNS answer (RFC 1035, 2782, 3403) as a value. */
#ifndef NODE_IO_DNS_READ_H
#define NODE_IO_DNS_READ_H

#include "node/core/dns.h"
#include "proto/base/arena.h"
#include "proto/base/err.h"

/* A lifetime of its own for the whole: names lie in the arena, texts in the message. Records of other types
 * are passed over, but a CNAME's lifetime bounds those it leads to. ERR_MALFORMED: it ends too early, or a
 * name in it is none. */
enum err dns_read(struct slice message, enum dns_type type, struct arena *arena,
                  struct dns_answer *out) MUST_CHECK;

uint16_t dns_type_number(enum dns_type type); /* as the wire has it */

#endif
