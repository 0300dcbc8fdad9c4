/* What goes wrong between the two machines, and between them and the phones. */
#include "tests/sim/fault.h"

void hit_link_cut(struct world *w, const struct blow *b)
{
	(void)b;
	w->link_cut[0] = w->link_cut[1] = true;
}

/* What this host sends does not arrive. */
void hit_link_cut_one_way(struct world *w, const struct blow *b)
{
	w->link_cut[b->host->index] = true;
}

void heal_link(struct world *w, struct host *h)
{
	(void)h;
	for (int i = 0; i < HOSTS; i++) {
		if (w->link_cut[i])
			w->cut_at = w->now;
		w->link_cut[i] = false;
	}
}

void hit_link_reset(struct world *w, const struct blow *b)
{
	(void)b;
	link_reset(w, LIVE);
}

/* The other one ends, and does not come about again for a while. */
void hit_bulk_cut(struct world *w, const struct blow *b)
{
	link_reset(w, BULK);
	w->no_bulk_until = w->now + b->for_ms;
}

void hit_link_slow(struct world *w, const struct blow *b)
{
	w->link_delay_ms = b->by;
}

void heal_link_slow(struct world *w, struct host *h)
{
	(void)h;
	w->link_delay_ms = w->usual_link_delay_ms;
}

void hit_slow_reader(struct world *w, const struct blow *b)
{
	b->host->slow_reader_until = w->now + b->for_ms;
}

/* Half of the phones reach one side, half the other: in every second cut. */
static void part_phones(struct world *w)
{
	if (!world_chance(w, 500000))
		return;
	for (int i = 0; i < w->n_clients; i++)
		w->clients[i].cut[i % HOSTS] = true;
}

void hit_vrrp_cut(struct world *w, const struct blow *b)
{
	(void)b;
	w->vrrp_cut[0] = w->vrrp_cut[1] = true;
	part_phones(w);
}

void hit_vrrp_cut_one_way(struct world *w, const struct blow *b)
{
	w->vrrp_cut[b->host->index] = true;
}

void heal_vrrp(struct world *w, struct host *h)
{
	heal_phones(w, h);
	for (int i = 0; i < HOSTS; i++) {
		if (w->vrrp_cut[i])
			w->cut_at = w->now;
		w->vrrp_cut[i] = false;
	}
}

void hit_all_cut(struct world *w, const struct blow *b)
{
	hit_link_cut(w, b);
	hit_vrrp_cut(w, b);
}

/* One heals before the other, now and then. */
void heal_all_cut(struct world *w, struct host *h)
{
	const struct fault *link = fault_named(SLICE("link-cut"));
	const struct fault *vrrp = fault_named(SLICE("vrrp-cut"));
	bool apart = !w->quiet && w->profile != SCRIPTED && world_chance(w, 700000);
	int64_t later_ms = apart ? world_draw(w, 1, 5000) : 0;
	bool link_first = world_chance(w, 500000);

	fault_heal_later(w, link, link_first ? 0 : later_ms);
	fault_heal_later(w, vrrp, link_first ? later_ms : 0);
	(void)h;
}

void hit_phones_cut(struct world *w, const struct blow *b)
{
	for (int i = 0; i < w->n_clients; i++)
		w->clients[i].cut[b->host->index] = world_chance(w, 700000);
}

void heal_phones(struct world *w, struct host *h)
{
	(void)h;
	for (int i = 0; i < CLIENTS_MAX; i++)
		w->clients[i].cut[0] = w->clients[i].cut[1] = false;
}

/* Nobody hears who has the address now. */
void hit_arp_lost(struct world *w, const struct blow *b)
{
	w->arp_lost_until = w->now + b->for_ms;
}

void hit_net_loss(struct world *w, const struct blow *b)
{
	w->loss_ppm = (uint32_t)b->by * 10000;
	w->vrrp_loss_ppm = w->loss_ppm / 4;
}

void heal_net(struct world *w, struct host *h)
{
	(void)h;
	w->loss_ppm = w->usual_loss_ppm;
	w->vrrp_loss_ppm = w->profile == SCRIPTED ? 0 : w->loss_ppm / 4;
}

void hit_provider_down(struct world *w, const struct blow *b)
{
	if (w->trunks.n == 0)
		return;
	int index = (int)world_draw(w, 0, w->trunks.n - 1);
	w->trunks.providers[index].down_until = w->now + b->for_ms;
	provider_close_all(w, index);
}

void hit_dns_down(struct world *w, const struct blow *b)
{
	w->trunks.dns_down_until = w->now + b->for_ms;
}

void heal_providers(struct world *w)
{
	w->trunks.dns_down_until = 0;
	for (int i = 0; i < w->trunks.n; i++)
		w->trunks.providers[i].down_until = 0;
}
