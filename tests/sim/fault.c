/* What goes wrong, when, and for how long. */
#include "tests/sim/check.h"

enum fault {
	CRASH_ACTIVE,
	CRASH_STANDBY,
	POWER_ACTIVE,
	POWER_STANDBY,
	DISK_LOST,
	STORE_BROKEN,
	LINK_CUT,
	LINK_CUT_ONE_WAY,
	VRRP_CUT,
	ALL_CUT,
	KEEPALIVED,
	DISK_FAILS,
	DISK_SLOW,
	PAUSE,
	FREEZE,
	CLIENTS_CUT,
	SWITCHOVER,
	FAULTS_AS_ONE, /* those above are drawn where one failure must be survived */
	CRASH_BOTH = FAULTS_AS_ONE,
	STOP,
	WALL_JUMP,
	OPERATOR,
	TAKEOVER,
	FAULTS,
};

static struct host *working(struct world *w, bool active)
{
	for (int i = 0; i < HOSTS; i++)
		if ((w->hosts[i].role == ROLE_ACTIVE) == active)
			return &w->hosts[i];
	return &w->hosts[world_draw(w, 0, 1)];
}

static void heal_later(struct world *w, enum fault fault, int who, int64_t after_ms)
{
	world_at(w, after_ms, EVENT_HEAL, who)->number = (uint64_t)fault;
}

static int64_t some_time(struct world *w)
{
	return world_chance(w, 300000) ? world_draw(w, 50, 1500) : world_draw(w, 1500, 25000);
}

static void crash(struct world *w, struct host *h)
{
	host_kill(w, h);
	(void)world_at(w, some_time(w), EVENT_START, h->index);
}

/* The machine comes back with an empty disk (or with one whose store is damaged and set aside), unless the other is down: that would be two failures that
 * nothing survives. */
static void lose_disk(struct world *w, struct host *h, bool broken)
{
	const struct host *peer = &w->hosts[1 - h->index];

	if (!peer->loaded || peer->chain.n == 0)
		return;
	crash(w, h);
	world_say(w, host_name(h), broken ? "its store is damaged" : "loses its disk");
	disk_wipe(w, h);
	h->disk.lost = broken;
}

static void power(struct world *w, struct host *h)
{
	host_power_off(w, h);
	heal_later(w, POWER_ACTIVE, h->index, some_time(w) + 1000);
}

/* Half of the phones reach one side, half the other. */
static void part_clients(struct world *w)
{
	for (int i = 0; i < w->n_clients; i++)
		w->clients[i].cut[i % HOSTS] = true;
	heal_later(w, CLIENTS_CUT, 0, some_time(w));
}

static void cut(struct world *w, enum fault fault)
{
	int one = (int)world_draw(w, 0, 1);
	bool link = fault != VRRP_CUT, vrrp = fault == VRRP_CUT || fault == ALL_CUT;

	for (int i = 0; i < HOSTS; i++) {
		if (link && (fault != LINK_CUT_ONE_WAY || i == one))
			w->link_cut[i] = true;
		if (vrrp)
			w->vrrp_cut[i] = true;
	}
	if (vrrp && world_chance(w, 500000))
		part_clients(w);
	/* Each heals in its own time. */
	if (link)
		heal_later(w, LINK_CUT, 0, some_time(w));
	if (vrrp)
		heal_later(w, VRRP_CUT, 0, some_time(w));
}

static void command(struct world *w, struct host *h, enum command_kind kind)
{
	struct node_command c = {.kind = kind, .ticket = 1000000 + ++w->tickets};

	if (kind == COMMAND_TAKEOVER)
		h->told_to_take = h->life;
	world_say(w, 'o', "command %d to %c", (int)kind, host_name(h));
	host_command(w, h, &c);
}

static void remove_aor(struct world *w)
{
	struct host *h = working(w, true);
	int aor = (int)world_draw(w, 0, w->n_aors - 1);
	struct op *op = op_new(w, -1, aor, OP_OPERATOR);
	char key[64];

	(void)snprintf(key, sizeof key, "sip:user%d@sim.example", aor);
	struct node_command c = {
		.kind = COMMAND_AOR_REMOVE, .ticket = w->n_ops, .key = slice_str(key)};
	op->contacts = (1U << CONTACTS_MAX) - 1;
	op->served_life[h->index] = h->life;
	op->served[h->index] = h->chain.aor[aor];
	world_say(w, 'o', "removes user%d at %c", aor, host_name(h));
	w->serving = (int)w->n_ops - 1;
	host_command(w, h, &c);
	w->serving = -1;
}

