/* layer: core */
/* What we write and read, beside a reader that is not ours (libosip2): no mistake can be shared.
 * Besides, the kit has every answer of every test of the registrar read by both. */
#include "tests/tsv.h"
#include "tests/unit/auth_kit.h"

#define I1   ";+sip.instance=\"<urn:uuid:1>\""
#define RICH "sip:alice@rich.example"

static char words[READ_MAX];

/* The last answer in the words of the other reader. */
static const char *read_by_other(const struct kit *k)
{
	struct buf to = buf_on((uint8_t *)words, sizeof words - 1);

	assert_true(other_reading(k->out.reply, &to));
	words[to.n] = '\0';
	return words;
}

/* `*at` stands before this text, which is passed. */
static void expect(const char **at, const char *text)
{
	size_t n = strlen(text);

	if (strncmp(*at, text, n) != 0)
		fail_msg("no %s at\n%s", text, *at);
	*at += n;
}

/* Status, Via, From, To, Call-ID and CSeq are what the kit's request asks for; the rest. */
static const char *behind_what_is_copied(const struct kit *k, const char *status,
                                         const struct reg *r)
{
	const char *at = read_by_other(k), *user = or_else(r->to, "sip:alice@open.example");
	char line[256], name[128];

	(void)snprintf(name, sizeof name, " <sip %.*s %s >;tag=", (int)strcspn(user + 4, "@"),
	               user + 4, strchr(user, '@') + 1);
	expect(&at, status);
	(void)snprintf(
		line, sizeof line,
		"\nvia UDP 192.0.2.7 5062;branch=z9hG4bK-%u;received=192.0.2.7;rport=40000\n",
		k->branch);
	expect(&at, line);
	expect(&at, "from ");
	expect(&at, name);
	expect(&at, "f1\nto ");
	expect(&at, name);
	assert_int_equal(strspn(at, "0123456789abcdef"), 16);
	at += 16;
	(void)snprintf(line, sizeof line, "\ncall-id c1\ncseq %u REGISTER\n",
	               r->cseq != 0 ? r->cseq : 1);
	expect(&at, line);
	return at;
}

struct row {
	const char *what;
	struct reg request;
	const char *status, *rest;
};

/* R08, R14, R19, R28-R34, R41, R42, N1, P2, S1, ob-1, ob-6, ob-12 */
static void each_kind_of_answer_is_read_as_it_was_meant(void **state)
{
	(void)state;
	static const struct row rows[] = {
		{"an empty list", {0}, "200", "length 0\n;date=Sat, 13 Nov 2010 23:29:00 GMT\n"},
		{"many contacts",
	         {.contact = "\"Al, \\\"x\\\"\" <sip:a%20b@[2001:db8::1]:5070;lr?X=%3C>;q=0.7" I1
	                     ";Foo;bar=\"a;b,c\";expires=90, <sips:c@h>, <tel:+1-2>;q=0"},
	         "200",
	         "contact \"Al, \\\"x\\\"\" <sip a b 2001:db8::1 5070;lr?X=<>;q=0.7"
	         ";+sip.instance=\"<urn:uuid:1>\";foo;bar=\"a;b,c\";expires=90\n"
	         "contact  <sips c h >;expires=3600\ncontact  <tel:+1-2>;q=0;expires=3600\n"
	         "length 0\n;date=Sat, 13 Nov 2010 23:29:00 GMT\n"},
		{"a flow behind proxies that is to be woken",
	         {.to = RICH,
	          .contact = "<sip:a@h;pn-provider=apns;pn-prid=7;ob>;reg-id=1" I1,
	          .more = "Supported: path, outbound\r\n"
	                  "Path: <sip:p1;lr;ob>, \"two, three\" <sip:p2;lr>\r\n"},
	         "200",
	         "contact  <sip a h ;pn-provider=apns;pn-prid=7;ob>;reg-id=1"
	         ";+sip.instance=\"<urn:uuid:1>\";expires=3600\nlength 0\n"
	         ";path=<sip:p1;lr;ob>;path=\"two, three\" <sip:p2;lr>;require=outbound"
	         ";flow-timer=120;feature-caps=*;+sip.pns=\"apns\""
	         ";service-route=<sip:10.0.0.9;lr>;date=Sat, 13 Nov 2010 23:29:00 GMT\n"},
		{"unknown options",
	         {.more = "Require: path, sec-agree, teleport\r\nRequire: x\r\n"},
	         "420",
	         "length 0\n;unsupported=sec-agree;unsupported=teleport;unsupported=x\n"},
		{"too brief",
	         {.contact = A, .expires = "59"},
	         "423",
	         "length 0\n;min-expires=60\n"},
		{"a hop without outbound",
	         {.contact = A ";reg-id=1" I1,
	          .more = "Supported: outbound\r\nVia: SIP/2.0/UDP e\r\n"},
	         NULL,
	         "length 0\n\n"},
		{"an unknown domain", {.to = "sip:alice@no.example"}, "404", "length 0\n\n"},
		{"no secret yet", {.to = ALICE}, "503", "length 0\n;retry-after=5\n"},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct row *row = &rows[i];
		struct kit *k = kit_new();

		(void)kit_register(k, &row->request);
		if (row->status == NULL) { /* two Vias */
			const char *at = strstr(read_by_other(k), "\nvia UDP e \n");
			assert_non_null(at);
			assert_string_equal(strstr(at, "length"), row->rest);
		} else if (strcmp(behind_what_is_copied(k, row->status, &row->request),
		                  row->rest) != 0)
			fail_msg("%s: wanted\n%s\ngot\n%s", row->what, row->rest, words);
		kit_free(k);
	}
}

