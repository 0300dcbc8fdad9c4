/* dns.h - one question to the DNS and its answer, as values. lookup.h asks (RFC 3263), node/io/dns.h
 * carries it out. */
#ifndef NODE_CORE_DNS_H
#define NODE_CORE_DNS_H

#include "proto/base/addr.h"

enum { DNS_RECORDS_MAX = 32 }; /* of one answer; further ones are left out */

enum dns_type { DNS_A, DNS_AAAA, DNS_SRV, DNS_NAPTR };

struct dns_question {
	enum dns_type type;
	struct slice name;
};

enum dns_outcome {
	DNS_FOUND,
	DNS_NOTHING, /* there is no such name, or it has no record of this type */
	DNS_FAILED,  /* no server answered, or none could: ask again */
};

struct dns_record {
	uint32_t ttl_s;
	struct addr addr;            /* A, AAAA; its port is 0 */
	struct slice name;           /* SRV: target; NAPTR: replacement; the root is "" */
	struct slice service, flags; /* NAPTR: "SIP+D2U", "s" */
	uint16_t priority, weight;   /* SRV; NAPTR: order and preference */
	uint16_t port;               /* SRV */
};

struct dns_answer {
	enum dns_outcome outcome;
	struct dns_record records[DNS_RECORDS_MAX];
	size_t n;
};

#endif
