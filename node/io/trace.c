#include "node/io/trace.h"

#include <stdlib.h>
#include <time.h>

#include "proto/sip/header.h"
#include "proto/sip/message.h"
#include "proto/sip/uri.h"

struct trace {
	char nap[NAP_NAME_MAX + 1]; /* "": it is a user's */
	size_t at;                  /* where the NAP stood last */
	struct buf aor;             /* its canonical form; n == 0: a NAP without one */
	uint8_t aor_room[SIP_AOR_MAX];
	uint64_t messages, dropped;
};

/* --- whose --- */

static bool find_nap(struct trace *t, const struct loop *l, const char *name, struct nap_view *view)
{
	const struct node *node = loop_node(l);

	if (node_nap_view(node, t->at, loop_now(l), view) && slice_eq(view->name, slice_str(name)))
		return true;
	for (t->at = 0; node_nap_view(node, t->at, loop_now(l), view); t->at++)
		if (slice_eq(view->name, slice_str(name)))
			return true;
	return false;
}

static bool take_aor(struct trace *t, struct slice text)
{
	uint8_t room[SIP_AOR_MAX + 8];
	struct buf whole = buf_on(room, sizeof room);
	struct sip_uri uri;

	t->aor = buf_on(t->aor_room, sizeof t->aor_room);
	if (memchr(text.p, ':', text.n) == NULL)
		buf_str(&whole, "sip:");
	buf_put(&whole, text);
	return !whole.full && sip_uri_parse(buf_slice(&whole), &uri) == OK && uri.user.n > 0 &&
	       sip_aor(&uri, &t->aor) == OK;
}

static bool take_nap(struct trace *t, const struct loop *l, const char *name)
{
	const struct config *c = loop_config(l);
	struct nap_view view;

	if (strlen(name) > NAP_NAME_MAX || !find_nap(t, l, name, &view))
		return false;
	(void)snprintf(t->nap, sizeof t->nap, "%s", name);
	for (size_t i = 0; i < c->nap_count; i++)
		if (strcmp(c->naps[i].name, name) == 0 &&
		    !take_aor(t, slice_str(c->naps[i].address_to_register)))
			t->aor.n = 0;
	return true;
}

struct trace *trace_open(const struct loop *l, const char *who)
{
	struct trace *t = calloc(1, sizeof *t);

	if (t == NULL)
		abort();
	if (!take_nap(t, l, who) && !take_aor(t, slice_str(who)))
		trace_close(&t);
	return t;
}

void trace_close(struct trace **t)
{
	free(*t);
	*t = NULL;
}

/* --- which --- */

/* "sip:alice@" of "sip:alice@example.com" */
static struct slice user_part(struct slice aor)
{
	size_t n = aor.n;

	while (n > 0 && aor.p[n - 1] != '@')
		n--;
	return slice_head(aor, n);
}

/* Who registers with this system's address in the place of the domain, or is asked at his own. */
static bool names(const struct trace *t, struct slice uri_text)
{
	struct slice ours = buf_slice(&t->aor);
	uint8_t room[SIP_AOR_MAX];
	struct buf aor = buf_on(room, sizeof room);
	struct sip_uri uri;
	struct addr address;

	if (ours.n == 0 || sip_uri_parse(uri_text, &uri) != OK || sip_aor(&uri, &aor) != OK)
		return false;
	if (slice_eq(buf_slice(&aor), ours))
		return true;
	return t->nap[0] == '\0' && addr_parse(uri.host, &address) &&
	       slice_eq(user_part(buf_slice(&aor)), user_part(ours));
}

static bool header_names(const struct trace *t, const struct sip_msg *m, enum sip_header_id id)
{
	const struct sip_header *h = sip_find(m, id);
	struct sip_name_addr party;

	return h != NULL && name_addr_read(h->value, &party) == OK && names(t, party.uri);
}

/* Of a response, too, by its CSeq: is it about one registration? Then From and To tell whose. */
static bool about_registration(const struct sip_msg *m)
{
	static const char *const methods[] = {"REGISTER", "SUBSCRIBE", "NOTIFY"};
	const struct sip_header *cseq = sip_find(m, HEADER_CSEQ);
	struct slice rest = cseq != NULL ? cseq->value : SLICE("");

	while (rest.n > 0 && (rest.p[0] < 'A' || rest.p[0] > 'Z'))
		rest = slice_from(rest, 1);
	for (size_t i = 0; i < ARRAY_LEN(methods); i++)
		if (slice_eq(rest, slice_str(methods[i])))
			return true;
	return false;
}

/* "192.0.2.9:5060 UDP" */
static bool is_target(struct slice target, const struct addr *remote)
{
	const uint8_t *space = memchr(target.p, ' ', target.n);
	struct addr address;

	return space != NULL &&
	       addr_parse(slice_head(target, (size_t)(space - target.p)), &address) &&
	       addr_same_ip(&address, remote);
}

bool trace_wants(struct trace *t, const struct loop *l, const struct trace_message *m)
{
	struct nap_view view;
	struct sip_msg message;

	if (sip_parse(m->bytes, &message) != OK)
		return false;
	if (header_names(t, &message, HEADER_FROM) || header_names(t, &message, HEADER_TO))
		return true;
	if (t->nap[0] == '\0')
		return message.is_request && names(t, message.request_uri);
	return (t->aor.n == 0 || !about_registration(&message)) && find_nap(t, l, t->nap, &view) &&
	       is_target(view.target, &m->flow.remote);
}

/* --- told --- */

static json_t *address_of(const struct addr *a)
{
	uint8_t room[ADDR_TEXT_MAX];
	struct buf to = buf_on(room, sizeof room);

	addr_put(&to, a);
	return json_stringn((const char *)room, to.n);
}

static json_t *hex_of(struct slice bytes)
{
	size_t room = 2 * bytes.n + 1;
	uint8_t *text = malloc(room);

	if (text == NULL)
		abort();
	struct buf to = buf_on(text, room);
	buf_hex(&to, bytes);
	json_t *hex = json_stringn_nocheck((const char *)text, to.n);
	free(text);
	return hex;
}

json_t *trace_line(struct trace *t, const struct trace_message *m)
{
	const struct flow *f = &m->flow;
	struct timespec now;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	t->messages++;
	return json_pack("{ss sI ss so so sI so}", "event", "message", "wall_us",
	                 (json_int_t)now.tv_sec * 1000000 + now.tv_nsec / 1000, "transport",
	                 transport_name(f->transport), "from",
	                 address_of(m->out ? &f->local : &f->remote), "to",
	                 address_of(m->out ? &f->remote : &f->local), "dropped",
	                 (json_int_t)t->dropped, "bytes", hex_of(m->bytes));
}

void trace_drop(struct trace *t)
{
	t->dropped++;
}

json_t *trace_counts(const struct trace *t)
{
	return json_pack("{sI sI}", "messages", (json_int_t)t->messages, "dropped",
	                 (json_int_t)t->dropped);
}
