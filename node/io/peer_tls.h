/* peer_tls.h - TLS 1.3 between the two nodes of a pair, on a non-blocking socket, and nothing older.
 *
 * Each side shows its certificate and asks for the other's: it must come from the pair's own CA and
 * carry the name of the other unit. Nothing else is trusted, no system store. */
#ifndef NODE_IO_PEER_TLS_H
#define NODE_IO_PEER_TLS_H

#include "node/io/pair_files.h"

enum { TLS_FAULT_MAX = 512 };

struct peer_tls;   /* certificates, once per process */
struct tls_stream; /* one connection */

enum tls_result {
	TLS_DONE,       /* what was asked for is done, at least in part */
	TLS_WANT_READ,  /* again when the socket is readable */
	TLS_WANT_WRITE, /* again when the socket is writable */
	TLS_ENDED,      /* the peer ended the connection */
	TLS_FAILED,     /* see tls_fault */
};

/* `unit` is ours. NULL: the fault says why. */
struct peer_tls *peer_tls_open(const struct pair_files *files, enum unit unit,
                               char fault[TLS_FAULT_MAX]);
void peer_tls_close(struct peer_tls **t);

/* The descriptor stays the caller's. */
struct tls_stream *tls_stream_open(struct peer_tls *t, int fd, bool server);
void tls_stream_close(struct tls_stream **s); /* says goodbye where that does not block */

enum tls_result tls_handshake(struct tls_stream *s);
enum tls_result tls_read(struct tls_stream *s, uint8_t *to, size_t room, size_t *got);
enum tls_result tls_write(struct tls_stream *s, struct slice bytes, size_t *put);
const char *tls_fault(const struct tls_stream *s); /* of the last TLS_FAILED */

#endif
