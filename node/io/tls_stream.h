/* tls_stream.h - one TLS connection on a non-blocking socket: handshake, read, write, and why it failed.
 *
 * Who is trusted is the context's business: the peer link's (peer_tls.h) and SIP's (sip_tls.h). */
#ifndef NODE_IO_TLS_STREAM_H
#define NODE_IO_TLS_STREAM_H

#include <openssl/types.h>

#include "proto/base/defs.h"
#include "proto/base/slice.h"

enum { TLS_FAULT_MAX = 512, TLS_NAME_MAX = 256 };

struct tls_stream;

enum tls_result {
	TLS_DONE,       /* what was asked for is done, at least in part */
	TLS_WANT_READ,  /* again when the socket is readable */
	TLS_WANT_WRITE, /* again when the socket is writable */
	TLS_ENDED,      /* the peer ended the connection */
	TLS_FAILED,     /* see tls_fault */
};

/* The descriptor stays the caller's. `name`: whom the other side must be, for a context whose own
 * callback checks that; empty: nobody asks. */
struct tls_stream *tls_stream_open(SSL_CTX *context, int fd, bool server, struct slice name);
void tls_stream_close(struct tls_stream **s); /* says goodbye where that does not block */

enum tls_result tls_handshake(struct tls_stream *s);
enum tls_result tls_read(struct tls_stream *s, uint8_t *to, size_t room, size_t *got);
enum tls_result tls_write(struct tls_stream *s, struct slice bytes, size_t *put);
void tls_goodbye(struct tls_stream *s);            /* nothing more will be written */
const char *tls_fault(const struct tls_stream *s); /* of the last TLS_FAILED */

/* For a context's callback. */
struct slice tls_expected(const SSL *ssl); /* the name; empty: any */
PRINTF_LIKE(2, 3)
void tls_refuse(const SSL *ssl, const char *format, ...); /* what tls_fault will say */

const char *tls_reason(void); /* OpenSSL's, for its newest error */

#endif
