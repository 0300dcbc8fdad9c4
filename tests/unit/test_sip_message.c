/* layer: sip */
/* test_sip_message.c - what is split how, what is refused with which status, and RFC 4475's torture. */
#include <stdio.h>
#include <stdlib.h>

#include "proto/sip/message.h"
#include "tests/check.h"

static const char whole[] = "REGISTER sip:example.com SIP/2.0\r\n"
			    "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1;rport\r\n"
			    "f: <sip:alice@example.com>;tag=1\r\n"
			    "To\t : <sip:alice@example.com>\r\n"
			    "CALL-id:  a1@192.0.2.1\t \r\n"
			    "CSeq: 7\r\n REGISTER\r\n"
			    "m: <sip:a@192.0.2.1>\r\n"
			    "X-Odd:\r\n"
			    "Contact: <sip:b@192.0.2.1>\r\n"
			    "l: 4\r\n"
			    "\r\n"
			    "bodyrest";

static void assert_slice(struct slice s, const char *text)
{
	if (!slice_eq(s, slice_str(text)))
		fail_msg("\"" SLICE_FMT "\" is not \"%s\"", SLICE_ARG(s), text);
}

static struct sip_msg parsed(const char *text)
{
	struct sip_msg m;

	if (sip_parse(slice_str(text), &m) != OK)
		fail_msg("not parsed: %s", text);
	return m;
}

/* R45 */
static void a_request_is_split_without_copying(void **state)
{
	(void)state;
	struct sip_msg m = parsed(whole);
	const struct sip_header *contact = sip_find(&m, HEADER_CONTACT);

	assert_true(m.is_request);
	assert_int_equal(m.method, SIP_REGISTER);
	assert_slice(m.request_uri, "sip:example.com");
	assert_slice(m.version, "SIP/2.0");
	assert_int_equal(m.n_headers, 9);
	assert_slice(sip_find(&m, HEADER_CALL_ID)->value, "a1@192.0.2.1");
	assert_slice(sip_find(&m, HEADER_TO)->name, "To");
	assert_slice(sip_find(&m, HEADER_CSEQ)->value, "7\r\n REGISTER");
	assert_slice(contact->value, "<sip:a@192.0.2.1>");
	assert_slice(sip_find_next(&m, contact)->value, "<sip:b@192.0.2.1>");
	assert_null(sip_find_next(&m, sip_find_next(&m, contact)));
	assert_null(sip_find(&m, HEADER_EXPIRES));
	assert_int_equal(sip_count(&m, HEADER_CONTACT), 2);
	assert_int_equal(sip_count(&m, HEADER_PATH), 0);
	assert_slice(m.body, "body");
	assert_false(m.short_body);
	assert_ptr_equal(m.method_name.p, whole);
}

