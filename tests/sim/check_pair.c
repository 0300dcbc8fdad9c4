/* What must be true of the two nodes together. */
#include "tests/sim/check.h"

enum { SETTLE_MS = 150 * 1000 };

static bool is_held(const struct world *w, const struct op *op)
{
	for (size_t i = 0; i < op->n_entries; i++)
		for (int at = 0; at < HOSTS; at++)
			if (chain_has(&w->hosts[at].chain, &w->history, op->entries[i]))
				return true;
	return false;
}

static bool is_set_aside(const struct world *w, const struct op *op)
{
	for (size_t i = 0; i < op->n_entries; i++)
		if (w->history.entries[op->entries[i]].set_aside)
			return true;
	return false;
}

/* Mode peer: both died within the time that an entry may wait for the disk. */
static bool may_be_lost(const struct world *w, const struct op *op)
{
	return w->mode == COMMIT_PEER && op->paired && op->acked_at <= w->both_died;
}

bool check_has(const struct world *w, const struct host *h, const struct op *op)
{
	for (size_t i = 0; i < op->n_entries; i++)
		if (chain_has(&h->chain, &w->history, op->entries[i]))
			return true;
	return false;
}

/* Acknowledged while paired: no process that had it may be without it, but where the other died with
 * what it had and went on alone. */
static void check_kept(struct world *w, const struct op *op)
{
	for (int i = 0; i < HOSTS; i++) {
		const struct host *h = &w->hosts[i], *peer = &w->hosts[1 - i];
		bool same_process = h->node != NULL && op->kept_life[i] == h->life;
		bool forked = is_set_aside(w, op) && peer->crashed >= op->acked_at;
		if (same_process && !forked && !check_has(w, h, op) && !merge_reflects(w, h, op))
			world_fail(w,
			           "%c lacks what was acknowledged while paired: cseq %u of client "
			           "%d, call %u",
			           host_name(h), op->cseq, op->client, op->call);
	}
}

static bool is_durable(const struct world *w, const struct host *h, const struct op *op)
{
	for (size_t i = 0; i < op->n_entries; i++)
		if (chain_has(&h->chain, &w->history, op->entries[i]) &&
		    w->history.entries[op->entries[i]].seq <= h->disk.durable)
			return true;
	return merge_reflects_on_disk(w, h, op);
}

/* Of what was acknowledged, the memory of this process has the only copy. */
static void note_resting(struct op *op, const struct world *w, const struct host *h)
{
	bool has = check_has(w, h, op) || merge_reflects(w, h, op);

	if (has && h->node != NULL && !is_durable(w, h, op)) {
		op->rests_on = h->index;
		op->rests_life = h->life;
	}
}

void check_excuse(struct world *w, const struct host *lost)
{
	const struct host *peer = &w->hosts[1 - lost->index];

	for (size_t i = 0; i < w->n_ops; i++) {
		struct op *op = &w->ops[i];
		bool peer_died = peer->crashed >= op->acked_at, merged = is_set_aside(w, op);
		if (!op->acked)
			continue;
		note_resting(op, w, peer);
		if ((!op->paired || peer_died || merged) && !is_held(w, op) &&
		    !merge_reflects(w, peer, op))
			op->excused = true;
	}
}

/* Two failures that nothing survives. */
bool check_is_excused(const struct world *w, const struct op *op)
{
	const struct host *h = &w->hosts[op->rests_on];

	return op->excused || may_be_lost(w, op) ||
	       (op->rests_life != 0 && (h->node == NULL || h->life != op->rests_life));
}

void check_acked(struct world *w)
{
	for (size_t i = 0; i < w->n_ops && !w->failed; i++) {
		const struct op *op = &w->ops[i];
		if (!op->acked || check_is_excused(w, op))
			continue;
		if (!is_held(w, op) && !is_set_aside(w, op))
			world_fail(w,
			           "acknowledged at %lld and on no disk, in no fork: cseq %u of "
			           "client %d, call %u",
			           (long long)op->acked_at, op->cseq, op->client, op->call);
		if (op->paired)
			check_kept(w, op);
	}
}

bool check_says_paired(const struct world *w, const struct host *h)
{
	struct status s;

	node_status(h->node, host_now(w, h), &s);
	return strcmp(s.pair_state, "paired") == 0;
}

static bool is_held_up(const struct world *w, const struct host *h)
{
	return h->paused_until > w->now || h->starved_until > w->now ||
	       h->slow_reader_until > w->now;
}

