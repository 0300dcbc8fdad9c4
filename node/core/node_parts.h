/* node_parts.h - what the files of the node share: its state and its small verbs. Nobody else's. */
#ifndef NODE_CORE_NODE_PARTS_H
#define NODE_CORE_NODE_PARTS_H

#include "node/core/node_digest.h"
#include "node/core/node_disk.h"
#include "node/core/node_handover.h"
#include "node/core/node_keep_alive.h"
#include "node/core/node_nap.h"
#include "node/core/node_note.h"
#include "node/core/node_peer.h"
#include "node/core/node_request.h"
#include "node/core/node_watch.h"
#include "node/core/ring.h"
#include "replication/pair_clock.h"

enum {
	NODE_ARENA =
		4 * 1024 * 1024, /* one step's scratch: serving 64 KiB, or frames of one turn */
	NODE_REPLY_MAX = 64 * 1024,
	NODE_RELEASE_MAX = 512,     /* outputs released in one turn */
	NODE_PUMP_MAX = 512 * 1024, /* bytes fed to a standby that catches up, in one turn */
	NODE_BURST_MS = 100,        /* of the resync rate at once */
	NODE_HALF_KEPT_MS = 600000, /* how long a standby that is gone may come back for the rest */
	NODE_BURY_MAX = 4096,       /* records of an old copy that are freed in one turn */
	NODE_LINK_SILENCE_FACTOR = 10, /* so many peer_timeouts of silence end a connection */
	NODE_DURABLE_LAG_MS = 5000,    /* a standby whose disk is later than this is not in step */
	NODE_REIGNS_KEPT = 200, /* older ones are deleted by the active; HISTORY_MAX leaves room */
};

struct node {
	struct node_options options;
	struct server *server;
	struct copy *copy;
	struct copy *next; /* a snapshot being received */
	struct copy *old;  /* has been replaced, or is half a snapshot: freed little by little */
	struct pair_clock clock;
	struct role_machine role;
	struct reign_mark history[HISTORY_MAX];
	size_t n_history;
	struct reign_record reign; /* the newest in the log */
	uint64_t last_seq, durable_seq, log_first;
	uint64_t placing; /* a new generation is in place when this entry is durable; 0: it is */

	struct ring *window; /* entries behind an 8-byte time of their append */
	struct ring *held;
	uint64_t held_before; /* blocks below have left; dropped at the next step */

	struct link link;
	uint64_t clock_epoch; /* the first reign that this process began; UINT64_MAX: none yet */
	struct sender sender;
	struct copy_cursor cursor; /* the snapshot being sent */
	enum table cursor_table;
	uint64_t sent_items, sent_digest;
	uint64_t
		half_from; /* the log is kept from here on, for a snapshot that is not whole; 0: none */
	struct mtime half_until; /* while there is no link: as long */
	int64_t budget;          /* bytes that may go over the bulk connection now */
	struct mtime budget_at;
	struct mtime pump_due; /* there is more to send */
	struct resync resync;
	struct receiver receiver;
	struct fork fork;
	uint64_t set_aside_through; /* the end of the fork that a file has */
	uint64_t merges, merged_keys, merged_theirs, merged_joined;

	enum pair_state pair;
	struct mtime pair_since;
	struct trial trial;
	bool clocks_apart;     /* the wall clocks of the two hosts */
	int64_t peer_clock_ms; /* the peer's less ours */
	struct disk_watch disk;
	struct reach *reach;
	struct keep_alive_watch keep_alive;
	uint64_t disk_mark;         /* the standby's disk must reach this ... */
	struct mtime disk_mark_due; /* ... by then */

	uint64_t restored_seq;    /* where the backup ended that this process began with; 0: none */
	struct pairtime restored; /* began the newest reign that began from a backup */

	bool left;       /* it was told to end */
	bool fork_held;  /* a fork of ours is not merged yet: it keeps its own time until then */
	bool store_lost; /* damaged and set aside at this start: all is to come from the peer */
	bool loaded, log_failed, address_here, keepalived_alive, own_last_reign_exposed;
	uint64_t reign_seq; /* entry of the reign that we began */
	uint64_t paired_in; /* id of the newest reign in which the pair was `paired` */
	struct handover handover;
	const char *takeover_why; /* NULL: not active since the start */
	struct mtime takeover_at;
	int64_t takeover_wall_ms, takeover_gap_ms; /* 0: unknown */
	struct mtime peer_active_at; /* it said so last; 0: not since our own last reign */
	enum refusal refused;
	enum role_request request; /* for the next step of the role machine */
	enum role_request asked;   /* what `request_ticket` waits for */
	uint64_t request_ticket;
	struct mtime expiry_held_until;
	struct mtime next_tick, last_tick;
	struct digest_watch digest;
	struct watch watch;
	struct transactions *requests;
	struct nap_watch naps;
	bool doubt; /* we were paused: is our reign still the current one? */
	uint64_t doubt_connection, doubt_number;
	struct mtime doubt_at, doubt_until;

	uint64_t outcomes[SERVE_OUTCOMES];
	uint64_t exposed_times, snapshots_sent, snapshots_received, forks, fork_entries, expired;
	uint64_t subscribers_gone, next_gone; /* in `copy`, in `next` */
	uint64_t gave_way;                    /* tombstones dropped for want of room */
	struct mtime gave_way_tell;           /* the next line about that */

	/* of the step */
	struct mtime now;
	uint64_t random;
	int64_t wall_ms;
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
/* So many of this AOR's were dropped for want of room: counted, and told once a minute. */
void node_gave_way(struct node *n, struct slice aor, size_t tombstones);

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
/* All that it has is from a backup: neither it nor a peer has logged anything behind it. */
bool node_restored(const struct node *n);
void node_count_gone(const struct copy *c, struct arena scratch, const struct entry *e,
                     uint64_t *gone); /* before the entry is put */

/* node_doubt.c */
void node_doubt_step(struct node *n);  /* before the event */
void node_doubt_judge(struct node *n); /* after it */
bool node_superseded(const struct node *n);

/* node_roles.c */
void node_roles(struct node *n);
struct role_facts node_role_facts(const struct node *n);
void node_expire(struct node *n);
/* What has expired in the record, and (not NULL) what came from where nobody answers; how many. */
size_t node_end_bindings(struct node *n, const struct copy_item *item, const struct addr *silent,
                         struct arena *scratch);

void node_put_secret(struct node *n, uint64_t id, struct slice key);

/* node_command.c */
void node_on_command(struct node *n, const struct node_command *c);
void node_answer(struct node *n, uint64_t ticket, bool ok, const char *text);

#endif
