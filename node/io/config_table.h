/* config_table.h - every key of the configuration, once: type, default, bounds, who must agree, help.
 *
 * X(field, type, key, default, min, max, flags, help). A default of NULL means that there is none: the
 * key is left out or the unit asks for it (config_check.c). Bounds: durations in ms, sizes in bytes,
 * texts in bytes of length, addresses 1 where `:port` may follow, choices unused. SHARED keys must be
 * equal on both nodes and go into the digest; OWN keys are this node's. LIVE: a reload changes it. */
#ifndef NODE_IO_CONFIG_TABLE_H
#define NODE_IO_CONFIG_TABLE_H

#define CONFIG_MS_S  1000LL
#define CONFIG_MS_H  (3600 * CONFIG_MS_S)
#define CONFIG_MS_D  (24 * CONFIG_MS_H)
#define CONFIG_B_KIB (1LL << 10)
#define CONFIG_B_MIB (1LL << 20)
#define CONFIG_B_TIB (1LL << 40)

/* clang-format off */
#define CONFIG_TABLE(X) \
	X(unit, unit, "unit", NULL, 0, 0, OWN, \
	  "what this node is installed as; says nothing about who works now") \
	X(cluster_dir, path, "cluster.dir", NULL, 1, 200, OWN, \
	  "CA, certificate, key, cluster id and first secret, as made by `regpairctl pair init`") \
	X(peer_address, address, "peer.address", NULL, 1, 0, OWN, \
	  "where the other node listens; without a port, live_port is used") \
	X(peer_live_port, port, "peer.live_port", "7060", 1, 65535, OWN, \
	  "TCP port of the live link") \
	X(peer_listen, address, "peer.listen", NULL, 1, 0, OWN, \
	  "this node's own address for the live link; without a port, live_port is used") \
	X(peer_max_version, count, "peer.max_version", "2", 1, 2, OWN, \
	  "newest version of the protocol spoken with the peer: lower it while a pair is upgraded") \
	X(peer_bulk_port, port, "peer.bulk_port", NULL, 1, 65535, OWN, \
	  "TCP port of the connection beside it for what is long; left out: live_port + 1") \
	X(peer_bulk_rate, size, "peer.bulk_rate", "50 MiB", 64 * CONFIG_B_KIB, CONFIG_B_TIB, OWN, \
	  "bytes a second of a snapshot or of catching up that this node sends at the most") \
	X(peer_second_address, address, "peer.second_address", NULL, 1, 0, OWN, \
	  "where the other node listens on a second network: the pair's link has two paths then") \
	X(peer_second_listen, address, "peer.second_listen", NULL, 1, 0, OWN, \
	  "this node's own address on the second network; ports as for listen") \
	X(commit, commit, "commit", "both", 0, 0, SHARED, \
	  "what an answer waits for: both (own disk and the standby's memory), peer, disk") \
	X(peer_timeout, duration, "peer_timeout", "200 ms", 20, 60 * CONFIG_MS_S, SHARED, \
	  "an entry unacknowledged for longer makes the pair exposed") \
	X(flush_interval, duration, "flush_interval", "200 ms", 10, 10 * CONFIG_MS_S, SHARED, \
	  "with commit peer: the own disk follows within this time") \
	X(store_dir, path, "store.dir", "/var/lib/regpair", 1, 200, OWN, \
	  "folder of the log and the state") \
	X(store_max_size, size, "store.max_size", "16 GiB", 16 * CONFIG_B_MIB, 16 * CONFIG_B_TIB, OWN, \
	  "limit of each of the two databases; address space only, never resized") \
	X(store_min_free, size, "store.min_free", "64 MiB", CONFIG_B_MIB, CONFIG_B_TIB, OWN, \
	  "with less room on its disk a node refuses changes (503) and hands over to a standby that has more") \
	X(store_log_entries, count, "store.log_entries", "1000000", 10, 1000000000, OWN, \
	  "log entries that are kept for a standby to catch up from") \
	X(store_checkpoint_interval, duration, "store.checkpoint_interval", "5 s", 100, CONFIG_MS_H, OWN, \
	  "how often the log is folded into the state") \
	X(keepalived_fifo, path, "keepalived.fifo", "/run/regpair/vrrp.fifo", 1, 200, OWN, \
	  "keepalived's vrrp_notify_fifo") \
	X(keepalived_instance, text, "keepalived.instance", NULL, 1, 64, OWN, \
	  "name of the vrrp_instance that carries the address") \
	X(keepalived_track_file, path, "keepalived.track_file", "/run/regpair/fault", 1, 200, OWN, \
	  "file through which this node tells keepalived that it must not have the address") \
	X(keepalived_address, address, "keepalived.address", NULL, 0, 0, SHARED, \
	  "the virtual address") \
	X(keepalived_pid_file, path, "keepalived.pid_file", "/run/keepalived.pid", 1, 200, OWN, \
	  "where keepalived writes its process id") \
	X(keepalived_advert_interval, duration, "keepalived.advert_interval", "100 ms", 10, 40 * CONFIG_MS_S, \
	  SHARED, "keepalived's advert_int") \
	X(control, path, "control", "/run/regpair/control.sock", 1, 107, OWN, \
	  "UNIX socket for regpairctl") \
	X(audit_file, path, "audit_file", NULL, 1, 200, OWN, \
	  "what operators did, one JSON object a line, appended; left out: the log has it") \
	X(monitor, path, "monitor", NULL, 1, 107, OWN, \
	  "UNIX socket with the figures alone, for any user of this host: agents of SNMP, notifiers, checks; left " \
	  "out: monitor.sock beside the control socket") \
	X(management_address, address, "management.address", NULL, 1, 0, OWN, \
	  "where /metrics and /healthz are served over plain HTTP, an own address of this host with a port, such as " \
	  "10.0.0.11:7080; left out: nowhere") \
	X(takeover_when_behind, bool, "takeover_when_behind", "yes", 0, 0, SHARED, \
	  "a standby that is not in step takes over all the same: service beats silence") \
	X(cold_start_wait, duration, "cold_start_wait", "60 s", 0, CONFIG_MS_H, SHARED, \
	  "a node that starts alone waits this long for its peer") \
	X(nonce_lifetime, duration, "nonce_lifetime", "5 min", CONFIG_MS_S, CONFIG_MS_D, SHARED, \
	  "how long a digest nonce is accepted") \
	X(nap_pace, count, "nap_pace", "100", 1, 10000, OWN, \
	  "REGISTERs a second to all NAPs at the most, where many are due at once, as after a takeover") \
	X(log_level, level, "log.level", "notice", 0, 0, OWN | LIVE, \
	  "lines below this level are not written") \
	X(limits_pending_mib, count, "limits.pending_mib", "64", 1, 65536, OWN, \
	  "MiB of answers held back until they may leave; beyond it 503") \
	X(limits_tcp_connections, count, "limits.tcp_connections", "10000", 1, 1000000, OWN, \
	  "open SIP connections; further ones are closed at once") \
	X(limits_tcp_idle, duration, "limits.tcp_idle", "10 min", CONFIG_MS_S, CONFIG_MS_D, OWN, \
	  "a SIP connection without a byte for so long is closed") \
	X(tls_ca_file, path, "tls.ca_file", NULL, 1, 200, OWN, \
	  "certificates of the authorities that a proxy's certificate must come from; left out: the system's") \
	X(tls_certificate, path, "tls.certificate", NULL, 1, 200, OWN, \
	  "this node's own certificate (PEM, its chain behind it) for proxies that ask for one") \
	X(tls_key, path, "tls.key", NULL, 1, 200, OWN, \
	  "its private key (PEM)") \
	X(dns_servers, servers, "dns.servers", "", 0, 200, OWN, \
	  "DNS servers that names of proxies are asked of, up to three by commas, each with a port where it is " \
	  "not 53; left out: those of /etc/resolv.conf")

