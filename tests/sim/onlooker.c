#include "tests/sim/onlooker.h"

#include <assert.h>

#include "tests/sim/check.h"
#include "tests/sim/text.h"

enum { T1_MS = 500, T2_MS = 4000, PORT = 5070 };

struct addr onlooker_address(int index)
{
	struct addr a = message_address(index);

	a.port = PORT;
	return a;
}

uint64_t onlooker_hash(struct slice text)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325); /* FNV-1a */

	for (size_t i = 0; i < text.n; i++)
		hash = (hash ^ text.p[i]) * UINT64_C(0x100000001b3);
	return hash;
}

static struct onlooker *onlooker_at(struct world *w, int index)
{
	return &w->watching.onlookers[index];
}

static void set_timer(struct world *w, int index, int64_t ms)
{
	world_at(w, ms, EVENT_ONLOOKER, index)->number = ++onlooker_at(w, index)->timer;
}

void onlooker_plan(struct world *w)
{
	bool any = w->script.scenario != NULL ? w->watched : world_chance(w, 500000);

	for (int i = 0; i < w->n_clients; i++) {
		struct onlooker *o = onlooker_at(w, i);
		*o = (struct onlooker){.there = any && (w->watched || world_chance(w, 500000)),
		                       .mute = !w->watched && world_chance(w, 100000)};
		if (o->there)
			set_timer(w, i, world_draw(w, 2000, 8000));
	}
}

/* --- what it reads, by code that knows nothing of the project's parser --- */

static uint32_t read_contacts(const char *text)
{
	uint32_t contacts = 0;

	for (const char *c = text_behind(text, "<contact "); c != NULL;
	     c = text_behind(c, "<contact ")) {
		const char *end = text_behind(c, "</contact>"),
			   *state = strstr(c, "state=\"active\"");
		const char *uri = strstr(c, "<uri>sip:c");
		long client = message_number(&uri, "<uri>sip:c");
		long contact = message_number(&uri, "-");
		if (state != NULL && state < end && client >= 0 && contact >= 0)
			contacts |= 1U << ((unsigned)client * CONTACTS_MAX + (unsigned)contact);
	}
	return contacts;
}

bool onlooker_read(struct slice text, struct onlooker_told *out)
{
	char room[4 * TEXT_MAX * 2];
	const char *from = room, *call = NULL;

	static const char ours[] = "\r\nCall-ID: w";
	*out = (struct onlooker_told){.status = 0};
	if (memmem(text.p, text.n, ours, sizeof ours - 1) == NULL)
		return false;
	(void)snprintf(room, sizeof room, SLICE_FMT, SLICE_ARG(text));
	out->notify = strncmp(room, "NOTIFY ", 7) == 0;
	call = strstr(room, "\r\nCall-ID: w");
	out->status = (int)message_number(&from, "SIP/2.0 ");
	out->onlooker = (int)message_number(&call, "\r\nCall-ID: w");
	out->call = (unsigned)message_number(&call, "-");
	out->cseq = (uint32_t)text_number(room, "\r\nCSeq: ");
	if (call == NULL || out->onlooker < 0 || (!out->notify && out->status < 0))
		return false;
	const char *who = text_behind(room, out->notify ? "\r\nFrom: " : "\r\nTo: ");
	text_copy(out->tag, sizeof out->tag, text_behind(who, ">;tag="), "\r;");
	text_copy(out->nonce, sizeof out->nonce, text_behind(room, "nonce=\""), "\"");
	out->terminated = strstr(room, "\r\nSubscription-State: terminated") != NULL;
	out->expires_s = (uint32_t)text_number(room, "\r\nExpires: ");
	out->version = (uint32_t)text_number(room, "reginfo\" version=\"");
	out->contacts = read_contacts(room);
	return true;
}

/* --- what it sends --- */

static void put_on_wire(struct world *w, int index, int op, struct slice bytes)
{
	const struct client *c = &w->clients[index];

	if (c->cut[c->arp] || world_chance(w, w->loss_ppm))
		return;
	int64_t delay = world_chance(w, w->slow_ppm) ? world_draw(w, 1, NET_LONGEST_MS)
	                                             : world_draw(w, 0, w->delay_ms);
	struct event *e = world_at(w, delay, EVENT_REQUEST, index);
	e->op = op;
	e->number = (uint64_t)c->arp;
	e->life = (uint64_t)(w->now + NET_LONGEST_MS);
	e->bytes = take_memory(bytes.n);
	memcpy(e->bytes, bytes.p, bytes.n);
	e->n = bytes.n;
}

static void transmit(struct world *w, int index)
{
	uint8_t room[TEXT_MAX];
	struct buf text = buf_on(room, sizeof room);
	struct onlooker *o = onlooker_at(w, index);

	message_write_subscribe(w, index, &text);
	assert(!text.full);
	put_on_wire(w, index, OP_SUBSCRIBE, buf_slice(&text));
	if (world_chance(w, w->dup_ppm))
		put_on_wire(w, index, OP_SUBSCRIBE, buf_slice(&text));
	set_timer(w, index, o->retransmit_ms);
	o->retransmit_ms = o->retransmit_ms * 2 < T2_MS ? o->retransmit_ms * 2 : T2_MS;
}

