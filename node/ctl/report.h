/* report.h - what `check` finds: a line each, ok or WRONG with the remedy. */
#ifndef NODE_CTL_REPORT_H
#define NODE_CTL_REPORT_H

#include <jansson.h>

#include "node/ctl/ctl.h"

struct report {
	bool json;
	json_t *findings;
	bool wrong; /* any of them */
};
struct report report_begin(const struct ctl *ctl);
int report_end(struct report *r); /* the exit code */

void report_ok(struct report *r, const char *what, const char *format, ...) PRINTF_LIKE(3, 4);
/* `remedy` is what to do about it; "" where the text says it. */
void report_wrong(struct report *r, const char *what, const char *remedy, const char *format, ...)
	PRINTF_LIKE(4, 5);

#endif
