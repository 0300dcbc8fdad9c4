/* role_parts.h - what the files of the role machine share. Nobody else's. */
#ifndef HA_ROLE_PARTS_H
#define HA_ROLE_PARTS_H

#include "ha/role.h"

enum { HAND_OVER_MS = 1000 }; /* drained by then; the other active, or on its way, by then */

/* What one step of the machine looks at. */
struct look {
	struct role_machine *m;
	const struct role_facts *f;
	enum role_request request;
	struct mtime now;
	struct role_output *out;
};

/* One for each role; it may enter another. */
typedef void state_fn(struct look *l);

/* role.c */
void role_enter(struct look *l, enum role role, const char *why);
bool role_peer_fresh(const struct look *l);
bool role_peer_sound(const struct look *l);
bool role_peer_active(const struct look *l);

/* role_reign.c */
state_fn role_on_taking_over, role_on_active, role_on_stepping_down;

#endif
