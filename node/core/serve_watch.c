/* SUBSCRIBE for the event package reg (RFC 3680, RFC 6665): who is told of an AOR's bindings. */
#include <assert.h>

#include "node/core/registration.h"
#include "node/core/watcher.h"

/* What one SUBSCRIBE is decided over. */
struct subscription {
	struct registration reg;
	struct watchers_record *all;
	const struct copy_item *item; /* NULL: nobody watches */
	struct slice tag;             /* ours: of the dialog, or of the one that begins */
	struct slice event, from;
	struct slice route[WATCHER_ROUTES_MAX];
	size_t n_routes;
	uint32_t granted_s;
};

static bool asks_for_reg(const struct sip_msg *m, struct slice *event)
{
	const struct sip_header *h = sip_find(m, HEADER_EVENT);
	const uint8_t *params;

	if (h == NULL || sip_find_next(m, h) != NULL)
		return false;
	*event = h->value;
	params = memchr(event->p, ';', event->n);
	struct slice name =
		slice_head(*event, params == NULL ? event->n : (size_t)(params - event->p));
	while (name.n > 0 && (name.p[name.n - 1] == ' ' || name.p[name.n - 1] == '\t'))
		name.n--;
	return slice_eq_nocase(name, SLICE("reg"));
}

/* E2: absent means what the package has. */
static bool accepts_reginfo(const struct sip_msg *m)
{
	const struct sip_header *h = sip_find(m, HEADER_ACCEPT);
	bool any = h != NULL;

	for (; h != NULL; h = sip_find_next(m, h)) {
		struct slice rest = h->value, type;
		while (list_next(&rest, &type)) {
			const uint8_t *params = memchr(type.p, ';', type.n);
			if (params != NULL)
				type.n = (size_t)(params - type.p);
			while (type.n > 0 && type.p[type.n - 1] == ' ')
				type.n--;
			if (slice_eq_nocase(type, SLICE("application/reginfo+xml")) ||
			    slice_eq_nocase(type, SLICE("application/*")) ||
			    slice_eq(type, SLICE("*/*")))
				return true;
		}
	}
	return !any;
}

/* What is kept becomes a line of our NOTIFYs: one line, and not endless. */
static bool may_be_kept(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] == '\r' || s.p[i] == '\n')
			return false;
	return s.n > 0 && s.n <= WATCHER_TEXT_MAX;
}

static struct denial read_routes(const struct sip_msg *m, struct subscription *s)
{
	const struct sip_header *h = sip_find(m, HEADER_RECORD_ROUTE);

	for (; h != NULL; h = sip_find_next(m, h)) {
		struct slice rest = h->value, element;
		while (list_next(&rest, &element)) {
			if (s->n_routes == WATCHER_ROUTES_MAX)
				return deny(413, SERVED_BAD, "Too Many Routes");
			if (!may_be_kept(element))
				return deny(400, SERVED_BAD, "Bad Record-Route");
			s->route[s->n_routes++] = element;
		}
	}
	return granted();
}

static struct denial read_dialog(const struct turn *t, struct subscription *s)
{
	const struct sip_header *to = sip_find(t->request, HEADER_TO);
	const struct register_request *r = s->reg.request;
	struct sip_name_addr name;
	struct sip_uri uri;

	s->from = sip_find(t->request, HEADER_FROM)->value;
	s->tag = t->answer.to_tag;
	if (r->has_to_tag &&
	    (name_addr_read(to->value, &name) != OK || !param_find(name.params, "tag", &s->tag)))
		return deny(400, SERVED_BAD, "Bad To");
	if (r->star || r->n_contacts != 1 || sip_uri_parse(r->contacts[0].addr.uri, &uri) != OK ||
	    (uri.scheme != URI_SIP && uri.scheme != URI_SIPS))
		return deny(400, SERVED_BAD, "One Contact Is Wanted");
	if (!may_be_kept(s->from) || !may_be_kept(s->event) || !may_be_kept(t->id.call_id) ||
	    !may_be_kept(r->contacts[0].addr.uri))
		return deny(400, SERVED_BAD, "A Header Cannot Be Kept");
	return read_routes(t->request, s);
}

/* E4 */
static struct denial grant_time(struct subscription *s)
{
	const struct register_request *r = s->reg.request;
	uint32_t asked = r->has_expires ? r->expires_s : WATCH_DEFAULT_S;
	uint32_t least = s->reg.policy->min_expires_s;

	s->granted_s = asked < WATCH_MAX_S ? asked : WATCH_MAX_S;
	if (asked == 0 || asked >= least || least > WATCH_MAX_S)
		return granted();
	struct denial why = deny(423, SERVED_TOO_BRIEF, NULL);
	why.min_expires_s = least;
	return why;
}

static struct denial check_subscribe(struct turn *t, struct subscription *s)
{
	struct registration *r = &s->reg;
	struct denial why = registration_read(t, r);

