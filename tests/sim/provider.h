/* provider.h - the providers at which the pair registers itself (NAPs): what each knows of us, what it
 * is like, and what is checked of what it is sent.
 *
 * Each allows one binding: another Call-ID is refused while that lives, and so is a CSeq that does not
 * rise. It stands in the network of one of the phones, behind the same cables. */
#ifndef TESTS_SIM_PROVIDER_H
#define TESTS_SIM_PROVIDER_H

#include "node/core/node.h"
#include "proto/record_nap.h"
#include "tests/sim/history.h"
#include "tests/sim/op.h"

struct event;
struct host;
struct world;

enum {
	PROVIDERS = NAPS,
	PROVIDER_TEXT = 128,
	PROVIDER_ANSWER = 2048,
	PIPES = 64,
	OP_PROVIDER = -16, /* of provider 0, among the ops of phones; of the next: one less */
};

struct provider {
	int index;
	/* What it is like. */
	bool asks, sha256, qop, by_header; /* for a password; how it grants */
	bool srv, dead;                    /* its name leads to two places, one of them is dead */
	uint32_t refuses_ppm, grants_s;
	int64_t nonce_ms;
	char proxy[64];
	/* What it knows. */
	char call[PROVIDER_TEXT], branch[PROVIDER_TEXT], answer[PROVIDER_ANSWER];
	uint32_t cseq;
	int64_t bound_until;
	uint64_t nonce; /* 0: none was given */
	uint32_t nc;
	int64_t nonce_until;
	int64_t down_until;
	int64_t healthy_since; /* nothing is in the way of being registered */
	bool gone;             /* from the configuration */
	int64_t back_at;       /* when it was in it again; 0: it was never gone */
};

/* What a record of a NAP says, by entry. */
struct nap_noted {
	int nap;
	uint64_t call; /* a hash; 0: none */
	uint32_t cseq;
	uint64_t counted; /* the nonce-counts of its challenges, together */
	enum nap_phase phase;
};

/* A REGISTER that left. */
struct nap_sent {
	int nap, host;
	uint64_t call, hash;
	struct addr target;
	uint32_t cseq, entry, nc;
	uint64_t nonce;
};

/* A stream to a provider. */
struct pipe {
	uint64_t connection; /* 0: there is none */
	int nap, host;
	uint64_t life;
	int64_t until[2]; /* when the newest arrives, there and back */
};

struct trunks {
	int n;
	bool wanted; /* by a scenario */
	struct provider providers[PROVIDERS];
	struct nap_options options[PROVIDERS];
	struct pipe pipes[PIPES];
	int64_t dns_down_until;
	uint64_t sent_to_them, strike_at; /* outputs; which of them a scenario waits for */
	struct nap_noted *noted;          /* by number from 1 */
	size_t n_noted, noted_room;
	struct nap_sent *sent;
	size_t n_sent, sent_room;
};

/* provider.c */
void provider_plan(struct world *w);
/* The list of NAPs, to a process that starts, or reloads: what concerns no binding may vary then. */
void provider_feed(struct world *w, struct host *h, bool varied);
void provider_on_request(struct world *w, const struct event *e);
bool provider_is_bound(const struct world *w, int index);
struct addr provider_address(int index);

/* provider_way.c: names, streams and datagrams */
int provider_at(const struct addr *a); /* -1: nobody's */
void provider_take(struct world *w, struct host *h, const struct node_output *o);
void provider_resolve(struct world *w, struct host *h, const struct node_output *o);
void provider_connect(struct world *w, struct host *h, const struct node_output *o);
void provider_hang_up(struct world *w, struct host *h, uint64_t connection);
void provider_close_all(struct world *w, int index); /* its streams, at our end */
void provider_answer(struct world *w, int index, const struct event *to, struct slice bytes);
void provider_on_resolved(struct world *w, const struct event *e);
void provider_on_connected(struct world *w, const struct event *e);
void provider_on_stream(struct world *w, const struct event *e);

/* check_nap.c */
void nap_check_entry(struct world *w, struct host *h, uint32_t entry, struct slice value);
int nap_of(struct slice key); /* -1: none of ours */
void nap_check_merged(struct world *w, const struct host *h);
/* A message to a provider leaves. */
void nap_check_message(struct world *w, struct host *h, const struct node_output *o);
/* None is unregistered for long while nothing is in the way. True: all are registered. */
bool nap_all_bound(struct world *w);
void nap_check_free(struct trunks *t);

#endif
