/* registration.h - who asks about an AOR, and may that be: what REGISTER and SUBSCRIBE share. */
#ifndef NODE_CORE_REGISTRATION_H
#define NODE_CORE_REGISTRATION_H

#include "node/core/turn.h"

/* What one request is decided over. */
struct registration {
	struct register_request *request;
	const struct domain_policy *policy;
	struct auth_context auth;
	struct sip_credentials given;
	struct digest_form form;
	struct pairtime issued;       /* its nonce */
	const struct copy_item *item; /* NULL: no record */
	struct aor_record *record;
};

/* Reads the request, whose `request` is taken already: for a domain of ours, in what we know. */
struct denial registration_read(struct turn *t, struct registration *r);
/* Without credentials, or with such as were not asked for: to be challenged. */
bool registration_knocks(struct turn *t, struct registration *r);
void registration_challenge(struct turn *t, const struct registration *r, bool stale);
/* With its record at hand. True: go on. Else it is answered. */
bool registration_authenticate(struct turn *t, struct registration *r);
/* What the request did is not to be done again by who overheard it: its nonce-count is taken, in an entry
 * of its own. False: the record is too large for it, or both entries are for the room that one may want. */
bool registration_note_nonce(struct turn *t, const struct registration *r);

#endif
