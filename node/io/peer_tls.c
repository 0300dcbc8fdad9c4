#include "node/io/peer_tls.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

enum { READ_AHEAD = 64 * 1024 };

struct peer_tls {
	SSL_CTX *context;
};

struct tls_stream {
	SSL *ssl;
	bool failed; /* OpenSSL asks not to touch it again */
	char fault[TLS_FAULT_MAX];
};

static const char *reason(void)
{
	const char *text = ERR_reason_error_string(ERR_peek_last_error());

	return text != NULL ? text : "unknown";
}

/* The peer's name is checked within the handshake, so that both sides learn of a refusal. */
static bool expect_peer(SSL_CTX *c, enum unit unit)
{
	X509_VERIFY_PARAM *param = SSL_CTX_get0_param(c);
	const char *name = unit == UNIT_PRIMARY ? "regpair-secondary" : "regpair-primary";

	X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_ALWAYS_CHECK_SUBJECT |
	                                               X509_CHECK_FLAG_NO_WILDCARDS);
	SSL_CTX_set_verify(c, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	SSL_CTX_set_verify_depth(c, 1);
	return X509_VERIFY_PARAM_set1_host(param, name, 0) == 1;
}

static bool set_up(SSL_CTX *c, const struct pair_files *files, enum unit unit)
{
	SSL_CTX_set_mode(c, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_read_ahead(c, 1);
	SSL_CTX_set_default_read_buffer_len(c, READ_AHEAD);
	(void)SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);
	return SSL_CTX_set_min_proto_version(c, TLS1_3_VERSION) == 1 &&
	       SSL_CTX_set_num_tickets(c, 0) == 1 && SSL_CTX_load_verify_file(c, files->ca) == 1 &&
	       SSL_CTX_use_certificate_file(c, files->cert, SSL_FILETYPE_PEM) == 1 &&
	       SSL_CTX_use_PrivateKey_file(c, files->key, SSL_FILETYPE_PEM) == 1 &&
	       SSL_CTX_check_private_key(c) == 1 && expect_peer(c, unit);
}

struct peer_tls *peer_tls_open(const struct pair_files *files, enum unit unit,
                               char fault[TLS_FAULT_MAX])
{
	struct peer_tls *t = calloc(1, sizeof *t);

	if (t == NULL)
		abort();
	ERR_clear_error();
	t->context = SSL_CTX_new(TLS_method());
	if (t->context != NULL && set_up(t->context, files, unit))
		return t;
	(void)snprintf(fault, TLS_FAULT_MAX, "TLS for %s cannot be set up: %s", files->cert,
	               reason());
	peer_tls_close(&t);
	return NULL;
}

void peer_tls_close(struct peer_tls **t)
{
	if (*t == NULL)
		return;
	SSL_CTX_free((*t)->context);
	free(*t);
	*t = NULL;
}

struct tls_stream *tls_stream_open(struct peer_tls *t, int fd, bool server)
{
	struct tls_stream *s = calloc(1, sizeof *s);

	if (s == NULL)
		abort();
	s->ssl = SSL_new(t->context);
	if (s->ssl == NULL || SSL_set_fd(s->ssl, fd) != 1)
		abort();
	if (server)
		SSL_set_accept_state(s->ssl);
	else
		SSL_set_connect_state(s->ssl);
	return s;
}

void tls_stream_close(struct tls_stream **s)
{
	if (*s == NULL)
		return;
	ERR_clear_error();
	if (!(*s)->failed && SSL_is_init_finished((*s)->ssl))
		(void)SSL_shutdown((*s)->ssl);
	SSL_free((*s)->ssl);
	free(*s);
	*s = NULL;
}

static void explain(struct tls_stream *s, int error, int system)
{
	long verified = SSL_get_verify_result(s->ssl);
	const char *why = reason();

	if (verified != X509_V_OK)
		why = X509_verify_cert_error_string(verified);
	else if (error == SSL_ERROR_SYSCALL && system != 0)
		why = strerror(system);
	(void)snprintf(s->fault, sizeof s->fault, "%s%s",
	               verified != X509_V_OK ? "the peer's certificate is refused: " : "", why);
}

static enum tls_result result_of(struct tls_stream *s, int rc)
{
	int system = errno;
	int error = SSL_get_error(s->ssl, rc);

	switch (error) {
	case SSL_ERROR_NONE:
		return TLS_DONE;
	case SSL_ERROR_WANT_READ:
		return TLS_WANT_READ;
	case SSL_ERROR_WANT_WRITE:
		return TLS_WANT_WRITE;
	case SSL_ERROR_ZERO_RETURN:
		return TLS_ENDED;
	default:
		break;
	}
	/* A process that is killed says no goodbye: that is an end like another here. */
	if (ERR_GET_REASON(ERR_peek_last_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING)
		return TLS_ENDED;
	s->failed = true;
	explain(s, error, system);
	return TLS_FAILED;
}

enum tls_result tls_handshake(struct tls_stream *s)
{
	ERR_clear_error();
	errno = 0;
	return result_of(s, SSL_do_handshake(s->ssl));
}

enum tls_result tls_read(struct tls_stream *s, uint8_t *to, size_t room, size_t *got)
{
	ERR_clear_error();
	errno = 0;
	*got = 0;
	return result_of(s, SSL_read_ex(s->ssl, to, room, got));
}

enum tls_result tls_write(struct tls_stream *s, struct slice bytes, size_t *put)
{
	ERR_clear_error();
	errno = 0;
	*put = 0;
	return result_of(s, SSL_write_ex(s->ssl, bytes.p, bytes.n, put));
}

const char *tls_fault(const struct tls_stream *s)
{
	return s->fault;
}
