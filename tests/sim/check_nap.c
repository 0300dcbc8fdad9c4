/* A provider sees one client: one Call-ID, a CSeq that rises, nothing that is not in an entry, whichever
 * node is active. */
#include <stdlib.h>

#include "tests/sim/check.h"
#include "tests/sim/provider.h"
#include "tests/sim/text.h"

enum { BOUND_MS = 20 * 1000 };

void nap_check_free(struct trunks *t)
{
	free(t->noted);
	free(t->sent);
}

int nap_of(struct slice key)
{
	char text[16];
	const char *at = text;

	(void)snprintf(text, sizeof text, SLICE_FMT, SLICE_ARG(slice_head(key, 15)));
	int nap = (int)message_number(&at, "nap");
	return nap < PROVIDERS ? nap : -1;
}

/* --- what is logged --- */

static const struct nap_noted *noted_at(const struct world *w, uint32_t entry)
{
	static const struct nap_noted nothing = {.call = 0};
	uint32_t number = w->history.entries[entry].noted;

	return number == 0 ? &nothing : &w->trunks.noted[number];
}

static struct nap_noted *new_noted(struct world *w)
{
	struct trunks *t = &w->trunks;

	if (t->n_noted + 1 >= t->noted_room) {
		t->noted_room = t->noted_room == 0 ? 64 : 2 * t->noted_room;
		t->noted = more_memory(t->noted, t->noted_room * sizeof *t->noted);
	}
	struct nap_noted *to = &t->noted[++t->n_noted];
	*to = (struct nap_noted){.nap = -1};
	return to;
}

static bool read_record(struct world *w, struct slice value, struct nap_noted *to)
{
	struct arena arena = world_scratch(w);
	struct nap_record *r = arena_take(&arena, sizeof *r);

	if (value.n == 0)
		return true;
	if (nap_decode(value, &arena, r) != OK)
		return false;
	to->call = r->call_id.n > 0 ? onlooker_hash(r->call_id) : 0;
	to->cseq = r->cseq;
	to->phase = r->phase;
	for (size_t i = 0; i < r->n_challenges; i++)
		to->counted += r->challenges[i].nc;
	return true;
}

/* Of two sides of a fork the one goes on that was seen with the higher CSeq. */
static void check_joined(struct world *w, const struct host *h, const struct nap_noted *is,
                         uint32_t handed_in)
{
	const struct nap_noted *theirs = noted_at(w, handed_in);

	if (theirs->call == 0 || chain_has(&h->chain, &w->history, handed_in))
		return;
	if (is->cseq < theirs->cseq)
		world_fail(w, "%c merges nap%d's CSeq %u to %u", host_name(h), theirs->nap,
		           theirs->cseq, is->cseq);
}

static int64_t bound_ms_of(const struct world *w, int nap)
{
	int factor = w->trunks.providers[nap].dead ? 4 : 2;

	return BOUND_MS + factor * w->trunks.options[nap].timeout_ms;
}

/* It is not configured, or was not lately: what was begun then is brought to its end. */
static bool may_go(const struct world *w, int nap)
{
	const struct provider *p = &w->trunks.providers[nap];

	return p->gone || (p->back_at > 0 && w->now <= p->back_at + bound_ms_of(w, nap));
}

void nap_check_entry(struct world *w, struct host *h, uint32_t entry, struct slice value)
{
	struct history_entry *e = &w->history.entries[entry];
	struct nap_noted *is = new_noted(w);

	is->nap = e->nap;
	e->noted = (uint32_t)w->trunks.n_noted;
	if (e->nap < 0 || e->nap >= w->trunks.n || !read_record(w, value, is)) {
		world_fail(w, "%c logs a NAP that cannot be read", host_name(h));
		return;
	}
	e->before = h->chain.nap[e->nap];
	const struct nap_noted *was = noted_at(w, e->before);
	bool merged = e->kind == ENTRY_MERGE;
	bool anew = is->phase != NAP_REGISTERED && may_go(w, e->nap); /* nothing was bound */
	if (was->call != 0 && is->call != was->call && !merged && !anew)
		world_fail(w, "%c gives nap%d another Call-ID", host_name(h), e->nap);
	if (is->cseq < was->cseq && !anew)
		world_fail(w, "%c logs CSeq %u of nap%d behind %u", host_name(h), is->cseq, e->nap,
		           was->cseq);
	if (merged)
		check_joined(w, h, is, w->handed_in_naps[e->nap]);
}

