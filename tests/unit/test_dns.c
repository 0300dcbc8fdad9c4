/* layer: io */
/* The node's questions against a real DNS server, a silent one, and none. */
#include <sys/socket.h>

#include "node/core/targets.h"
#include "node/io/dns.h"
#include "node/io/dns_read.h"
#include "tests/unit/fake_loop.h"
#include "tests/unit/name_server.h"

enum {
	PATIENCE_MS = 10000,
	LONG_TRY_MS = 2000,
	TRY_MS = 60,
	WAIT_MS = 400,
	ANSWERS = 512,
	TEXT = 1024,
	MANY = 150
};

struct scene {
	struct loop loop;
	struct dns *dns;
	struct name_server server;
	char text[TEXT]; /* of the last answer */
	uint64_t tickets[ANSWERS];
	size_t n;
	struct targets targets;
	bool targeting; /* answers go to the targets */
};

static const char *const zone[] = {"--local-ttl=60",
                                   "--naptr-record=pair.test,10,50,s,SIP+D2T,,_sip._tcp.pair.test",
                                   "--naptr-record=pair.test,20,50,s,SIP+D2U,,_sip._udp.pair.test",
                                   "--srv-host=_sip._tcp.pair.test,b.pair.test,5071,20,0",
                                   "--srv-host=_sip._tcp.pair.test,a.pair.test,5070,10,60",
                                   "--srv-host=_sip._udp.no.test",
                                   "--host-record=a.pair.test,192.0.2.1,2001:db8::1,30",
                                   "--host-record=b.pair.test,192.0.2.2",
                                   "--cname=alias.pair.test,b.pair.test",
                                   NULL};

static void put_record(struct buf *to, enum dns_type type, const struct dns_record *r)
{
	char numbers[64];

	buf_str(to, " | ");
	buf_u64(to, r->ttl_s);
	buf_byte(to, ' ');
	if (type == DNS_A || type == DNS_AAAA) {
		addr_put_ip(to, &r->addr);
		return;
	}
	(void)snprintf(numbers, sizeof numbers, "%u %u %u ", r->priority, r->weight, r->port);
	buf_str(to, numbers);
	buf_put(to, r->flags);
	buf_byte(to, ' ');
	buf_put(to, r->service);
	buf_byte(to, ' ');
	buf_put(to, r->name);
}

static void ask(struct scene *s, enum dns_type type, const char *name, uint64_t ticket)
{
	struct node_output o = {
		.kind = OUT_RESOLVE, .question = type, .bytes = slice_str(name), .ticket = ticket};

	dns_ask(s->dns, &o);
}

static void ask_for_target(struct scene *s)
{
	struct dns_question q;
	struct node_output o = {.kind = OUT_RESOLVE};

	if (!targets_asks(&s->targets, &q))
		return;
	o.question = q.type;
	o.bytes = q.name;
	dns_ask(s->dns, &o);
}

/* The ticket of these tests is the type, so that records can be told. */
static void on_feed(struct loop *l, const struct node_input *in)
{
	static const char *const outcomes[] = {"found", "nothing", "failed"};
	struct scene *s = l->context;
	struct buf b = buf_on((uint8_t *)s->text, TEXT - 1);

	assert_int_equal(in->event, NODE_RESOLVED);
	assert_true(s->n < ANSWERS);
	s->tickets[s->n++] = in->ticket;
	if (s->targeting) {
		targets_take(&s->targets, in->dns, loop_now(l));
		ask_for_target(s); /* from within the step, as the node does */
		return;
	}
	buf_str(&b, outcomes[in->dns->outcome]);
	for (size_t i = 0; i < in->dns->n; i++)
		put_record(&b, (enum dns_type)in->ticket, &in->dns->records[i]);
	s->text[b.n] = '\0';
}

/* Who will have an answer is patient: a server on a busy machine is slow. */
static void open_dns(struct scene *s, const char *servers, int64_t wait_ms)
{
	const struct dns_options o = {servers, wait_ms < PATIENCE_MS ? TRY_MS : LONG_TRY_MS,
	                              wait_ms};

	dns_close(&s->dns);
	s->dns = dns_open(&s->loop, &o);
	assert_non_null(s->dns);
}

static void open_at_server(struct scene *s, int64_t wait_ms)
{
	char servers[64];

	(void)snprintf(servers, sizeof servers, "127.0.0.1:%u", s->server.port);
	open_dns(s, servers, wait_ms);
}

static bool until_answered(struct scene *s, size_t n)
{
	struct mtime end = mtime_add_ms(loop_now(&s->loop), PATIENCE_MS);

	while (s->n < n && !mtime_reached(end, loop_now(&s->loop)))
		fake_loop_turn(&s->loop);
	return s->n >= n;
}

