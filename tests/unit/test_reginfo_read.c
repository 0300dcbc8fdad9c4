/* layer: core */
/* What a registrar's document says of our contact, however it is written. */
#include <stdlib.h>

#include "node/core/reginfo.h"
#include "node/core/reginfo_read.h"
#include "tests/check.h"

static const struct slice aor = {SLICE_OF("sip:box@provider.example")};
static const struct slice contact = {SLICE_OF("sip:box@10.0.0.10:5060")};

#define OPEN     "<reginfo version=\"0\" state=\"full\">"
#define CLOSE    "</reginfo>"
#define REG(s)   "<registration aor=\"sip:box@provider.example\" id=\"a\" state=\"" s "\">"
#define END      "</registration>"
#define URI      "<uri>sip:box@10.0.0.10:5060</uri>"
#define C(attrs) "<contact id=\"1\" " attrs ">" URI "</contact>"

/* "" where it is refused; else the word, and behind it what it says of a retry. */
static const char *read_as(struct slice body)
{
	static const char *const words[] = {[REGINFO_NOTHING] = "nothing",
	                                    [REGINFO_ACTIVE] = "active",
	                                    [REGINFO_ENDED] = "ended",
	                                    [REGINFO_PROBATION] = "probation",
	                                    [REGINFO_REJECTED] = "rejected"};
	static char text[64];
	struct reginfo_said said;

	if (reginfo_read(body, aor, contact, &said) != OK)
		return "";
	(void)snprintf(text, sizeof text, "%s", words[said.word]);
	if (said.has_retry_after)
		(void)snprintf(text, sizeof text, "%s %u", words[said.word], said.retry_after_s);
	return text;
}

struct row {
	const char *body, *expected;
};

static void all_are_read(const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const char *is = read_as(slice_str(rows[i].body));
		if (strcmp(is, rows[i].expected) != 0)
			fail_msg("%s: \"%s\" instead of \"%s\"", rows[i].body, is,
			         rows[i].expected);
	}
}

/* C45 */
static void each_event_has_its_meaning(void **state)
{
	(void)state;
	static const struct row rows[] = {
		{OPEN CLOSE, "nothing"},
		{OPEN REG("active") C("state=\"active\" event=\"registered\"") END CLOSE, "active"},
		{OPEN REG("active") C("state=\"terminated\" event=\"deactivated\"") END CLOSE,
	         "ended"},
		{OPEN REG("terminated") C("state=\"terminated\" event=\"expired\"") END CLOSE,
	         "ended"},
		{OPEN REG("terminated") C("state=\"terminated\" event=\"unregistered\"") END CLOSE,
	         "ended"},
		{OPEN REG("terminated")
	                 C("state=\"terminated\" event=\"probation\" retry-after=\"17\"") END CLOSE,
	         "probation 17"},
		{OPEN REG("terminated") C("state=\"terminated\" event=\"probation\"") END CLOSE,
	         "probation"},
		{OPEN REG("terminated") C("state=\"terminated\" event=\"rejected\"") END CLOSE,
	         "rejected"},
		{OPEN REG("terminated") END CLOSE, "ended"},
		{OPEN REG("init") END CLOSE, "nothing"},
		/* another's */
		{OPEN "<registration aor=\"sip:you@x\" state=\"terminated\"/>" CLOSE, "nothing"},
		{OPEN REG("active") "<contact state=\"terminated\" event=\"rejected\"><uri>sip:you@"
	                            "10.0.0.11</uri></contact>" END CLOSE,
	         "nothing"},
		/* bound by one element is bound, whatever their order */
		{OPEN REG("active") C("state=\"terminated\" event=\"expired\"")
	                 C("state=\"active\" event=\"created\"") END CLOSE,
	         "active"},
		{OPEN REG("active") C("state=\"active\" event=\"created\"")
	                 C("state=\"terminated\" event=\"expired\"") END CLOSE,
	         "active"},
		/* its contact says more than the whole does */
		{OPEN REG("terminated") C("state=\"terminated\" event=\"rejected\"") END CLOSE,
	         "rejected"},
	};

	all_are_read(rows, ARRAY_LEN(rows));
}

static void xml_may_be_written_in_many_ways(void **state)
{
	(void)state;
#define ENDED(uri)                                                                \
	OPEN REG("active") "<contact state='terminated' event='deactivated'>" uri \
			   "</contact>" END CLOSE
	static const struct row rows[] = {
		{"\xef\xbb\xbf<?xml version=\"1.0\"?>\n<!-- > -->" ENDED(URI) "\n", "ended"},
		{ENDED("<uri>sip:box&#64;10.0.0.10:5060</uri>"), "ended"},
		{ENDED("<uri>sip:box&#x40;10.0.0.10:506&#x30;</uri>"), "ended"},
		{ENDED("<uri> <![CDATA[sip:box@10.0.0.10]]><!-- x -->:5060\n</uri>"), "ended"},
		{ENDED("<x><uri>sip:you@x</uri></x>" URI "<y a='>'/>"), "ended"},
		{ENDED("<uri>sip:box&#233;@10.0.0.10:5060</uri>"), "nothing"},
		{ENDED("<uri>&lt;&gt;&amp;&quot;&apos;</uri>"), "nothing"},
		{ENDED("<uri>sip:box@10.0.0.10:5060<b>9</b></uri>"), "ended"},
		{"<r:reginfo><r:registration aor = 'sip:box&#64;provider.example' "
	         "state\n=\n\"active\" "
	         "><r:contact state=\"terminated\" event=\"rejected\" "
	         "><r:uri>sip:box@10.0.0.10:5060</r:uri></r:contact></r:registration></r:reginfo>",
	         "rejected"},
		/* not where it belongs */
		{OPEN "<x>" C("state=\"terminated\" event=\"rejected\"") "</x>" CLOSE, "nothing"},
	};

	all_are_read(rows, ARRAY_LEN(rows));
}

