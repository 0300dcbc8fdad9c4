#include "node/core/answer.h"

#include "node/core/aor_edit.h"
#include "node/core/auth.h"
#include "node/core/register_extend.h"

enum {
	RETRY_AFTER_S =
		5, /* with a 503: the log or the store is full, or the pair has no secret yet */
	DAY_S = 86400,
	HEADER_ROOM = 512, /* of a header made here: realms are domain names */
};

static void put_two_digits(struct buf *to, int64_t v)
{
	buf_byte(to, (uint8_t)('0' + v / 10 % 10));
	buf_byte(to, (uint8_t)('0' + v % 10));
}

/* Days since 1970-01-01 to the Gregorian calendar, counted in years that begin in March. */
static void put_calendar_day(struct buf *to, int64_t days)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	int64_t z = days + 719468, era = z / 146097, day_of_era = z % 146097;
	int64_t year_of_era =
		(day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
	int64_t day_of_year =
		day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	int64_t march_month = (5 * day_of_year + 2) / 153;
	int64_t month = (march_month + 2) % 12; /* 0: January */

	put_two_digits(to, day_of_year - (153 * march_month + 2) / 5 + 1);
	buf_byte(to, ' ');
	buf_put(to, (struct slice){(const uint8_t *)months + 3 * month, 3});
	buf_byte(to, ' ');
	buf_u64(to, (uint64_t)(year_of_era + era * 400 + (month < 2)));
}

void date_put(struct buf *to, struct pairtime t)
{
	static const char weekdays[] = "ThuFriSatSunMonTueWed";
	int64_t s = t.ms < 0 ? 0 : t.ms / 1000, days = s / DAY_S, within = s % DAY_S;

	buf_put(to, (struct slice){(const uint8_t *)weekdays + 3 * (days % 7), 3});
	buf_str(to, ", ");
	put_calendar_day(to, days);
	buf_byte(to, ' ');
	put_two_digits(to, within / 3600);
	buf_byte(to, ':');
	put_two_digits(to, within / 60 % 60);
	buf_byte(to, ':');
	put_two_digits(to, within % 60);
	buf_str(to, " GMT");
}

static void put_number_header(const struct answer *a, const char *name, uint32_t value)
{
	uint8_t text[20];
	struct buf to = buf_on(text, sizeof text);

	buf_u64(&to, value);
	reply_header(a->to, name, buf_slice(&to));
}

static void put_challenge(const struct answer *a, const struct challenge *c,
                          enum digest_algorithm algorithm, bool stale)
{
	uint8_t text[HEADER_ROOM];
	struct buf to = buf_on(text, sizeof text);

	buf_str(&to, "Digest realm=\"");
	buf_put(&to, c->policy->name);
	buf_str(&to, "\", nonce=\"");
	buf_put(&to, c->nonce);
	buf_str(&to, "\", algorithm=");
	buf_str(&to, digest_name(algorithm));
	buf_str(&to, c->policy->auth_int ? ", qop=\"auth,auth-int\"" : ", qop=\"auth\"");
	if (c->policy->userhash)
		buf_str(&to, ", userhash=true");
	if (stale)
		buf_str(&to, ", stale=true");
	a->to->full = a->to->full || to.full;
	reply_header(a->to, "WWW-Authenticate", buf_slice(&to));
}

void answer_denial(const struct answer *a, const struct denial *why,
                   const struct challenge *challenge)
{
	reply_begin(a->to, a->request, a->flow, why->status, why->reason, a->to_tag);
	for (int i = DIGEST_ALGORITHMS; challenge != NULL && i-- > 0;)
		if (auth_offers(challenge->policy->digest, (enum digest_algorithm)i))
			put_challenge(a, challenge, (enum digest_algorithm)i, why->stale);
	if (why->status == 405)
		reply_header(a->to, "Allow", SLICE("REGISTER, OPTIONS, SUBSCRIBE"));
	if (why->status == 489)
		reply_header(a->to, "Allow-Events", SLICE("reg"));
	if (why->status == 420)
		reply_header(a->to, "Unsupported", why->unsupported);
	if (why->status == 423)
		put_number_header(a, "Min-Expires", why->min_expires_s);
	if (why->status == 503)
		put_number_header(a, "Retry-After", RETRY_AFTER_S);
	reply_end(a->to);
}

