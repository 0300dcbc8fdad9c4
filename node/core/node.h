/* node.h - one node of the pair as a function: everything it decides, nothing it does.
 *
 *	node_step(node, &input, now, &outputs);
 *	...carry out outputs.item[0..n) in order...
 *	...feed NODE_TURN at the end of each turn, and when node_deadline(node) is reached...
 *
 * The daemon (node/io) and the simulator (tests/sim) drive this same function. The order of the
 * outputs is part of the contract: what is the disk's (OUT_APPEND, OUT_READ_LOG, OUT_SET_ASIDE, OUT_NEXT_*) is carried
 * out in it, later. A step other than NODE_TURN only takes in; NODE_TURN sends acknowledgements,
 * releases what the commit rule allows, feeds the standby and runs what is due, each bounded.
 *
 * Start: NODE_RECORD for every record of the image, NODE_REPLAY for every entry of the log behind it,
 * NODE_LOADED. Nothing is sent before that.
 * Two connections to the peer: the live link, and beside it, while it is up, one for bulk. Their numbers
 * are unique over both; NODE_FRAME, OUT_FRAME, OUT_CLOSE_LINK carry either's. The node closes both at once.
 * A new generation (OUT_NEXT_...) is written beside the loop, in order: NODE_NEXT_STORED tells that what
 * was put before an OUT_NEXT_SLICE is in it, not yet synced. What is appended behind OUT_NEXT_COMMIT
 * belongs to it, and from there on NODE_DURABLE speaks of it alone: with the position's seq or more it is
 * in place. A crash before that restarts with the old state, whole. If it fails: NODE_LOG_FAILED.
 * Before NODE_ADDRESS says that the address came, the link is to be read until it would block.
 * Outputs and the slices in them live until the next step. */
#ifndef NODE_CORE_NODE_H
#define NODE_CORE_NODE_H

#include "ha/role.h"
#include "node/core/diff.h"
#include "node/core/serve.h"
#include "node/core/status.h"
#include "proto/frame.h"
#include "replication/commit.h"

struct node;

struct node_options {
	struct role_options role;
	struct server_options server;
	enum commit_mode commit;
	enum unit unit;
	uint64_t node_id;
	uint32_t max_version; /* of the protocol; 0: the newest that this program knows */
	uint8_t cluster_id[CLUSTER_ID_SIZE];
	uint64_t config_digest;
	uint64_t secret_id; /* the first secret, written by the first reign of an empty pair */
	uint8_t secret[32];
	int64_t longest_expires_ms; /* over all domains: clamps the clock's cold start */
	int64_t default_expires_ms; /* how long expiry is held where the clock is in doubt */
	size_t window_bytes;        /* entries a standby may ask for without the log (16 MiB) */
	int64_t disk_hang_ms;       /* an own disk that takes longer does not answer (2 s) */
	size_t held_bytes;          /* answers waiting for their commit (16 MiB) */
	uint32_t expiry_rate;       /* expiry entries a second at the most (5000) */
	size_t slice_bytes;         /* of records in one slice of a snapshot; 0: 64 KiB */
	uint64_t resync_rate;  /* bytes a second on the bulk connection at the most; 0: no limit */
	uint64_t snapshot_max; /* bytes of memory that one received may take; 0: no limit */
	struct alloc alloc;
};

enum node_event {
	NODE_RECORD,    /* record */
	NODE_REPLAY,    /* bytes: one entry */
	NODE_LOADED,    /* loaded */
	NODE_ADDRESS,   /* address */
	NODE_MESSAGE,   /* bytes, flow: one SIP message */
	NODE_FLOW_DOWN, /* flow: a stream is closed */
	NODE_DURABLE,   /* seq: the log is on the disk up to here */
	NODE_LOG_FAILED,
	NODE_LINK_UP,     /* connection: a new one to the peer, authenticated */
	NODE_LINK_DOWN,   /* connection */
	NODE_FRAME,       /* connection, frame */
	NODE_BULK_UP,     /* connection: one beside it, for what is long */
	NODE_BULK_DOWN,   /* connection */
	NODE_NEXT_STORED, /* seq: of an OUT_NEXT_SLICE of the generation begun last */
	NODE_LOG_READ, /* seq, bytes: the block asked for; empty: it is not in the log any more */
	NODE_COMMAND,  /* command */
	NODE_ROOM,     /* on: the store has room; off: little is left */
	NODE_IMAGE_FAULT, /* record.table, record.key: not what was written; no key: unknown which */
	NODE_TURN,
};

enum command_kind {
	COMMAND_SUBSCRIBER_PUT,    /* subscriber, replace */
	COMMAND_SUBSCRIBER_REMOVE, /* key "user@realm" */
	COMMAND_AOR_REMOVE,        /* key: the AOR */
	COMMAND_SECRET_ROTATE,     /* key: of the new secret, 32 random bytes */
	COMMAND_DIFF, /* answered by OUT_DIFF_TABLE and OUT_DIFFERENCE, OUT_ANSWER behind them */
	COMMAND_SWITCHOVER,
	COMMAND_SWITCHOVER_FORCED,
	COMMAND_TAKEOVER,
	COMMAND_STOP, /* the service is stopped: a planned switchover where there is a standby */
};

