/* store.h - a node's disk: the log and the image, in two LMDB environments.
 *
 *	DIR/lock            held while a process has the store open
 *	DIR/current         the name of the generation in use, one line, replaced by rename
 *	DIR/gen-N/log/      blocks of entries, key = first seq of the block (8 bytes big-endian)
 *	DIR/gen-N/state/    one sub-database per table, and `meta`
 *	DIR/next/             a generation being received; renamed to gen-N when it is whole
 *	DIR/broken-T/         what was found damaged and set aside, the newest one
 *
 * Rules a caller relies on:
 *   - what log_commit reported OK for is on the disk, whole; what it did not is not there at all;
 *   - seqs have no gaps; the first entry's seq and the position before it (the base) are kept;
 *   - the image holds exactly the entries up to meta.applied; it is behind the log, never ahead,
 *     and the log reaches back to it;
 *   - a bit that flipped is seen by whoever reads it: each record stands behind a hash of its table, key
 *     and bytes, each block of the log has one, and a count and a sum over them tell what is missing;
 *   - a new generation replaces the old one at one moment (store_next_commit) or not at all.
 * Threads: log_commit, log_read, log_set_aside and store_next_* are the log thread's, store_checkpoint,
 * log_trim, store_room and store_scrub the checkpoint thread's; the two may run beside each other.
 * store_next_commit (which may take seconds), log_cut and store_close want the other to keep off
 * meanwhile. All the rest is the loop's, before they begin.
 * Knows tables, keys and bytes; no SIP. Foreign codes are translated in one place. */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "proto/entry.h"

enum {
	STORE_FORMAT = 2,
	STORE_FORMAT_OLDEST = 1, /* brought to the newest when it is opened for use */
	STORE_FAULT_TEXT = 240,
	STORE_FREE_MIN_MIB =
		32, /* less room on the disk at start is refused: it would fail in operation */
};

struct store;

/* Told now and then by something that may take long; the callee paces what it tells on. */
typedef void store_progress(void *context, const char *what, uint64_t done);

struct store_options {
	const char *dir;
	uint64_t max_size; /* bytes of address space for each environment; reached: ERR_FULL */
	uint8_t cluster_id
		[16];     /* written into a new store; another one in an old store: ERR_FOREIGN */
	uint64_t node_id; /* random, written into a new store; an old store keeps its own */
	store_progress *progress; /* of an upgrade of the format; may be NULL */
	void *context;
};

/* What the image and the log hold. */
struct store_meta {
	uint64_t node_id;
	uint8_t cluster_id[16];
	struct position applied; /* of the image */
	struct position base;    /* before the log's first entry */
	uint64_t log_first;      /* 0: the log is empty */
	uint64_t log_last;       /* 0: empty */
	bool lost;               /* empty because what was there was damaged and set aside */
	bool restored;           /* nothing was logged since it was restored from a backup */
	struct pairtime pair;    /* of the newest entry or of the image, whichever is later */
	int64_t wall_ms;         /* wall clock at that pair time */
};

/* Opens or makes the store. On failure `fault` is one line for a person, with the remedy:
 * ERR_VERSION (a newer format), ERR_FOREIGN (another pair's), ERR_FULL (disk too full to start),
 * ERR_EXISTS (another process has it), ERR_CORRUPT, ERR_IO. A generation left half-made is removed; one of
 * an older format is replaced by a new one (after a crash in the middle: again). */
enum err store_open(struct store **out, const struct store_options *options,
                    char fault[STORE_FAULT_TEXT]) MUST_CHECK;
/* Opens beside a running node, for `regpairctl check` and `log`: reads only, takes no lock. */
enum err store_open_reading(struct store **out, const char *dir,
                            char fault[STORE_FAULT_TEXT]) MUST_CHECK;
void store_close(struct store **store);

/* What a look at the whole store found. */
struct store_checked {
	uint64_t node_id; /* 0: not readable */
	uint64_t records, entries;
};
/* Reads the store under `dir` from end to end in a process of its own: LMDB trusts its pages, so what is
 * damaged may end the reader by a signal. ERR_CORRUPT (a line for a person in `fault`): it is damaged; OK
 * also if there is none. To be called before there are threads. */
enum err store_check(const char *dir, store_progress *progress, void *context,
                     struct store_checked *out, char fault[STORE_FAULT_TEXT]) MUST_CHECK;
/* Does no process have the store open? ERR_EXISTS: one has. OK also if there is no store. */
enum err store_unused(const char *dir, char fault[STORE_FAULT_TEXT]) MUST_CHECK;
/* Moves a damaged store into DIR/broken-`stamp` and removes what was set aside before. ERR_EXISTS: it is in
 * use. */
enum err store_set_aside(const char *dir, uint64_t stamp, char fault[STORE_FAULT_TEXT]) MUST_CHECK;

enum err store_meta(struct store *store, struct store_meta *out) MUST_CHECK;

