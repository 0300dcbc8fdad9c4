/* options.h - what the command line asks regload for: one table gives names, bounds, defaults
 * and --help. */
#ifndef TESTS_BENCH_OPTIONS_H
#define TESTS_BENCH_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "proto/base/defs.h"

enum { OPTIONS_PIDS_MAX = 32 };

enum mode { MODE_REGISTER, MODE_REFRESH, MODE_REMOVE, MODE_FETCH, MODE_CHURN };
enum auth { AUTH_NONE, AUTH_CACHED, AUTH_ALWAYS };

enum regload_exit {
	EXIT_FINE = 0,    /* it ran to its end */
	EXIT_FINDING = 1, /* an audit or an expectation failed */
	EXIT_USAGE = 2,
	EXIT_BROKEN = 3, /* a file, socket or memory; or not one 200 came */
};

struct options {
	const char *host, *port;
	uint32_t transport; /* 0 udp, 1 tcp */
	uint32_t sockets;

	uint32_t mode;      /* enum mode */
	uint32_t auth;      /* enum auth */
	uint32_t algorithm; /* enum algorithm */
	uint32_t window, rate;
	uint32_t users, first;
	uint32_t count, seconds; /* both 0: every user once */
	uint32_t no_prime;

	const char *domain, *realm; /* realm NULL: the server's */
	const char *user_prefix, *password_prefix, *contact_host;
	uint32_t expires_s;
	const char *tag; /* NULL: random */
	uint32_t cseq;

	uint32_t t1_ms, tries;

	const char *acked, *known, *audit, *timeline, *save_nonce, *use_nonce, *write_csv;
	uint32_t slack_ms, allow_extra;
	uint32_t expect_no_challenge, gap, json, help;

	pid_t pids[OPTIONS_PIDS_MAX];
	unsigned n_pids;
};

/* False: the command line is wrong; a line about it is on stderr. */
bool options_read(struct options *out, int argc, char **argv) MUST_CHECK;

void options_help(void);

const char *mode_name(enum mode mode);
const char *auth_name(enum auth auth);

#endif
