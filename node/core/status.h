/* status.h - every figure an operator can see, once: number, name, type, unit, help. regpairctl, the MIB,
 * the metrics and whatever else shows figures are printers of this table; adding a figure is one line. */
#ifndef NODE_CORE_STATUS_H
#define NODE_CORE_STATUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* X(oid, field, type, unit, help). The oid is the figure's last number in REGPAIR-MIB: given once, never
 * again; a new figure takes the next free one, wherever its line stands. Types: text, flag, gauge (what is
 * now), total (counted since the start), offset (may be below 0). The unit "" is a plain number. */
#define STATUS_LIST(X)                                                                            \
	X(1, unit, text, "", "what the node was installed as")                                    \
	X(2, role, text, "", "what it is now")                                                    \
	X(3, role_why, text, "", "why it became that")                                            \
	X(4, role_since_ms, gauge, "ms", "how long it has been that")                             \
	X(5, last_takeover_why, text, "", "why it became active last, since the start")           \
	X(6, last_takeover_ms, gauge, "ms", "how long ago")                                       \
	X(107, last_takeover_time_s, gauge, "s",                                                  \
	  "when it became active last, in seconds since 1970; 0: not since the start")            \
	X(108, last_takeover_gap_ms, gauge, "ms",                                                 \
	  "how long the other had not said then that it was active; 0: unknown")                  \
	X(7, last_switchover_gap_ms, gauge, "ms",                                                 \
	  "its last handing over: from its last answer to the other being active")                \
	X(8, last_switchover_entries, gauge, "", "entries drained in it")                         \
	X(9, fault, flag, "", "the track file keeps the address away")                            \
	X(10, address_here, flag, "", "the virtual address is on this host")                      \
	X(11, keepalived_alive, flag, "", "keepalived runs on this host")                         \
	X(12, pair_state, text, "", "paired: what is acknowledged is on both nodes")              \
	X(13, pair_state_since_ms, gauge, "ms", "how long it has been that")                      \
	X(14, exposed_times, total, "", "times the pair became exposed since the start")          \
	X(15, trial_ms, gauge, "ms", "how long yet no answer waits for a standby that was late")  \
	X(16, commit, text, "", "what an answer waits for")                                       \
	X(17, epoch, gauge, "", "number of the newest reign")                                     \
	X(18, reign, text, "", "id of the newest reign")                                          \
	X(19, reign_behind, flag, "", "it was taken over without having been in step")            \
	X(100, behind, flag, "", "active so, and not paired since: the peer may have more")       \
	X(20, seq, gauge, "", "newest entry of the log")                                          \
	X(21, room_low, flag, "", "the store is nearly full: changes are refused with 503")       \
	X(22, room_low_times, total, "", "times it became so since the start")                    \
	X(23, disk_hangs, flag, "", "the own disk does not answer")                               \
	X(24, disk_hung_times, total, "", "times it did not since the start")                     \
	X(25, store_set_aside, flag, "",                                                          \
	  "at this start the store was damaged or lost: set aside, fetched from the peer")        \
	X(135, restored, flag, "", "all it holds is from a backup: nothing was logged since")     \
	X(26, durable_seq, gauge, "", "newest entry on this disk")                                \
	X(27, peer_link, flag, "", "connected to the peer")                                       \
	X(28, peer_paths, gauge, "", "live connections to the peer, a spare included")            \
	X(150, peer_bulk, flag, "", "the connection for what is long is up, too")                 \
	X(29, peer_role, text, "", "what the peer says it is")                                    \
	X(30, peer_version, gauge, "", "version of the protocol agreed with the peer")            \
	X(31, peer_received_seq, gauge, "", "newest entry the peer holds")                        \
	X(32, peer_durable_seq, gauge, "", "newest entry on the peer's disk")                     \
	X(33, lag_entries, gauge, "", "entries the peer has not acknowledged")                    \
	X(34, lag_ms, gauge, "ms", "age of the oldest of them")                                   \
	X(35, config_differs, flag, "", "what must be equal in both configurations is not")       \
	X(36, peer_refused, text, "", "why the peer was refused")                                 \
	X(37, resync_left, gauge, "", "records and entries still to come or to send, 0: in step") \
	X(38, snapshots_sent, total, "", "snapshots sent since the start")                        \
	X(39, snapshots_received, total, "", "snapshots received since the start")                \
	X(40, forks, total, "", "forks of this node's history set aside since the start")         \
	X(41, fork_entries, total, "", "entries in them")                                         \
	X(42, merges, total, "", "forks of the peer's that were merged since the start")          \
	X(43, merged_keys, total, "", "records that differed in them")                            \
	X(44, merged_theirs, total, "", "of these: kept as the peer had them")                    \
	X(45, merged_joined, total, "", "of these: joined of both")                               \
	X(46, digest_checked, total, "", "comparisons with the peer since the start")             \
	X(47, digest_mismatches, total, "", "of these: the records differed; must be 0")          \
	X(48, digest_seq, gauge, "", "entry at which the newest comparison was made")             \
	X(49, digest_age_ms, gauge, "ms", "how long ago")                                         \
	X(50, scrubs, total, "", "times all records in memory were found as they were put")       \
	X(51, memory_faults, total, "", "times one was not; must be 0")                           \
	X(52, store_faults, total, "", "records of the store that were not; must be 0")           \
	X(53, damaged, flag, "", "not repaired yet")                                              \
	X(54, repairs, total, "", "snapshots sent because the standby was not equal or sound")    \
	X(55, clock_offset_ms, offset, "ms", "this host's wall clock less the pair's time")       \
	X(56, peer_clock_offset_ms, offset, "ms", "the peer's wall clock less this host's")       \
	X(57, clocks_apart, flag, "", "by more than a second: nothing here relies on them")       \
	X(101, certificate_days, offset, "days",                                                  \
	  "left of the certificate in use that ends first (99999: there is none)")                \
	X(58, expiry_held, flag, "",                                                              \
	  "nothing expires for now: the clock was in doubt or we were behind")                    \
	X(59, aors, gauge, "", "AORs with a record")                                              \
	X(102, bindings, gauge, "", "bindings of them all")                                       \
	X(60, users_percent, gauge, "%", "of max_users, in the domain that is nearest to it")     \
	X(61, subscribers, gauge, "", "subscribers")                                              \
	X(62, digest, text, "", "of all records: equal on both nodes at the same seq")            \
	X(63, memory_bytes, gauge, "bytes", "taken by the working copy")                          \
	X(64, held, gauge, "", "answers waiting for their commit")                                \
	X(103, latency_p50_us, gauge, "us",                                                       \
	  "half of the last minute's answers took no longer, from taking the request in")         \
	X(104, latency_p95_us, gauge, "us", "95 of 100 of these answers took no longer")          \
	X(105, latency_p99_us, gauge, "us", "99 of 100 of these answers took no longer")          \
	X(106, flows, gauge, "", "open SIP connections, clients' and those to NAPs")              \
	X(65, registered, total, "", "REGISTERs that changed something")                          \
	X(66, removed, total, "", "REGISTERs that removed bindings")                              \
	X(67, fetched, total, "", "REGISTERs that only asked")                                    \
	X(68, repeated, total, "", "retransmissions answered")                                    \
	X(69, options, total, "", "OPTIONS answered")                                             \
	X(70, keep_alives, total, "", "keep-alives of flows over UDP answered (STUN)")            \
	X(71, contacts_asked, total, "", "keep-alives sent to registered contacts")               \
	X(72, contacts_answered, total, "", "answers to them")                                    \
	X(73, contacts_silent, gauge, "", "contacts that did not answer in the last round")       \
	X(74, contacts_dropped, total, "", "bindings that ended for it since the start")          \
	X(75, naps, gauge, "", "trunks (NAPs) configured, or being un-registered")                \
	X(76, naps_registered, gauge, "", "of these: registered at their proxy")                  \
	X(77, naps_available, gauge, "", "of these: their proxy is there")                        \
	X(78, naps_waiting, gauge, "", "of these: refused or unanswered, tried again later")      \
	X(79, nap_registers_sent, total, "", "REGISTERs sent to NAPs since the start")            \
	X(80, nap_polls_sent, total, "", "OPTIONS sent to NAPs since the start")                  \
	X(81, redirected, total, "", "requests for users answered by 302")                        \
	X(82, subscribed, total, "", "SUBSCRIBEs accepted, refreshed or ended")                   \
	X(83, watched, gauge, "", "AORs that have watchers")                                      \
	X(84, unavailable, total, "", "requests for users without a binding: 480")                \
	X(85, challenged, total, "", "requests challenged")                                       \
	X(86, forbidden, total, "", "requests refused with 403")                                  \
	X(87, not_found, total, "", "requests for users not served")                              \
	X(88, too_brief, total, "", "requests refused with 423")                                  \
	X(89, bad, total, "", "malformed or unacceptable requests")                               \
	X(90, refused, total, "", "methods not served")                                           \
	X(91, overload, total, "", "requests refused with 503")                                   \
	X(92, users_refused, total, "", "REGISTERs of new AORs refused with 503: max_users")      \
	X(93, ignored, total, "", "datagrams that got no answer")                                 \
	X(94, expired, total, "", "bindings that expired since the start")                        \
	X(95, tombstones_dropped, total, "", "removals forgotten for want of room in a record")

enum { STATUS_TEXT = 48, STATUS_LINE = 160, STATUS_OID_END = 200 };
typedef char status_text[STATUS_TEXT];
typedef uint64_t status_gauge;
typedef uint64_t status_total;
typedef int64_t status_offset;
typedef bool status_flag;

/* NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding): in the order in which they are shown */
struct status {
#define STATUS_FIELD(oid, field, type, unit_name, help) status_##type field;
	STATUS_LIST(STATUS_FIELD)
#undef STATUS_FIELD
};

enum status_type {
	STATUS_IS_TEXT,
	STATUS_IS_FLAG,
	STATUS_IS_GAUGE,
	STATUS_IS_TOTAL,
	STATUS_IS_OFFSET,
	STATUS_TYPES
};
struct status_field {
	unsigned oid;
	enum status_type type;
	const char *name;
	const char *unit;
	const char *help;
	size_t offset; /* in struct status */
};
const struct status_field *status_fields(void); /* the table, in the order of the list */
size_t status_field_count(void);
/* The whole in one line, for `systemctl status`: "active, paired, epoch 7, 1234 users". Returns `to`. */
const char *status_line(const struct status *s, char to[STATUS_LINE]);
const char *status_type_name(enum status_type type);

#endif
