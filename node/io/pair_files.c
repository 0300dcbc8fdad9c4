#include "node/io/pair_files.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

enum { PAIR_TEXT_MAX = 1024, HEX_MAX = 2 * PAIR_SECRET_SIZE };

static enum err fail(char fault[PAIR_FAULT_MAX], enum err err, const char *format, ...)
	PRINTF_LIKE(3, 4);

static enum err fail(char fault[PAIR_FAULT_MAX], enum err err, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(fault, PAIR_FAULT_MAX, format, arguments);
	va_end(arguments);
	ERR_clear_error();
	return err;
}

static bool join(char to[PAIR_PATH_MAX], const char *dir, const char *name)
{
	int n = snprintf(to, PAIR_PATH_MAX, "%s/%s", dir, name);

	return n > 0 && n < PAIR_PATH_MAX;
}

static enum err fail_reading(const char *path, char fault[PAIR_FAULT_MAX])
{
	const char *remedy = errno == ENOENT ? ": `regpairctl pair init` makes it" : "";

	return fail(fault, ERR_IO, "%s: cannot be read: %s%s", path, strerror(errno), remedy);
}

/* Opens a file that must be the owner's (and its group's) alone. */
static enum err open_private(const char *path, FILE **out, char fault[PAIR_FAULT_MAX])
{
	struct stat st;
	FILE *file = fopen(path, "re");

	if (file == NULL)
		return fail_reading(path, fault);
	if (fstat(fileno(file), &st) == 0 && (st.st_mode & S_IRWXO) == 0) {
		*out = file;
		return OK;
	}
	(void)fclose(file); /* only read */
	return fail(fault, ERR_CORRUPT, "%s: open to everybody (mode %04o); make it 0600", path,
	            (unsigned)(st.st_mode & 07777));
}

static int hex_value(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = c == '\0' ? NULL : strchr(digits, c);

	return at == NULL ? -1 : (int)(at - digits);
}

