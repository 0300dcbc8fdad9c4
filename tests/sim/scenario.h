/* scenario.h - a story written down: what happens when, and what is expected of the pair.
 *
 * The rest of its world (phones, delays, the disk's pace) is drawn from a seed, so it is played with
 * many. docs/simulator.md describes the format. */
#ifndef TESTS_SIM_SCENARIO_H
#define TESTS_SIM_SCENARIO_H

#include "tests/sim/fault.h"

enum { SCENARIO_NAME_MAX = 64 };

enum whom { WHOM_PAIR, WHOM_A, WHOM_B, WHOM_ACTIVE, WHOM_STANDBY, WHOM_ANY, WHOM_BOTH, WHOMS };

struct expectation;
struct scenario_line {
	int number; /* in the file */
	int64_t at_ms;
	bool at_moment; /* counted from the moment's first time behind the lines above */
	enum moment moment;
	enum whom whom;
	const struct fault *fault; /* NULL: an expectation */
	int64_t for_ms, by;
	const struct expectation *expected;
	bool never;         /* it must not be */
	bool kept;          /* it must be so all the time, not once within it */
	int64_t within_ms;  /* 0: now */
	bool unless[LOADS]; /* not played under this load */
};

struct scenario {
	char name[SCENARIO_NAME_MAX]; /* of the file */
	bool loads[LOADS];
	bool naps;    /* the pair registers at providers */
	bool watched; /* beside each phone stands who watches its AOR */
	bool commit_known;
	enum commit_mode commit;
	int64_t end_ms, first_ms; /* of the first fault */
	struct scenario_line lines[SCENARIO_LINES_MAX];
	size_t n;
};

struct scenario_fault {
	char text[1024]; /* file:line: what is wrong, and what would be right */
};
/* False: out says why not. */
bool scenario_read(const char *path, struct scenario *to, struct scenario_fault *out);
const char *load_name(enum load load);

/* --- while it is played --- */

void scenario_begin(struct world *w, const struct scenario *s, enum load load);
void scenario_moment(struct world *w, enum moment moment);
void scenario_on_line(struct world *w, const struct event *e);
void scenario_on_look(struct world *w, const struct event *e);
void scenario_on_resync(struct world *w, const struct event *e);

/* NULL: there is none of that name. */
const struct expectation *expectation_named(struct slice name);
void expectation_names(struct buf *to);

#endif
