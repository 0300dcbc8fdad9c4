/* node_peer.h - what a node keeps of its peer, and the verbs of the files that talk to it. Part of
 * node_parts.h, and nobody else's. */
#ifndef NODE_CORE_NODE_PEER_H
#define NODE_CORE_NODE_PEER_H

#include "node/core/node.h"
#include "replication/receiver.h"
#include "replication/sender.h"

enum { NODE_BEAT_TIMES = 16 }; /* round trips are known for this many heartbeats */

/* A fork on its way to be healed; one side's or the other's. */
struct fork {
	bool handing_in;   /* the loser: sends its side */
	bool by_log;       /* by the log behind the fork point; else every record */
	bool reading;      /* a block of the log was asked for and has not come */
	uint64_t next_seq; /* the next entry to hand in */
	uint64_t acked;    /* slices that the active has merged */
	bool merging;      /* the active: takes the other side in */
	uint64_t fork_seq; /* the last entry both have */
	uint64_t slices;
	bool ack_due; /* the newest of them is merged */
};

/* The connection to the peer, and what it said. */
struct link {
	bool up, greeted, resumed;
	uint64_t connection;
	bool bulk_up;
	uint64_t bulk_connection;
	struct mtime heard;
	struct beat beat; /* the newest received, the hello's first */
	struct mtime beat_at;
	struct pairtime told; /* the newest time of it that can be told from its way */
	struct mtime told_at;
	int64_t told_trip_ms;
	struct hello hello; /* without its history; its configuration's digest as told last */
	bool configs_differ;
	struct reign_mark history[HISTORY_MAX];
	size_t n_history;
	struct hello sent; /* ours on this connection; without its history */
	enum standing standing;
	bool peer_wins;  /* by both hellos as sent: fixed until the next connection */
	uint64_t number; /* of the newest heartbeat sent */
	struct mtime sent_at[NODE_BEAT_TIMES];
	struct mtime in_step_until;
	uint64_t acked_received, acked_durable; /* as a standby: what we acknowledged last */
	int64_t clock_shift_ms;                 /* at the hellos: our pair time less the peer's */
};

/* Of a standby that acknowledged late: in time until then, and the pair is `paired` again. */
struct trial {
	int64_t ms; /* so long; 0: it was never late */
	struct mtime until;
};

/* How a resync gets on, for who watches. */
struct resync {
	bool going;
	struct mtime began, told;
	uint64_t bytes;
	uint64_t left; /* when it was told of last: one that stands still says nothing more */
};

/* node_link.c */
/* The version agreed with the peer is at least this; false without a greeted link. */
bool link_speaks(const struct node *n, uint32_t version);
uint32_t link_version(const struct node *n); /* the version agreed; 0: none */
void node_on_link_up(struct node *n, const struct node_input *in);
void node_on_link_down(struct node *n, const struct node_input *in);
void node_on_frame(struct node *n, const struct node_input *in);
void node_send(struct node *n, const struct frame *f);
void node_send_bulk(struct node *n, const struct frame *f);
void node_close_link(struct node *n, const char *why);
void node_beat(struct node *n);
/* The configuration has this digest now; 0: the one it had. The peer's heartbeats tell of theirs. */
void node_configured(struct node *n, uint64_t digest);
void node_follow_seed(struct node *n); /* the time of who seeds us is ours from here on */

/* node_bulk.c */
void node_on_bulk_up(struct node *n, const struct node_input *in);
void node_on_bulk_down(struct node *n, const struct node_input *in);
void node_on_bulk_frame(struct node *n, const struct frame *f);
void node_go_on(struct node *n); /* tells the active, where the bulk connection is up */
/* Bytes may go over it now; false: pump_due says when. */
bool node_bulk_may(struct node *n);
uint64_t node_records(const struct copy *c); /* of all tables */
void node_resync_begin(struct node *n);
void node_resync_end(struct node *n);
void node_resync_tell(struct node *n);
uint64_t node_resync_left(const struct node *n); /* records and entries */

/* node_send.c */
void node_send_snapshot(struct node *n);
void node_on_go_on(struct node *n, const struct go_on *g);
void node_resume(struct node *n); /* tells a greeted standby how to go on, if it is time */
void node_on_ack(struct node *n, const struct frame *f);
void node_on_log_read(struct node *n, const struct node_input *in);
void node_pump(struct node *n);
void node_judge_pair(struct node *n);

/* node_receive.c */
void node_on_resume(struct node *n, const struct frame *f);
void node_on_entry(struct node *n, struct slice bytes);
void node_on_slice(struct node *n, const struct frame *f);
void node_on_end(struct node *n, const struct frame *f);
void node_abort_next(struct node *n);
void node_drop_half(struct node *n); /* nobody will complete it */
void node_bury(struct node *n, struct copy **copy);
void node_on_next_stored(struct node *n, const struct node_input *in);
void node_on_live(struct node *n, uint64_t step_seq);
void node_on_handed_over(struct node *n, uint64_t last_seq);
void node_ack(struct node *n);

/* node_fork.c */
void node_fork_begin(struct node *n, uint64_t fork_seq); /* the loser hands in its side */
void node_fork_log_read(struct node *n, struct slice bytes);
void node_fork_pump(struct node *n);
void node_fork_expect(struct node *n, uint64_t fork_seq); /* the active takes it in */
void node_fork_slice(struct node *n, const struct frame *f);
void node_fork_end(struct node *n);

#endif
