#include <stdio.h>

#include "node/core/node_parts.h"

enum role node_role(const struct node *n)
{
	return n->role.role;
}

bool node_serves(const struct node *n)
{
	return n->role.role == ROLE_ACTIVE && !n->doubt;
}

const struct copy *node_copy(const struct node *n)
{
	return n->copy;
}

struct pairtime node_pair_now(const struct node *n, struct mtime now)
{
	return pair_clock_now(&n->clock, now);
}

struct position node_position(const struct node *n)
{
	return (struct position){n->reign.id, n->last_seq};
}

uint64_t node_log_keep(const struct node *n)
{
	uint64_t keep = n->last_seq + 1;

	if (n->sender.phase != SENDER_IDLE && !n->sender.snapshot && n->sender.durable + 1 < keep)
		keep = n->sender.durable + 1;
	/* A snapshot, and the tail behind it, until all is sent. */
	bool sending = n->sender.phase == SENDER_SNAPSHOT || n->sender.phase == SENDER_CATCHING_UP;
	if (sending && n->sender.next_seq < keep)
		keep = n->sender.next_seq;
	bool may_go_on = n->sender.snapshot || !mtime_reached(n->half_until, n->now);
	if (n->half_from != 0 && may_go_on && n->half_from < keep)
		keep = n->half_from;
	return keep;
}

bool node_waits_for_disk(const struct node *n)
{
	enum role role = n->role.role;
	bool by_peer = n->options.commit == COMMIT_PEER && n->pair == PAIR_PAIRED;

	return role == ROLE_TAKING_OVER || role == ROLE_STEPPING_DOWN ||
	       (role == ROLE_ACTIVE && !by_peer);
}

static void text(status_text to, const char *from)
{
	(void)snprintf(to, STATUS_TEXT, "%s", from);
}

static void put_role(const struct node *n, struct mtime now, struct status *s)
{
	text(s->unit, unit_name(n->options.unit));
	text(s->role, role_name(n->role.role));
	text(s->role_why, n->role.why);
	s->role_since_ms = (uint64_t)(now.ms - n->role.since.ms);
	text(s->last_takeover_why, n->takeover_why != NULL ? n->takeover_why : "");
	s->last_takeover_ms = n->takeover_why != NULL ? (uint64_t)(now.ms - n->takeover_at.ms) : 0;
	s->last_takeover_time_s = (uint64_t)(n->takeover_wall_ms / 1000);
	s->last_takeover_gap_ms = (uint64_t)n->takeover_gap_ms;
	s->last_switchover_gap_ms = n->handover.gap_ms;
	s->last_switchover_entries = n->handover.entries;
	s->fault = n->role.fault;
	s->address_here = n->address_here;
	s->keepalived_alive = n->keepalived_alive;
	text(s->pair_state, pair_state_name(n->pair));
	s->pair_state_since_ms = (uint64_t)(now.ms - n->pair_since.ms);
	s->exposed_times = n->exposed_times;
	if (node_active(n) && !mtime_reached(n->trial.until, now))
		s->trial_ms = (uint64_t)(n->trial.until.ms - now.ms);
	text(s->commit, commit_mode_name(n->options.commit));
	s->epoch = n->reign.epoch;
	(void)snprintf(s->reign, STATUS_TEXT, "%016llx", (unsigned long long)n->reign.id);
	s->reign_behind = n->reign.behind;
	s->behind = node_active(n) && n->reign.behind && n->paired_in != n->reign.id;
	s->expiry_held = !mtime_reached(n->expiry_held_until, now);
}

static void put_peer(const struct node *n, struct mtime now, struct status *s)
{
	bool sending = n->sender.phase != SENDER_IDLE;
	uint64_t seq = n->sender.received + 1;
	int64_t at;

	s->peer_link = n->link.greeted;
	text(s->peer_role, n->link.greeted ? role_name((enum role)n->link.beat.role) : "unknown");
	s->peer_version = link_version(n);
	s->clocks_apart = n->clocks_apart;
	s->peer_clock_offset_ms = n->peer_clock_ms;
	s->config_differs = n->link.configs_differ;
	text(s->peer_refused, n->refused == REFUSE_NONE ? "" : refusal_text(n->refused));
	s->peer_received_seq = sending ? n->sender.received : n->link.beat.last_seq;
	s->peer_durable_seq = sending ? n->sender.durable : 0;
	s->lag_entries = sending ? n->last_seq - n->sender.received : 0;
	if (sending && seq >= ring_first(n->window) && seq < ring_end(n->window)) {
		memcpy(&at, ring_at(n->window, seq).p, sizeof at);
		s->lag_ms = (uint64_t)(now.ms - at);
	}
	s->resync_left = node_resync_left(n);
	s->snapshots_sent = n->snapshots_sent;
	s->snapshots_received = n->snapshots_received;
	s->forks = n->forks;
	s->fork_entries = n->fork_entries;
	s->merges = n->merges;
	s->merged_keys = n->merged_keys;
	s->merged_theirs = n->merged_theirs;
	s->merged_joined = n->merged_joined;
}

