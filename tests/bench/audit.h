/* audit.h - compares what a server says now with what it acknowledged before. */
#ifndef TESTS_BENCH_AUDIT_H
#define TESTS_BENCH_AUDIT_H

#include "tests/bench/acked.h"

enum verdict {
	VERDICT_GOOD,
	VERDICT_LOST,           /* acknowledged, should still live, is not there */
	VERDICT_WRONG_LIFETIME, /* there, with less or more time than was granted */
	VERDICT_NOT_REMOVED,    /* its removal was acknowledged; it is there */
	VERDICT_UNSURE,         /* a later request's fate is unknown, and either is right */
	VERDICT_UNANSWERED,     /* no 200 to the question */
	VERDICT_COUNT,
};

/* What an answer showed of the contact in question. */
struct seen {
	bool present;
	uint32_t remaining_s;
	int64_t asked_us, told_us; /* the server looked somewhere between the two */
};

/* The lifetime may differ by `slack_ms` beyond what the sending and answering times leave open. */
enum verdict audit_judge(const struct ack *ack, const struct seen *seen, uint32_t slack_ms);

struct audit {
	const struct options *options;
	struct acked_line *lines;
	uint32_t n;
	uint8_t *verdicts;    /* by line */
	uint32_t *remaining;  /* as the server said, seconds */
	uint64_t extra;       /* contacts that no line speaks of */
	int64_t worst_off_us; /* the largest difference of a lifetime beyond what is not known */
};

bool audit_open(struct audit *audit, const struct options *o) MUST_CHECK;
void audit_close(struct audit *audit);

/* The numbers of the users to ask, ascending; the caller frees it. */
uint32_t *audit_numbers(const struct audit *audit) MUST_CHECK;

void audit_answer(struct audit *audit, const struct user *u, uint32_t at, const struct answer *a,
                  int64_t now_us);

uint64_t audit_count(const struct audit *audit, enum verdict verdict);
bool audit_passed(const struct audit *audit);
void audit_examples(const struct audit *audit); /* the first few findings, to stderr */

const char *verdict_name(enum verdict verdict);

#endif
