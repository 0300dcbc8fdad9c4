/* queue.h - the events of a world in the order of their time, and the numbers drawn from its seed. */
#ifndef TESTS_SIM_QUEUE_H
#define TESTS_SIM_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum event_kind {
	EVENT_START,      /* who: host */
	EVENT_LOADED,     /* host, life */
	EVENT_TURN,       /* host, life, number: of the turn */
	EVENT_COMMIT,     /* host, life, number: through this seq */
	EVENT_STORED,     /* host, life, number: of the generation; op: the mark */
	EVENT_PLACED,     /* host, life, number: of the generation */
	EVENT_CHECKPOINT, /* host, life */
	EVENT_RESOLVED,   /* host, life, op: the question, number: the ticket, bytes: the name */
	EVENT_CONNECTED,  /* host, life, op: the provider (-1: it failed), number: the ticket */
	EVENT_STREAM,     /* host, life, number: the connection, bytes; none: it is closed */
	EVENT_LINK_TRY,
	EVENT_LINK_UP,    /* host, life, number: the connection, op: which stream */
	EVENT_LINK_DOWN,  /* host, life, number */
	EVENT_LINK_BYTES, /* host, life, number, bytes */
	EVENT_TRACK,      /* host: keepalived reads the file */
	EVENT_ADVERT,     /* host, number: the priority heard */
	EVENT_VRRP_TIMER, /* host, number */
	EVENT_ADDRESS,    /* host, life: the process is told where the address is */
	EVENT_CLEANUP,    /* host: the address of a dead keepalived is taken away */
	EVENT_ARP,        /* client, number: the host */
	EVENT_REQUEST,    /* client, number: the host, op (below 0: of its onlooker), bytes */
	EVENT_REPLY,      /* client, bytes */
	EVENT_CLIENT,     /* client, number: of the timer */
	EVENT_ONLOOKER,   /* client beside whom it stands, number: of the timer */
	EVENT_TOLD,       /* the same, op: the host, number: the entry that it stands on, bytes */
	EVENT_PROVIDER,   /* provider, op: the host, number: the connection (0: UDP), bytes */
	EVENT_FAULT,      /* number: of the fault in its table */
	EVENT_HEAL,       /* number: of the fault, who */
	EVENT_LINE,       /* number: of the scenario's line */
	EVENT_LOOK,       /* number: of the scenario's line, life: until when */
	EVENT_RESYNC,
	EVENT_FLIP,
	EVENT_FLIP_FOUND, /* host, life: by its store */
	EVENT_COMPARE,
	EVENT_CHECK,
	EVENT_UPGRADE, /* host, number: the version of the program that takes its place */
	EVENT_QUIET,   /* the faults are over */
	EVENT_KINDS,
};

struct event {
	int64_t at;
	uint64_t order; /* among those of one time */
	enum event_kind kind;
	int who, op;
	uint64_t life, number;
	uint8_t *bytes; /* the event's own */
	size_t n;
};

struct queue {
	struct event **heap;
	size_t n, room;
	uint64_t order;
};

/* The event is the queue's; fill it in at once. */
struct event *queue_add(struct queue *q, int64_t at);
/* An event taken goes back, to another time. */
void queue_again(struct queue *q, struct event *e, int64_t at);
/* The first event, now the caller's; NULL: none. */
struct event *queue_take(struct queue *q);
void event_free(struct event *e);
void queue_free(struct queue *q);

struct rng {
	uint64_t state;
};
uint64_t rng_next(struct rng *r);

/* Ends the process where memory is gone. */
void *take_memory(size_t size);
void *more_memory(void *p, size_t size);

#endif
