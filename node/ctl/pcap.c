#include "node/ctl/pcap.h"

#include <assert.h>
#include <stdlib.h>

#include "proto/base/defs.h"

enum {
	HEAD_MAX = 60,        /* IPv6 and TCP */
	SEGMENT_MAX = 32768,  /* of a stream */
	DATAGRAM_MAX = 65507, /* what UDP over IPv4 takes */
	STREAMS_MAX = 1024,   /* beyond it the oldest begins anew */
	PROTOCOL_TCP = 6,
	PROTOCOL_UDP = 17,
	SNAPLEN = 65535 + HEAD_MAX,
	LINKTYPE_RAW = 101,
};

/* One direction of a connection. */
struct stream {
	struct addr from, to;
	uint32_t next; /* number of the next byte */
};

struct pcap {
	FILE *file;
	uint64_t size;
	struct stream stream[STREAMS_MAX];
	size_t n_streams, oldest;
};

static void write_out(struct pcap *p, const void *bytes, size_t n)
{
	(void)fwrite(bytes, 1, n, p->file); /* ferror tells at the end */
	p->size += n;
}

/* In this machine's order: a reader knows it by the first number. */
struct pcap *pcap_open(FILE *to)
{
	const struct {
		uint32_t magic;
		uint16_t major, minor;
		uint32_t zone, accuracy, snaplen, linktype;
	} head = {0xa1b2c3d4, 2, 4, 0, 0, SNAPLEN, LINKTYPE_RAW};
	struct pcap *p = calloc(1, sizeof *p);

	if (p == NULL)
		abort();
	p->file = to;
	write_out(p, &head, sizeof head);
	return p;
}

void pcap_close(struct pcap **p)
{
	free(*p);
	*p = NULL;
}

uint64_t pcap_size(const struct pcap *p)
{
	return p->size;
}

static struct stream *stream_of(struct pcap *p, const struct addr *from, const struct addr *to)
{
	struct stream *s;

	for (size_t i = 0; i < p->n_streams; i++)
		if (addr_eq(&p->stream[i].from, from) && addr_eq(&p->stream[i].to, to))
			return &p->stream[i];
	s = &p->stream[p->n_streams < STREAMS_MAX ? p->n_streams++ : p->oldest++ % STREAMS_MAX];
	*s = (struct stream){*from, *to, 1};
	return s;
}

static void put16(struct buf *to, uint32_t n)
{
	buf_byte(to, (uint8_t)(n >> 8));
	buf_byte(to, (uint8_t)n);
}

static void put32(struct buf *to, uint32_t n)
{
	put16(to, n >> 16);
	put16(to, n & 0xffff);
}

/* RFC 1071 */
static uint32_t sum_of(uint32_t sum, struct slice bytes)
{
	for (size_t i = 0; i < bytes.n; i++)
		sum += (uint32_t)bytes.p[i] << (i % 2 == 0 ? 8 : 0);
	return sum;
}

static uint16_t checksum(uint32_t sum)
{
	while (sum >> 16 != 0)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static void patch16(struct buf *b, size_t at, uint16_t n)
{
	b->p[at] = (uint8_t)(n >> 8);
	b->p[at + 1] = (uint8_t)n;
}

static struct slice ip_of(const struct addr *a)
{
	return (struct slice){a->ip, a->family == ADDR_IPV4 ? 4 : sizeof a->ip};
}

static void put_ip(struct buf *to, const struct pcap_message *m, uint8_t protocol, size_t n)
{
	bool v4 = m->from.family == ADDR_IPV4;

	if (v4) {
		put32(to, 0x45000000 | (uint32_t)(20 + n));
		put32(to, 0x4000); /* is whole */
		put16(to, (uint32_t)64 << 8 | protocol);
		put16(to, 0);
	} else {
		put32(to, 0x60000000);
		put16(to, (uint32_t)n);
		put16(to, (uint32_t)protocol << 8 | 64);
	}
	buf_put(to, ip_of(&m->from));
	buf_put(to, ip_of(&m->to));
	if (v4)
		patch16(to, 10, checksum(sum_of(0, buf_slice(to))));
}

static void put_tcp(struct pcap *p, struct buf *to, const struct pcap_message *m, size_t n)
{
	struct stream *s = stream_of(p, &m->from, &m->to);
	uint32_t seq = s->next;

	s->next += (uint32_t)n;
	put16(to, m->from.port);
	put16(to, m->to.port);
	put32(to, seq);
	put32(to, stream_of(p, &m->to, &m->from)->next);
	put16(to, 0x5018); /* PSH, ACK */
	put16(to, 65535);
	put32(to, 0);
}

static void put_udp(struct buf *to, const struct pcap_message *m, size_t n)
{
	put16(to, m->from.port);
	put16(to, m->to.port);
	put16(to, (uint32_t)(8 + n));
	put16(to, 0);
}

/* Over the addresses, the protocol, the length, the head and the bytes (RFC 9293 3.1, RFC 768). */
static void seal(struct buf *packet, size_t ip, const struct pcap_message *m, uint8_t protocol,
                 struct slice bytes)
{
	struct slice head = slice_from(buf_slice(packet), ip);
	uint32_t sum = (uint32_t)(protocol + head.n + bytes.n);

	sum = sum_of(sum_of(sum, ip_of(&m->from)), ip_of(&m->to));
	uint16_t whole = checksum(sum_of(sum_of(sum, head), bytes));
	if (protocol == PROTOCOL_UDP && whole == 0)
		whole = 0xffff; /* 0 says: there is none */
	patch16(packet, ip + (protocol == PROTOCOL_UDP ? 6 : 16), whole);
}

static void put_packet(struct pcap *p, const struct pcap_message *m, struct slice bytes)
{
	uint8_t room[HEAD_MAX];
	struct buf packet = buf_on(room, sizeof room);
	uint8_t protocol = m->stream ? PROTOCOL_TCP : PROTOCOL_UDP;

	put_ip(&packet, m, protocol, (m->stream ? 20 : 8) + bytes.n);
	size_t ip = packet.n;
	if (m->stream)
		put_tcp(p, &packet, m, bytes.n);
	else
		put_udp(&packet, m, bytes.n);
	assert(!packet.full);
	seal(&packet, ip, m, protocol, bytes);
	const uint32_t record[] = {(uint32_t)(m->wall_us / 1000000),
	                           (uint32_t)(m->wall_us % 1000000), (uint32_t)(packet.n + bytes.n),
	                           (uint32_t)(packet.n + bytes.n)};
	write_out(p, record, sizeof record);
	write_out(p, packet.p, packet.n);
	write_out(p, bytes.p, bytes.n);
}

void pcap_put(struct pcap *p, const struct pcap_message *m)
{
	size_t most = m->stream ? SEGMENT_MAX : DATAGRAM_MAX;

	for (size_t at = 0; at < m->bytes.n; at += most)
		put_packet(p, m, slice_head(slice_from(m->bytes, at), most));
}
