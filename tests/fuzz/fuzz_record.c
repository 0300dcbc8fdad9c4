/* fuzz_record.c - any bytes as a record, an entry, a block, or what a backup's part holds: no crash, and
 * what decodes encodes to something that decodes equal. The first byte chooses. */
#include <assert.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "proto/backup.h"
#include "proto/record_nap.h"

enum { ARENA_SIZE = 512 * 1024 };

union any {
	struct aor_record aor;
	struct subscriber_record subscriber;
	struct secret_record secret;
	struct reign_record reign;
	struct nap_record nap;
	struct entry entry;
	struct backup_part part;
};

/* Decodes and encodes again; false where the bytes are refused or what they hold does not fit. */
typedef bool turn_fn(struct slice in, struct arena *arena, union any *r, struct buf *to);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool turn_aor(struct slice in, struct arena *arena, union any *r, struct buf *to)
{
	if (aor_decode(in, arena, &r->aor) != OK)
		return false;
	aor_encode(&r->aor, arena, to);
	return !to->full;
}

static bool turn_subscriber(struct slice in, struct arena *arena, union any *r, struct buf *to)
{
	if (subscriber_decode(in, arena, &r->subscriber) != OK)
		return false;
	subscriber_encode(&r->subscriber, to);
	return !to->full;
}

static bool turn_secret(struct slice in, struct arena *arena, union any *r, struct buf *to)
{
	if (secret_decode(in, arena, &r->secret) != OK)
		return false;
	secret_encode(&r->secret, to);
	return !to->full;
}

static bool turn_reign(struct slice in, struct arena *arena, union any *r, struct buf *to)
{
	if (reign_decode(in, arena, &r->reign) != OK)
		return false;
	reign_encode(&r->reign, to);
	return !to->full;
}

static bool turn_nap(struct slice in, struct arena *arena, union any *r, struct buf *to)
{
	if (nap_decode(in, arena, &r->nap) != OK)
		return false;
	nap_encode(&r->nap, to);
	return !to->full;
}

static bool turn_entry(struct slice in, struct arena *arena, union any *r, struct buf *to)
{
	(void)arena;
	if (entry_decode(in, &r->entry) != OK)
		return false;
	entry_encode(&r->entry, to);
	return !to->full;
}

/* Behind a length and a hash that fit it, as of somebody who makes backups by hand. */
static bool turn_backup(struct slice in, struct arena *arena, union any *r, struct buf *to)
{
	static uint8_t room[BACKUP_PART_MAX], again[BACKUP_PART_MAX];
	struct backup_chain reads = backup_chain(), writes = backup_chain();
	struct buf part = buf_on(room, sizeof room);
	struct buf out = buf_on(again, sizeof again);

	buf_uint(&part, in.n, 4);
	buf_uint(&part, XXH3_64bits_withSeed(in.p, in.n, reads.hash), 8);
	buf_put(&part, in);
	if (part.full || backup_read(&reads, buf_slice(&part), arena, &r->part) != OK)
		return false;
	backup_write(&writes, &r->part, &out);
	if (out.full)
		return false;
	buf_put(to, slice_from(buf_slice(&out), BACKUP_PART_HEAD));
	return true;
}

static void open_block(struct slice in)
{
	struct block b;
	struct slice entry;

	if (block_open(in, &b) != OK)
		return;
	for (uint32_t i = 0; i < b.count; i++)
		assert(block_next(&b, &entry)); /* NOLINT(bugprone-assert-side-effect) */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static turn_fn *const turns[] = {turn_aor,   turn_subscriber, turn_secret, turn_reign,
	                                 turn_entry, turn_nap,        turn_backup};
	static _Alignas(16) uint8_t memory[ARENA_SIZE];
	static uint8_t once[ENTRY_MAX];
	static uint8_t twice[ENTRY_MAX];
	static union any r;
	struct arena arena = arena_on(memory, sizeof memory);
	struct buf first = buf_on(once, sizeof once);
	struct buf second = buf_on(twice, sizeof twice);

	if (size == 0)
		return 0;
	turn_fn *turn = turns[data[0] % ARRAY_LEN(turns)];
	open_block((struct slice){data, size});
	if (!turn((struct slice){data + 1, size - 1}, &arena, &r, &first))
		return 0;
	arena_reset(&arena);
	if (!turn(buf_slice(&first), &arena, &r, &second) ||
	    !slice_eq(buf_slice(&first), buf_slice(&second)))
		__builtin_trap();
	return 0;
}
