/* world.h - one simulated world: two hosts with their disks, the networks between them, the clients,
 * and time. Everything that happens is an event of one queue, everything drawn comes from one seed. */
#ifndef TESTS_SIM_WORLD_H
#define TESTS_SIM_WORLD_H

#include "proto/sip/digest.h"
#include "tests/sim/flip.h"
#include "tests/sim/host.h"
#include "tests/sim/onlooker.h"
#include "tests/sim/op.h"
#include "tests/sim/provider.h"
#include "tests/sim/queue.h"
#include "tests/sim/stat.h"

struct scenario;

enum {
	NET_LONGEST_MS = 2500, /* no datagram is on its way for longer */
	ADVERT_MS = 100,
	FLUSH_MS = 200, /* mode peer */
	TEXT_MAX = 4096,
};

enum profile { CALM, SINGLE, ROUGH, SCRIPTED };

/* They are over quickly, and what goes wrong right then matters most. */
enum moment {
	MOMENT_MERGE,
	MOMENT_TAKEOVER,
	MOMENT_SNAPSHOT,
	MOMENT_SWITCHOVER,
	MOMENT_PROVIDER,
	MOMENTS
};

struct client {
	int index, aor;
	int arp; /* the host it believes to have the address */
	bool cut[HOSTS];
	int op; /* being sent; -1: none */
	unsigned call;
	uint32_t cseq;
	int64_t retransmit_ms, give_up_at;
	uint64_t timer;
	int64_t silent_from; /* it is unplugged for a while */
	bool last_words;     /* nothing but a fetch any more */
	bool content;        /* its last fetch was answered */
	char nonce[256];
	unsigned nc, challenged;
};

/* A scenario at work, and what the phones do meanwhile. */
enum load { LOAD_IDLE, LOAD_BUSY, LOAD_EXPIRY, LOAD_RESYNC, LOADS };
enum { SCENARIO_LINES_MAX = 64 };
struct script {
	const struct scenario *scenario; /* NULL: none */
	enum load load;
	bool waits; /* for a snapshot to be on its way */
	bool fired[SCENARIO_LINES_MAX];
	uint64_t counted[SCENARIO_LINES_MAX]; /* when the line fired: what must grow */
};

struct world {
	uint64_t seed;
	bool verbose, failed;
	char why[512];
	struct rng rng;
	struct queue queue;
	int64_t now;
	uint64_t steps;

	enum profile profile;
	enum commit_mode mode;
	bool digest;
	bool watched; /* all AORs, as a scenario wants it */
	bool mixed;   /* versions, and so restarts */
	int n_clients, n_aors;
	int ballast, imported; /* subscribers that only make the state large */
	int64_t rough_until;   /* faults and clients act until then */
	bool quiet, done;
	uint32_t loss_ppm, dup_ppm, slow_ppm, disk_slow_ppm;
	int64_t delay_ms, link_delay_ms, bulk_delay_ms;
	uint32_t vrrp_loss_ppm;  /* of adverts and gratuitous ARP */
	uint32_t usual_loss_ppm; /* what they heal to */
	int64_t usual_link_delay_ms;
	uint64_t resync_rate;
	size_t slice_bytes;
	enum jitter jitter;     /* of granted lifetimes */
	int64_t think_ms;       /* the longest that a phone does nothing */
	int64_t expiry_at;      /* phones ask for lifetimes that end then; 0: as they like */
	int64_t arp_lost_until; /* no gratuitous ARP arrives */
	uint64_t log_entries;   /* kept in a log */
	int64_t checkpoint_ms, nonce_lifetime_ms, cold_start_ms;

	struct host hosts[HOSTS];
	struct client clients[CLIENTS_MAX];
	struct history history;
	struct op *ops;
	size_t n_ops, ops_room;
	uint32_t handed_in[AORS_MAX]; /* what the node that is not active held when it spoke last */
	uint32_t handed_in_watched[AORS_MAX], handed_in_naps[NAPS];
	struct taken_in *taken_in;
	size_t n_taken_in, taken_in_room;
	int serving; /* the op a node is looking at; -1: none */
	bool pair_known, clocks_parted;
	bool clock_guessed;     /* a start alone, or two clocks: lifetimes may be off */
	int64_t pair_offset_ms; /* pair time less the world's: it must not step */

	uint64_t connections;
	bool link_cut[HOSTS]; /* by who sends */
	bool vrrp_cut[HOSTS];
	int64_t connecting_until;
	int64_t no_bulk_until;  /* the bulk connection does not come about */
	int64_t cut_at;         /* when the newest cut healed */
	int64_t both_active_at; /* they were not, or could not talk */
	int64_t quiet_since;
	int64_t both_died; /* when one died shortly behind the other */
	uint64_t tickets;
	struct flip flip;
	struct watching watching;
	struct trunks trunks;
	uint64_t stat[STATS];
	struct script script;

	struct domain_policy policy;
	struct digester *digester;
	uint8_t *scratch; /* SCRATCH_SIZE, for decoding */
	struct node_options options;
};
enum { SCRATCH_SIZE = 1024 * 1024 };

/* world.c */
/* What is not drawn from the seed. */
struct world_options {
	bool verbose;
	const struct scenario *scenario; /* NULL: chance has its way */
	enum load load;
};
struct world *world_new(uint64_t seed, const struct world_options *options);
void world_free(struct world **world);
/* Plays it to its end, or to `steps` events. False: something is wrong, world->why says what. */
bool world_run(struct world *w, uint64_t steps);
PRINTF_LIKE(2, 3) void world_fail(struct world *w, const char *format, ...);
/* One line of the story; `who`: 'A', 'B', or whoever else acts. */
PRINTF_LIKE(3, 4) void world_say(const struct world *w, char who, const char *format, ...);
char host_name(const struct host *h);
struct event *world_at(struct world *w, int64_t after_ms, enum event_kind kind, int who);
bool world_chance(struct world *w, uint32_t ppm);
/* from <= drawn <= to */
int64_t world_draw(struct world *w, int64_t from, int64_t to);
int64_t world_transfer_ms(const struct world *w); /* of image and log, at the rate drawn */
struct arena world_scratch(struct world *w);

/* client.c and message.c */
void client_begin(struct world *w, struct client *c);
void client_on_timer(struct world *w, const struct event *e);
void client_on_reply(struct world *w, const struct event *e);
int64_t client_waits_ms(struct world *w, const struct event *e); /* 0: it does not */
void client_on_request(struct world *w, const struct event *e);
void client_subscribe(struct world *w);
struct op *op_new(struct world *w, int client, int aor, enum op_kind kind);

/* version.c */
void version_plan(struct world *w);
void version_on_upgrade(struct world *w, const struct event *e);
void version_check(struct world *w, const struct host *h, const struct frame *f);

/* fault.c */
void fault_plan(struct world *w);
void fault_on_event(struct world *w, const struct event *e);
void fault_on_heal(struct world *w, const struct event *e);
void fault_moment(struct world *w,
                  enum moment moment); /* it begins: now and then something hits it */
void fault_heal_all(struct world *w);

#endif