	if (why.status == 0 && !accepts_reginfo(t->request))
		why = deny(406, SERVED_BAD, NULL);
	if (why.status == 0)
		why = grant_time(s);
	if (why.status == 0)
		why = read_dialog(t, s);
	if (why.status == 0 && (t->in->no_room || (r->policy->digest && t->server->secrets.n == 0)))
		why = deny(503, SERVED_OVERLOAD, NULL);
	return why;
}

static struct denial read_watchers(struct turn *t, struct subscription *s)
{
	s->item = turn_get(t, TABLE_WATCHER, s->reg.request->aor);
	s->all = arena_take(t->arena, sizeof *s->all);
	if (t->out->damaged.n > 0)
		return deny(503, SERVED_OVERLOAD, NULL);
	if (s->all == NULL)
		return deny(500, SERVED_OVERLOAD, NULL);
	s->all->n = 0;
	s->all->unknown = (struct unknown_fields){0, NULL};
	if (s->item != NULL && watchers_decode(s->item->value, t->arena, s->all) != OK)
		return deny(500, SERVED_OVERLOAD, NULL);
	return granted();
}

static void respond_granted(struct turn *t, const struct subscription *s, uint32_t expires_s,
                            enum serve_outcome outcome)
{
	uint8_t room[ADDR_TEXT_MAX + 32];
	struct buf text = buf_on(room, sizeof room);

	reply_begin(&t->reply, t->request, &t->in->flow, 200, NULL, t->answer.to_tag);
	for (size_t i = 0; i < s->n_routes; i++)
		reply_header(&t->reply, "Record-Route", s->route[i]);
	buf_u64(&text, expires_s);
	reply_header(&t->reply, "Expires", buf_slice(&text));
	text = buf_on(room, sizeof room);
	put_contact_of(&text, &t->in->flow);
	reply_header(&t->reply, "Contact", buf_slice(&text));
	reply_end(&t->reply);
	turn_finish(t, outcome);
}

/* What this SUBSCRIBE says of the dialog: its target, its way and its time. */
static void follow(const struct turn *t, const struct subscription *s, struct watcher *w)
{
	const struct register_request *r = s->reg.request;

	w->target = r->contacts[0].addr.uri;
	w->cseq = r->cseq;
	w->expires = pairtime_add_s(t->in->pair, s->granted_s);
	w->received = t->out->target;
	w->local = t->in->flow.local;
	w->transport = t->in->flow.transport;
	w->connection = t->in->flow.connection;
	w->flow_reign = w->transport == TRANSPORT_UDP ? 0 : t->in->reign;
	w->gruu = r->knows_gruu;
}

static struct watcher begin_dialog(const struct turn *t, const struct subscription *s)
{
	struct watcher w = {
		.call_id = t->id.call_id,
		.local_tag = s->tag,
		.remote_tag = t->id.from_tag,
		.remote = s->from,
		.n_routes = s->n_routes,
		.event = s->event,
		.version = WATCHER_UNTOLD,
	};

	memcpy(w.route, s->route, s->n_routes * sizeof *s->route);
	return w;
}

static bool encode_watchers(struct turn *t, const struct watchers_record *all)
{
	uint8_t *memory = arena_take(t->arena, RECORD_MAX);
	struct buf to = buf_on(memory, memory == NULL ? 0 : RECORD_MAX);

	if (all->n > 0)
		watchers_encode(all, t->arena, &to);
	t->out->value = buf_slice(&to);
	t->out->deadline = t->in->pair; /* others of the record may wait for their turn */
	return memory != NULL && !to.full;
}

/* Until all that it made is logged. */
static void keep_answer(struct turn *t)
{
	uint64_t entries = (uint64_t)t->out->change + (t->out->noted.key.n > 0);

	turn_keep(t, entries > 0 ? t->in->last_seq + entries : t->out->depends_on);
}

/* E5, E14: every SUBSCRIBE is answered by the whole state, too, and by an entry that has both. `kept`: the
 * watcher is in the record, not one of a fetch. */
static void tell(struct turn *t, struct subscription *s, struct watcher *w, bool kept)
{
	bool ends = s->granted_s == 0;
	const struct watch_news news = {
		.aor = s->reg.request->aor,
		.record = s->reg.record,
		.gruus = turn_gruus(t),
		.now = t->in->pair,
		.reign = t->in->reign,
		.random = t->in->random,
		.restored = t->in->restored,
	};
	struct notify notify;

	follow(t, s, w);
	if (!watcher_notify(&news, w, ends ? NOTIFY_LAST : NOTIFY_FULL, t->arena, &notify)) {
		turn_respond(t, 500, SERVED_OVERLOAD, NULL);
		return;
	}
	if (ends && kept)
		watchers_take_out(s->all, w);
	if (!encode_watchers(t, s->all) || !registration_note_nonce(t, &s->reg)) {
		turn_respond(t, 413, SERVED_BAD, "Subscription Too Large");
		return;
	}
	respond_granted(t, s, s->granted_s, SERVED_SUBSCRIBED);
	if (t->out->reply.n == 0)
		return;
	t->out->notify = notify;
	t->out->change = kept;
	t->out->table = TABLE_WATCHER;
	t->out->key = s->reg.request->aor;
	if (ends) /* nothing that is stored tells a retransmission */
		keep_answer(t);
}

