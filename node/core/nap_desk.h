/* nap_desk.h - what the files of node_nap share: one NAP as this process knows it. Nobody else's. */
#ifndef NODE_CORE_NAP_DESK_H
#define NODE_CORE_NAP_DESK_H

#include "node/core/nap_client.h"
#include "node/core/nap_poll.h"
#include "node/core/nap_reg.h"
#include "node/core/node_parts.h"
#include "node/core/targets.h"

enum {
	NAP_SHOWN_MAX = 96, /* bytes of a text that is shown; longer ones are cut */
	NAP_URI_MAX = 512,
	NAP_SCRATCH = 512 * 1024, /* of the step's arena: with less, what is due waits for a turn */
	NAP_LATER_MS = 1000,      /* where there is no room now */
	NAP_AIM_MS = 30000,       /* a lookup or a connection that takes longer has failed */
};

struct nap_shown {
	size_t n;
	uint8_t text[NAP_SHOWN_MAX];
};

/* What is configured, with its texts. */
struct nap_config {
	struct nap_options options;
	uint8_t memory[];
};

/* NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding): in the order in which it is told */
struct nap {
	uint64_t number;           /* of no other, ever */
	struct nap_config *config; /* what is bound was asked for by this */
	struct nap_config
		*next; /* as configured now, where that is another binding: this one goes first */
	bool leaving;  /* it is not configured any more */
	bool told_off; /* by an operator: not registered until told, or configured anew */
	bool soon;     /* the next look asks at once, whatever was due */
	bool ask_anew; /* another lifetime is configured */

	struct nap_attempt attempt;
	struct nap_poll poll;
	struct nap_reg reg;
	struct mtime due; /* of the client; NEVER: it waits for something */

	/* The way there. */
	struct targets targets;
	struct target used; /* of the newest REGISTER or OPTIONS */
	bool aiming;        /* a lookup or a connection is on its way */
	uint64_t ticket;    /* ... this one ... */
	struct mtime aim_until;
	bool for_register, for_poll, for_reg; /* ... for these */
	struct flow flow;                     /* the stream to `used`; connection 0: none */
	struct mtime ping_due, pong_until;    /* with outbound, over the stream; NEVER: none */
	size_t n_redirect; /* the Request-URI of this attempt; 0: the configured one */
	uint8_t redirect[NAP_URI_MAX];

	/* Its record in short. */
	enum nap_phase phase;
	struct pairtime since, until, record_due;
	struct pairtime available_since; /* 0: never a word */
	bool available;
	uint32_t granted_s, attempts;
	uint16_t last_status;
	struct nap_shown why, reason, target;
	bool told_registered; /* what the log was told last */
};

static inline const struct nap_options *nap_options(const struct nap *p)
{
	return &p->config->options;
}

/* By its stream, or by UDP to the target in use. */
static inline bool nap_has_way(const struct nap *p)
{
	return p->flow.transport != 0;
}

/* node_nap.c */
uint64_t nap_random(struct node *n);
void nap_wake(struct node *n, struct mtime due);
struct mtime nap_mtime(const struct node *n, struct pairtime t);
bool nap_wanted(const struct nap *p);         /* it is to be registered */
void nap_look(struct node *n, struct nap *p); /* what is wanted of it may be another thing now */
/* With nothing but its record: a reign begins, it is new, or it is another from now on. */
void nap_begin(struct node *n, struct nap *p);
void nap_tell(struct node *n, struct nap *p); /* whether it is registered, where that is news */

/* node_nap_list.c */
struct nap *nap_find(const struct node *n, struct slice name);
struct nap *nap_by_number(const struct node *n, uint64_t number);
struct nap *nap_by_ticket(const struct node *n, uint64_t ticket);
void nap_drop(struct node *n, struct nap *p);
void nap_take_next(struct node *n, struct nap *p);
/* What its record says is bound may not be what is configured: then that goes first. */
void nap_fit(struct node *n, struct nap *p);
void nap_orphans(struct node *n); /* records of NAPs that are not configured */

/* node_nap_aim.c */
enum nap_aim { AIM_READY, AIM_PENDING, AIM_FAILED };
/* Finds a target and its stream, or begins to: then nap_aimed. */
enum nap_aim nap_aim(struct node *n, struct nap *p);
/* `uri` is the target of this attempt. False: it cannot be. */
bool nap_redirect(struct node *n, struct nap *p, struct slice uri);
void nap_redirect_end(struct nap *p);
struct slice nap_aim_why(const struct nap *p); /* of the newest AIM_FAILED */
void nap_hang_up(struct node *n, struct nap *p);
/* RFC 5626 4.4.1: a stream that carries an outbound registration is asked for a sign of life. */
void nap_ping(struct node *n, struct nap *p);
struct mtime nap_ping_due(const struct nap *p);
void nap_aim_overdue(struct node *n, struct nap *p);

/* node_nap_act.c */
/* One step of the machine, and those that follow from it at once. */
void nap_act(struct node *n, struct nap *p, struct nap_input *in);
void nap_poll_act(struct node *n, struct nap *p, struct nap_poll_input in);
/* What a REGISTER, a poll, or both waited for has come to this. `more`: there is another target. */
void nap_aimed(struct node *n, struct nap *p, enum nap_aim how, bool more, struct slice why);

/* node_nap_reg.c */
/* When nap_reg_look wants its turn; MTIME_NEVER: an outcome is awaited, or a registration. */
struct mtime nap_reg_due(const struct node *n, const struct nap *p);
void nap_reg_look(struct node *n, struct nap *p);
void nap_reg_end(struct node *n, struct nap *p);
/* The way is there, or it is not. */
void nap_reg_aimed(struct node *n, struct nap *p, bool ready);
void nap_reg_outcome(struct node *n, struct nap *p, const struct sip_msg *m);
void nap_reg_registered(struct node *n, struct nap *p); /* once more */

/* node_nap_record.c */
/* As stored; a new one where there is none, or it cannot be read. NULL: no room, or it is
 * damaged. */
struct nap_record *nap_load(struct node *n, const struct nap *p);
uint64_t nap_store(struct node *n, struct nap *p, struct nap_record *r); /* logs it; its seq */
void nap_erase(struct node *n, struct nap *p);
/* A Call-ID of its own; AOR and Contact as configured. False: no room, or no URIs. */
bool nap_identify(struct node *n, const struct nap *p, struct nap_record *r);
void nap_note(struct node *n, struct nap *p); /* its record in short */
void nap_show(struct nap_shown *to, struct slice text);

#endif
