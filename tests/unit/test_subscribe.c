/* layer: core */
/* SUBSCRIBE for reg (RFC 3680): who may watch, for how long, and what the document says. */
#include "tests/unit/auth_kit.h"

#define OPEN "sip:alice@open.example"

/* One SUBSCRIBE; what is NULL or 0 gets a usual value. */
struct sub {
	const char *aor, *uri, *event, *contact, *expires, *call_id, *to_tag, *more;
	unsigned cseq;
};

static const char *subscribe(struct kit *k, const struct sub *s)
{
	static char text[8192];
	const char *aor = or_else(s->aor, OPEN);

	(void)snprintf(text, sizeof text,
	               "SUBSCRIBE %s SIP/2.0\r\nVia: SIP/2.0/UDP "
	               "192.0.2.7:5062;branch=z9hG4bKs%u;rport\r\n"
	               "From: <%s>;tag=w1\r\nTo: <%s>%s%s\r\nCall-ID: %s\r\nCSeq: %u SUBSCRIBE\r\n"
	               "Max-Forwards: 70\r\nEvent: %s\r\nContact: %s\r\n%s%s%s%s\r\n",
	               or_else(s->uri, aor), ++k->branch, aor, aor,
	               s->to_tag != NULL ? ";tag=" : "", or_else(s->to_tag, ""),
	               or_else(s->call_id, "watch"), s->cseq != 0 ? s->cseq : 1,
	               or_else(s->event, "reg"), or_else(s->contact, "<sip:alice@192.0.2.7:5062>"),
	               s->expires != NULL ? "Expires: " : "", or_else(s->expires, ""),
	               s->expires != NULL ? "\r\n" : "", or_else(s->more, ""));
	(void)kit_serve(k, slice_str(text));
	return slice_str(kit_summary(k)).n > 3 ? "200" : k->summary;
}

/* The NOTIFY behind the last answer, as text; it lives until the next. */
static const char *notify(struct kit *k)
{
	assert_true(k->out.notify.bytes.n > 0 && k->out.notify.bytes.n < sizeof k->request);
	(void)snprintf(k->request, sizeof k->request, SLICE_FMT, SLICE_ARG(k->out.notify.bytes));
	return k->request;
}

static bool notifies(struct kit *k, const char *what)
{
	return strstr(notify(k), what) != NULL;
}

static struct kit *with_alice(void)
{
	struct kit *k = kit_new();

	kit_secret(k, 1, 0x11);
	(void)kit_register(k, &(struct reg){.contact = "<sip:alice@192.0.2.7:5062>"});
	return k;
}

/* Our tag of the dialog. */
static const char *our_tag(struct kit *k, char to[64])
{
	char line[256];
	const char *tag = strstr(kit_header(k, "To", line, sizeof line), ";tag=");

	assert_non_null(tag);
	(void)snprintf(to, 64, "%s", tag + strlen(";tag="));
	return to;
}

