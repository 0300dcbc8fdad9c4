#include "tests/sim/world.h"

#include <stdarg.h>
#include <stdlib.h>

#include "tests/sim/check.h"
#include "tests/sim/scenario.h"

enum { PPM = 1000000, CHECK_MS = 500, LINK_ROOM = 2 * FRAME_MAX };

bool world_chance(struct world *w, uint32_t ppm)
{
	return ppm > 0 && rng_next(&w->rng) % PPM < ppm;
}

int64_t world_draw(struct world *w, int64_t from, int64_t to)
{
	return to <= from ? from : from + (int64_t)(rng_next(&w->rng) % (uint64_t)(to - from + 1));
}

int64_t world_transfer_ms(const struct world *w)
{
	enum { SUBSCRIBER_BYTES = 1200, ENTRY_BYTES = 3000 };
	int64_t all =
		(int64_t)w->ballast * SUBSCRIBER_BYTES + (int64_t)w->log_entries * ENTRY_BYTES;

	return w->resync_rate == 0 ? 0 : all * 1000 / (int64_t)w->resync_rate;
}

struct arena world_scratch(struct world *w)
{
	return arena_on(w->scratch + SCRATCH_SIZE / 2, SCRATCH_SIZE / 2);
}

struct event *world_at(struct world *w, int64_t after_ms, enum event_kind kind, int who)
{
	struct event *e = queue_add(&w->queue, w->now + (after_ms > 0 ? after_ms : 0));

	e->kind = kind;
	e->who = who;
	return e;
}

void world_say(const struct world *w, char who, const char *format, ...)
{
	va_list args;

	if (!w->verbose)
		return;
	printf("[%7lld] %c> ", (long long)w->now, who);
	va_start(args, format);
	(void)vprintf(format, args);
	va_end(args);
	(void)putchar('\n');
}

void world_fail(struct world *w, const char *format, ...)
{
	va_list args;

	if (w->failed)
		return;
	w->failed = true;
	int n = snprintf(w->why, sizeof w->why, "at %lld ms: ", (long long)w->now);
	va_start(args, format);
	(void)vsnprintf(w->why + n, sizeof w->why - (size_t)n, format, args);
	va_end(args);
	world_say(w, '!', "%s", w->why);
}

static void *take(void *context, size_t size)
{
	(void)context;
	return take_memory(size);
}

static void give(void *context, void *p)
{
	(void)context;
	free(p);
}

static void draw_options(struct world *w)
{
	static const size_t windows[] = {80U << 10, 256U << 10, 1U << 20};
	struct alloc alloc = {take, give, NULL};
	size_t window = windows[world_draw(w, 0, ARRAY_LEN(windows) - 1)];

	/* A merge that fills the window waits for the disk, slice by slice: no story's bound is for that. */
	if (w->script.load == LOAD_RESYNC && window < windows[1])
		window = windows[1];

	w->policy = (struct domain_policy){
		.name = SLICE("sim.example"),
		.default_expires_s = 60,
		.min_expires_s = 5,
		.max_expires_s = 60,
		.digest = w->digest,
		.max_contacts = 24,
		.keep_alive = KEEP_ALIVE_OPTIONS,
		.keep_alive_ms = 3000,
		.jitter = w->jitter,
	};
	w->options = (struct node_options){
		.role = {.advert_ms = ADVERT_MS,
	                 .peer_timeout_ms = 200,
	                 .cold_start_ms = w->cold_start_ms,
	                 .takeover_when_behind = true},
		.server = {.domains = &w->policy,
	                   .n_domains = 1,
	                   .nonce_lifetime_ms = w->nonce_lifetime_ms,
	                   .alloc = alloc},
		.commit = w->mode,
		.cluster_id = {1, 2, 3},
		.config_digest = 1,
		.secret_id = 1,
		.secret = {7},
		.longest_expires_ms = 60000,
		.default_expires_ms = 60000,
		.window_bytes = window,
		.disk_hang_ms = 2000 + (w->mode == COMMIT_PEER ? FLUSH_MS : 0),
		.held_bytes = 256U << 10,
		.expiry_rate = 5000,
		.resync_rate = w->resync_rate,
		.slice_bytes = w->slice_bytes,
		.alloc = alloc,
	};
}

/* What both are configured with. */
static void draw_nodes(struct world *w)
{
	int64_t slow = w->ballast > 0 ? 100000 : 10000; /* bytes a second */

	w->resync_rate = world_chance(w, 500000) ? (uint64_t)world_draw(w, slow / 10, slow) : 0;
	w->slice_bytes = world_chance(w, 700000) ? (size_t)world_draw(w, 100, 3000) : 0;
	w->jitter = world_chance(w, 700000)   ? JITTER_AFTER_TAKEOVER
	            : world_chance(w, 500000) ? JITTER_ALWAYS
	                                      : JITTER_OFF;
}

