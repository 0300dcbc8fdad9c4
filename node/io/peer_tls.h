/* peer_tls.h - TLS 1.3 between the two nodes of a pair, on a non-blocking socket, and nothing older.
 *
 * Each side shows its certificate and asks for the other's: it must come from the pair's own CA and
 * carry the name of the other unit. Nothing else is trusted, no system store. */
#ifndef NODE_IO_PEER_TLS_H
#define NODE_IO_PEER_TLS_H

#include "node/io/pair_files.h"
#include "node/io/tls_stream.h"

struct peer_tls; /* certificates, once per process */

/* `unit` is ours. NULL: the fault says why. */
struct peer_tls *peer_tls_open(const struct pair_files *files, enum unit unit,
                               char fault[TLS_FAULT_MAX]);
void peer_tls_close(struct peer_tls **t);

struct tls_stream *peer_tls_stream(struct peer_tls *t, int fd, bool server);

#endif
