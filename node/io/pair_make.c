#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include "node/io/pair_files.h"

enum {
	DAY_S = 24 * 3600,
	SERIAL_SIZE = 16,
	TEXT_MAX = 4096, /* of one PEM file; an ECDSA certificate has about 800 bytes */
	FILES_MAX = 10,
};

/* A file to be, under the plan's folder. */
struct draft {
	const char *name;
	mode_t mode;
	size_t n;
	char text[TEXT_MAX];
};

struct maker {
	const struct pair_plan *plan;
	char *fault;
	struct draft drafts[FILES_MAX];
	size_t count;
};

/* A key and its certificate. */
struct identity {
	EVP_PKEY *key;
	X509 *cert;
};

static enum err fail(char *fault, enum err err, const char *format, ...) PRINTF_LIKE(3, 4);

static enum err fail(char *fault, enum err err, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(fault, PAIR_FAULT_MAX, format, arguments);
	va_end(arguments);
	return err;
}

static enum err crypto_failed(char *fault, const char *what)
{
	const char *reason = ERR_reason_error_string(ERR_peek_last_error());

	ERR_clear_error();
	return fail(fault, ERR_IO, "%s could not be made: %s", what,
	            reason == NULL ? "no reason given" : reason);
}

static void identity_free(struct identity *of)
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

static bool make_ca(struct identity *ca, const struct pair_plan *plan, const char *name)
{
	return start_identity(ca, plan, name) &&
	       X509_set_issuer_name(ca->cert, X509_get_subject_name(ca->cert)) == 1 &&
	       add_extension(ca->cert, ca->cert, NID_basic_constraints,
	                     "critical,CA:TRUE,pathlen:0") &&
	       add_extension(ca->cert, ca->cert, NID_key_usage, "critical,keyCertSign,cRLSign") &&
	       add_extension(ca->cert, ca->cert, NID_subject_key_identifier, "hash") &&
	       X509_sign(ca->cert, ca->key, EVP_sha256()) > 0;
}

