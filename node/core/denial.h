/* denial.h - why a request is not granted: the status it gets and what its answer must carry. */
#ifndef NODE_CORE_DENIAL_H
#define NODE_CORE_DENIAL_H

#include "node/core/serve.h"

struct denial {
	uint16_t status; /* 0: not refused */
	enum serve_outcome outcome;
	const char *reason;       /* NULL: the RFC's phrase */
	uint32_t min_expires_s;   /* 423 */
	struct slice unsupported; /* 420: the option tags, as a list */
	bool stale;               /* 401 */
};

static inline struct denial deny(uint16_t status, enum serve_outcome outcome, const char *reason)
{
	return (struct denial){.status = status, .outcome = outcome, .reason = reason};
}

static inline struct denial granted(void)
{
	return (struct denial){.status = 0};
}

#endif
