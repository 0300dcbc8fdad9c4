/* sip_desk.h - one standalone node for fuzz_node.c, what it was asked, and by what an answer is known. */
#ifndef TESTS_FUZZ_SIP_DESK_H
#define TESTS_FUZZ_SIP_DESK_H

#include <stdio.h>

#include "node/core/node.h"
#include "proto/base/reader.h"
#include "proto/sip/digest.h"
#include "proto/sip/header.h"
#include "proto/sip/reply.h"
#include "proto/sip/stun.h"
#include "tests/fuzz/kept_heap.h"

enum {
	STEPS_MAX = 64,
	ASKED_MAX = 2 * STEPS_MAX + 2,
	OURS_MAX = 4,
	LEARNT_MAX = 512,
	SCRATCH = 1 << 20,
};

/* A request that was fed, and its answer, which may be sent once. */
struct asked {
	uint64_t key; /* what an answer must repeat of it */
	uint64_t transaction;
	enum sip_method method;
	struct flow flow;
	uint64_t seq; /* of what it changed; 0: nothing */
	bool answered;
	uint64_t answer; /* a hash of it */
};

/* A request of the node's: a NOTIFY, an OPTIONS. */
struct ours {
	struct flow flow;
	struct addr target;
	size_t n;
	uint8_t bytes[4096];
};

struct learnt {
	char text[LEARNT_MAX];
};

struct desk {
	struct node *node;
	struct copy *model; /* what its log makes of nothing */
	struct mtime now;
	struct reader in;
	size_t memory;
	struct arena scratch;
	uint64_t random, seq, durable;
	struct asked asked[ASKED_MAX];
	size_t n_asked, pings, pongs, commands, answers;
	struct asked *asking; /* of this step; NULL: nobody */
	struct ours ours[OURS_MAX];
	size_t n_ours;
	struct slice last; /* the message before */
	struct flow last_flow;
	uint64_t closed;                /* streams */
	struct learnt nonce, tag, gruu; /* by the newest answers that had one */
	unsigned nc;
};

/* --- what an answer must repeat --- */

static inline void put_plain(struct buf *to, struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		buf_byte(to, s.p[i] == '\r' || s.p[i] == '\n' ? ' ' : s.p[i]);
	buf_byte(to, '\n');
}

/* False: what it says cannot be read, and is put as it is. */
static inline bool put_sender(struct buf *to, struct slice element, struct sip_via *via)
{
	struct slice rest = element;

	if (via_next(&rest, via) != OK) {
		put_plain(to, element);
		return false;
	}
	put_plain(to, via->host);
	put_plain(to, via->branch);
	buf_uint(to, via->port, 2);
	return true;
}

static inline void put_via(struct buf *to, struct slice element, bool top)
{
	struct sip_via via;

	if (!top)
		put_plain(to, element);
	else if (put_sender(to, element, &via))
		put_plain(to, via.transport);
}

static inline void put_header(struct buf *to, const struct sip_msg *m, enum sip_header_id id)
{
	const struct sip_header *h = sip_find(m, id);

	put_plain(to, h != NULL ? h->value : SLICE("-"));
}

/* Less than that makes a request the same one as before, over UDP. */
static inline uint64_t transaction_of(const struct sip_msg *m)
{
	static uint8_t room[SIP_MESSAGE_MAX];
	struct buf to = buf_on(room, sizeof room);
	const struct sip_header *h = sip_find(m, HEADER_VIA);
	struct slice rest = h != NULL ? h->value : SLICE("-"), element;
	struct sip_via via;

	put_plain(&to, m->method_name);
	put_plain(&to, m->request_uri);
	put_header(&to, m, HEADER_CALL_ID);
	put_header(&to, m, HEADER_CSEQ);
	if (list_next(&rest, &element))
		(void)put_sender(&to, element, &via);
	return record_hash(TABLE_AOR, SLICE("transaction"), buf_slice(&to));
}

static inline uint64_t key_of(const struct sip_msg *m)
{
	static uint8_t room[2 * SIP_MESSAGE_MAX];
	struct buf to = buf_on(room, sizeof room);
	bool top = true;

	put_header(&to, m, HEADER_FROM);
	put_header(&to, m, HEADER_CALL_ID);
	put_header(&to, m, HEADER_CSEQ);
	for (const struct sip_header *h = sip_find(m, HEADER_VIA); h != NULL;
	     h = sip_find_next(m, h)) {
		struct slice rest = h->value, element;
		for (; list_next(&rest, &element); top = false)
			put_via(&to, element, top);
	}
	return record_hash(TABLE_AOR, SLICE("key"), buf_slice(&to));
}

#endif