static void draw_world(struct world *w)
{
	static const enum profile profiles[] = {CALM,   CALM,  SINGLE, SINGLE, SINGLE,
	                                        SINGLE, ROUGH, ROUGH,  ROUGH,  ROUGH};
	static const enum commit_mode modes[] = {COMMIT_BOTH, COMMIT_BOTH, COMMIT_PEER,
	                                         COMMIT_DISK};

	w->profile = profiles[world_draw(w, 0, 9)];
	w->mode = modes[world_draw(w, 0, 3)];
	w->digest = world_chance(w, 250000);
	w->ballast = world_chance(w, 25000) ? 900 : 0;
	w->n_clients = (int)world_draw(w, 2, CLIENTS_MAX);
	w->n_aors = (int)world_draw(w, 1, AORS_MAX);
	w->rough_until = world_draw(w, 30, w->profile == ROUGH ? 120 : 60) * 1000;
	bool bad_net = world_chance(w, 500000);
	w->loss_ppm = bad_net ? (uint32_t)world_draw(w, 0, 150000) : 0;
	w->dup_ppm = bad_net ? (uint32_t)world_draw(w, 0, 200000) : 10000;
	w->slow_ppm = bad_net ? (uint32_t)world_draw(w, 0, 100000) : 0;
	w->delay_ms = world_draw(w, 1, 20);
	w->link_delay_ms = world_chance(w, 100000) ? world_draw(w, 20, 120) : world_draw(w, 0, 5);
	w->bulk_delay_ms = world_chance(w, 300000) ? world_draw(w, 5, 200) : w->link_delay_ms;
	w->disk_slow_ppm = world_chance(w, 300000) ? (uint32_t)world_draw(w, 0, 50000) : 0;
	w->log_entries =
		(uint64_t)world_draw(w, 5, w->ballast > 0 || world_chance(w, 500000) ? 40 : 500);
	w->checkpoint_ms = world_draw(w, 200, 10000);
	w->nonce_lifetime_ms = world_draw(w, 3, 30) * 1000;
	w->usual_loss_ppm = w->loss_ppm;
	w->vrrp_loss_ppm = w->loss_ppm / 4;
	w->cold_start_ms = world_draw(w, 3, 60) * 1000;
	w->usual_link_delay_ms = w->link_delay_ms;
	draw_nodes(w);
	w->think_ms = 4000;
}

static void draw_host(struct world *w, int index)
{
	struct host *h = &w->hosts[index];

	h->index = index;
	h->up = true;
	h->clock_ms = world_draw(w, 0, 1000000);
	h->drift_ppm = world_draw(w, -100, 100);
	h->wall_ppm = world_draw(w, -100, 100);
	h->skew_ms = world_draw(w, -2000, 2000);
	h->busy_ms = world_chance(w, 300000) ? world_draw(w, 1, 4) : 0;
	h->disk.first = 1;
	h->vrrp.file = true;
	for (int s = 0; s < STREAMS; s++)
		h->link[s].inbox = buf_on(take_memory(LINK_ROOM), LINK_ROOM);
	chain_begin(&h->chain);
	vrrp_start(w, h);
	(void)world_at(w, world_draw(w, 0, 500), EVENT_START, index);
}

struct world *world_new(uint64_t seed, const struct world_options *o)
{
	struct world *w = take_memory(sizeof *w);

	*w = (struct world){.seed = seed, .verbose = o->verbose, .serving = -1};
	w->rng.state = seed * UINT64_C(0xd1342543de82ef95) + 1;
	w->scratch = take_memory(SCRATCH_SIZE);
	w->digester = digester_new();
	history_begin(&w->history);
	draw_world(w);
	if (o->scenario != NULL)
		scenario_begin(w, o->scenario, o->load);
	draw_options(w);
	for (int i = 0; i < w->n_clients; i++) {
		w->clients[i] = (struct client){.index = i, .aor = i % w->n_aors, .op = -1};
		client_begin(w, &w->clients[i]);
	}
	for (int i = 0; i < HOSTS; i++)
		draw_host(w, i);
	onlooker_plan(w);
	provider_plan(w);
	version_plan(w);
	flip_plan(w);
	fault_plan(w);
	(void)world_at(w, 100, EVENT_LINK_TRY, 0);
	(void)world_at(w, CHECK_MS, EVENT_CHECK, 0);
	(void)world_at(w, w->rough_until, EVENT_QUIET, 0);
	return w;
}

void world_free(struct world **world)
{
	struct world *w = *world;

	for (int i = 0; i < HOSTS; i++) {
		node_free(&w->hosts[i].node);
		disk_free(&w->hosts[i].disk);
		chain_free(&w->hosts[i].chain);
		for (int s = 0; s < STREAMS; s++)
			free(w->hosts[i].link[s].inbox.p);
	}
	queue_free(&w->queue);
	history_free(&w->history);
	digester_close(&w->digester);
	free(w->ops);
	free(w->taken_in);
	watch_free(&w->watching);
	nap_check_free(&w->trunks);
	free(w->scratch);
	free(w);
	*world = NULL;
}

