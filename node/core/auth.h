/* auth.h - digest authentication without memory of its own (RFC 7616, 8760).
 *
 * A nonce is "<pair time in ms, 12 hex digits><chance, 8><keyed hash over both and the realm, 24>", so that
 * both nodes of a pair can check what either gave. By chance two phones of one user that are challenged in
 * the same millisecond do not get the same one, of which the second would be taken for a replay. A nonce
 * leaves when its secret is committed. The newest secret makes nonces, the newest four check them. Which
 * nonce-counts were used is in the AOR's record. */
#ifndef NODE_CORE_AUTH_H
#define NODE_CORE_AUTH_H

#include "node/core/serve.h"
#include "proto/sip/digest.h"
#include "proto/sip/header.h"

enum {
	NONCE_SIZE = 44,
	SECRETS_MAX = 4,
	NONCE_FUTURE_MS = 10 * 1000, /* ahead of the pair clock by more is no nonce of ours */
};

/* The newest secrets, newest first: a copy of what table `secret` holds. */
struct secrets {
	struct secret_key {
		uint64_t id;
		uint8_t key[DIGEST_KEY_SIZE];
	} newest[SECRETS_MAX];
	size_t n;
	uint64_t seq;           /* the last entry among them */
	uint64_t count, digest; /* of the table as it was read */
};
/* Reads the table again if it changed. */
void secrets_follow(struct secrets *s, const struct copy *copy, struct arena *arena);

struct auth_context {
	struct digester *digester;
	const struct secrets *secrets;
	const struct domain_policy *policy; /* its name is the realm */
	int64_t nonce_lifetime_ms;
	struct pairtime now;
	uint32_t chance; /* another one for every nonce */
};

/* There must be a secret. */
void auth_make_nonce(const struct auth_context *ctx, char out[NONCE_SIZE + 1]);

/* Is this algorithm offered to the users of a domain? With it goes its -sess form. */
bool auth_offers(enum digest_offer offer, enum digest_algorithm a);

/* The Digest credentials for our realm among the Authorization lines; others count as absent (D12,
 * D13), and so do those with an algorithm that is not offered (D2). */
bool auth_find(const struct sip_msg *m, const struct domain_policy *policy,
               struct sip_credentials *out, struct digest_form *form);

/* Who it says it is, in the arena: `username` with its quoted pairs undone (D11), the text of username*
 * (UTF-8 alone), or, where the name is a hash, `expected` if it is the hash of that. n == 0: nobody. */
struct slice auth_user(const struct auth_context *ctx, const struct sip_credentials *given,
                       struct digest_form form, struct slice expected, struct arena *arena);

enum auth_result {
	AUTH_OK,
	AUTH_WRONG,   /* to be challenged anew */
	AUTH_STALE,   /* right, but the nonce has ended: anew, and said so (D6) */
	AUTH_BAD_URI, /* made for another request (D7): 400 */
};
struct auth_question {
	const struct sip_msg *request;
	const struct sip_credentials *given;
	struct digest_form form;
	const struct subscriber_record *who; /* NULL: nobody of that name; costs the same time */
	const struct aor_record *record;     /* whose nonces were checked before */
};
/* `*issued`: when the nonce was made. */
enum auth_result auth_check(const struct auth_context *ctx, const struct auth_question *q,
                            struct pairtime *issued);

/* Was this nonce-count taken before, or is it too far below the highest to know (D5)? */
bool nonce_replayed(const struct aor_record *record, struct slice nonce, uint32_t nc);
/* Notes it as taken; nonces that have ended are dropped, and the oldest where there is no room. */
void nonce_take(const struct auth_context *ctx, struct aor_record *record, struct slice nonce,
                uint32_t nc, struct pairtime issued);

#endif
