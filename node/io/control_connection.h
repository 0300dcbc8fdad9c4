/* control_connection.h - a connection of the control socket, and what is written to it. For control*.c alone. */
#ifndef NODE_IO_CONTROL_CONNECTION_H
#define NODE_IO_CONTROL_CONNECTION_H

#include <sys/un.h>

#include "node/io/control_parts.h"

struct bufferevent;
struct evconnlistener;

enum {
	SLOT_BITS = 12,
	CONNECTION_BITS = 6,
};
_Static_assert(CONTROL_PENDING_MAX == 1 << SLOT_BITS, "a ticket names a slot");
_Static_assert(CONTROL_CONNECTIONS_MAX == 1 << CONNECTION_BITS, "a ticket names a connection");

/* A ticket: serial number, connection, slot. The serial makes each one new, so that an answer to a
 * connection that is gone meets nobody. */
struct pending {
	uint64_t ticket; /* 0: free */
	json_int_t id;
	bool is_put, replaces;
	json_t *diff; /* of a comparison: what came of it so far */
	json_t *act;  /* for the audit; NULL: none */
};

struct connection {
	struct control *control;
	size_t at; /* in control->connections */
	struct bufferevent *bev;
	struct event *resume; /* there are lines left to look at */
	bool ended;           /* the other side will send no more */
	bool closing;         /* once what is written is out */
	bool listens;         /* it asked for events ... */
	bool lost;            /* ... and does not read them */
	json_t *asker;        /* NULL: not known yet */
	size_t n_free;
	uint16_t free_slots[CONTROL_PENDING_MAX];
	struct pending pending[CONTROL_PENDING_MAX];
};

struct control {
	struct loop *loop;
	enum control_kind kind;
	struct audit *audit;
	struct evconnlistener *listener;
	char path[sizeof((struct sockaddr_un *)NULL)->sun_path];
	struct connection *connections[CONTROL_CONNECTIONS_MAX];
	struct followers followers;
	struct log_rate said; /* of what anybody who may connect can cause */
	uint64_t serial;
	struct arena arena;
	uint8_t memory[CONTROL_ARENA_SIZE] __attribute__((aligned(16)));
};

size_t control_unsent(const struct connection *c); /* bytes */
/* One line each; they take `line` and `result`. */
void control_say(struct connection *c, json_t *line);
void control_send_result(struct connection *c, json_int_t id, json_t *result);
void control_send_error(struct connection *c, json_int_t id, const char *text);

/* From now on it is told of events; answered. */
void control_listen_to(struct connection *c, json_int_t id);

#endif
