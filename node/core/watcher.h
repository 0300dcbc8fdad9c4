/* watcher.h - who is told of an AOR's bindings (RFC 3680, RFC 6665): when a watcher wants a NOTIFY,
 * and the NOTIFY itself. No store, no clock.
 *
 * What a watcher was told last is in its record: a hash of the bindings, when, and in which reign. So
 * nobody keeps a list of what is to be told: it is what differs. A new reign tells all of it anew. */
#ifndef NODE_CORE_WATCHER_H
#define NODE_CORE_WATCHER_H

#include "node/core/reginfo.h"

enum {
	WATCH_DEFAULT_S = 3761, /* RFC 3680 4.4 */
	WATCH_MAX_S = 86400,
	WATCH_QUIET_MS = 5000,   /* between two NOTIFYs (RFC 3680 4.11) */
	WATCHER_TEXT_MAX = 2048, /* its From, Contact, a Route, ...: more is 413 */
	NOTIFY_MAX = 60000,
};
#define WATCHER_UNTOLD UINT32_MAX /* version of who gets its first NOTIFY next */

/* What there is to tell of one AOR, and by whom. */
struct watch_news {
	struct slice aor;
	const struct aor_record *record;
	struct gruu_keys gruus;
	struct pairtime now;
	uint64_t reign;
	uint64_t random;
	struct pairtime restored; /* began the newest reign that began from a backup; 0: none did */
};

enum notify_kind {
	NOTIFY_NOTHING,
	NOTIFY_PARTIAL,
	NOTIFY_FULL,
	NOTIFY_LAST, /* full, and the subscription has ended */
};
enum notify_kind watcher_wants(const struct watch_news *news, const struct watcher *w);

/* Can it be reached? A stream ends with the process that had it. */
bool watcher_has_flow(const struct watcher *w, uint64_t reign);

/* Writes the NOTIFY and counts it in the watcher. False: the arena is full, or it is too large. */
bool watcher_notify(const struct watch_news *news, struct watcher *w, enum notify_kind kind,
                    struct arena *arena, struct notify *out);

/* NULL: no such dialog. */
struct watcher *watchers_find(struct watchers_record *r, struct slice call_id, struct slice tag);
void watchers_take_out(struct watchers_record *r, struct watcher *w);

uint64_t watcher_dialog(const struct watcher *w);

/* What a server seals GRUUs with. */
struct gruu_keys server_gruus(struct server *s, const struct copy *copy, struct arena *arena);

/* "<sip:10.0.0.1:5060>", with ;transport= where it is not UDP: where we are reached. */
void put_contact_of(struct buf *to, const struct flow *flow);

#endif
