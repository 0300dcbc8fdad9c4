/* Keys, and certificates as the two nodes of a pair show them to each other. */
#include <assert.h>

#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include "node/io/pair_parts.h"

enum { SERIAL_SIZE = 16 };

void identity_free(struct identity *of)
{
	EVP_PKEY_free(of->key);
	X509_free(of->cert);
	*of = (struct identity){.key = NULL};
}

/* `value` as in openssl.cnf. */
static bool add_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX context;

	X509V3_set_ctx_nodb(&context);
	X509V3_set_ctx(&context, issuer, cert, NULL, NULL, 0);
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
	bool good = extension != NULL && X509_add_ext(cert, extension, -1) == 1;

	X509_EXTENSION_free(extension);
	return good;
}

static bool set_serial(X509 *cert)
{
	uint8_t bytes[SERIAL_SIZE];
	BIGNUM *number = NULL;
	bool good = RAND_bytes(bytes, sizeof bytes) == 1;

	bytes[0] = (bytes[0] & 0x7f) | 0x40; /* positive, and of full length */
	if (good)
		number = BN_bin2bn(bytes, sizeof bytes, NULL);
	good = number != NULL && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(cert)) != NULL;
	BN_free(number);
	return good;
}

/* Days and seconds apart: seconds alone would overflow a 32-bit long. */
static bool set_dates(X509 *cert, const struct pair_plan *plan)
{
	time_t now = plan->now;

	return X509_time_adj_ex(X509_getm_notBefore(cert), -1, 0, &now) != NULL &&
	       X509_time_adj_ex(X509_getm_notAfter(cert), plan->days, 0, &now) != NULL;
}

static bool set_name(X509 *cert, const char *name)
{
	return X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_UTF8,
	                                  (const uint8_t *)name, -1, -1, 0) == 1;
}

/* A certificate with all but its extensions and signature. */
static bool start_identity(struct identity *of, const struct pair_plan *plan, const char *name)
{
	of->key = EVP_EC_gen("P-256");
	of->cert = X509_new();
	return of->key != NULL && of->cert != NULL &&
	       X509_set_version(of->cert, X509_VERSION_3) == 1 && set_serial(of->cert) &&
	       set_dates(of->cert, plan) && set_name(of->cert, name) &&
	       X509_set_pubkey(of->cert, of->key) == 1;
}

bool identity_make_ca(struct identity *ca, const struct pair_plan *plan, const char *name)
{
	return start_identity(ca, plan, name) &&
	       X509_set_issuer_name(ca->cert, X509_get_subject_name(ca->cert)) == 1 &&
	       add_extension(ca->cert, ca->cert, NID_basic_constraints,
	                     "critical,CA:TRUE,pathlen:0") &&
	       add_extension(ca->cert, ca->cert, NID_key_usage, "critical,keyCertSign,cRLSign") &&
	       add_extension(ca->cert, ca->cert, NID_subject_key_identifier, "hash") &&
	       X509_sign(ca->cert, ca->key, EVP_sha256()) > 0;
}

bool identity_make_leaf(struct identity *leaf, const struct pair_plan *plan,
                        const struct identity *ca, enum unit unit)
{
	bool primary = unit == UNIT_PRIMARY;
	char address[ADDR_TEXT_MAX + 4];
	struct buf to = buf_on((uint8_t *)address, sizeof address);

	buf_str(&to, "IP:");
	addr_put_ip(&to, primary ? &plan->primary : &plan->secondary);
	buf_byte(&to, '\0');
	assert(!to.full);
	return start_identity(leaf, plan, primary ? "regpair-primary" : "regpair-secondary") &&
	       X509_set_issuer_name(leaf->cert, X509_get_subject_name(ca->cert)) == 1 &&
	       add_extension(leaf->cert, ca->cert, NID_basic_constraints, "critical,CA:FALSE") &&
	       add_extension(leaf->cert, ca->cert, NID_key_usage, "critical,digitalSignature") &&
	       add_extension(leaf->cert, ca->cert, NID_ext_key_usage, "serverAuth,clientAuth") &&
	       add_extension(leaf->cert, ca->cert, NID_subject_alt_name, address) &&
	       add_extension(leaf->cert, ca->cert, NID_subject_key_identifier, "hash") &&
	       add_extension(leaf->cert, ca->cert, NID_authority_key_identifier, "keyid:always") &&
	       X509_sign(leaf->cert, ca->key, EVP_sha256()) > 0;
}