static const char *answer_to(struct scene *s, enum dns_type type, const char *name)
{
	s->n = 0;
	ask(s, type, name, (uint64_t)type);
	assert_int_equal(s->n, 0); /* never from within the asking */
	assert_true(until_answered(s, 1));
	return s->text;
}

static void until_it_serves(struct scene *s)
{
	struct mtime end = mtime_add_ms(loop_now(&s->loop), PATIENCE_MS);

	while (strncmp(answer_to(s, DNS_A, "b.pair.test"), "found", 5) != 0)
		assert_false(mtime_reached(end, loop_now(&s->loop)));
}

static int open_scene(void **state)
{
	struct scene *s = calloc(1, sizeof *s);

	assert_non_null(s);
	fake_loop_open(&s->loop, event_base_new());
	s->loop.on_feed = on_feed;
	s->loop.context = s;
	(void)close(name_server_socket(&s->server.port));
	*state = s;
	return 0;
}

static int open_served(void **state)
{
	if (open_scene(state) != 0)
		return -1;
	struct scene *s = *state;
	name_server_start(&s->server, zone);
	open_at_server(s, PATIENCE_MS);
	until_it_serves(s);
	return 0;
}

static int close_scene(void **state)
{
	struct scene *s = *state;

	dns_close(&s->dns);
	assert_null(s->dns);
	name_server_stop(&s->server);
	event_base_free(s->loop.base);
	fake_loop_close(&s->loop);
	free(s);
	return 0;
}

static void each_type_is_read_with_its_lifetime(void **state)
{
	struct scene *s = *state;

	assert_string_equal(answer_to(s, DNS_A, "a.pair.test"), "found | 30 192.0.2.1");
	assert_string_equal(answer_to(s, DNS_AAAA, "a.pair.test"), "found | 30 2001:db8::1");
	assert_string_equal(answer_to(s, DNS_A, "alias.pair.test"), "found | 60 192.0.2.2");
	const char *naptr = answer_to(s, DNS_NAPTR, "pair.test");
	assert_non_null(strstr(naptr, " | 60 10 50 0 s SIP+D2T _sip._tcp.pair.test"));
	assert_non_null(strstr(naptr, " | 60 20 50 0 s SIP+D2U _sip._udp.pair.test"));
	const char *srv = answer_to(s, DNS_SRV, "_sip._tcp.pair.test");
	assert_non_null(strstr(srv, " | 60 20 0 5071   b.pair.test"));
	assert_non_null(strstr(srv, " | 60 10 60 5070   a.pair.test"));
	assert_string_equal(answer_to(s, DNS_SRV, "_sip._udp.no.test"), "found | 60 0 0 1   ");
}

/* C37 */
static void what_there_is_not_is_told_from_what_failed(void **state)
{
	struct scene *s = *state;

	assert_string_equal(answer_to(s, DNS_A, "none.test"), "nothing");        /* NXDOMAIN */
	assert_string_equal(answer_to(s, DNS_AAAA, "b.pair.test"), "nothing");   /* no data */
	assert_string_equal(answer_to(s, DNS_A, "elsewhere.example"), "failed"); /* REFUSED */
	assert_string_equal(answer_to(s, DNS_A, "two..dots.test"), "nothing");   /* no name */
	char longer[400];
	memset(longer, 'x', sizeof longer - 1);
	longer[sizeof longer - 1] = '\0';
	assert_string_equal(answer_to(s, DNS_A, longer), "nothing");
}

/* F4, F6 */
static void a_name_becomes_targets(void **state)
{
	struct scene *s = *state;
	static const struct target_goal goal = {.host = {SLICE_OF("pair.test")}};
	struct mtime now = loop_now(&s->loop);
	uint8_t bytes[TEXT];
	struct buf b = buf_on(bytes, sizeof bytes - 1);

	s->targeting = true;
	targets_begin(&s->targets, &goal, 1, now);
	ask_for_target(s);
	s->n = 0;
	assert_true(until_answered(s, 6)); /* NAPTR, SRV, A, AAAA, A, AAAA */
	for (size_t i = 0; i < s->targets.n; i++) {
		const struct target *t = &s->targets.list[i].is;
		buf_str(&b, transport_name(t->transport));
		buf_byte(&b, '/');
		addr_put(&b, &t->addr);
		buf_byte(&b, ' ');
	}
	bytes[b.n] = '\0';
	assert_string_equal((char *)bytes,
	                    "TCP/192.0.2.1:5070 TCP/[2001:db8::1]:5070 TCP/192.0.2.2:5071 ");
	assert_false(targets_stale(&s->targets, mtime_add_ms(now, 29000)));
}

