/* Who watches an AOR is told of it: in one dialog, by versions that only rise, whichever node is active. */
#include <stdlib.h>

#include "tests/sim/check.h"
#include "tests/sim/message.h"

enum { SILENT_MS = 31 * 1000, TOLD_MS = 20 * 1000, SHIFT_SLACK_MS = 2000 };

void watch_free(struct watching *watching)
{
	free(watching->watched);
	free(watching->notified);
}

static const struct watched *watched_at(const struct world *w, uint32_t entry)
{
	static const struct watched nobody = {.n = 0};
	uint32_t number = w->history.entries[entry].watched;

	return number == 0 ? &nobody : &w->watching.watched[number];
}

static bool is_same(const struct dialog *a, const struct dialog *b)
{
	return a->onlooker == b->onlooker && a->call == b->call && a->tag == b->tag;
}

static const struct dialog *find(const struct watched *in, const struct dialog *like)
{
	for (size_t i = 0; i < in->n; i++)
		if (is_same(&in->dialogs[i], like))
			return &in->dialogs[i];
	return NULL;
}

static const struct dialog *find_open(const struct watched *in, const struct dialog *like)
{
	const struct dialog *d = find(in, like);

	return d != NULL && !d->ended ? d : NULL;
}

/* --- what is logged --- */

static bool read_dialog(const struct watcher *from, struct dialog *to)
{
	char call[64];
	const char *at = call;

	(void)snprintf(call, sizeof call, SLICE_FMT, SLICE_ARG(slice_head(from->call_id, 60)));
	*to = (struct dialog){.cseq = from->cseq,
	                      .version = from->version,
	                      .expires = from->expires.ms,
	                      .tag = onlooker_hash(from->local_tag)};
	to->onlooker = (int)message_number(&at, "w");
	to->call = (unsigned)message_number(&at, "-");
	return at != NULL && to->onlooker >= 0 && to->onlooker < CLIENTS_MAX;
}

static bool read_record(struct world *w, struct slice value, struct watched *to)
{
	struct arena arena = world_scratch(w);
	struct watchers_record *r = arena_take(&arena, sizeof *r);

	if (value.n == 0)
		return true;
	if (watchers_decode(value, &arena, r) != OK)
		return false;
	for (size_t i = 0; i < r->n; i++)
		if (!read_dialog(&r->watchers[i], &to->dialogs[to->n++]))
			return false;
	return true;
}

static struct watched *new_watched(struct world *w)
{
	struct watching *all = &w->watching;

	if (all->n_watched + 1 >= all->watched_room) {
		all->watched_room = all->watched_room == 0 ? 64 : 2 * all->watched_room;
		all->watched = more_memory(all->watched, all->watched_room * sizeof *all->watched);
	}
	struct watched *to = &all->watched[++all->n_watched];
	*to = (struct watched){.n = 0};
	return to;
}

/* It has moved on, and knows that dialog no more. */
static bool is_left(const struct world *w, const struct dialog *d)
{
	const struct onlooker *o = &w->watching.onlookers[d->onlooker];
	bool other = o->tag[0] != '\0' && onlooker_hash(slice_str(o->tag)) != d->tag;

	return o->mute || d->call != o->call || other || o->expires_s == 0;
}

/* The newest entry that speaks of a dialog, be it of its end; 0: there is none. */
static uint32_t newest_of(const struct world *w, const struct host *h, int aor,
                          const struct dialog *d)
{
	uint32_t at = h->chain.watched[aor];

	while (at != 0 && find(watched_at(w, at), d) == NULL)
		at = w->history.entries[at].before;
	return at;
}

/* When this version was logged first, in this history. */
/* A last word leaves its version in no record: one more than the record's, or the gap that a backup leaves. */
static bool is_version(const struct dialog *d, const struct dialog *told)
{
	enum { GAP = 1 << 20 };
	bool behind_gap = told->ended && told->version == d->version - 1 + GAP;

	return d->ended == told->ended && (d->version == told->version || behind_gap);
}