static void every_known_header_has_its_id_in_any_case(void **state)
{
	(void)state;
	static const struct {
		const char *line;
		enum sip_header_id id;
	} cases[] = {
		{"accept:x", HEADER_ACCEPT},
		{"event:x", HEADER_EVENT},
		{"O:x", HEADER_EVENT},
		{"record-route:x", HEADER_RECORD_ROUTE},
		{"authorization:x", HEADER_AUTHORIZATION},
		{"CALL-ID:x", HEADER_CALL_ID},
		{"i:x", HEADER_CALL_ID},
		{"Contact:x", HEADER_CONTACT},
		{"M:x", HEADER_CONTACT},
		{"Content-Length:1", HEADER_CONTENT_LENGTH},
		{"L:1", HEADER_CONTENT_LENGTH},
		{"content-Type:x", HEADER_CONTENT_TYPE},
		{"c:x", HEADER_CONTENT_TYPE},
		{"CSEQ:x", HEADER_CSEQ},
		{"Expires:x", HEADER_EXPIRES},
		{"fRoM:x", HEADER_FROM},
		{"F:x", HEADER_FROM},
		{"Max-Forwards:x", HEADER_MAX_FORWARDS},
		{"Path:x", HEADER_PATH},
		{"Proxy-Require:x", HEADER_PROXY_REQUIRE},
		{"Require:x", HEADER_REQUIRE},
		{"Supported:x", HEADER_SUPPORTED},
		{"k:x", HEADER_SUPPORTED},
		{"to:x", HEADER_TO},
		{"T:x", HEADER_TO},
		{"User-Agent:x", HEADER_USER_AGENT},
		{"min-expires:x", HEADER_MIN_EXPIRES},
		{"RETRY-AFTER:x", HEADER_RETRY_AFTER},
		{"Unsupported:x", HEADER_UNSUPPORTED},
		{"Service-Route:x", HEADER_SERVICE_ROUTE},
		{"www-authenticate:x", HEADER_WWW_AUTHENTICATE},
		{"Proxy-Authenticate:x", HEADER_PROXY_AUTHENTICATE},
		{"via:x", HEADER_VIA},
		{"V :x", HEADER_VIA},
		{"C%6Fntact:x", HEADER_OTHER},
		{"s:x", HEADER_OTHER},
		{"Vi:x", HEADER_OTHER},
		{"Froma:x", HEADER_OTHER},
		{"Content-Lengths:x", HEADER_OTHER},
		{"P-Asserted-Identity-Of-Great-Length:x", HEADER_OTHER},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char text[100];
		(void)snprintf(text, sizeof text, "BYE sip:a@b SIP/2.0\r\n%s\r\n\r\n",
		               cases[i].line);
		struct sip_msg m = parsed(text);

		assert_int_equal(m.n_headers, 1);
		if (m.headers[0].id != cases[i].id)
			fail_msg("%s: got id %d", cases[i].line, (int)m.headers[0].id);
		assert_true(m.headers[0].name.n > 0);
		assert_int_equal(m.headers[0].value.n, 1);
	}
}

static void every_method_keeps_its_name(void **state)
{
	(void)state;
	static const char *const names[] = {"REGISTER", "OPTIONS",   "INVITE", "ACK",     "BYE",
	                                    "CANCEL",   "SUBSCRIBE", "NOTIFY", "PUBLISH", "MESSAGE",
	                                    "INFO",     "REFER",     "UPDATE", "PRACK"};

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		char text[60];
		(void)snprintf(text, sizeof text, "%s sip:a SIP/2.0\r\n\r\n", names[i]);
		assert_int_equal(parsed(text).method, SIP_REGISTER + i);
	}
	assert_int_equal(parsed("register sip:a SIP/2.0\r\n\r\n").method, SIP_OTHER_METHOD);
	assert_int_equal(parsed("REGISTER2 sip:a SIP/2.0\r\n\r\n").method, SIP_OTHER_METHOD);
}

static void a_response_is_split(void **state)
{
	(void)state;
	struct sip_msg m = parsed("SIP/2.0 401 Who Are You\r\nCSeq: 1 REGISTER\r\n\r\n");

	assert_false(m.is_request);
	assert_int_equal(m.status, 401);
	assert_slice(m.version, "SIP/2.0");
	assert_slice(m.reason, "Who Are You");
	assert_slice(sip_find(&m, HEADER_CSEQ)->value, "1 REGISTER");
	assert_int_equal(parsed("sip/2.0 100\r\n\r\n").status, 100);
	assert_int_equal(parsed("sip/2.0 100\r\n\r\n").reason.n, 0);
	assert_int_equal(parsed("SIP/2.0 699 \r\n\r\n").status, 699);
}

