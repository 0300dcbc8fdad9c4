/* certificates.h - CAs and certificates as a test wants them, good and bad. */
#ifndef TESTS_UNIT_CERTIFICATES_H
#define TESTS_UNIT_CERTIFICATES_H

#include <stdio.h>
#include <unistd.h>

#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "tests/check.h"

struct certificate {
	EVP_PKEY *key;
	X509 *cert;
};

struct certificate_plan {
	const struct certificate *by; /* NULL: itself, a CA */
	const char *name;             /* the common name; NULL: none */
	const char *names; /* subjectAltName, as OpenSSL's x509v3_config has it; NULL: none */
	bool expired;
};

static inline void certificate_extend(X509 *cert, int nid, const char *value)
{
	X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

	assert_non_null(e);
	assert_int_equal(X509_add_ext(cert, e, -1), 1);
	X509_EXTENSION_free(e);
}

static inline struct certificate certificate_make(const struct certificate_plan *plan)
{
	enum { DAY = 24 * 3600 };
	struct certificate c = {EVP_EC_gen("P-256"), X509_new()};
	const struct certificate *by = plan->by != NULL ? plan->by : &c;
	X509_NAME *subject = X509_get_subject_name(c.cert);

	assert_non_null(c.key);
	assert_non_null(c.cert);
	assert_int_equal(X509_set_version(c.cert, X509_VERSION_3), 1);
	assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(c.cert), plan->by != NULL ? 2 : 1),
	                 1);
	assert_non_null(X509_gmtime_adj(X509_getm_notBefore(c.cert), -2L * DAY));
	assert_non_null(X509_gmtime_adj(X509_getm_notAfter(c.cert), plan->expired ? -DAY : DAY));
	if (plan->name != NULL)
		assert_int_equal(X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
		                                            (const uint8_t *)plan->name, -1, -1, 0),
		                 1);
	assert_int_equal(X509_set_issuer_name(c.cert, X509_get_subject_name(by->cert)), 1);
	assert_int_equal(X509_set_pubkey(c.cert, c.key), 1);
	if (plan->by == NULL)
		certificate_extend(c.cert, NID_basic_constraints, "critical,CA:TRUE");
	if (plan->names != NULL)
		certificate_extend(c.cert, NID_subject_alt_name, plan->names);
	assert_true(X509_sign(c.cert, by->key, EVP_sha256()) > 0);
	return c;
}

static inline void certificate_free(struct certificate *c)
{
	EVP_PKEY_free(c->key);
	X509_free(c->cert);
	*c = (struct certificate){NULL, NULL};
}

/* A file in the folder, with what is given of it. */
static inline const char *certificate_write(const struct certificate *c, bool key, const char *dir,
                                            char path[128])
{
	(void)snprintf(path, 128, "%s/%s-%p.pem", dir, key ? "key" : "cert", (const void *)c);
	FILE *to = fopen(path, "w");

	assert_non_null(to);
	if (key)
		assert_int_equal(PEM_write_PrivateKey(to, c->key, NULL, NULL, 0, NULL, NULL), 1);
	else
		assert_int_equal(PEM_write_X509(to, c->cert), 1);
	assert_int_equal(fclose(to), 0);
	return path;
}

#endif