static uint32_t entry_of(const struct world *w, const struct host *h, int aor,
                         const struct dialog *version)
{
	uint32_t found = 0, at = newest_of(w, h, aor, version);

	for (; at != 0; at = w->history.entries[at].before) {
		const struct dialog *d = find(watched_at(w, at), version);
		bool open = d != NULL && !d->ended; /* a merge may bring back what has ended */
		if (found != 0 && !version->ended && open && d->version < version->version)
			break;
		if (d != NULL && is_version(d, version))
			found = at;
	}
	return found;
}

static bool may_end(const struct world *w, const struct host *h, const struct dialog *d)
{
	const struct onlooker *o = &w->watching.onlookers[d->onlooker];

	return d->expires <= node_pair_now(h->node, host_now(w, h)).ms || is_left(w, d) ||
	       o->answered_at[h->index] + SILENT_MS <= w->now;
}

/* What is not in the record any more, though it was: for a reason, and with a last word. */
static void add_ended(struct world *w, const struct host *h, const struct watched *was,
                      struct watched *to)
{
	for (size_t i = 0; i < was->n && !w->failed; i++) {
		const struct dialog *d = &was->dialogs[i];
		if (d->ended || find(to, d) != NULL)
			continue;
		if (!may_end(w, h, d))
			world_fail(w,
			           "%c ends the subscription of onlooker %d (call %u) for nothing",
			           host_name(h), d->onlooker, d->call);
		to->dialogs[to->n] = *d;
		to->dialogs[to->n].ended = true;
		to->dialogs[to->n++].version++;
	}
}

static void check_versions(struct world *w, const struct host *h, const struct watched *was,
                           const struct watched *is)
{
	for (size_t i = 0; i < is->n; i++) {
		const struct dialog *now = &is->dialogs[i], *before = find_open(was, now);
		if (before != NULL && now->version < before->version)
			world_fail(w, "%c logs version %u of onlooker %d's dialog behind %u",
			           host_name(h), now->version, now->onlooker, before->version);
	}
}

/* Of two sides of a fork each dialog goes on, with the higher version. */
static void check_joined(struct world *w, const struct host *h, int aor, const struct watched *is)
{
	const struct host *peer = &w->hosts[1 - h->index];
	int64_t now_ms = node_pair_now(h->node, host_now(w, h)).ms;
	int64_t shift_ms = now_ms - w->now - peer->fork_offset_ms;
	uint32_t handed_in = w->handed_in_watched[aor];
	const struct watched *theirs = watched_at(w, handed_in);

	if (chain_has(&h->chain, &w->history, handed_in))
		return;
	for (size_t i = 0; i < theirs->n; i++) {
		const struct dialog *d = &theirs->dialogs[i], *kept = find_open(is, d);
		bool over = d->ended || d->expires + shift_ms <= now_ms + SHIFT_SLACK_MS ||
		            d->expires <= now_ms + SHIFT_SLACK_MS;
		bool full = is->n >= WATCHERS_MAX;
		if (kept != NULL && !d->ended && kept->version < d->version)
			world_fail(w, "%c merges onlooker %d's version %u with %u to %u",
			           host_name(h), d->onlooker, kept->version, d->version,
			           kept->version);
		if (kept == NULL && !over && !full && find(is, d) == NULL && !is_left(w, d))
			world_fail(w, "%c has merged and lost the subscription of onlooker %d",
			           host_name(h), d->onlooker);
	}
}