/* D1, R09 */
static void challenges_are_read_as_they_were_meant(void **state)
{
	(void)state;
	static const char *const algorithms[] = {"SHA-512-256", "SHA-256", "MD5"};
	const struct reg request = {.to = "sip:alice@strict.example"};
	struct kit *k = new_realm();
	char nonce[NONCE_SIZE + 1], challenge[256];

	(void)kit_register(k, &request);
	const char *at = strstr(k->reply, "nonce=\"");
	assert_non_null(at);
	(void)snprintf(nonce, sizeof nonce, "%s", at + strlen("nonce=\""));
	at = behind_what_is_copied(k, "401", &request);
	for (size_t i = 0; i < ARRAY_LEN(algorithms); i++) {
		(void)snprintf(challenge, sizeof challenge,
		               "challenge strict.example\n nonce %s\n algorithm %s\n"
		               " qop auth,auth-int\n",
		               nonce, algorithms[i]);
		expect(&at, challenge);
	}
	assert_string_equal(at, "length 0\n\n");
	kit_free(k);
}

/* gruu-1, gruu-2, gruu-3 */
static void gruus_are_read_as_they_were_meant(void **state)
{
	(void)state;
	const struct reg request = {.contact = A I1, .cseq = 1, .more = "Supported: gruu\r\n"};
	struct kit *k = kit_new();
	char named[512];

	kit_secret(k, 1, 0x11);
	(void)kit_register(k, &request);
	const char *at = behind_what_is_copied(k, "200", &request);
	expect(&at, "contact  <sip alice 192.0.2.7 5062>" I1
	            ";pub-gruu=\"sip:alice@open.example;gr=urn:uuid:1\";temp-gruu=\"sip:");
	(void)snprintf(named, sizeof named, "temp-gruu=\"sip:%.*s\";expires=3600\r\n",
	               (int)strcspn(at, "\""), at);
	assert_non_null(strstr(k->reply, named));
	at += strcspn(at, "\"");
	expect(&at, "\";expires=3600\nlength 0\n;date=");
	kit_free(k);
}

