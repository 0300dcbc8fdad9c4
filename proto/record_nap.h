/* record_nap.h - the record of one NAP: what the other node needs to go on as the same client (table
 * `nap`, its key is the NAP's name). */
#ifndef PROTO_RECORD_NAP_H
#define PROTO_RECORD_NAP_H

#include "proto/record.h"
#include "proto/sip/challenge.h"

enum {
	NAP_CHALLENGES_MAX = 4,
	NAP_ROUTES_MAX = 8,
	NAP_TEXT_MAX = 1024, /* bytes of each text but those of challenges */
};

/* What a NAP does now. Numbers are stored, never reused. */
enum nap_phase {
	NAP_IDLE = 1,      /* nothing is to be registered */
	NAP_REGISTERING,   /* a REGISTER is on its way: its outcome is unknown */
	NAP_REGISTERED,    /* until the refresh is due */
	NAP_WAITING,       /* refused, or no answer: tried again after a pause */
	NAP_UNREGISTERING, /* the binding is being taken away */
};
const char *nap_phase_name(enum nap_phase p); /* "registering"; "?" outside the list */

/* A challenge to be answered, or that was: kept for the count of its nonce, which may come again. */
struct nap_challenge {
	struct sip_challenge asked;
	bool due;        /* the next REGISTER answers it */
	uint32_t nc;     /* how often its nonce was used; 0: never yet */
	uint32_t cseq;   /* of the newest REGISTER that answered it; 0: none */
	uint64_t cnonce; /* of all answers to this nonce */
	struct unknown_fields unknown;
};

/* Phases other than idle have a Call-ID, a From tag, a CSeq, an AOR and a Contact. */
struct nap_record {
	struct slice call_id, from_tag;
	uint32_t cseq; /* of the newest REGISTER, below 2**31 */
	enum nap_phase phase;
	struct slice why;         /* text for people */
	struct pairtime since;    /* in this phase */
	struct pairtime sent;     /* the newest REGISTER */
	struct pairtime until;    /* the binding lapses; 0: there is none */
	struct pairtime due;      /* what is next: refresh, or another try; 0: at once */
	uint32_t granted_s;       /* 0: nothing */
	uint32_t ask_s;           /* asked for; more than configured after a 423 */
	uint32_t attempts;        /* since it was registered last */
	struct slice aor;         /* as registered: "sip:user@host" */
	struct slice contact;     /* ... its URI */
	struct slice registrar;   /* the Request-URI; n == 0: the domain of the AOR */
	uint64_t instance;        /* what +sip.instance is made of; 0: there is none */
	uint32_t reg_id;          /* 0: no outbound */
	struct addr target;       /* of the newest REGISTER */
	enum transport transport; /* ... 0: none yet */
	uint16_t last_status;     /* 0: no answer yet */
	struct slice last_reason;
	struct nap_challenge challenges[NAP_CHALLENGES_MAX];
	size_t n_challenges;
	struct slice service_route[NAP_ROUTES_MAX]; /* of the newest 2xx, as those behind it */
	size_t n_routes;
	struct slice path, gruu_pub, gruu_temp;
	bool available; /* the last word of polling */
	struct pairtime available_since;
	uint64_t epoch; /* of the reign that wrote it */
	enum unit unit;
	struct unknown_fields unknown;
};

/* As those of record.h. */
enum err nap_decode(struct slice bytes, struct arena *arena, struct nap_record *out) MUST_CHECK;
void nap_encode(const struct nap_record *r, struct buf *to);

#endif
