/* fault.h - all that can go wrong, as one table: chance draws from it by the seed, a scenario names its
 * lines. A new fault is a line in fault.c and a function (two, where it must heal) in a fault_*.c. */
#ifndef TESTS_SIM_FAULT_H
#define TESTS_SIM_FAULT_H

#include "tests/sim/world.h"

/* One fault as it happens. */
struct blow {
	struct host *host; /* NULL: the pair, or what is between the two */
	int64_t for_ms;    /* then it heals */
	int64_t by;        /* how much, in the fault's own unit */
};

typedef void fault_hit_fn(struct world *w, const struct blow *b);
typedef void fault_heal_fn(struct world *w, struct host *h); /* NULL: of the pair */

enum fault_aim { AIM_PAIR, AIM_ANY, AIM_ACTIVE, AIM_STANDBY }; /* whom chance lets it hit */
enum fault_unit { BY_NOTHING, BY_TIME, BY_NUMBER };            /* ms; ppm or per cent */

/* When chance may let it happen: in which worlds, or right behind what. */
enum occasion {
	IN_CALM,
	IN_SINGLE,
	IN_ROUGH,
	AT_MERGE,
	AT_TAKEOVER,
	AT_SNAPSHOT,
	AT_SWITCHOVER,
	OCCASIONS
};

struct fault {
	const char *name;
	enum fault_aim aim;
	uint8_t often[OCCASIONS]; /* against the others of the occasion */
	struct {
		int64_t least, middle, most;
	} lasts; /* ms; as often above the middle as below */
	struct {
		enum fault_unit unit;
		int64_t least, most;
	} by;
	fault_hit_fn *hit;
	fault_heal_fn *heal; /* NULL: it is over by itself */
};

const struct fault *fault_named(struct slice name); /* NULL: there is none */
void fault_names(struct buf *to);                   /* of all, for a person */
/* Heals it then, whether it is at work or not. */
void fault_heal_later(struct world *w, const struct fault *f, int64_t after_ms);
void fault_strike(struct world *w, const struct fault *f, const struct blow *b);
struct host *fault_target(struct world *w, enum fault_aim aim); /* NULL: the pair */

/* fault_host.c: of one machine */
fault_hit_fn hit_kill, hit_power, hit_disk_lost, hit_store_broken, hit_disk_old, hit_disk_fails,
	hit_disk_slow, hit_disk_hangs, hit_room_low, hit_pause, hit_freeze, hit_starve,
	hit_keepalived, hit_address_stays, hit_wall_step, hit_drift;
fault_heal_fn heal_disk_hangs, heal_room, heal_start, heal_power, heal_disk_fails, heal_keepalived;

/* fault_net.c: between the machines, and towards the phones */
fault_hit_fn hit_link_cut, hit_link_cut_one_way, hit_link_reset, hit_bulk_cut, hit_link_slow,
	hit_slow_reader, hit_vrrp_cut, hit_vrrp_cut_one_way, hit_all_cut, hit_phones_cut,
	hit_arp_lost, hit_net_loss, hit_provider_down, hit_dns_down;
fault_heal_fn heal_link, heal_link_slow, heal_vrrp, heal_all_cut, heal_phones, heal_net;

void heal_providers(struct world *w);

/* fault_people.c: operators and phones */
fault_hit_fn hit_install, hit_switchover, hit_switchover_forced, hit_takeover, hit_stop,
	hit_remove_aor, hit_rotate_secret, hit_mass_expiry, hit_reload, hit_nap_gone,
	hit_nap_register;
fault_heal_fn heal_naps;

#endif
