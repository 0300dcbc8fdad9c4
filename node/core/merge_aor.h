/* merge_aor.h - the AOR's part of merge.h: two decoded records into one. */
#ifndef NODE_CORE_MERGE_AOR_H
#define NODE_CORE_MERGE_AOR_H

#include "node/core/merge_order.h"

enum merge_side { SIDE_OURS = 1, SIDE_THEIRS = 2 }; /* bits */

struct aor_join {
	const struct aor_record *ours, *theirs;
	struct aor_record *joined;
	unsigned same_as; /* enum merge_side: whose record has just what the joined one has */
};

/* Fills `joined`, and `same_as`. Borrows from both. False: the arena is full. */
bool aor_join(struct aor_join *j, struct arena *arena);

/* The bytes; what does not fit into RECORD_MAX is dropped from the record (merge.h says in which
 * order). Empty: the arena is full. */
struct slice aor_encode_fitting(struct aor_record *r, struct arena *arena);

#endif