static void subscribe(struct turn *t, struct subscription *s)
{
	struct watcher fresh = begin_dialog(t, s);

	if (s->granted_s == 0) { /* a fetch leaves nothing behind */
		tell(t, s, &fresh, false);
		return;
	}
	if (s->all->n == WATCHERS_MAX) {
		turn_respond(t, 403, SERVED_FORBIDDEN, "Too Many Watchers");
		return;
	}
	struct watcher *w = &s->all->watchers[s->all->n++];
	*w = fresh;
	tell(t, s, w, true);
}

/* A retransmission: it is answered by what is stored, and the NOTIFY is on its way. */
static void repeat(struct turn *t, const struct subscription *s, const struct watcher *w)
{
	int64_t left_ms = w->expires.ms > t->in->pair.ms ? w->expires.ms - t->in->pair.ms : 0;

	t->answer.to_tag = w->local_tag;
	t->out->outcome = SERVED_REPEATED;
	if (s->item->seq <= t->in->released)
		respond_granted(t, s, (uint32_t)((left_ms + 999) / 1000), SERVED_REPEATED);
}

/* The dialog that this very SUBSCRIBE began, whose tag was made with a secret that is not the newest now. */
static struct watcher *begun_before(const struct turn *t, const struct subscription *s)
{
	for (size_t i = 0; i < s->all->n; i++) {
		struct watcher *w = &s->all->watchers[i];
		if (slice_eq(w->call_id, t->id.call_id) &&
		    slice_eq(w->remote_tag, t->id.from_tag) && w->cseq == s->reg.request->cseq)
			return w;
	}
	return NULL;
}

static void decide(struct turn *t, struct subscription *s)
{
	const struct registration *reg = &s->reg;
	const struct register_request *r = reg->request;
	struct watcher *w = watchers_find(s->all, t->id.call_id, s->tag);

	if (w == NULL && !r->has_to_tag)
		w = begun_before(t, s);
	bool strange = w == NULL ? r->has_to_tag : !slice_eq(w->remote_tag, t->id.from_tag);

	if (strange)
		turn_respond(t, 481, SERVED_NOT_FOUND, NULL);
	else if (w != NULL && w->cseq == r->cseq)
		repeat(t, s, w);
	else if (reg->policy->digest &&
	         nonce_replayed(reg->record, reg->given.nonce, reg->given.nc))
		registration_challenge(t, reg, true);
	else if (w == NULL)
		subscribe(t, s);
	else if (r->cseq < w->cseq)
		turn_respond(t, 500, SERVED_BAD, "Old CSeq");
	else
		tell(t, s, w, true);
}

/* E3. Who has shown a password for it exists, and gets a record for that; where nobody is asked, whoever
 * has registered. */
static struct denial check_known(const struct turn *t, const struct subscription *s)
{
	const struct registration *r = &s->reg;

	if (r->policy->digest == OFFER_NOTHING && r->item == NULL && s->item == NULL)
		return deny(404, SERVED_NOT_FOUND, NULL);
	if (r->policy->digest != OFFER_NOTHING && r->item == NULL &&
	    turn_domain_is_full(t, r->policy))
		return deny(503, SERVED_FULL, NULL);
	return granted();
}

static void subscribe_on_record(struct turn *t, struct subscription *s)
{
	struct registration *r = &s->reg;

	r->record = turn_read_aor(t, r->request->aor, &r->item);
	if (r->record == NULL) {
		turn_respond(t, t->out->damaged.n > 0 ? 503 : 500, SERVED_OVERLOAD, NULL);
		return;
	}
	if (r->policy->digest && !registration_authenticate(t, r))
		return;
	struct denial why = read_watchers(t, s);
	if (why.status == 0)
		why = check_known(t, s);
	if (why.status != 0)
		turn_respond_denied(t, &why);
	else
		decide(t, s);
}

/* E1. A user's own phone may know other events. */
static bool goes_to_the_user(const struct turn *t)
{
	struct sip_uri uri;
	const struct domain_policy *policy;

	if (sip_uri_parse(t->request->request_uri, &uri) != OK || uri.user.n == 0)
		return false;
	policy = turn_find_domain(t, &uri);
	return policy != NULL && policy->redirect;
}

void serve_subscribe(struct turn *t)
{
	struct subscription s = {.reg = {.request = arena_take(t->arena, sizeof *s.reg.request)}};

	if (!asks_for_reg(t->request, &s.event)) {
		if (goes_to_the_user(t))
			serve_locate(t);
		else
			turn_respond(t, 489, SERVED_BAD, NULL);
		return;
	}
	struct denial why = s.reg.request == NULL ? deny(500, SERVED_OVERLOAD, NULL)
	                                          : check_subscribe(t, &s);
	if (why.status != 0)
		turn_respond_denied(t, &why);
	else if (registration_knocks(t, &s.reg))
		registration_challenge(t, &s.reg, false);
	else
		subscribe_on_record(t, &s);
}
