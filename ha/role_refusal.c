#include <stddef.h>

#include "ha/role.h"

static const char *switchover(const struct role_machine *m, const struct role_facts *f, bool forced)
{
	if (m->options.standalone)
		return "this node is standalone: there is no other to hand over to";
	if (m->role != ROLE_ACTIVE)
		return "this node is not active: ask the one that is";
	if (!forced && !f->in_step)
		return "the standby is not in step: wait until the pair is paired, or use --force";
	if (f->link_up && f->peer_without_keepalived)
		return "no keepalived runs beside the standby: start it there first";
	return NULL;
}

static const char *takeover(const struct role_machine *m, const struct role_facts *f)
{
	bool peer_reigns = f->link_up &&
	                   (f->peer_role == ROLE_ACTIVE || f->peer_role == ROLE_TAKING_OVER);

	if (m->role == ROLE_ACTIVE || m->role == ROLE_TAKING_OVER)
		return "this node is active already";
	if (m->role == ROLE_OUT_OF_SERVICE)
		return "the log failed: look at the disk and start this node anew";
	if (peer_reigns)
		return "the other node is active: use switchover there";
	if (m->role != ROLE_INIT && m->role != ROLE_SYNCING)
		return "this node waits for nothing but the address: look at keepalived";
	return NULL;
}

const char *role_refusal(const struct role_machine *m, const struct role_facts *facts,
                         enum role_request request)
{
	switch (request) {
	case ROLE_SWITCHOVER:
	case ROLE_SWITCHOVER_FORCED:
		return switchover(m, facts, request == ROLE_SWITCHOVER_FORCED);
	case ROLE_TAKEOVER:
		return takeover(m, facts);
	case ROLE_STOP:
	case ROLE_NO_REQUEST:
		break;
	}
	return NULL;
}
