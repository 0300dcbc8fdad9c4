/* management.h - the node over HTTP, for machines that watch it; changes nothing.
 *
 *	GET /metrics                every figure, for Prometheus (node/io/metrics.h)
 *	GET /healthz                200 where the node can do what it is there for, else 503; the body says it
 *	GET /healthz?role=active    200 only on the node that is active; role=standby likewise
 *
 * Plain HTTP without credentials: it shows figures and names of NAPs and domains, and its address belongs
 * into a network where that may be seen. */
#ifndef NODE_IO_MANAGEMENT_H
#define NODE_IO_MANAGEMENT_H

#include "node/io/loop.h"

struct management;

enum {
	MANAGEMENT_CONNECTIONS_MAX = 16, /* further ones wait in the socket's queue */
	MANAGEMENT_PATIENCE_S = 10,      /* for a request, or for an answer to be taken */
	MANAGEMENT_HEADERS_MAX = 8192,   /* bytes */
	MANAGEMENT_BODY_MAX = 1024,      /* of a method that is refused anyway */
};

struct management *management_open(struct loop *l, const struct addr *at); /* NULL: logged */
void management_close(struct management **m);                              /* NULL in it is fine */

#endif
