/* Files in memory, until all of them are known to be good; then on disk. */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "node/io/pair_parts.h"

enum err drafts_fail(const struct drafts *d, enum err err, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(d->fault, PAIR_FAULT_MAX, format, arguments);
	va_end(arguments);
	return err;
}

enum err drafts_crypto_failed(const struct drafts *d, const char *what)
{
	const char *reason = ERR_reason_error_string(ERR_peek_last_error());

	ERR_clear_error();
	return drafts_fail(d, ERR_IO, "%s could not be made: %s", what,
	                   reason == NULL ? "no reason given" : reason);
}

struct drafts *drafts_begin(const struct pair_plan *plan, char fault[PAIR_FAULT_MAX])
{
	struct drafts *d = calloc(1, sizeof *d);

	if (d == NULL)
		abort();
	fault[0] = '\0';
	d->plan = plan;
	d->fault = fault;
	return d;
}

void drafts_end(struct drafts *d)
{
	OPENSSL_cleanse(d, sizeof *d);
	free(d);
}

struct draft *draft_add(struct drafts *d, const char *name, mode_t mode)
{
	assert(d->count < PAIR_DRAFTS_MAX);
	struct draft *draft = &d->all[d->count++];

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
	bool good = n > 0 && n <= PAIR_FILE_MAX;

	if (good) {
		memcpy(draft->text, text, (size_t)n);
		draft->n = (size_t)n;
	}
	BIO_free(from);
	return good;
}

bool draft_certs(struct drafts *d, const char *name, X509 *first, X509 *second)
{
	BIO *bio = BIO_new(BIO_s_mem());
	bool written = bio != NULL && PEM_write_bio_X509(bio, first) == 1 &&
	               (second == NULL || PEM_write_bio_X509(bio, second) == 1);

	return draft_take(draft_add(d, name, 0644), bio, written);
}

bool draft_key(struct drafts *d, const char *name, EVP_PKEY *key)
{
	BIO *bio = BIO_new(BIO_s_mem());
	bool written = bio != NULL &&
	               PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1;

	return draft_take(draft_add(d, name, 0600), bio, written);
}

bool draft_node(struct drafts *d, enum unit unit, const struct identity *leaf, X509 *ca,
                X509 *other_ca)
{
	bool primary = unit == UNIT_PRIMARY;

	return draft_certs(d, primary ? "primary/ca.pem" : "secondary/ca.pem", ca, other_ca) &&
	       draft_certs(d, primary ? "primary/cert.pem" : "secondary/cert.pem", leaf->cert,
	                   NULL) &&
	       draft_key(d, primary ? "primary/key.pem" : "secondary/key.pem", leaf->key);
}

enum err draft_path(const struct drafts *d, const char *name, char to[PAIR_PATH_MAX])
{
	int n = snprintf(to, PAIR_PATH_MAX, "%s%s%s", d->plan->dir, name[0] == '\0' ? "" : "/",
	                 name);

	if (n > 0 && n < PAIR_PATH_MAX)
		return OK;
	return drafts_fail(d, ERR_TOO_BIG, "%.100s...: path is too long", d->plan->dir);
}

static enum err make_folder(const struct drafts *d, const char *name)
{
	char path[PAIR_PATH_MAX];
	enum err err = draft_path(d, name, path);

	if (err != OK || mkdir(path, 0700) == 0 || errno == EEXIST)
		return err;
	return drafts_fail(d, ERR_IO, "%s: cannot be made: %s", path, strerror(errno));
}

/* The name it has until all are written. */
static enum err path_beside(const struct drafts *d, const struct draft *draft,
                            char to[PAIR_PATH_MAX])
{
	char name[64];

	(void)snprintf(name, sizeof name, "%s.new", draft->name);
	return draft_path(d, name, to);
}

static enum err write_beside(const struct drafts *d, const struct draft *draft)
{
	char path[PAIR_PATH_MAX];
	enum err err = path_beside(d, draft, path);

	if (err != OK)
		return err;
	(void)unlink(path); /* one that was left; open tells when that was not possible */
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, draft->mode);
	if (fd < 0)
		return drafts_fail(d, ERR_IO, "%s: cannot be written: %s", path, strerror(errno));
	bool good = write(fd, draft->text, draft->n) == (ssize_t)draft->n && fsync(fd) == 0;
	int why = errno;
	good = close(fd) == 0 && good;
	return good ? OK : drafts_fail(d, ERR_IO, "%s: cannot be written: %s", path, strerror(why));
}

/* An old file's mode, or a link's target, is never taken over. */
static enum err take_name(const struct drafts *d, const struct draft *draft)
{
	char from[PAIR_PATH_MAX];
	char to[PAIR_PATH_MAX] = "";
	enum err err = path_beside(d, draft, from);

	if (err == OK)
		err = draft_path(d, draft->name, to);
	if (err != OK || rename(from, to) == 0)
		return err;
	return drafts_fail(d, ERR_IO, "%s: cannot be written: %s", to, strerror(errno));
}

enum err drafts_write(const struct drafts *d)
{
	enum err err = make_folder(d, "");

	if (err == OK && !d->plan->standalone)
		err = make_folder(d, "primary");
	if (err == OK && !d->plan->standalone)
		err = make_folder(d, "secondary");
	for (size_t i = 0; err == OK && i < d->count; i++)
		err = write_beside(d, &d->all[i]);
	for (size_t i = 0; err == OK && i < d->count; i++)
		err = take_name(d, &d->all[i]);
	return err;
}