void nap_check_merged(struct world *w, const struct host *h)
{
	for (int i = 0; i < w->trunks.n && !w->failed; i++)
		check_joined(w, h, noted_at(w, h->chain.nap[i]), w->handed_in_naps[i]);
}

/* --- what leaves --- */

/* The first entry that says that it is on its way; 0: there is none. To the next target goes the same CSeq,
 * counted on, by an entry of its own. */
static uint32_t entry_of(const struct world *w, const struct host *h, const struct nap_sent *s)
{
	uint32_t found = 0;
	uint64_t counted = 0;

	for (uint32_t at = h->chain.nap[s->nap]; at != 0; at = w->history.entries[at].before) {
		const struct nap_noted *n = noted_at(w, at);
		bool on_its_way = n->phase == NAP_REGISTERING || n->phase == NAP_UNREGISTERING;
		bool is_it = n->call == s->call && n->cseq == s->cseq && on_its_way;
		if (is_it && found == 0)
			counted = n->counted;
		if (is_it && n->counted == counted)
			found = at;
		if (n->cseq < s->cseq)
			break;
	}
	return found;
}

static void remember(struct world *w, const struct nap_sent *s)
{
	struct trunks *t = &w->trunks;

	if (t->n_sent == t->sent_room) {
		t->sent_room = t->sent_room == 0 ? 64 : 2 * t->sent_room;
		t->sent = more_memory(t->sent, t->sent_room * sizeof *t->sent);
	}
	t->sent[t->n_sent++] = *s;
}

/* Is it anywhere where it is not forgotten? */
static bool is_kept(const struct world *w, uint32_t entry)
{
	for (int i = 0; i < HOSTS; i++)
		if (chain_has(&w->hosts[i].chain, &w->history, entry))
			return true;
	return w->history.entries[entry].set_aside;
}

/* Of two sides of a fork one Call-ID remains, and what one side knows of the nonce. */
static bool is_merged_since(const struct world *w, const struct host *h, const struct nap_sent *b)
{
	uint64_t seq = w->history.entries[b->entry].seq;

	for (uint32_t at = h->chain.nap[b->nap]; w->history.entries[at].seq > seq;
	     at = w->history.entries[at].before)
		if (w->history.entries[at].kind == ENTRY_MERGE)
			return true;
	return false;
}

/* It was taken out of the configuration and away from the provider: what follows begins anew. */
static bool is_erased_since(const struct world *w, const struct host *h, const struct nap_sent *b)
{
	uint64_t seq = w->history.entries[b->entry].seq;

	for (uint32_t at = h->chain.nap[b->nap]; w->history.entries[at].seq > seq;
	     at = w->history.entries[at].before)
		if (noted_at(w, at)->call == 0)
			return true;
	return false;
}

static void check_against(struct world *w, const struct host *h, const struct nap_sent *s,
                          const struct nap_sent *b)
{
	bool ours = chain_has(&h->chain, &w->history, b->entry);
	/* What a node lost with its own disk it may do again; the two sides never do the same. */
	bool forgotten = !ours && (b->host == h->index || !is_kept(w, b->entry));
	bool same_call = b->call == s->call, same = b->cseq == s->cseq;

	bool merged = ours && is_merged_since(w, h, b);

	if (ours && is_erased_since(w, h, b))
		return;
	if (ours && !merged && !same_call)
		world_fail(w, "%c registers nap%d under another Call-ID", host_name(h), s->nap);
	else if (ours && b->cseq > s->cseq)
		world_fail(w, "%c sends CSeq %u of nap%d behind %u", host_name(h), s->cseq, s->nap,
		           b->cseq);
	else if (same_call && same && !forgotten && b->hash != s->hash &&
	         addr_eq(&b->target, &s->target))
		world_fail(w, "%c sends two things as CSeq %u of nap%d", host_name(h), s->cseq,
		           s->nap);
	else if (ours && !merged && !same && s->nonce != 0 && b->nonce == s->nonce &&
	         b->nc >= s->nc && s->nc != 0)
		world_fail(w, "%c counts nap%d's nonce to %u behind %u", host_name(h), s->nap,
		           s->nc, b->nc);
}

static struct nap_sent read_sent(const struct node_output *o, uint32_t *expires_s)
{
	char text[TEXT_MAX], word[PROVIDER_TEXT];
	struct nap_sent s = {.nap = provider_at(&o->target),
	                     .target = o->target,
	                     .hash = onlooker_hash(o->bytes)};

