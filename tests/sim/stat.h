/* stat.h - what a world counts. */
#ifndef TESTS_SIM_STAT_H
#define TESTS_SIM_STAT_H

/* One line a figure; they are printed in this order. */
#define STAT_LIST(X)                                  \
	X(STAT_ACKED, "acknowledged changes")         \
	X(STAT_ANSWERED, "answers that arrived")      \
	X(STAT_REIGNS, "reigns")                      \
	X(STAT_CRASHES, "crashes")                    \
	X(STAT_SNAPSHOTS, "snapshots")                \
	X(STAT_RESUMED, "of them gone on with")       \
	X(STAT_FORKS, "forks")                        \
	X(STAT_MERGES, "merges")                      \
	X(STAT_HIT_MERGES, "faults in a merge")       \
	X(STAT_HIT_TAKEOVERS, "in a takeover")        \
	X(STAT_HIT_RESYNCS, "in a snapshot")          \
	X(STAT_HIT_SWITCHOVERS, "in a switchover")    \
	X(STAT_SUBSCRIBED, "subscriptions")           \
	X(STAT_TOLD, "states told")                   \
	X(STAT_NAP_GRANTED, "granted by providers")   \
	X(STAT_NAP_REFUSED, "of others refused")      \
	X(STAT_HIT_PROVIDERS, "faults at a provider") \
	X(STAT_OPEN, "requests left open")            \
	X(STAT_OPEN_HAPPENED, "of them carried out")  \
	X(STAT_FLIPS, "flips repaired")               \
	X(STAT_FLIPS_COUNTED, "of them counted")      \
	X(STAT_NAMED, "records named as different")
enum stat {
#define STAT_NAME(stat, text) stat,
	STAT_LIST(STAT_NAME)
#undef STAT_NAME
		STATS
};

#endif
