/* answer.h - reads what regload needs of a SIP answer, with no line of the server's parser.
 *
 * Slices point into the message given. Headers may use compact names; a header folded over lines
 * is malformed here (RFC 3261 7.3.1 lets a server send one; none of those measured does). */
#ifndef TESTS_BENCH_ANSWER_H
#define TESTS_BENCH_ANSWER_H

#include "tests/bench/digest.h"

enum { ANSWER_CONTACTS_MAX = 32, ANSWER_SIZE_MAX = 64 * 1024 };

struct challenge {
	bool present, stale, qop; /* qop: "auth" is offered */
	struct slice realm, nonce, opaque;
};

struct contact {
	struct slice uri;
	bool has_expires;
	uint32_t expires;
};

struct answer {
	unsigned status;
	struct slice branch, call_id; /* branch: of the topmost Via */
	uint32_t cseq;
	struct challenge challenge; /* of the algorithm asked for */
	bool has_expires;
	uint32_t expires; /* the Expires header */
	unsigned n_contacts;
	struct contact contacts[ANSWER_CONTACTS_MAX];
};

/* False: this is no answer, or more than ANSWER_CONTACTS_MAX contacts are in it. */
bool answer_parse(struct slice message, enum algorithm algorithm, struct answer *out) MUST_CHECK;

/* The lifetime the answer gives this contact: its own parameter before the Expires header. False
 * where the contact is not listed. */
bool answer_lifetime(const struct answer *a, struct slice contact, uint32_t *seconds) MUST_CHECK;

/* For streams: the size of the first message in `in`, 0 while bytes are missing, -1 when this can
 * never become a message. */
int answer_frame(struct slice in) MUST_CHECK;

#endif
