#include "node/io/tls_stream.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "proto/base/addr.h"

struct tls_stream {
	SSL *ssl;
	bool failed; /* OpenSSL asks not to touch it again */
	char name[TLS_NAME_MAX];
	char fault[TLS_FAULT_MAX];
};

const char *tls_reason(void)
{
	const char *text = ERR_reason_error_string(ERR_peek_last_error());

	return text != NULL ? text : "unknown";
}

struct tls_stream *tls_stream_open(SSL_CTX *context, int fd, bool server, struct slice name)
{
	struct tls_stream *s = calloc(1, sizeof *s);
	struct addr address;

	if (s == NULL)
		abort();
	s->ssl = SSL_new(context);
	if (s->ssl == NULL || SSL_set_fd(s->ssl, fd) != 1 || SSL_set_app_data(s->ssl, s) != 1)
		abort();
	(void)snprintf(s->name, sizeof s->name, SLICE_FMT, SLICE_ARG(name));
	if (server)
		SSL_set_accept_state(s->ssl);
	else
		SSL_set_connect_state(s->ssl);
	if (!server && name.n > 0 && !addr_parse(name, &address))
		(void)SSL_set_tlsext_host_name(s->ssl, s->name);
	return s;
}

void tls_goodbye(struct tls_stream *s)
{
	ERR_clear_error();
	if (!s->failed && SSL_is_init_finished(s->ssl))
		(void)SSL_shutdown(s->ssl);
}

void tls_stream_close(struct tls_stream **s)
{
	if (*s == NULL)
		return;
	tls_goodbye(*s);
	SSL_free((*s)->ssl);
	free(*s);
	*s = NULL;
}

struct slice tls_expected(const SSL *ssl)
{
	const struct tls_stream *s = SSL_get_app_data(ssl);

	return slice_str(s->name);
}

void tls_refuse(const SSL *ssl, const char *format, ...)
{
	struct tls_stream *s = SSL_get_app_data(ssl);
	va_list args;

	va_start(args, format);
	(void)vsnprintf(s->fault, sizeof s->fault, format, args);
	va_end(args);
}

static void explain(struct tls_stream *s, int error, int system)
{
	long verified = SSL_get_verify_result(s->ssl);
	const char *why = tls_reason();

	if (s->fault[0] != '\0')
		return;
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