/* E1, E2, E4 */
static void what_cannot_be_watched_is_refused(void **state)
{
	(void)state;
	static const struct {
		struct sub s;
		const char *status, *header, *value;
	} cases[] = {
		{{.event = "presence"}, "489", "Allow-Events", "reg"},
		{{.event = "regular"}, "489", "Allow-Events", "reg"},
		{{.event = "reg;id=7"}, "200", "Expires", "3761"},
		{{.event = "REG ;id=7"}, "200", "Expires", "3761"},
		{{.more = "Accept: application/pidf+xml\r\n"}, "406", "", ""},
		{{.more = "Accept: text/plain, application/reginfo+xml\r\n"}, "200", "", ""},
		{{.more = "Accept: application/*;q=0.3\r\n"}, "200", "", ""},
		{{.more = "Require: eventlist\r\n"}, "420", "Unsupported", "eventlist"},
		{{.expires = "59"}, "423", "Min-Expires", "60"},
		{{.expires = "60"}, "200", "Expires", "60"},
		{{.expires = "999999"}, "200", "Expires", "86400"},
		{{.expires = "0"}, "200", "Expires", "0"},
		{{.contact = "*"}, "400", "", ""},
		{{.contact = "<sip:a@h>, <sip:b@h>"}, "400", "", ""},
		{{.contact = "<tel:123>"}, "400", "", ""},
		{{.to_tag = "nonesuch"}, "481", "", ""},
		{{.aor = "sip:nobody@open.example"}, "404", "", ""},
		{{.aor = "sip:alice@elsewhere.example"}, "404", "", ""},
	};
	char value[128];

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct kit *k = with_alice();
		const char *status = subscribe(k, &cases[i].s);
		if (strcmp(status, cases[i].status) != 0)
			fail_msg("case %zu: %s", i, k->reply);
		if (*cases[i].header != '\0')
			assert_string_equal(kit_header(k, cases[i].header, value, sizeof value),
			                    cases[i].value);
		assert_true((k->out.notify.bytes.n > 0) == (strcmp(status, "200") == 0));
		kit_free(k);
	}
}

/* E3: the user itself; another only where the domain says so */
static void who_watches_shows_a_password(void **state)
{
	(void)state;
	struct kit *k = new_realm();
	const struct sub knock = {.aor = ALICE};
	char nonce[NONCE_SIZE + 1];

	assert_string_equal(subscribe(k, &knock), "401");
	const char *at = strstr(k->reply, "nonce=\"");
	assert_non_null(at);
	(void)snprintf(nonce, sizeof nonce, "%s", at + strlen("nonce=\""));
	struct client c = {.uri = ALICE, .method = "SUBSCRIBE"};
	struct sub s = {.aor = ALICE, .more = authorization(k, &c, nonce)};
	assert_string_equal(subscribe(k, &s), "200");
	assert_true(notifies(k, "state=\"init\""));
	c.user = "bob";
	c.nc = 2;
	s.more = authorization(k, &c, nonce);
	assert_string_equal(subscribe(k, &s), "403");
	c = (struct client){.uri = ALICE, .method = "SUBSCRIBE", .password = "guess", .nc = 3};
	s.more = authorization(k, &c, nonce);
	assert_string_equal(subscribe(k, &s), "401");
	kit_free(k);
}

/* Its nonce-count would be kept in a record of its own */
static void a_full_domain_takes_no_watcher_that_is_new_there(void **state)
{
	(void)state;
	static const struct domain_policy full =
		KIT_DOMAIN("example.com", 3600, OFFER_ALL, 4, .max_users = 1);
	struct kit *k = kit_new();
	const struct sub knock = {.aor = ALICE};
	const struct client c = {.uri = ALICE, .method = "SUBSCRIBE"};
	char nonce[NONCE_SIZE + 1];

	server_free(&k->server);
	copy_free(&k->copy);
	k->server = server_new(&(struct server_options){&full, 1, KIT_HOUR_MS, heap});
	k->copy = server_copy(k->server, &heap);
	kit_secret(k, 1, 0x11);
	kit_subscriber(k, "alice", "example.com", false);
	kit_put(k, TABLE_AOR, SLICE("sip:bob@example.com"), SLICE("his record"));
	assert_string_equal(subscribe(k, &knock), "401");
	(void)snprintf(nonce, sizeof nonce, "%s",
	               strstr(k->reply, "nonce=\"") + strlen("nonce=\""));
	const struct sub s = {.aor = ALICE, .more = authorization(k, &c, nonce)};
	assert_string_equal(subscribe(k, &s), "503");
	assert_int_equal(k->out.outcome, SERVED_FULL);
	assert_int_equal(k->out.noted.key.n, 0);
	copy_delete(k->copy, TABLE_AOR, SLICE("sip:bob@example.com"));
	assert_string_equal(subscribe(k, &s), "200");
	assert_int_equal(k->out.noted.key.n, strlen(ALICE));
	kit_free(k);
}