static void subscribe(struct world *w, int index)
{
	struct onlooker *o = onlooker_at(w, index);

	o->cseq++;
	o->nc++;
	o->waits = true;
	o->goes_on = o->tag[0] != '\0';
	o->retransmit_ms = T1_MS;
	o->give_up_at = w->now + world_draw(w, 4, 12) * 1000;
	world_say(w, 'w', "%d subscribes for %u s call=%u cseq=%u%s to %c", index, o->expires_s,
	          o->call, o->cseq, o->tag[0] != '\0' ? " again" : "", 'A' + w->clients[index].arp);
	transmit(w, index);
}

/* The dialog is over, or was lost: the next one has another Call-ID. */
static void start_anew(struct world *w, int index)
{
	struct onlooker *o = onlooker_at(w, index);

	o->waits = false;
	o->tag[0] = '\0';
	o->call++;
	o->cseq = (uint32_t)world_draw(w, 0, 20);
	o->seen = o->shown = o->entry = 0;
	set_timer(w, index, world_draw(w, 100, 5000));
}

void onlooker_on_timer(struct world *w, const struct event *e)
{
	static const uint32_t lifetimes[] = {20, 40, 60, 300};
	struct onlooker *o = onlooker_at(w, e->who);

	if (e->number != o->timer)
		return;
	if (o->waits && w->now < o->give_up_at) {
		transmit(w, e->who);
	} else if (o->waits) {
		world_say(w, 'w', "%d gives up on cseq=%u", e->who, o->cseq);
		start_anew(w, e->who);
	} else {
		bool leaves = o->tag[0] != '\0' && !w->quiet && world_chance(w, 150000);
		o->challenged = 0;
		o->expires_s = leaves ? 0 : lifetimes[world_draw(w, 0, 3)];
		subscribe(w, e->who);
	}
}

/* --- and what it makes of what it hears --- */

static void on_granted(struct world *w, int index, const struct onlooker_told *told)
{
	struct onlooker *o = onlooker_at(w, index);

	w->stat[STAT_SUBSCRIBED]++;
	if (o->expires_s == 0) {
		start_anew(w, index);
		return;
	}
	if (!o->goes_on && o->seen == 0)
		(void)snprintf(o->tag, sizeof o->tag, "%s", told->tag);
	/* Before its end, at the half on the average; now and then it forgets. */
	int64_t most = told->expires_s * INT64_C(1000);
	set_timer(w, index,
	          world_draw(w, most / 4, world_chance(w, 100000) ? 2 * most : most * 3 / 4));
}

static void on_answer(struct world *w, int index, const struct onlooker_told *told)
{
	struct onlooker *o = onlooker_at(w, index);

	if (!o->waits || told->call != o->call || told->cseq != o->cseq || told->status < 200)
		return;
	world_say(w, 'w', "%d is told %d", index, told->status);
	o->waits = false;
	if (told->status == 200) {
		on_granted(w, index, told);
	} else if (told->status == 401 && ++o->challenged == 1) {
		memcpy(o->nonce, told->nonce, sizeof o->nonce);
		o->nc = 0;
		subscribe(w, index);
	} else if (told->status == 401 || told->status == 403 || told->status == 404 ||
	           told->status == 481 || told->status == 500 || told->status == 503) {
		start_anew(w, index);
	} else {
		world_fail(w, "onlooker %d got %d", index, told->status);
	}
}

static void answer(struct world *w, int index, const struct event *e, const char *status)
{
	uint8_t room[TEXT_MAX];
	struct buf text = buf_on(room, sizeof room);

	message_write_answer((struct slice){e->bytes, e->n}, status, "", &text);
	assert(!text.full);
	put_on_wire(w, index, OP_ANSWERS - e->op, buf_slice(&text));
}

static void on_notify(struct world *w, const struct event *e, const struct onlooker_told *told)
{
	struct onlooker *o = onlooker_at(w, e->who);
	bool begins = o->tag[0] == '\0' && o->waits; /* before the 200 */
	bool known = told->call == o->call && (begins || strcmp(told->tag, o->tag) == 0);

	if (o->mute)
		return;
	answer(w, e->who, e, known ? "200 OK" : "481 Gone");
	if (!known)
		return;
	if (begins)
		(void)snprintf(o->tag, sizeof o->tag, "%s", told->tag);
	if (told->cseq > o->seen) {
		o->seen = told->cseq;
		o->entry = (uint32_t)e->number;
		o->shown = told->contacts;
		w->stat[STAT_TOLD]++;
	}
	world_say(w, 'w', "%d hears version %u contacts=%x%s", e->who, told->version,
	          told->contacts, told->terminated ? ", the last" : "");
	if (told->terminated && !o->waits)
		start_anew(w, e->who);
}

void onlooker_on_message(struct world *w, const struct event *e)
{
	struct onlooker_told told;

	if (!onlooker_read((struct slice){e->bytes, e->n}, &told) || told.onlooker != e->who)
		return;
	if (told.notify)
		on_notify(w, e, &told);
	else
		on_answer(w, e->who, &told);
}
