/* layer: core */
/* What a watcher reads of one AOR (RFC 3680 5). */
#include <stdio.h>
#include <stdlib.h>

#include "node/core/reginfo.h"
#include "tests/check.h"

enum { ROOM = 16384, NOW_MS = 1000000 };

struct page {
	struct aor_record record;
	struct secrets no_secrets;
	struct reginfo info;
	char text[ROOM];
};

static struct page *new_page(void)
{
	struct page *p = calloc(1, sizeof *p);

	if (p == NULL)
		abort();
	p->info = (struct reginfo){.aor = SLICE("sip:a@h"),
	                           .record = &p->record,
	                           .gruus = {.secrets = &p->no_secrets},
	                           .version = 7,
	                           .now = {NOW_MS}};
	return p;
}

static struct binding *bind(struct page *p, const char *uri)
{
	struct binding *b = &p->record.bindings[p->record.n_bindings++];

	*b = (struct binding){.uri = slice_str(uri),
	                      .call_id = SLICE("c1"),
	                      .cseq = 3,
	                      .q_milli = 1000,
	                      .stamped = {NOW_MS - 2000},
	                      .bound = {NOW_MS - 5000},
	                      .expires = {NOW_MS + 60000}};
	return b;
}

static const char *write(struct page *p)
{
	struct buf to = buf_on((uint8_t *)p->text, sizeof p->text - 1);

	reginfo_put(&to, &p->info);
	assert_false(to.full);
	p->text[to.n] = '\0';
	return p->text;
}

static void expect(struct page *p, const char *part)
{
	if (strstr(write(p), part) == NULL)
		fail_msg("no %s in\n%s", part, p->text);
}

/* E12 */
static void whatever_a_phone_says_is_sound_xml(void **state)
{
	(void)state;
	static const struct {
		const char *said, *read;
	} rows[] = {
		{"sip:a&b@h;x=\"<'>\"", "sip:a&amp;b@h;x=&quot;&lt;&apos;&gt;&quot;"},
		{"tab\tand\x7f", "tab and "},
		{"J\xc3\xa4s\xc3\xb8n", "J\xc3\xa4s\xc3\xb8n"},
		{"\xe2\x82\xac \xf0\x9f\x98\x80", "\xe2\x82\xac \xf0\x9f\x98\x80"},
		{"\xc0\x80", "??"},           /* overlong */
		{"\xe0\x9f\xbf", "???"},      /* overlong */
		{"\xf0\x8f\xbf\xbf", "????"}, /* overlong */
		{"\xed\xa0\x80", "???"},      /* a surrogate */
		{"\xf4\x90\x80\x80", "????"}, /* beyond the last character */
		{"\xf5\x80\x80\x80", "????"}, /* never begins one */
		{"a\x80z", "a?z"},            /* nor does this */
		{"\xc3", "?"},                /* cut short */
		{"\xe2\x82", "??"},           /* cut short */
		{"\xe2\x82z", "??z"},         /* broken off */
		{"\xf0\x9f\x98z", "???z"},    /* broken off */
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct page *p = new_page();
		char wanted[128];

		(void)bind(p, rows[i].said);
		(void)snprintf(wanted, sizeof wanted, "<uri>%s</uri>", rows[i].read);
		expect(p, wanted);
		free(p);
	}
}

/* E6, E7 */
static void a_contact_is_told_with_all_that_is_known_of_it(void **state)
{
	(void)state;
	struct page *p = new_page();
	struct binding *b = bind(p, "sip:a@192.0.2.7");

	b->display = SLICE("\"Al & Bo\"");
	b->params = SLICE(";q=0.25;+sip.instance=\"<urn:x>\";methods");
	b->q_milli = 250;
	expect(p,
	       " state=\"active\" event=\"refreshed\" expires=\"60\" duration-registered=\"5\""
	       " q=\"0.250\" callid=\"c1\" cseq=\"3\">\n<uri>sip:a@192.0.2.7</uri>\n"
	       "<display-name>Al &amp; Bo</display-name>\n"
	       "<unknown-param name=\"+sip.instance\">&quot;&lt;urn:x&gt;&quot;</unknown-param>\n"
	       "<unknown-param name=\"methods\"></unknown-param>\n</contact>");
	b->bound = b->stamped;
	b->display = SLICE("Al");
	expect(p, "event=\"registered\"");
	expect(p, "<display-name>Al</display-name>");
	b->bound = (struct pairtime){0}; /* of a record from before this was kept */
	expect(p, "duration-registered=\"0\" q=\"0.250\"");
	b->q_milli = 1000;
	expect(p, " q=\"1.000\"");
	assert_null(strstr(p->text, "gr:"));
	free(p);
}

