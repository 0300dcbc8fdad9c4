/* merge_order.h - which of two parts of an AOR's record is the newer (design.md section 8).
 *
 * The `_cmp` functions are total orders over everything a part holds (of unknown fields only their
 * number), the newer stamp last: 0 means that both are the same write. Their arguments are void for
 * the sake of one sort. */
#ifndef NODE_CORE_MERGE_ORDER_H
#define NODE_CORE_MERGE_ORDER_H

#include "node/core/aor_edit.h"

typedef int part_cmp_fn(const void *a, const void *b);
int binding_cmp(const void *a, const void *b);   /* struct binding */
int tombstone_cmp(const void *a, const void *b); /* struct tombstone */
int nonce_cmp(const void *a, const void *b);     /* struct nonce_use, the later issued last */
int floor_cmp(const struct floor *a, const struct floor *b);

/* Of one contact: does the first end the second? Keys are the caller's to compare. */
bool binding_beats(const struct binding *a, const struct binding *b);
bool tombstone_beats(const struct tombstone *t, const struct binding *b);
bool floor_beats(const struct floor *f, const struct binding *b);

/* One tombstone for two of one key and Call-ID: removes what either removes. */
struct tombstone tombstone_join(const struct tombstone *a, const struct tombstone *b);

/* One nonce's use on both sides: what either has taken is taken. */
struct nonce_use nonce_join(const struct nonce_use *a, const struct nonce_use *b);

#endif
