/* check.h - what must be true of a world: after every step, and looked at more deeply now and then. */
#ifndef TESTS_SIM_CHECK_H
#define TESTS_SIM_CHECK_H

#include "tests/sim/world.h"

/* An entry goes into a node's memory: its own or a received one. */
void check_append(struct world *w, struct host *h, const struct node_output *o);
/* A frame goes over the bulk connection: what it acknowledges is stored. */
void check_bulk(struct world *w, const struct host *h, struct slice bytes);
/* A SIP message leaves. */
void check_message(struct world *w, struct host *h, const struct node_output *o);
/* What leaves stands on this entry: it is where the commit rule wants it. True: while paired. */
bool check_committed(struct world *w, const struct host *h, uint32_t entry, const char *what);
/* An operator is told how it went. */
void check_answer(struct world *w, struct host *h, const struct node_output *o);
/* After each step of a node. */
void check_step(struct world *w, struct host *h);
/* What was acknowledged is somewhere; what was acknowledged while paired is on both. */
void check_acked(struct world *w);
/* A disk was lost: what was acknowledged on it alone, or where the other just died with it, is gone. */
void check_excuse(struct world *w, const struct host *lost);
/* A paired standby's history is a prefix. */
void check_pair(struct world *w);
/* Active, paired, equal. */
bool check_settled(struct world *w);
/* What both tell of themselves then: counted right, and no alarm. */
void check_figures(struct world *w);
/* The contacts that are held are some of those that the answers leave possible. */
void check_implied(struct world *w, const struct host *h);
/* It was lost by failures that nothing survives. */
bool check_is_excused(const struct world *w, const struct op *op);
/* One of its entries is in this history. */
bool check_has(const struct world *w, const struct host *h, const struct op *op);
/* The one that is active; NULL: none, or both. */
const struct host *check_active(const struct world *w);
bool check_says_paired(const struct world *w, const struct host *h);
/* Both hold the same, at the same position. */
bool check_is_equal(const struct world *w);
uint64_t check_digest(const struct host *h);

/* model.c: may this entry follow what was there? */
void model_check(struct world *w, const struct host *h, uint32_t entry);
/* The bindings of a stored AOR as the checks see them. False: they cannot be read. */
bool model_read(struct world *w, struct slice value, struct history_entry *to);
int model_aor(struct slice key); /* -1: none of ours */

/* model_merge.c: is a merged AOR what two sides of a fork make? NULL: it is. */
const char *merge_judge(struct world *w, const struct host *h, uint32_t entry);
/* The active has taken in the whole other side: also what it did not write anew must be right. */
void merge_check_end(struct world *w, const struct host *h);
/* Is the change in this host's record of its AOR, by its own history or by merges? */
bool merge_reflects(const struct world *w, const struct host *h, const struct op *op);
bool merge_reflects_on_disk(const struct world *w, const struct host *h, const struct op *op);

/* answer.c: what a client may be told of its bindings. */
struct told {
	int status;
	unsigned call;
	uint32_t cseq;
	int client;
	unsigned contacts; /* bits: listed */
	int64_t expires_s[CONTACTS_MAX];
	char nonce[256];
};
bool told_read(const struct world *w, struct slice text, struct told *out);
struct op *op_find(struct world *w, int client, unsigned call, uint32_t cseq);
/* Is what the client is told what the node holds? */
void check_told(struct world *w, const struct host *h, const struct op *op,
                const struct told *told);

#endif