/* Two that are active and talk to each other agree within a moment which of them goes on. */
static void check_one_active(struct world *w)
{
	enum { AGREE_MS = 2500 };
	const struct host *a = &w->hosts[0], *b = &w->hosts[1];
	bool both = a->role == ROLE_ACTIVE && b->role == ROLE_ACTIVE && a->link[LIVE].number != 0 &&
	            a->link[LIVE].number == b->link[LIVE].number && !w->link_cut[0] &&
	            !w->link_cut[1] && !is_held_up(w, a) && !is_held_up(w, b);

	if (!both)
		w->both_active_at = w->now;
	else if (w->now > w->both_active_at + AGREE_MS)
		world_fail(w, "both are active for %d ms and talk to each other", AGREE_MS);
}

void check_pair(struct world *w)
{
	check_one_active(w);
	for (int i = 0; i < HOSTS; i++) {
		const struct host *h = &w->hosts[i], *peer = &w->hosts[1 - i];
		if (!h->loaded || !peer->loaded || h->role != ROLE_ACTIVE ||
		    h->link[LIVE].number != peer->link[LIVE].number || h->link[LIVE].number == 0 ||
		    !node_serves(h->node) || !check_says_paired(w, h))
			continue;
		if (peer->role == ROLE_ACTIVE)
			world_fail(w, "%c is paired and both are active", host_name(h));
		if (!chain_has(&h->chain, &w->history, chain_head(&peer->chain)))
			world_fail(w, "%c is paired and the standby's log is no prefix of its own",
			           host_name(h));
	}
	for (int i = 0; i < HOSTS; i++) {
		const struct host *h = &w->hosts[i];
		struct status s;
		if (!h->loaded)
			continue;
		node_status(h->node, host_now(w, h), &s);
		if (s.forks != h->forks || s.fork_entries != h->fork_entries)
			world_fail(w, "%c counts %llu entries in forks, its disk set aside %llu",
			           host_name(h), (unsigned long long)s.fork_entries,
			           (unsigned long long)h->fork_entries);
	}
}

static bool phones_content(const struct world *w)
{
	for (int i = 0; i < w->n_clients; i++)
		if (!w->clients[i].content)
			return false;
	return true;
}

const struct host *check_active(const struct world *w)
{
	const struct host *a = &w->hosts[0], *b = &w->hosts[1];

	if (!a->loaded || !b->loaded || (a->role == ROLE_ACTIVE) == (b->role == ROLE_ACTIVE))
		return NULL;
	return a->role == ROLE_ACTIVE ? a : b;
}

/* From whatever both disks survived, what was acknowledged is in the history that goes on. */
static void check_reflected(struct world *w, const struct host *h)
{
	for (size_t i = 0; i < w->n_ops && !w->failed; i++) {
		const struct op *op = &w->ops[i];
		if (op->acked && !check_is_excused(w, op) && !check_has(w, h, op) &&
		    !merge_reflects(w, h, op))
			world_fail(w,
			           "acknowledged at %lld and lost for good: cseq %u of client %d, "
			           "call %u",
			           (long long)op->acked_at, op->cseq, op->client, op->call);
	}
}

bool check_is_equal(const struct world *w)
{
	const struct host *a = &w->hosts[0], *b = &w->hosts[1];

	return a->loaded && b->loaded && chain_head(&a->chain) == chain_head(&b->chain) &&
	       check_digest(a) == check_digest(b);
}

static void fail_unsettled(struct world *w)
{
	const struct host *a = &w->hosts[0], *b = &w->hosts[1];

	world_fail(w, "not settled %d s after all healed: A %s%s, B %s%s, phones %s",
	           SETTLE_MS / 1000, a->loaded ? role_name(a->role) : "down",
	           a->vrrp.address ? " with address" : "", b->loaded ? role_name(b->role) : "down",
	           b->vrrp.address ? " with address" : "",
	           phones_content(w) ? "content" : "waiting");
}

bool check_settled(struct world *w)
{
	const struct host *h = check_active(w);
	bool settled = h != NULL && !w->flip.open && phones_content(w) && check_says_paired(w, h) &&
	               w->hosts[0].chain.n == w->hosts[1].chain.n;

	if (!settled) {
		if (w->now > w->quiet_since + SETTLE_MS + 2 * world_transfer_ms(w))
			fail_unsettled(w);
		return false;
	}
	const struct host *peer = &w->hosts[1 - h->index];
	if (chain_head(&h->chain) != chain_head(&peer->chain))
		world_fail(w, "two histories of one length");
	else if (check_digest(h) != check_digest(peer))
		world_fail(w, "two copies at one position");
	check_reflected(w, h);
	check_implied(w, h);
	check_figures(w);
	return true;
}