static void on_start(struct world *w, const struct event *e)
{
	host_start(w, &w->hosts[e->who]);
}

static void on_quiet(struct world *w, const struct event *e)
{
	(void)e;
	world_say(w, '-', "all heals");
	w->quiet = true;
	w->quiet_since = w->now;
	for (int i = 0; i < w->n_clients; i++)
		w->clients[i].last_words = true;
}

static void on_check(struct world *w, const struct event *e)
{
	(void)e;
	client_subscribe(w);
	check_acked(w);
	check_pair(w);
	flip_check(w);
	bool told = watch_all_told(w), bound = nap_all_bound(w);
	if (w->quiet && !w->failed) {
		fault_heal_all(w);
		w->done = check_settled(w) && told && bound;
	}
	(void)world_at(w, CHECK_MS, EVENT_CHECK, 0);
}

/* How much later it can happen; 0: now. */
static int64_t waits_ms(struct world *w, const struct event *e)
{
	bool of_process = e->kind <= EVENT_LINK_BYTES && e->kind != EVENT_START &&
	                  e->kind != EVENT_LINK_TRY;
	bool of_vrrp = e->kind >= EVENT_TRACK && e->kind <= EVENT_VRRP_TIMER;
	bool of_address = e->kind == EVENT_ADDRESS;
	struct host *h = e->kind == EVENT_REQUEST              ? &w->hosts[e->number]
	                 : of_process || of_vrrp || of_address ? &w->hosts[e->who]
	                                                       : NULL;

	if (h != NULL && h->paused_until > w->now && (!of_vrrp || h->frozen))
		return h->paused_until - w->now;
	if (h != NULL && !of_vrrp) {
		int64_t starved = host_starved_ms(w, h);
		if (starved > 0)
			return starved;
	}
	if (e->kind == EVENT_REQUEST)
		return client_waits_ms(w, e);
	if (e->kind == EVENT_LINK_BYTES || e->kind == EVENT_LINK_DOWN)
		return link_held_up_ms(w, e);
	return 0;
}

typedef void event_fn(struct world *w, const struct event *e);

static void happen(struct world *w, const struct event *e)
{
	static event_fn *const by_kind[EVENT_KINDS] = {
		[EVENT_START] = on_start,
		[EVENT_LOADED] = host_on_loaded,
		[EVENT_TURN] = host_on_turn,
		[EVENT_COMMIT] = disk_on_commit,
		[EVENT_STORED] = disk_on_stored,
		[EVENT_PLACED] = disk_on_placed,
		[EVENT_CHECKPOINT] = disk_on_checkpoint,
		[EVENT_LINK_TRY] = link_on_try,
		[EVENT_LINK_UP] = link_on_up,
		[EVENT_LINK_DOWN] = link_on_down,
		[EVENT_LINK_BYTES] = link_on_bytes,
		[EVENT_TRACK] = vrrp_on_track,
		[EVENT_ADVERT] = vrrp_on_advert,
		[EVENT_VRRP_TIMER] = vrrp_on_timer,
		[EVENT_ADDRESS] = vrrp_on_address,
		[EVENT_CLEANUP] = vrrp_on_cleanup,
		[EVENT_ARP] = vrrp_on_arp,
		[EVENT_REQUEST] = client_on_request,
		[EVENT_REPLY] = client_on_reply,
		[EVENT_CLIENT] = client_on_timer,
		[EVENT_RESOLVED] = provider_on_resolved,
		[EVENT_CONNECTED] = provider_on_connected,
		[EVENT_STREAM] = provider_on_stream,
		[EVENT_PROVIDER] = provider_on_request,
		[EVENT_ONLOOKER] = onlooker_on_timer,
		[EVENT_TOLD] = onlooker_on_message,
		[EVENT_FAULT] = fault_on_event,
		[EVENT_HEAL] = fault_on_heal,
		[EVENT_FLIP] = flip_on_event,
		[EVENT_COMPARE] = flip_on_compare,
		[EVENT_FLIP_FOUND] = flip_on_found,
		[EVENT_LINE] = scenario_on_line,
		[EVENT_LOOK] = scenario_on_look,
		[EVENT_RESYNC] = scenario_on_resync,
		[EVENT_CHECK] = on_check,
		[EVENT_UPGRADE] = version_on_upgrade,
		[EVENT_QUIET] = on_quiet,
	};

	by_kind[e->kind](w, e);
}

bool world_run(struct world *w, uint64_t steps)
{
	while (!w->failed && !w->done && w->steps < steps) {
		struct event *e = queue_take(&w->queue);
		w->now = e->at;
		int64_t waits = waits_ms(w, e);
		if (waits > 0) {
			queue_again(&w->queue, e, w->now + waits);
			continue;
		}
		happen(w, e);
		event_free(e);
	}
	return !w->failed;
}
