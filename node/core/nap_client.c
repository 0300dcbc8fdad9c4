#include "node/core/nap_client.h"

#include <assert.h>

/* One step on its way. */
struct step {
	const struct nap_options *options;
	struct nap_record *record;
	struct nap_attempt *attempt;
	const struct nap_input *in;
	struct nap_output *out;
	bool was_on_its_way; /* a REGISTER, before this step */
};

bool nap_registered(const struct nap_record *r, struct pairtime now)
{
	return r->until.ms > now.ms;
}

struct pairtime nap_client_due(const struct nap_record *r, const struct nap_attempt *a)
{
	bool in_flight = r->phase == NAP_REGISTERING || r->phase == NAP_UNREGISTERING;

	if (r->phase == NAP_IDLE || a->begun)
		return PAIRTIME_NEVER;
	if (in_flight)
		return (struct pairtime){0};
	return r->due;
}

uint32_t nap_next_cseq(uint32_t cseq, bool new_reign, bool secondary)
{
	uint32_t next = cseq + 1;
	bool ours = (next % NAP_CSEQ_STEP >= NAP_CSEQ_SECONDARY) == secondary;

	if (ours && !new_reign)
		return next;
	return (cseq / NAP_CSEQ_STEP + 1) * NAP_CSEQ_STEP + (secondary ? NAP_CSEQ_SECONDARY : 0);
}

int64_t nap_pause_ms(const struct nap_options *o, uint32_t attempts, uint64_t random)
{
	int64_t ms = o->retry_ms;

	for (uint32_t i = 1; i < attempts && ms < o->retry_max_ms; i++)
		ms *= 2;
	if (ms > o->retry_max_ms)
		ms = o->retry_max_ms;
	if (ms <= o->retry_ms)
		return o->retry_ms;
	/* C43: a crowd that was refused together shall not come again together. */
	int64_t half = ms / 2;
	ms = half + (int64_t)(random % (uint64_t)(ms - half + 1));
	return ms < o->retry_ms ? o->retry_ms : ms;
}

/* --- what a step does to the record --- */

static void enter(struct step *s, enum nap_phase phase, struct slice why)
{
	struct nap_record *r = s->record;

	s->out->changed = true;
	r->why = why;
	if (r->phase != phase)
		r->since = s->in->now;
	r->phase = phase;
}

static void end_attempt(struct step *s)
{
	*s->attempt = (struct nap_attempt){.counts = s->attempt->counts};
}

static void begin_attempt(struct step *s, enum nap_phase phase, struct slice why)
{
	struct nap_record *r = s->record;

	end_attempt(s);
	s->attempt->begun = true;
	if (r->ask_s < s->options->expires_s)
		r->ask_s = s->options->expires_s;
	enter(s, phase, why);
}

/* What was sent between a backup and its return nobody knows, but the provider. */
static uint32_t newest_cseq(const struct step *s)
{
	const struct nap_record *r = s->record;
	bool from_backup = !s->attempt->counts && r->sent.ms > 0 &&
	                   r->sent.ms <= s->in->restored.ms && r->cseq < NAP_CSEQ_END / 2;

	return r->cseq + (from_backup ? NAP_CSEQ_RESTORED : 0);
}

static void send(struct step *s)
{
	struct nap_record *r = s->record;
	struct nap_attempt *a = s->attempt;

	if (!a->repeats)
		r->cseq = nap_next_cseq(newest_cseq(s), !a->counts, s->in->secondary);
	a->counts = true;
	a->repeats = false;
	a->on_its_way = true;
	r->sent = s->in->now;
	if (a->challenged > 0 || s->options->reuse_challenge)
		nap_answer_challenges(r, a->challenged == 0, s->in->random);
	s->out->changed = true;
	s->out->wish = NAP_SEND;
	s->out->plain = a->plain;
	s->out->expires_s = r->phase == NAP_UNREGISTERING ? 0 : r->ask_s;
}

static void rest(struct step *s, struct slice why)
{
	s->record->until = (struct pairtime){0};
	s->record->granted_s = 0;
	end_attempt(s);
	enter(s, NAP_IDLE, why);
}

/* It comes to nothing: once more after a pause. A binding that is being taken away is left to lapse. */
static void fail(struct step *s, struct slice why, int64_t at_least_ms)
{
	struct nap_record *r = s->record;

	if (r->phase == NAP_UNREGISTERING) {
		rest(s, why);
		return;
	}
	r->attempts++;
	int64_t ms = nap_pause_ms(s->options, r->attempts, s->in->random);
	r->due.ms = s->in->now.ms + (at_least_ms > ms ? at_least_ms : ms);
	end_attempt(s);
	enter(s, NAP_WAITING, why);
}

/* Goes on with this attempt. */
static void aim(struct step *s, enum nap_wish how)
{
	s->attempt->repeats = s->attempt->repeats && how == NAP_AIM_NEXT;
	s->out->wish = how;
	s->out->changed = true;
}