static void put_counts(const struct node *n, struct status *s)
{
	uint64_t digest = 0;

	for (int t = TABLE_AOR; t < TABLE_END; t++)
		digest += copy_digest(n->copy, (enum table)t);
	(void)snprintf(s->digest, STATUS_TEXT, "%016llx", (unsigned long long)digest);
	s->seq = n->last_seq;
	s->durable_seq = n->durable_seq;
	s->store_set_aside = n->store_lost;
	s->restored = node_restored(n);
	s->room_low = n->disk.room_low;
	s->room_low_times = n->disk.room_lows;
	s->disk_hangs = n->disk.hangs;
	s->disk_hung_times = n->disk.hung;
	s->aors = copy_count(n->copy, TABLE_AOR);
	s->bindings = copy_weight(n->copy);
	s->users_percent = server_users_percent(n->server, n->copy);
	s->subscribers = copy_count(n->copy, TABLE_SUBSCRIBER) - n->subscribers_gone;
	s->memory_bytes = copy_bytes(n->copy) + (n->next != NULL ? copy_bytes(n->next) : 0) +
	                  (n->old != NULL ? copy_bytes(n->old) : 0);
	s->held = ring_end(n->held) - n->held_before;
	s->registered = n->outcomes[SERVED_REGISTERED];
	s->removed = n->outcomes[SERVED_REMOVED];
	s->fetched = n->outcomes[SERVED_FETCHED];
	s->repeated = n->outcomes[SERVED_REPEATED];
	s->options = n->outcomes[SERVED_OPTIONS];
	s->keep_alives = n->outcomes[SERVED_KEEP_ALIVE];
	s->redirected = n->outcomes[SERVED_REDIRECTED];
	s->subscribed = n->outcomes[SERVED_SUBSCRIBED];
	s->watched = copy_count(n->copy, TABLE_WATCHER);
	s->unavailable = n->outcomes[SERVED_UNAVAILABLE];
	s->challenged = n->outcomes[SERVED_CHALLENGED];
	s->forbidden = n->outcomes[SERVED_FORBIDDEN];
	s->not_found = n->outcomes[SERVED_NOT_FOUND];
	s->too_brief = n->outcomes[SERVED_TOO_BRIEF];
	s->bad = n->outcomes[SERVED_BAD];
	s->refused = n->outcomes[SERVED_REFUSED];
	s->overload = n->outcomes[SERVED_OVERLOAD];
	s->users_refused = n->outcomes[SERVED_FULL];
	s->ignored = n->outcomes[SERVED_NOTHING];
	s->expired = n->expired;
	s->tombstones_dropped = n->gave_way;
}

static void put_digest(const struct node *n, struct mtime now, struct status *s)
{
	const struct digest_watch *d = &n->digest;

	s->digest_checked = d->checked;
	s->digest_mismatches = d->mismatches;
	s->digest_seq = d->seq;
	s->digest_age_ms = d->checked == 0 ? 0 : (uint64_t)(now.ms - d->checked_at.ms);
	s->scrubs = d->scrubs;
	s->memory_faults = d->memory_faults;
	s->store_faults = d->store_faults;
	s->damaged = d->memory_damaged || d->store_damaged;
	s->repairs = d->repairs;
}

static void put_keep_alive(const struct node *n, struct status *s)
{
	const struct keep_alive_watch *k = &n->keep_alive;

	s->contacts_asked = k->sent;
	s->contacts_answered = k->answered;
	s->contacts_silent = k->silent;
	s->contacts_dropped = k->removed;
}

bool node_domain_view(const struct node *n, size_t i, struct domain_view *out)
{
	return server_domain_view(n->server, n->copy, i, out);
}

void node_status(const struct node *n, struct mtime now, struct status *out)
{
	*out = (struct status){0};
	put_role(n, now, out);
	put_peer(n, now, out);
	put_digest(n, now, out);
	put_counts(n, out);
	put_keep_alive(n, out);
	node_nap_status(n, now, out);
}
