/* entry.h - one change in the log: encoded once by the active; the same bytes go to the log, over the
 * wire, and (its value) into the tables. And the block in which the log keeps them. */
#ifndef PROTO_ENTRY_H
#define PROTO_ENTRY_H

#include "proto/record.h"

enum {
	ENTRY_MAX = RECORD_MAX + RECORD_KEY_MAX + 64, /* bytes of one encoded entry */
	BLOCK_TARGET =
		64 * 1024, /* a block is closed when it reaches this; one entry may go beyond */
	BLOCK_MAX = BLOCK_TARGET + ENTRY_MAX + 64,
	BLOCK_HEAD = 32,
};

/* Why it was written; stored, never reused. */
enum entry_kind {
	ENTRY_REQUEST = 1, /* a REGISTER */
	ENTRY_EXPIRY,
	ENTRY_OPERATOR,
	ENTRY_REIGN,
	ENTRY_SECRET,
	ENTRY_MERGE,
	ENTRY_REPAIR, /* the same bytes once more: the store had lost them */
	ENTRY_NOTIFY, /* a watcher was told, or is gone; what its SUBSCRIBE was signed with */
	ENTRY_NAP,    /* of a NAP: what is about to be sent, or what came of it */
};
const char *entry_kind_name(enum entry_kind k); /* "request"; "?" outside the list */

struct entry {
	uint64_t seq; /* from 1 */
	uint64_t reign;
	struct pairtime pair;
	enum entry_kind kind;
	enum table table;
	struct slice key;
	struct slice value; /* empty: the record is gone */
};

/* A place in a history. {0, 0}: before everything. */
struct position {
	uint64_t reign;
	uint64_t seq;
};

/* ERR_MALFORMED, ERR_TOO_BIG. Slices point into `bytes`. Kinds, tables and fields of a newer version
 * pass: kind and table are only checked not to be 0. */
enum err entry_decode(struct slice bytes, struct entry *out) MUST_CHECK;
void entry_encode(const struct entry *e, struct buf *to);

/* A block: head {format, count, first seq, wall ms, xxh64 of the rest}, then each entry's bytes behind
 * its 32-bit length. A block whose check fails is ERR_CORRUPT; another format ERR_VERSION. */
struct block_writer {
	struct buf to;
	uint64_t first_seq;
	uint32_t count;
};
struct block_writer block_begin(uint8_t *room, size_t size, uint64_t first_seq);
void block_add(struct block_writer *w, struct slice entry);
struct slice block_end(struct block_writer *w, int64_t wall_ms);

struct block {
	uint64_t first_seq;
	uint32_t count;
	int64_t wall_ms;   /* wall clock when it was committed */
	struct slice rest; /* entries not yet taken */
};
enum err block_open(struct slice bytes, struct block *out) MUST_CHECK;
bool block_next(struct block *b, struct slice *entry); /* an entry's bytes; false at the end */

/* The hash that digests are sums of. */
uint64_t record_hash(enum table table, struct slice key, struct slice value);

#endif
