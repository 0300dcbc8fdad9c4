/* nap.h - a NAP (a provider's proxy, a trunk) as it is configured, and what an operator sees of it.
 *
 * This system registers itself there and polls it with OPTIONS. What has to outlive a node is its record
 * (proto/record_nap.h); the machine that keeps it registered is nap_client.h. */
#ifndef NODE_CORE_NAP_H
#define NODE_CORE_NAP_H

#include "proto/record_nap.h"

enum {
	NAPS_MAX = 4096,
	NAP_NAME_MAX = 64, /* bytes; the key of its record */
};

/* Borrowed, texts too, until another NODE_NAPS has been taken. Times in ms but for expires_s. */
struct nap_options {
	struct slice name;
	struct slice
		proxy; /* host or address, perhaps `:port`; n == 0: an open NAP: nothing is sent there */
	struct slice address_to_register; /* the AOR, "sip:user@host" */
	struct slice user, password,
		realm; /* user n == 0: that of the AOR; realm n == 0: of the first challenge */
	enum transport transport; /* 0: as DNS says, UDP where it says nothing (RFC 3263 4.1) */
	struct addr
		local; /* requests leave from here, and the Contact names it: the virtual address */
	bool registers;                 /* "Register to Proxy?" */
	bool ignore_realm;              /* credentials for a challenge of any realm */
	bool reuse_challenge;           /* answer the last challenge ahead, its nonce counted on */
	bool gin;                       /* Contact with `bnc` (RFC 6140) */
	bool outbound;                  /* instance and reg-id (RFC 5626) */
	bool polls;                     /* "Poll Remote Proxy?" */
	bool reg_event;                 /* asks to be told when the registrar ends it (RFC 3680) */
	bool any_response_is_available; /* else 2xx, 3xx and 4xx */
	uint32_t expires_s;             /* asked for: 3600 */
	uint32_t refresh_percent;       /* of the lowest time negotiated: 50 */
	int64_t retry_ms,
		retry_max_ms; /* 5 s; where the latter is more, retries double up to it, with jitter */
	int64_t timeout_ms;                                       /* of one REGISTER: 32 s */
	int64_t poll_first_ms, poll_interval_ms, poll_timeout_ms; /* 5 s, 60 s, 12 s */
	uint32_t poll_max_forwards;                               /* 1 */
};

struct nap_list {
	const struct nap_options *at;
	size_t n;
};

/* One NAP as the operator sees it; the first four as the reference system calls them. */
struct nap_view {
	bool register_to_proxy, registered, poll_remote_proxy, is_available;
	struct slice name, target; /* the latter as text, with transport; n == 0: none yet */
	enum nap_phase phase;
	struct slice why;     /* of the phase: "refused", "no answer", "no such name" ... */
	int64_t since_ms;     /* how long it has been in it */
	uint32_t granted_s;   /* 0: nothing */
	int64_t next_ms;      /* until something is sent by itself; below 0: nothing is */
	uint16_t last_status; /* 0: never an answer */
	struct slice last_reason;
	uint32_t attempts; /* since it was registered last */
};

#endif
