/* status.h - every figure an operator can see, once: name, type, unit, help. regpairctl and whatever
 * else shows figures are printers of this table; adding a figure is one line. */
#ifndef NODE_CORE_STATUS_H
#define NODE_CORE_STATUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* X(field, type, unit, help); types: text, count, flag. A count's unit "" is a plain number. */
#define STATUS_LIST(X)                                                                        \
	X(unit, text, "", "what the node was installed as")                                   \
	X(role, text, "", "what it is now")                                                   \
	X(role_why, text, "", "why it became that")                                           \
	X(role_since_ms, count, "ms", "how long it has been that")                            \
	X(last_takeover_why, text, "", "why it became active last, since the start")          \
	X(last_takeover_ms, count, "ms", "how long ago")                                      \
	X(last_switchover_gap_ms, count, "ms",                                                \
	  "its last handing over: from its last answer to the other being active")            \
	X(last_switchover_entries, count, "", "entries drained in it")                        \
	X(fault, flag, "", "the track file keeps the address away")                           \
	X(address_here, flag, "", "the virtual address is on this host")                      \
	X(keepalived_alive, flag, "", "keepalived runs on this host")                         \
	X(pair_state, text, "", "paired: what is acknowledged is on both nodes")              \
	X(pair_state_since_ms, count, "ms", "how long it has been that")                      \
	X(exposed_times, count, "", "times the pair became exposed since the start")          \
	X(trial_ms, count, "ms", "how long yet no answer waits for a standby that was late")  \
	X(commit, text, "", "what an answer waits for")                                       \
	X(epoch, count, "", "number of the newest reign")                                     \
	X(reign, text, "", "id of the newest reign")                                          \
	X(reign_behind, flag, "", "it was taken over without having been in step")            \
	X(seq, count, "", "newest entry of the log")                                          \
	X(room_low, flag, "", "the store is nearly full: changes are refused with 503")       \
	X(room_low_times, count, "", "times it became so since the start")                    \
	X(disk_hangs, flag, "", "the own disk does not answer")                               \
	X(disk_hung_times, count, "", "times it did not since the start")                     \
	X(store_set_aside, flag, "",                                                          \
	  "at this start the store was damaged or lost: set aside, fetched from the peer")    \
	X(durable_seq, count, "", "newest entry on this disk")                                \
	X(peer_link, flag, "", "connected to the peer")                                       \
	X(peer_paths, count, "", "live connections to the peer, a spare included")            \
	X(peer_role, text, "", "what the peer says it is")                                    \
	X(peer_version, count, "", "version of the protocol agreed with the peer")            \
	X(peer_received_seq, count, "", "newest entry the peer holds")                        \
	X(peer_durable_seq, count, "", "newest entry on the peer's disk")                     \
	X(lag_entries, count, "", "entries the peer has not acknowledged")                    \
	X(lag_ms, count, "ms", "age of the oldest of them")                                   \
	X(config_differs, flag, "", "what must be equal in both configurations is not")       \
	X(peer_refused, text, "", "why the peer was refused")                                 \
	X(resync_left, count, "", "records and entries still to come or to send, 0: in step") \
	X(snapshots_sent, count, "", "snapshots sent since the start")                        \
	X(snapshots_received, count, "", "snapshots received since the start")                \
	X(forks, count, "", "forks of this node's history set aside since the start")         \
	X(fork_entries, count, "", "entries in them")                                         \
	X(merges, count, "", "forks of the peer's that were merged since the start")          \
	X(merged_keys, count, "", "records that differed in them")                            \
	X(merged_theirs, count, "", "of these: kept as the peer had them")                    \
	X(merged_joined, count, "", "of these: joined of both")                               \
	X(digest_checked, count, "", "comparisons with the peer since the start")             \
	X(digest_mismatches, count, "", "of these: the records differed; must be 0")          \
	X(digest_seq, count, "", "entry at which the newest comparison was made")             \
	X(digest_age_ms, count, "ms", "how long ago")                                         \
	X(scrubs, count, "", "times all records in memory were found as they were put")       \
	X(memory_faults, count, "", "times one was not; must be 0")                           \
	X(store_faults, count, "", "records of the store that were not; must be 0")           \
	X(damaged, flag, "", "not repaired yet")                                              \
	X(repairs, count, "", "snapshots sent because the standby was not equal or sound")    \
	X(clock_offset_ms, count, "ms", "this host's wall clock less the pair's time")        \
	X(peer_clock_offset_ms, count, "ms", "the peer's wall clock less this host's")        \
	X(clocks_apart, flag, "", "by more than a second: nothing here relies on them")       \
	X(expiry_held, flag, "",                                                              \
	  "nothing expires for now: the clock was in doubt or we were behind")                \
	X(aors, count, "", "AORs with a record")                                              \
	X(users_percent, count, "%", "of max_users, in the domain that is nearest to it")     \
	X(subscribers, count, "", "subscribers")                                              \
	X(digest, text, "", "of all records: equal on both nodes at the same seq")            \
	X(memory_bytes, count, "bytes", "taken by the working copy")                          \
	X(held, count, "", "answers waiting for their commit")                                \
	X(registered, count, "", "REGISTERs that changed something")                          \
	X(removed, count, "", "REGISTERs that removed bindings")                              \
	X(fetched, count, "", "REGISTERs that only asked")                                    \
	X(repeated, count, "", "retransmissions answered")                                    \
	X(options, count, "", "OPTIONS answered")                                             \
	X(keep_alives, count, "", "keep-alives of flows over UDP answered (STUN)")            \
	X(contacts_asked, count, "", "keep-alives sent to registered contacts")               \
	X(contacts_answered, count, "", "answers to them")                                    \
	X(contacts_silent, count, "", "contacts that did not answer in the last round")       \
	X(contacts_dropped, count, "", "bindings that ended for it since the start")          \
	X(naps, count, "", "trunks (NAPs) configured, or being un-registered")                \
	X(naps_registered, count, "", "of these: registered at their proxy")                  \
	X(naps_available, count, "", "of these: their proxy is there")                        \
	X(naps_waiting, count, "", "of these: refused or unanswered, tried again later")      \
	X(nap_registers_sent, count, "", "REGISTERs sent to NAPs since the start")            \
	X(nap_polls_sent, count, "", "OPTIONS sent to NAPs since the start")                  \
	X(redirected, count, "", "requests for users answered by 302")                        \
	X(subscribed, count, "", "SUBSCRIBEs accepted, refreshed or ended")                   \
	X(watched, count, "", "AORs that have watchers")                                      \
	X(unavailable, count, "", "requests for users without a binding: 480")                \
	X(challenged, count, "", "requests challenged")                                       \
	X(forbidden, count, "", "requests refused with 403")                                  \
	X(not_found, count, "", "requests for users not served")                              \
	X(too_brief, count, "", "requests refused with 423")                                  \
	X(bad, count, "", "malformed or unacceptable requests")                               \
	X(refused, count, "", "methods not served")                                           \
	X(overload, count, "", "requests refused with 503")                                   \
	X(users_refused, count, "", "REGISTERs of new AORs refused with 503: max_users")      \
	X(ignored, count, "", "datagrams that got no answer")                                 \
	X(expired, count, "", "bindings that expired since the start")                        \
	X(tombstones_dropped, count, "", "removals forgotten for want of room in a record")

enum { STATUS_TEXT = 48 };
typedef char status_text[STATUS_TEXT];
typedef uint64_t status_count;
typedef bool status_flag;

/* NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding): in the order in which they are shown */
struct status {
#define STATUS_FIELD(field, type, unit_name, help) status_##type field;
	STATUS_LIST(STATUS_FIELD)
#undef STATUS_FIELD
};

enum status_type { STATUS_IS_TEXT, STATUS_IS_COUNT, STATUS_IS_FLAG };
struct status_field {
	const char *name;
	enum status_type type;
	const char *unit;
	const char *help;
	size_t offset; /* in struct status */
};
const struct status_field *status_fields(void); /* the table, in the order of the list */
size_t status_field_count(void);

#endif