	(void)snprintf(text, sizeof text, SLICE_FMT, SLICE_ARG(o->bytes));
	text_copy(word, sizeof word, text_behind(text, "\r\nCall-ID: "), "\r");
	s.call = onlooker_hash(slice_str(word));
	s.cseq = (uint32_t)text_number(text, "\r\nCSeq: ");
	*expires_s = (uint32_t)text_number(text, ";expires=");
	text_copy(word, sizeof word, text_behind(text, " nonce=\""), "\"");
	s.nonce = strtoull(word, NULL, 16);
	text_copy(word, sizeof word, text_behind(text, " nc="), ",\r");
	s.nc = (uint32_t)strtoul(word, NULL, 16);
	return s;
}

static void check_register(struct world *w, struct host *h, const struct node_output *o)
{
	uint32_t expires_s;
	struct nap_sent s = read_sent(o, &expires_s);
	bool again = false;

	s.host = h->index;
	s.entry = entry_of(w, h, &s);
	if (s.entry == 0)
		world_fail(w, "%c registers nap%d by CSeq %u, which is in no entry", host_name(h),
		           s.nap, s.cseq);
	else if (expires_s == 0 && !may_go(w, s.nap))
		world_fail(w, "%c takes nap%d's binding away", host_name(h), s.nap);
	if (w->failed)
		return;
	for (size_t i = 0; i < w->trunks.n_sent && !w->failed; i++) {
		const struct nap_sent *b = &w->trunks.sent[i];
		if (b->nap != s.nap)
			continue;
		check_against(w, h, &s, b);
		again = again || (b->entry == s.entry && b->hash == s.hash);
	}
	if (again)
		return;
	(void)check_committed(w, h, s.entry, "registers by");
	remember(w, &s);
}

void nap_check_message(struct world *w, struct host *h, const struct node_output *o)
{
	if (provider_at(&o->target) >= w->trunks.n)
		world_fail(w, "%c registers where nobody is", host_name(h));
	else if (slice_eq(slice_head(o->bytes, 9), SLICE("REGISTER ")))
		check_register(w, h, o);
}

/* --- whether all are registered --- */

static const struct host *server(const struct world *w)
{
	const struct host *found = NULL;

	for (int i = 0; i < HOSTS; i++) {
		const struct host *h = &w->hosts[i];
		bool serves = h->loaded && h->role == ROLE_ACTIVE && node_serves(h->node);
		if (serves && found != NULL)
			return NULL;
		if (serves)
			found = h;
	}
	return found;
}

/* Nothing is in the way between who is active and this provider. */
static bool is_healthy(const struct world *w, const struct provider *p)
{
	enum { MUCH_PPM = 160000 };
	const struct host *h = server(w);
	const struct client *c = &w->clients[p->index % w->n_clients];

	return h != NULL && h->vrrp.address && c->arp == h->index && !c->cut[h->index] &&
	       !p->gone && w->now >= p->down_until && w->now >= w->trunks.dns_down_until &&
	       w->loss_ppm < MUCH_PPM && h->paused_until <= w->now && h->starved_until <= w->now &&
	       !h->disk.hangs && !h->disk.room_low && !h->disk.broken &&
	       h->disk.slow_until <= w->now;
}

static bool is_settled(const struct world *w, int nap)
{
	const struct host *h = server(w);
	const struct nap_noted *n = h != NULL ? noted_at(w, h->chain.nap[nap]) : NULL;
	const struct provider *p = &w->trunks.providers[nap];

	return n != NULL && n->phase == NAP_REGISTERED && provider_is_bound(w, nap) &&
	       n->call == onlooker_hash(slice_str(p->call)) && n->cseq == p->cseq;
}

bool nap_all_bound(struct world *w)
{
	bool all = true;

	for (int i = 0; i < w->trunks.n; i++) {
		struct provider *p = &w->trunks.providers[i];
		int64_t bound_ms = bound_ms_of(w, i);
		if (!is_healthy(w, p))
			p->healthy_since = w->now;
		if (!provider_is_bound(w, i) && w->now > p->healthy_since + bound_ms &&
		    w->now > p->bound_until + bound_ms)
			world_fail(w,
			           "nap%d is not registered, and nothing was in its way for %lld s",
			           i, (long long)bound_ms / 1000);
		all = all && is_settled(w, i);
	}
	return all;
}