#define CONFIG_TRANSPORT_TABLE(X) \
	X(name, text, "transports.name", NULL, 1, 64, SHARED, \
	  "how logs and figures call it") \
	X(protocol, protocol, "transports.protocol", NULL, 0, 0, SHARED, \
	  "what SIP runs over") \
	X(address, address, "transports.address", NULL, 0, 0, SHARED, \
	  "address to listen on, as a rule the virtual one") \
	X(port, port, "transports.port", "5060", 1, 65535, SHARED, \
	  "port to listen on")

#define CONFIG_DOMAIN_TABLE(X) \
	X(name, host, "domains.name", NULL, 1, 253, SHARED, \
	  "domain of the AORs, and realm of the digests") \
	X(default_expires, duration, "domains.default_expires", "1 h", CONFIG_MS_S, 365 * CONFIG_MS_D, SHARED, \
	  "lifetime of a binding that asks for none; whole seconds") \
	X(min_expires, duration, "domains.min_expires", "30 s", CONFIG_MS_S, 365 * CONFIG_MS_D, SHARED, \
	  "a shorter wish is answered 423; whole seconds") \
	X(max_expires, duration, "domains.max_expires", "1 h", CONFIG_MS_S, 365 * CONFIG_MS_D, SHARED, \
	  "a longer wish is cut to this; whole seconds") \
	X(auth, auth, "domains.auth", "digest", 0, 0, SHARED, \
	  "who may register: subscribers with their password (digest: SHA-512-256, SHA-256 and MD5 are " \
	  "offered; digest-sha256: the latter two, and digest-md5: MD5 alone, for clients that give up at the " \
	  "first challenge they do not know), or anybody (none)") \
	X(max_contacts, count, "domains.max_contacts", "16", 1, 32, SHARED, \
	  "bindings of one AOR") \
	X(extra_contact, extra, "domains.extra_contact", "refuse", 0, 0, SHARED, \
	  "what becomes of a binding beyond max_contacts: it is refused with 403, or takes the place of the " \
	  "one refreshed longest ago") \
	X(max_users, count, "domains.max_users", "100000", 1, 100000000, SHARED, \
	  "AORs with a record; beyond it who is not there yet is answered 503") \
	X(grace, duration, "domains.grace", "0 s", 0, CONFIG_MS_H, SHARED, \
	  "how long a binding that its phone did not refresh is still found, after the others; whole seconds") \
	X(jitter, jitter, "domains.jitter", "after-takeover", 0, 0, SHARED, \
	  "when granted lifetimes are shortened by up to 10 % at random: for one default_expires after a " \
	  "takeover, always, or never (off)") \
	X(strict_user_matching, bool, "domains.strict_user_matching", "no", 0, 0, SHARED, \
	  "yes: an AOR with the address that the request came to is none of this domain's") \
	X(third_party, bool, "domains.third_party", "no", 0, 0, SHARED, \
	  "whether a subscriber may register another's AOR") \
	X(auth_int, bool, "domains.auth_int", "no", 0, 0, SHARED, \
	  "offer the digest that covers the body, too (qop auth-int)") \
	X(userhash, bool, "domains.userhash", "no", 0, 0, SHARED, \
	  "let a subscriber send the name as a hash (userhash)") \
	X(location, location, "domains.location", "redirect", 0, 0, SHARED, \
	  "how requests for users are answered: redirect (302 with where they are), or not at all (off)") \
	X(service_route, route, "domains.service_route", "", 0, 400, SHARED, \
	  "Service-Route told to who registers: <sip:...;lr>, or several by commas") \
	X(push_services, text, "domains.push_services", "", 0, 200, SHARED, \
	  "push services that wake phones here, by commas (pn-provider): others are answered 555") \
	X(flow_timer, duration, "domains.flow_timer", "2 min", 0, CONFIG_MS_H, SHARED, \
	  "a phone with Outbound must keep its flow alive so often (Flow-Timer); 0 s: not told") \
	X(numbers, numbers, "domains.numbers", "", 0, 400, SHARED, \
	  "numbers that a PBX registers at once (RFC 6140): USER=FIRST-LAST or USER=PREFIX*, by commas") \
	X(keep_alive, keep_alive, "domains.keep_alive", "off", 0, 0, SHARED, \
	  "what registered contacts get to keep NATs open: crlf (needs no answer), options (who does not " \
	  "answer is found unreachable), or nothing (off)") \
	X(keep_alive_interval, duration, "domains.keep_alive_interval", "20 s", CONFIG_MS_S, CONFIG_MS_H, SHARED, \
	  "how often a contact gets it") \
	X(keep_alive_remove, bool, "domains.keep_alive_remove", "no", 0, 0, SHARED, \
	  "with options: end the binding of a contact that did not answer three times in a row")
/* clang-format on */

#endif
