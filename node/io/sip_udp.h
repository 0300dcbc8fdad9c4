/* sip_udp.h - one UDP socket of SIP: datagrams in and out in batches.
 *
 * What is sent is copied and goes out with the flush of the turn; what the kernel does not take waits
 * until the socket is writable. After a pause of the process (loop_paused) it is dropped. The queue is bounded: beyond it datagrams are dropped and counted, as
 * the network would. */
#ifndef NODE_IO_SIP_UDP_H
#define NODE_IO_SIP_UDP_H

#include "node/io/loop.h"

enum {
	SIP_UDP_BATCH = 64, /* datagrams a system call and a turn take */
	SIP_UDP_QUEUE_MAX = 4096,
	SIP_UDP_ARENA = 8 << 20,         /* bytes of what is queued */
	SIP_UDP_RECEIVE_BUFFER = 4 << 20 /* what waits in the kernel through a takeover */
};

/* What a role does with what arrives. */
enum sip_mode {
	SIP_READ, /* feed it */
	SIP_DROP, /* read and forget it: the peer answers */
	SIP_WAIT, /* leave it where it is: it will be answered soon */
};
static inline enum sip_mode sip_mode_of(enum role role)
{
	return role == ROLE_ACTIVE ? SIP_READ : role == ROLE_TAKING_OVER ? SIP_WAIT : SIP_DROP;
}

struct sip_udp;

/* NULL with errno set. */
struct sip_udp *sip_udp_open(struct loop *l, const struct addr *local);
void sip_udp_close(struct sip_udp **u);

const struct addr *sip_udp_local(const struct sip_udp *u);
void sip_udp_mode(struct sip_udp *u, enum sip_mode mode);
void sip_udp_send(struct sip_udp *u, const struct addr *to, struct slice bytes);
void sip_udp_flush(struct sip_udp *u);

#endif
