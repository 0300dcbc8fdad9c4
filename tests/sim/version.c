/* A node of the previous protocol beside one of this, or two of them, upgraded one at a time under load:
 * its service is stopped, the other program is started. Drawn apart: worlds of one version stay as they
 * are. */
#include "tests/sim/check.h"

enum { MIXED_ONE_OF = 4, OLD_PPM = 700000, BEGIN_MS = 5000, DOWN_MS = 8000 };

static bool one_of(struct rng *rng, uint32_t ppm)
{
	return rng_next(rng) % 1000000 < ppm;
}

static void plan_upgrade(struct world *w, struct rng *rng, int who)
{
	uint64_t span = (uint64_t)(w->rough_until - BEGIN_MS);
	struct event *e =
		world_at(w, BEGIN_MS + (int64_t)(rng_next(rng) % span), EVENT_UPGRADE, who);

	/* Now and then it is the older one that is put back. */
	e->number = one_of(rng, OLD_PPM / 4) ? FRAME_VERSION_MAX - 1 : FRAME_VERSION_MAX;
}

void version_plan(struct world *w)
{
	struct rng rng = {w->seed * UINT64_C(0x9e3779b97f4a7c15)};

	for (int i = 0; i < HOSTS; i++)
		w->hosts[i].installed = FRAME_VERSION_MAX;
	if (rng_next(&rng) % MIXED_ONE_OF != 0 || w->profile == SCRIPTED)
		return;
	w->mixed = true;
	for (int i = 0; i < HOSTS; i++) {
		if (one_of(&rng, OLD_PPM))
			w->hosts[i].installed = FRAME_VERSION_MAX - 1;
		plan_upgrade(w, &rng, i);
	}
}

void version_on_upgrade(struct world *w, const struct event *e)
{
	struct host *h = &w->hosts[e->who];
	struct node_command stop = {.kind = COMMAND_STOP, .ticket = 2000000 + ++w->tickets};

	h->installed = (uint32_t)e->number;
	world_say(w, 'o', "upgrades %c to version %u", host_name(h), h->installed);
	host_command(w, h, &stop);
	(void)world_at(w, DOWN_MS, EVENT_START, h->index);
}

void version_check(struct world *w, const struct host *h, const struct frame *f)
{
	if (frame_version(f->kind) > h->version)
		world_fail(w, "%c speaks version %u and gets a frame of kind %d", host_name(h),
		           h->version, (int)f->kind);
}
