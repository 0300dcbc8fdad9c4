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
#include "node/core/node_events.h"
#include "node/core/serve.h"
#include "node/core/status.h"

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
	uint32_t nap_pace;  /* first or overdue REGISTERs to NAPs a second, polls as many; 0: 100 */
	size_t slice_bytes; /* of records in one slice of a snapshot; 0: 64 KiB */
	uint64_t resync_rate;  /* bytes a second on the bulk connection at the most; 0: no limit */
	uint64_t snapshot_max; /* bytes of memory that one received may take; 0: no limit */
	struct alloc alloc;
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
/* The domains, in the order of the configuration; false behind the last. */
bool node_domain_view(const struct node *node, size_t i, struct domain_view *out);
/* The NAPs, by number from 0; false behind the last. Texts live until the next step. */
bool node_nap_view(const struct node *node, size_t i, struct mtime now, struct nap_view *out);
/* Something waits for this node's own disk now. False: its log may gather before it is written. */
bool node_waits_for_disk(const struct node *node);

#endif