/* E6, E8 */
static void a_contact_that_ended_is_told_once_and_why(void **state)
{
	(void)state;
	static const struct {
		enum tombstone_cause cause;
		int64_t stamped_ms;
		const char *event;
	} rows[] = {
		{CAUSE_REQUEST, NOW_MS, "unregistered"},  {CAUSE_OPERATOR, NOW_MS, "deactivated"},
		{CAUSE_REPLACED, NOW_MS, "unregistered"}, {CAUSE_EXPIRED, NOW_MS, "expired"},
		{CAUSE_REQUEST, 10, "expired"}, /* older than what the watcher was told */
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct page *p = new_page();
		uint64_t told[AOR_BINDINGS_MAX];
		char wanted[64];

		(void)bind(p, "sip:a@h");
		p->info.n_told = reginfo_ids(&p->record, p->info.now, told);
		p->info.told = told;
		p->info.told_at.ms = NOW_MS - 1000;
		p->record.tombstones[p->record.n_tombstones++] =
			(struct tombstone){.uri = SLICE("sip:a@h"),
		                           .call_id = SLICE("c1"),
		                           .stamped = {rows[i].stamped_ms},
		                           .cause = rows[i].cause};
		assert_null(strstr(write(p), "terminated")); /* it is bound again */
		p->record.n_bindings = 0;
		(void)snprintf(wanted, sizeof wanted, " state=\"terminated\" event=\"%s\"",
		               rows[i].event);
		expect(p, wanted);
		p->record.tombstones[p->record.n_tombstones++] = p->record.tombstones[0];
		const char *first = strstr(write(p), "<contact");
		assert_non_null(first);
		assert_null(strstr(first + 1, "<contact")); /* the newest of its kind alone */
		p->info.n_told = 0;
		assert_null(strstr(write(p), "<contact"));
		expect(p, "state=\"init\"");
		free(p);
	}
}

/* E7: a flow keeps its id when its address changes */
static void a_flow_is_one_contact_wherever_it_is(void **state)
{
	(void)state;
	struct page *p = new_page();
	uint64_t before[AOR_BINDINGS_MAX], after[AOR_BINDINGS_MAX];
	struct binding *b = bind(p, "sip:a@192.0.2.7");

	b->instance = SLICE("<urn:uuid:1>");
	b->reg_id = 1;
	assert_int_equal(reginfo_ids(&p->record, p->info.now, before), 1);
	uint64_t hash = reginfo_hash(&p->record);
	b->uri = SLICE("sip:a@192.0.2.99");
	assert_int_equal(reginfo_ids(&p->record, p->info.now, after), 1);
	assert_true(before[0] == after[0]);
	assert_true(hash != reginfo_hash(&p->record));
	b->reg_id = 2;
	assert_int_equal(reginfo_ids(&p->record, p->info.now, after), 1);
	assert_true(before[0] != after[0]);
	b->expires.ms = NOW_MS;
	assert_int_equal(reginfo_ids(&p->record, p->info.now, after), 0);
	free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whatever_a_phone_says_is_sound_xml),
		cmocka_unit_test(a_contact_is_told_with_all_that_is_known_of_it),
		cmocka_unit_test(a_contact_that_ended_is_told_once_and_why),
		cmocka_unit_test(a_flow_is_one_contact_wherever_it_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
