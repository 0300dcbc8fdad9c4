/* What goes wrong, when, and for how long. */
#include "tests/sim/fault.h"

#include "tests/sim/check.h"
#include "tests/sim/scenario.h"

/* clang-format off */
#define MOMENT   {50, 1500, 25000}
#define BLINK    {20, 400, 8000}
#define AT_ONCE  {0, 0, 0}
#define NO_LESS  {BY_NOTHING, 0, 0}
static const struct fault faults[] = {
	/* name, whom; how often in: calm, single, rough, at a merge, takeover, snapshot, switchover; how long; by how much */
	{"kill",             AIM_ANY,     {0, 10, 10, 10, 10, 10, 10}, MOMENT,  NO_LESS, hit_kill, heal_start},
	{"power",            AIM_ANY,     {0, 10, 10, 10, 10, 10, 0}, {1050, 2500, 26000}, NO_LESS, hit_power, heal_power},
	{"stop",             AIM_ANY,     {0, 0, 5, 0, 5, 5, 0},      {8050, 9500, 33000}, NO_LESS, hit_stop, heal_start},
	{"pause",            AIM_ANY,     {0, 5, 5, 0, 5, 5, 5},      BLINK,   NO_LESS, hit_pause, NULL},
	{"freeze",           AIM_ANY,     {0, 5, 5, 0, 5, 5, 5},      BLINK,   NO_LESS, hit_freeze, NULL},
	{"starve",           AIM_ANY,     {0, 5, 5, 0, 0, 5, 0},      MOMENT,  NO_LESS, hit_starve, NULL},
	{"disk-lost",        AIM_ANY,     {0, 5, 5, 0, 2, 2, 0},      MOMENT,  NO_LESS, hit_disk_lost, heal_start},
	{"store-broken",     AIM_ANY,     {0, 5, 5, 0, 2, 2, 0},      MOMENT,  NO_LESS, hit_store_broken, heal_start},
	{"disk-old",         AIM_ANY,     {0, 2, 2, 0, 0, 0, 0},      MOMENT,  NO_LESS, hit_disk_old, heal_start},
	{"disk-fails",       AIM_ANY,     {0, 5, 5, 5, 5, 5, 0},      MOMENT,  NO_LESS, hit_disk_fails, heal_disk_fails},
	{"disk-slow",        AIM_ANY,     {0, 5, 5, 0, 0, 0, 5},      MOMENT,  NO_LESS, hit_disk_slow, NULL},
	{"disk-hangs",       AIM_ANY,     {0, 5, 5, 0, 5, 5, 5},      MOMENT,  NO_LESS, hit_disk_hangs, heal_disk_hangs},
	{"room-low",         AIM_ANY,     {0, 5, 5, 2, 5, 2, 0},      MOMENT,  NO_LESS, hit_room_low, heal_room},
	{"room-low-both",    AIM_PAIR,    {0, 2, 2, 0, 0, 0, 0},      MOMENT,  NO_LESS, hit_room_low, heal_room},
	{"wall-step",        AIM_ANY,     {10, 5, 5, 0, 5, 0, 0},     AT_ONCE, {BY_TIME, -7200000, 7200000}, hit_wall_step, NULL},
	{"drift",            AIM_ANY,     {10, 2, 2, 0, 0, 0, 0},     AT_ONCE, {BY_NUMBER, -400, 400}, hit_drift, NULL},
	{"keepalived",       AIM_ANY,     {0, 5, 5, 0, 2, 0, 5},      MOMENT,  NO_LESS, hit_keepalived, heal_keepalived},
	{"address-stays",    AIM_ANY,     {0, 2, 2, 0, 0, 0, 0},      MOMENT,  NO_LESS, hit_address_stays, heal_keepalived},
	{"link-cut",         AIM_PAIR,    {0, 5, 5, 5, 5, 5, 5},      MOMENT,  NO_LESS, hit_link_cut, heal_link},
	{"link-cut-one-way", AIM_ANY,     {0, 5, 5, 2, 2, 2, 0},      MOMENT,  NO_LESS, hit_link_cut_one_way, heal_link},
	{"link-reset",       AIM_PAIR,    {2, 5, 5, 5, 5, 15, 0},      AT_ONCE, NO_LESS, hit_link_reset, NULL},
	{"bulk-cut",         AIM_PAIR,    {2, 5, 5, 5, 0, 40, 0},     BLINK,   NO_LESS, hit_bulk_cut, NULL},
	{"link-slow",        AIM_PAIR,    {0, 5, 5, 0, 0, 2, 0},      MOMENT,  {BY_TIME, 20, 250}, hit_link_slow, heal_link_slow},
	{"slow-reader",      AIM_ANY,     {0, 5, 5, 0, 2, 2, 0},      MOMENT,  NO_LESS, hit_slow_reader, NULL},
	{"vrrp-cut",         AIM_PAIR,    {0, 5, 5, 0, 2, 0, 5},      MOMENT,  NO_LESS, hit_vrrp_cut, heal_vrrp},
	{"vrrp-cut-one-way", AIM_ANY,     {0, 2, 2, 0, 0, 0, 0},      MOMENT,  NO_LESS, hit_vrrp_cut_one_way, heal_vrrp},
	{"all-cut",          AIM_PAIR,    {0, 5, 5, 5, 5, 2, 0},      MOMENT,  NO_LESS, hit_all_cut, heal_all_cut},
	{"arp-lost",         AIM_PAIR,    {0, 2, 2, 0, 5, 0, 0},      MOMENT,  NO_LESS, hit_arp_lost, NULL},
	{"phones-cut",       AIM_ACTIVE,  {0, 5, 5, 0, 2, 0, 0},      MOMENT,  NO_LESS, hit_phones_cut, heal_phones},
	{"net-loss",         AIM_PAIR,    {5, 2, 2, 0, 0, 0, 0},      MOMENT,  {BY_NUMBER, 1, 30}, hit_net_loss, heal_net},
	{"switchover",       AIM_ACTIVE,  {10, 4, 4, 4, 4, 4, 0},      AT_ONCE, NO_LESS, hit_switchover, NULL},
	{"switchover-forced", AIM_ACTIVE, {0, 1, 1, 1, 1, 1, 0},      AT_ONCE, NO_LESS, hit_switchover_forced, NULL},
	{"install",          AIM_ANY,     {0, 0, 0, 0, 0, 0, 0},      {8050, 9500, 33000}, {BY_NUMBER, FRAME_VERSION_MIN, FRAME_VERSION_MAX}, hit_install, heal_start},
	{"takeover",         AIM_STANDBY, {10, 0, 5, 0, 0, 2, 0},     AT_ONCE, NO_LESS, hit_takeover, NULL},
	{"remove-aor",       AIM_ACTIVE,  {10, 0, 5, 0, 5, 5, 0},     AT_ONCE, NO_LESS, hit_remove_aor, NULL},
	{"rotate-secret",    AIM_ACTIVE,  {10, 0, 5, 0, 5, 5, 5},     AT_ONCE, NO_LESS, hit_rotate_secret, NULL},
	{"provider-down",    AIM_PAIR,    {0, 2, 4, 0, 2, 0, 0},      {50, 5000, 40000}, NO_LESS, hit_provider_down, NULL},
	{"dns-down",         AIM_PAIR,    {0, 1, 2, 0, 2, 0, 0},      {50, 5000, 25000}, NO_LESS, hit_dns_down, NULL},
	{"reload",           AIM_ANY,     {5, 2, 3, 2, 4, 2, 2},      AT_ONCE, NO_LESS, hit_reload, NULL},
	{"nap-gone",         AIM_PAIR,    {0, 2, 3, 0, 2, 0, 0},      {50, 5000, 40000}, NO_LESS, hit_nap_gone, heal_naps},
	{"nap-register",     AIM_ACTIVE,  {3, 0, 2, 0, 2, 0, 2},      AT_ONCE, NO_LESS, hit_nap_register, NULL},
	{"mass-expiry",      AIM_PAIR,    {5, 2, 3, 0, 0, 0, 0},      {6000, 15000, 30000}, NO_LESS, hit_mass_expiry, NULL},
};
/* clang-format on */

