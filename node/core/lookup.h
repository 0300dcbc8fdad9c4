/* lookup.h - where requests to a SIP host go: RFC 3263 section 4 as questions to the DNS, one by one.
 *
 *	a numeric host           no question
 *	a port is given          A, AAAA
 *	a transport is given     SRV of that transport, or A, AAAA where there is none
 *	else                     NAPTR; SRV of the service it prefers; without NAPTR those of UDP, TCP
 *	                         and TLS until one is there; without SRV A, AAAA
 *
 * An unfit NAPTR or SRV record is no record. A server that fails ends the lookup: a wrong transport would
 * come of guessing. At most 100 questions. */
#ifndef NODE_CORE_LOOKUP_H
#define NODE_CORE_LOOKUP_H

#include "node/core/dns.h"

enum {
	TARGETS_MAX = 16,
	TARGET_NAME_MAX = 255,
	TARGET_HOST_MAX = TARGET_NAME_MAX - 11, /* "_sips._tcp." stands before it */
	TARGET_SERVICES = 3,
};

struct target_goal {
	struct slice host;        /* a name or an address, IPv6 with or without brackets */
	uint16_t port;            /* 0: none is given */
	enum transport transport; /* 0: none is given. UDP, TCP or TLS */
	bool sips;                /* nothing but TLS */
	enum addr_family family;  /* of the address requests leave from; ADDR_NONE: any */
};

/* "host", "host:5070", "192.0.2.1:5070", "[2001:db8::1]:5070": host and port; the rest is the caller's.
 * False: no host, or no port, where one must be. */
bool target_goal_read(struct slice proxy, struct target_goal *goal) MUST_CHECK;

struct target {
	struct addr addr;
	enum transport transport;
	uint16_t priority; /* of its SRV record; those of one priority come in their random order */
};

enum lookup_outcome {
	LOOKUP_FOUND,
	LOOKUP_NOTHING, /* no such name, no address, or none of the family */
	LOOKUP_FAILED,  /* the DNS did not answer everything: what was found may be a part */
};

struct target_name {
	uint8_t n;
	uint8_t text[TARGET_NAME_MAX];
};

struct lookup {
	enum lookup_step {
		LOOKUP_DONE,
		LOOKUP_NAPTR,
		LOOKUP_SRV,
		LOOKUP_A,
		LOOKUP_AAAA,
	} step;
	struct target_name host;
	enum transport given; /* 0: none */
	bool secure;
	enum addr_family family;
	uint64_t random;

	struct target_service {
		enum transport transport;
		struct target_name name; /* of its SRV records */
	} services[TARGET_SERVICES];
	size_t n_services, service; /* the one asked about */
	bool offered;               /* there is an SRV record: the bare host means nothing */

	struct target_place {
		uint16_t priority, weight, port;
		struct target_name name;
	} places[TARGETS_MAX];
	size_t n_places, place; /* the one asked about */
	enum transport transport;
	unsigned failures; /* of the questions about places */

	/* The result, once nothing is asked any more. */
	enum lookup_outcome outcome;
	struct target found[TARGETS_MAX];
	size_t n_found;
	uint32_t ttl_s; /* the least of what it rests on; UINT32_MAX: it rests on no DNS */
};

void lookup_begin(struct lookup *l, const struct target_goal *goal, uint64_t random);
bool lookup_asks(const struct lookup *l, struct dns_question *out); /* its name lies in l */
void lookup_take(struct lookup *l, const struct dns_answer *a);

#endif