static void an_answer_too_long_for_a_datagram_comes_over_tcp(void **state)
{
	struct scene *s = *state;
	static char lines[50][120];
	const char *records[51] = {"--local-ttl=60"};

	for (int i = 0; i < 49; i++) {
		(void)snprintf(
			lines[i], sizeof lines[i],
			"--srv-host=_sip._udp.many.test,a-target-with-a-long-name-%d.test,%d,1,1",
			i, 6000 + i);
		records[1 + i] = lines[i];
	}
	records[1] = zone[7]; /* what that until_it_serves asks for */
	name_server_start(&s->server, records);
	open_at_server(s, PATIENCE_MS);
	until_it_serves(s);
	const char *text = answer_to(s, DNS_SRV, "_sip._udp.many.test");
	size_t n = 0;
	for (const char *at = text; (at = strstr(at, "a-target-with")) != NULL; at++)
		n++;
	assert_in_range(n, 15,
	                DNS_RECORDS_MAX); /* as many as TEXT takes: not those of a datagram */
}

/* C37: every answer within the time, whatever the server does. */
static void a_dead_server_is_a_failure_in_time_and_serves_when_it_is_back(void **state)
{
	struct scene *s = *state;
	struct mtime before = loop_now(&s->loop);

	open_at_server(s, WAIT_MS);
	assert_string_equal(answer_to(s, DNS_A, "b.pair.test"), "failed");
	assert_true(loop_now(&s->loop).ms - before.ms < WAIT_MS + PATIENCE_MS / 10);
	name_server_start(&s->server, zone);
	until_it_serves(s);
	name_server_stop(&s->server);
	assert_string_equal(answer_to(s, DNS_A, "b.pair.test"), "failed");
	name_server_start(&s->server, zone);
	until_it_serves(s);
}

static void a_silent_server_is_a_failure_in_time(void **state)
{
	struct scene *s = *state;
	int silent = name_server_socket(&s->server.port);
	struct mtime before = loop_now(&s->loop);

	open_at_server(s, WAIT_MS);
	assert_string_equal(answer_to(s, DNS_A, "b.pair.test"), "failed");
	int64_t took = loop_now(&s->loop).ms - before.ms;
	assert_true(took >= 3 * TRY_MS - 5); /* asked twice, the second time with more patience */
	open_at_server(s, TRY_MS / 2);
	before = loop_now(&s->loop);
	assert_string_equal(answer_to(s, DNS_A, "b.pair.test"), "failed");
	took = loop_now(&s->loop).ms - before.ms;
	assert_in_range(took, TRY_MS / 2, TRY_MS / 2 + PATIENCE_MS / 10); /* our own end of it */
	(void)close(silent);
}

static void the_next_server_answers_for_a_silent_one(void **state)
{
	struct scene *s = *state;
	char servers[64];
	uint16_t port;
	int silent = name_server_socket(&port);

	(void)snprintf(servers, sizeof servers, "127.0.0.1:%u, 127.0.0.1:%u", port, s->server.port);
	open_dns(s, servers, PATIENCE_MS);
	assert_string_equal(answer_to(s, DNS_A, "b.pair.test"), "found | 60 192.0.2.2");
	(void)close(silent);
}

/* The questions that a silent server was asked, each once however often it was sent. Told apart by all behind
 * the id, which two of a hundred may well share. */
struct heard {
	uint8_t questions[2 * MANY][64];
	size_t n;
};

static void hear(struct heard *h, int fd)
{
	uint8_t bytes[2 + sizeof h->questions[0]] = {0};

	while (recv(fd, bytes, sizeof bytes, MSG_DONTWAIT) > 0) {
		size_t i = 0;
		while (i < h->n && memcmp(h->questions[i], bytes + 2, sizeof h->questions[i]) != 0)
			i++;
		if (i == h->n && h->n < ARRAY_LEN(h->questions))
			memcpy(h->questions[h->n++], bytes + 2, sizeof h->questions[0]);
		memset(bytes, 0, sizeof bytes);
	}
}

static size_t heard_until(struct scene *s, int fd, size_t n)
{
	struct mtime end = mtime_add_ms(loop_now(&s->loop), PATIENCE_MS);
	struct heard h = {.n = 0};

	do {
		fake_loop_turn(&s->loop);
		hear(&h, fd);
	} while (h.n < n && !mtime_reached(end, loop_now(&s->loop)));
	return h.n;
}

static void ask_many(struct scene *s)
{
	char name[32];

	s->n = 0;
	for (uint64_t i = 0; i < MANY; i++) {
		(void)snprintf(name, sizeof name, "n%u.test", (unsigned)i);
		ask(s, DNS_A, name, DNS_A);
	}
}

