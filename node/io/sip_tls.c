#include "node/io/sip_tls.h"

#include <stdio.h>
#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "proto/base/buf.h"
#include "proto/sip/uri.h"

enum { NAMES_TEXT = 200 }; /* of the names in a certificate, for a line of the log */

struct sip_tls {
	SSL_CTX *context;
};

/* --- whom a certificate names --- */

/* What was looked through so far. */
struct names {
	struct slice wanted;
	bool is_wanted, any_sip;
	struct buf text;
};

static struct slice bytes_of(const ASN1_STRING *s)
{
	return (struct slice){ASN1_STRING_get0_data(s), (size_t)ASN1_STRING_length(s)};
}

static void take_name(struct names *n, struct slice name)
{
	n->is_wanted = n->is_wanted || slice_eq_nocase(name, n->wanted);
	if (n->text.n + name.n + 2 > NAMES_TEXT)
		return;
	buf_str(&n->text, n->text.n > 0 ? ", " : "");
	for (size_t i = 0; i < name.n; i++)
		buf_byte(&n->text, name.p[i] > ' ' && name.p[i] <= '~' ? name.p[i] : '?');
}

/* RFC 5922 7.1: a host alone, for a user's URI names that user. */
static void take_uri(struct names *n, struct slice text)
{
	struct sip_uri uri;

	if (sip_uri_parse(text, &uri) != OK || uri.scheme != URI_SIP || uri.user.p != NULL)
		return;
	n->any_sip = true;
	take_name(n, uri.host);
}

static void take_all(struct names *n, const GENERAL_NAMES *all, int kind)
{
	for (int i = 0; i < sk_GENERAL_NAME_num(all); i++) {
		const GENERAL_NAME *g = sk_GENERAL_NAME_value(all, i);
		if (g->type != kind)
			continue;
		if (kind == GEN_URI)
			take_uri(n, bytes_of(g->d.uniformResourceIdentifier));
		else
			take_name(n, bytes_of(g->d.dNSName));
	}
}

static void take_common_name(struct names *n, const X509 *cert)
{
	const X509_NAME *subject = X509_get_subject_name(cert);
	int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);

	if (at >= 0)
		take_name(n, bytes_of(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at))));
}

static void look_through(struct names *n, X509 *cert)
{
	int found; /* -1: there is none */
	GENERAL_NAMES *all = X509_get_ext_d2i(cert, NID_subject_alt_name, &found, NULL);

	if (all == NULL) {
		if (found == -1)
			take_common_name(n, cert);
		return;
	}
	take_all(n, all, GEN_URI);
	if (!n->any_sip)
		take_all(n, all, GEN_DNS);
	GENERAL_NAMES_free(all);
}

static bool is_address(struct slice name)
{
	struct addr a;

	return addr_parse(name, &a) && a.port == 0;
}

static bool bears_address(X509 *cert, struct slice name)
{
	struct addr a;

	return addr_parse(name, &a) &&
	       X509_check_ip(cert, a.ip, a.family == ADDR_IPV4 ? 4 : 16, 0) == 1;
}

/* --- what OpenSSL asks on the way --- */

static bool check_name(const SSL *ssl, X509 *cert)
{
	uint8_t room[NAMES_TEXT];
	struct names n = {.wanted = tls_expected(ssl), .text = buf_on(room, sizeof room)};

	look_through(&n, cert);
	if (is_address(n.wanted) ? bears_address(cert, n.wanted) : n.is_wanted)
		return true;
	tls_refuse(ssl,
	           "certificate of another host: " SLICE_FMT " is not among its names (" SLICE_FMT
	           ")",
	           SLICE_ARG(n.wanted), SLICE_ARG(buf_slice(&n.text)));
	return false;
}

static void tell_why(const SSL *ssl, int error)
{
	switch (error) {
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
		tls_refuse(ssl, "certificate of an unknown CA: see tls.ca_file");
		break;
	case X509_V_ERR_CERT_HAS_EXPIRED:
		tls_refuse(ssl, "certificate has expired");
		break;
	default:
		tls_refuse(ssl, "certificate is refused: %s", X509_verify_cert_error_string(error));
		break;
	}
}

/* The name is checked within the handshake, so that both sides learn of a refusal. */
static int verify(int good, X509_STORE_CTX *store)
{
	const SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());

	if (!good) {
		tell_why(ssl, X509_STORE_CTX_get_error(store));
		return 0;
	}
	if (X509_STORE_CTX_get_error_depth(store) > 0 ||
	    check_name(ssl, X509_STORE_CTX_get_current_cert(store)))
		return 1;
	X509_STORE_CTX_set_error(store, X509_V_ERR_HOSTNAME_MISMATCH);
	return 0;
}

/* --- once per process --- */

static bool fail(char fault[TLS_FAULT_MAX], const char *key, const char *path)
{
	(void)snprintf(fault, TLS_FAULT_MAX, "%s: %s cannot be used: %s", key, path, tls_reason());
	return false;
}

static bool trust(SSL_CTX *c, const char *ca_file, char fault[TLS_FAULT_MAX])
{
	if (ca_file == NULL)
		return SSL_CTX_set_default_verify_paths(c) == 1 ||
		       fail(fault, "TLS", "the system's store of CAs");
	return SSL_CTX_load_verify_file(c, ca_file) == 1 || fail(fault, "tls.ca_file", ca_file);
}

/* Shown to a server that asks for it. */
static bool show(SSL_CTX *c, const struct config *config, char fault[TLS_FAULT_MAX])
{
	const char *certificate = config->tls_certificate, *key = config->tls_key;

	if (certificate == NULL)
		return true;
	if (SSL_CTX_use_certificate_chain_file(c, certificate) != 1)
		return fail(fault, "tls.certificate", certificate);
	return (SSL_CTX_use_PrivateKey_file(c, key, SSL_FILETYPE_PEM) == 1 &&
	        SSL_CTX_check_private_key(c) == 1) ||
	       fail(fault, "tls.key", key);
}

struct sip_tls *sip_tls_open(const struct config *config, char fault[TLS_FAULT_MAX])
{
	struct sip_tls *t = calloc(1, sizeof *t);

	ERR_clear_error();
	if (t == NULL || (t->context = SSL_CTX_new(TLS_client_method())) == NULL)
		abort();
	SSL_CTX_set_mode(t->context,
	                 SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	(void)SSL_CTX_set_options(t->context, SSL_OP_NO_RENEGOTIATION);
	(void)SSL_CTX_set_session_cache_mode(t->context, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_verify(t->context, SSL_VERIFY_PEER, verify);
	if (SSL_CTX_set_min_proto_version(t->context, TLS1_2_VERSION) != 1)
		abort();
	if (trust(t->context, config->tls_ca_file, fault) && show(t->context, config, fault))
		return t;
	sip_tls_close(&t);
	return NULL;
}

void sip_tls_close(struct sip_tls **t)
{
	if (*t == NULL)
		return;
	SSL_CTX_free((*t)->context);
	free(*t);
	*t = NULL;
}

struct tls_stream *sip_tls_stream(struct sip_tls *t, int fd, struct slice name)
{
	return tls_stream_open(t->context, fd, false, name);
}
