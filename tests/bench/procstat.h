/* procstat.h - CPU time of processes, all their threads, as the scheduler accounts it. */
#ifndef TESTS_BENCH_PROCSTAT_H
#define TESTS_BENCH_PROCSTAT_H

#include <stdint.h>
#include <sys/types.h>

/* Nanoseconds run so far; -1: no such process. A thread that ended is counted no more. */
int64_t procstat_ns(pid_t pid);

int64_t procstat_own_ns(void);

#endif
