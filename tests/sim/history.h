/* history.h - every entry any node ever wrote, as a tree, and each node's way through it.
 *
 * An entry's parent is the entry before it in the log of who wrote it. A chain is what one node holds:
 * one path from the root. Entries are named by their number; 0 is the root, before everything. */
#ifndef TESTS_SIM_HISTORY_H
#define TESTS_SIM_HISTORY_H

#include "proto/entry.h"

enum { AORS_MAX = 6, NAPS = 3, HELD_MAX = 24 };

/* A binding as the checks see it. */
struct held {
	int client, contact;
	unsigned call;
	uint32_t cseq;
	int64_t expires;
	uint32_t written; /* the entry that brought it */
};

struct history_entry {
	uint32_t parent;
	uint64_t reign, seq;
	struct pairtime pair;
	enum entry_kind kind;
	enum table table;
	int64_t at;       /* when it was written, as the world has it */
	int aor;          /* -1: none */
	int watched_aor;  /* of a record of who watches it; -1: none */
	int nap;          /* of a NAP's record; -1: none */
	uint32_t noted;   /* what that says; 0: nothing */
	uint32_t watched; /* what that has; 0: nothing */
	uint32_t before;  /* the AOR's, its watchers', or the NAP's entry before it; 0: none */
	uint32_t theirs;  /* of a merge: what the other side had; 0: none */
	uint8_t *bytes;
	size_t n;
	struct held held[HELD_MAX];
	size_t n_held;
	unsigned seen;     /* bits of the hosts whose memory had it */
	bool set_aside;    /* is in a file beside a store */
	bool digest_known; /* of all tables, when it was the newest */
	uint64_t digest;
};

struct history {
	struct history_entry *entries;
	size_t n, room;
};

struct chain {
	uint32_t *at; /* by seq; at[0] is the root */
	size_t room;
	uint64_t n;                 /* newest seq */
	uint32_t aor[AORS_MAX];     /* newest entry of each AOR; 0: none */
	uint32_t watched[AORS_MAX]; /* and of who watches it */
	uint32_t nap[NAPS];         /* and of each NAP */
};

void history_begin(struct history *h);
void history_free(struct history *h);
/* 0: nobody wrote that. */
uint32_t history_find(const struct history *h, uint64_t reign, uint64_t seq);
uint32_t history_add(struct history *h, const struct entry *e, struct slice bytes, uint32_t parent);

void chain_begin(struct chain *c);
void chain_free(struct chain *c);
uint32_t chain_head(const struct chain *c);
void chain_push(struct chain *c, const struct history *h, uint32_t entry);
void chain_cut(struct chain *c, const struct history *h, uint64_t seq);
/* The way from the root to this entry. */
void chain_set(struct chain *c, const struct history *h, uint32_t entry);
bool chain_has(const struct chain *c, const struct history *h, uint32_t entry);

#endif
