/* node_events.h - what goes into node_step and what comes out of it (node.h), as values. */
#ifndef NODE_CORE_NODE_EVENTS_H
#define NODE_CORE_NODE_EVENTS_H

#include "node/core/diff.h"
#include "node/core/dns.h"
#include "node/core/nap.h"
#include "proto/frame.h"
#include "replication/commit.h"

enum node_event {
	NODE_RECORD,    /* record */
	NODE_REPLAY,    /* bytes: one entry */
	NODE_LOADED,    /* loaded */
	NODE_ADDRESS,   /* address */
	NODE_MESSAGE,   /* bytes, flow: one SIP message */
	NODE_FLOW_UP,   /* ticket, flow: the stream of an OUT_CONNECT stands, TLS verified */
	NODE_FLOW_DOWN, /* flow: a stream is closed; or ticket, bytes: why there is none */
	NODE_DURABLE,   /* seq: the log is on the disk up to here */
	NODE_LOG_FAILED,
	NODE_LINK_UP,     /* connection: a new one to the peer, authenticated */
	NODE_LINK_DOWN,   /* connection */
	NODE_FRAME,       /* connection, frame */
	NODE_BULK_UP,     /* connection: one beside it, for what is long */
	NODE_BULK_DOWN,   /* connection */
	NODE_NEXT_STORED, /* seq: of an OUT_NEXT_SLICE of the generation begun last */
	NODE_LOG_READ, /* seq, bytes: the block asked for; empty: it is not in the log any more */
	NODE_COMMAND,  /* command */
	NODE_ROOM,     /* on: the store has room; off: little is left */
	NODE_IMAGE_FAULT, /* record.table, record.key: not what was written; no key: unknown which */
	NODE_NAPS, /* naps: the whole list as configured, whenever it is loaded; config_digest */
	NODE_RESOLVED, /* ticket, dns: the answer to an OUT_RESOLVE */
	NODE_TURN,
};

enum command_kind {
	COMMAND_SUBSCRIBER_PUT,    /* subscriber, replace */
	COMMAND_SUBSCRIBER_REMOVE, /* key "user@realm" */
	COMMAND_AOR_REMOVE,        /* key: the AOR */
	COMMAND_SECRET_ROTATE,     /* key: of the new secret, 32 random bytes */
	COMMAND_DIFF, /* answered by OUT_DIFF_TABLE and OUT_DIFFERENCE, OUT_ANSWER behind them */
	COMMAND_SWITCHOVER,
	COMMAND_SWITCHOVER_FORCED,
	COMMAND_TAKEOVER,
	COMMAND_NAP_REGISTER,   /* key: its name. Now, whatever was due */
	COMMAND_NAP_UNREGISTER, /* until it is told to register, or a reload */
	COMMAND_NAP_POLL,
	COMMAND_STOP, /* the service is stopped: a planned switchover where there is a standby */
};

struct node_command {
	enum command_kind kind;
	uint64_t ticket; /* given back with OUT_ANSWER */
	struct slice key;
	struct subscriber_record subscriber;
	bool replace;
};

struct node_loaded {
	struct position applied; /* what was loaded goes up to here: the newest entry */
	uint64_t log_first;      /* 0: the log is empty */
	bool store_lost;         /* empty because what was there was damaged: the peer has it */
	bool restored;           /* it comes from a backup, and nothing was logged since */
	struct pairtime pair;
	int64_t stored_wall_ms, wall_ms;
	bool wall_synchronised;
};

struct node_input {
	enum node_event event;
	bool on;         /* NODE_ROOM */
	uint64_t random; /* fresh random bits, with every input */
	int64_t wall_ms; /* this host's wall clock, with every input, for the alarm alone; 0: unknown */
	int64_t clock_us; /* of any clock: handed on to the answer, so that the edge knows how long it took */
	uint64_t seq, connection, ticket;
	struct slice bytes;
	struct flow flow;
	struct nap_list naps;
	uint64_t config_digest; /* of all that must be equal on both nodes; 0: as it was */
	const struct dns_answer *dns;
	const struct frame *frame;
	const struct node_command *command;
	struct node_loaded loaded;
	struct {
		enum table table;
		struct slice key, value;
	} record;
	struct {
		bool here, keepalived_alive;
	} address;
};

enum node_output_kind {
	OUT_APPEND,      /* seq, bytes: an entry for the log; wall_ms */
	OUT_FRAME,       /* connection, bytes: to the peer */
	OUT_MESSAGE,     /* flow, target, bytes: a SIP message */
	OUT_RESOLVE,     /* ticket, question, bytes: the name. Wanted as NODE_RESOLVED */
	OUT_CONNECT,     /* ticket, flow.transport, flow.local, target; bytes: the name that a
	                    certificate must bear. Wanted as NODE_FLOW_UP or _DOWN with the ticket */
	OUT_CLOSE_FLOW,  /* flow.connection: a stream of ours is not needed any more */
	OUT_ANSWER,      /* ticket, ok, bytes: of a command */
	OUT_FAULT,       /* on: what the track file must say */
	OUT_CLOSE_LINK,  /* connection, bytes: why */
	OUT_READ_LOG,    /* seq: wanted as NODE_LOG_READ */
	OUT_SET_ASIDE,   /* seq: entries above it go to a file */
	OUT_NEXT_BEGIN,  /* a new generation of the store is begun */
	OUT_NEXT_PUT,    /* record; without a value: it is gone */
	OUT_NEXT_SLICE,  /* seq: wanted as NODE_NEXT_STORED once what was put so far is in it */
	OUT_NEXT_COMMIT, /* position, pair, wall_ms: it is whole and replaces the old one */
	OUT_NEXT_ABORT,
	OUT_DIVERGENCE, /* record, bytes, pair: a key that differed in a merge, and what became of it */
	OUT_HISTORY, /* bytes, pair: a line for the journal: EPOCH, SEQ, WHAT, FROM, TO, WHY by tabs */
	OUT_DIFF_TABLE, /* ticket, seq, table: what both have of one table */
	OUT_DIFFERENCE, /* ticket, record, bytes: how it differs */
	OUT_LOG,        /* level, bytes: a line for the log */
	OUT_EXIT,       /* the process may end */
};

enum log_weight { WEIGHT_ERROR, WEIGHT_WARN, WEIGHT_NOTICE, WEIGHT_INFO };

struct node_output {
	enum node_output_kind kind;
	uint64_t seq;
	uint64_t connection;
	uint64_t ticket;
	bool ok, on;
	enum log_weight weight;
	struct slice bytes;
	struct flow flow;
	int64_t asked_us; /* clock_us of what it answers; 0: it is no answer */
	struct addr target;
	enum dns_type question;
	struct position position;
	struct pairtime pair;
	int64_t wall_ms; /* the wall clock of this turn, whenever the disk gets to it */
	const struct diff_table *table;
	struct {
		enum table table;
		struct slice key, value;
	} record;
};

struct node_outputs {
	const struct node_output *item;
	size_t n;
};

#endif
