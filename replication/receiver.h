/* receiver.h - what a standby does with what the active sends: bookkeeping and checks, no bytes kept.
 *
 *	IDLE --resume tail--> TAIL
 *	IDLE --resume fork--> FORK (our side is handed in) --resume snapshot--> SLICES
 *	IDLE --resume snapshot--> SLICES --end--> BEHIND_SNAPSHOT --entries through the end--> TAIL
 *
 * Entries are accepted densely only; slices in order, checked by count and digest at their end. What
 * does not fit drops the link: the next hello finds the way again. */
#ifndef REPLICATION_RECEIVER_H
#define REPLICATION_RECEIVER_H

#include "replication/resume.h"

enum receiver_phase {
	RECEIVER_IDLE,
	RECEIVER_FORK,
	RECEIVER_TAIL,
	RECEIVER_SLICES,
	RECEIVER_BEHIND_SNAPSHOT
};

struct receiver {
	enum receiver_phase phase;
	uint64_t expects; /* the next entry's seq */
	uint64_t through; /* BEHIND_SNAPSHOT: whole once this entry is in */
	uint64_t slices, items, digest;
	bool live; /* every entry now comes at once */
};

enum receive_what {
	RECEIVE_DROP, /* does not fit: drop the link, `why` says it */
	RECEIVE_NOTHING,
	RECEIVE_BEGIN,   /* a new generation is begun */
	RECEIVE_HAND_IN, /* the active wants what is above fork_seq, to merge it */
	RECEIVE_APPLY,   /* apply to the working copy and append to the log */
	RECEIVE_NEXT,    /* put into the new generation */
	RECEIVE_SWITCH,  /* put it (an entry), then the new generation is whole and takes over */
	RECEIVE_WHOLE,   /* the end came and nothing is missing: it takes over */
};
struct received {
	enum receive_what what;
	const char *why;
};

struct received receiver_resume(struct receiver *r, const struct resume *resume, uint64_t last_seq);
struct received receiver_entry(struct receiver *r, uint64_t seq);
/* The slice's number, and what its items add to count and digest. */
struct received receiver_slice(struct receiver *r, uint64_t number, uint64_t items,
                               uint64_t digest);
struct snapshot_end {
	uint64_t slices, items, digest, through_seq;
};
struct received receiver_end(struct receiver *r, const struct snapshot_end *end);

#endif
