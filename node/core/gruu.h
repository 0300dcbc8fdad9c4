/* gruu.h - the globally routable names of one instance of an AOR (RFC 5627).
 *
 * Public: the AOR with the instance in `gr`; for ever the same. Temporary: the AOR, the instance, the
 * Call-ID and the moment of the registration, sealed under a secret of the pair, so that any node that
 * has the secrets can open it and nobody else learns anything (A.2); a new one for each REGISTER, good
 * until the instance registers under another Call-ID or has no binding left.
 *
 * A PBX that registers its numbers at once (`bnc`, RFC 6140 7.1) makes GRUUs for its phones out of its own: it
 * gets a public one without a user, and in place of a temporary one a cookie to put into those that it makes. */
#ifndef NODE_CORE_GRUU_H
#define NODE_CORE_GRUU_H

#include "node/core/aor_edit.h"
#include "node/core/auth.h"

/* What seals and opens; borrowed. There must be a secret to seal with. */
struct gruu_keys {
	struct digester *digester;
	const struct secrets *secrets;
};

/* A contact for all numbers of a PBX. */
bool gruu_is_bulk(const struct binding *b);
/* All write nothing where the binding has no instance. `aor` is the key of the record. A PBX has a
 * cookie, others have a temporary GRUU. */
void gruu_put_public(struct buf *to, struct slice aor, const struct binding *b);
void gruu_put_temporary(const struct gruu_keys *keys, struct buf *to, struct slice aor,
                        const struct binding *b);
void gruu_put_cookie(const struct gruu_keys *keys, struct buf *to, struct slice aor,
                     const struct binding *b);

enum gruu_kind {
	GRUU_NONE, /* no GRUU: an AOR, or anything else */
	GRUU_PUBLIC,
	GRUU_TEMPORARY,
	GRUU_UNKNOWN, /* says it is a temporary one, and no secret of ours opens it */
};
struct gruu {
	enum gruu_kind kind;
	struct slice aor; /* the key of its record, in the arena; GRUU_NONE, GRUU_UNKNOWN: unset */
	struct slice instance; /* PUBLIC: as in +sip.instance, with < >, in the arena */
	bool of_pbx;           /* TEMPORARY: made by a PBX, around its cookie */
	struct {
		uint8_t instance[8], call_id[8]; /* TEMPORARY: hashes */
		struct pairtime made;
	} sealed;
};
/* What a Request-URI or Contact means. ERR_UNSUPPORTED: neither sip nor sips; ERR_TOO_BIG, ERR_MALFORMED
 * as sip_aor. */
enum err gruu_read(const struct gruu_keys *keys, const struct sip_uri *uri, struct arena *arena,
                   struct gruu *out) MUST_CHECK;

/* Does the GRUU stand for the instance of this binding, and (temporary ones) is it still good? */
bool gruu_means(const struct gruu_keys *keys, const struct gruu *g, const struct binding *b);

#endif
