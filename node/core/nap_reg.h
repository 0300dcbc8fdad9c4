/* nap_reg.h - a subscription to what the registrar says of our registration at a NAP (RFC 3680).
 *
 *	OFF --registered, way--> ASKING --2xx--> SUBSCRIBED --half its time--> ASKING
 *	 ^                          +-- refused, silent --> REFUSED <-- ended by a NOTIFY
 *	 +------------- registered once more ------------------+
 *
 * The dialog is this process's alone: a new reign begins another, and the old one ends at the 481 that
 * its next NOTIFY gets. */
#ifndef NODE_CORE_NAP_REG_H
#define NODE_CORE_NAP_REG_H

#include "node/core/nap.h"

enum nap_reg_state { REG_OFF, REG_ASKING, REG_SUBSCRIBED, REG_REFUSED };

enum { NAP_REG_TEXTS = 1024 };

struct nap_reg { /* zeros: off */
	enum nap_reg_state state;
	uint64_t dialog;    /* random; its Call-ID and our tag; 0: there is none */
	uint32_t cseq;      /* of our newest SUBSCRIBE ... */
	uint32_t heard;     /* ... of the newest NOTIFY; 0: none yet */
	uint32_t asked_s;   /* by our newest SUBSCRIBE ... */
	struct mtime asked; /* ... which left then */
	bool challenged;    /* its challenge was answered */
	struct addr at;     /* where it went; NOTIFYs come from there */
	struct mtime due;   /* SUBSCRIBED: to be refreshed */
	/* Of its answer, for the next one in the dialog; they lie in `memory`. */
	struct slice tag, target, route; /* tag n == 0: the next begins another dialog */
	uint8_t memory[NAP_REG_TEXTS];
};

#endif