static void aim_next(struct step *s, struct slice why, int64_t at_least_ms)
{
	if (!s->in->more_targets) {
		fail(s, why, at_least_ms);
		return;
	}
	s->attempt->repeats = s->attempt->repeats || s->was_on_its_way;
	aim(s, NAP_AIM_NEXT);
}

/* --- an answer, by its status --- */

int64_t nap_retry_after_ms(const struct nap_answer *a)
{
	uint32_t most = NAP_RETRY_AFTER_MAX_S;

	if (!a->has_retry_after)
		return 0;
	return (int64_t)1000 * (a->retry_after_s < most ? a->retry_after_s : most);
}

static void refused(struct step *s, struct slice why)
{
	fail(s, why, nap_retry_after_ms(s->in->answer));
}

static void on_refusal(struct step *s)
{
	refused(s, SLICE("refused"));
}

/* The proxy's clock began after we sent and before we heard: counted from the sending, we never claim
 * more than it holds. */
static void accept(struct step *s)
{
	const struct nap_answer *a = s->in->answer;
	struct nap_record *r = s->record;
	int64_t refresh_ms = (int64_t)a->granted_s * 10 * s->options->refresh_percent;
	int64_t soonest = s->in->now.ms + NAP_REFRESH_MIN_MS;

	r->granted_s = a->granted_s;
	r->until = pairtime_add_s(r->sent, a->granted_s);
	r->due.ms = r->sent.ms + refresh_ms;
	if (r->due.ms < soonest)
		r->due.ms = soonest;
	r->attempts = 0;
	r->n_routes = a->n_routes;
	memcpy(r->service_route, a->service_route, sizeof r->service_route);
	r->path = a->path;
	r->gruu_pub = a->gruu_pub;
	r->gruu_temp = a->gruu_temp;
	end_attempt(s);
	enter(s, NAP_REGISTERED,
	      a->rewritten ? SLICE("our Contact was rewritten")
	      : a->assumed ? SLICE("it did not say for how long")
	                   : SLICE(""));
}

static void on_success(struct step *s)
{
	const struct nap_answer *a = s->in->answer;

	if (s->record->phase == NAP_UNREGISTERING) {
		rest(s, a->bound ? SLICE("it is listed there still") : SLICE(""));
	} else if (a->bound && a->granted_s > 0) {
		accept(s);
	} else {
		s->record->until = (struct pairtime){0};
		s->record->granted_s = 0;
		refused(s, a->listed_without_us ? SLICE("others are listed there, we are not")
		                                : SLICE("nothing was granted"));
	}
}

static void on_challenge(struct step *s)
{
	const struct nap_answer *a = s->in->answer;
	struct nap_attempt *attempt = s->attempt;
	bool endless = attempt->challenged == NAP_ROUNDS_MAX;

	if (a->n_challenges > 0 && !a->same_nonce && !endless) {
		attempt->challenged++;
		nap_take_challenges(s->record, a);
		aim(s, NAP_AIM);
		return;
	}
	refused(s, a->n_challenges == 0 ? SLICE("no credentials for what it asks")
	           : a->same_nonce      ? SLICE("wrong credentials")
	                                : SLICE("challenged again and again"));
}

static void on_moved(struct step *s)
{
	if (s->in->answer->redirect.n == 0 || s->attempt->redirected) {
		refused(s, SLICE("redirected to nowhere new"));
		return;
	}
	s->attempt->redirected = true;
	aim(s, NAP_AIM_REDIRECT);
}

static void on_bad_extension(struct step *s)
{
	bool extends = s->options->gin || s->options->outbound;

	if (!extends || s->attempt->plain) {
		refused(s, SLICE("it does not know an extension"));
		return;
	}
	s->attempt->plain = true;
	aim(s, NAP_AIM);
}

static void on_too_brief(struct step *s)
{
	uint32_t least = s->in->answer->min_expires_s;
	bool longer = least > s->record->ask_s && least <= NAP_ASK_MAX_S;

	if (!longer || s->attempt->lengthened == NAP_LENGTHENED_MAX ||
	    s->record->phase == NAP_UNREGISTERING) {
		refused(s, SLICE("asked for too short a time"));
		return;
	}
	s->attempt->lengthened++;
	s->record->ask_s = least;
	aim(s, NAP_AIM);
}

static void on_unavailable(struct step *s)
{
	int64_t ms = nap_retry_after_ms(s->in->answer);

	aim_next(s, SLICE("unavailable"), s->in->rests_ms > ms ? s->in->rests_ms : ms);
}

typedef void step_fn(struct step *s);

static const struct reaction {
	uint16_t first, last;
	step_fn *does;
} reactions[] = {
	{200, 299, on_success},     {301, 302, on_moved},         {401, 401, on_challenge},
	{407, 407, on_challenge},   {420, 420, on_bad_extension}, {423, 423, on_too_brief},
	{503, 503, on_unavailable},
};

