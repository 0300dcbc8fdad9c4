/* peer_step.h - whatever can happen to the node of fuzz_peer.c, and what must be true behind each step. */
#ifndef TESTS_FUZZ_PEER_STEP_H
#define TESTS_FUZZ_PEER_STEP_H

#include "tests/fuzz/peer_desk.h"

static inline uint64_t desk_records(const struct desk *d)
{
	const struct copy *c = node_copy(d->node);

	return copy_digest(c, TABLE_AOR) + copy_digest(c, TABLE_SUBSCRIBER) +
	       copy_digest(c, TABLE_SECRET);
}

/* Of every start of activity: a number above all that were known before. */
static inline void desk_check_reign(struct desk *d, enum role before, enum node_event event)
{
	struct status s;
	enum role role = node_role(d->node);

	assert(node_position(d->node).seq == d->seq);
	d->reign = node_position(d->node).reign;
	if (event != NODE_FRAME && role == before)
		return; /* no epoch can have come */
	node_status(d->node, d->now, &s);
	assert(before == role || role != ROLE_TAKING_OVER || s.epoch > d->epoch);
	d->epoch = s.epoch;
}

static inline void desk_feed(struct desk *d, struct node_input *in)
{
	struct node_outputs outs;
	enum role before = node_role(d->node);
	uint64_t records = desk_records(d);

	in->random = d->random += 2;
	node_step(d->node, in, d->now, &outs);
	for (size_t i = 0; i < outs.n; i++)
		desk_carry_out(d, &outs.item[i]);
	/* A peer's word changes nothing of an active's but by the merge that it asked for. */
	if (in->event == NODE_FRAME && before == ROLE_ACTIVE && !d->merge_asked)
		assert(desk_records(d) == records);
	desk_check_reign(d, before, in->event);
	if (d->wanted != 0) {
		static uint8_t room[BLOCK_MAX];
		struct node_input read = {.event = NODE_LOG_READ, .seq = d->wanted};
		d->wanted = 0;
		if (read.seq >= d->first && read.seq <= d->seq && !d->full) {
			struct block_writer w = block_begin(room, sizeof room, read.seq);
			block_add(&w, d->log[read.seq - d->first]);
			read.bytes = block_end(&w, 1);
		}
		desk_feed(d, &read);
	}
}

static inline void desk_turn(struct desk *d)
{
	struct node_input in = {.event = NODE_TURN};

	desk_feed(d, &in);
}

static inline void desk_durable(struct desk *d)
{
	struct node_input in = {.event = NODE_DURABLE, .seq = d->seq};
	struct node_input stored = {.event = NODE_NEXT_STORED, .seq = d->stored};

	d->stored = 0;
	if (stored.seq != 0)
		desk_feed(d, &stored);
	desk_feed(d, &in);
	desk_turn(d);
}

static inline void desk_pass(struct desk *d, int pieces)
{
	for (int i = 0; i < pieces && !d->full; i++) {
		d->now.ms += PIECE_MS;
		desk_durable(d);
	}
}

static inline void desk_hear(struct desk *d, const struct frame *f)
{
	struct node_input in = {.event = NODE_FRAME,
	                        .connection = d->on_bulk ? d->bulk : d->connection,
	                        .frame = f};

	desk_feed(d, &in);
}

/* As it comes over the wire: what no encoder would write is left to raw bytes. */
static inline void desk_hear_encoded(struct desk *d, const struct frame *f)
{
	static uint8_t wire[WIRE];
	struct buf to = buf_on(wire, sizeof wire);
	struct frame back;

	frame_encode(f, &d->scratch, &to);
	if (to.full)
		return;
	struct decoded got = frame_decode(buf_slice(&to), &d->scratch, &back);
	if (got.err == OK)
		desk_hear(d, &back);
}

static inline void desk_connect(struct desk *d)
{
	struct node_input in = {.event = NODE_LINK_UP};

	in.connection = d->connection = ++d->connections;
	d->merge_asked = false;
	desk_feed(d, &in);
}

static inline void desk_bulk(struct desk *d, bool up)
{
	struct node_input in = {.event = up ? NODE_BULK_UP : NODE_BULK_DOWN, .connection = d->bulk};

	if (!up && d->bulk == 0)
		return;
	if (up)
		in.connection = d->bulk = ++d->connections;
	else
		d->bulk = 0;
	desk_feed(d, &in);
}

static inline void desk_drop(struct desk *d)
{
	struct node_input in = {.event = NODE_LINK_DOWN, .connection = d->connection};

	desk_feed(d, &in);
}

static inline void desk_address(struct desk *d, bool here, bool dead)
{
	struct node_input in = {.event = NODE_ADDRESS, .address = {here && !dead, !dead}};

	d->here = in.address.here;
	d->alive = !dead;
	desk_feed(d, &in);
}

static inline void desk_register(struct desk *d, int user)
{
	char text[512];

	d->cseq++;
	(void)snprintf(text, sizeof text,
	               "REGISTER sip:x SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.7;branch=z9hG4bK%u\r\n"
	               "From: <sip:u%d@x>;tag=f\r\nTo: <sip:u%d@x>\r\nCall-ID: c%u\r\n"
	               "CSeq: %u REGISTER\r\nMax-Forwards: 70\r\nContact: <sip:u@192.0.2.7>\r\n"
	               "\r\n",
	               d->cseq, user, user, d->cseq, d->cseq);
	struct node_input in = {.event = NODE_MESSAGE, .bytes = slice_str(text)};
	in.flow.transport = TRANSPORT_UDP;
	in.flow.local = (struct addr){ADDR_IPV4, 5060, {10, 0, 0, 10}};
	in.flow.remote = (struct addr){ADDR_IPV4, 5060, {192, 0, 2, 7}};
	desk_feed(d, &in);
}

#endif