static void what_is_not_sip_is_malformed(void **state)
{
	(void)state;
	static const struct slice cases[] = {
		{NULL, 0},
		{SLICE_OF("\r\n\r\n")},
		{SLICE_OF("\0\0\0\0")},
		{SLICE_OF("REGISTER\r\n\r\n")},
		{SLICE_OF("REGISTER sip:a\r\n\r\n")},
		{SLICE_OF("REGISTER SIP/2.0\r\n\r\n")},
		{SLICE_OF("REGISTER  SIP/2.0\r\n\r\n")},
		{SLICE_OF("GET / HTTP/1.1\r\nHost: a\r\n\r\n")},
		{SLICE_OF("REGIS@TER sip:a SIP/2.0\r\n\r\n")},
		{SLICE_OF(" sip:a SIP/2.0\r\n\r\n")},
		{SLICE_OF("SIP/2.0\r\n\r\n")},
		{SLICE_OF("SIP/2.0 20\r\n\r\n")},
		{SLICE_OF("SIP/2.0 2x0 OK\r\n\r\n")},
		{SLICE_OF("SIP/2.0 099 OK\r\n\r\n")},
		{SLICE_OF("SIP/2.0 700 OK\r\n\r\n")},
		{SLICE_OF("SIP/2.0 4294967496 OK\r\n\r\n")},
		{SLICE_OF("BYE sip:a SIP/2.0\r\nTo: <sip:a@b>\rX: y\r\n\r\n")},
		{SLICE_OF("BYE sip:a SIP/2.0\r\nTo: <sip:a@b>\r")},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct sip_msg m;

		if (sip_parse(cases[i], &m) != ERR_MALFORMED)
			fail_msg("case %zu was taken: " SLICE_FMT, i, SLICE_ARG(cases[i]));
	}
}

static void lines_may_end_in_lf_and_empty_ones_lead(void **state)
{
	(void)state;
	struct sip_msg m = parsed("\r\n\n\r\nBYE sip:a SIP/2.0 \nTo: a\nl: 0\n\nX: y\n");

	assert_slice(m.version, "SIP/2.0");
	assert_int_equal(m.n_headers, 2);
	assert_slice(m.headers[0].value, "a");
	assert_int_equal(m.body.n, 0);
}

/* R45 */
static void the_body_follows_its_length(void **state)
{
	(void)state;
	struct sip_msg m = parsed("BYE sip:a SIP/2.0\r\n\r\nall of it");
	assert_slice(m.body, "all of it");
	assert_false(m.short_body);

	m = parsed("BYE sip:a SIP/2.0\r\nl: 10\r\n\r\nall of it");
	assert_slice(m.body, "all of it");
	assert_true(m.short_body);

	m = parsed("BYE sip:a SIP/2.0\r\nl: 0\r\n\r\nINVITE sip:b SIP/2.0\r\n\r\n");
	assert_int_equal(m.body.n, 0);
	assert_int_equal(m.n_headers, 1);
}

static void a_head_without_an_end_is_cut_short(void **state)
{
	(void)state;
	struct sip_msg m = parsed("BYE sip:a SIP/2.0\r\nTo: a\r\nFrom: b");

	assert_true(m.short_body);
	assert_int_equal(m.n_headers, 2);
	assert_slice(m.headers[1].value, "b");
	assert_true(parsed("BYE sip:a SIP/2.0").short_body);
}

static void a_used_struct_can_be_used_again(void **state)
{
	(void)state;
	struct sip_msg m = parsed(whole);

	assert_int_equal(sip_parse(SLICE("SIP/2.0 200 OK\r\n\r\n"), &m), OK);
	assert_int_equal(m.n_headers, 0);
	assert_int_equal(m.request_uri.n, 0);
	assert_int_equal(sip_parse(SLICE("BYE sip:a SIP/2.0\r\n\r\n"), &m), OK);
	assert_int_equal(m.status, 0);
	assert_null(sip_find(&m, HEADER_VIA));
}

#define VIA     "Via: SIP/2.0/UDP h;branch=z9hG4bK1\r\n"
#define FROM    "From: <sip:a@b>;tag=1\r\n"
#define TO      "To: <sip:a@b>\r\n"
#define CALL_ID "Call-ID: c\r\n"
#define CSEQ    "CSeq: 1 BYE\r\n"
#define START   "BYE sip:a@b SIP/2.0\r\n"

