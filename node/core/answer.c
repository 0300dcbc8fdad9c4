#include "node/core/answer.h"

#include "node/core/aor_edit.h"
#include "node/core/auth.h"

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
		reply_header(a->to, "Allow", SLICE("REGISTER, OPTIONS"));
	if (why->status == 420)
		reply_header(a->to, "Unsupported", why->unsupported);
	if (why->status == 423)
		put_number_header(a, "Min-Expires", why->min_expires_s);
	if (why->status == 503)
		put_number_header(a, "Retry-After", RETRY_AFTER_S);
	reply_end(a->to);
}

static void put_contact(struct buf *to, const struct binding *b, struct pairtime now)
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
	buf_str(to, ";expires=");
	buf_u64(to, (uint64_t)(b->expires.ms - now.ms + 999) / 1000);
	buf_str(to, "\r\n");
}

void answer_bindings(const struct answer *a, const struct register_request *r,
                     const struct aor_record *record, struct pairtime now)
{
	uint8_t text[40];
	struct buf date = buf_on(text, sizeof text);

	reply_begin(a->to, a->request, a->flow, 200, NULL, a->to_tag);
	for (size_t i = 0; i < record->n_bindings; i++)
		if (binding_is_live(&record->bindings[i], now))
			put_contact(a->to, &record->bindings[i], now);
	for (size_t i = 0; r->echo_path && i < r->n_paths; i++)
		reply_header(a->to, "Path", r->path[i]);
	date_put(&date, now);
	reply_header(a->to, "Date", buf_slice(&date));
	reply_end(a->to);
}

void answer_options(const struct answer *a)
{
	reply_begin(a->to, a->request, a->flow, 200, NULL, a->to_tag);
	reply_header(a->to, "Allow", SLICE("REGISTER, OPTIONS"));
	reply_header(a->to, "Accept", SLICE("*/*"));
	reply_header(a->to, "Supported", SLICE("path"));
	reply_end(a->to);
}
