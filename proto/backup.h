/* backup.h - the bytes of a backup file: all records of a store at one position, and the proof of it.
 *
 *	"regpair backup 1\n"
 *	a length (4 bytes, big-endian), a hash (8 bytes), a part (backup.proto)
 *	...
 * The first part is the head, the last one the end: count and digest of each table. Between them are the
 * records, in order of table and key. Each part's hash begins with that of the part before it, so a bit
 * that flipped, a cut, and a part that is missing, moved or doubled are seen where they are. */
#ifndef PROTO_BACKUP_H
#define PROTO_BACKUP_H

#include "proto/entry.h"
#include "proto/frame.h"

enum {
	BACKUP_TABLES = 32,                                 /* numbers a table may have */
	BACKUP_PART_HEAD = 12,                              /* length and hash */
	BACKUP_PART_MAX = RECORD_MAX + RECORD_KEY_MAX + 64, /* bytes of a part, its head included */
};

#define BACKUP_MAGIC "regpair backup 1\n"

struct backup_head {
	struct slice program, host;
	uint8_t cluster_id[CLUSTER_ID_SIZE];
	uint64_t node_id;
	struct position position;
	struct pairtime pair; /* of the newest entry, and the wall clock then */
	int64_t wall_ms;
	int64_t made_ms; /* wall clock */
	uint32_t schema;
};

struct backup_sum {
	uint64_t count, digest;
};

enum backup_kind { BACKUP_HEAD, BACKUP_RECORD, BACKUP_END };

struct backup_part {
	enum backup_kind kind;
	struct backup_head head;
	struct {
		enum table table;
		struct slice key, value;
	} record;
	struct backup_sum sums[BACKUP_TABLES]; /* of BACKUP_END, by table */
};

/* What links a part to those before it. */
struct backup_chain {
	uint64_t hash;
};
struct backup_chain backup_chain(void); /* in front of the first part */

/* ERR_MALFORMED: no backup; ERR_VERSION: of a newer version. `bytes` is as long as the magic. */
enum err backup_magic(struct slice bytes) MUST_CHECK;
/* `to->full`: it did not fit. */
void backup_write(struct backup_chain *chain, const struct backup_part *part, struct buf *to);
/* How many bytes follow the BACKUP_PART_HEAD bytes in `head`. ERR_CORRUPT: more than any part has. */
enum err backup_length(struct slice head, size_t *n) MUST_CHECK;
/* `bytes` is the whole part with its head; `out` borrows from the arena. ERR_CORRUPT: it is not the part
 * that was written here. */
enum err backup_read(struct backup_chain *chain, struct slice bytes, struct arena *arena,
                     struct backup_part *out) MUST_CHECK;

#endif
