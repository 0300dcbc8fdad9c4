/* role.h - what a node is now, and why: the role machine, pure.
 *
 *	INIT --loaded, waited--> STANDBY or SYNCING (something newer is at the peer)
 *	SYNCING --in step, peer lost--> STANDBY --out of step, peer has more--> SYNCING
 *	SYNCING, beside an active or after one --address came--> STANDBY --address came--> TAKING_OVER
 *	TAKING_OVER --reign durable--> ACTIVE --switchover, deposed, keepalived gone--> STEPPING_DOWN
 *	STEPPING_DOWN --drained, address gone--> STANDBY
 *	STEPPING_DOWN, by request --standby lost or late before the address goes--> ACTIVE
 *	any --log failed--> OUT_OF_SERVICE (stays there until the process is started anew)
 *
 * The caller collects facts, calls role_step whenever one changed and when role_deadline is reached,
 * and carries out the output. A `standalone` unit has neither peer nor keepalived: it takes over as soon as it is loaded. */
#ifndef HA_ROLE_H
#define HA_ROLE_H

#include "proto/base/mtime.h"
#include "proto/base/standing.h"

/* Numbers are sent to the peer: never reused. */
enum role {
	ROLE_INIT = 1,
	ROLE_SYNCING,
	ROLE_STANDBY,
	ROLE_TAKING_OVER,
	ROLE_ACTIVE,
	ROLE_STEPPING_DOWN,
	ROLE_OUT_OF_SERVICE,
};
const char *role_name(enum role r); /* "taking-over"; "unknown" outside the list */

struct role_options {
	bool standalone;
	int64_t advert_ms;       /* keepalived's advert_int */
	int64_t peer_timeout_ms; /* a heartbeat older than this is not fresh */
	int64_t cold_start_ms;   /* how long a lone node waits for its peer (60 s) */
	bool takeover_when_behind;
};

struct role_facts {
	bool loaded;
	bool log_failed;
	bool disk_hangs; /* active: the own disk does not answer */
	bool store_lost; /* what this node held was damaged: it waits for its peer without limit */
	bool address_here; /* the virtual address is on this host's interface */
	bool keepalived_alive;
	bool reign_durable; /* the entry of the reign asked for by begin_reign is durable here */
	bool drained; /* stepping down: everything logged was acknowledged, held outputs left */
	bool own_last_reign;         /* the newest reign in our log is ours */
	bool own_last_reign_exposed; /* at start: the last reign in the log is ours and it was exposed */

	bool link_up;
	enum role peer_role; /* 0: unknown */
	bool peer_holds_address;
	bool peer_without_keepalived; /* it cannot get the address */
	bool superseded;         /* active: the peer reigned after us and holds what we do not */
	bool peer_wins;          /* the order of both hellos says that the peer goes on, not we */
	struct mtime peer_heard; /* when its newest heartbeat came */
	enum standing standing;  /* fixed at hello; EQUAL once in step */
	bool in_step; /* standby: the active says `paired`; active: the standby is paired */
	struct mtime in_step_until; /* standby: when the active last said `paired` */
};

enum role_request {
	ROLE_NO_REQUEST,
	ROLE_SWITCHOVER,
	ROLE_SWITCHOVER_FORCED,
	ROLE_TAKEOVER,
	ROLE_STOP
};

struct role_output {
	bool changed;
	enum role from, to;
	const char *
		why; /* a word or two for the log: "address", "loaded", "deposed", "switchover" ... */
	bool fault;          /* what the track file must say now */
	bool begin_reign;    /* write the reign entry (once, on entering TAKING_OVER) */
	bool behind;         /* with begin_reign: this takeover is `behind` */
	bool leave;          /* the process may end (after ROLE_STOP) */
	const char *refused; /* a request that cannot be carried out, and the remedy; NULL: taken */
};

struct role_machine {
	struct role_options options;
	enum role role;
	struct mtime since;
	struct mtime deadline; /* of what the state waits for; MTIME_NEVER: of facts alone */
	bool fault;
	bool stopping;            /* the process is to end */
	bool handing_over;        /* on request: the other is expected to become active */
	bool forced;              /* ... in step or not */
	bool take_now;            /* an operator ended the wait for the peer */
	bool peer_was_active;     /* before it was lost or stepped down */
	bool other_reigned;       /* seen since our own last reign */
	bool last_word_in_step;   /* the active's last word about the pair was `paired` */
	bool just_met;            /* the peer came with this step */
	struct mtime alone_since; /* since when the peer is not connected; MTIME_NEVER: it is */
	struct mtime
		unstep_since; /* standby: since when not in step beside an active; MTIME_NEVER: it is */
	struct mtime peer_taking_since; /* MTIME_NEVER: it does not take over */
	struct mtime address_since;     /* MTIME_NEVER: it is not here */
	struct mtime barred_until; /* no taking over beside a live active: the back-off's end */
	bool barred;
	bool barred_anew;   /* soon after the bar before */
	int64_t backoff_ms; /* the bar's length, and how soon is soon */
	const char *why;
};

void role_init(struct role_machine *m, const struct role_options *options, struct mtime now);
void role_step(struct role_machine *m, const struct role_facts *facts, enum role_request request,
               struct mtime now, struct role_output *out);
struct mtime role_deadline(const struct role_machine *m);
/* Why the request cannot be carried out now, and the remedy; NULL: it can. */
const char *role_refusal(const struct role_machine *m, const struct role_facts *facts,
                         enum role_request request);

#endif
