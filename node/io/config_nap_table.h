/* config_nap_table.h - every key of a NAP: columns as in config_table.h. */
#ifndef NODE_IO_CONFIG_NAP_TABLE_H
#define NODE_IO_CONFIG_NAP_TABLE_H

#include "node/io/config_table.h"

/* clang-format off */
#define CONFIG_NAP_TABLE(X) \
	X(name, word, "naps.name", NULL, 1, 64, SHARED | LIVE, \
	  "how commands, logs and the store call it; another name is another NAP") \
	X(proxy, proxy, "naps.proxy", "", 0, 253, SHARED | LIVE, \
	  "where it is: looked up as RFC 3263 has it, or an address; left out: an open NAP, nothing is sent there") \
	X(transport, nap_transport, "naps.transport", "auto", 0, 0, SHARED | LIVE, \
	  "what requests to it go over; auto: as its DNS says, else UDP") \
	X(local, word, "naps.local", "", 0, 64, SHARED | LIVE, \
	  "name of the transport whose address requests leave from and the Contact has; left out: the first that " \
	  "fits") \
	X(address_to_register, aor, "naps.address_to_register", "", 0, 300, SHARED | LIVE, \
	  "the address (AOR) that is registered there") \
	X(user, text, "naps.user", "", 0, 128, SHARED | LIVE, \
	  "name for its challenges; left out: the user of address_to_register") \
	X(password, password, "naps.password", "", 0, 128, SHARED | LIVE, \
	  "password for its challenges; never shown") \
	X(realm, text, "naps.realm", "", 0, 128, SHARED | LIVE, \
	  "the realm that user and password are for; left out: that of the first challenge") \
	X(ignore_realm, bool, "naps.ignore_realm", "no", 0, 0, SHARED | LIVE, \
	  "answer challenges of any realm with them") \
	X(reuse_challenge, bool, "naps.reuse_challenge", "no", 0, 0, SHARED | LIVE, \
	  "answer the last challenge ahead in each REGISTER, its nonce counted on") \
	X(register_to_proxy, bool, "naps.register_to_proxy", "no", 0, 0, SHARED | LIVE, \
	  "register address_to_register there, and keep it registered") \
	X(gin, bool, "naps.gin", "no", 0, 0, SHARED | LIVE, \
	  "register all numbers of address_to_register at once (RFC 6140)") \
	X(outbound, bool, "naps.outbound", "no", 0, 0, SHARED | LIVE, \
	  "register as a client with Outbound does: instance and reg-id (RFC 5626)") \
	X(reg_event, bool, "naps.reg_event", "no", 0, 0, SHARED | LIVE, \
	  "while it is registered, subscribe there to its registration (RFC 3680), and register again when told that it " \
	  "ended") \
	X(poll_remote_proxy, bool, "naps.poll_remote_proxy", "yes", 0, 0, SHARED | LIVE, \
	  "ask it with OPTIONS whether it is available") \
	X(any_response_is_available, bool, "naps.map_any_response_to_available_status", "yes", 0, 0, SHARED | LIVE, \
	  "whatever it answers makes it available; no: 2xx, 3xx and 4xx alone") \
	X(expires, duration, "naps.expires", "1 h", 10 * CONFIG_MS_S, 365 * CONFIG_MS_D, SHARED | LIVE, \
	  "lifetime asked for; whole seconds") \
	X(refresh_percent, count, "naps.refresh_percent", "50", 10, 95, SHARED | LIVE, \
	  "of the lowest time negotiated, after which it is refreshed") \
	X(retry, duration, "naps.retry", "5 s", CONFIG_MS_S, CONFIG_MS_H, SHARED | LIVE, \
	  "pause after a refusal or silence") \
	X(retry_max, duration, "naps.retry_max", "5 s", CONFIG_MS_S, CONFIG_MS_D, SHARED | LIVE, \
	  "where it is longer than retry, the pause doubles up to it, with jitter") \
	X(timeout, duration, "naps.timeout", "32 s", CONFIG_MS_S, 300 * CONFIG_MS_S, SHARED | LIVE, \
	  "a REGISTER unanswered for so long has failed") \
	X(proxy_polling_first, duration, "naps.proxy_polling_first", "5 s", 0, CONFIG_MS_H, SHARED | LIVE, \
	  "the first OPTIONS goes out so long after the NAP is there") \
	X(proxy_polling_interval, duration, "naps.proxy_polling_interval", "1 min", CONFIG_MS_S, CONFIG_MS_D, \
	  SHARED | LIVE, "from one OPTIONS to the next") \
	X(response_timeout, duration, "naps.response_timeout", "12 s", 100, 300 * CONFIG_MS_S, SHARED | LIVE, \
	  "an OPTIONS unanswered for so long makes it unavailable") \
	X(proxy_polling_max_forwards, count, "naps.proxy_polling_max_forwards", "1", 0, 70, SHARED | LIVE, \
	  "Max-Forwards of the OPTIONS") \
	X(access_list, networks, "naps.access_list", "", 0, 400, SHARED | LIVE, \
	  "addresses and networks whose requests belong to it, by commas, beside the proxy's own; kept and " \
	  "shown, nothing is refused by it")
/* clang-format on */

#endif
