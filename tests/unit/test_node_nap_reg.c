/* layer: core */
/* A registrar tells what became of our registration there. */
#include "tests/unit/nap_kit.h"

#define FROM_THERE "192.0.2.1:5060"

static const struct nap_reply granted = {"200 OK", FROM_THERE,
                                         "Contact: <sip:box@10.0.0.10:5060>;expires=3600\r\n"};
#define ROUTES "Service-Route: <sip:a.example;lr>, <sip:b.example;lr>\r\n"

static struct nap_options following(void)
{
	struct nap_options o = nap_reference("trunk");

	o.reg_event = true;
	return o;
}

/* 200 to the newest, a REGISTER, with a Service-Route. */
static void grant_with_routes(struct kit *k, int at, const char *routes)
{
	char more[512];

	(void)snprintf(more, sizeof more, "Contact: <sip:box@10.0.0.10:5060>;expires=3600\r\n%s",
	               routes);
	nap_answer(k, at, "200 OK", more);
	nap_run(k, 20);
}

#define ACCEPTED                                                                     \
	"Expires: 600\r\nContact: <sip:reg@192.0.2.1>\r\nRecord-Route: <sip:p1;lr>," \
	" <sip:p2;lr>\r\n"

/* Registered at 0 s, subscribed, and 10 s have passed. */
static struct kit *subscribed(const struct nap_options *o)
{
	struct kit *k = nap_alone(o);

	grant_with_routes(k, A, ROUTES);
	assert_true(nap_is(nap_newest(), "SUBSCRIBE "));
	nap_answer(k, A, "200 OK", ACCEPTED);
	nap_run(k, 10000);
	assert_int_equal(heard.n, 2);
	return k;
}

static const struct nap_sent *newest_of(const char *method)
{
	for (size_t i = heard.n; i-- > 0;)
		if (nap_is(&heard.at[i], method))
			return &heard.at[i];
	fail_msg("there was no %s", method);
	return NULL;
}

struct told {
	unsigned cseq;
	const char *more, *body, *from;
};

/* A NOTIFY in the dialog of the newest SUBSCRIBE. */
static void tell(struct kit *k, int at, const struct told *t)
{
	char text[4096], party[256], call_id[256];
	const char *subscribe = newest_of("SUBSCRIBE ")->text;
	struct node_input in = {.event = NODE_MESSAGE};

	(void)snprintf(text, sizeof text,
	               "NOTIFY sip:box@10.0.0.10:5060 SIP/2.0\r\n"
	               "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKn%u\r\nMax-Forwards: 70\r\n"
	               "From: <sip:box@provider.example>;tag=p\r\nTo: %s\r\nCall-ID: %s\r\n"
	               "CSeq: %u NOTIFY\r\n%sContent-Length: %zu\r\n\r\n%s",
	               t->cseq, nap_header(subscribe, "From", party),
	               nap_header(subscribe, "Call-ID", call_id), t->cseq, t->more, strlen(t->body),
	               t->body);
	in.bytes = slice_str(text);
	in.flow.transport = TRANSPORT_UDP;
	assert_true(addr_parse(SLICE("10.0.0.10:5060"), &in.flow.local));
	assert_true(addr_parse(slice_str(t->from), &in.flow.remote));
	kit_feed(k, at, &in);
	kit_settle(k);
}

#define EVENT "Event: reg\r\nSubscription-State: active\r\n"
#define TYPE  "Content-Type: application/reginfo+xml\r\n"
#define DOCUMENT(what)                                                                            \
	"<reginfo><registration aor=\"sip:box@provider.example\" state=\"active\"><contact " what \
	"><uri>sip:box@10.0.0.10:5060</uri></contact></registration></reginfo>"
#define WHOLE_ENDED                                                                      \
	"<reginfo><registration aor=\"sip:box@provider.example\" state=\"terminated\"/>" \
	"</reginfo>"
#define ENDED(event) DOCUMENT("state=\"terminated\" event=\"" event "\"")

static void tell_body(struct kit *k, unsigned cseq, const char *body)
{
	tell(k, A, &(struct told){cseq, EVENT TYPE, body, FROM_THERE});
}

static void newest_answer_is(const char *status)
{
	char line[64];

	(void)snprintf(line, sizeof line, "SIP/2.0 %s", status);
	assert_memory_equal(newest_of("SIP/2.0 ")->text, line, strlen(line));
}

