/* commit.h - when an output may leave: the commit rule and the pair's state. */
#ifndef REPLICATION_COMMIT_H
#define REPLICATION_COMMIT_H

#include <stdint.h>

enum commit_mode { COMMIT_BOTH, COMMIT_PEER, COMMIT_DISK };
const char *commit_mode_name(enum commit_mode m);

/* Numbers are sent to the peer: never reused. */
enum pair_state { PAIR_STANDALONE = 1, PAIR_EXPOSED, PAIR_CATCHING_UP, PAIR_PAIRED };
const char *pair_state_name(enum pair_state s); /* "catching-up"; "unknown" outside the list */

/* Outputs held under this seq or a lower one may leave. */
uint64_t commit_allows(enum commit_mode mode, enum pair_state state, uint64_t own_durable,
                       uint64_t peer_received);

#endif
