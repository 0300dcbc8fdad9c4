/* acked.h - what the server acknowledged, the latest for each user: kept during a run, written to
 * a list, read from it by an audit.
 *
 * A line is: user, register|remove, contact, Call-ID, CSeq, sent (ms), acknowledged (ms), granted
 * (s), and what was sent after it and never answered 200 (none|register|remove): after such a
 * request nobody can know the binding's state for sure. Times are CLOCK_BOOTTIME, which all
 * network namespaces of a machine share. */
#ifndef TESTS_BENCH_ACKED_H
#define TESTS_BENCH_ACKED_H

#include "tests/bench/users.h"

struct ack {
	enum act act;    /* ACT_REGISTER, ACT_REMOVE; ACT_NONE: nothing acknowledged yet */
	enum act unsure; /* sent since, not answered 200; ACT_NONE: nothing */
	uint32_t cseq, granted_s;
	int64_t sent_us, acked_us; /* the server decided somewhere between the two */
};

struct acked {
	const struct options *options;
	struct ack *list; /* by the user's place; NULL: nobody wants it */
	uint32_t n;
};

bool acked_open(struct acked *acked, const struct options *o, uint32_t n) MUST_CHECK;
void acked_close(struct acked *acked);

void acked_sent(struct acked *acked, const struct user *u, uint32_t at);
void acked_answer(struct acked *acked, const struct user *u, uint32_t at, const struct answer *a,
                  int64_t now_us);

/* Begins with what such a list says of the users of this run. False: it cannot be read. */
bool acked_know(struct acked *acked, const struct users *users, const char *path) MUST_CHECK;

bool acked_save(const struct acked *acked, const struct users *users) MUST_CHECK;

/* One line of the list, read. */
struct acked_line {
	uint32_t number;
	struct ack ack;
	char contact[160];
};

/* Reads the list, ascending by user. NULL: it cannot be read; a line about it is on stderr. The
 * caller frees it. */
struct acked_line *acked_load(const struct options *o, const char *path, uint32_t *n) MUST_CHECK;

#endif
