/* What operators do, and what phones do together. */
#include "tests/sim/fault.h"

static void command(struct world *w, struct host *h, enum command_kind kind)
{
	struct node_command c = {.kind = kind, .ticket = 1000000 + ++w->tickets};

	host_command(w, h, &c);
}

void hit_switchover(struct world *w, const struct blow *b)
{
	fault_moment(w, MOMENT_SWITCHOVER);
	command(w, b->host, COMMAND_SWITCHOVER);
}

void hit_switchover_forced(struct world *w, const struct blow *b)
{
	fault_moment(w, MOMENT_SWITCHOVER);
	command(w, b->host, COMMAND_SWITCHOVER_FORCED);
}

void hit_takeover(struct world *w, const struct blow *b)
{
	b->host->told_to_take = b->host->life;
	command(w, b->host, COMMAND_TAKEOVER);
}

/* The service is stopped, and started again when it heals. */
void hit_stop(struct world *w, const struct blow *b)
{
	command(w, b->host, COMMAND_STOP);
}

/* A program of this version takes the place of the one there is; it runs from the next start on. */
void hit_install(struct world *w, const struct blow *b)
{
	b->host->installed = (uint32_t)b->by;
	command(w, b->host, COMMAND_STOP);
}

void hit_remove_aor(struct world *w, const struct blow *b)
{
	struct host *h = b->host;
	int aor = (int)world_draw(w, 0, w->n_aors - 1);
	struct op *op = op_new(w, -1, aor, OP_OPERATOR);
	char key[64];

	(void)snprintf(key, sizeof key, "sip:user%d@sim.example", aor);
	struct node_command c = {
		.kind = COMMAND_AOR_REMOVE, .ticket = w->n_ops, .key = slice_str(key)};
	op->contacts = (1U << CONTACTS_MAX) - 1;
	op->served_life[h->index] = h->life;
	op->served[h->index] = h->chain.aor[aor];
	w->serving = (int)w->n_ops - 1;
	host_command(w, h, &c);
	w->serving = -1;
}

void hit_rotate_secret(struct world *w, const struct blow *b)
{
	uint64_t key[4];

	for (size_t i = 0; i < ARRAY_LEN(key); i++)
		key[i] = rng_next(&w->rng);
	struct node_command c = {.kind = COMMAND_SECRET_ROTATE,
	                         .ticket = 1000000 + ++w->tickets,
	                         .key = {(const uint8_t *)key, sizeof key}};
	host_command(w, b->host, &c);
}

/* The configuration is read again; half of the time it has changed in what concerns no binding. */
void hit_reload(struct world *w, const struct blow *b)
{
	if (b->host->node != NULL && b->host->loaded)
		provider_feed(w, b->host, world_chance(w, 500000));
}

static void reload_both(struct world *w)
{
	for (int i = 0; i < HOSTS; i++)
		if (w->hosts[i].node != NULL && w->hosts[i].loaded)
			provider_feed(w, &w->hosts[i], false);
}

/* A NAP is taken out of both configurations, and comes back when it heals. */
void hit_nap_gone(struct world *w, const struct blow *b)
{
	(void)b;
	if (w->trunks.n == 0)
		return;
	w->trunks.providers[world_draw(w, 0, w->trunks.n - 1)].gone = true;
	reload_both(w);
}

void heal_naps(struct world *w, struct host *h)
{
	bool any = false;

	(void)h;
	for (int i = 0; i < w->trunks.n; i++) {
		struct provider *p = &w->trunks.providers[i];
		any = any || p->gone;
		p->back_at = p->gone ? w->now : p->back_at;
		p->gone = false;
	}
	if (any)
		reload_both(w);
}

/* All phones ask for lifetimes that end together, and then nobody refreshes. */
void hit_mass_expiry(struct world *w, const struct blow *b)
{
	w->expiry_at = w->now + b->for_ms;
}

/* An operator does not wait for what is due, or wants to know whether one is there. */
void hit_nap_register(struct world *w, const struct blow *b)
{
	bool polls = world_chance(w, 300000);
	struct node_command c = {.kind = polls ? COMMAND_NAP_POLL : COMMAND_NAP_REGISTER,
	                         .ticket = 1000000 + ++w->tickets};

	if (w->trunks.n == 0)
		return;
	c.key = w->trunks.options[world_draw(w, 0, w->trunks.n - 1)].name;
	host_command(w, b->host, &c);
}
