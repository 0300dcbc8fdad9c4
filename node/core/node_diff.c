/* Which records differ, for an operator: the active sends the sums of every bucket of every table at its
 * newest entry; the standby, which holds exactly as much then, sends the keys of the buckets that differ;
 * the active names them. What has changed since is left out. */
#include <assert.h>

#include "node/core/node_parts.h"

enum {
	DIFF_NAMED_MAX = 1000,   /* keys told of; the counts tell of the rest */
	DIFF_PATIENCE_MS = 5000, /* the standby answers within milliseconds */
};

static void finish(struct node *n, bool ok, const char *text)
{
	uint64_t ticket = n->digest.diff.ticket;

	n->digest.diff = (struct diff){.ticket = 0};
	node_answer(n, ticket, ok, text);
}

/* --- the active asks --- */

static const uint64_t *sums_of(struct node *n, enum table table)
{
	if (copy_count(n->copy, table) == 0)
		return NULL;
	uint64_t *sums = arena_take(&n->arena, COPY_BUCKETS * sizeof *sums);
	assert(sums != NULL);
	for (uint32_t b = 0; b < COPY_BUCKETS; b++)
		sums[b] = copy_bucket(n->copy, table, b);
	return sums;
}

/* Why there is nothing to compare with; NULL: there is. */
static const char *diff_refusal(const struct node *n)
{
	if (n->options.role.standalone)
		return "this node is standalone: there is no other to compare with";
	if (n->digest.diff.ticket != 0)
		return "a comparison is under way: try again";
	if (n->doubt)
		return "this node was paused: try again";
	if (!n->link.greeted)
		return "the other node is not connected: see `peer_link` and `peer_refused` in the "
		       "status";
	if (n->sender.phase != SENDER_LIVE)
		return "the other node is not in step yet: wait until `resync_left` is 0";
	if (!link_speaks(n, frame_version(FRAME_BUCKET_SUMS)))
		return "the other node is of a version that cannot compare: update it";
	return NULL;
}

void node_diff_begin(struct node *n, uint64_t ticket)
{
	struct diff *d = &n->digest.diff;
	const char *refused = diff_refusal(n);

	if (refused != NULL) {
		node_answer(n, ticket, false, refused);
		return;
	}
	*d = (struct diff){
		.ticket = ticket,
		.seq = n->last_seq,
		.next = TABLE_AOR,
		.until = mtime_add_ms(n->now, DIFF_PATIENCE_MS),
	};
	for (enum table t = TABLE_AOR; t < TABLE_END; t++) {
		d->ours[t] =
			(struct table_digest){t, copy_count(n->copy, t), copy_digest(n->copy, t)};
		node_send(n, &(struct frame){.kind = FRAME_BUCKET_SUMS,
		                             .buckets = {d->seq, t, sums_of(n, t)}});
	}
}

/* --- the standby answers --- */

struct listing {
	struct keys_frame frame;
	uint32_t *buckets;
	struct key_digest *keys;
	size_t bytes;
	bool full;
};

/* All keys of one bucket, or none of them. */
static void list_bucket(const struct node *n, struct listing *l, uint32_t bucket)
{
	enum table table = l->frame.table.table;
	struct copy_cursor cursor = {0};
	const struct copy_item *item;
	size_t keys = l->frame.n_keys, bytes = l->bytes;

	while ((item = copy_walk_bucket(n->copy, table, bucket, &cursor)) != NULL) {
		bytes += item->key.n + FRAME_KEY_HEAD;
		l->full = keys == FRAME_KEYS_MAX || bytes > FRAME_KEYS_BYTES;
		if (l->full)
			return;
		l->keys[keys++] = (struct key_digest){item->key, item->digest};
	}
	l->bytes = bytes;
	l->frame.n_keys = keys;
	l->buckets[l->frame.n_buckets++] = bucket;
}

void node_on_bucket_sums(struct node *n, const struct frame *f)
{
	enum table table = f->buckets.table;
	bool known = table >= TABLE_AOR && table < TABLE_END;
	struct listing l = {
		.buckets = arena_take(&n->arena, COPY_BUCKETS * sizeof *l.buckets),
		.keys = arena_take(&n->arena, FRAME_KEYS_MAX * sizeof *l.keys),
	};

	assert(l.buckets != NULL && l.keys != NULL);
	/* Of another moment than ours nothing can be said. */
	if (!known || n->receiver.phase != RECEIVER_TAIL || f->buckets.seq != n->last_seq)
		return;
	l.frame.seq = f->buckets.seq;
	l.frame.table = (struct table_digest){table, copy_count(n->copy, table),
	                                      copy_digest(n->copy, table)};
	for (uint32_t b = 0; b < COPY_BUCKETS; b++) {
		uint64_t theirs = f->buckets.sums == NULL ? 0 : f->buckets.sums[b];
		if (copy_bucket(n->copy, table, b) == theirs)
			continue;
		l.frame.differing++;
		if (!l.full)
			list_bucket(n, &l, b);
	}
	l.frame.buckets = l.buckets;
	l.frame.keys = l.keys;
	node_send(n, &(struct frame){.kind = FRAME_KEYS, .keys = l.frame});
}