static void pause(struct world *w, struct host *h, bool freeze)
{
	if (h->node == NULL)
		return;
	h->paused_until = w->now + (world_chance(w, 500000) ? world_draw(w, 20, 400)
	                                                    : world_draw(w, 400, 8000));
	h->frozen = freeze;
	world_say(w, host_name(h), "%s for %lld ms", freeze ? "host frozen" : "process stopped",
	          (long long)(h->paused_until - w->now));
}

static void disk_fails(struct world *w, struct host *h)
{
	struct node_input in = {.event = NODE_LOG_FAILED};

	if (!h->loaded)
		return;
	world_say(w, host_name(h), "disk fails");
	h->disk.broken = true;
	h->disk.committing = 0;
	h->disk_failed = w->now;
	host_note_both(w, h);
	host_feed(w, h, &in);
	heal_later(w, DISK_FAILS, h->index, some_time(w));
}

static void keepalived_dies(struct world *w, struct host *h)
{
	vrrp_kill(w, h, false);
	heal_later(w, KEEPALIVED, h->index, some_time(w));
}

static void cut_clients(struct world *w)
{
	struct host *h = working(w, true);

	for (int i = 0; i < w->n_clients; i++)
		w->clients[i].cut[h->index] = world_chance(w, 700000);
	heal_later(w, CLIENTS_CUT, 0, some_time(w));
}

static void jump(struct world *w)
{
	struct host *h = &w->hosts[world_draw(w, 0, 1)];

	h->skew_ms += world_draw(w, -7200, 7200) * 1000;
	world_say(w, host_name(h), "wall clock jumps");
}

static void stop(struct world *w, struct host *h)
{
	command(w, h, COMMAND_STOP);
	(void)world_at(w, some_time(w) + 8000, EVENT_START, h->index);
}

/* Most of what could go wrong midway would miss a switchover, which takes milliseconds. */
static void switch_over(struct world *w)
{
	static const enum fault hits[] = {CRASH_STANDBY, CRASH_ACTIVE, LINK_CUT, KEEPALIVED,
	                                  DISK_SLOW,     PAUSE,        FREEZE,   VRRP_CUT};
	enum { WITHIN_MS = 40, HALF_PPM = 500000 };

	if (w->profile == ROUGH && world_chance(w, HALF_PPM))
		world_at(w, world_draw(w, 0, WITHIN_MS), EVENT_FAULT, 0)->number =
			(uint64_t)hits[world_draw(w, 0, (int64_t)ARRAY_LEN(hits) - 1)];
	command(w, working(w, true),
	        world_chance(w, 800000) ? COMMAND_SWITCHOVER : COMMAND_SWITCHOVER_FORCED);
}

static void hit(struct world *w, enum fault fault)
{
	switch (fault) {
	case CRASH_ACTIVE:
	case CRASH_STANDBY:
		crash(w, working(w, fault == CRASH_ACTIVE));
		break;
	case POWER_ACTIVE:
	case POWER_STANDBY:
		power(w, working(w, fault == POWER_ACTIVE));
		break;
	case DISK_LOST:
		lose_disk(w, &w->hosts[world_draw(w, 0, 1)], false);
		break;
	case STORE_BROKEN:
		lose_disk(w, &w->hosts[world_draw(w, 0, 1)], true);
		break;
	case LINK_CUT:
	case LINK_CUT_ONE_WAY:
	case VRRP_CUT:
	case ALL_CUT:
		world_say(w, 'n', "cut %d", (int)fault);
		cut(w, fault);
		break;
	case KEEPALIVED:
		keepalived_dies(w, &w->hosts[world_draw(w, 0, 1)]);
		break;
	case DISK_FAILS:
		disk_fails(w, &w->hosts[world_draw(w, 0, 1)]);
		break;
	case DISK_SLOW:
		w->hosts[world_draw(w, 0, 1)].disk.slow_until = w->now + some_time(w);
		break;
	case PAUSE:
	case FREEZE:
		pause(w, &w->hosts[world_draw(w, 0, 1)], fault == FREEZE);
		break;
	case CLIENTS_CUT:
		cut_clients(w);
		break;
	case SWITCHOVER:
		switch_over(w);
		break;
	case CRASH_BOTH:
		crash(w, &w->hosts[0]);
		crash(w, &w->hosts[1]);
		break;
	case STOP:
		stop(w, &w->hosts[world_draw(w, 0, 1)]);
		break;
	case WALL_JUMP:
		jump(w);
		break;
	case OPERATOR:
		remove_aor(w);
		break;
	case TAKEOVER:
		command(w, working(w, false), COMMAND_TAKEOVER);
		break;
	case FAULTS:
		break;
	}
}

void fault_on_event(struct world *w, const struct event *e)
{
	hit(w, (enum fault)e->number);
}

