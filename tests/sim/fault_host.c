/* What goes wrong on one machine. */
#include "tests/sim/check.h"
#include "tests/sim/fault.h"

void hit_kill(struct world *w, const struct blow *b)
{
	host_kill(w, b->host);
}

void heal_start(struct world *w, struct host *h)
{
	host_start(w, h);
}

void hit_power(struct world *w, const struct blow *b)
{
	host_power_off(w, b->host);
}

void heal_power(struct world *w, struct host *h)
{
	if (h->up)
		return;
	h->up = true;
	vrrp_start(w, h);
	(void)world_at(w, world_draw(w, 100, 2000), EVENT_START, h->index);
}

/* With the other down as well that would be two failures that nothing survives. */
static bool other_has_all(const struct world *w, const struct host *h)
{
	const struct host *peer = &w->hosts[1 - h->index];

	return peer->loaded && peer->chain.n > 0;
}

void hit_disk_lost(struct world *w, const struct blow *b)
{
	if (!other_has_all(w, b->host))
		return;
	host_kill(w, b->host);
	disk_wipe(w, b->host);
}

/* It starts without what was damaged, and says so. */
void hit_store_broken(struct world *w, const struct blow *b)
{
	bool loses = other_has_all(w, b->host);

	hit_disk_lost(w, b);
	b->host->disk.lost = b->host->disk.lost || loses;
}

/* A backup put back, or a log that is torn far from its end. */
void hit_disk_old(struct world *w, const struct blow *b)
{
	if (!other_has_all(w, b->host))
		return;
	host_kill(w, b->host);
	disk_age(w, b->host);
}

void hit_disk_fails(struct world *w, const struct blow *b)
{
	struct host *h = b->host;
	struct node_input in = {.event = NODE_LOG_FAILED};

	if (!h->loaded)
		return;
	h->disk.broken = true;
	h->disk.committing = 0;
	h->disk_failed = w->now;
	host_note_both(w, h);
	host_feed(w, h, &in);
}

void heal_disk_fails(struct world *w, struct host *h)
{
	host_kill(w, h);
	host_start(w, h);
}

/* Nothing becomes durable; what was under way does. */
void hit_disk_hangs(struct world *w, const struct blow *b)
{
	(void)w;
	b->host->disk.hangs = true;
}

void heal_disk_hangs(struct world *w, struct host *h)
{
	h->disk.hangs = false;
	if (h->loaded)
		disk_flush(w, h);
}

static void set_room(struct world *w, struct host *h, bool low)
{
	struct node_input in = {.event = NODE_ROOM, .on = !low};

	if (h->disk.room_low == low)
		return;
	h->disk.room_low = low;
	if (h->loaded)
		host_feed(w, h, &in);
}

/* On one node, or on both. */
static void set_rooms(struct world *w, struct host *h, bool low)
{
	for (int i = 0; i < HOSTS; i++)
		if (h == NULL || h->index == i)
			set_room(w, &w->hosts[i], low);
}

void hit_room_low(struct world *w, const struct blow *b)
{
	set_rooms(w, b->host, true);
}

void heal_room(struct world *w, struct host *h)
{
	set_rooms(w, h, false);
}

void hit_disk_slow(struct world *w, const struct blow *b)
{
	b->host->disk.slow_until = w->now + b->for_ms;
}

void hit_pause(struct world *w, const struct blow *b)
{
	if (b->host->node != NULL)
		b->host->paused_until = w->now + b->for_ms;
	b->host->frozen = false;
}

/* keepalived stands still with it. */
void hit_freeze(struct world *w, const struct blow *b)
{
	hit_pause(w, b);
	b->host->frozen = b->host->node != NULL;
}

void hit_starve(struct world *w, const struct blow *b)
{
	b->host->starved_until = w->now + b->for_ms;
}

void hit_wall_step(struct world *w, const struct blow *b)
{
	(void)w;
	b->host->skew_ms += b->by;
}

/* Both its clocks run at another rate from now on, each at its own. */
void hit_drift(struct world *w, const struct blow *b)
{
	host_set_drift(w, b->host, b->by);
	b->host->wall_ppm = world_draw(w, -b->by, b->by);
}

void hit_keepalived(struct world *w, const struct blow *b)
{
	vrrp_kill(w, b->host, false);
}

/* It dies, and nobody takes the address away. */
void hit_address_stays(struct world *w, const struct blow *b)
{
	b->host->vrrp.stuck = true;
	vrrp_kill(w, b->host, false);
}

void heal_keepalived(struct world *w, struct host *h)
{
	h->vrrp.stuck = false;
	vrrp_start(w, h);
}