static const struct {
	const char *text;
	uint16_t status;
	const char *why;
} judged[] = {
	{START VIA FROM TO CALL_ID CSEQ "\r\n", 0, NULL},
	{"BYE sip:a@b sip/2.0\r\n" VIA FROM TO CALL_ID CSEQ "\r\n", 0, NULL},
	/* RFC 2543: no branch, no tag */
	{START "v:SIP/2.0/UDP h\r\nf:sip:a@b\r\n" TO CALL_ID CSEQ "\r\n", 0, NULL},
	{START VIA FROM TO CALL_ID CSEQ "Max-Forwards: 0\r\n\r\n", 0, NULL},
	{START VIA FROM TO CALL_ID CSEQ "Max-Forwards: 300\r\nl: 0\r\n\r\n", 0, NULL},
	{START VIA FROM TO CALL_ID "CSeq: 2147483647 BYE\r\n\r\n", 0, NULL},
	{START VIA "Via: what is this\r\n" FROM TO CALL_ID CSEQ "\r\n", 0, NULL},
	{"BYE sip:a@b SIP/2.1\r\n" VIA FROM TO CALL_ID CSEQ "\r\n", 505, "Version Not Supported"},
	{"BYE sip:a@b SIP/\r\n\r\n", 505, "Version Not Supported"},
	{"BYE sip:a @b SIP/2.0\r\n" VIA FROM TO CALL_ID CSEQ "\r\n", 400, "Bad Request-URI"},
	{"BYE  sip:a@b SIP/2.0\r\n" VIA FROM TO CALL_ID CSEQ "\r\n", 400, "Bad Request-URI"},
	{"BYE sip:a\t SIP/2.0\r\n" VIA FROM TO CALL_ID CSEQ "\r\n", 400, "Bad Request-URI"},
	{"BYE <sip:a> SIP/2.0\r\n" VIA FROM TO CALL_ID CSEQ "\r\n", 400, "Bad Request-URI"},
	{START FROM TO CALL_ID CSEQ "\r\n", 400, "Missing Via"},
	{START VIA TO CALL_ID CSEQ "\r\n", 400, "Missing From"},
	{START VIA FROM CALL_ID CSEQ "\r\n", 400, "Missing To"},
	{START VIA FROM TO CSEQ "\r\n", 400, "Missing Call-ID"},
	{START VIA FROM TO CALL_ID "\r\n", 400, "Missing CSeq"},
	{START VIA FROM FROM TO CALL_ID CSEQ "\r\n", 400, "More Than One From"},
	{START VIA FROM TO TO CALL_ID CSEQ "\r\n", 400, "More Than One To"},
	{START VIA FROM TO CALL_ID "i: d\r\n" CSEQ "\r\n", 400, "More Than One Call-ID"},
	{START VIA FROM TO CALL_ID CSEQ CSEQ "\r\n", 400, "More Than One CSeq"},
	{START VIA FROM TO CALL_ID CSEQ "l: 0\r\nl: 0\r\n\r\n", 400,
         "More Than One Content-Length"},
	{START VIA FROM TO CALL_ID CSEQ "Max-Forwards: 1\r\nMax-Forwards: 1\r\n\r\n", 400,
         "More Than One Max-Forwards"},
	{START "Via: SIP/2.0/UDP\r\n" FROM TO CALL_ID CSEQ "\r\n", 400, "Unreadable Via"},
	{START "Via: SIP/2.0/UDP h, x\r\n" FROM TO CALL_ID CSEQ "\r\n", 400, "Unreadable Via"},
	{START "Via:\r\n" FROM TO CALL_ID CSEQ "\r\n", 400, "Unreadable Via"},
	{START VIA "From: <sip:a\r\n" TO CALL_ID CSEQ "\r\n", 400, "Unreadable From"},
	{START VIA FROM "To: \"a <sip:a>\r\n" CALL_ID CSEQ "\r\n", 400, "Unreadable To"},
	{START VIA FROM TO "Call-ID:\r\n" CSEQ "\r\n", 400, "Unreadable Call-ID"},
	{START VIA FROM TO "Call-ID: a b\r\n" CSEQ "\r\n", 400, "Unreadable Call-ID"},
	{START VIA FROM TO CALL_ID "CSeq: x BYE\r\n\r\n", 400, "Unreadable CSeq"},
	{START VIA FROM TO CALL_ID "CSeq: 2147483648 BYE\r\n\r\n", 400, "Unreadable CSeq"},
	{START VIA FROM TO CALL_ID "CSeq: 1 ACK\r\n\r\n", 400, "CSeq Of Another Method"},
	{START VIA FROM TO CALL_ID "CSeq: 1 bye\r\n\r\n", 400, "CSeq Of Another Method"},
	{START VIA FROM TO CALL_ID CSEQ "Max-Forwards: -1\r\n\r\n", 400, "Unreadable Max-Forwards"},
	{START VIA FROM TO CALL_ID CSEQ "l: -1\r\n\r\n", 400, "Unreadable Content-Length"},
	{START VIA FROM TO CALL_ID CSEQ "l: 4294967296\r\n\r\n", 400, "Unreadable Content-Length"},
	{START VIA FROM TO CALL_ID CSEQ "l: 1\r\n\r\n", 400, "Message Cut Short"},
	{START VIA FROM TO CALL_ID CSEQ, 400, "Message Cut Short"},
	/* what only answers have means nothing here */
	{START VIA FROM TO CALL_ID CSEQ "WWW-Authenticate: x\r\nWWW-Authenticate: x\r\n"
                                        "Proxy-Authenticate: x\r\nService-Route: x\r\n\r\n",
         0, NULL},
	{START VIA FROM TO CALL_ID CSEQ "no header\r\n\r\n", 400, "Unreadable Header Line"},
	{START VIA FROM TO CALL_ID CSEQ ": x\r\n\r\n", 400, "Unreadable Header Line"},
	{START " folded: x\r\n" VIA FROM TO CALL_ID CSEQ "\r\n", 400, "Unreadable Header Line"},
};

