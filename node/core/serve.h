/* serve.h - one SIP request in, one decision out: the answer, and the record it changes if any.
 *
 * Pure and all-or-nothing: it reads the working copy and changes nothing; the caller logs the change,
 * holds the answer until its commit, and puts the new bytes into the copy (RFC 3261 10.3). */
#ifndef NODE_CORE_SERVE_H
#define NODE_CORE_SERVE_H

#include "node/core/copy.h"
#include "node/core/reach.h"
#include "proto/base/mtime.h"

/* Which digests a domain asks for. */
enum digest_offer {
	OFFER_NOTHING, /* nobody is asked for credentials */
	OFFER_ALL,     /* SHA-512-256, SHA-256, MD5: one challenge each, strongest first */
	OFFER_SHA256,  /* SHA-256, MD5: clients that do not skip what they do not know */
	OFFER_MD5,     /* MD5 alone: clients that read no further than the first challenge */
};

/* How registered contacts, and the NATs before them, are kept alive. */
enum keep_alive {
	KEEP_ALIVE_OFF,
	KEEP_ALIVE_CRLF,    /* four bytes that nobody answers (RFC 5626 3.5.1) */
	KEEP_ALIVE_OPTIONS, /* a request: who does not answer is found out */
};

/* What becomes of a binding beyond max_contacts. */
enum extra_contact {
	EXTRA_REFUSED,         /* 403 */
	EXTRA_REPLACES_OLDEST, /* the one refreshed longest ago gives way */
};

/* When granted lifetimes are shortened at random, so that phones do not come back all at once. */
enum jitter {
	JITTER_OFF,
	JITTER_AFTER_TAKEOVER, /* for one default_expires since another node, or process, reigned */
	JITTER_ALWAYS,
};

/* What a served domain wants; seconds. */
struct domain_policy {
	struct slice name;          /* lower case */
	struct slice service_route; /* what every 200 says (RFC 3608); n == 0: nothing */
	struct slice push_services; /* their names, by commas (RFC 8599); n == 0: no push here */
	struct slice numbers;       /* of PBXs that register them at once: see proto/sip/number.h */
	uint64_t max_users;         /* AORs with a record; 0: no limit */
	uint32_t default_expires_s, min_expires_s, max_expires_s;
	uint32_t
		grace_s; /* a binding stays for so long behind what its phone was told: not listed and
	                     not counted, but found, last. Its stored `expires` has it in it */
	uint32_t max_contacts;
	uint32_t flow_timer_s; /* told to who keeps a flow to us (RFC 5626 4.4); 0: not told */
	uint32_t keep_alive_ms;
	enum keep_alive keep_alive;
	enum digest_offer digest;
	enum extra_contact extra_contact;
	enum jitter jitter;
	bool keep_alive_remove; /* what does not answer ends */
	bool third_party;       /* a user may register another's AOR (R11) */
	bool strict_users;      /* our address in place of the domain's name is not the domain */
	bool auth_int;          /* qop auth-int is offered beside auth */
	bool userhash;          /* a name may be sent as a hash (RFC 7616 3.4.4) */
	bool redirect;          /* requests for users are answered by where they are; else 405 */
};

struct server_options {
	const struct domain_policy *domains; /* borrowed for the server's life */
	size_t n_domains;
	int64_t nonce_lifetime_ms;
	struct alloc alloc;
};

struct server;
struct server *server_new(const struct server_options *options);
void server_free(struct server **server);
struct digester *server_digester(struct server *server);

/* The working copy that requests are served from counts the AORs of each domain. */
struct copy *server_copy(const struct server *s, const struct alloc *alloc);
/* How many there are in one of the domains; false behind the last. */
struct domain_view {
	struct slice name;
	uint64_t users, bindings;
	uint64_t max_users; /* 0: no limit */
};
bool server_domain_view(const struct server *s, const struct copy *copy, size_t i,
                        struct domain_view *out);
/* Of the domain that is nearest to its max_users. */
uint32_t server_users_percent(const struct server *s, const struct copy *copy);

