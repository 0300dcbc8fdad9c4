/* pcap.h - messages written as the packets that they would have been, for tshark and its like.
 *
 * Raw IP, microseconds, checksums right. UDP stands for itself; what came over a stream, TLS too, is TCP with
 * the numbers of a connection without a loss, in the clear. Of a message larger than a packet may be, the
 * rest follows in the next. */
#ifndef NODE_CTL_PCAP_H
#define NODE_CTL_PCAP_H

#include <stdio.h>

#include "proto/base/addr.h"

struct pcap;

struct pcap_message {
	int64_t wall_us;
	bool stream;
	struct addr from, to; /* of one family */
	struct slice bytes;
};

struct pcap *pcap_open(FILE *to); /* borrowed; its head is written */
void pcap_close(struct pcap **p);
void pcap_put(struct pcap *p, const struct pcap_message *m);
uint64_t pcap_size(const struct pcap *p); /* bytes so far */

#endif