/* --- the log --- */

/* Appends entries (encoded; the first has seq `first_seq`, which must follow the last one) in blocks,
 * one synced transaction; `wall_ms`: the wall clock when the last of them was stamped. ERR_FULL: nothing was appended, and it may be tried again
 * when there is room. After any other error the log refuses to be written until reopened. */
enum err log_commit(struct store *store, const struct slice *entries, size_t n, uint64_t first_seq,
                    int64_t wall_ms) MUST_CHECK;

/* Copies the block that holds `seq` into `to` (BLOCK_MAX room); block_next skips what is before it.
 * ERR_NOT_FOUND: not in the log. */
enum err log_read(struct store *store, uint64_t seq, struct buf *to) MUST_CHECK;

/* Hands every entry to `each` (NULL: they are only checked), from the first to the last; stops when it
 * returns false (ERR_CORRUPT then). ERR_CORRUPT also where a block is damaged or missing. */
typedef bool log_each(void *context, struct slice entry);
enum err log_walk(struct store *store, log_each *each, void *context) MUST_CHECK;

/* Drops every entry above `last_seq`, synced. */
enum err log_cut(struct store *store, uint64_t last_seq) MUST_CHECK;

/* Drops whole blocks of entries below `before_seq`, never beyond the image's position. */
enum err log_trim(struct store *store, uint64_t before_seq) MUST_CHECK;

/* Writes the entries above `after_seq` to a new file (blocks one after the other behind their 32-bit
 * length), synced; `*count` of entries. */
enum err log_set_aside(struct store *store, uint64_t after_seq, const char *path,
                       uint64_t *count) MUST_CHECK;

/* --- the image --- */

/* Hands every record of every table to `each`; stops when it returns false (ERR_CORRUPT then). ERR_CORRUPT
 * also where one is damaged, and at the end where one is missing. */
typedef bool store_each(void *context, enum table table, struct slice key, struct slice value);
enum err state_read(struct store *store, store_each *each, void *context) MUST_CHECK;
enum err state_get(struct store *store, enum table table, struct slice key,
                   struct buf *value) MUST_CHECK;

/* Where what store_whole reads ends. */
struct store_end {
	uint64_t node_id;
	uint8_t cluster_id[16];
	struct position position;
	struct pairtime pair; /* of the newest entry, and the wall clock when it was committed */
	int64_t wall_ms;
	uint64_t records; /* about so many: for progress */
};
/* Hands out what image and log hold together at one moment, beside a node that goes on: first where it
 * ends, then each record once, in order of table and key. Stops where a callee returns false (ERR_CORRUPT
 * then). Meanwhile no page that is read is used again: the store's files may grow. */
typedef bool store_begins(void *context, const struct store_end *end);
enum err store_whole(struct store *store, store_begins *begins, store_each *each,
                     void *context) MUST_CHECK;

/* Brings the image up to `through_seq` from the log: last bytes per key, sorted, in large transactions,
 * the position in the same one. `*records`: how many were written. */
enum err store_checkpoint(struct store *store, uint64_t through_seq, uint64_t *records) MUST_CHECK;

/* --- upkeep, beside the checkpoints --- */

/* Bytes left: on the disk, and in the map of each environment. */
struct store_room {
	uint64_t disk, log, state;
};
enum err store_room(struct store *store, struct store_room *out) MUST_CHECK;

/* Where a scrub of the image is. Begin with {0}. */
struct scrub_place {
	unsigned table;
	size_t key_n; /* 0: before the table's first record */
	uint8_t key[RECORD_KEY_MAX];
	unsigned rounds; /* the call came to the end of the image: the next one begins anew */
};
/* Verifies some `bytes` of records behind the place and moves it. ERR_CORRUPT: at the place stands a damaged
 * one (or, without a key, a page of its table is); the next call goes on behind it. */
enum err store_scrub(struct store *store, struct scrub_place *at, size_t bytes) MUST_CHECK;

/* --- a new generation (a snapshot being received) --- */

enum err store_next_begin(struct store *store) MUST_CHECK; /* removes one left from before */
/* Puts (or, for an empty value, deletes) one record. Batched; synced by store_next_commit. */
enum err store_next_put(struct store *store, enum table table, struct slice key,
                        struct slice value) MUST_CHECK;
/* Hands out what was put, as state_read does what the store holds. */
enum err store_next_read(struct store *store, store_each *each, void *context) MUST_CHECK;
/* The new generation comes from a backup (store_meta.restored). */
enum err store_next_restored(struct store *store, struct position position) MUST_CHECK;
/* The new generation is whole at `position`: its log is empty with that base. Replaces the old one,
 * which is deleted. Afterwards all functions above mean the new one. */
enum err store_next_commit(struct store *store, struct position position, struct pairtime pair,
                           int64_t wall_ms) MUST_CHECK;
void store_next_abort(struct store *store);

#endif
