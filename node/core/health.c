#include "node/core/health.h"

#include <string.h>

#include "ha/role.h"
#include "replication/commit.h"

static bool is(const char *text, const char *word)
{
	return strcmp(text, word) == 0;
}

static const char *active_refusal(const struct status *s)
{
	return s->disk_hangs ? "its disk does not answer"
	       : s->room_low ? "its store is nearly full: changes are refused"
	                     : NULL;
}

static const char *standby_refusal(const struct status *s)
{
	return !s->peer_link                                      ? "the peer is not there"
	       : !is(s->pair_state, pair_state_name(PAIR_PAIRED)) ? "it is not in step"
	       : !s->keepalived_alive                             ? "keepalived does not run here"
	       : s->fault ? "the track file keeps the address away"
	                  : NULL;
}

const char *health_refusal(const struct status *s)
{
	if (is(s->role, role_name(ROLE_ACTIVE)))
		return active_refusal(s);
	if (is(s->role, role_name(ROLE_STANDBY)))
		return standby_refusal(s);
	return "it neither serves nor stands by";
}