/* --- the active names --- */

static uint64_t name_of(enum table table, struct slice key)
{
	return record_hash(table, key, (struct slice){NULL, 0});
}

void node_diff_note(struct node *n, const struct entry *e)
{
	struct diff *d = &n->digest.diff;

	if (d->ticket == 0 || e->value.n > 0)
		return;
	if (d->n_deleted == DIFF_DELETED_MAX)
		finish(n, false, "too much is deleted at this moment: try again");
	else
		d->deleted[d->n_deleted++] = name_of(e->table, e->key);
}

static bool is_deleted(const struct diff *d, enum table table, struct slice key)
{
	for (size_t i = 0; i < d->n_deleted; i++)
		if (d->deleted[i] == name_of(table, key))
			return true;
	return false;
}

static void tell(struct node *n, enum table table, struct slice key, const char *what)
{
	struct diff *d = &n->digest.diff;

	if (d->named == DIFF_NAMED_MAX)
		return;
	d->named++;
	struct node_output *o = node_out(n, OUT_DIFFERENCE);
	o->ticket = d->ticket;
	o->record.table = table;
	o->record.key = key;
	o->bytes = slice_str(what);
}

static void judge_theirs(struct node *n, enum table table, const struct key_digest *theirs)
{
	const struct diff *d = &n->digest.diff;
	const struct copy_item *ours = copy_get(n->copy, table, theirs->key);

	if (ours == NULL && !is_deleted(d, table, theirs->key))
		tell(n, table, theirs->key, "only on the standby");
	else if (ours != NULL && ours->seq <= d->seq && ours->digest != theirs->digest)
		tell(n, table, theirs->key, "differs");
}

static bool is_listed(const struct keys_frame *k, const uint32_t *bucket_of_key, uint32_t bucket,
                      struct slice key)
{
	for (size_t i = 0; i < k->n_keys; i++)
		if (bucket_of_key[i] == bucket && slice_eq(k->keys[i].key, key))
			return true;
	return false;
}

static void judge_ours(struct node *n, const struct keys_frame *k)
{
	uint32_t *at = arena_take(&n->arena, FRAME_KEYS_MAX * sizeof *at);

	assert(at != NULL);
	for (size_t i = 0; i < k->n_keys; i++)
		at[i] = copy_bucket_of(k->keys[i].key);
	for (size_t i = 0; i < k->n_buckets; i++) {
		struct copy_cursor cursor = {0};
		const struct copy_item *ours;
		while ((ours = copy_walk_bucket(n->copy, k->table.table, k->buckets[i], &cursor)) !=
		       NULL)
			if (ours->seq <= n->digest.diff.seq &&
			    !is_listed(k, at, k->buckets[i], ours->key))
				tell(n, k->table.table, ours->key, "only on the active");
	}
}

static void tell_table(struct node *n, const struct keys_frame *k)
{
	struct diff *d = &n->digest.diff;
	const struct table_digest *ours = &d->ours[k->table.table];
	struct diff_table *t = arena_take(&n->arena, sizeof *t);

	assert(t != NULL);
	if (ours->count == 0 && k->table.count == 0)
		return;
	*t = (struct diff_table){*ours, k->table,
	                         k->n_buckets < k->differing || d->named == DIFF_NAMED_MAX};
	struct node_output *o = node_out(n, OUT_DIFF_TABLE);
	o->ticket = d->ticket;
	o->seq = d->seq;
	o->table = t;
}

void node_on_keys(struct node *n, const struct frame *f)
{
	const struct keys_frame *k = &f->keys;
	struct diff *d = &n->digest.diff;

	if (d->ticket == 0 || k->seq != d->seq || k->table.table != d->next)
		return;
	for (size_t i = 0; i < k->n_keys; i++)
		judge_theirs(n, k->table.table, &k->keys[i]);
	judge_ours(n, k);
	tell_table(n, k);
	d->differs = d->differs || k->differing > 0;
	d->next++;
	if (d->next == TABLE_END)
		finish(n, true, d->differs ? "different" : "equal");
}

void node_diff_tick(struct node *n)
{
	const struct diff *d = &n->digest.diff;

	if (d->ticket == 0)
		return;
	if (!n->link.greeted)
		finish(n, false, "the connection to the other node was lost: try again");
	else if (mtime_reached(d->until, n->now))
		finish(n, false, "the other node does not answer");
}
