/* loop_parts.h - what the files of the runner share. Nobody else's. */
#ifndef NODE_IO_LOOP_PARTS_H
#define NODE_IO_LOOP_PARTS_H

#include <sysexits.h>

#include "node/core/latency.h"
#include "node/io/control.h"
#include "node/io/divergence.h"
#include "node/io/dns.h"
#include "node/io/events.h"
#include "node/io/journal.h"
#include "node/io/keeper.h"
#include "node/io/log_thread.h"
#include "node/io/loop.h"
#include "node/io/management.h"
#include "node/io/peer_link.h"
#include "node/io/reload.h"
#include "node/io/sip_io.h"
#include "store/store.h"

struct event;

enum { LOOP_SUBJECTS = 61 }; /* the words in use fall apart */

struct loop {
	struct config *config; /* a reload changes it, between two turns */
	const char *config_path;
	struct log *log;
	struct log_rate said[LOOP_SUBJECTS]; /* of the node's lines */
	struct event_base *base;
	struct event *timer, *term, *interrupt, *hangup;
	struct node *node;
	struct domain_policy *domains;
	struct nap_options *naps; /* as the node has them */
	struct store *store;
	struct dns *dns;
	struct log_thread *log_thread;
	struct peer_link *link;
	struct sip_io *sip;
	struct control *control, *monitor;
	struct management *management; /* NULL: not configured */
	struct events *events;
	struct reload *reload;
	struct keeper *keeper;
	struct divergence *divergence;
	struct journal *journal;
	struct pair_files files;
	struct {
		struct alarms alarms;
		struct latency latency;      /* of answers */
		struct mtime due;            /* the next look */
		struct mtime line_due;       /* the next time that systemd is told a line ... */
		char line[STATUS_LINE];      /* ... after this one */
		int64_t certificate_ends_ms; /* the first of those in use; INT64_MAX: none is */
	} figures;

	uint64_t random[32];
	size_t random_left;
	uint8_t *block; /* BLOCK_MAX */
	bool feeding;
	struct mtime stepped; /* the time of the last step */
	bool stopping, leaving;
	int64_t watchdog_ms;
	struct mtime watchdog_due;
};

uint64_t loop_random(struct loop *l);
/* The NAPs as they are configured now; what the node had before lives until it has taken them. */
void loop_feed_naps(struct loop *l);

/* loop_figures.c: at the start, when the pair's files are read; at the end of a turn; hurry: at the end of this one. */
void loop_figures_begin(struct loop *l);
void loop_figures_turn(struct loop *l);
void loop_figures_hurry(struct loop *l);

/* loop_start.c: 0, or an exit code; what failed was logged. */
int loop_start(struct loop *l);
void loop_stop(struct loop *l);

#endif