/* S4 C45 */
static void a_registered_nap_subscribes_by_its_service_route(void **state)
{
	(void)state;
	struct nap_options o = following();
	struct kit *k = subscribed(&o);
	const struct nap_sent *s = newest_of("SUBSCRIBE ");
	char value[256];

	assert_memory_equal(s->text, "SUBSCRIBE sip:box@provider.example SIP/2.0\r\n", 44);
	assert_string_equal(nap_header(s->text, "Route", value),
	                    "<sip:a.example;lr>, <sip:b.example;lr>");
	assert_string_equal(nap_header(s->text, "Event", value), "reg");
	assert_string_equal(nap_header(s->text, "Accept", value), "application/reginfo+xml");
	assert_string_equal(nap_header(s->text, "Expires", value), "3600");
	assert_string_equal(nap_header(s->text, "Contact", value), "<sip:box@10.0.0.10:5060>");
	assert_string_equal(nap_header(s->text, "To", value), "<sip:box@provider.example>");
	end(k);
}

static void without_the_key_nothing_is_subscribed(void **state)
{
	(void)state;
	struct nap_options o = nap_reference("trunk");
	struct kit *k = nap_alone(&o);

	grant_with_routes(k, A, ROUTES);
	nap_run(k, 1000);
	assert_int_equal(nap_count("SUBSCRIBE "), 0);
	o.reg_event = true; /* a reload */
	nap_configure(k, A, &o, 1);
	nap_run(k, 20);
	assert_int_equal(nap_count("SUBSCRIBE "), 1);
	assert_int_equal(nap_count("REGISTER "), 1);
	o.reg_event = false;
	nap_configure(k, A, &o, 1);
	nap_run(k, 20);
	tell_body(k, 1, ENDED("deactivated")); /* a dialog that is not ours any more */
	newest_answer_is("481 ");
	assert_int_equal(nap_count("REGISTER "), 1);
	end(k);
}

/* In the dialog then, by the routes of its answer. */
static void it_is_refreshed_at_half_its_time(void **state)
{
	(void)state;
	struct nap_options o = following();
	struct kit *k = subscribed(&o);
	int64_t begin = newest_of("SUBSCRIBE ")->at_ms;
	char call_id[256], value[256];

	(void)nap_header(newest_of("SUBSCRIBE ")->text, "Call-ID", call_id);
	nap_run(k, begin + 299999 - k->now.ms);
	assert_int_equal(nap_count("SUBSCRIBE "), 1);
	nap_run(k, 1);
	const struct nap_sent *s = newest_of("SUBSCRIBE ");
	assert_int_equal(nap_count("SUBSCRIBE "), 2);
	assert_memory_equal(s->text, "SUBSCRIBE sip:reg@192.0.2.1 SIP/2.0\r\n", 37);
	assert_string_equal(nap_header(s->text, "Call-ID", value), call_id);
	assert_string_equal(nap_header(s->text, "To", value), "<sip:box@provider.example>;tag=p");
	assert_string_equal(nap_header(s->text, "Route", value), "<sip:p2;lr>, <sip:p1;lr>");
	assert_int_equal(nap_cseq(s), 2);
	nap_answer(k, A, "481 Subscription Does Not Exist", "");
	nap_run(k, 600000);
	assert_int_equal(nap_count("SUBSCRIBE "), 2);
	end(k);
}

/* Another one begins when it is registered once more, with the route of then. S4 */
static void what_is_refused_is_asked_when_it_is_registered_again(void **state)
{
	(void)state;
	static const char *const refusals[] = {"489 Bad Event", "403 Forbidden",
	                                       "481 No Subscription"};
	struct nap_options o = following();
	struct kit *k = nap_alone(&o);
	char value[256];

	for (size_t i = 0; i < ARRAY_LEN(refusals); i++) {
		grant_with_routes(k, A, i == 0 ? ROUTES : "Service-Route: <sip:c.example;lr>\r\n");
		assert_true(nap_is(nap_newest(), "SUBSCRIBE "));
		assert_string_equal(nap_header(nap_newest()->text, "Route", value),
		                    i == 0 ? "<sip:a.example;lr>, <sip:b.example;lr>"
		                           : "<sip:c.example;lr>");
		nap_answer(k, A, refusals[i], "");
		nap_run(k, 1700000);
		assert_int_equal(nap_count("SUBSCRIBE "), i + 1);
		nap_run(k, 100000);
		assert_true(nap_is(nap_newest(), "REGISTER "));
	}
	grant_with_routes(k, A, "");
	assert_null(strstr(nap_newest()->text, "\r\nRoute:"));
	nap_run(k, 40000); /* silence */
	size_t before = nap_count("SUBSCRIBE ");
	nap_run(k, 600000);
	assert_int_equal(nap_count("SUBSCRIBE "), before);
	end(k);
}