/* R40, R45, R46 */
static void what_may_be_worked_on_is_told_by_status(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(judged); i++) {
		const char *why = NULL;
		struct sip_msg m = parsed(judged[i].text);
		uint16_t status = sip_check(&m, &why);

		if (status != judged[i].status)
			fail_msg("got %u %s for\n%s", status, why ? why : "-", judged[i].text);
		if (status == 0)
			assert_null(why);
		else
			assert_string_equal(why, judged[i].why);
	}
}

static void more_headers_than_there_is_room_for_are_refused(void **state)
{
	(void)state;
	for (size_t more = 0; more <= 1; more++) {
		char text[4096];
		const char *why = NULL;
		size_t n =
			(size_t)snprintf(text, sizeof text, "%s", START VIA FROM TO CALL_ID CSEQ);

		for (size_t i = 5; i < SIP_HEADERS_MAX + more; i++)
			n += (size_t)snprintf(text + n, sizeof text - n, "X: %zu\r\n", i);
		(void)snprintf(text + n, sizeof text - n, "\r\nbody");
		struct sip_msg m = parsed(text);

		assert_int_equal(m.n_headers, SIP_HEADERS_MAX);
		assert_int_equal(m.too_many_headers, more > 0);
		assert_slice(m.body, "body");
		assert_int_equal(sip_check(&m, &why), more > 0 ? 400 : 0);
	}
}

/* Every beginning of a message is either no SIP or is refused as cut short; none is taken. */
static void no_cut_message_is_taken(void **state)
{
	(void)state;
	for (size_t n = 0; n + strlen("rest") < strlen(whole); n++) {
		struct sip_msg m;
		const char *why = NULL;

		if (sip_parse((struct slice){(const uint8_t *)whole, n}, &m) == OK)
			assert_int_not_equal(sip_check(&m, &why), 0);
	}
	struct sip_msg m = parsed(whole);
	const char *why = NULL;
	assert_int_equal(sip_check(&m, &why), 0);
}

/* --- RFC 4475 and RFC 5118 --- */

struct torture {
	char file[80];
	char kind[60];
	char verdict[20];
	char statuses[100];
};

/* file kind bytes source licence verdict status_for_registrar why */
static bool read_row(char *line, struct torture *t)
{
	const struct {
		char *to;
		size_t room;
	} wanted[] = {
		{t->file, sizeof t->file},
		{t->kind, sizeof t->kind},
		{NULL, 0},
		{NULL, 0},
		{NULL, 0},
		{t->verdict, sizeof t->verdict},
		{t->statuses, sizeof t->statuses},
	};
	char *rest = line;

	for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
		const char *field = strsep(&rest, "\t");

		if (field == NULL || rest == NULL)
			return false;
		if (wanted[i].to != NULL)
			(void)snprintf(wanted[i].to, wanted[i].room, "%s", field);
	}
	return strstr(t->file, ".dat") != NULL;
}

