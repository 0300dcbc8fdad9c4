/* node_parts.h - what the files of the node share: its state and its small verbs. Nobody else's. */
#ifndef NODE_CORE_NODE_PARTS_H
#define NODE_CORE_NODE_PARTS_H

#include "node/core/node.h"
#include "node/core/node_digest.h"
#include "node/core/node_handover.h"
#include "node/core/node_note.h"
#include "node/core/ring.h"
#include "replication/pair_clock.h"
#include "replication/receiver.h"
#include "replication/sender.h"

enum {
	NODE_ARENA =
		4 * 1024 * 1024, /* one step's scratch: serving 64 KiB, or frames of one turn */
	NODE_REPLY_MAX = 64 * 1024,
	NODE_RELEASE_MAX = 512,        /* outputs released in one turn */
	NODE_PUMP_MAX = 512 * 1024,    /* bytes fed to a standby that catches up, in one turn */
	NODE_BEAT_TIMES = 16,          /* round trips are known for this many heartbeats */
	NODE_LINK_SILENCE_FACTOR = 10, /* so many peer_timeouts of silence end a connection */
	NODE_DURABLE_LAG_MS = 5000,    /* a standby whose disk is later than this is not in step */
	NODE_REIGNS_KEPT = 200, /* older ones are deleted by the active; HISTORY_MAX leaves room */
};

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
	struct mtime heard;
	struct beat beat; /* the newest received, the hello's first */
	struct mtime beat_at;
	struct pairtime told; /* the newest time of it that can be told from its way */
	struct mtime told_at;
	int64_t told_trip_ms;
	struct hello hello; /* without its history */
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

struct node {
	struct node_options options;
	struct server *server;
	struct copy *copy;
	struct copy *next; /* a snapshot being received */
	struct pair_clock clock;
	struct role_machine role;
	struct reign_mark history[HISTORY_MAX];
	size_t n_history;
	struct reign_record reign; /* the newest in the log */
	uint64_t last_seq, durable_seq, log_first;

	struct ring *window; /* entries behind an 8-byte time of their append */
	struct ring *held;
	uint64_t held_before; /* blocks below have left; dropped at the next step */

	struct link link;
	struct sender sender;
	struct copy_cursor cursor; /* the snapshot being sent */
	enum table cursor_table;
	uint64_t sent_items, sent_digest;
	struct receiver receiver;
	struct fork fork;
	uint64_t set_aside_through; /* the end of the fork that a file has */
	uint64_t merges, merged_keys, merged_theirs, merged_joined;

	enum pair_state pair;
	struct mtime pair_since;
	bool late;                  /* exposed by an acknowledgement that did not come in time */
	uint64_t disk_mark;         /* the standby's disk must reach this ... */
	struct mtime disk_mark_due; /* ... by then */

	bool left;       /* it was told to end */
	bool fork_held;  /* a fork of ours is not merged yet: it keeps its own time until then */
	bool store_lost; /* damaged and set aside at this start: all is to come from the peer */
	bool loaded, log_failed, address_here, keepalived_alive, own_last_reign_exposed;
	uint64_t reign_seq; /* entry of the reign that we began */
	struct handover handover;
	const char *takeover_why; /* NULL: not active since the start */
	struct mtime takeover_at;
	enum refusal refused;
	enum role_request request; /* for the next step of the role machine */
	enum role_request asked;   /* what `request_ticket` waits for */
	uint64_t request_ticket;
	struct mtime expiry_held_until;
	struct mtime next_tick, last_tick;
	struct digest_watch digest;
	bool doubt; /* we were paused: is our reign still the current one? */
	uint64_t doubt_connection, doubt_number;
	struct mtime doubt_until;

	uint64_t outcomes[SERVE_OUTCOMES];
	uint64_t exposed_times, snapshots_sent, snapshots_received, forks, fork_entries, expired;
	uint64_t subscribers_gone;

	/* of the step */
	struct mtime now;
	uint64_t random;
	struct arena arena;
	struct node_output *outs;
	size_t n_outs, outs_room;
};

/* node.c */
struct node_output *node_out(struct node *n, enum node_output_kind kind);
PRINTF_LIKE(3, 4)
void node_say(struct node *n, enum log_weight weight, const char *format, ...);
struct pairtime pair_now(const struct node *n);
bool node_active(const struct node *n);
int64_t node_tick_ms(const struct node *n);

/* node_log.c */
/* Logs one change of ours and applies it; returns its seq. */
uint64_t node_append(struct node *n, enum entry_kind kind, enum table table, struct slice key,
                     struct slice value, struct pairtime deadline);
void node_apply(struct node *n, const struct entry *e); /* an entry from the log or the active */
bool node_has_room(struct node *n); /* for one more change and its answer; makes it if it can */
bool node_window_fits(struct node *n, size_t wanted); /* what is durable gives way */
uint64_t node_allowed(const struct node *n);
/* Sends or holds an output; its bytes are copied if it is held. */
void node_hold(struct node *n, uint64_t depends_on, const struct node_output *output);
void node_release(struct node *n);
bool node_may_release(const struct node *n); /* something that is held may leave now */
void node_drop_held(struct node *n);
void node_history_load(struct node *n);

/* node_link.c */
/* The version agreed with the peer is at least this; false without a greeted link. */
bool link_speaks(const struct node *n, uint32_t version);
uint32_t link_version(const struct node *n); /* the version agreed; 0: none */
void node_on_link_up(struct node *n, const struct node_input *in);
void node_on_link_down(struct node *n, const struct node_input *in);
void node_on_frame(struct node *n, const struct node_input *in);
void node_send(struct node *n, const struct frame *f);
void node_close_link(struct node *n, const char *why);
void node_beat(struct node *n);
void node_follow_seed(struct node *n); /* the time of who seeds us is ours from here on */

/* node_send.c */
void node_send_snapshot(struct node *n);
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
void node_ack(struct node *n);

/* node_doubt.c */
void node_doubt_step(struct node *n);  /* before the event */
void node_doubt_judge(struct node *n); /* after it */
bool node_superseded(const struct node *n);

/* node_roles.c */
void node_roles(struct node *n);
struct role_facts node_role_facts(const struct node *n);
void node_expire(struct node *n);

/* node_fork.c */
void node_fork_begin(struct node *n, uint64_t fork_seq); /* the loser hands in its side */
void node_fork_log_read(struct node *n, struct slice bytes);
void node_fork_pump(struct node *n);
void node_fork_expect(struct node *n, uint64_t fork_seq); /* the active takes it in */
void node_fork_slice(struct node *n, const struct frame *f);
void node_fork_end(struct node *n);

/* node_command.c */
void node_on_command(struct node *n, const struct node_command *c);
void node_answer(struct node *n, uint64_t ticket, bool ok, const char *text);

#endif
