/* resume.h - pure decisions about two histories: where they part, how a standby goes on, who seeds.
 *
 * A history is a list of reigns (oldest first), each with the seq of its first entry, and an end.
 * Histories are compared by reign ids, never by epoch numbers alone. */
#ifndef REPLICATION_RESUME_H
#define REPLICATION_RESUME_H

#include "proto/base/standing.h"
#include "proto/frame.h"

struct history {
	const struct reign_mark *reigns; /* oldest first; may lack the oldest ones (HISTORY_MAX) */
	size_t n;
	uint64_t last_seq; /* of the newest entry; 0: empty */
};

/* The seq of the last entry both have; 0 if none is known to be common. */
uint64_t history_common(const struct history *a, const struct history *b);
enum standing history_standing(const struct history *ours, const struct history *theirs);

struct resume {
	enum resume_how how;
	uint64_t
		from_seq; /* TAIL: the first entry to send. SNAPSHOT, FORK: as found by the sender */
	uint64_t
		fork_seq; /* FORK: the last common entry: what the standby has above is set aside */
	uint64_t records; /* SNAPSHOT: how many there are */
};
/* What the active does for a standby with this history. `log_first`: the oldest entry in our log
 * (0: it is empty, nothing older than the end can be sent). A fork is a snapshot after setting aside. */
struct resume resume_decide(const struct history *ours, uint64_t log_first,
                            const struct history *theirs);

/* Does the snapshot go on of which the standby says that it has half? In the reign that it began in, while
 * `kept`, the oldest entry that we can still send, does not lie behind its begin. */
bool resume_half(const struct hello *theirs, const struct reign_mark *ours, uint64_t kept,
                 uint64_t last_seq);

/* May these two work together? REFUSE_NONE: yes. */
enum refusal hello_check(const struct hello *ours, const struct hello *theirs);

/* Both active, or both waiting at a cold start with forked histories: does the peer win? One order,
 * computed alike by both: exactly one holds the address: that one; else a strict prefix loses; else
 * the higher epoch; else the primary unit. */
bool peer_wins(const struct hello *ours, const struct hello *theirs);

#endif