struct serve_input {
	struct slice bytes; /* one whole message */
	struct flow flow;
	struct pairtime pair;
	struct mtime now;
	uint64_t epoch;  /* of the current reign, stamped into what is written */
	uint64_t reign;  /* its id */
	uint64_t random; /* fresh random bits */
	enum unit unit;
	uint64_t
		released; /* outputs up to this seq have left: a retransmission of what has not is silent,
	                      for the held answer will come */
	struct pairtime
		took_over; /* when this reign followed on another; 0: it is the pair's first */
	struct pairtime restored; /* began the newest reign that began from a backup; 0: none did */
	uint64_t last_seq;        /* of the log: what an answer about an absent record depends on */
	const struct reach *reach;
	bool no_room; /* the log or the store cannot take a change: 503 + Retry-After before deciding */
};

/* How it ended, each a counter of the status table. */
enum serve_outcome {
	SERVED_NOTHING,    /* garbage, responses, ACK */
	SERVED_REGISTERED, /* 200, something changed */
	SERVED_REMOVED,
	SERVED_FETCHED,
	SERVED_REPEATED, /* a retransmission */
	SERVED_OPTIONS,
	SERVED_KEEP_ALIVE,  /* STUN over UDP (RFC 5626) */
	SERVED_REDIRECTED,  /* 302 */
	SERVED_SUBSCRIBED,  /* 200: a watcher, or no more */
	SERVED_UNAVAILABLE, /* 480: the user has no binding */
	SERVED_CHALLENGED,
	SERVED_FORBIDDEN,
	SERVED_NOT_FOUND,
	SERVED_TOO_BRIEF,
	SERVED_BAD,      /* 400, 413, 414, 416, 420, 482, 505 ... */
	SERVED_REFUSED,  /* 405, 501 and other methods */
	SERVED_OVERLOAD, /* 503 */
	SERVED_FULL,     /* 503: max_users */
	SERVE_OUTCOMES
};

/* A NOTIFY (RFC 6665), and what its answer is known by. */
struct notify {
	struct slice bytes; /* empty: none */
	struct flow flow;
	struct addr target;
	struct slice aor;
	uint64_t dialog; /* its hash */
};

/* What credentials leave behind in the record of the AOR that they were good for. */
struct nonce_note {
	struct slice key, value; /* key n == 0: nothing */
	struct pairtime deadline;
};

struct served {
	enum serve_outcome outcome;
	struct slice reply; /* empty: nothing is sent; in the arena */
	struct addr target; /* UDP: where it goes; streams: the request's own connection */
	bool change;        /* in `table`, aor or watcher, `key` gets `value`; in the arena */
	enum table table;
	struct slice key, value;
	struct pairtime deadline; /* of the new record */
	size_t gave_way;          /* tombstones that it has no room for */
	struct nonce_note noted;  /* table aor: logged before the change, which may be none */
	struct notify notify;     /* behind the reply */
	uint64_t depends_on;      /* without a change: the seq the answer waits for */
	enum table damaged_table; /* a record that is not what was put into the copy: 503 */
	struct slice damaged;     /* its key; empty: all were sound */
};
void serve(struct server *s, const struct copy *copy, const struct serve_input *in,
           struct arena *arena, struct served *out);

/* When a stored AOR wants to be looked at again: its first binding's or tombstone's end. For records
 * that come from the log, the peer or the image. PAIRTIME_NEVER for bytes it cannot read. */
struct pairtime aor_deadline(struct slice value, int64_t nonce_lifetime_ms, struct arena *arena);

/* The record without what has expired at `now`: bindings become tombstones of cause `expired`, old
 * tombstones and nonces go. False: nothing to do yet (`*deadline` says when). An empty `*value`:
 * the record is to be deleted. In the arena. `keep_tombstones`: the pair is not paired, none is
 * dropped (cap 7 days). */
struct aor_expiry {
	struct pairtime now;
	int64_t nonce_lifetime_ms;
	bool keep_tombstones;
	uint64_t epoch;
	enum unit unit;
	const struct addr *silent; /* not NULL: what came from there without a Path ends, too */
};
struct aor_ended {
	size_t bindings;
	size_t gave_way; /* tombstones without room */
};
bool aor_expire(const struct aor_expiry *e, struct slice value, struct arena *arena,
                struct slice *out, struct pairtime *deadline, struct aor_ended *ended);

/* An operator's removal: the bytes with no binding and a floor. */
bool aor_remove(const struct aor_expiry *e, struct slice value, struct arena *arena,
                struct slice *out, struct pairtime *deadline);

/* The key of table `secret` and the order: the newest (highest id) makes nonces, all check them. */

#endif
