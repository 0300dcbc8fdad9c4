/* message.h - writes the REGISTER that a user's state asks for. Writing it twice gives the same
 * bytes: a retransmission is written again, not kept. */
#ifndef TESTS_BENCH_MESSAGE_H
#define TESTS_BENCH_MESSAGE_H

#include "tests/bench/users.h"

enum { MESSAGE_MAX = 2048 };

struct scribe {
	const struct options *options;
	struct digest *digest;
};

/* `local`: "address:port" of the socket it leaves from. Asserts that it fits MESSAGE_MAX. */
void message_write(const struct scribe *scribe, const struct users *users, uint32_t at,
                   const char *local, struct buf *to);

/* Reads the user and the CSeq back out of an answer's branch; false: not of this run. */
bool message_branch(const struct options *o, struct slice branch, uint32_t *at,
                    uint32_t *cseq) MUST_CHECK;

#endif
