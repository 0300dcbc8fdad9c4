/* check.h - the parts of `regpairctl check`, each reporting what it finds. */
#ifndef NODE_CTL_CHECK_H
#define NODE_CTL_CHECK_H

#include "node/ctl/report.h"
#include "node/io/config.h"

/* Beside whoever uses it. */
void check_store(struct report *r, const char *dir);
void check_keepalived(struct report *r, const struct config *config, const char *path);

#endif