static void equal_questions_are_asked_once_and_not_too_many_at_once(void **state)
{
	struct scene *s = *state;
	int silent = name_server_socket(&s->server.port);

	open_at_server(s, WAIT_MS);
	for (uint64_t i = 0; i < 20; i++)
		ask(s, DNS_A, "same.test", DNS_A);
	ask(s, DNS_AAAA, "same.test", DNS_AAAA);
	fake_loop_turn(&s->loop);
	ask(s, DNS_A, "same.test", DNS_A); /* it is under way */
	assert_int_equal(heard_until(s, silent, 2), 2);
	assert_true(until_answered(s, 22));
	open_at_server(s, PATIENCE_MS); /* none ends while they are counted */
	hear(&(struct heard){.n = 0}, silent);
	ask_many(s);
	assert_int_equal(heard_until(s, silent, 100), 100);
	open_at_server(s, WAIT_MS);
	ask_many(s);
	assert_true(until_answered(s, MANY));
	assert_int_equal(s->n, MANY);
	(void)close(silent);
}

static void what_is_open_at_the_end_is_dropped(void **state)
{
	struct scene *s = *state;
	int silent = name_server_socket(&s->server.port);

	open_at_server(s, PATIENCE_MS);
	ask_many(s);
	fake_loop_turn(&s->loop);
	dns_close(&s->dns);
	fake_loop_turn(&s->loop);
	assert_int_equal(s->n, 0);
	(void)close(silent);
}

/* --- bytes --- */

/* Two SRV records, the second one's name a pointer to the first one's. */
static const uint8_t srv_answer[] = "\x12\x34\x81\x80\0\1\0\2\0\0\0\0"
				    "\4_sip\4_udp\4test\0\0\x21\0\1"
				    "\xc0\x0c\0\x21\0\1\0\0\0\x3c\0\x0e\0\1\0\2\x13\xc4\1a\4test\0"
				    "\xc0\x0c\0\x21\0\1\xff\0\0\0\0\x08\0\3\0\4\x13\xc5\xc0\x32";

static enum err read_srv(const uint8_t *bytes, size_t n, struct dns_answer *out)
{
	static uint8_t names[4096];
	struct arena arena = arena_on(names, sizeof names);

	return dns_read((struct slice){bytes, n}, DNS_SRV, &arena, out);
}

static void every_cut_and_every_wrong_byte_is_read_or_refused(void **state)
{
	struct dns_answer a;
	uint8_t bytes[sizeof srv_answer];
	size_t n = sizeof srv_answer - 1;

	(void)state;
	assert_int_equal(read_srv(srv_answer, n, &a), OK);
	assert_int_equal(a.n, 2);
	assert_true(slice_eq(a.records[0].name, SLICE("a.test")));
	assert_true(slice_eq(a.records[1].name, SLICE("a.test")));
	assert_int_equal(a.records[0].ttl_s, 60);
	assert_int_equal(a.records[1].ttl_s, 0); /* RFC 2181 8 */
	for (size_t cut = 0; cut < n; cut++) {
		uint8_t *exact = malloc(cut + 1); /* for ASan: not a byte more */
		assert_non_null(exact);
		memcpy(exact + 1, srv_answer, cut);
		assert_int_equal(read_srv(exact + 1, cut, &a), ERR_MALFORMED);
		free(exact);
	}
	for (size_t i = 0; i < n; i++)
		for (unsigned wrong = 1; wrong < 256; wrong++) {
			memcpy(bytes, srv_answer, n);
			bytes[i] ^= (uint8_t)wrong;
			enum err err = read_srv(bytes, n, &a);
			assert_true(err == OK || err == ERR_MALFORMED);
			assert_true(a.n <= 2);
		}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(each_type_is_read_with_its_lifetime, open_served,
	                                        close_scene),
		cmocka_unit_test_setup_teardown(what_there_is_not_is_told_from_what_failed,
	                                        open_served, close_scene),
		cmocka_unit_test_setup_teardown(a_name_becomes_targets, open_served, close_scene),
		cmocka_unit_test_setup_teardown(an_answer_too_long_for_a_datagram_comes_over_tcp,
	                                        open_scene, close_scene),
		cmocka_unit_test_setup_teardown(
			a_dead_server_is_a_failure_in_time_and_serves_when_it_is_back, open_scene,
			close_scene),
		cmocka_unit_test_setup_teardown(a_silent_server_is_a_failure_in_time, open_scene,
	                                        close_scene),
		cmocka_unit_test_setup_teardown(the_next_server_answers_for_a_silent_one,
	                                        open_served, close_scene),
		cmocka_unit_test_setup_teardown(
			equal_questions_are_asked_once_and_not_too_many_at_once, open_scene,
			close_scene),
		cmocka_unit_test_setup_teardown(what_is_open_at_the_end_is_dropped, open_scene,
	                                        close_scene),
		cmocka_unit_test(every_cut_and_every_wrong_byte_is_read_or_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