static void heal_link(struct world *w)
{
	for (int i = 0; i < HOSTS; i++) {
		if (w->link_cut[i])
			w->cut_at = w->now;
		w->link_cut[i] = false;
	}
}

static void heal_vrrp(struct world *w)
{
	for (int i = 0; i < HOSTS; i++) {
		if (w->vrrp_cut[i])
			w->cut_at = w->now;
		w->vrrp_cut[i] = false;
	}
}

static void heal_clients(struct world *w)
{
	for (int i = 0; i < CLIENTS_MAX; i++)
		w->clients[i].cut[0] = w->clients[i].cut[1] = false;
}

void fault_on_heal(struct world *w, const struct event *e)
{
	struct host *h = &w->hosts[e->who];

	switch ((enum fault)e->number) {
	case POWER_ACTIVE:
		if (h->up)
			break;
		world_say(w, host_name(h), "has power");
		h->up = true;
		vrrp_start(w, h);
		(void)world_at(w, world_draw(w, 100, 2000), EVENT_START, h->index);
		break;
	case KEEPALIVED:
		vrrp_start(w, h);
		break;
	case DISK_FAILS:
		host_kill(w, h);
		host_start(w, h);
		break;
	case LINK_CUT:
		world_say(w, 'n', "link healed");
		heal_link(w);
		break;
	case VRRP_CUT:
		world_say(w, 'n', "vrrp healed");
		heal_vrrp(w);
		break;
	case CLIENTS_CUT:
		heal_clients(w);
		break;
	case CRASH_ACTIVE:
	case CRASH_STANDBY:
	case POWER_STANDBY:
	case DISK_LOST:
	case STORE_BROKEN:
	case LINK_CUT_ONE_WAY:
	case ALL_CUT:
	case DISK_SLOW:
	case PAUSE:
	case FREEZE:
	case SWITCHOVER:
	case CRASH_BOTH:
	case STOP:
	case WALL_JUMP:
	case OPERATOR:
	case TAKEOVER:
	case FAULTS:
		break;
	}
}

/* What an operator and a supervisor do: nothing stays down. */
void fault_heal_all(struct world *w)
{
	heal_link(w);
	heal_vrrp(w);
	heal_clients(w);
	w->loss_ppm = w->dup_ppm = w->slow_ppm = w->disk_slow_ppm = 0;
	for (int i = 0; i < HOSTS; i++) {
		struct host *h = &w->hosts[i];
		h->disk.slow_until = 0;
		h->up = true;
		if (h->node != NULL && h->role == ROLE_OUT_OF_SERVICE)
			host_kill(w, h);
		vrrp_start(w, h);
		host_start(w, h);
	}
}

static void plan(struct world *w, int64_t from, int64_t to, enum fault fault)
{
	world_at(w, world_draw(w, from, to), EVENT_FAULT, 0)->number = (uint64_t)fault;
}

void fault_plan(struct world *w)
{
	static const enum fault calm[] = {SWITCHOVER, WALL_JUMP, OPERATOR, TAKEOVER};
	enum { BEGIN = 15000, END = 10000, FIRST = 3000, APART = 12000 };
	int64_t until = w->rough_until;

	switch (w->profile) {
	case CALM:
		for (int i = 0; i < 3 && !flip_alone(w); i++)
			plan(w, BEGIN, until, calm[world_draw(w, 0, (int64_t)ARRAY_LEN(calm) - 1)]);
		break;
	case SINGLE:
		plan(w, BEGIN, until - END, (enum fault)world_draw(w, 0, FAULTS_AS_ONE - 1));
		plan(w, BEGIN, until, OPERATOR);
		break;
	case ROUGH:
		for (int64_t at = FIRST; at < until; at += world_draw(w, 100, APART))
			plan(w, at, at, (enum fault)world_draw(w, 0, FAULTS - 1));
		break;
	}
}

/* A merge is over within some milliseconds: left to chance, hardly anything would hit one. */
void fault_in_merge(struct world *w)
{
	static const enum fault hits[] = {CRASH_ACTIVE,  CRASH_STANDBY, POWER_ACTIVE,
	                                  POWER_STANDBY, LINK_CUT,      DISK_FAILS,
	                                  SWITCHOVER,    ALL_CUT,       CRASH_BOTH};
	enum { ONE_OF_THREE_PPM = 333333, WITHIN_MS = 40 };

	if (w->quiet || w->profile != ROUGH || !world_chance(w, ONE_OF_THREE_PPM))
		return;
	w->stat_merge_faults++;
	int64_t within = world_chance(w, 500000) ? WITHIN_MS : WITHIN_MS / 8;
	plan(w, 0, within, hits[world_draw(w, 0, (int64_t)ARRAY_LEN(hits) - 1)]);
}