/* E14, RFC 3261 12.2.2 */
static void a_dialog_is_refreshed_repeated_and_ended(void **state)
{
	(void)state;
	struct kit *k = with_alice();
	char tag[64], value[256];

	assert_string_equal(
		subscribe(k, &(struct sub){.more = "Record-Route: <sip:p1;lr>,<sip:p2;lr>\r\n"}),
		"200");
	assert_true(notifies(k, "\r\nRoute: <sip:p1;lr>\r\nRoute: <sip:p2;lr>\r\n"));
	assert_non_null(
		strstr(k->reply, "\r\nRecord-Route: <sip:p1;lr>\r\nRecord-Route: <sip:p2;lr>\r\n"));
	assert_string_equal(kit_header(k, "Contact", value, sizeof value), "<sip:10.0.0.10:5060>");
	(void)our_tag(k, tag);
	kit_pass(k, 1000);
	assert_string_equal(subscribe(k, &(struct sub){.to_tag = tag,
	                                               .cseq = 2,
	                                               .expires = "100",
	                                               .uri = "sip:10.0.0.10:5060"}),
	                    "200");
	assert_true(notifies(k, "version=\"1\" state=\"full\""));
	assert_true(notifies(k, "CSeq: 2 NOTIFY"));
	assert_true(notifies(k, "\r\nRoute: <sip:p1;lr>\r\n"));
	kit_pass(k, 10000);
	assert_string_equal(subscribe(k, &(struct sub){.to_tag = tag, .cseq = 2}), "200");
	assert_int_equal(k->out.outcome, SERVED_REPEATED);
	assert_int_equal(k->out.notify.bytes.n, 0);
	assert_string_equal(kit_header(k, "Expires", value, sizeof value), "90");
	assert_string_equal(subscribe(k, &(struct sub){.to_tag = tag, .cseq = 1}), "500");
	assert_string_equal(subscribe(k, &(struct sub){.to_tag = tag, .cseq = 3, .expires = "0"}),
	                    "200");
	assert_true(notifies(k, "version=\"2\" state=\"full\""));
	assert_true(notifies(k, "Subscription-State: terminated;reason=timeout"));
	assert_int_equal(copy_count(k->copy, TABLE_WATCHER), 0);
	assert_string_equal(subscribe(k, &(struct sub){.to_tag = tag, .cseq = 4}), "481");
	kit_free(k);
}

/* E6, E7, E12; RFC 5628; gruu-12: the temporary one with the CSeq it is of */
static void the_document_says_what_is_bound(void **state)
{
	(void)state;
	struct kit *k = with_alice();

	(void)kit_register(k,
	                   &(struct reg){.cseq = 2,
	                                 .call_id = "c<2>",
	                                 .contact = "\"A & B\" <sip:alice@192.0.2.8;x=\"<'>;q=0.25;"
	                                            "+sip.instance=\"<urn:uuid:1>\""});
	(void)kit_register(k,
	                   &(struct reg){.cseq = 3,
	                                 .call_id = "c<2>",
	                                 .contact = "\"A & B\" <sip:alice@192.0.2.8;x=&y>;q=0.25;"
	                                            "+sip.instance=\"<urn:uuid:1>\""});
	kit_pass(k, 90000);
	assert_string_equal(subscribe(k, &(struct sub){.more = "Supported: gruu\r\n"}), "200");
	assert_true(notifies(k, "\r\nContent-Type: application/reginfo+xml\r\n"));
	assert_true(notifies(k, "<registration aor=\"sip:alice@open.example\" id=\"a"));
	assert_true(notifies(k, "state=\"active\" event=\"registered\" expires=\"3510\" "
	                        "duration-registered=\"90\" q=\"0.250\" "
	                        "callid=\"c&lt;2&gt;\" cseq=\"3\">\n"));
	assert_true(notifies(k, "<uri>sip:alice@192.0.2.8;x=&amp;y</uri>\n"
	                        "<display-name>A &amp; B</display-name>\n"
	                        "<unknown-param name=\"+sip.instance\">&quot;&lt;urn:uuid:1&gt;"
	                        "&quot;</unknown-param>\n"
	                        "<gr:pub-gruu uri=\"sip:alice@open.example;gr=urn:uuid:1\"/>\n"
	                        "<gr:temp-gruu uri=\"sip:"));
	assert_true(notifies(k, ";gr\" first-cseq=\"3\"/>\n"));
	const char *body = strstr(notify(k), "\r\n\r\n");
	char length[64];
	(void)snprintf(length, sizeof length, "Content-Length: %zu\r\n", strlen(body + 4));
	assert_true(notifies(k, length));
	kit_free(k);
}

