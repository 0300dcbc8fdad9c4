/* What a phone reads in an answer, by code that knows nothing of the project's parser. */
#include <stdlib.h>

#include "tests/sim/check.h"
#include "tests/sim/message.h"

static void read_contacts(const char *text, struct told *out)
{
	static const char start[] = "\r\nContact: <sip:c";

	for (const char *at = strstr(text, start); at != NULL; at = strstr(at, start)) {
		long client = message_number(&at, start);
		long contact = message_number(&at, "-");
		const char *expires = strstr(at, ";expires=");
		if (client != out->client || contact < 0 || contact >= CONTACTS_MAX)
			continue;
		out->contacts |= 1U << contact;
		out->expires_s[contact] = message_number(&expires, ";expires=");
	}
}

static void read_nonce(const char *text, struct told *out)
{
	const char *at = strstr(text, "nonce=\"");

	if (at == NULL)
		return;
	at += strlen("nonce=\"");
	(void)snprintf(out->nonce, sizeof out->nonce, "%.*s", (int)strcspn(at, "\""), at);
}

bool told_read(const struct world *w, struct slice text, struct told *out)
{
	char room[2 * TEXT_MAX];

	(void)w;
	*out = (struct told){.status = 0};
	(void)snprintf(room, sizeof room, SLICE_FMT, SLICE_ARG(text));
	const char *at = room, *call = strstr(room, "\r\nCall-ID: k");
	const char *cseq = strstr(room, "\r\nCSeq: ");
	out->status = (int)message_number(&at, "SIP/2.0 ");
	out->client = (int)message_number(&call, "\r\nCall-ID: k");
	out->call = (unsigned)message_number(&call, "-");
	out->cseq = (uint32_t)message_number(&cseq, "\r\nCSeq: ");
	if (out->status < 0 || out->client < 0 || cseq == NULL)
		return false;
	read_contacts(room, out);
	read_nonce(room, out);
	return true;
}

/* A second to either side: lifetimes are told in whole ones. */
static bool is_told(const struct world *w, const struct host *h, const struct held *b,
                    const struct told *told)
{
	enum { SLACK_MS = 2000 };
	int64_t left = b->expires - node_pair_now(h->node, host_now(w, h)).ms;
	bool listed = (told->contacts >> b->contact & 1) != 0;

	if (!listed)
		return left <= SLACK_MS;
	/* A held answer is as old as what it waited for. */
	return left <= told->expires_s[b->contact] * 1000 + SLACK_MS;
}

static bool is_state(const struct world *w, const struct host *h, uint32_t entry,
                     const struct told *told)
{
	const struct history_entry *e = &w->history.entries[entry];
	unsigned held = 0;

	for (size_t i = 0; i < e->n_held; i++) {
		const struct held *b = &e->held[i];
		if (b->client != told->client)
			continue;
		held |= 1U << b->contact;
		if (!is_told(w, h, b, told))
			return false;
	}
	return (told->contacts & ~held) == 0;
}

/* Some state since it was asked must be the one told. */
void check_told(struct world *w, const struct host *h, const struct op *op, const struct told *told)
{
	uint32_t from = op->served[h->index];
	bool still = chain_has(&h->chain, &w->history, from); /* not lost with a fork */
	uint64_t first = still ? w->history.entries[from].seq : 0;

	if (op->served_life[h->index] != h->life)
		return;
	for (uint64_t seq = h->chain.n; seq >= first && seq > 0; seq--) {
		uint32_t at = h->chain.at[seq];
		if (w->history.entries[at].aor == op->aor && is_state(w, h, at, told))
			return;
	}
	if ((from == 0 || !still) && told->contacts == 0)
		return;
	world_fail(w, "%c tells client %d (cseq %u) of contacts %u, which it never held",
	           host_name(h), op->client, op->cseq, told->contacts);
}
