/* reginfo_read.h - what a document of a registrar's (application/reginfo+xml, RFC 3680 5) says of one contact.
 *
 * Tolerant of prefixes, comments, CDATA, further elements and attributes; without memory of its own.
 * A document with a DTD, or one that is cut short, says nothing at all. */
#ifndef NODE_CORE_REGINFO_READ_H
#define NODE_CORE_REGINFO_READ_H

#include "proto/base/defs.h"
#include "proto/base/err.h"
#include "proto/base/slice.h"

enum reginfo_word {
	REGINFO_NOTHING,   /* it is not named */
	REGINFO_ACTIVE,    /* bound */
	REGINFO_ENDED,     /* deactivated, expired, unregistered: may be registered again at once */
	REGINFO_PROBATION, /* may be registered again after a while */
	REGINFO_REJECTED,
};

struct reginfo_said {
	enum reginfo_word word;
	bool has_retry_after; /* PROBATION */
	uint32_t retry_after_s;
};

/* What it says of the contact; of the whole registration of `aor` where that has ended and the contact
 * is not named. One that is bound by one element is bound, whatever another says. */
enum err reginfo_read(struct slice body, struct slice aor, struct slice contact,
                      struct reginfo_said *out) MUST_CHECK;

#endif
