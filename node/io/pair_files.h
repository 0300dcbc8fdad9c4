/* pair_files.h - what makes two nodes one pair: certificates, cluster id and first secret, as files.
 *
 * A node's folder holds `pair` (text: cluster id and first secret, equal on both nodes) and, unless it
 * is standalone, `ca.pem`, `cert.pem` and `key.pem`. The certificate's common name is
 * regpair-primary or regpair-secondary; the CA's key stays where the files were made. */
#ifndef NODE_IO_PAIR_FILES_H
#define NODE_IO_PAIR_FILES_H

#include <time.h>

#include "proto/base/addr.h"
#include "proto/base/err.h"
#include "proto/frame.h"
#include "proto/record.h"

enum {
	PAIR_SECRET_SIZE = 32,
	PAIR_PATH_MAX = 256,
	PAIR_FAULT_MAX = 512,
	PAIR_DAYS_MAX = 36500,
};

struct pair_files {
	uint8_t cluster_id[CLUSTER_ID_SIZE];
	uint64_t secret_id; /* never 0 */
	uint8_t secret[PAIR_SECRET_SIZE];
	char ca[PAIR_PATH_MAX]; /* paths of PEM files; empty for a standalone unit */
	char cert[PAIR_PATH_MAX];
	char key[PAIR_PATH_MAX];
};

/* Reads and checks: modes (nobody else may read secret and key), the certificate's dates, its chain to
 * the CA, its name against `unit`, the key against the certificate. The fault names the file, what is
 * wrong and, where it can, what would be right. ERR_IO: unreadable; ERR_MALFORMED: not such a file;
 * ERR_FOREIGN: of another unit, CA or key; ERR_CORRUPT: a mode or date that must not be used. */
enum err pair_files_load(const char *dir, enum unit unit, struct pair_files *out,
                         char fault[PAIR_FAULT_MAX]) MUST_CHECK;

struct pair_plan {
	const char *dir;
	bool standalone;     /* only `pair`, in dir itself */
	struct addr primary; /* ports do not count */
	struct addr secondary;
	bool force; /* over files that are there */
	int days;   /* 1 to PAIR_DAYS_MAX */
	time_t now; /* wall time; certificates hold from a day earlier */
};

/* Makes dir/primary, dir/secondary, dir/ca.pem and dir/ca-key.pem, or dir/pair for a standalone unit.
 * All is made in memory before the first file is written. ERR_EXISTS: files are there, no force. */
enum err pair_files_make(const struct pair_plan *plan, char fault[PAIR_FAULT_MAX]) MUST_CHECK;

#endif