static void put_gruus(struct buf *to, const struct listing *l, const struct binding *b)
{
	if (!l->request->knows_gruu || b->instance.n == 0 || l->gruus.secrets->n == 0)
		return;
	buf_str(to, ";pub-gruu=\"");
	gruu_put_public(to, l->request->aor, b);
	if (gruu_is_bulk(b)) {
		buf_str(to, "\";temp-gruu-cookie=");
		gruu_put_cookie(&l->gruus, to, l->request->aor, b);
		return;
	}
	buf_str(to, "\";temp-gruu=\"");
	gruu_put_temporary(&l->gruus, to, l->request->aor, b);
	buf_str(to, "\"");
}

/* What ends before is in its grace: its phone was told that it has ended. */
static struct pairtime grace_from(const struct listing *l)
{
	return pairtime_add_s(l->now, l->policy->grace_s);
}

static void put_contact(struct buf *to, const struct listing *l, const struct binding *b)
{
	buf_str(to, "Contact: ");
	if (b->display.n > 0) {
		buf_put(to, b->display);
		buf_byte(to, ' ');
	}
	buf_byte(to, '<');
	buf_put(to, b->uri);
	buf_byte(to, '>');
	buf_put(to, b->params);
	put_gruus(to, l, b);
	buf_str(to, ";expires=");
	buf_u64(to, (uint64_t)(b->expires.ms - grace_from(l).ms + 999) / 1000);
	buf_str(to, "\r\n");
}

/* RFC 5626 section 6: a flow of this request was taken as one. */
static void put_outbound(const struct answer *a, const struct listing *l)
{
	bool flow = false;

	for (size_t i = 0; i < l->request->n_contacts; i++)
		flow = flow || l->request->contacts[i].reg_id != 0;
	if (!flow)
		return;
	reply_header(a->to, "Require", SLICE("outbound"));
	if (l->request->direct && l->policy->flow_timer_s > 0)
		put_number_header(a, "Flow-Timer", l->policy->flow_timer_s);
}

/* RFC 8599 5.4: which of the services asked about we know; all of them where none is named. */
static void put_push(const struct answer *a, const struct listing *l)
{
	struct slice rest = l->policy->push_services, service, asked;

	while (push_asked(l->request, &asked) && list_next(&rest, &service)) {
		uint8_t text[HEADER_ROOM];
		struct buf to = buf_on(text, sizeof text);

		if (asked.n > 0 && !slice_eq_nocase(asked, service))
			continue;
		buf_str(&to, "*;+sip.pns=\"");
		buf_put(&to, service);
		buf_str(&to, "\"");
		reply_header(a->to, "Feature-Caps", buf_slice(&to));
	}
}

void answer_bindings(const struct answer *a, const struct listing *l)
{
	const struct register_request *r = l->request;
	uint8_t text[40];
	struct buf date = buf_on(text, sizeof text);
	bool bound = false;

	reply_begin(a->to, a->request, a->flow, 200, NULL, a->to_tag);
	for (size_t i = 0; i < l->record->n_bindings; i++) {
		if (!binding_is_live(&l->record->bindings[i], grace_from(l)))
			continue;
		put_contact(a->to, l, &l->record->bindings[i]);
		bound = true;
	}
	for (size_t i = 0; r->knows_path && i < r->n_paths; i++)
		reply_header(a->to, "Path", r->path[i]);
	put_outbound(a, l);
	put_push(a, l);
	if (bound && l->policy->service_route.n > 0)
		reply_header(a->to, "Service-Route", l->policy->service_route);
	date_put(&date, l->now);
	reply_header(a->to, "Date", buf_slice(&date));
	reply_end(a->to);
}

void answer_options(const struct answer *a)
{
	reply_begin(a->to, a->request, a->flow, 200, NULL, a->to_tag);
	reply_header(a->to, "Allow", SLICE("REGISTER, OPTIONS, SUBSCRIBE"));
	reply_header(a->to, "Allow-Events", SLICE("reg"));
	reply_header(a->to, "Accept", SLICE("*/*"));
	reply_header(a->to, "Supported", SLICE("path, outbound, gruu, gin"));
	reply_end(a->to);
}
