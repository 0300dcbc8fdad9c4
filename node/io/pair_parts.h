/* pair_parts.h - what making and renewing a pair's files share: keys with certificates, and files that
 * are whole before the first of them is written. Nobody else's. */
#ifndef NODE_IO_PAIR_PARTS_H
#define NODE_IO_PAIR_PARTS_H

#include <sys/types.h>

#include <openssl/x509.h>

#include "node/io/pair_files.h"

enum {
	PAIR_FILE_MAX = 4096, /* of one PEM file; an ECDSA certificate has about 800 bytes */
	PAIR_DRAFTS_MAX = 10,
};

/* A key and its certificate. */
struct identity {
	EVP_PKEY *key;
	X509 *cert;
};

/* pair_identity.c. Dates and days are the plan's; false: OpenSSL's queue says why. */
bool identity_make_ca(struct identity *ca, const struct pair_plan *plan, const char *name);
bool identity_make_leaf(struct identity *leaf, const struct pair_plan *plan,
                        const struct identity *ca, enum unit unit);
void identity_free(struct identity *of);

/* A file to be, under the plan's folder. */
struct draft {
	const char *name;
	mode_t mode;
	size_t n;
	char text[PAIR_FILE_MAX];
};

struct drafts {
	const struct pair_plan *plan;
	char *fault;
	struct draft all[PAIR_DRAFTS_MAX];
	size_t count;
};

/* pair_drafts.c */
struct drafts *drafts_begin(const struct pair_plan *plan, char fault[PAIR_FAULT_MAX]);
void drafts_end(struct drafts *d); /* with the keys that were in it */
struct draft *draft_add(struct drafts *d, const char *name, mode_t mode);
bool draft_certs(struct drafts *d, const char *name, X509 *first, X509 *second); /* or NULL */
bool draft_key(struct drafts *d, const char *name, EVP_PKEY *key);
/* What goes to one node: its certificate and key, and the CAs it trusts: one, or two. */
bool draft_node(struct drafts *d, enum unit unit, const struct identity *leaf, X509 *ca,
                X509 *other_ca);
enum err draft_path(const struct drafts *d, const char *name, char to[PAIR_PATH_MAX]);
/* Folders and files: each is written beside the old one, then all take their names. */
enum err drafts_write(const struct drafts *d);
enum err drafts_fail(const struct drafts *d, enum err err, const char *format, ...)
	PRINTF_LIKE(3, 4);
enum err drafts_crypto_failed(const struct drafts *d, const char *what);

#endif
