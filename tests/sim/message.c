#include "tests/sim/message.h"

#include <stdarg.h>
#include <stdlib.h>

enum { BALLAST_NAME = 480 };

struct addr message_address(int client)
{
	struct addr a = {.family = ADDR_IPV4, .port = 5060, .ip = {192, 0, 2, 100}};

	if (client >= 0)
		a.ip[3] = (uint8_t)(10 + client);
	return a;
}

long message_number(const char **at, const char *before)
{
	size_t n = strlen(before);
	char *end = NULL;

	if (*at == NULL || strncmp(*at, before, n) != 0)
		return -1;
	long number = strtol(*at + n, &end, 10);
	if (end == *at + n)
		return -1;
	*at = end;
	return number;
}

PRINTF_LIKE(2, 3) static void put(struct buf *to, const char *format, ...)
{
	va_list args;
	size_t room = to->room - to->n;

	va_start(args, format);
	int n = vsnprintf((char *)to->p + to->n, room, format, args);
	va_end(args);
	if (n < 0 || (size_t)n >= room)
		to->full = true;
	else
		to->n += (size_t)n;
}

static void put_contacts(const struct op *op, struct buf *to)
{
	if (op->kind == OP_STAR) {
		put(to, "Contact: *\r\nExpires: 0\r\n");
		return;
	}
	for (int i = 0; i < CONTACTS_MAX; i++)
		if ((op->contacts >> i & 1) != 0)
			put(to, "Contact: <sip:c%d-%d@192.0.2.%d:5060>;expires=%u\r\n", op->client,
			    i, 10 + op->client, op->expires_s);
}

struct credentials {
	int aor;
	const char *nonce;
	unsigned nc;
	const char *method;
};

static void put_credentials(struct world *w, const struct credentials *c, struct buf *to)
{
	uint8_t ha1[DIGEST_HASH_MAX];
	char user[32], nc[16], response[DIGEST_HEX_MAX + 1];

	if (!w->digest || c->nonce[0] == '\0')
		return;
	(void)snprintf(user, sizeof user, "user%d", c->aor);
	(void)snprintf(nc, sizeof nc, "%08x", c->nc);
	digest_ha1(w->digester, DIGEST_SHA256, slice_str(user), SLICE("sim.example"),
	           SLICE("secret"), ha1);
	struct digest_question q = {
		.form = {DIGEST_SHA256, false},
		.ha1 = {ha1, digest_size(DIGEST_SHA256)},
		.method = slice_str(c->method),
		.uri = SLICE("sip:sim.example"),
		.nonce = slice_str(c->nonce),
		.nc = slice_str(nc),
		.cnonce = SLICE("c0ffee"),
		.qop = SLICE("auth"),
	};
	digest_response(w->digester, &q, response);
	put(to,
	    "Authorization: Digest username=\"%s\", realm=\"sim.example\", nonce=\"%s\", "
	    "uri=\"sip:sim.example\", response=\"%s\", algorithm=SHA-256, qop=auth, nc=%s, "
	    "cnonce=\"c0ffee\"\r\n",
	    user, c->nonce, response, nc);
}

void message_write(struct world *w, const struct client *c, const struct op *op, struct buf *to)
{
	put(to, "REGISTER sip:sim.example SIP/2.0\r\n");
	put(to, "Via: SIP/2.0/UDP 192.0.2.%d:5060;branch=z9hG4bK-%d-%u-%u;rport\r\n", 10 + c->index,
	    c->index, op->call, op->cseq);
	put(to, "From: <sip:user%d@sim.example>;tag=t%d\r\n", c->aor, c->index);
	put(to, "To: <sip:user%d@sim.example>\r\n", c->aor);
	put(to, "Call-ID: k%d-%u@sim\r\n", c->index, op->call);
	put(to, "CSeq: %u REGISTER\r\nMax-Forwards: 70\r\n", op->cseq);
	put_contacts(op, to);
	put_credentials(w, &(struct credentials){c->aor, c->nonce, c->nc, "REGISTER"}, to);
	put(to, "Content-Length: 0\r\n\r\n");
}

