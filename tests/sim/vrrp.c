/* keepalived on both hosts as VRRP has it: priorities 254 and 253, nopreempt, a track file. */
#include "tests/sim/check.h"

enum {
	SKEW_MS = 1,
	MASTER_DOWN_MS = 3 * ADVERT_MS + SKEW_MS,
	REFRESH_ADVERTS = 10,
	PRIORITY_OF_A = 254,
};

static unsigned priority(const struct host *h)
{
	return PRIORITY_OF_A - (unsigned)h->index;
}

static void set_timer(struct world *w, struct host *h, int64_t ms)
{
	world_at(w, ms, EVENT_VRRP_TIMER, h->index)->number = ++h->vrrp.timer;
}

/* netlink tells the process; a process that just started looks itself. */
static void tell(struct world *w, struct host *h)
{
	if (h->node != NULL)
		world_at(w, world_draw(w, 0, 3), EVENT_ADDRESS, h->index)->life = h->life;
}

static void advertise(struct world *w, struct host *h, unsigned with)
{
	if (w->vrrp_cut[h->index] || world_chance(w, w->vrrp_loss_ppm))
		return;
	world_at(w, world_draw(w, 0, 1), EVENT_ADVERT, 1 - h->index)->number = with;
}

static void garp(struct world *w, const struct host *h)
{
	for (int i = 0; i < w->n_clients && w->now >= w->arp_lost_until; i++)
		if (!w->clients[i].cut[h->index] && !world_chance(w, w->vrrp_loss_ppm))
			world_at(w, world_draw(w, 0, 2), EVENT_ARP, i)->number = (uint64_t)h->index;
}

static void leave_address(struct world *w, struct host *h)
{
	if (!h->vrrp.address)
		return;
	h->vrrp.address = false;
	world_say(w, host_name(h), "address goes");
	tell(w, h);
}

static void be_backup(struct world *w, struct host *h)
{
	leave_address(w, h);
	h->vrrp.state = VRRP_BACKUP;
	set_timer(w, h, MASTER_DOWN_MS);
}

static void be_master(struct world *w, struct host *h)
{
	h->vrrp.state = VRRP_MASTER;
	h->vrrp.address = true;
	h->vrrp.adverts = 0;
	world_say(w, host_name(h), "address comes");
	advertise(w, h, priority(h));
	garp(w, h);
	set_timer(w, h, ADVERT_MS);
	tell(w, h);
}

static void be_fault(struct world *w, struct host *h)
{
	if (h->vrrp.state == VRRP_MASTER)
		advertise(w, h, 0);
	leave_address(w, h);
	h->vrrp.state = VRRP_FAULT;
	h->vrrp.timer++;
}

void vrrp_start(struct world *w, struct host *h)
{
	if (!h->up || h->vrrp.state != VRRP_DOWN)
		return;
	if (h->vrrp.file)
		be_fault(w, h);
	else
		be_backup(w, h);
	tell(w, h);
}

void vrrp_kill(struct world *w, struct host *h, bool power)
{
	if (h->vrrp.state == VRRP_DOWN)
		return;
	h->vrrp.state = VRRP_DOWN;
	h->vrrp.timer++;
	if (power) {
		h->vrrp.address = false;
		return;
	}
	world_say(w, host_name(h), "keepalived is killed");
	tell(w, h);
	(void)world_at(w, world_draw(w, 1, 30), EVENT_CLEANUP, h->index);
}

/* Whoever watches keepalived takes away the address that it left behind. */
void vrrp_on_cleanup(struct world *w, const struct event *e)
{
	struct host *h = &w->hosts[e->who];

	if (h->vrrp.state == VRRP_DOWN && !h->vrrp.stuck)
		leave_address(w, h);
}

void vrrp_track(struct world *w, struct host *h, bool fault)
{
	h->vrrp.file = fault;
	(void)world_at(w, world_draw(w, 2, 10), EVENT_TRACK, h->index);
}

void vrrp_on_track(struct world *w, const struct event *e)
{
	struct host *h = &w->hosts[e->who];
	struct vrrp *v = &h->vrrp;

	if (v->state == VRRP_DOWN)
		return;
	if (v->file && v->state != VRRP_FAULT)
		be_fault(w, h);
	else if (!v->file && v->state == VRRP_FAULT)
		be_backup(w, h);
}

static void hear_as_master(struct world *w, struct host *h, unsigned heard)
{
	if (heard > priority(h))
		be_backup(w, h);
	else
		advertise(w, h, priority(h));
}

void vrrp_on_advert(struct world *w, const struct event *e)
{
	struct host *h = &w->hosts[e->who];

	if (!h->up)
		return;
	if (h->vrrp.state == VRRP_MASTER)
		hear_as_master(w, h, (unsigned)e->number);
	else if (h->vrrp.state == VRRP_BACKUP)
		set_timer(w, h, e->number == 0 ? SKEW_MS : MASTER_DOWN_MS);
}

void vrrp_on_timer(struct world *w, const struct event *e)
{
	struct host *h = &w->hosts[e->who];
	struct vrrp *v = &h->vrrp;

	if (e->number != v->timer)
		return;
	if (v->state == VRRP_BACKUP) {
		be_master(w, h);
		return;
	}
	if (v->state != VRRP_MASTER)
		return;
	advertise(w, h, priority(h));
	if (++v->adverts % REFRESH_ADVERTS == 0)
		garp(w, h);
	set_timer(w, h, ADVERT_MS);
}

void vrrp_on_address(struct world *w, const struct event *e)
{
	struct host *h = &w->hosts[e->who];
	struct node_input in = {
		.event = NODE_ADDRESS,
		.address = {h->vrrp.address, h->vrrp.state != VRRP_DOWN},
	};

	if (h->node == NULL || h->life != e->life)
		return;
	host_feed(w, h, &in);
}

void vrrp_on_arp(struct world *w, const struct event *e)
{
	w->clients[e->who].arp = (int)e->number;
}
