/* engine.h - drives users through one run: starts operations by window or rate, retransmits,
 * answers challenges, counts.
 *
 * An operation is one REGISTER and, where it is challenged, its repetition with credentials. It
 * ends with a final answer or a timeout, so a run ends at most one timeout after its last start. */
#ifndef TESTS_BENCH_ENGINE_H
#define TESTS_BENCH_ENGINE_H

#include "tests/bench/message.h"
#include "tests/bench/stats.h"
#include "tests/bench/transport.h"

struct engine {
	struct scribe scribe;
	struct users *users;
	struct transport *transport;
	struct observer *observer;
};

/* What a run tells others; both may be NULL. The answer lives for the call. */
struct observer {
	void *ctx;
	void (*sent)(void *ctx, const struct user *u, uint32_t at); /* first sending only */
	void (*answered)(void *ctx, const struct user *u, uint32_t at, const struct answer *a,
	                 int64_t now_us);
};

struct plan {
	enum act act;
	uint32_t window, rate; /* rate 0: by window */
	uint64_t count;        /* 0: by seconds */
	uint32_t seconds;
	bool in_turn; /* a user that did `act` removes next, and so on */
};

/* False: it was told to stop before its end; the counts are good all the same. */
bool engine_run(struct engine *engine, const struct plan *plan, struct stats *stats) MUST_CHECK;

#endif
