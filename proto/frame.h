/* frame.h - one message between the two nodes, as bytes and as a struct.
 *
 * On the wire: a 32-bit big-endian length, then that many bytes of repl.Frame (repl.proto). This
 * header is all the rest of the tree sees of it. */
#ifndef PROTO_FRAME_H
#define PROTO_FRAME_H

#include "proto/base/arena.h"
#include "proto/entry.h"

enum {
	FRAME_VERSION_MIN = 1, /* what there was before digests */
	FRAME_VERSION_MAX = 2,
	FRAME_V2_FIRST = 11, /* the kinds that version 2 brought */
	FRAME_V2_LAST = 15,
	FRAME_SCHEMA = 1,
	FRAME_MAX = 128 * 1024, /* a slice of 64 KiB and the largest record; more drops the link */
	CLUSTER_ID_SIZE = 16,
	HISTORY_MAX = 256, /* reigns a node remembers; older ones are deleted by the active */
	SLICE_ITEMS_MAX = 512,
	FRAME_TABLES_MAX = 16,
	FRAME_BUCKETS = 4096, /* parts of a table's digest */
	FRAME_KEYS_MAX = 2500,
	FRAME_KEYS_BYTES = 96 * 1024, /* of the keys in one frame, each with what encodes it */
	FRAME_KEY_HEAD = 16,
};

enum frame_kind {
	FRAME_HELLO = 1,
	FRAME_REFUSAL,
	FRAME_BEAT,
	FRAME_ENTRY,
	FRAME_ACK,
	FRAME_RESUME,
	FRAME_SLICE,
	FRAME_END,
	FRAME_SLICE_ACK,
	FRAME_LIVE,
	FRAME_DIGEST,
	FRAME_DIGEST_ANSWER,
	FRAME_BUCKET_SUMS,
	FRAME_KEYS,
	FRAME_GO_ON = 16,
};
/* The version that brought this kind: a peer that speaks an older one drops the link upon it. */
static inline uint32_t frame_version(enum frame_kind kind)
{
	return (int)kind >= FRAME_V2_FIRST && (int)kind <= FRAME_V2_LAST ? 2 : 1;
}

/* Numbers are sent: never reused. */
enum refusal {
	REFUSE_NONE,
	REFUSE_VERSION,
	REFUSE_CLUSTER,
	REFUSE_UNIT,
	REFUSE_SCHEMA,
	REFUSE_HISTORY
};
const char *refusal_text(enum refusal r); /* a sentence for the operator */

enum resume_how { RESUME_NOTHING = 1, RESUME_TAIL, RESUME_SNAPSHOT, RESUME_FORK };

struct reign_mark {
	uint64_t id;
	uint64_t epoch;
	enum unit unit;
	uint64_t first_seq;
	struct pairtime began;
};

struct beat {
	uint64_t reign;
	uint8_t role; /* enum role of ha/role.h */
	bool holds_address;
	uint8_t pair_state; /* enum pair_state of replication/pair.h */
	struct pairtime pair;
	uint64_t number, echo;
	int64_t echo_held_ms;
	uint64_t last_seq, role_for_ms;
	bool without_keepalived, room_low;
	int64_t wall_ms;        /* the sender's wall clock; 0: unknown */
	uint64_t config_digest; /* as in the hello, but as it is now; 0: not told */
};

struct hello {
	uint32_t version_min, version_max;
	uint8_t cluster_id[CLUSTER_ID_SIZE];
	enum unit unit;
	uint64_t node_id;
	uint32_t schema;
	uint64_t config_digest;
	const struct reign_mark *history; /* oldest first; decoded: in the arena */
	size_t n_history;
	uint64_t log_first; /* 0: the log is empty */
	uint64_t received_seq, durable_seq;
	struct beat beat;
	uint64_t half_reign, half_from; /* half a snapshot is kept; 0: none */
	uint64_t clock_epoch; /* its clock wrote the stamps of reigns from this on; 0: not told */
};

struct snapshot_item {
	enum table table;
	struct slice key, value;
};

struct table_digest {
	enum table table;
	uint64_t count, digest;
};

struct key_digest {
	struct slice key;
	uint64_t digest;
};

/* What a standby has where the bucket sums of one table differ. */
struct keys_frame {
	uint64_t seq;
	struct table_digest table;
	uint32_t differing;      /* buckets that differ; fewer are listed where the frame is full */
	const uint32_t *buckets; /* whole in `keys` */
	size_t n_buckets;
	const struct key_digest *keys;
	size_t n_keys;
};

/* Where a walk over all records stands; its numbers mean something to who walks alone. */
struct snapshot_place {
	enum table table; /* 0: at the begin */
	uint64_t at, within;
};

/* What a standby has, and so where the active goes on. */
struct go_on {
	enum resume_how how; /* the resume that this follows */
	uint64_t next_seq, slices, items, digest;
	struct snapshot_place place;
	uint64_t through_seq; /* every slice is here: whole with this entry; 0: not yet */
	uint64_t stored;      /* slices, and entries behind them */
};

struct frame {
	enum frame_kind kind;
	union {
		struct hello hello;
		enum refusal refusal;
		struct beat beat;
		struct slice entry; /* an entry's bytes */
		struct {
			uint64_t reign, received_seq, durable_seq;
		} ack;
		struct {
			enum resume_how how;
			uint64_t from_seq, fork_seq, records;
		} resume;
		struct {
			uint64_t number;
			const struct snapshot_item *items;
			size_t n_items;
			struct snapshot_place place; /* behind it */
		} slice;
		struct {
			uint64_t slices, items, digest, through_seq;
		} end;
		uint64_t slice_ack;
		uint64_t live_step;
		struct {
			uint64_t seq;
			const struct table_digest *tables;
			size_t n_tables;
		} digest;
		struct {
			uint64_t seq;
			bool equal, damaged;
		} digest_answer;
		struct {
			uint64_t seq;
			enum table table;
			const uint64_t *sums; /* FRAME_BUCKETS; NULL: the table is empty */
		} buckets;
		struct keys_frame keys;
		struct go_on go_on;
	};
};

/* What a decoder of a byte stream can find. */
struct decoded {
	enum err err; /* OK also while more bytes are needed */
	size_t used;  /* 0: the buffer holds less than one frame */
};

/* The decoded frame borrows from `in` and the arena. The limit is checked before anything is taken. */
struct decoded frame_decode(struct slice in, struct arena *arena, struct frame *out) MUST_CHECK;

/* Writes the frame with its length in front; `to->full` if it does not fit or is beyond FRAME_MAX. The
 * arena is scratch. */
void frame_encode(const struct frame *f, struct arena *arena, struct buf *to);

#endif