/* E13, D15: the tag of the dialog is kept, though the secret it was made with is not the newest any more */
static void a_subscription_is_repeated_after_a_new_secret(void **state)
{
	(void)state;
	struct kit *k = with_alice();
	char tag[64], again[64];

	assert_string_equal(subscribe(k, &(struct sub){.more = ""}), "200");
	(void)our_tag(k, tag);
	kit_secret(k, 2, 0x22);
	k->branch--;
	assert_string_equal(subscribe(k, &(struct sub){.more = ""}), "200");
	assert_string_equal(our_tag(k, again), tag);
	assert_false(k->out.change);
	assert_int_equal(k->out.notify.bytes.n, 0);
	kit_free(k);
}

/* B9: its document shows the one contact; a number that is there through it alone is not watched */
static void a_pbx_is_watched_and_not_its_numbers(void **state)
{
	(void)state;
	struct kit *k = kit_new();
	static const struct reg pbx = {.to = "sip:pbx1@rich.example",
	                               .contact = "<sip:198.51.100.3:5070;bnc>",
	                               .more = "Require: gin\r\nProxy-Require: gin\r\n"};

	kit_secret(k, 1, 0x11);
	assert_memory_equal(kit_register(k, &pbx), "200", 3);
	assert_string_equal(subscribe(k, &(struct sub){.aor = "sip:+12145550142@rich.example"}),
	                    "404");
	assert_string_equal(subscribe(k, &(struct sub){.aor = "sip:pbx1@rich.example"}), "200");
	assert_true(notifies(k, "<registration aor=\"sip:pbx1@rich.example\""));
	assert_true(notifies(k, "<uri>sip:198.51.100.3:5070;bnc</uri>"));
	assert_null(strstr(notify(k), "12145550142"));
	kit_free(k);
}

/* What a few phones need, and no more: the record has an end. */
static void an_aor_has_so_many_watchers(void **state)
{
	(void)state;
	struct kit *k = with_alice();
	char call_id[16];

	for (int i = 0; i < WATCHERS_MAX; i++) {
		(void)snprintf(call_id, sizeof call_id, "w%d", i);
		assert_string_equal(subscribe(k, &(struct sub){.call_id = call_id}), "200");
	}
	assert_string_equal(subscribe(k, &(struct sub){.call_id = "one-more"}), "403");
	assert_string_equal(subscribe(k, &(struct sub){.call_id = "fetch", .expires = "0"}), "200");
	assert_false(k->out.change);
	kit_free(k);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_cannot_be_watched_is_refused),
		cmocka_unit_test(who_watches_shows_a_password),
		cmocka_unit_test(a_full_domain_takes_no_watcher_that_is_new_there),
		cmocka_unit_test(a_dialog_is_refreshed_repeated_and_ended),
		cmocka_unit_test(the_document_says_what_is_bound),
		cmocka_unit_test(a_subscription_is_repeated_after_a_new_secret),
		cmocka_unit_test(a_pbx_is_watched_and_not_its_numbers),
		cmocka_unit_test(an_aor_has_so_many_watchers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
