/* onlooker.h - phones that watch an AOR (RFC 3680), and what they must be told of it.
 *
 * One stands beside each phone, at its address, behind its cables. It subscribes, refreshes, leaves,
 * forgets; it answers NOTIFYs with 200, with 481 where it knows no such dialog, or never. */
#ifndef TESTS_SIM_ONLOOKER_H
#define TESTS_SIM_ONLOOKER_H

#include "node/core/node.h"
#include "tests/sim/op.h"

struct event;
struct host;
struct world;

/* Requests of theirs among those of the phones, which are told by their op. */
enum { OP_SUBSCRIBE = -1, OP_ANSWERS = -2 /* the NOTIFY of host 0; of host 1: one less */ };
enum { DIALOGS_MAX = 2 * WATCHERS_MAX, DIALOG_TAG = 80, NONCE_TEXT = 256 };

struct onlooker {
	bool there, mute;
	unsigned call;
	uint32_t cseq, expires_s; /* of the newest SUBSCRIBE */
	bool goes_on;             /* in a dialog */
	bool waits;               /* for its answer */
	int64_t retransmit_ms, give_up_at;
	uint64_t timer;
	char tag[DIALOG_TAG]; /* the node's; "": there is no dialog */
	char nonce[NONCE_TEXT];
	unsigned nc, challenged;
	int64_t answered_at[HOSTS]; /* when an answer of its reached that host last */
	uint32_t seen;              /* CSeq of the newest NOTIFY, ... */
	uint32_t entry;             /* ... and the entry that brought its version */
	uint32_t shown;             /* contacts that it told of, as bits */
	uint32_t held;              /* those there are ... */
	int64_t since; /* ... since then, or since when it would have been told of them */
};

/* A dialog as a record has it. */
struct dialog {
	int onlooker;
	unsigned call;
	uint64_t tag;
	uint32_t cseq, version;
	int64_t expires;
	bool ended; /* with the record's entry; version: of the last NOTIFY */
};

/* What one entry says of who watches an AOR. */
struct watched {
	int aor;
	struct dialog dialogs[DIALOGS_MAX];
	size_t n;
};

/* A NOTIFY that left. */
struct notified {
	struct dialog dialog;
	uint32_t entry; /* that brought its version */
	uint64_t hash;
};

struct watching {
	struct onlooker onlookers[CLIENTS_MAX]; /* of each client */
	struct watched *watched;                /* by number from 1; 0 is none */
	size_t n_watched, watched_room;
	struct notified *notified;
	size_t n_notified, notified_room;
};

/* onlooker.c */
void onlooker_plan(struct world *w);
void onlooker_on_timer(struct world *w, const struct event *e);
void onlooker_on_message(struct world *w, const struct event *e);
struct addr onlooker_address(int index);
uint64_t onlooker_hash(struct slice text);

/* A NOTIFY, or an answer to a SUBSCRIBE, as its reader sees it. */
struct onlooker_told {
	bool notify, terminated;
	int status, onlooker;
	unsigned call;
	uint32_t cseq, version, expires_s;
	char tag[DIALOG_TAG], nonce[NONCE_TEXT];
	uint32_t contacts;
};
/* False: it is neither. */
bool onlooker_read(struct slice text, struct onlooker_told *out);

/* check_watch.c */
/* A record of table watcher is logged. */
void watch_check_entry(struct world *w, struct host *h, uint32_t entry, struct slice value);
/* The active has taken in the whole other side. */
void watch_check_merged(struct world *w, const struct host *h);
/* A NOTIFY or an answer to a SUBSCRIBE leaves. Back: the entry that the former stands on. */
uint32_t watch_check_message(struct world *w, struct host *h, const struct onlooker_told *told,
                             struct slice bytes);
/* All who watch know what there is; after all has healed nobody may lag behind for long. */
bool watch_all_told(struct world *w);
void watch_free(struct watching *watching);

#endif
