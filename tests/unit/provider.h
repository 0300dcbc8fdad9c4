/* provider.h - a provider's proxy as far as its socket goes: takes one connection on loopback, TCP or TLS,
 * keeps what it hears, and is turned by hand. */
#ifndef TESTS_UNIT_PROVIDER_H
#define TESTS_UNIT_PROVIDER_H

#include <errno.h>
#include <sys/socket.h>

#include "node/io/sockets.h"
#include "node/io/tls_stream.h"
#include "tests/unit/addr_of.h"
#include "tests/unit/certificates.h"

struct provider {
	int listener, fd; /* -1: none */
	struct addr address, client;
	SSL_CTX *context; /* NULL: TCP */
	struct tls_stream *tls;
	bool stands;  /* the handshake is over */
	bool stalls;  /* it says nothing in the handshake, and reads nothing */
	bool ended;   /* the client's end was heard */
	bool refused; /* the client's alert in the handshake */
	char heard[256 * 1024];
	size_t n;
};

static inline void provider_open(struct provider *p, int backlog)
{
	struct addr any = addr_of("127.0.0.1");
	union socket_address a;
	socklen_t size = sizeof a;

	memset(p, 0, sizeof *p);
	p->fd = -1;
	p->listener = socket_bound(SOCK_STREAM, &any);
	assert_true(p->listener >= 0);
	assert_int_equal(listen(p->listener, backlog), 0);
	assert_int_equal(getsockname(p->listener, &a.any, &size), 0);
	p->address = socket_address_read(&a);
}

/* Speaks TLS from here on. `asks_from`: whose certificates it wants of clients; NULL: it asks for none. */
static inline void provider_certify(struct provider *p, const struct certificate *c,
                                    const struct certificate *asks_from)
{
	SSL_CTX_free(p->context);
	p->context = SSL_CTX_new(TLS_server_method());
	assert_non_null(p->context);
	assert_int_equal(SSL_CTX_use_certificate(p->context, c->cert), 1);
	assert_int_equal(SSL_CTX_use_PrivateKey(p->context, c->key), 1);
	SSL_CTX_set_mode(p->context,
	                 SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	if (asks_from == NULL)
		return;
	X509_STORE *store = SSL_CTX_get_cert_store(p->context);
	assert_int_equal(X509_STORE_add_cert(store, asks_from->cert), 1);
	SSL_CTX_set_verify(p->context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
}

static inline void provider_speak_tls(struct provider *p, const struct certificate_plan *plan)
{
	struct certificate c = certificate_make(plan);

	provider_certify(p, &c, NULL);
	certificate_free(&c);
}

static inline void provider_hang_up(struct provider *p, bool reset)
{
	struct linger hard = {.l_onoff = 1};

	if (p->fd < 0)
		return;
	if (reset)
		assert_int_equal(setsockopt(p->fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard), 0);
	else
		tls_stream_close(&p->tls);
	(void)close(p->fd);
	tls_stream_close(&p->tls);
	p->fd = -1;
	p->stands = false;
}

static inline void provider_close(struct provider *p)
{
	provider_hang_up(p, false);
	(void)close(p->listener);
	SSL_CTX_free(p->context);
}

static inline void provider_accept(struct provider *p)
{
	union socket_address from;
	socklen_t size = sizeof from;

	p->fd = accept4(p->listener, &from.any, &size, SOCK_NONBLOCK);
	if (p->fd < 0)
		return;
	p->client = socket_address_read(&from);
	p->ended = p->refused = false;
	p->stands = p->context == NULL;
	if (p->context != NULL)
		p->tls = tls_stream_open(p->context, p->fd, true, (struct slice){NULL, 0});
}

static inline void provider_shake(struct provider *p)
{
	enum tls_result r = tls_handshake(p->tls);

	p->stands = r == TLS_DONE;
	p->refused = r == TLS_FAILED || r == TLS_ENDED;
}

static inline void provider_hear(struct provider *p)
{
	size_t room = sizeof p->heard - 1 - p->n, got = 0;
	uint8_t *to = (uint8_t *)p->heard + p->n;

	if (p->tls != NULL) {
		enum tls_result r = tls_read(p->tls, to, room, &got);
		p->ended = p->ended || r == TLS_ENDED || r == TLS_FAILED;
	} else {
		ssize_t n = recv(p->fd, to, room, 0);
		p->ended = p->ended || n == 0 || (n < 0 && errno == ECONNRESET);
		got = n > 0 ? (size_t)n : 0;
	}
	p->n += got;
	p->heard[p->n] = '\0';
}

static inline void provider_turn(struct provider *p)
{
	if (p->fd < 0)
		provider_accept(p);
	if (p->fd < 0 || p->stalls || p->refused)
		return;
	if (!p->stands)
		provider_shake(p);
	if (p->stands)
		provider_hear(p);
}

static inline void provider_say(struct provider *p, const char *text)
{
	struct slice bytes = slice_str(text);
	size_t put;

	assert_true(p->stands);
	if (p->tls == NULL) {
		assert_int_equal(send(p->fd, bytes.p, bytes.n, MSG_NOSIGNAL), bytes.n);
		return;
	}
	while (bytes.n > 0) {
		assert_int_equal(tls_write(p->tls, bytes, &put), TLS_DONE);
		bytes = (struct slice){bytes.p + put, bytes.n - put};
	}
}

#endif
