/* layer: io */
/* TLS towards providers: whom we talk to, and that nobody else hears SIP. */
#include "tests/unit/flow_kit.h"

/* C41: RFC 5922 7.1, 7.2 */
static void a_certificate_that_names_the_host_is_trusted(void **state)
{
	static const struct {
		const char *names, *common, *called;
	} rows[] = {
		{"DNS:other.example,DNS:P.example", NULL, "p.example"},
		{"URI:sip:p.example", "other.example", "p.EXAMPLE"},
		{"URI:https://p.example,DNS:p.example", NULL, "p.example"},
		{"URI:sip:me@other.example,DNS:p.example", NULL, "p.example"},
		{"IP:127.0.0.1", NULL, "127.0.0.1"},
		{"IP:2001:db8::1", NULL, "2001:db8::1"},
		{NULL, "p.example", "p.example"},
	};
	struct scene *s = *state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		provider_speak_tls(&s->provider,
		                   &(struct certificate_plan){.by = &s->ca,
		                                              .names = rows[i].names,
		                                              .name = rows[i].common});
		call(s, TRANSPORT_TLS, rows[i].called);
		if (!until(s, &s->ups, i + 1))
			fail_msg("row %zu: %s", i, s->why);
		assert_int_equal(s->up.transport, TRANSPORT_TLS);
		assert_talks(s);
		close_flow(s);
	}
}

/* C41: nothing of SIP is said to whom we cannot be sure of, by TLS or without it */
static void whom_we_do_not_trust_hears_nothing(void **state)
{
	struct scene *s = *state;
	struct certificate other = certificate_make(&(struct certificate_plan){.name = "other CA"});
	const struct {
		struct certificate_plan plan;
		const char *why;
	} rows[] = {
		{{.by = &other, .names = "DNS:p.example"}, "certificate of an unknown CA"},
		{{.name = "p.example"}, "certificate of an unknown CA"},
		{{.by = &s->ca, .names = "DNS:p.example", .expired = true},
	         "certificate has expired"},
		{{.by = &s->ca, .names = "DNS:q.example,DNS:r.example", .name = "p.example"},
	         "certificate of another host: p.example is not among its names (q.example, "
	         "r.example)"},
		{{.by = &s->ca, .names = "DNS:*.example"}, "certificate of another host"},
		{{.by = &s->ca, .names = "URI:sip:p@p.example"}, "certificate of another host"},
		{{.by = &s->ca, .names = "URI:sips:p.example"}, "certificate of another host"},
		{{.by = &s->ca, .names = "URI:sip:q.example,DNS:p.example"},
	         "certificate of another host"},
		{{.by = &s->ca, .names = "IP:127.0.0.1"}, "certificate of another host"},
		{{.by = &s->ca, .names = "email:p@p.example", .name = "p.example"},
	         "certificate of another host"},
		{{.by = &s->ca},
	         "certificate of another host: p.example is not among its names ()"},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		s->provider.refused = false;
		provider_speak_tls(&s->provider, &rows[i].plan);
		call(s, TRANSPORT_TLS, "p.example");
		assert_true(until(s, &s->downs, i + 1));
		if (strstr(s->why, rows[i].why) != s->why)
			fail_msg("row %zu: %s", i, s->why);
		assert_int_equal(s->ticket, TICKET);
		assert_int_equal(s->down.connection, 0);
		assert_true(until_so(s, &s->provider.refused)); /* it was told, too */
		provider_hang_up(&s->provider, false);
	}
	assert_int_equal(s->ups, 0);
	assert_int_equal(s->provider.n, 0);
	certificate_free(&other);
}

/* C41: an address is no name, and a name no address */
static void an_address_needs_a_certificate_for_it(void **state)
{
	struct scene *s = *state;

	provider_speak_tls(&s->provider,
	                   &(struct certificate_plan){.by = &s->ca, .names = "DNS:127.0.0.1"});
	call(s, TRANSPORT_TLS, "127.0.0.1");
	assert_true(until(s, &s->downs, 1));
	assert_non_null(strstr(s->why, "certificate of another host: 127.0.0.1"));
}

