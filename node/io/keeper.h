/* keeper.h - keepalived, seen and told: is the address on this host (netlink, at
 * start and on every event), does keepalived live (a pidfd of the process in its pid file), the notify
 * FIFO as a hint to look; and the track file, by which the node keeps the address away. */
#ifndef NODE_IO_KEEPER_H
#define NODE_IO_KEEPER_H

#include "node/io/loop.h"

struct keeper;

/* Opens and drains the FIFO and writes fault into the track file. For a standalone unit there is no
 * keepalived: NULL is returned, and all functions take NULL. `*failed` is set on an error (logged). */
struct keeper *keeper_open(struct loop *l, bool *failed);
void keeper_close(struct keeper **k); /* leaves fault in the track file */
void keeper_start(struct keeper *k);  /* feeds NODE_ADDRESS now and at every change */
void keeper_fault(struct keeper *k, bool fault);

#endif
