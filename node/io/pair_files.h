/* pair_files.h - what makes two nodes one pair: certificates, cluster id and first secret, as files.
 *
 * A node's folder holds `pair` (text: cluster id and first secret, equal on both nodes) and, unless it
 * is standalone, `ca.pem`, `cert.pem` and `key.pem`. The certificate's common name is
 * regpair-primary or regpair-secondary; the CA's key stays where the files were made. `ca.pem` may hold
 * two CAs: each is trusted, so that one can take the place of the other. */
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
	PAIR_PRINT_SIZE = 32,
};

struct pair_files {
	uint8_t cluster_id[CLUSTER_ID_SIZE];
	uint64_t secret_id; /* never 0 */
	uint8_t secret[PAIR_SECRET_SIZE];
	char ca[PAIR_PATH_MAX]; /* paths of PEM files; empty for a standalone unit */
	char cert[PAIR_PATH_MAX];
	char key[PAIR_PATH_MAX];
	uint8_t print[PAIR_PRINT_SIZE]; /* of these files' bytes: others, when it is another */
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

/* New certificates and keys for both nodes into a folder that pair_files_make made, signed by its CA, or
 * by a new one: dir/ca.pem and dir/ca-key.pem then, and both nodes trust the former, too, until the next
 * renewal. An address that the plan does not name is taken from the certificate before. plan->days
 * comes back as what was possible: nothing holds longer than its CA. */
enum err pair_files_renew(struct pair_plan *plan, bool new_ca,
                          char fault[PAIR_FAULT_MAX]) MUST_CHECK;

#endif
