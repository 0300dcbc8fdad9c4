/* reload.h - the configuration is read again while the node runs: whole or not at all.
 *
 * A thread reads and checks the file and compares it with what is in force, so that the loop waits for
 * no disk. What wants a restart refuses the reload; else all of it changes in one turn. */
#ifndef NODE_IO_RELOAD_H
#define NODE_IO_RELOAD_H

#include "node/io/loop.h"

struct reload;

struct reload *reload_open(struct loop *l, const char *path); /* NULL: logged */
/* False: one is under way. `ticket` goes with the outcome to the control socket; 0: a signal asked. */
bool reload_begin(struct reload *r, uint64_t ticket) MUST_CHECK;
/* False: its thread hangs at a disk; what it uses stays. */
bool reload_close(struct reload **r);

#endif