static bool allows(const struct torture *t, uint16_t status)
{
	char text[8];

	(void)snprintf(text, sizeof text, "%u", status);
	return strstr(t->statuses, text) != NULL;
}

/* What must be refused, but for something the layers above see: a URI, a Require, a body. */
static bool is_refused_later(const char *file)
{
	static const char *const later[] = {"bext01", "invut",  "novelsc",
	                                    "unkscm", "unksm2", "ipv6-bad"};

	for (size_t i = 0; i < ARRAY_LEN(later); i++)
		if (strstr(file, later[i]) != NULL)
			return true;
	return false;
}

static void judge(const struct torture *t, struct slice bytes)
{
	struct sip_msg m;
	const char *why = "";
	enum err err = sip_parse(bytes, &m);

	if (strcmp(t->kind, "response") == 0) {
		if (err == OK ? m.is_request : strcmp(t->verdict, "drop") != 0)
			fail_msg("%s: taken for a request, or lost", t->file);
		return;
	}
	if (err != OK || !m.is_request)
		fail_msg("%s: %s", t->file, err_text(err));
	assert_slice(slice_head(m.method_name, strlen(t->kind)), t->kind);
	uint16_t status = sip_check(&m, &why);
	bool later = is_refused_later(t->file);
	if (status != 0 && !allows(t, status))
		fail_msg("%s: %u %s is not among %s", t->file, status, why, t->statuses);
	if (status != 0 && strcmp(t->verdict, "must-accept") == 0)
		fail_msg("%s: %u %s, must be accepted", t->file, status, why);
	if (status == 0 && strcmp(t->verdict, "must-reject") == 0 && !later)
		fail_msg("%s: accepted, must be refused", t->file);
}

static struct slice load(const char *dir, const char *name, uint8_t *to, size_t room)
{
	char path[500];
	(void)snprintf(path, sizeof path, "%s/%s", dir, name);
	FILE *f = fopen(path, "rb");

	if (f == NULL)
		fail_msg("cannot open %s", path);
	size_t n = fread(to, 1, room, f);
	assert_int_equal(fclose(f), 0);
	return (struct slice){to, n};
}

static void the_torture_messages_get_their_verdict(void **state)
{
	(void)state;
	static uint8_t index[65536];
	static uint8_t bytes[SIP_MESSAGE_MAX];
	const char *dir = getenv("SHARED_DATA");
	size_t n_judged = 0;

	if (dir == NULL)
		skip();
	struct slice all = load(dir, "torture-index.tsv", index, sizeof index - 1);
	index[all.n] = '\0';
	char *rest = (char *)index;
	for (char *line = strsep(&rest, "\n"); line != NULL; line = strsep(&rest, "\n")) {
		struct torture t;

		if (!read_row(line, &t))
			continue;
		judge(&t, load(dir, t.file, bytes, sizeof bytes));
		n_judged++;
	}
	assert_true(n_judged >= 60);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_is_split_without_copying),
		cmocka_unit_test(every_known_header_has_its_id_in_any_case),
		cmocka_unit_test(every_method_keeps_its_name),
		cmocka_unit_test(a_response_is_split),
		cmocka_unit_test(what_is_not_sip_is_malformed),
		cmocka_unit_test(lines_may_end_in_lf_and_empty_ones_lead),
		cmocka_unit_test(the_body_follows_its_length),
		cmocka_unit_test(a_head_without_an_end_is_cut_short),
		cmocka_unit_test(a_used_struct_can_be_used_again),
		cmocka_unit_test(what_may_be_worked_on_is_told_by_status),
		cmocka_unit_test(more_headers_than_there_is_room_for_are_refused),
		cmocka_unit_test(no_cut_message_is_taken),
		cmocka_unit_test(the_torture_messages_get_their_verdict),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
