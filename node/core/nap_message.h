/* nap_message.h - the text of what a NAP is sent, and the meaning of what it answers.
 *
 * The record says it all: a REGISTER is written from the record as it was logged, so that the other node
 * could have written the same one. Nothing is decided here. */
#ifndef NODE_CORE_NAP_MESSAGE_H
#define NODE_CORE_NAP_MESSAGE_H

#include "node/core/nap.h"
#include "proto/sip/message.h"

/* What one sending has of its own. */
struct nap_sending {
	enum transport transport;
	struct addr local;               /* the Via names it */
	uint64_t branch;                 /* random; of a poll the Call-ID and the From tag, too */
	uint32_t expires_s;              /* 0: take the binding away */
	struct slice remote_tag, remote; /* SUBSCRIBE: of its dialog; n == 0: it begins one */
};

/* The Contact's URI: "sip:USER@LOCAL", for `gin` "sip:LOCAL;bnc", over streams with its transport.
 * False: the AOR cannot be read, or there is no room. */
bool nap_contact(const struct nap_options *o, enum transport transport, const struct addr *local,
                 struct buf *to) MUST_CHECK;

/* The Request-URI: the record's registrar, else the domain of its AOR. False as above. */
bool nap_registrar(const struct nap_record *r, struct buf *to) MUST_CHECK;
/* "<urn:uuid:...>", what +sip.instance says of the record's instance. */
void nap_put_instance(struct buf *to, uint64_t instance);

/* "REGISTER" with the record's Call-ID, From tag, CSeq, AOR and Contact. Credentials are for the
 * challenges that nap_answer_challenges named. False: the record's AOR or Contact is no URI, the user no
 * name, or there is no room. */
bool nap_write_register(const struct nap_options *o, const struct nap_record *r,
                        const struct nap_sending *s, struct digester *d, struct buf *to) MUST_CHECK;
/* A poll of the proxy. False: what is configured makes no URI, or there is no room. */
bool nap_write_options(const struct nap_options *o, const struct nap_sending *s,
                       struct buf *to) MUST_CHECK;

/* "SUBSCRIBE" to the registration of the record's AOR (RFC 3680). Call-ID, From tag, CSeq, routes and challenges
 * are those of the record that is given: its dialog's own. False as above. */
bool nap_write_subscribe(const struct nap_options *o, const struct nap_record *r,
                         const struct nap_sending *s, struct digester *d,
                         struct buf *to) MUST_CHECK;

/* A final answer to the newest REGISTER. Borrows from the message and the arena; texts are of one line
 * and fit into a record. */
struct nap_answer {
	uint16_t status;
	struct slice reason;
	/* 2xx: C24-C34 */
	bool bound;             /* our Contact is in the list, or nothing says otherwise */
	uint32_t granted_s;     /* bound: the lowest of asked and granted, 1 at least; else 0 */
	bool rewritten;         /* our Contact came back as another one */
	bool assumed;           /* it said neither Contact nor Expires: what was asked counts */
	bool listed_without_us; /* other Contacts came, ours did not: not bound */
	struct slice service_route[NAP_ROUTES_MAX];
	size_t n_routes;
	struct slice path, gruu_pub, gruu_temp;
	/* 401, 407 */
	struct sip_challenge
		challenges[NAP_CHALLENGES_MAX]; /* to be answered; none: no credentials */
	size_t n_challenges;
	bool stale;      /* one of them at least: the nonce had ended */
	bool same_nonce; /* the newest REGISTER answered just these nonces, and none is stale: the
	                    credentials are wrong */
	/* others */
	uint32_t min_expires_s; /* 423; 0: absent or unreadable */
	bool has_retry_after;
	uint32_t retry_after_s;
	struct slice redirect; /* 301, 302: the Request-URI to follow to; n == 0: there is none */
	struct slice unsupported; /* 420: the options, as a list */
};
void nap_read_answer(const struct sip_msg *m, const struct nap_options *o,
                     const struct nap_record *r, struct arena *arena, struct nap_answer *out);

/* Takes the answer's challenges into the record, to be answered next, together with those that the newest
 * REGISTER answered (a proxy's and the registrar's). Those of the same realm give way, others stay for their
 * counts; the oldest goes where there is no room. */
void nap_take_challenges(struct nap_record *r, const struct nap_answer *a);
/* The REGISTER whose CSeq the record now has answers the challenges that are due, or all there are, and
 * their nonces are counted on: to be done before it is logged and written. `cnonce` is random, for fresh
 * nonces. */
void nap_answer_challenges(struct nap_record *r, bool all, uint64_t cnonce);

#endif
