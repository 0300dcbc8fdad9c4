/* fuzz_node.c - any SIP bytes to a whole node that serves two domains with every policy there is. A run is a list of
 * things that happen, one byte for each: a message (up to NUL NUL, over any of some flows), time that
 * passes, a disk that is done, an answer to what the node asks, an operator's command. In a message four bytes that SIP has not stand
 * for what only who heard the node can write: credentials, a To tag, a GRUU, a fresh number.
 *
 * Never: an assertion; an answer before what it acknowledges is on the disk, to an ACK or to an answer, a
 * second one, or one that repeats other than was asked; a record that cannot be read, or read
 * otherwise than it was written; a copy that is not what the log says; a node that wants to turn
 * for ever; memory without end. In the end it must serve, and what was registered must end. */
#include "tests/fuzz/sip_stand.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t byte(struct desk *d)
{
	return (uint8_t)reader_uint(&d->in, 1);
}

/* Of four clients, over one of four transports. */
static struct flow a_flow(const struct desk *d, uint8_t b)
{
	uint8_t who = b & 3, how = b >> 2 & 3;
	static const enum transport transports[] = {TRANSPORT_UDP, TRANSPORT_TCP, TRANSPORT_TLS,
	                                            TRANSPORT_UDP};
	struct flow f = {transports[how],
	                 {ADDR_IPV4, 5060, {10, 0, 0, 10}},
	                 {ADDR_IPV4, 5062, {10, 0, 0, (uint8_t)(2 + who)}},
	                 0};

	if (how == 3) {
		f.local = (struct addr){ADDR_IPV6, 5060, {0x20, 0x01, [15] = 10}};
		f.remote = (struct addr){ADDR_IPV6, 5062, {0x20, 0x01, [15] = 2 + who}};
	}
	if (f.transport != TRANSPORT_UDP)
		f.connection = 16 * d->closed + (b & 15);
	return f;
}

static struct slice word(struct slice *rest)
{
	size_t n = 0;

	while (n < rest->n && rest->p[n] != ' ')
		n++;
	struct slice w = slice_head(*rest, n);
	*rest = slice_from(*rest, n + 1);
	return w;
}

/* Right for this request and alice, under the newest nonce. */
static void put_credentials(struct desk *d, struct slice request, struct buf *to)
{
	enum digest_algorithm a = (enum digest_algorithm)(++d->nc % DIGEST_ALGORITHMS);
	uint8_t ha1[DIGEST_HASH_MAX];
	char nc[16], response[DIGEST_HEX_MAX + 1], line[2 * LEARNT_MAX];
	struct digest_question q = {
		.form = {a, false},
		.ha1 = {ha1, digest_size(a)},
		.method = word(&request),
		.uri = slice_head(word(&request), LEARNT_MAX / 2),
		.nonce = slice_str(d->nonce.text),
		.cnonce = SLICE("c"),
		.qop = SLICE("auth"),
	};

	(void)snprintf(nc, sizeof nc, "%08x", d->nc);
	q.nc = slice_str(nc);
	digest_ha1(desk_digester(), a, SLICE("alice"), SLICE("example.net"), SLICE("secret"), ha1);
	digest_response(desk_digester(), &q, response);
	(void)snprintf(
		line, sizeof line,
		"Authorization: Digest username=\"alice\", realm=\"example.net\", nonce=\"%s\", "
		"uri=\"" SLICE_FMT "\", response=\"%s\", algorithm=%s, qop=auth, nc=%s, "
		"cnonce=\"c\"\r\n",
		d->nonce.text, SLICE_ARG(q.uri), response, digest_name(a), nc);
	buf_str(to, line);
}

static struct slice written(struct desk *d, struct slice text)
{
	enum { CREDENTIALS = 1, TAG, GRUU, NUMBER, END };
	static uint8_t room[SIP_MESSAGE_MAX];
	struct buf to = buf_on(room, sizeof room);

	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] == 0 || text.p[i] >= END)
			buf_byte(&to, text.p[i]);
		else if (text.p[i] == CREDENTIALS)
			put_credentials(d, text, &to);
		else if (text.p[i] == NUMBER)
			buf_u64(&to, d->n_asked);
		else
			buf_str(&to, text.p[i] == TAG ? d->tag.text : d->gruu.text);
	}
	return (struct slice){room, to.n};
}

