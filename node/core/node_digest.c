/* The two nodes prove that they are equal, all the time (design.md section 6).
 *
 * The active puts what its records sum up to into the live stream; the standby, which holds exactly as
 * much then, compares and answers. Each node sums its memory once more, slice by slice, against what was
 * put there; the store tells of its own. A standby that differs or is damaged gets a snapshot, once the
 * active has found its own memory sound. An active that is damaged hands over first. */
#include <assert.h>

#include "node/core/node_parts.h"

enum {
	DIGEST_EVERY_MS = 3000,
	SCRUB_RECORDS =
		256, /* looked at in a tick: 1 M in about two minutes, 0.2 % of a processor */
	SCRUB_BUCKETS = 64,   /* of a small table: all of it in some seconds */
	PROOF_RECORDS = 8192, /* before a snapshot: 1 M in ten seconds */
	REPAIR_APART_MIN_MS = 10 * 1000,
	REPAIR_APART_MAX_MS = 600 * 1000,
	HAND_OVER_APART_MS = 10 * 1000,
};

void node_digest_init(struct node *n)
{
	n->digest = (struct digest_watch){
		.scrub = {.table = TABLE_AOR},
		.apart_ms = REPAIR_APART_MIN_MS,
	};
}

/* What another connection begins with: nothing is known of the peer's records. */
void node_digest_forget(struct node *n)
{
	n->digest.asked_seq = 0;
	n->digest.next = n->now;
	n->digest.agreed = n->digest.peer_wrong = n->digest.scrub.proves = false;
}

/* --- what is not as it was put --- */

static bool is_damaged(const struct node *n)
{
	return n->digest.memory_damaged || n->digest.store_damaged;
}

void node_memory_fault(struct node *n, enum table table, struct slice key)
{
	if (n->digest.memory_damaged)
		return; /* counted and told already */
	n->digest.memory_damaged = true;
	n->digest.memory_faults++;
	node_say(n, WEIGHT_ERROR, "memory=damaged table=%s key=\"" SLICE_FMT "\" seq=%llu",
	         table_name(table), SLICE_ARG(slice_head(key, RECORD_KEY_MAX / 2)),
	         (unsigned long long)n->last_seq);
	node_keep(n, &(struct note){"memory", "sound", "damaged", "a record is not what was put"});
}

/* All records have been looked at. What a change or a snapshot has replaced since is cured. */
static void end_pass(struct node *n)
{
	struct digest_watch *d = &n->digest;

	d->scrubs++;
	d->memory_damaged = d->memory_damaged && d->scrub.found;
	d->scrub = (struct memory_scrub){.table = TABLE_AOR, .proved = d->scrub.proves};
}

static uint64_t scrub_bucket(struct node *n)
{
	struct memory_scrub *s = &n->digest.scrub;
	struct copy_check check = copy_check_bucket(n->copy, s->table, s->bucket);

	if (check.flipped > 0 || !check.adds_up) {
		s->found = true;
		node_memory_fault(n, s->table, check.first != NULL ? check.first->key : SLICE("?"));
	}
	if (++s->bucket < COPY_BUCKETS)
		return check.records;
	s->bucket = 0;
	s->table++;
	return check.records;
}

static void scrub(struct node *n)
{
	struct memory_scrub *s = &n->digest.scrub;
	uint64_t records = s->proves ? PROOF_RECORDS : SCRUB_RECORDS;
	int buckets = s->proves ? COPY_BUCKETS : SCRUB_BUCKETS;

	for (uint64_t seen = 0; buckets > 0 && seen < records && s->table < TABLE_END; buckets--) {
		if (copy_count(n->copy, s->table) > 0)
			seen += scrub_bucket(n);
		else
			s->table++;
	}
	if (s->table == TABLE_END)
		end_pass(n);
}

static void store_is_damaged(struct node *n)
{
	if (!n->digest.store_damaged)
		node_keep(n, &(struct note){"store", "sound", "damaged",
		                            "a record is not what was written"});
	n->digest.store_damaged = true;
}

static void log_again(struct node *n, enum table table, const struct copy_item *item)
{
	(void)node_append(n, ENTRY_REPAIR, table, item->key, item->value, item->deadline);
	node_keep(n, &(struct note){"store", "damaged", "repaired", "a record is logged again"});
}

/* The store found that one of its records is not what was written. The same bytes go through the log once
 * more, on both nodes; where that cannot be, a snapshot replaces the store. */
void node_on_image_fault(struct node *n, const struct node_input *in)
{
	enum table table = in->record.table;
	bool known = in->record.key.n > 0 && table >= TABLE_AOR && table < TABLE_END;
	const struct copy_item *item = known ? copy_get(n->copy, table, in->record.key) : NULL;

	n->digest.store_faults++;
	node_say(n, WEIGHT_ERROR, "store=damaged table=%s key=\"" SLICE_FMT "\" seq=%llu",
	         table_name(table), SLICE_ARG(slice_head(in->record.key, RECORD_KEY_MAX / 2)),
	         (unsigned long long)n->last_seq);
	if (!known || !node_active(n))
		store_is_damaged(n);
	else if (item != NULL && !copy_sound(table, item))
		node_memory_fault(n, table, item->key);
	else if (item != NULL && !n->doubt && node_has_room(n)) /* else it is found again */
		log_again(n, table, item);
}

