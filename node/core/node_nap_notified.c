/* A NOTIFY of a registrar: it is read, answered, and obeyed (RFC 3680 5, 6). */
#include "node/core/nap_desk.h"
#include "node/core/reginfo_read.h"
#include "proto/sip/header.h"
#include "proto/sip/reply.h"

enum { REPLY_MAX = 4096 };

static struct slice header_named(const struct sip_msg *m, struct slice name)
{
	for (size_t i = 0; i < m->n_headers; i++)
		if (slice_eq_nocase(m->headers[i].name, name))
			return m->headers[i].value;
	return (struct slice){NULL, 0};
}

/* A value without its parameters. */
static struct slice bare(struct slice value)
{
	size_t n = 0;

	while (n < value.n && value.p[n] != ';' && value.p[n] != ' ' && value.p[n] != '\t')
		n++;
	return slice_head(value, n);
}

static struct slice bare_of(const struct sip_msg *m, enum sip_header_id id)
{
	const struct sip_header *h = sip_find(m, id);

	return h == NULL ? (struct slice){NULL, 0} : bare(h->value);
}

/* n == 0: it is in no dialog at all. */
static struct slice own_tag(const struct sip_msg *m)
{
	const struct sip_header *to = sip_find(m, HEADER_TO);
	struct slice tag = {NULL, 0};
	struct sip_name_addr party;

	if (to != NULL && name_addr_read(to->value, &party) == OK)
		(void)param_find(party.params, "tag", &tag);
	return tag;
}

static bool is_of_dialog(const struct nap_reg *g, const struct sip_msg *m)
{
	uint8_t room[BUF_HEX64];
	struct buf name = buf_on(room, sizeof room);
	const struct sip_header *call_id = sip_find(m, HEADER_CALL_ID);

	buf_hex64(&name, g->dialog);
	return g->dialog != 0 && slice_eq(call_id->value, buf_slice(&name)) &&
	       slice_eq(own_tag(m), buf_slice(&name));
}

static struct nap *nap_of_dialog(const struct node *n, const struct sip_msg *m)
{
	for (size_t i = 0; i < n->naps.n; i++)
		if (is_of_dialog(&n->naps.at[i]->reg, m))
			return n->naps.at[i];
	return NULL;
}

/* --- what it says --- */

/* 0: nothing is wrong with it. */
static uint16_t read_body(struct node *n, struct nap *p, const struct sip_msg *m,
                          struct reginfo_said *said)
{
	const struct nap_record *r = nap_load(n, p);

	*said = (struct reginfo_said){.word = REGINFO_NOTHING};
	if (!slice_eq_nocase(bare_of(m, HEADER_EVENT), SLICE("reg")))
		return 489;
	if (m->body.n == 0)
		return 0;
	if (!slice_eq_nocase(bare_of(m, HEADER_CONTENT_TYPE), SLICE("application/reginfo+xml")))
		return 415;
	if (r == NULL)
		return 500;
	return reginfo_read(m->body, r->aor, r->contact, said) == OK ? 0 : 400;
}

/* C45 */
static void obey(struct node *n, struct nap *p, const struct reginfo_said *said)
{
	struct nap_input in = {.event = NAP_ENDED, .why = SLICE("ended by the registrar")};
	uint32_t s = said->retry_after_s;

	if (said->word == REGINFO_NOTHING || said->word == REGINFO_ACTIVE || p->for_register ||
	    p->attempt.on_its_way)
		return; /* what is on its way binds anew */
	if (said->word == REGINFO_REJECTED) {
		in.why = SLICE("rejected by the registrar");
		in.rests_ms = -1;
	} else if (said->word == REGINFO_PROBATION) {
		in.why = SLICE("put on probation by the registrar");
		s = s < NAP_RETRY_AFTER_MAX_S ? s : NAP_RETRY_AFTER_MAX_S;
		in.rests_ms = said->has_retry_after ? (int64_t)1000 * s : -1;
	}
	nap_act(n, p, &in);
}

static void answer(struct node *n, const struct node_input *in, const struct sip_msg *m,
                   uint16_t status)
{
	uint8_t *memory = arena_take(&n->arena, REPLY_MAX);
	struct buf to = buf_on(memory, memory == NULL ? 0 : REPLY_MAX);

	reply_begin(&to, m, &in->flow, status, NULL, (struct slice){NULL, 0});
	if (status == 415)
		reply_header(&to, "Accept", SLICE("application/reginfo+xml"));
	if (status == 489)
		reply_header(&to, "Allow-Events", SLICE("reg"));
	reply_end(&to);
	if (status >= 400)
		n->outcomes[SERVED_BAD]++;
	struct node_output o = {.kind = OUT_MESSAGE,
	                        .flow = in->flow,
	                        .target = reply_target(m, &in->flow),
	                        .bytes = buf_slice(&to)};
	if (!to.full)
		node_hold(n, n->last_seq, &o); /* what it changed is logged first */
}

static void notified(struct node *n, struct nap *p, const struct node_input *in,
                     const struct sip_msg *m)
{
	const struct sip_header *h = sip_find(m, HEADER_CSEQ);
	struct sip_cseq cseq;
	struct reginfo_said said;

	if (cseq_read(h->value, &cseq) != OK || cseq.number < p->reg.heard) {
		answer(n, in, m, 500); /* RFC 3261 12.2.2 */
		return;
	}
	uint16_t status = read_body(n, p, m, &said);
	bool again = cseq.number == p->reg.heard;
	struct slice state = bare(header_named(m, SLICE("Subscription-State")));
	if (status == 0 && !again) {
		p->reg.heard = cseq.number;
		obey(n, p, &said);
	}
	answer(n, in, m, status == 0 ? 200 : status);
	if (status == 0 && slice_eq_nocase(state, SLICE("terminated")) && p->reg.dialog != 0) {
		nap_reg_end(n, p);
		p->reg.state = REG_REFUSED;
	}
}

bool node_nap_notified(struct node *n, const struct node_input *in)
{
	const char *why;
	struct sip_msg *m;

	if (n->naps.n == 0 || !slice_eq(slice_head(in->bytes, 7), SLICE("NOTIFY ")))
		return false;
	m = arena_take(&n->arena, sizeof *m);
	if (m == NULL || sip_parse(in->bytes, m) != OK || sip_check(m, &why) != 0 ||
	    own_tag(m).n == 0)
		return false;
	struct nap *p = nap_of_dialog(n, m);
	if (p == NULL)
		answer(n, in, m, 481);
	else if (addr_same_ip(&in->flow.remote, &p->reg.at))
		notified(n, p, in, m);
	else
		n->outcomes[SERVED_NOTHING]++;
	return true;
}