/* C41, F5: a server without TLS gets no SIP, and no second try without it */
static void tls_is_never_replaced_by_tcp(void **state)
{
	struct scene *s = *state;

	call(s, TRANSPORT_TLS, "p.example");
	assert_true(until(s, &s->provider.n, 1));
	assert_null(strstr(s->provider.heard, "SIP"));
	provider_say(&s->provider, "SIP/2.0 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
	assert_true(until(s, &s->downs, 1));
	assert_true(strlen(s->why) > 0);
	assert_true(until_so(s, &s->provider.ended));
	assert_int_equal(s->ups, 0);
}

/* C41: the certificate that is configured is shown to who asks for it */
static void a_certificate_of_ours_is_shown_when_asked_for(void **state)
{
	struct scene *s = *state;
	struct certificate ours = certificate_make(
		&(struct certificate_plan){.by = &s->ca, .names = "DNS:us.example"});
	struct certificate theirs = certificate_make(
		&(struct certificate_plan){.by = &s->ca, .names = "DNS:p.example"});
	char cert_file[128], key_file[128];

	provider_certify(&s->provider, &theirs, &s->ca);
	call(s, TRANSPORT_TLS, "p.example"); /* with none: refused by the provider */
	assert_true(until(s, &s->downs, 1));
	assert_non_null(strstr(s->why, "certificate required"));
	provider_hang_up(&s->provider, false);
	s->provider.refused = false;
	sip_io_close(&s->io);
	(void)certificate_write(&ours, false, s->dir, cert_file);
	(void)certificate_write(&ours, true, s->dir, key_file);
	s->loop.config.tls_certificate = cert_file;
	s->loop.config.tls_key = key_file;
	open_io(s);
	size_t before = s->ups; /* it may have stood until the refusal came */
	call(s, TRANSPORT_TLS, "p.example");
	assert_true(until(s, &s->ups, before + 1));
	assert_true(until_so(s, &s->provider.stands));
	assert_talks(s);
	certificate_free(&ours);
	certificate_free(&theirs);
}

/* C41: five seconds, whatever hangs */
static void a_handshake_that_stalls_is_given_up(void **state)
{
	struct scene *s = *state;

	s->provider.stalls = true;
	call(s, TRANSPORT_TLS, "p.example");
	for (int i = 0; i < 5; i++)
		turn(s);
	s->loop.ahead_ms = SIP_STREAM_SETUP_MS - 1000;
	turn(s);
	assert_int_equal(s->downs, 0);
	s->loop.ahead_ms = SIP_STREAM_SETUP_MS;
	turn(s);
	assert_int_equal(s->downs, 1);
	assert_string_equal(s->why, "no TLS handshake in time");
}

/* Messages do not know of records: some in one, one in many. */
static void messages_are_cut_out_of_tls(void **state)
{
	static char large[70000];
	struct scene *s = *state;
	int head = snprintf(large, sizeof large,
	                    "MESSAGE sip:a SIP/2.0\r\nContent-Length: 60000\r\n\r\n");

	memset(large + head, 'x', 60000);
	call_by_tls(s);
	assert_true(until_so(s, &s->provider.stands));
	/* Two pongs lie between the first and the second. */
	provider_say(&s->provider, RESPONSE "\r\n\r\n" REQUEST "SIP/2.0 200");
	assert_true(until(s, &s->messages, 4));
	assert_string_equal(s->text, REQUEST);
	provider_say(&s->provider, " OK\r\nContent-Length: 0\r\n\r\n");
	assert_true(until(s, &s->messages, 5));
	assert_string_equal(s->text, RESPONSE);
	provider_say(&s->provider, large);
	assert_true(until(s, &s->messages, 6));
	assert_string_equal(s->text, large);
	s->provider.n = 0;
	for (int i = 0; i < 3; i++)
		say_from(s, &s->up, slice_str(large));
	assert_true(until(s, &s->provider.n, 3 * strlen(large)));
}

static void certificates_that_cannot_be_used_refuse_the_start(void **state)
{
	struct scene *s = *state;
	char nowhere[] = "/nonexistent/ca.pem";

	s->loop.config.tls_certificate = s->ca_file;
	s->loop.config.tls_key = nowhere;
	assert_null(sip_io_open(&s->loop));
	s->loop.config.tls_certificate = nowhere;
	assert_null(sip_io_open(&s->loop));
	s->loop.config.tls_certificate = NULL;
	s->loop.config.tls_ca_file = nowhere;
	assert_null(sip_io_open(&s->loop));
	s->loop.config.tls_ca_file = NULL; /* the system's */
	struct sip_io *other = sip_io_open(&s->loop);
	assert_non_null(other);
	sip_io_close(&other);
	s->loop.config.tls_ca_file = s->ca_file;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(a_certificate_that_names_the_host_is_trusted),
		STORY(whom_we_do_not_trust_hears_nothing),
		STORY(an_address_needs_a_certificate_for_it),
		STORY(tls_is_never_replaced_by_tcp),
		STORY(a_certificate_of_ours_is_shown_when_asked_for),
		STORY(a_handshake_that_stalls_is_given_up),
		STORY(messages_are_cut_out_of_tls),
		STORY(certificates_that_cannot_be_used_refuse_the_start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
