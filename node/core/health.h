/* health.h - whether a node can do now what it is there for: serve, or take over in step. For whoever
 * asks for a yes or a no: a load balancer, a probe, a script. */
#ifndef NODE_CORE_HEALTH_H
#define NODE_CORE_HEALTH_H

#include "node/core/status.h"

/* NULL: it can. Else the first reason why not, for people. An active node that is exposed serves. */
const char *health_refusal(const struct status *s);

#endif
