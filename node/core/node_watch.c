#include "node/core/node_watch.h"

#include <assert.h>

#include "node/core/node_parts.h"
#include "node/core/register_read.h"
#include "node/core/watcher.h"

enum { LATER_MS = 1000 }; /* where there is no room now */

void node_watch_begin(struct node *n)
{
	n->watch.walking = true;
	n->watch.cursor = (struct copy_cursor){0};
}

static void look_at(struct node *n, struct slice aor, struct pairtime when)
{
	const struct copy_item *item = copy_get(n->copy, TABLE_WATCHER, aor);

	if (item != NULL && when.ms < item->deadline.ms)
		copy_again(n->copy, TABLE_WATCHER, item->key, when);
}

void node_watch_changed(struct node *n, struct slice aor)
{
	if (copy_count(n->copy, TABLE_WATCHER) > 0)
		look_at(n, aor, pair_now(n));
}

static bool is_pending(const struct node *n, const struct watcher *w)
{
	return transactions_has(n->requests, OWNER_WATCH, watcher_dialog(w));
}

/* Of a crowd of SUBSCRIBEs: sent again it is not, but told next time. */
static void send_once(struct node *n, const struct request *r)
{
	struct node_output o = {.kind = OUT_MESSAGE,
	                        .flow = r->flow,
	                        .target = r->target,
	                        .bytes = arena_copy(&n->arena, r->bytes)};

	node_hold(n, r->depends_on, &o);
}

void node_watch_send(struct node *n, uint64_t depends_on, const struct notify *notify)
{
	const struct request r = {
		.owner = OWNER_WATCH,
		.id = notify->dialog,
		.about = notify->aor,
		.bytes = notify->bytes,
		.flow = notify->flow,
		.target = notify->target,
		.depends_on = depends_on,
	};

	if (!node_request(n, &r))
		send_once(n, &r);
}

/* --- whose turn it is --- */

struct look {
	struct watch_news news;
	struct watchers_record all;
	struct notify notifies[WATCHERS_MAX];
	size_t n_notifies;
	bool changed, held;
	struct pairtime next;
};

static void sooner(struct look *l, int64_t ms)
{
	if (ms < l->next.ms)
		l->next.ms = ms;
}

static void tell(struct node *n, struct look *l, struct watcher *w, enum notify_kind kind,
                 struct arena *scratch)
{
	struct arena before = *scratch;
	struct watcher was = *w;

	size_t on_their_way = transactions_count(n->requests, OWNER_WATCH) + l->n_notifies;

	if (on_their_way >= REQUESTS_OF_WATCH ||
	    !watcher_notify(&l->news, w, kind, scratch, &l->notifies[l->n_notifies])) {
		*scratch = before;
		*w = was;
		sooner(l, l->news.now.ms + LATER_MS);
		return;
	}
	l->n_notifies++;
	l->changed = true;
}

/* E9: not before the last NOTIFY was answered, nor within five seconds. */
static void look_at_one(struct node *n, struct look *l, struct watcher *w, struct arena *scratch)
{
	enum notify_kind kind = watcher_wants(&l->news, w);

	sooner(l, w->expires.ms);
	if (kind == NOTIFY_NOTHING || !watcher_has_flow(w, l->news.reign) || is_pending(n, w))
		return;
	if (w->told_at.ms + WATCH_QUIET_MS <= l->news.now.ms)
		tell(n, l, w, kind, scratch);
	else
		sooner(l, w->told_at.ms + WATCH_QUIET_MS);
}

/* Its time is over: told or not, it goes. */
static void end_one(struct node *n, struct look *l, size_t i, struct arena *scratch)
{
	struct watcher *w = &l->all.watchers[i];

	if (watcher_has_flow(w, l->news.reign) && !is_pending(n, w))
		tell(n, l, w, NOTIFY_LAST, scratch);
	watchers_take_out(&l->all, w);
	l->changed = true;
}

static void look_at_all(struct node *n, struct look *l, struct arena *scratch)
{
	for (size_t i = 0; i < l->all.n;) {
		bool ended = pairtime_reached(l->all.watchers[i].expires, l->news.now);
		if (ended && !l->held) {
			end_one(n, l, i, scratch);
			continue;
		}
		look_at_one(n, l, &l->all.watchers[i++], scratch);
	}
	if (l->next.ms <= l->news.now.ms) /* what ended is held */
		l->next.ms = l->news.now.ms + LATER_MS;
}

static bool read_news(struct node *n, struct look *l, struct arena *scratch)
{
	const struct copy_item *item = copy_get(n->copy, TABLE_AOR, l->news.aor);
	struct aor_record *record = arena_take(scratch, sizeof *record);

	if (record == NULL)
		return false;
	l->news.record = record;
	if (item != NULL)
		return copy_sound(TABLE_AOR, item) &&
		       aor_decode(item->value, scratch, record) == OK;
	record->n_bindings = 0;
	record->n_tombstones = 0;
	return true;
}

