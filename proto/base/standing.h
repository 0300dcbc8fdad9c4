/* standing.h - how one node's history stands to the other's: found by replication, a fact for ha. */
#ifndef PROTO_BASE_STANDING_H
#define PROTO_BASE_STANDING_H

enum standing {
	STANDING_UNKNOWN, /* no hello on this connection yet */
	STANDING_EQUAL,
	STANDING_AHEAD,  /* the peer's is a strict prefix of ours */
	STANDING_BEHIND, /* ours is a strict prefix of the peer's */
	STANDING_FORKED,
};

#endif