const struct fault *fault_named(struct slice name)
{
	for (size_t i = 0; i < ARRAY_LEN(faults); i++)
		if (slice_eq(name, slice_str(faults[i].name)))
			return &faults[i];
	return NULL;
}

void fault_names(struct buf *to)
{
	for (size_t i = 0; i < ARRAY_LEN(faults); i++) {
		if (i > 0)
			buf_put(to, SLICE(", "));
		buf_put(to, slice_str(faults[i].name));
	}
}

static bool works(const struct host *h)
{
	return h->role == ROLE_ACTIVE || h->role == ROLE_TAKING_OVER;
}

struct host *fault_target(struct world *w, enum fault_aim aim)
{
	if (aim == AIM_PAIR)
		return NULL;
	for (int i = 0; i < HOSTS && aim != AIM_ANY; i++)
		if (works(&w->hosts[i]) == (aim == AIM_ACTIVE))
			return &w->hosts[i];
	return &w->hosts[world_draw(w, 0, 1)];
}

void fault_heal_later(struct world *w, const struct fault *f, int64_t after_ms)
{
	world_at(w, after_ms, EVENT_HEAL, 0)->number = (uint64_t)(f - faults);
}

/* NULL: the pair's, or the world's. */
static char whose(const struct host *h)
{
	if (h == NULL)
		return '-';
	return host_name(h);
}

static bool is_syncing(const struct world *w)
{
	for (size_t i = 0; i < HOSTS; i++)
		if (w->hosts[i].disk.next.begun)
			return true;
	return false;
}