static void what_is_no_such_document_says_nothing(void **state)
{
	(void)state;
	static const struct row rows[] = {
		{"", ""},
		{" ", ""},
		{"<", ""},
		{"<>", ""},
		{"< reginfo/>", ""},
		{"</reginfo>", ""},
		{"text", ""},
		{OPEN, ""},
		{OPEN CLOSE "x", ""},
		{OPEN CLOSE OPEN CLOSE, ""},
		{OPEN CLOSE CLOSE, ""},
		{"<html></html>", ""},
		{"<![CDATA[x]]>" OPEN CLOSE, ""},
		{"<!DOCTYPE reginfo [<!ENTITY a \"b\">]>" OPEN CLOSE, ""},
		{OPEN "<!-- " CLOSE, ""},
		{OPEN "<![CDATA[ " CLOSE, ""},
		{OPEN "<? " CLOSE, ""},
		{OPEN "<x a=\"" CLOSE, ""},
		{OPEN "<registration aor></registration>" CLOSE, ""},
		{OPEN "<registration aor=x></registration>" CLOSE, ""},
		{OPEN "<registration aor=\"></registration>" CLOSE, ""},
		{ENDED("<uri>&nbsp;</uri>"), ""},
		{ENDED("<uri>&</uri>"), ""},
		{ENDED("<uri>&#;</uri>"), ""},
		{ENDED("<uri>&#xg;</uri>"), ""},
		{ENDED("<uri>&#4a;</uri>"), ""},
		{ENDED("<uri>&#000000064;</uri>"), ""},
	};

	all_are_read(rows, ARRAY_LEN(rows));
	assert_string_equal(read_as((struct slice){(const uint8_t *)"\0\xff<", 3}), "");
}

static void it_is_bounded(void **state)
{
	(void)state;
	static uint8_t room[8192];
	struct buf to = buf_on(room, sizeof room);

	buf_str(&to, OPEN);
	for (int i = 0; i < 100; i++)
		buf_str(&to, "<a>");
	for (int i = 0; i < 100; i++)
		buf_str(&to, "</a>");
	buf_str(&to, CLOSE);
	assert_string_equal(read_as(buf_slice(&to)), "");

	to = buf_on(room, sizeof room);
	buf_str(&to, OPEN REG("terminated") "<contact state=\"terminated\" event=\"rejected\"><uri>"
	                                    "sip:box@10.0.0.10:5060;x=");
	for (int i = 0; i < 2000; i++)
		buf_byte(&to, 'x');
	buf_str(&to, "</uri></contact>" END CLOSE);
	assert_string_equal(read_as(buf_slice(&to)), "ended"); /* by the whole alone */
}

/* Cut anywhere, with any byte another one: nothing is read behind its end, and it is told or refused. */
static void hostile_bytes_do_no_harm(void **state)
{
	(void)state;
	static const char text[] = "<?xml?><!-- -->" ENDED("<uri>s&#x40;<![CDATA[]]></uri>");
	static const char bytes[] = "<>&;\"'=/!?-]# \0\xff";
	struct reginfo_said said;

	for (size_t n = 0; n < sizeof text - 1; n++) {
		uint8_t *copy = malloc(n + 1); /* of its very size, for the sanitizer */
		assert_non_null(copy);
		memcpy(copy, text, n + 1);
		assert_int_equal(reginfo_read((struct slice){copy, n}, aor, contact, &said),
		                 ERR_MALFORMED);
		for (size_t i = 0; i < sizeof bytes; i++) {
			copy[n] = (uint8_t)bytes[i];
			enum err err =
				reginfo_read((struct slice){copy, n + 1}, aor, contact, &said);
			assert_true(err == OK || err == ERR_MALFORMED);
		}
		free(copy);
	}
}

/* What our own registrar says is understood. */
static void our_own_documents_are_understood(void **state)
{
	(void)state;
	static struct aor_record record;
	static uint8_t room[8192];
	struct buf to = buf_on(room, sizeof room);
	struct reginfo r = {.aor = aor, .record = &record, .full = true, .now = {1000}};
	uint64_t ids[AOR_BINDINGS_MAX];

	record = (struct aor_record){.n_bindings = 1};
	record.bindings[0] = (struct binding){
		.uri = contact, .call_id = SLICE("a<b&c"), .cseq = 1, .expires = {60000}};
	reginfo_put(&to, &r);
	assert_string_equal(read_as(buf_slice(&to)), "active");
	r.n_told = reginfo_ids(&record, r.now, ids);
	r.told = ids;
	record.n_bindings = 0;
	record.n_tombstones = 1;
	record.tombstones[0] = (struct tombstone){.uri = contact,
	                                          .call_id = SLICE("a<b&c"),
	                                          .cseq = 2,
	                                          .stamped = {900},
	                                          .cause = CAUSE_OPERATOR};
	to = buf_on(room, sizeof room);
	reginfo_put(&to, &r);
	assert_string_equal(read_as(buf_slice(&to)), "ended");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_event_has_its_meaning),
		cmocka_unit_test(xml_may_be_written_in_many_ways),
		cmocka_unit_test(what_is_no_such_document_says_nothing),
		cmocka_unit_test(it_is_bounded),
		cmocka_unit_test(hostile_bytes_do_no_harm),
		cmocka_unit_test(our_own_documents_are_understood),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