static void one_challenge_is_answered(void **state)
{
	(void)state;
	struct nap_options o = following();
	o.password = SLICE("secret");
	struct kit *k = nap_alone(&o);

	grant_with_routes(k, A, "");
	nap_answer(k, A, "407 Proxy", "Proxy-Authenticate: Digest realm=\"r\", nonce=\"n\"\r\n");
	nap_run(k, 20);
	assert_true(nap_is(nap_newest(), "SUBSCRIBE "));
	assert_int_equal(nap_cseq(nap_newest()), 2);
	assert_non_null(strstr(nap_newest()->text, "\r\nProxy-Authorization: Digest "));
	nap_answer(k, A, "407 Proxy", "Proxy-Authenticate: Digest realm=\"r\", nonce=\"m\"\r\n");
	nap_run(k, 1000);
	assert_int_equal(nap_count("SUBSCRIBE "), 2);
	end(k);
}

/* C45: deactivated, expired, unregistered: at once; a retransmission of it changes nothing. */
static void what_was_ended_is_registered_again_at_once(void **state)
{
	(void)state;
	static const char *const bodies[] = {ENDED("deactivated"), ENDED("expired"),
	                                     ENDED("unregistered"), WHOLE_ENDED};
	struct nap_options o = following();
	struct kit *k = subscribed(&o);
	unsigned registers = 1;

	for (unsigned i = 0; i < ARRAY_LEN(bodies); i++) {
		tell_body(k, i + 1, bodies[i]);
		assert_int_equal(newest_of("REGISTER ")->at_ms, k->now.ms);
		assert_int_equal(nap_count("REGISTER "), ++registers);
		nap_is_in(k, A, NAP_REGISTERING, "");
		assert_false(nap_view_of(k, A, 0).registered);
		const struct nap_sent *s = newest_of("REGISTER ");
		nap_answer_from(k, A, s, &granted);
		nap_is_in(k, A, NAP_REGISTERED, "");
		tell_body(k, i + 1, bodies[i]);
		newest_answer_is("200 ");
		nap_run(k, 10000);
		assert_int_equal(nap_count("REGISTER "), registers);
	}
	assert_int_equal(nap_count("SUBSCRIBE "), 1); /* the dialog goes on */
	tell_body(k, 1, ENDED("expired"));            /* an older one */
	newest_answer_is("500 ");
	assert_int_equal(nap_count("REGISTER "), registers);
	end(k);
}

/* C45: a registrar that ends whatever it grants is not asked in a circle. */
static void what_ends_as_soon_as_it_is_granted_waits(void **state)
{
	(void)state;
	struct nap_options o = following();
	struct kit *k = subscribed(&o);

	tell_body(k, 1, ENDED("deactivated"));
	int64_t sent = newest_of("REGISTER ")->at_ms;
	nap_answer_from(k, A, newest_of("REGISTER "), &granted);
	tell_body(k, 2, ENDED("deactivated"));
	nap_is_in(k, A, NAP_WAITING, "ended by the registrar");
	nap_run(k, sent + 4999 - k->now.ms);
	assert_int_equal(nap_count("REGISTER "), 2);
	nap_run(k, 1);
	assert_int_equal(nap_count("REGISTER "), 3);
	tell_body(k, 3, ENDED("deactivated")); /* one is on its way */
	assert_int_equal(nap_count("REGISTER "), 3);
	end(k);
}

/* C45 */
static void probation_is_waited_for_to_the_millisecond(void **state)
{
	(void)state;
	struct nap_options o = following();
	struct kit *k = subscribed(&o);

	tell_body(k, 1, ENDED("probation\" retry-after=\"77"));
	newest_answer_is("200 ");
	nap_is_in(k, A, NAP_WAITING, "put on probation by the registrar");
	nap_run(k, 76999);
	assert_int_equal(nap_count("REGISTER "), 1);
	nap_run(k, 1);
	assert_int_equal(nap_count("REGISTER "), 2);
	end(k);
}

/* C45: at the most a day; without a word of how long, and when rejected, as a refusal has it. */
static void other_pauses_are_ordinary(void **state)
{
	(void)state;
	static const struct {
		const char *body;
		int64_t ms;
	} rows[] = {{ENDED("probation\" retry-after=\"999999999"), 86400000},
	            {ENDED("probation"), 5000},
	            {ENDED("rejected"), 5000}};
	struct nap_options o = following();

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct kit *k = subscribed(&o);
		tell_body(k, 1, rows[i].body);
		assert_int_equal(nap_view_of(k, A, 0).next_ms, rows[i].ms);
		assert_int_equal(nap_count("REGISTER "), 1);
		end(k);
	}
}