static bool make_leaf(struct identity *leaf, const struct pair_plan *plan,
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

static struct draft *new_draft(struct maker *m, const char *name, mode_t mode)
{
	assert(m->count < FILES_MAX);
	struct draft *draft = &m->drafts[m->count++];

	draft->name = name;
	draft->mode = mode;
	draft->n = 0;
	return draft;
}

/* Takes the text out of a memory BIO, which is gone then. */
static bool draft_take(struct draft *draft, BIO *from, bool written)
{
	char *text = NULL;
	long n = written ? BIO_get_mem_data(from, &text) : 0;
	bool good = n > 0 && n <= TEXT_MAX;

	if (good) {
		memcpy(draft->text, text, (size_t)n);
		draft->n = (size_t)n;
	}
	BIO_free(from);
	return good;
}

static bool draft_cert(struct maker *m, const char *name, X509 *cert)
{
	BIO *bio = BIO_new(BIO_s_mem());
	bool written = bio != NULL && PEM_write_bio_X509(bio, cert) == 1;

	return draft_take(new_draft(m, name, 0644), bio, written);
}

static bool draft_key(struct maker *m, const char *name, EVP_PKEY *key)
{
	BIO *bio = BIO_new(BIO_s_mem());
	bool written = bio != NULL &&
	               PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1;

	return draft_take(new_draft(m, name, 0600), bio, written);
}

/* What `pair` holds, once for both nodes. */
struct seed {
	uint8_t cluster_id[CLUSTER_ID_SIZE];
	uint8_t secret_id[8];
	uint8_t secret[PAIR_SECRET_SIZE];
};

static bool make_seed(struct seed *seed)
{
	bool good = RAND_bytes(seed->cluster_id, sizeof seed->cluster_id) == 1 &&
	            RAND_bytes(seed->secret_id, sizeof seed->secret_id) == 1 &&
	            RAND_priv_bytes(seed->secret, sizeof seed->secret) == 1;

	seed->secret_id[7] |= 1; /* never 0 */
	return good;
}

static void draft_pair(struct maker *m, const char *name, const struct seed *seed)
{
	struct draft *draft = new_draft(m, name, 0600);
	struct buf to = buf_on((uint8_t *)draft->text, TEXT_MAX);

	buf_str(&to,
	        "# Made by `regpairctl pair init`, equal on both nodes. Keep it secret.\ncluster ");
	buf_hex(&to, (struct slice){seed->cluster_id, sizeof seed->cluster_id});
	buf_str(&to, "\nsecret-id ");
	buf_hex(&to, (struct slice){seed->secret_id, sizeof seed->secret_id});
	buf_str(&to, "\nsecret ");
	buf_hex(&to, (struct slice){seed->secret, sizeof seed->secret});
	buf_byte(&to, '\n');
	assert(!to.full);
	draft->n = to.n;
}

static bool draft_node(struct maker *m, const struct identity *ca, const struct identity *leaf,
                       const char *const names[3])
{
	return draft_cert(m, names[0], ca->cert) && draft_cert(m, names[1], leaf->cert) &&
	       draft_key(m, names[2], leaf->key);
}

static enum err draft_certificates(struct maker *m, const struct seed *seed)
{
	static const char *const primary[3] = {"primary/ca.pem", "primary/cert.pem",
	                                       "primary/key.pem"};
	static const char *const secondary[3] = {"secondary/ca.pem", "secondary/cert.pem",
	                                         "secondary/key.pem"};
	struct identity ca = {.key = NULL};
	struct identity leaves[2] = {{.key = NULL}};
	char name[64];
	struct buf to = buf_on((uint8_t *)name, sizeof name);

	buf_str(&to, "regpair-ca-");
	buf_hex(&to, (struct slice){seed->cluster_id, 4});
	buf_byte(&to, '\0');
	bool good = make_ca(&ca, m->plan, name) &&
	            make_leaf(&leaves[0], m->plan, &ca, UNIT_PRIMARY) &&
	            make_leaf(&leaves[1], m->plan, &ca, UNIT_SECONDARY) &&
	            draft_cert(m, "ca.pem", ca.cert) && draft_key(m, "ca-key.pem", ca.key) &&
	            draft_node(m, &ca, &leaves[0], primary) &&
	            draft_node(m, &ca, &leaves[1], secondary);
	identity_free(&leaves[1]);
	identity_free(&leaves[0]);
	identity_free(&ca);
	return good ? OK : crypto_failed(m->fault, "certificates");
}

static enum err path_of(const struct maker *m, const char *name, char to[PAIR_PATH_MAX])
{
	int n = snprintf(to, PAIR_PATH_MAX, "%s%s%s", m->plan->dir, name[0] == '\0' ? "" : "/",
	                 name);

	if (n > 0 && n < PAIR_PATH_MAX)
		return OK;
	return fail(m->fault, ERR_TOO_BIG, "%.100s...: path is too long", m->plan->dir);
}

static enum err make_folder(const struct maker *m, const char *name)
{
	char path[PAIR_PATH_MAX];
	enum err err = path_of(m, name, path);

	if (err != OK || mkdir(path, 0700) == 0 || errno == EEXIST)
		return err;
	return fail(m->fault, ERR_IO, "%s: cannot be made: %s", path, strerror(errno));
}

static enum err refuse_existing(const struct maker *m)
{
	char path[PAIR_PATH_MAX];

	for (size_t i = 0; i < m->count; i++) {
		struct stat st;
		enum err err = path_of(m, m->drafts[i].name, path);

		if (err != OK)
			return err;
		if (lstat(path, &st) == 0)
			return fail(m->fault, ERR_EXISTS,
			            "%s is there already; --force makes a new pair over it", path);
	}
	return OK;
}

/* A new file each time: an old one's mode, or a link's target, is never taken over. */
static enum err write_draft(const struct maker *m, const struct draft *draft)
{
	char path[PAIR_PATH_MAX];
	enum err err = path_of(m, draft->name, path);

	if (err != OK)
		return err;
	if (m->plan->force)
		(void)unlink(path); /* open tells when that was not possible */
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, draft->mode);
	if (fd < 0)
		return fail(m->fault, ERR_IO, "%s: cannot be written: %s", path, strerror(errno));
	bool good = write(fd, draft->text, draft->n) == (ssize_t)draft->n && fsync(fd) == 0;
	int why = errno;
	good = close(fd) == 0 && good;
	return good ? OK : fail(m->fault, ERR_IO, "%s: cannot be written: %s", path, strerror(why));
}

static enum err write_all(const struct maker *m)
{
	enum err err = m->plan->force ? OK : refuse_existing(m);

	if (err == OK)
		err = make_folder(m, "");
	if (err == OK && !m->plan->standalone)
		err = make_folder(m, "primary");
	if (err == OK && !m->plan->standalone)
		err = make_folder(m, "secondary");
	for (size_t i = 0; err == OK && i < m->count; i++)
		err = write_draft(m, &m->drafts[i]);
	return err;
}

static enum err make_drafts(struct maker *m)
{
	struct seed seed;

	if (!make_seed(&seed))
		return crypto_failed(m->fault, "random bytes");
	if (m->plan->standalone) {
		draft_pair(m, "pair", &seed);
		return OK;
	}
	draft_pair(m, "primary/pair", &seed);
	draft_pair(m, "secondary/pair", &seed);
	OPENSSL_cleanse(seed.secret, sizeof seed.secret);
	return draft_certificates(m, &seed);
}

enum err pair_files_make(const struct pair_plan *plan, char fault[PAIR_FAULT_MAX])
{
	struct maker *m = calloc(1, sizeof *m);

	if (m == NULL)
		abort();
	assert(plan->days >= 1 && plan->days <= PAIR_DAYS_MAX);
	fault[0] = '\0';
	m->plan = plan;
	m->fault = fault;
	enum err err = make_drafts(m);
	if (err == OK)
		err = write_all(m);
	OPENSSL_cleanse(m, sizeof *m); /* keys were in it */
	free(m);
	return err;
}