static step_fn *reaction_to(uint16_t status)
{
	for (size_t i = 0; i < ARRAY_LEN(reactions); i++)
		if (status >= reactions[i].first && status <= reactions[i].last)
			return reactions[i].does;
	return on_refusal;
}

/* --- events --- */

static void on_look(struct step *s)
{
	(void)s; /* settle() looks */
}

static void on_ready(struct step *s)
{
	bool unknown = s->record->phase == NAP_REGISTERING || s->record->phase == NAP_UNREGISTERING;

	if (s->record->phase == NAP_IDLE || s->attempt->on_its_way)
		return;
	/* One that is wanted once more need not go first. */
	enum nap_phase phase = s->in->wanted ? NAP_REGISTERING : s->record->phase;
	if (unknown && !s->attempt->begun)
		begin_attempt(s, phase, SLICE("asked again: its outcome was unknown"));
	else if (!unknown && s->in->wanted)
		begin_attempt(s, NAP_REGISTERING, SLICE(""));
	if (s->attempt->begun)
		send(s);
}

static void on_answer(struct step *s)
{
	const struct nap_answer *a = s->in->answer;

	if (!s->was_on_its_way)
		return;
	s->attempt->on_its_way = false;
	s->record->last_status = a->status;
	s->record->last_reason = a->reason;
	reaction_to(a->status)(s);
}

static void on_silence(struct step *s)
{
	if (!s->was_on_its_way)
		return;
	s->attempt->on_its_way = false;
	aim_next(s, SLICE("no answer"), 0);
}

/* Also where nothing could be sent yet. */
static void on_broken(struct step *s)
{
	if (s->record->phase == NAP_IDLE)
		return;
	s->attempt->on_its_way = false;
	aim_next(s, s->in->why, s->in->rests_ms);
}

/* With outbound the stream is the binding; else the proxy has our address, and the refresh will do. */
static void on_flow_lost(struct step *s)
{
	if (s->record->phase != NAP_REGISTERED || !s->options->outbound)
		return;
	s->record->due = s->in->now;
	enter(s, NAP_REGISTERED, SLICE("its stream went"));
}

/* At once, but never in a circle: what was granted just now and has ended waits as a refusal does. */
static void on_ended(struct step *s)
{
	struct nap_record *r = s->record;
	int64_t soonest = r->sent.ms + s->options->retry_ms;

	if (r->phase != NAP_REGISTERED)
		return; /* what is on its way binds anew, or nothing is bound */
	r->until = (struct pairtime){0};
	r->granted_s = 0;
	if (s->in->rests_ms < 0) {
		fail(s, s->in->why, 0);
		return;
	}
	r->due.ms = s->in->now.ms + s->in->rests_ms;
	if (r->due.ms < soonest)
		r->due.ms = soonest;
	end_attempt(s);
	enter(s, NAP_WAITING, s->in->why);
}

/* --- what is wanted --- */

static bool may_be_bound(const struct step *s)
{
	bool unheard = s->in->event == NAP_SILENCE || s->in->event == NAP_BROKEN;

	return nap_registered(s->record, s->in->now) || (s->attempt->counts && unheard);
}

static void take_away(struct step *s)
{
	begin_attempt(s, NAP_UNREGISTERING, SLICE(""));
	aim(s, NAP_AIM);
}

/* Not before the outcome of what is on its way. */
static void settle(struct step *s)
{
	enum nap_phase phase = s->record->phase;

	if (s->attempt->on_its_way || s->in->wanted == (phase != NAP_IDLE) ||
	    phase == NAP_UNREGISTERING)
		return;
	if (s->in->wanted) {
		s->record->due = s->in->now;
		enter(s, NAP_WAITING, SLICE(""));
	} else if (phase == NAP_WAITING && !may_be_bound(s)) {
		rest(s, s->record->why);
	} else {
		take_away(s);
	}
}

void nap_client_step(const struct nap_client *c, const struct nap_input *in, struct nap_output *out)
{
	static step_fn *const by_event[] = {
		[NAP_LOOK] = on_look,           [NAP_READY] = on_ready,   [NAP_ANSWER] = on_answer,
		[NAP_SILENCE] = on_silence,     [NAP_BROKEN] = on_broken, [NAP_ENDED] = on_ended,
		[NAP_FLOW_LOST] = on_flow_lost,
	};
	struct step s = {c->options, c->record, c->attempt, in, out, c->attempt->on_its_way};

	*out = (struct nap_output){0};
	by_event[in->event](&s);
	settle(&s);

	assert(out->wish != NAP_SEND || c->record->phase == NAP_REGISTERING ||
	       c->record->phase == NAP_UNREGISTERING);
	assert(out->wish == NAP_NOTHING || out->changed);
}
