#include "replication/commit.h"

#include "proto/base/defs.h"

const char *commit_mode_name(enum commit_mode m)
{
	static const char *const names[] = {
		[COMMIT_BOTH] = "both", [COMMIT_PEER] = "peer", [COMMIT_DISK] = "disk"};

	return m <= COMMIT_DISK ? names[m] : "unknown";
}

const char *pair_state_name(enum pair_state s)
{
	static const char *const names[] = {[PAIR_STANDALONE] = "standalone",
	                                    [PAIR_EXPOSED] = "exposed",
	                                    [PAIR_CATCHING_UP] = "catching-up",
	                                    [PAIR_PAIRED] = "paired"};

	return s >= PAIR_STANDALONE && s <= PAIR_PAIRED ? names[s] : "unknown";
}

uint64_t commit_allows(enum commit_mode mode, enum pair_state state, uint64_t own_durable,
                       uint64_t peer_received)
{
	if (state != PAIR_PAIRED || mode == COMMIT_DISK)
		return own_durable;
	if (mode == COMMIT_PEER)
		return peer_received;
	return own_durable < peer_received ? own_durable : peer_received;
}