/* Exactly n bytes in lower-case hexadecimal. */
static bool read_hex(const char *text, uint8_t *to, size_t n)
{
	if (strlen(text) != 2 * n)
		return false;
	for (size_t i = 0; i < n; i++) {
		int high = hex_value(text[2 * i]);
		int low = hex_value(text[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		to[i] = (uint8_t)(high * 16 + low);
	}
	return true;
}

/* The lines of `pair`; a bit each, so that none is missing or twice. */
enum { HAS_CLUSTER = 1, HAS_SECRET_ID = 2, HAS_SECRET = 4, HAS_ALL = 7 };

static int read_pair_line(const char *line, struct pair_files *out)
{
	char name[16];
	char value[HEX_MAX + 1];
	uint8_t id[8];
	struct slice word;

	if (sscanf(line, "%15s %64s", name, value) != 2) /* NOLINT(cert-err34-c): no numbers */
		return 0;
	word = slice_str(name);
	if (slice_eq(word, SLICE("cluster")))
		return read_hex(value, out->cluster_id, sizeof out->cluster_id) ? HAS_CLUSTER : 0;
	if (slice_eq(word, SLICE("secret")))
		return read_hex(value, out->secret, sizeof out->secret) ? HAS_SECRET : 0;
	if (!slice_eq(word, SLICE("secret-id")) || !read_hex(value, id, sizeof id))
		return 0;
	out->secret_id = 0;
	for (size_t i = 0; i < sizeof id; i++)
		out->secret_id = out->secret_id << 8 | id[i];
	return out->secret_id == 0 ? 0 : HAS_SECRET_ID;
}

static enum err read_pair(const char *dir, struct pair_files *out, char fault[PAIR_FAULT_MAX])
{
	char path[PAIR_PATH_MAX];
	char line[PAIR_TEXT_MAX];
	FILE *file = NULL;
	int has = 0;
	int number = 0;

	if (!join(path, dir, "pair"))
		return fail(fault, ERR_TOO_BIG, "%.100s...: path is too long", dir);
	enum err err = open_private(path, &file, fault);
	while (err == OK && fgets(line, sizeof line, file) != NULL) {
		int got = line[0] == '#' || line[0] == '\n' ? 0 : read_pair_line(line, out);

		number++;
		if (line[0] == '#' || line[0] == '\n')
			continue;
		if (got == 0 || (has & got) != 0)
			err = fail(fault, ERR_MALFORMED,
			           "%s:%d: not a line of `regpairctl pair init`", path, number);
		has |= got;
	}
	if (file != NULL)
		(void)fclose(file); /* only read */
	if (err == OK && has != HAS_ALL)
		err = fail(fault, ERR_MALFORMED,
		           "%s: incomplete; it needs cluster, secret-id and secret", path);
	return err;
}

static enum err read_cert(const char *path, X509 **out, char fault[PAIR_FAULT_MAX])
{
	FILE *file = fopen(path, "re");

	if (file == NULL)
		return fail_reading(path, fault);
	*out = PEM_read_X509(file, NULL, NULL, NULL);
	(void)fclose(file); /* only read */
	return *out != NULL ? OK
	                    : fail(fault, ERR_MALFORMED, "%s: no certificate in PEM form", path);
}

static enum err read_key(const char *path, EVP_PKEY **out, char fault[PAIR_FAULT_MAX])
{
	FILE *file = NULL;
	enum err err = open_private(path, &file, fault);

	if (err != OK)
		return err;
	/* An empty password: an encrypted key is an error, never a question at a terminal. */
	*out = PEM_read_PrivateKey(file, NULL, NULL, (void *)(char[]){""});
	(void)fclose(file); /* only read */
	return *out != NULL ? OK
	                    : fail(fault, ERR_MALFORMED,
	                           "%s: no private key in PEM form without a password", path);
}

/* Chain, purpose and dates, as the other side will look at them. */
static enum err check_chain(X509 *cert, const struct pair_files *files, char fault[PAIR_FAULT_MAX])
{
	X509_STORE *store = X509_STORE_new();
	X509_STORE_CTX *context = X509_STORE_CTX_new();
	int reason = X509_V_ERR_OUT_OF_MEM;
	int depth = 0;

	if (store != NULL && context != NULL && X509_STORE_load_file(store, files->ca) == 1 &&
	    X509_STORE_CTX_init(context, store, cert, NULL) == 1 &&
	    X509_STORE_CTX_set_purpose(context, X509_PURPOSE_SSL_CLIENT) == 1) {
		int good = X509_verify_cert(context);

		reason = good == 1 ? X509_V_OK : X509_STORE_CTX_get_error(context);
		depth = X509_STORE_CTX_get_error_depth(context);
	}
	X509_STORE_CTX_free(context);
	X509_STORE_free(store);
	if (reason == X509_V_OK)
		return OK;

	bool date = reason == X509_V_ERR_CERT_HAS_EXPIRED ||
	            reason == X509_V_ERR_CERT_NOT_YET_VALID;
	return fail(fault, date ? ERR_CORRUPT : ERR_FOREIGN, "%s: %s",
	            depth == 0 ? files->cert : files->ca, X509_verify_cert_error_string(reason));
}

static enum err check_name(X509 *cert, enum unit unit, const struct pair_files *files,
                           char fault[PAIR_FAULT_MAX])
{
	const char *wanted = unit == UNIT_PRIMARY ? "regpair-primary" : "regpair-secondary";
	char name[64] = "";
	int n = X509_NAME_get_text_by_NID(X509_get_subject_name(cert), NID_commonName, name,
	                                  sizeof name);

	if (n > 0 && strcmp(name, wanted) == 0)
		return OK;
	return fail(fault, ERR_FOREIGN, "%s: it is for `%.60s`, this unit needs `%s`", files->cert,
	            name, wanted);
}

static bool add_file(EVP_MD_CTX *to, const char *path)
{
	uint8_t bytes[PAIR_TEXT_MAX];
	size_t n;
	FILE *file = fopen(path, "re");
	bool good = file != NULL;

	while (good && (n = fread(bytes, 1, sizeof bytes, file)) > 0)
		good = EVP_DigestUpdate(to, bytes, n) == 1;
	good = good && ferror(file) == 0;
	if (file != NULL)
		(void)fclose(file); /* only read */
	OPENSSL_cleanse(bytes, sizeof bytes);
	return good;
}

static enum err take_print(struct pair_files *files, char fault[PAIR_FAULT_MAX])
{
	EVP_MD_CTX *to = EVP_MD_CTX_new();
	bool good = to != NULL && EVP_DigestInit_ex(to, EVP_sha256(), NULL) == 1 &&
	            add_file(to, files->ca) && add_file(to, files->cert) &&
	            add_file(to, files->key) && EVP_DigestFinal_ex(to, files->print, NULL) == 1;

	EVP_MD_CTX_free(to);
	return good ? OK
	            : fail(fault, ERR_IO, "%s, or a file beside it: cannot be read again",
	                   files->cert);
}

static enum err check_certificates(enum unit unit, struct pair_files *files,
                                   char fault[PAIR_FAULT_MAX])
{
	X509 *ca = NULL;
	X509 *cert = NULL;
	EVP_PKEY *key = NULL;
	enum err err = read_cert(files->ca, &ca, fault);

	if (err == OK)
		err = read_cert(files->cert, &cert, fault);
	if (err == OK)
		err = read_key(files->key, &key, fault);
	if (err == OK && X509_check_private_key(cert, key) != 1)
		err = fail(fault, ERR_FOREIGN, "%s: not the key of %s", files->key, files->cert);
	if (err == OK)
		err = check_name(cert, unit, files, fault);
	if (err == OK)
		err = check_chain(cert, files, fault);
	if (err == OK)
		err = take_print(files, fault);
	X509_free(ca);
	X509_free(cert);
	EVP_PKEY_free(key);
	return err;
}

enum err pair_files_load(const char *dir, enum unit unit, struct pair_files *out,
                         char fault[PAIR_FAULT_MAX])
{
	assert(unit >= UNIT_STANDALONE && unit <= UNIT_SECONDARY);
	*out = (struct pair_files){.secret_id = 0};
	fault[0] = '\0';
	enum err err = read_pair(dir, out, fault);
	if (err != OK || unit == UNIT_STANDALONE)
		return err;
	if (!join(out->ca, dir, "ca.pem") || !join(out->cert, dir, "cert.pem") ||
	    !join(out->key, dir, "key.pem"))
		return fail(fault, ERR_TOO_BIG, "%.100s...: path is too long", dir);
	return check_certificates(unit, out, fault);
}
