/* dns.h - asks the DNS for the node (OUT_RESOLVE) and never waits for it: c-ares, driven by the loop.
 *
 * Each question is answered by one NODE_RESOLVED: by DNS_FAILED where no server said anything in time. Equal
 * ones that are open at the same time are asked once. How many there are is bounded by who asks: a NAP has
 * one open, and none stays so for longer than wait_ms.
 *
 * The DNS alone is asked, not /etc/hosts. */
#ifndef NODE_IO_DNS_H
#define NODE_IO_DNS_H

#include "node/io/loop.h"

struct dns_options {
	const char
		*servers; /* "192.0.2.53, [2001:db8::53]:5353"; "": those of /etc/resolv.conf, as it
	                        stands when something is asked */
	int try_ms;       /* a server is silent for so long: the next, or once more */
	int64_t wait_ms;  /* all in all */
};

struct dns;
struct dns *dns_open(struct loop *l, const struct dns_options *o); /* NULL: why was logged */
void dns_close(struct dns **d);

void dns_ask(struct dns *d, const struct node_output *o); /* the answer comes in a later turn */

#endif