void watch_check_entry(struct world *w, struct host *h, uint32_t entry, struct slice value)
{
	struct history_entry *e = &w->history.entries[entry];
	struct watched *is = new_watched(w);

	is->aor = e->watched_aor;
	if (is->aor < 0 || is->aor >= w->n_aors || !read_record(w, value, is)) {
		world_fail(w, "%c logs watchers that cannot be read", host_name(h));
		return;
	}
	e->before = h->chain.watched[is->aor];
	const struct watched *was = watched_at(w, e->before);
	check_versions(w, h, was, is);
	add_ended(w, h, was, is);
	e->watched = (uint32_t)w->watching.n_watched;
	if (e->kind == ENTRY_MERGE && !w->failed)
		check_joined(w, h, is->aor, is);
}

void watch_check_merged(struct world *w, const struct host *h)
{
	for (int aor = 0; aor < w->n_aors && !w->failed; aor++)
		check_joined(w, h, aor, watched_at(w, h->chain.watched[aor]));
}

/* --- what leaves --- */

static int aor_of(const struct world *w, const struct onlooker_told *told)
{
	return w->clients[told->onlooker].aor;
}

static struct dialog dialog_of(const struct onlooker_told *told)
{
	return (struct dialog){.onlooker = told->onlooker,
	                       .call = told->call,
	                       .tag = onlooker_hash(slice_str(told->tag)),
	                       .version = told->version,
	                       .cseq = told->cseq};
}

static void remember(struct world *w, const struct notified *what)
{
	struct watching *all = &w->watching;

	if (all->n_notified == all->notified_room) {
		all->notified_room = all->notified_room == 0 ? 64 : 2 * all->notified_room;
		all->notified =
			more_memory(all->notified, all->notified_room * sizeof *all->notified);
	}
	all->notified[all->n_notified++] = *what;
}

/* It had ended since, and a merge brought it back as the other side knew it. */
static bool is_revived(const struct world *w, const struct notified *n,
                       const struct notified *since)
{
	uint32_t at = w->history.entries[n->entry].before;

	while (at != 0 && at != since->entry && find_open(watched_at(w, at), &n->dialog) != NULL)
		at = w->history.entries[at].before;
	return since->entry != n->entry && at != since->entry;
}

/* I11: in what this node's history knows of, no version was seen with other content, nor a later one. */
static void check_rises(struct world *w, const struct host *h, const struct notified *n)
{
	bool current = n->dialog.call == w->watching.onlookers[n->dialog.onlooker].call;
	bool again = false;

	for (size_t i = 0; i < w->watching.n_notified; i++) {
		const struct notified *b = &w->watching.notified[i];
		if (!is_same(&b->dialog, &n->dialog) ||
		    !chain_has(&h->chain, &w->history, b->entry))
			continue;
		again = again || (b->entry == n->entry && b->hash == n->hash);
		if (!current || b->dialog.ended || is_revived(w, n, b))
			continue;
		if (b->dialog.version > n->dialog.version)
			world_fail(w, "%c tells onlooker %d of version %u behind %u", host_name(h),
			           n->dialog.onlooker, n->dialog.version, b->dialog.version);
		else if (b->dialog.version == n->dialog.version && b->hash != n->hash)
			world_fail(w, "%c tells onlooker %d two things as version %u", host_name(h),
			           n->dialog.onlooker, n->dialog.version);
	}
	if (again)
		return;
	(void)check_committed(w, h, n->entry, "tells of");
	remember(w, n);
}

static uint32_t check_notify(struct world *w, struct host *h, const struct onlooker_told *told,
                             struct slice bytes)
{
	struct notified n = {.dialog = dialog_of(told), .hash = onlooker_hash(bytes)};

	n.dialog.ended = told->terminated; /* behind which a merge may let it begin anew */
	n.entry = entry_of(w, h, aor_of(w, told), &n.dialog);
	if (told->cseq != told->version + 1)
		world_fail(w, "%c sends version %u by CSeq %u", host_name(h), told->version,
		           told->cseq);
	else if (n.entry == 0)
		world_fail(w, "%c tells onlooker %d of version %u, which is in no entry",
		           host_name(h), told->onlooker, told->version);
	if (w->failed)
		return 0;
	check_rises(w, h, &n);
	return n.entry;
}