struct node_command {
	enum command_kind kind;
	uint64_t ticket; /* given back with OUT_ANSWER */
	struct slice key;
	struct subscriber_record subscriber;
	bool replace;
};

struct node_loaded {
	struct position applied; /* what was loaded goes up to here: the newest entry */
	uint64_t log_first;      /* 0: the log is empty */
	bool store_lost;         /* empty because what was there was damaged: the peer has it */
	struct pairtime pair;
	int64_t stored_wall_ms, wall_ms;
	bool wall_synchronised;
};

struct node_input {
	enum node_event event;
	bool on;         /* NODE_ROOM */
	uint64_t random; /* fresh random bits, with every input */
	int64_t wall_ms; /* this host's wall clock, with every input, for the alarm alone; 0: unknown */
	uint64_t seq, connection;
	struct slice bytes;
	struct flow flow;
	const struct frame *frame;
	const struct node_command *command;
	struct node_loaded loaded;
	struct {
		enum table table;
		struct slice key, value;
	} record;
	struct {
		bool here, keepalived_alive;
	} address;
};

enum node_output_kind {
	OUT_APPEND,      /* seq, bytes: an entry for the log */
	OUT_FRAME,       /* connection, bytes: to the peer */
	OUT_MESSAGE,     /* flow, target, bytes: a SIP message */
	OUT_ANSWER,      /* ticket, ok, bytes: of a command */
	OUT_FAULT,       /* on: what the track file must say */
	OUT_CLOSE_LINK,  /* connection, bytes: why */
	OUT_READ_LOG,    /* seq: wanted as NODE_LOG_READ */
	OUT_SET_ASIDE,   /* seq: entries above it go to a file */
	OUT_NEXT_BEGIN,  /* a new generation of the store is begun */
	OUT_NEXT_PUT,    /* record; without a value: it is gone */
	OUT_NEXT_SLICE,  /* seq: wanted as NODE_NEXT_STORED once what was put so far is in it */
	OUT_NEXT_COMMIT, /* position, pair: it is whole and replaces the old one */
	OUT_NEXT_ABORT,
	OUT_DIVERGENCE, /* record, bytes, pair: a key that differed in a merge, and what became of it */
	OUT_HISTORY, /* bytes, pair: a line for the journal: EPOCH, SEQ, WHAT, FROM, TO, WHY by tabs */
	OUT_DIFF_TABLE, /* ticket, seq, table: what both have of one table */
	OUT_DIFFERENCE, /* ticket, record, bytes: how it differs */
	OUT_LOG,        /* level, bytes: a line for the log */
	OUT_EXIT,       /* the process may end */
};

enum log_weight { WEIGHT_ERROR, WEIGHT_WARN, WEIGHT_NOTICE, WEIGHT_INFO };

struct node_output {
	enum node_output_kind kind;
	uint64_t seq;
	uint64_t connection;
	uint64_t ticket;
	bool ok, on;
	enum log_weight weight;
	struct slice bytes;
	struct flow flow;
	struct addr target;
	struct position position;
	struct pairtime pair;
	const struct diff_table *table;
	struct {
		enum table table;
		struct slice key, value;
	} record;
};

struct node_outputs {
	const struct node_output *item;
	size_t n;
};

struct node *node_new(const struct node_options *options, struct mtime now);
void node_free(struct node **node);
void node_step(struct node *node, const struct node_input *in, struct mtime now,
               struct node_outputs *out);
/* When NODE_TURN is wanted at the latest. In the past: at once. */
struct mtime node_deadline(const struct node *node);

/* For readers: the operator's lists, the status, the checker of the simulator. */
enum role node_role(const struct node *node);
/* Requests may be fed. False: they wait where they are, for another role or the end of a doubt. */
bool node_serves(const struct node *node);
const struct copy *node_copy(const struct node *node);
struct pairtime node_pair_now(const struct node *node, struct mtime now);
void node_status(const struct node *node, struct mtime now, struct status *out);
struct position node_position(const struct node *node); /* of the newest entry, durable or not */
/* Why a switchover would be refused now, and the remedy; NULL: it would be carried out ... */
const char *node_switchover_refusal(const struct node *node);
/* ... after so many entries are on this disk and at the standby. */
uint64_t node_switchover_entries(const struct node *node);
/* The log is to be kept from this seq on: the peer or a snapshot may still want it. */
uint64_t node_log_keep(const struct node *node);
/* Something waits for this node's own disk now. False: its log may gather before it is written. */
bool node_waits_for_disk(const struct node *node);

#endif
