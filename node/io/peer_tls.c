#include "node/io/peer_tls.h"

#include <stdio.h>
#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

enum { READ_AHEAD = 64 * 1024 };

struct peer_tls {
	SSL_CTX *context;
};

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
	               tls_reason());
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

struct tls_stream *peer_tls_stream(struct peer_tls *t, int fd, bool server)
{
	return tls_stream_open(t->context, fd, server, (struct slice){NULL, 0});
}
