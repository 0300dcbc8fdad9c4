/* record.h - the records of the tables, as structs and as stored bytes (record.proto).
 *
 * A decoded record borrows from the bytes and from the arena: both must outlive it. Encoding is
 * deterministic: the same struct always gives the same bytes; fields a newer version wrote are
 * carried along (`unknown`) and written back. */
#ifndef PROTO_RECORD_H
#define PROTO_RECORD_H

#include "proto/base/addr.h"
#include "proto/base/arena.h"
#include "proto/base/defs.h"
#include "proto/base/err.h"
#include "proto/base/mtime.h"

/* Numbers are stored and sent: never reused. Keys: AOR and WATCHER "sip:user@host", SUBSCRIBER
 * "user@realm", SECRET its id and REIGN its id, 8 bytes big-endian. */
enum table {
	TABLE_AOR = 1,
	TABLE_NAP = 2,
	TABLE_FORWARD = 3,
	TABLE_SUBSCRIBER = 4,
	TABLE_WATCHER = 5,
	TABLE_SECRET = 6,
	TABLE_REIGN = 7,
	TABLE_END = 8,
};
const char *table_name(enum table t); /* "aor"; "?" outside the list */

enum {
	RECORD_MAX = 32 * 1024, /* a REGISTER that would make it larger gets 413 */
	RECORD_KEY_MAX = 511,   /* LMDB's limit */
	AOR_BINDINGS_MAX =
		32, /* stored; policy allows fewer (default 16), a merge may hold both sides' */
	AOR_TOMBSTONES_MAX =
		32, /* as bindings: one may stand beside each; the oldest goes, with an alarm */
	AOR_NONCES_MAX = 8, /* the oldest goes: its client is challenged once more */
	BINDING_PATHS_MAX = 8,
	WATCHERS_MAX = 8, /* of one AOR */
	WATCHER_ROUTES_MAX = 8,
};

/* No history gets there, at a million a second for a hundred thousand years: what says so lies. */
#define SEQ_END   (UINT64_C(1) << 62)
#define EPOCH_END (UINT64_C(1) << 62)

/* What a node was installed as. */
enum unit { UNIT_STANDALONE = 1, UNIT_PRIMARY, UNIT_SECONDARY };
const char *unit_name(enum unit u);

struct unknown_fields { /* opaque: what a newer version wrote */
	unsigned n;
	const void *fields;
};

struct binding {
	struct slice uri, display, params;
	struct slice call_id;
	uint32_t cseq;
	struct slice branch, from_tag;
	struct pairtime stamped, expires;
	struct pairtime
		bound; /* since when the contact is bound; 0: written before this was kept */
	struct pairtime called; /* ... under this Call-ID (RFC 5627 5.1) */
	uint32_t q_milli;
	struct slice instance;
	uint32_t reg_id;
	struct slice path[BINDING_PATHS_MAX];
	size_t n_paths;
	struct addr received, local;
	enum transport transport;
	struct slice user_agent;
	uint64_t epoch;
	enum unit unit;
	struct unknown_fields unknown;
};

enum tombstone_cause { CAUSE_REQUEST = 1, CAUSE_OPERATOR, CAUSE_REPLACED, CAUSE_EXPIRED };

struct tombstone {
	struct slice uri, instance;
	uint32_t reg_id;
	struct slice call_id;
	uint32_t cseq;
	struct slice branch;
	struct pairtime stamped;
	enum tombstone_cause cause;
	uint64_t epoch;
	enum unit unit;
	struct unknown_fields unknown;
};

struct floor {
	bool set;
	struct pairtime stamped;
	struct slice call_id;
	uint32_t cseq;
	struct slice branch;
	struct unknown_fields unknown;
};

struct nonce_use {
	struct slice nonce;
	uint32_t highest;
	uint32_t window;
	struct pairtime issued;
	struct unknown_fields unknown;
};

struct aor_record {
	struct binding bindings[AOR_BINDINGS_MAX];
	size_t n_bindings;
	struct tombstone tombstones[AOR_TOMBSTONES_MAX];
	size_t n_tombstones;
	size_t gave_way; /* tombstones dropped for want of room since it was decoded; not stored */
	struct floor floor;
	struct nonce_use nonces[AOR_NONCES_MAX];
	size_t n_nonces;
	struct unknown_fields unknown;
};

struct subscriber_record {
	struct slice user, realm;
	struct slice ha1[3]; /* by enum digest_algorithm: MD5, SHA-256, SHA-512-256; binary */
	struct pairtime stamped;
	bool gone;
	struct unknown_fields unknown;
};

struct secret_record {
	uint64_t id;
	struct slice key;
	struct pairtime created;
	struct unknown_fields unknown;
};

struct reign_record {
	uint64_t id; /* random, never 0 */
	uint64_t epoch;
	enum unit unit;
	uint64_t first_seq;
	struct pairtime began;
	bool behind;   /* taken over without having been in step */
	bool exposed;  /* the pair's last known state in it: acknowledged on one disk alone */
	bool restored; /* it began from a backup: what came after that nobody may know any more */
	struct unknown_fields unknown;
};

struct watcher {
	struct slice call_id, local_tag, remote_tag; /* the dialog */
	struct slice remote;                         /* its From, the tag included */
	struct slice target;
	struct slice route[WATCHER_ROUTES_MAX];
	size_t n_routes;
	struct slice event;
	uint32_t cseq;
	uint32_t version; /* of the newest NOTIFY, whose CSeq is one more */
	struct pairtime expires, told_at;
	uint64_t told;  /* a hash of the bindings that it told of */
	uint64_t reign; /* that told it */
	struct addr received, local;
	enum transport transport;
	uint64_t connection; /* streams: of the process that reigned in `flow_reign` */
	uint64_t flow_reign;
	bool gruu;
	uint64_t contacts[AOR_BINDINGS_MAX]; /* ids of those that it was told are bound */
	size_t n_contacts;
	struct unknown_fields unknown;
};

struct watchers_record {
	struct watcher watchers[WATCHERS_MAX];
	size_t n;
	struct unknown_fields unknown;
};

/* Decoders check meaning too (counts, sizes, enums): ERR_MALFORMED, ERR_TOO_BIG. An AOR with more
 * bindings than AOR_BINDINGS_MAX is ERR_TOO_BIG. The arena wants about 8 times the bytes' size. */
enum err aor_decode(struct slice bytes, struct arena *arena, struct aor_record *out) MUST_CHECK;
/* How many bindings there are, without reading them; of no record of an AOR: any number, bounded by its size. */
size_t aor_bindings(struct slice bytes);
enum err subscriber_decode(struct slice bytes, struct arena *arena,
                           struct subscriber_record *out) MUST_CHECK;
enum err secret_decode(struct slice bytes, struct arena *arena,
                       struct secret_record *out) MUST_CHECK;
enum err reign_decode(struct slice bytes, struct arena *arena, struct reign_record *out) MUST_CHECK;
enum err watchers_decode(struct slice bytes, struct arena *arena,
                         struct watchers_record *out) MUST_CHECK;

/* Writes the bytes; `to->full` when they do not fit. The arena is scratch. */
void aor_encode(const struct aor_record *r, struct arena *arena, struct buf *to);
void subscriber_encode(const struct subscriber_record *r, struct buf *to);
void secret_encode(const struct secret_record *r, struct buf *to);
void reign_encode(const struct reign_record *r, struct buf *to);
void watchers_encode(const struct watchers_record *r, struct arena *arena, struct buf *to);

#endif
