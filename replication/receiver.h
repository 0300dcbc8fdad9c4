/* receiver.h - what a standby does with what the active sends: bookkeeping and checks, no bytes kept.
 *
 *	IDLE --resume tail--> TAIL
 *	IDLE --resume fork--> FORK (our side is handed in) --resume snapshot--> SLICES
 *	IDLE --resume snapshot--> SLICES --end--> BEHIND_SNAPSHOT --entries through the end--> TAIL
 *	SLICES, BEHIND_SNAPSHOT --link lost--> HALF --resume of the same snapshot--> where it was
 *
 * Entries are accepted densely only; slices in order, checked by count and digest at their end. What
 * does not fit drops the link: the next hello finds the way again. */
#ifndef REPLICATION_RECEIVER_H
#define REPLICATION_RECEIVER_H

#include "replication/resume.h"

enum {
	RECEIVER_MARK =
		256, /* entries behind a snapshot: of so many it is told when they are stored */
	/* Not stored yet: what comes beyond fills our memory. Twice what an active sends (sender.h), and
	 * for entries the rest of a block of the log. */
	RECEIVER_SLICES_AHEAD = 16,
	RECEIVER_AHEAD = 32 * 1024,
};

enum receiver_phase {
	RECEIVER_IDLE,
	RECEIVER_FORK,
	RECEIVER_TAIL,
	RECEIVER_SLICES,
	RECEIVER_BEHIND_SNAPSHOT,
	RECEIVER_HALF
};

struct receiver {
	enum receiver_phase phase;
	enum resume_how how; /* the resume that it follows */
	uint64_t expects;    /* the next entry's seq */
	uint64_t through;    /* every slice is in: whole once this entry is, too; 0: not yet */
	uint64_t reign;      /* a snapshot's: whose it is ... */
	uint64_t from;       /* ... the first entry behind its begin ... */
	uint64_t records;    /* ... and how many it said it has */
	uint64_t slices, items, digest;
	struct snapshot_place place; /* where the active's walk goes on */
	uint64_t stored;             /* slices, and entries behind them: in the new generation */
	bool live;                   /* every entry now comes at once */
};

enum receive_what {
	RECEIVE_DROP, /* does not fit: drop the link, `why` says it */
	RECEIVE_NOTHING,
	RECEIVE_BEGIN,   /* a new generation is begun */
	RECEIVE_GO_ON,   /* with the generation that is half here */
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

/* `reign`: the active's. */
struct received receiver_resume(struct receiver *r, const struct resume *resume, uint64_t reign,
                                uint64_t last_seq);
struct received receiver_entry(struct receiver *r, uint64_t seq);
/* Its number, what its items add to count and digest, and where the walk goes on behind it. */
struct slice_sums {
	uint64_t number, items, digest;
	struct snapshot_place place;
};
struct received receiver_slice(struct receiver *r, const struct slice_sums *slice);
struct snapshot_end {
	uint64_t slices, items, digest, through_seq;
};
struct received receiver_end(struct receiver *r, const struct snapshot_end *end);
/* Nothing more comes on the bulk connection. */
struct received receiver_handed_over(struct receiver *r, uint64_t last_seq);
/* Every entry comes at once. */
struct received receiver_live(struct receiver *r, uint64_t step_seq);
/* Half a snapshot is kept, nothing else. */
void receiver_link_down(struct receiver *r);
/* Slices, and entries behind them: what is to be stored next is told of under this number; 0: of none. */
uint64_t receiver_mark(const struct receiver *r);
struct go_on receiver_go_on(const struct receiver *r);
/* Is a new generation half here? */
bool receiver_has_half(const struct receiver *r);

#endif