static void message(struct desk *d, uint8_t how)
{
	const uint8_t *end = memmem(d->in.rest.p, d->in.rest.n, "\0\0", 2);
	size_t n = end != NULL ? (size_t)(end - d->in.rest.p) : d->in.rest.n;

	d->last = written(d, reader_bytes(&d->in, n));
	d->last_flow = a_flow(d, how);
	(void)reader_bytes(&d->in, d->in.rest.n < 2 ? d->in.rest.n : 2);
	desk_hear(d, d->last, &d->last_flow);
}

/* To one of the requests of ours that came last. */
static void answer(struct desk *d)
{
	static const uint16_t statuses[] = {200, 100, 401, 404, 481, 500, 503, 200};
	static struct sip_msg m;
	static uint8_t room[SIP_MESSAGE_MAX];
	struct buf to = buf_on(room, sizeof room);
	uint8_t b = byte(d);
	const struct ours *u = &d->ours[b % OURS_MAX];
	struct flow flow = u->flow;

	if (u->n == 0 || sip_parse((struct slice){u->bytes, u->n}, &m) != OK)
		return;
	flow.remote = u->target;
	reply_begin(&to, &m, &flow, statuses[b >> 3 & 7], NULL, SLICE("theirs"));
	reply_end(&to);
	desk_hear(d, buf_slice(&to), &flow);
}

static void command(struct desk *d, uint8_t b)
{
	enum { ROTATE, REMOVE, REMOVE_SUBSCRIBER };
	uint8_t key[32] = {b, 1};
	struct node_command rotate = {.kind = COMMAND_SECRET_ROTATE, .key = {key, sizeof key}};
	struct node_command remove = {.kind = COMMAND_AOR_REMOVE,
	                              .key = SLICE("sip:alice@example.com")};
	struct node_command forget = {.kind = COMMAND_SUBSCRIBER_REMOVE,
	                              .key = SLICE("alice@example.net")};

	forget.subscriber.user = SLICE("alice");
	forget.subscriber.realm = SLICE("example.net");
	if (b & 4)
		remove.key = SLICE("sip:alice@example.net");
	if ((b & 3) == ROTATE)
		desk_command(d, &rotate);
	else if ((b & 3) == REMOVE)
		desk_command(d, &remove);
	else if ((b & 3) == REMOVE_SUBSCRIBER)
		desk_command(d, &forget);
	else
		desk_put_alice(d);
}

static void other(struct desk *d)
{
	enum { AGAIN, ELSEWHERE, CLOSED, ROOM, COMMAND, DISK, KINDS };
	uint8_t b = byte(d), more = (uint8_t)(b / KINDS);
	struct flow flow = a_flow(d, more);
	struct node_input down = {.event = NODE_FLOW_DOWN, .flow = flow};
	struct node_input room = {.event = NODE_ROOM, .on = more & 1};

	if (b % KINDS == AGAIN) {
		desk_hear(d, d->last, &d->last_flow);
	} else if (b % KINDS == ELSEWHERE) {
		desk_hear(d, d->last, &flow);
	} else if (b % KINDS == CLOSED && flow.connection != 0) {
		d->closed++;
		desk_feed(d, &down);
	} else if (b % KINDS == ROOM) {
		desk_feed(d, &room);
	} else if (b % KINDS == COMMAND) {
		command(d, more);
	} else if (b % KINDS == DISK) {
		desk_durable(d, d->durable + more % (d->seq - d->durable + 1));
	}
}

static void one(struct desk *d)
{
	enum { MESSAGES = 4, TIME = MESSAGES, DISK, ANSWER, OTHER };
	uint8_t b = byte(d), kind = b & 7;

	if (kind < MESSAGES)
		message(d, b >> 3);
	else if (kind == TIME)
		desk_pass(d, INT64_C(1) << (byte(d) % 24));
	else if (kind == DISK)
		desk_durable(d, d->seq);
	else if (kind == ANSWER)
		answer(d);
	else
		other(d);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct desk *d = desk_new((struct slice){data, size});

	for (int i = 0; i < STEPS_MAX && d->in.rest.n > 0; i++)
		one(d);
	desk_end(d);
	desk_free(d);
	return 0;
}
