/* Certificates of a pair that is there, made anew; its cluster id and secret stay. */
#include <assert.h>
#include <errno.h>
#include <stdio.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "node/io/pair_parts.h"

static FILE *open_in(const struct drafts *d, const char *name, enum err *err)
{
	char path[PAIR_PATH_MAX];
	FILE *file;

	*err = draft_path(d, name, path);
	if (*err != OK)
		return NULL;
	file = fopen(path, "re");
	if (file == NULL)
		*err = drafts_fail(d, ERR_IO, "%s: cannot be read: %s", path, strerror(errno));
	return file;
}

static enum err read_cert(const struct drafts *d, const char *name, X509 **out)
{
	enum err err;
	FILE *file = open_in(d, name, &err);

	if (file == NULL)
		return err;
	*out = PEM_read_X509(file, NULL, NULL, NULL);
	(void)fclose(file); /* only read */
	return *out != NULL ? OK
	                    : drafts_fail(d, ERR_MALFORMED, "%s/%s: no certificate in PEM form",
	                                  d->plan->dir, name);
}

static enum err read_ca(const struct drafts *d, struct identity *ca)
{
	enum err err = read_cert(d, "ca.pem", &ca->cert);
	FILE *file = err == OK ? open_in(d, "ca-key.pem", &err) : NULL;

	if (file == NULL)
		return err;
	ca->key = PEM_read_PrivateKey(file, NULL, NULL, (void *)(char[]){""});
	(void)fclose(file); /* only read */
	if (ca->key != NULL && X509_check_private_key(ca->cert, ca->key) == 1)
		return OK;
	return drafts_fail(d, ERR_FOREIGN, "%s/ca-key.pem: not the key of %s/ca.pem", d->plan->dir,
	                   d->plan->dir);
}

/* The one IP address in the certificate's subjectAltName. */
static bool address_in(const X509 *cert, struct addr *out)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
	bool found = false;

	for (int i = 0; i < sk_GENERAL_NAME_num(names) && !found; i++) {
		int type = 0;
		const ASN1_OCTET_STRING *ip =
			GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(names, i), &type);
		int n = type == GEN_IPADD ? ASN1_STRING_length(ip) : 0;

		found = n == 4 || n == 16;
		if (!found)
			continue;
		*out = (struct addr){.family = n == 4 ? ADDR_IPV4 : ADDR_IPV6};
		memcpy(out->ip, ASN1_STRING_get0_data(ip), (size_t)n);
	}
	GENERAL_NAMES_free(names);
	return found;
}

/* Where the plan does not name an address, it is as before. */
static enum err find_address(const struct drafts *d, const char *name, struct addr *address)
{
	X509 *cert = NULL;
	enum err err = address->family == ADDR_NONE ? read_cert(d, name, &cert) : OK;

	if (cert != NULL && !address_in(cert, address))
		err = drafts_fail(d, ERR_MALFORMED,
		                  "%s/%s has no address; give it with --primary or --secondary",
		                  d->plan->dir, name);
	X509_free(cert);
	return err;
}

/* No certificate holds longer than what signed it. */
static enum err bound_days(const struct drafts *d, const X509 *ca, int *most)
{
	int days = 0;
	int seconds = 0;
	time_t now = d->plan->now;
	ASN1_TIME *today = ASN1_TIME_set(NULL, now);
	bool read = today != NULL &&
	            ASN1_TIME_diff(&days, &seconds, today, X509_get0_notAfter(ca)) == 1;

	ASN1_TIME_free(today);
	if (!read || days < 1)
		return drafts_fail(d, ERR_CORRUPT,
		                   "%s/ca.pem has ended, or does so within a day; --new-ca makes "
		                   "another",
		                   d->plan->dir);
	*most = days < *most ? days : *most;
	return OK;
}

static bool make_successor(struct identity *next, const struct pair_plan *plan, const X509 *before)
{
	char name[64] = "";

	return X509_NAME_get_text_by_NID(X509_get_subject_name(before), NID_commonName, name,
	                                 sizeof name) > 0 &&
	       identity_make_ca(next, plan, name);
}

/* Signed by `ca`; `before` is trusted, too, unless it is NULL. */
static enum err draft_leaves(struct drafts *d, const struct identity *ca, X509 *before)
{
	struct identity leaves[2] = {{.key = NULL}};
	bool good = identity_make_leaf(&leaves[0], d->plan, ca, UNIT_PRIMARY) &&
	            identity_make_leaf(&leaves[1], d->plan, ca, UNIT_SECONDARY) &&
	            draft_node(d, UNIT_PRIMARY, &leaves[0], ca->cert, before) &&
	            draft_node(d, UNIT_SECONDARY, &leaves[1], ca->cert, before);

	identity_free(&leaves[1]);
	identity_free(&leaves[0]);
	return good ? OK : drafts_crypto_failed(d, "certificates");
}

static enum err draft_with_new_ca(struct drafts *d, const struct identity *before)
{
	struct identity ca = {.key = NULL};
	bool good = make_successor(&ca, d->plan, before->cert) &&
	            draft_key(d, "ca-key.pem", ca.key) && draft_certs(d, "ca.pem", ca.cert, NULL);
	enum err err = good ? draft_leaves(d, &ca, before->cert)
	                    : drafts_crypto_failed(d, "a certificate for the CA");

	identity_free(&ca);
	return err;
}

static enum err draft_all(struct drafts *d, struct pair_plan *plan, bool new_ca)
{
	struct identity ca = {.key = NULL};
	enum err err = read_ca(d, &ca);

	if (err == OK)
		err = find_address(d, "primary/cert.pem", &plan->primary);
	if (err == OK)
		err = find_address(d, "secondary/cert.pem", &plan->secondary);
	if (err == OK && !new_ca)
		err = bound_days(d, ca.cert, &plan->days);
	if (err == OK)
		err = new_ca ? draft_with_new_ca(d, &ca) : draft_leaves(d, &ca, NULL);
	identity_free(&ca);
	return err;
}

enum err pair_files_renew(struct pair_plan *plan, bool new_ca, char fault[PAIR_FAULT_MAX])
{
	struct drafts *d = drafts_begin(plan, fault);

	assert(plan->days >= 1 && plan->days <= PAIR_DAYS_MAX && !plan->standalone);
	enum err err = draft_all(d, plan, new_ca);
	if (err == OK)
		err = drafts_write(d);
	ERR_clear_error();
	drafts_end(d);
	return err;
}