void node_digest_cured(struct node *n)
{
	n->digest.memory_damaged = n->digest.store_damaged = false;
	n->digest.scrub = (struct memory_scrub){.table = TABLE_AOR};
}

/* --- comparing --- */

static size_t own_tables(const struct node *n, struct table_digest out[FRAME_TABLES_MAX])
{
	size_t count = 0;

	for (enum table t = TABLE_AOR; t < TABLE_END; t++)
		if (copy_count(n->copy, t) > 0)
			out[count++] = (struct table_digest){t, copy_count(n->copy, t),
			                                     copy_digest(n->copy, t)};
	return count;
}

static bool same_table(const struct table_digest *a, const struct table_digest *b)
{
	return a->table == b->table && a->count == b->count && a->digest == b->digest;
}

static void note_comparison(struct node *n, uint64_t seq, bool equal)
{
	struct digest_watch *d = &n->digest;

	d->checked++;
	d->seq = seq;
	d->checked_at = n->now;
	if (equal)
		return;
	d->mismatches++;
	node_say(n, WEIGHT_ERROR, "digest=differs seq=%llu times=%llu", (unsigned long long)seq,
	         (unsigned long long)d->mismatches);
}

/* In the live stream, so behind every entry up to the newest. */
static void ask(struct node *n)
{
	struct table_digest tables[FRAME_TABLES_MAX];
	struct digest_watch *d = &n->digest;

	if (n->sender.phase != SENDER_LIVE || n->doubt || !mtime_reached(d->next, n->now) ||
	    !link_speaks(n, frame_version(FRAME_DIGEST)))
		return;
	d->next = mtime_add_ms(n->now, DIGEST_EVERY_MS);
	d->asked_seq = n->last_seq;
	size_t count = own_tables(n, tables);
	node_send(n, &(struct frame){.kind = FRAME_DIGEST, .digest = {n->last_seq, tables, count}});
}

void node_on_digest(struct node *n, const struct frame *f)
{
	struct table_digest own[FRAME_TABLES_MAX];
	size_t count = own_tables(n, own);
	bool equal = count == f->digest.n_tables;

	/* Of another moment than ours nothing can be said. */
	if (n->receiver.phase != RECEIVER_TAIL || f->digest.seq != n->last_seq)
		return;
	for (size_t i = 0; i < count && equal; i++)
		equal = same_table(&own[i], &f->digest.tables[i]);
	note_comparison(n, f->digest.seq, equal);
	node_send(n, &(struct frame){.kind = FRAME_DIGEST_ANSWER,
	                             .digest_answer = {f->digest.seq, equal, is_damaged(n)}});
}

void node_on_digest_answer(struct node *n, const struct frame *f)
{
	struct digest_watch *d = &n->digest;
	bool equal = f->digest_answer.equal, damaged = f->digest_answer.damaged;

	if (n->sender.phase != SENDER_LIVE || d->asked_seq == 0 ||
	    f->digest_answer.seq != d->asked_seq)
		return;
	d->asked_seq = 0;
	note_comparison(n, f->digest_answer.seq, equal);
	d->agreed = equal && !damaged;
	if (!d->agreed)
		d->peer_wrong = true;
	else if (mtime_reached(mtime_add_ms(d->repair_at, d->apart_ms), n->now))
		d->apart_ms = REPAIR_APART_MIN_MS; /* calm for so long */
}

/* --- repairing --- */

static void give_snapshot(struct node *n)
{
	struct digest_watch *d = &n->digest;
	int64_t longer_ms = 2 * d->apart_ms;

	d->repairs++;
	node_keep(n, &(struct note){"standby", "differs", "repaired", "a snapshot follows"});
	d->repair_at = mtime_add_ms(n->now, d->apart_ms);
	d->apart_ms = longer_ms < REPAIR_APART_MAX_MS ? longer_ms : REPAIR_APART_MAX_MS;
	node_close_link(n, "the standby's records are not what they were: a snapshot follows");
	d->snapshot_due = true;
}

/* Only memory that has just been found sound is worth a snapshot. */
static void repair_peer(struct node *n)
{
	struct digest_watch *d = &n->digest;

	if (!d->peer_wrong || d->memory_damaged || !mtime_reached(d->repair_at, n->now))
		return;
	if (d->scrub.proved)
		give_snapshot(n);
	else if (!d->scrub.proves)
		d->scrub = (struct memory_scrub){.table = TABLE_AOR, .proves = true};
}

/* The other node is whole: it goes on, and this one takes a snapshot from it. */
static void hand_over(struct node *n)
{
	struct digest_watch *d = &n->digest;
	bool free = n->request == ROLE_NO_REQUEST && n->request_ticket == 0;

	if (!is_damaged(n) || !d->agreed || n->pair != PAIR_PAIRED || !free ||
	    !mtime_reached(d->hand_over_at, n->now))
		return;
	d->hand_over_at = mtime_add_ms(n->now, HAND_OVER_APART_MS);
	n->request = ROLE_SWITCHOVER;
	node_say(n, WEIGHT_WARN, "switchover=asked why=\"this node is damaged, the other is not\"");
}

void node_digest_tick(struct node *n)
{
	scrub(n);
	node_diff_tick(n);
	if (!node_active(n))
		return;
	ask(n);
	repair_peer(n);
	hand_over(n);
}
