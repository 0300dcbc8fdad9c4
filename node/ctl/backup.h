/* backup.h - what `backup` and `restore` share. */
#ifndef NODE_CTL_BACKUP_H
#define NODE_CTL_BACKUP_H

#include "node/ctl/ctl.h"
#include "node/io/config.h"

int64_t backup_wall_ms(void);
struct config *backup_config(const char *path); /* NULL: why was said */

#endif