/* R01, P5: where a caller is sent to, and what else there is to say */
static void answers_to_callers_are_read_as_they_were_meant(void **state)
{
	(void)state;
	static const struct {
		const char *start, *status, *rest;
	} cases[] = {
		{"INVITE " RICH, "302",
	         "contact \"Al\" <sip a h ;x=1?Route=<sip:p1;lr>,<sip:p2;lr>>;q=0.9;expires=3600\n"
	         "contact  <sip b h >;q=0.1;expires=3600\nlength 0\n\n"},
		{"INVITE sip:rich.example", "405",
	         "length 0\n;allow=REGISTER;allow=OPTIONS;allow=SUBSCRIBE\n"},
		{"JUGGLE sip:rich.example", "501", "length 0\n\n"},
		{"OPTIONS sip:rich.example", "200",
	         "length 0\n;supported=path;supported=outbound;supported=gruu;supported=gin"
	         ";allow=REGISTER;allow=OPTIONS;allow=SUBSCRIBE\n"},
	};
	struct kit *k = kit_new();

	(void)kit_register(k, &(struct reg){.to = RICH, .contact = "<sip:b@h>;q=0.1"});
	(void)kit_register(k, &(struct reg){.to = RICH,
	                                    .cseq = 2,
	                                    .contact = "\"Al\" <sip:a@h;x=1>;q=0.9",
	                                    .more = "Path: <sip:p1;lr>, <sip:p2;lr>\r\n"});
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		(void)snprintf(k->request, sizeof k->request,
		               "%s SIP/2.0\r\nVia: SIP/2.0/TCP [2001:db8::9];branch=z9hG4bKi\r\n"
		               "From: sip:c@h;tag=c\r\nTo: <" RICH ">;tag=there\r\n"
		               "Call-ID: x@y\r\nCSeq: 7 %.*s\r\n\r\n",
		               cases[i].start, (int)strcspn(cases[i].start, " "), cases[i].start);
		(void)kit_serve(k, slice_str(k->request));
		const char *at = read_by_other(k);
		expect(&at, cases[i].status);
		expect(&at, "\nvia TCP 2001:db8::9 ;branch=z9hG4bKi;received=192.0.2.7\n"
		            "from  <sip c h >;tag=c\nto  <sip alice rich.example >;tag=there\n"
		            "call-id x@y\ncseq 7 ");
		assert_string_equal(strchr(at, '\n') + 1, cases[i].rest);
	}
	kit_free(k);
}

static struct slice torture_message(const char *name, size_t n)
{
	static uint8_t bytes[8192];
	char path[512];

	(void)snprintf(path, sizeof path, "%s/%.*s", getenv("SHARED_DATA"), (int)n, name);
	FILE *f = fopen(path, "rb");
	assert_non_null(f);
	n = fread(bytes, 1, sizeof bytes, f);
	assert_int_equal(fclose(f), 0);
	return (struct slice){bytes, n};
}

/* What the other reader cannot say. */
static bool is_left_out(struct slice name)
{
	static const struct {
		const char *file, *why;
	} left_out[] = {
		{"rfc4475/escnull.dat", "its strings end at an escaped NUL"},
		{"rfc4475/intmeth.dat", "its strings end at a NUL"},
	};

	for (size_t i = 0; i < ARRAY_LEN(left_out); i++)
		if (slice_eq(name, slice_str(left_out[i].file)))
			return true;
	return false;
}

/* R32, R33, R40, R42: the messages that must be accepted */
static void torture_messages_are_read_alike(void **state)
{
	(void)state;
	enum { FILE_NAME, VERDICT = 5 };
	struct tsv index;
	size_t n = 0;

	tsv_open(&index, "torture-index.tsv");
	while (tsv_next(&index)) {
		struct slice name = index.fields[FILE_NAME];

		if (!slice_eq(index.fields[VERDICT], SLICE("must-accept")) || is_left_out(name))
			continue;
		assert_read_alike(torture_message((const char *)name.p, name.n));
		n++;
	}
	tsv_close(&index);
	assert_true(n > 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_kind_of_answer_is_read_as_it_was_meant),
		cmocka_unit_test(challenges_are_read_as_they_were_meant),
		cmocka_unit_test(gruus_are_read_as_they_were_meant),
		cmocka_unit_test(answers_to_callers_are_read_as_they_were_meant),
		cmocka_unit_test(torture_messages_are_read_alike),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
