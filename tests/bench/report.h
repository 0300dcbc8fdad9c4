/* report.h - prints what a run found, for people or as one JSON object. */
#ifndef TESTS_BENCH_REPORT_H
#define TESTS_BENCH_REPORT_H

#include "tests/bench/audit.h"
#include "tests/bench/stats.h"
#include "tests/bench/transport.h"

struct report {
	const struct options *options;
	const struct stats *stats;
	struct transport_counts wire;
	const struct audit *audit;           /* lines NULL: there was none */
	int64_t own_ns;                      /* CPU time of the generator in the run */
	int64_t server_ns[OPTIONS_PIDS_MAX]; /* by options->pids; -1: it ended */
	bool stopped;
};

void report_text(const struct report *r);
void report_json(const struct report *r);

#endif
