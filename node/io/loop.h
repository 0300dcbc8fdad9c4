/* loop.h - the runner: one libevent loop that feeds node_step and carries out what it says.
 *
 * Modules (SIP sockets, the peer link, keepalived, control, the log thread) turn events into inputs
 * and call loop_feed; the outputs are carried out before it returns. After every turn of the loop
 * NODE_TURN is fed, then everything queued is flushed once: sendmmsg, the link, the log thread's
 * signal. One timer is armed for node_deadline. Nothing here decides anything.
 *
 * loop_feed is not to be called from inside carrying out an output: what an output causes is fed in a
 * turn of its own. */
#ifndef NODE_IO_LOOP_H
#define NODE_IO_LOOP_H

#include "node/core/alarms.h"
#include "node/core/node.h"
#include "node/io/config.h"
#include "node/io/log.h"

struct event_base;
struct loop;

struct event_base *loop_base(const struct loop *l);
const struct node *loop_node(const struct loop *l);
const struct config *loop_config(const struct loop *l);
struct log *loop_log(const struct loop *l);
struct mtime loop_now(const struct loop *l); /* CLOCK_BOOTTIME, read at the start of the turn */
/* Every figure: the node's, and those of the edge. All that shows figures takes them from here. */
void loop_status(const struct loop *l, struct status *out);
const struct alarms *loop_alarms(const struct loop *l);
int64_t loop_wall_ms(void); /* CLOCK_REALTIME, for men and logs */

/* By the clock, read now: the last step is so long ago that nothing it released may leave any more. The
 * process was stopped or the host frozen, and the next step begins with a doubt. Never standalone. */
bool loop_paused(const struct loop *l);

/* Fills in `random`; the rest is the caller's. */
void loop_feed(struct loop *l, struct node_input *in);

/* Reads the configuration again, as SIGHUP does; control_reloaded gets the outcome. False: that is being
 * done already. */
bool loop_reload(struct loop *l, uint64_t ticket) MUST_CHECK;

/* Opens everything, loads, runs until told to stop (SIGTERM, SIGINT: a planned switchover) or until
 * a start fails: then one clear line was logged. Returns the exit code: 0, or one of sysexits.h. What
 * a reload of `path` changes is changed in `config`. */
int loop_run(struct config *config, const char *path, struct log *log);

#endif
