/* aor_edit.h - finding, adding and burying bindings within one decoded AOR record.
 *
 * Order is kept: bindings are listed as they came. Tombstones: one per (key, Call-ID), and the oldest
 * goes when there is no room. One by request stays beside a later binding of its own Call-ID, and in what
 * remains of that: whatever becomes of the binding, other Call-IDs were removed. */
#ifndef NODE_CORE_AOR_EDIT_H
#define NODE_CORE_AOR_EDIT_H

#include "proto/record.h"

/* What makes two contacts the same binding: instance and reg-id where both stand (RFC 5626), else the
 * push service's name for the device (RFC 8599), else URI equality (RFC 3261 10.3 step 7). */
struct contact_key {
	struct slice uri, instance;
	uint32_t reg_id;
};
bool contact_key_eq(const struct contact_key *a, const struct contact_key *b);
struct contact_key binding_key(const struct binding *b);
struct contact_key tombstone_key(const struct tombstone *t);

/* Who writes, and when: into everything that is written. */
struct stamp {
	struct pairtime now;
	uint64_t epoch;
	enum unit unit;
};

struct binding *aor_find(struct aor_record *r, const struct contact_key *key);
bool binding_is_live(const struct binding *b, struct pairtime now);
size_t aor_count_live(const struct aor_record *r, struct pairtime now);
void aor_take_out(struct aor_record *r, struct binding *b);

struct tombstone tombstone_of(const struct binding *b, enum tombstone_cause cause,
                              const struct stamp *stamp);
void aor_bury(struct aor_record *r, const struct tombstone *t);
/* The Call-ID has the contact again: only what says more than its CSeq stays. */
void aor_unbury(struct aor_record *r, const struct contact_key *key, struct slice call_id);
void aor_drop_oldest_tombstone(struct aor_record *r);

/* When the record wants to be looked at again: its first end of a binding, a tombstone or the floor;
 * where it has none of them, of a nonce. */
struct pairtime aor_record_deadline(const struct aor_record *r, int64_t nonce_lifetime_ms);

#endif