static void what_cannot_be_read_changes_nothing(void **state)
{
	(void)state;
	static const struct {
		const char *more, *body, *status;
	} rows[] = {
		{EVENT TYPE, "<reginfo>", "400 "},
		{EVENT "Content-Type: text/plain\r\n", ENDED("expired"), "415 "},
		{EVENT, ENDED("expired"), "415 "},
		{"Event: presence\r\n" TYPE, ENDED("expired"), "489 "},
		{TYPE, ENDED("expired"), "489 "},
		{EVENT, "", "200 "},
		{"Event: reg;id=1\r\nContent-Type: Application/reginfo+xml ;charset=x\r\n",
	         DOCUMENT("state=\"active\" event=\"refreshed\""), "200 "},
	};
	struct nap_options o = following();
	struct kit *k = subscribed(&o);

	for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
		tell(k, A, &(struct told){i + 1, rows[i].more, rows[i].body, FROM_THERE});
		newest_answer_is(rows[i].status);
		nap_is_in(k, A, NAP_REGISTERED, "");
	}
	assert_int_equal(nap_count("REGISTER "), 1);
	end(k);
}

static void another_source_is_ignored(void **state)
{
	(void)state;
	struct nap_options o = following();
	struct kit *k = subscribed(&o);
	size_t before = heard.n;

	tell(k, A, &(struct told){1, EVENT TYPE, ENDED("expired"), "192.0.2.66:5060"});
	assert_int_equal(heard.n, before);
	nap_is_in(k, A, NAP_REGISTERED, "");
	tell(k, A, &(struct told){1, EVENT TYPE, ENDED("expired"), "192.0.2.1:6000"});
	assert_int_equal(nap_count("REGISTER "), 2);
	end(k);
}

/* It may come before the answer, and end what is asked for. */
static void a_notify_ends_the_subscription(void **state)
{
	(void)state;
	struct nap_options o = following();
	struct kit *k = nap_alone(&o);

	grant_with_routes(k, A, ROUTES);
	tell(k, A,
	     &(struct told){1, "Event: reg\r\nSubscription-State: terminated;reason=noresource\r\n",
	                    "", FROM_THERE});
	newest_answer_is("200 ");
	nap_run(k, 1700000);
	assert_int_equal(nap_count("SUBSCRIBE "), 1);
	nap_run(k, 100000);
	grant_with_routes(k, A, "");
	assert_int_equal(nap_count("SUBSCRIBE "), 2);
	end(k);
}

/* Dialogs are not handed over. S4: the route is, with the record. */
static void who_takes_over_subscribes_anew(void **state)
{
	(void)state;
	struct nap_options o = following();
	struct kit *k = pair(COMMIT_BOTH);
	char old[256], value[256];

	nap_listen(k);
	nap_configure_both(k, &o, 1);
	kit_pass(k, 200);
	nap_answer(k, A, "200 OK", "Contact: <sip:box@10.0.0.10:5060>;expires=3600\r\n" ROUTES);
	kit_pass(k, 200);
	assert_int_equal(nap_count("SUBSCRIBE "), 1);
	nap_answer(k, A, "200 OK", ACCEPTED);
	(void)nap_header(newest_of("SUBSCRIBE ")->text, "Call-ID", old);
	kit_pass(k, 2000);
	size_t before = heard.n;
	tell(k, B, &(struct told){1, EVENT TYPE, ENDED("expired"), FROM_THERE});
	assert_int_equal(heard.n, before); /* the standby says nothing */
	node_free(&k->node[A].node);
	link_down(k);
	address(k, B, true);
	kit_pass(k, 2000);
	assert_in_range(nap_count("SUBSCRIBE "), 2, 4); /* nobody answers */
	assert_int_equal(nap_count("REGISTER "), 1);
	assert_int_equal(nap_cseq(newest_of("SUBSCRIBE ")), 1);
	const char *text = newest_of("SUBSCRIBE ")->text;
	assert_string_not_equal(nap_header(text, "Call-ID", value), old);
	assert_string_equal(nap_header(text, "Route", value),
	                    "<sip:a.example;lr>, <sip:b.example;lr>");
	end(k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_registered_nap_subscribes_by_its_service_route),
		cmocka_unit_test(without_the_key_nothing_is_subscribed),
		cmocka_unit_test(it_is_refreshed_at_half_its_time),
		cmocka_unit_test(what_is_refused_is_asked_when_it_is_registered_again),
		cmocka_unit_test(one_challenge_is_answered),
		cmocka_unit_test(what_was_ended_is_registered_again_at_once),
		cmocka_unit_test(what_ends_as_soon_as_it_is_granted_waits),
		cmocka_unit_test(probation_is_waited_for_to_the_millisecond),
		cmocka_unit_test(other_pauses_are_ordinary),
		cmocka_unit_test(what_cannot_be_read_changes_nothing),
		cmocka_unit_test(another_source_is_ignored),
		cmocka_unit_test(a_notify_ends_the_subscription),
		cmocka_unit_test(who_takes_over_subscribes_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
