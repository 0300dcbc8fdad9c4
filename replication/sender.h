/* sender.h - what the active sends its standby next: bookkeeping in seqs, no bytes, no socket.
 *
 *	IDLE --resume--> CATCHING_UP --window reached the end--> LIVE
 *	IDLE --resume--> SNAPSHOT --all slices--> CATCHING_UP
 *	IDLE --resume--> FORK (its side is being merged) --resume--> SNAPSHOT
 *
 * Two connections. What the window holds goes over the live link. Slices, and entries that only the log
 * has, go over the bulk connection, from where the standby said there that it goes on (sender_go_on);
 * when the log's reader meets the window it says so (SEND_HAND_OVER), and once the standby has
 * acknowledged all that was sent there the rest follows on the live link. A standby that falls behind
 * the window changes back when it has acknowledged what was sent live. So no entry overtakes another.
 *
 * Flow control: at most SENDER_AHEAD entries beyond the standby's disk, SENDER_SLICES_AHEAD slices and
 * SENDER_AHEAD entries behind them not stored. One whose disk hangs is taken back from LIVE
 * (sender_hold). The caller owns the bytes: it asks sender_next until SEND_NOTHING. */
#ifndef REPLICATION_SENDER_H
#define REPLICATION_SENDER_H

#include "replication/resume.h"

enum { SENDER_AHEAD = 4096, SENDER_SLICES_AHEAD = 8 };

enum sender_phase { SENDER_IDLE, SENDER_FORK, SENDER_SNAPSHOT, SENDER_CATCHING_UP, SENDER_LIVE };

struct sender {
	enum sender_phase phase;
	bool bulk;                  /* what comes next goes over the bulk connection */
	bool ready;                 /* it is there, and the standby has said where it goes on */
	bool handed_over;           /* it was told that nothing more comes there */
	uint64_t from_seq;          /* of the resume */
	uint64_t next_seq;          /* CATCHING_UP: the next entry to send */
	uint64_t step_seq;          /* LIVE: an ack of this or more makes the pair paired */
	uint64_t received, durable; /* acknowledged by the standby */
	uint64_t slices;            /* sent */
	uint64_t stored;            /* slices, and entries behind them */
	uint64_t through_seq;       /* every slice is sent: the snapshot is whole with this entry */
	bool snapshot; /* began with one, not whole yet: nothing is acknowledged before */
	bool reading;  /* a block of the log was asked for and has not come */
};

enum send_what {
	SEND_NOTHING,
	SEND_SLICE,    /* the next slice of the snapshot; then sender_sliced */
	SEND_WINDOW,   /* the entry `seq` from the window; then sender_sent(seq) */
	SEND_READ_LOG, /* ask the log for the block with `seq` */
	SEND_HAND_OVER, /* say that `seq` was the last on the bulk connection; then sender_handed_over */
	SEND_BY_BULK, /* nothing: sender_by_bulk, and ask again */
	SEND_LIVE,    /* say that from now on every entry comes at once; then sender_live */
};
struct send {
	enum send_what what;
	uint64_t seq;
};

/* From the resume decision; `received` and `durable` are set to the standby's durable position, lower
 * than before included. */
void sender_begin(struct sender *s, const struct resume *r, uint64_t standby_durable);
/* The standby has a bulk connection and says what it has. False: that makes no sense. */
bool sender_go_on(struct sender *s, const struct go_on *g, uint64_t last);
void sender_bulk_down(struct sender *s);
/* `window_first`: the oldest entry in the window; `last`: the newest entry of the log. */
struct send sender_next(const struct sender *s, uint64_t window_first, uint64_t last);
void sender_sent(struct sender *s, uint64_t seq);
void sender_sliced(struct sender *s, bool last_slice, uint64_t last);
void sender_handed_over(struct sender *s);
void sender_by_bulk(struct sender *s);
void sender_live(struct sender *s, uint64_t last);
/* The standby's disk does not follow: what comes after `last` waits for it, so that its memory does not
 * fill. Nothing while it is less than SENDER_AHEAD behind. */
void sender_hold(struct sender *s, uint64_t last);
void sender_acked(struct sender *s, uint64_t received, uint64_t durable);
void sender_stored(struct sender *s, uint64_t stored);

#endif