void fault_strike(struct world *w, const struct fault *f, const struct blow *b)
{
	int who = b->host != NULL ? b->host->index : 0;

	world_say(w, whose(b->host), "%s for %lld ms by %lld", f->name, (long long)b->for_ms,
	          (long long)b->by);
	/* The analyzer takes a blow without a host for no world at all.
	 * NOLINTNEXTLINE(clang-analyzer-core.NullDereference) */
	w->stat[STAT_HIT_RESYNCS] += w->profile == SCRIPTED && is_syncing(w);
	f->hit(w, b);
	if (f->heal != NULL)
		world_at(w, b->for_ms, EVENT_HEAL, who)->number = (uint64_t)(f - faults);
}

void fault_on_heal(struct world *w, const struct event *e)
{
	const struct fault *f = &faults[e->number];
	struct host *h = f->aim == AIM_PAIR ? NULL : &w->hosts[e->who];

	world_say(w, whose(h), "%s heals", f->name);
	f->heal(w, h);
}

static size_t draw_fault(struct world *w, enum occasion when)
{
	int64_t sum = 0;

	for (size_t i = 0; i < ARRAY_LEN(faults); i++)
		sum += faults[i].often[when];
	int64_t left = world_draw(w, 0, sum - 1);
	size_t at = 0;
	for (; left >= faults[at].often[when]; at++)
		left -= faults[at].often[when];
	return at;
}

static struct blow draw_blow(struct world *w, const struct fault *f)
{
	bool brief = world_chance(w, 500000);
	struct blow b = {.host = fault_target(w, f->aim)};

	b.for_ms = brief ? world_draw(w, f->lasts.least, f->lasts.middle)
	                 : world_draw(w, f->lasts.middle, f->lasts.most);
	b.by = world_draw(w, f->by.least, f->by.most);
	return b;
}

void fault_on_event(struct world *w, const struct event *e)
{
	const struct fault *f = &faults[e->number];
	struct blow b = draw_blow(w, f);

	fault_strike(w, f, &b);
}

static void plan(struct world *w, enum occasion when, int64_t from, int64_t to)
{
	struct event *e = world_at(w, world_draw(w, from, to), EVENT_FAULT, 0);

	e->number = draw_fault(w, when);
}

void fault_plan(struct world *w)
{
	enum { BEGIN = 15000, END = 10000, FIRST = 3000, APART = 12000 };
	int64_t until = w->rough_until;

	switch (w->profile) {
	case CALM:
		for (int i = 0; i < 3 && !flip_alone(w); i++)
			plan(w, IN_CALM, BEGIN, until);
		break;
	case SINGLE:
		plan(w, IN_SINGLE, BEGIN, until - END);
		plan(w, IN_CALM, BEGIN, until);
		break;
	case ROUGH:
		for (int64_t at = FIRST; at < until; at += world_draw(w, 100, APART))
			plan(w, IN_ROUGH, at, at);
		break;
	case SCRIPTED:
		break;
	}
}

/* These are over within some milliseconds: left to chance, hardly anything would hit one. */
void fault_moment(struct world *w, enum moment moment)
{
	static const struct {
		enum occasion when;
		enum stat stat;
		uint32_t ppm;
		int64_t within_ms;
	} hits[MOMENTS] = {
		[MOMENT_MERGE] = {AT_MERGE, STAT_HIT_MERGES, 333333, 40},
		[MOMENT_TAKEOVER] = {AT_TAKEOVER, STAT_HIT_TAKEOVERS, 50000, 400},
		[MOMENT_SNAPSHOT] = {AT_SNAPSHOT, STAT_HIT_RESYNCS, 400000, 1600},
		[MOMENT_SWITCHOVER] = {AT_SWITCHOVER, STAT_HIT_SWITCHOVERS, 500000, 40},
		[MOMENT_PROVIDER] = {AT_SWITCHOVER, STAT_HIT_PROVIDERS, 20000, 40},
	};
	int64_t within = hits[moment].within_ms;

	scenario_moment(w, moment);
	if (w->quiet || w->profile != ROUGH || !world_chance(w, hits[moment].ppm))
		return;
	w->stat[hits[moment].stat]++;
	plan(w, hits[moment].when, 0, world_chance(w, 500000) ? within : within / 8);
}

/* What an operator and a supervisor do: nothing stays down. */
void fault_heal_all(struct world *w)
{
	heal_link(w, NULL);
	heal_link_slow(w, NULL);
	heal_vrrp(w, NULL);
	heal_phones(w, NULL);
	heal_room(w, NULL);
	heal_providers(w);
	heal_naps(w, NULL);
	w->arp_lost_until = w->no_bulk_until = 0;
	w->loss_ppm = w->usual_loss_ppm = w->vrrp_loss_ppm = w->dup_ppm = w->slow_ppm =
		w->disk_slow_ppm = 0;
	for (int i = 0; i < HOSTS; i++) {
		struct host *h = &w->hosts[i];
		heal_disk_hangs(w, h);
		h->disk.slow_until = h->starved_until = h->slow_reader_until = 0;
		h->up = true;
		if (h->node != NULL && h->role == ROLE_OUT_OF_SERVICE)
			host_kill(w, h);
		heal_keepalived(w, h);
		host_start(w, h);
	}
}
