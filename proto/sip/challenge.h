/* challenge.h - the client's side of digest (RFC 7616, 8760, 2617): what a server asks for is read, the
 * challenges to be answered are chosen, and the credentials written. */
#ifndef PROTO_SIP_CHALLENGE_H
#define PROTO_SIP_CHALLENGE_H

#include "proto/sip/digest.h"

enum {
	CHALLENGE_TEXT_MAX = 1024, /* bytes of each of its texts; a longer one is not answered */
	CHALLENGES_READ_MAX = 16,  /* of one answer; further ones are passed over */
};

/* Borrowed. Texts are as they were written, backslashes kept, without quotes around them. */
struct sip_challenge {
	bool proxy; /* of a Proxy-Authenticate */
	bool stale; /* the nonce has ended, the credentials were right */
	struct slice realm, nonce;
	struct slice opaque;    /* n == 0: none to give back */
	struct slice algorithm; /* n == 0: absent, which is MD5 */
	struct slice qop;       /* the list; n == 0: absent, the form of RFC 2069 */
};

/* The value of a WWW-Authenticate or Proxy-Authenticate. ERR_UNSUPPORTED: another scheme;
 * ERR_TOO_BIG: one of its texts. What could not be written back as it is, is malformed. */
enum err challenge_read(struct slice value, struct sip_challenge *out) MUST_CHECK;

/* Is there an algorithm and a quality of protection in it that we can do? */
bool challenge_is_known(const struct sip_challenge *c);
/* Of one realm and the same kind: what is answered by one line of credentials. */
bool challenge_same_realm(const struct sip_challenge *a, const struct sip_challenge *b);

/* Whose challenges are answered: those of `realm`; of any realm with `any_realm`; else, where there is
 * no realm, those of the first one of each kind. */
struct challenge_wish {
	struct slice realm;
	bool any_realm;
};
/* Of those of one answer, in their order: the topmost known one of each realm that is wished (RFC 8760
 * 2.4). At most `max`; how many. */
size_t challenge_choose(const struct sip_challenge *all, size_t n,
                        const struct challenge_wish *wish, struct sip_challenge *out, size_t max);

struct challenge_answer {
	const struct sip_challenge *challenge; /* a known one */
	struct slice user, password;           /* bare: quotes are written by us */
	struct slice method, uri, body;
	uint32_t nc; /* from 1 for each nonce; without qop it is not written */
	struct slice
		cnonce; /* the same for all answers to one nonce: right for both readings of -sess */
};
/* Writes the line "Authorization: ..." or "Proxy-Authorization: ...", its CR LF included. `auth` is
 * preferred to `auth-int`. */
void challenge_answer(struct digester *d, const struct challenge_answer *a, struct buf *to);

#endif