/* All in one entry, and then the NOTIFYs that it speaks of. */
static void log_and_send(struct node *n, struct look *l, struct arena *scratch)
{
	uint8_t *memory = arena_take(scratch, RECORD_MAX);
	struct buf to = buf_on(memory, memory == NULL ? 0 : RECORD_MAX);

	if (l->all.n > 0)
		watchers_encode(&l->all, scratch, &to);
	if (memory == NULL || to.full) {
		copy_again(n->copy, TABLE_WATCHER, l->news.aor,
		           (struct pairtime){l->news.now.ms + LATER_MS});
		return;
	}
	uint64_t seq =
		node_append(n, ENTRY_NOTIFY, TABLE_WATCHER, l->news.aor, buf_slice(&to), l->next);
	for (size_t i = 0; i < l->n_notifies; i++)
		node_watch_send(n, seq, &l->notifies[i]);
}

static struct look begin_look(struct node *n, struct slice aor)
{
	return (struct look){
		.news = {.aor = aor,
	                 .gruus = server_gruus(n->server, n->copy, &n->arena),
	                 .now = pair_now(n),
	                 .reign = n->reign.id,
	                 .random = n->random,
	                 .restored = n->restored},
		.next = PAIRTIME_NEVER,
	};
}

void node_watch_due(struct node *n, const struct copy_item *item, struct arena *scratch, bool held)
{
	struct look l = begin_look(n, arena_copy(scratch, item->key));
	bool sound = copy_sound(TABLE_WATCHER, item);

	l.held = held;
	if (!sound)
		node_memory_fault(n, TABLE_WATCHER, l.news.aor);
	if (!sound || watchers_decode(item->value, scratch, &l.all) != OK ||
	    !read_news(n, &l, scratch)) {
		copy_again(n->copy, TABLE_WATCHER, l.news.aor,
		           (struct pairtime){l.news.now.ms + n->options.default_expires_ms});
		return;
	}
	look_at_all(n, &l, scratch);
	if (l.changed)
		log_and_send(n, &l, scratch);
	else
		copy_again(n->copy, TABLE_WATCHER, l.news.aor, l.next);
}

/* --- answers --- */

/* E11. */
static void remove_watcher(struct node *n, struct slice aor, uint64_t dialog)
{
	const struct copy_item *item = copy_get(n->copy, TABLE_WATCHER, aor);
	struct watchers_record *all = arena_take(&n->arena, sizeof *all);
	uint8_t *memory = arena_take(&n->arena, RECORD_MAX);
	struct buf to = buf_on(memory, memory == NULL ? 0 : RECORD_MAX);
	size_t i = 0;

	if (item == NULL || memory == NULL || all == NULL || !copy_sound(TABLE_WATCHER, item) ||
	    !node_has_room(n) || watchers_decode(item->value, &n->arena, all) != OK)
		return;
	while (i < all->n && watcher_dialog(&all->watchers[i]) != dialog)
		i++;
	if (i == all->n)
		return;
	watchers_take_out(all, &all->watchers[i]);
	if (all->n > 0)
		watchers_encode(all, &n->arena, &to);
	if (!to.full)
		(void)node_append(n, ENTRY_NOTIFY, TABLE_WATCHER, aor, buf_slice(&to), pair_now(n));
}

/* RFC 6665 4.2.2: these say that there is no subscription. */
static bool ends_subscription(uint16_t status)
{
	static const uint16_t ending[] = {404, 405, 410, 416, 480, 481, 482,
	                                  483, 484, 485, 489, 501, 604};

	for (size_t i = 0; i < ARRAY_LEN(ending); i++)
		if (ending[i] == status)
			return true;
	return false;
}

void node_watch_outcome(struct node *n, struct slice aor, uint64_t dialog,
                        const struct sip_msg *answer, enum request_end how)
{
	bool refused = answer != NULL && ends_subscription(answer->status);

	if (refused || how == REQUEST_SILENT)
		remove_watcher(n, aor, dialog);
	look_at(n, aor, pair_now(n)); /* what has changed meanwhile */
}

/* Makes the records due, some at a time. */
static void walk(struct node *n)
{
	struct watch *w = &n->watch;

	for (int i = 0; w->walking && i < WATCH_WALK; i++) {
		const struct copy_item *item = copy_walk(n->copy, TABLE_WATCHER, &w->cursor);
		if (item == NULL)
			w->walking = false;
		else
			look_at(n, item->key, pair_now(n));
	}
}

void node_watch_tick(struct node *n)
{
	if (node_active(n))
		walk(n);
}
