/* credentials.h - challenges kept for each user, and their list in a file, so that a later run can
 * see whether nonces given before are still accepted. */
#ifndef TESTS_BENCH_CREDENTIALS_H
#define TESTS_BENCH_CREDENTIALS_H

#include "tests/bench/users.h"

/* False: a part is longer than what is kept here. */
bool credentials_keep(struct credentials *c, const struct challenge *from,
                      const struct options *o) MUST_CHECK;

/* Lines: user, nc, qop, realm, opaque, nonce, separated by tabs. A line on stderr and false where a
 * file cannot be read or written. Users of the list that are not in this run are passed over. */
bool credentials_save(const struct users *users, const struct options *o) MUST_CHECK;
bool credentials_load(struct users *users, const struct options *o) MUST_CHECK;

#endif