void message_write_subscribe(struct world *w, int index, struct buf *to)
{
	const struct onlooker *o = &w->watching.onlookers[index];
	int aor = w->clients[index].aor;

	put(to, "SUBSCRIBE sip:user%d@sim.example SIP/2.0\r\n", aor);
	put(to, "Via: SIP/2.0/UDP 192.0.2.%d:5070;branch=z9hG4bKw-%d-%u-%u;rport\r\n", 10 + index,
	    index, o->call, o->cseq);
	put(to, "From: <sip:user%d@sim.example>;tag=w%d-%u\r\n", aor, index, o->call);
	put(to, "To: <sip:user%d@sim.example>%s%s\r\n", aor, o->goes_on ? ";tag=" : "",
	    o->goes_on ? o->tag : "");
	put(to, "Call-ID: w%d-%u@sim\r\nCSeq: %u SUBSCRIBE\r\n", index, o->call, o->cseq);
	put(to, "Max-Forwards: 70\r\nEvent: reg\r\nExpires: %u\r\n", o->expires_s);
	put(to, "Contact: <sip:w%d@192.0.2.%d:5070>\r\n", index, 10 + index);
	put_credentials(w, &(struct credentials){aor, o->nonce, o->nc, "SUBSCRIBE"}, to);
	put(to, "Content-Length: 0\r\n\r\n");
}

void message_write_answer(struct slice request, const char *status, const char *more,
                          struct buf *to)
{
	static const char *const lines[] = {
		"\r\nVia:", "\r\nFrom:", "\r\nTo:", "\r\nCall-ID:", "\r\nCSeq:"};

	put(to, "SIP/2.0 %s", status);
	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		const char *at = memmem(request.p, request.n, lines[i], strlen(lines[i]));
		if (at != NULL)
			put(to, "\r\n%.*s", (int)strcspn(at + 2, "\r"), at + 2);
	}
	put(to, "%s\r\nContent-Length: 0\r\n\r\n", more);
}

/* Puts `user` under its key, unless the node has it. False: there was no room. */
static bool put_subscriber(struct world *w, struct host *h, const char *user)
{
	uint8_t ha1[DIGEST_ALGORITHMS][DIGEST_HASH_MAX];
	char key[RECORD_KEY_MAX];
	struct node_command c = {.kind = COMMAND_SUBSCRIBER_PUT, .replace = true};

	(void)snprintf(key, sizeof key, "%s@sim.example", user);
	c.key = slice_str(key);
	if (copy_get(node_copy(h->node), TABLE_SUBSCRIBER, c.key) != NULL)
		return true;
	c.subscriber.user = slice_str(user);
	c.subscriber.realm = SLICE("sim.example");
	for (int a = 0; a < DIGEST_ALGORITHMS; a++) {
		enum digest_algorithm algorithm = (enum digest_algorithm)a;
		digest_ha1(w->digester, algorithm, slice_str(user), SLICE("sim.example"),
		           SLICE("secret"), ha1[a]);
		c.subscriber.ha1[a] = (struct slice){ha1[a], digest_size(algorithm)};
	}
	host_command(w, h, &c);
	return copy_get(node_copy(h->node), TABLE_SUBSCRIBER, c.key) != NULL;
}

void message_subscribe(struct world *w, struct host *h, int client)
{
	char user[32];

	(void)snprintf(user, sizeof user, "user%d", w->clients[client].aor);
	(void)put_subscriber(w, h, user);
}

bool message_fill(struct world *w, struct host *h, int number)
{
	char user[BALLAST_NAME + 1];

	(void)snprintf(user, sizeof user, "%0*d", BALLAST_NAME, number);
	return put_subscriber(w, h, user);
}
