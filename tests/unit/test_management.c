/* layer: io */
#include "node/io/management.h"
#include "tests/unit/figures_fake.h"
#include "tests/unit/loopback.h"

enum { PATIENCE_TURNS = 20000, ANSWER_MAX = 1 << 20 }; /* of a millisecond, where nothing comes */

struct desk {
	struct loop loop;
	struct addr at;
	struct management *management;
};

static int setup(void **state)
{
	struct desk *d = calloc(1, sizeof *d);

	*state = d;
	d->loop.base = event_base_new();
	d->loop.log = &d->loop.the_log;
	d->loop.the_log = (struct log){.level = LOG_ERROR, .fd = -1};
	d->loop.status = (struct status){.role = "active", .pair_state = "paired"};
	d->at = addr_of("127.0.0.1");
	d->at.port = free_port();
	d->management = management_open(&d->loop, &d->at);
	assert_non_null(d->management);
	return 0;
}

static int teardown(void **state)
{
	struct desk *d = *state;

	management_close(&d->management);
	assert_null(d->management);
	event_base_free(d->loop.base);
	free(d);
	return 0;
}

static void turn(struct desk *d)
{
	assert_true(event_base_loop(d->loop.base, EVLOOP_NONBLOCK) >= 0);
}

static int dial(struct desk *d)
{
	union socket_address to;
	socklen_t size = socket_address_of(&d->at, &to);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(connect(fd, &to.any, size), 0);
	return fd;
}

static void say(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* All that comes until the other side ends; to be freed. */
static char *hear(struct desk *d, int fd)
{
	char *text = calloc(1, ANSWER_MAX);
	struct pollfd p = {.fd = fd, .events = POLLIN};
	size_t n = 0;
	ssize_t got = -1;

	for (int turns = 0; got != 0 && turns < PATIENCE_TURNS; turns++) {
		turn(d);
		(void)poll(&p, 1, 1);
		got = recv(fd, text + n, ANSWER_MAX - 1 - n, MSG_DONTWAIT);
		n += got > 0 ? (size_t)got : 0;
	}
	assert_int_equal(got, 0);
	(void)close(fd);
	return text;
}

static char *ask(struct desk *d, const char *request)
{
	int fd = dial(d);
	char text[512];

	(void)snprintf(text, sizeof text, "%s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
	               request);
	say(fd, text);
	return hear(d, fd);
}

static void expect(struct desk *d, const char *request, const char *status, const char *part)
{
	char *answer = ask(d, request);

	if (strncmp(answer, status, strlen(status)) != 0 || strstr(answer, part) == NULL)
		fail_msg("%s: no `%s` and `%s` in:\n%s", request, status, part, answer);
	free(answer);
}

#define OK_200 "HTTP/1.1 200 OK\r\n"
#define NO_503 "HTTP/1.1 503 Service Unavailable\r\n"

static void figures_are_served_in_prometheus_format(void **state)
{
	struct desk *d = *state;

	expect(d, "GET /metrics", OK_200, "Content-Type: text/plain; version=0.0.4");
	expect(d, "GET /metrics", OK_200, "\nregpair_role{role=\"active\"} 1\n");
	expect(d, "GET /metrics?x=y", OK_200, "\nregpair_seq 0\n");
}

static void health_is_a_yes_or_a_no_with_its_reason(void **state)
{
	struct desk *d = *state;

	expect(d, "GET /healthz", OK_200, "\r\n\r\nactive paired\n");
	expect(d, "GET /healthz?role=active", OK_200, "active paired\n");
	expect(d, "GET /healthz?role=standby", NO_503, "active paired: it has another role\n");
	d->loop.status = (struct status){.role = "standby", .pair_state = "exposed"};
	expect(d, "GET /healthz", NO_503, "\r\n\r\nstandby exposed: the peer is not there\n");
	expect(d, "GET /healthz?role=active", NO_503, "it has another role\n");
	expect(d, "GET /healthz?role=standby", NO_503, "the peer is not there\n");
}

static void what_means_nothing_here_is_told_so(void **state)
{
	struct desk *d = *state;
	static const char *const queries[] = {"?",
	                                      "?role",
	                                      "?role=",
	                                      "?role=boss",
	                                      "?role=active&x",
	                                      "?role=activeactiveactiveactive",
	                                      "?x=role=active"};

	expect(d, "GET /", "HTTP/1.1 404 ", "/metrics and /healthz");
	expect(d, "GET /metrics/", "HTTP/1.1 404 ", "/metrics and /healthz");
	expect(d, "POST /metrics", "HTTP/1.1 405 ", "Allow: GET, HEAD\r\n");
	expect(d, "BREW /metrics", "HTTP/1.1 501 ", "");
	for (size_t i = 0; i < ARRAY_LEN(queries); i++) {
		char request[64];
		(void)snprintf(request, sizeof request, "GET /healthz%s", queries[i]);
		expect(d, request, "HTTP/1.1 400 ", "ask for /healthz");
	}
}

static void head_is_answered_without_a_body(void **state)
{
	struct desk *d = *state;
	char *answer = ask(d, "HEAD /metrics");

	assert_memory_equal(answer, OK_200, strlen(OK_200));
	assert_string_equal(strstr(answer, "\r\n\r\n"), "\r\n\r\n");
	free(answer);
}

static void what_is_no_http_is_refused(void **state)
{
	struct desk *d = *state;
	static char endless[2 * MANAGEMENT_HEADERS_MAX];
	int fd = dial(d);
	char *answer;

	say(fd, "REGISTER sip:example.com SIP/2.0\r\n\r\n");
	answer = hear(d, fd);
	assert_memory_not_equal(answer, OK_200, strlen("HTTP/1.1 200"));
	free(answer);
	memset(endless, 'a', sizeof endless - 1);
	fd = dial(d);
	say(fd, "GET /metrics HTTP/1.1\r\nX: ");
	say(fd, endless);
	answer = hear(d, fd);
	assert_memory_not_equal(answer, OK_200, strlen("HTTP/1.1 200"));
	free(answer);
}

/* Whoever comes when all connections are taken waits until one ends, and is then served. */
static void connections_are_bounded(void **state)
{
	struct desk *d = *state;
	int idle[MANAGEMENT_CONNECTIONS_MAX], late;
	char byte;

	for (size_t i = 0; i < MANAGEMENT_CONNECTIONS_MAX; i++) {
		idle[i] = dial(d);
		turn(d);
	}
	late = dial(d);
	say(late, "GET /healthz HTTP/1.0\r\n\r\n");
	for (int i = 0; i < 100; i++)
		turn(d);
	assert_int_equal(recv(late, &byte, 1, MSG_DONTWAIT), -1);
	(void)close(idle[0]);
	char *answer = hear(d, late);
	assert_non_null(strstr(answer, "active paired\n"));
	free(answer);
	for (size_t i = 1; i < MANAGEMENT_CONNECTIONS_MAX; i++)
		(void)close(idle[i]);
}

static void a_taken_port_is_told(void **state)
{
	struct desk *d = *state;

	assert_null(management_open(&d->loop, &d->at));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(figures_are_served_in_prometheus_format),
		CASE(health_is_a_yes_or_a_no_with_its_reason),
		CASE(what_means_nothing_here_is_told_so),
		CASE(head_is_answered_without_a_body),
		CASE(what_is_no_http_is_refused),
		CASE(connections_are_bounded),
		CASE(a_taken_port_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
