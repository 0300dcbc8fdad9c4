/* merge.h - two versions of one record, from the two sides of a fork, made one (design.md section 8).
 *
 * Pure, idempotent and, but for who is called `ours`, commutative: both sides compute the same record.
 * AORs are merged binding by binding (identity: instance + reg-id, then URI equality):
 *   - same Call-ID: the higher CSeq wins, tombstones of cause `request` and the floor of a `*` included;
 *   - equal CSeq, another Call-ID, or a tombstone of cause `operator`: the newest of (pair time, epoch,
 *     unit) wins; on a tie what was removed stays so;
 *   - a removal by request outlives what the same Call-ID registers after it: others stay removed;
 *   - absence without a tombstone or floor means "did not know it" and keeps the other's binding;
 *     tombstones of cause `expired` end only what has a lower CSeq of their own Call-ID, those of
 *     cause `replaced` count against their own Call-ID only; a floor removes what was stamped earlier;
 *   - what a binding's own record has buried or floored came before that binding, whatever the stamps;
 *   - tombstones, floor and nonces are joined, the newest kept where there are too many.
 * Subscribers: the whole record with the later pair time, `gone` included. Watchers: the union; of one dialog the
 * higher version. NAPs: the whole record with the higher CSeq; what it held for registered is asked
 * again, whoever of the two had it. Secrets: the union; a key is added, never replaced. A side without
 * the record: empty bytes.
 *
 * Limits. A merged AOR may exceed the policy's maximum of contacts. Beyond AOR_BINDINGS_MAX those that
 * end first go; beyond RECORD_MAX tombstones go (oldest first), then nonces, unknown fields, and last
 * bindings. What a dropped tombstone removed could come back if the result met the old side once more:
 * a merge that is done again starts from the two sides, not from its result. */
#ifndef NODE_CORE_MERGE_H
#define NODE_CORE_MERGE_H

#include "proto/record.h"

enum { MERGE_REIGNS_MAX = 64 };

struct merge {
	/* Stamps and expiry times that the other side wrote in these reigns of its fork are moved by this much
	 * before they are compared: what our pair clock says less what its own said. Reigns from before its
	 * process started are not among them: of the clock that they were written by, nothing is known. */
	int64_t their_shift_ms;
	struct {
		uint64_t epoch;
		enum unit unit;
	} their_reigns[MERGE_REIGNS_MAX];
	size_t n_their_reigns;
	/* When the first of them began, by their clock: floors and subscribers do not name their reign,
	 * and are of the fork from here on. */
	struct pairtime their_fork_began;
	/* Our own fork's begin, if it began with a reign of ours: nothing that their fork wrote comes out
	 * older, for a clock that stood still or went back meanwhile moves it behind what both knew. */
	struct pairtime common_until;
};

struct merge_versions {
	struct slice ours, theirs;
};

enum merge_outcome {
	MERGE_OURS_STAYS,  /* `value` is `ours` */
	MERGE_THEIRS_WINS, /* `value` is what they had (moved in time) */
	MERGE_JOINED,      /* something of both */
};

struct merged {
	struct slice value; /* in the arena or one of the two; empty: nothing on either side */
	enum merge_outcome outcome;
};

/* Tables aor, subscriber, secret, watcher, nap; others: ours stays. The arena wants 1 MiB for the largest records.
 * ERR_MALFORMED, ERR_TOO_BIG: one of them cannot be read, or the arena is too small; ours stays. */
enum err record_merge(const struct merge *m, enum table table, const struct merge_versions *v,
                      struct arena *arena, struct merged *out) MUST_CHECK;

#endif