/* The newest SUBSCRIBE that is granted is in an entry. */
static void check_granted(struct world *w, const struct host *h, const struct onlooker_told *told)
{
	struct dialog like = dialog_of(told);
	uint32_t at = newest_of(w, h, aor_of(w, told), &like), found = 0;

	for (; at != 0; at = w->history.entries[at].before) {
		const struct dialog *d = find(watched_at(w, at), &like);
		bool has = d != NULL && (d->ended || d->cseq >= told->cseq);
		if (has)
			found = at;
		else if (w->history.entries[at].kind != ENTRY_MERGE) /* which brings back */
			break;
	}
	if (found == 0)
		world_fail(w, "%c grants onlooker %d's cseq %u, which is in no entry", host_name(h),
		           told->onlooker, told->cseq);
	else
		check_committed(w, h, found, "grants");
}

uint32_t watch_check_message(struct world *w, struct host *h, const struct onlooker_told *told,
                             struct slice bytes)
{
	if (told->onlooker >= w->n_clients || !w->watching.onlookers[told->onlooker].there)
		world_fail(w, "%c tells nobody", host_name(h));
	else if (told->notify)
		return check_notify(w, h, told, bytes);
	else if (told->status == 200)
		check_granted(w, h, told);
	return 0;
}

/* --- whether all know --- */

/* Contacts of the record; those that have expired are shown until an entry ends them, or not. */
static uint32_t held_bits(const struct world *w, const struct host *h, int aor, int64_t live_at)
{
	const struct history_entry *e = &w->history.entries[h->chain.aor[aor]];
	uint32_t bits = 0;

	for (size_t i = 0; i < e->n_held; i++)
		if (e->held[i].expires > live_at)
			bits |= 1U << (e->held[i].client * CONTACTS_MAX + e->held[i].contact);
	return bits;
}

/* It is in the active's record, lives, and speaks of a history that this one knows: where a disk was
 * lost, it may have been told of later versions than there are. */
static bool is_subscribed(const struct world *w, const struct host *h, int index)
{
	const struct onlooker *o = &w->watching.onlookers[index];
	const struct watched *all = watched_at(w, h->chain.watched[w->clients[index].aor]);
	struct dialog like = {
		.onlooker = index, .call = o->call, .tag = onlooker_hash(slice_str(o->tag))};
	const struct dialog *d = o->tag[0] != '\0' && !o->mute ? find_open(all, &like) : NULL;

	return d != NULL && d->expires > node_pair_now(h->node, host_now(w, h)).ms &&
	       (d->version >= o->seen || chain_has(&h->chain, &w->history, o->entry));
}

/* Since when it could have been told. */
static bool is_told(struct world *w, const struct host *h, int index)
{
	struct onlooker *o = &w->watching.onlookers[index];
	int aor = w->clients[index].aor;
	uint32_t held = h != NULL ? held_bits(w, h, aor, INT64_MIN) : 0;
	int64_t now_ms = h != NULL ? node_pair_now(h->node, host_now(w, h)).ms : 0;
	bool knows = h == NULL || !is_subscribed(w, h, index) ||
	             ((o->shown & ~held) == 0 && (held_bits(w, h, aor, now_ms) & ~o->shown) == 0);

	if (knows || !w->quiet || held != o->held || h->active_since > o->since)
		o->since = w->now;
	o->held = held;
	return knows;
}

bool watch_all_told(struct world *w)
{
	const struct host *h = check_active(w);
	bool all = true;

	for (int i = 0; i < w->n_clients; i++) {
		const struct onlooker *o = &w->watching.onlookers[i];
		if (!o->there || is_told(w, h, i))
			continue;
		all = false;
		if (w->now > o->since + TOLD_MS)
			world_fail(w, "onlooker %d was told of contacts %x, %x are held for %d s",
			           i, o->shown, o->held, TOLD_MS / 1000);
	}
	return all;
}
