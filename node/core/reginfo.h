/* reginfo.h - the state of one AOR as application/reginfo+xml (RFC 3680 5, RFC 5628). */
#ifndef NODE_CORE_REGINFO_H
#define NODE_CORE_REGINFO_H

#include "node/core/gruu.h"

struct reginfo {
	struct slice aor;
	const struct aor_record *record;
	struct gruu_keys gruus;
	bool gruu; /* the reader knows them */
	bool full; /* else: what changed, which is all of this one registration */
	uint32_t version;
	struct pairtime now;
	/* Ids of the contacts that the reader was told are bound, and when: what is not any more is shown
	 * as ended, once. */
	const uint64_t *told;
	size_t n_told;
	struct pairtime told_at;
};
void reginfo_put(struct buf *to, const struct reginfo *r);

/* Of the contacts that are bound now. */
size_t reginfo_ids(const struct aor_record *record, struct pairtime now,
                   uint64_t out[AOR_BINDINGS_MAX]);

/* A hash of what a document would tell of these bindings, whatever the time. */
uint64_t reginfo_hash(const struct aor_record *record);

#endif
