/* control_kit.h - the control socket with a loop of the test's own: what it feeds is looked at, and
 * answered when the test likes. One test program includes it once: it takes the runner's place. */
#ifndef TESTS_UNIT_CONTROL_KIT_H
#define TESTS_UNIT_CONTROL_KIT_H

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/heap.h"
#include "tests/unit/control_fake.h"

static inline int setup(void **state)
{
	static char domain_one[] = "example.com", domain_two[] = "example.net";
	struct loop *l = calloc(1, sizeof *l);

	*state = l;
	(void)signal(SIGPIPE, SIG_IGN); /* as the loop does */
	l->base = event_base_new();
	l->log = &l->the_log;
	l->the_log =
		(struct log){.level = LOG_ERROR, .fd = open("/dev/null", O_WRONLY | O_CLOEXEC)};
	l->domains[0].name = domain_one;
	l->domains[1].name = domain_two;
	l->config.domains = l->domains;
	l->config.domain_count = 2;
	l->copy = copy_new(&heap);
	l->seen = calloc(COMMANDS_MAX, sizeof *l->seen);
	(void)snprintf(l->dir, sizeof l->dir, "/tmp/control-XXXXXX");
	assert_non_null(mkdtemp(l->dir));
	(void)snprintf(l->path, sizeof l->path, "%s/s", l->dir);
	l->control = control_open(l, l->path, CONTROL_OPERATOR);
	assert_non_null(l->control);
	return 0;
}

static inline int teardown(void **state)
{
	struct loop *l = *state;

	control_close(&l->control);
	assert_null(l->control);
	(void)unlink(l->path);
	assert_int_equal(rmdir(l->dir), 0);
	copy_free(&l->copy);
	event_base_free(l->base);
	(void)close(l->the_log.fd);
	free(l->seen);
	free(l);
	return 0;
}

/* A record of a subscriber of example.com. */
static inline void put_subscriber(struct loop *l, const char *user, bool gone)
{
	static const uint8_t hash[32] = {0};
	struct subscriber_record s = {
		.user = slice_str(user),
		.realm = SLICE("example.com"),
		.ha1 = {{hash, 16}, {hash, 32}, {hash, 32}},
		.gone = gone,
	};
	uint8_t room[512];
	struct buf value = buf_on(room, sizeof room);
	char key[64];

	subscriber_encode(&s, &value);
	(void)snprintf(key, sizeof key, "%s@example.com", user);
	copy_put(l->copy, TABLE_SUBSCRIBER, slice_str(key), buf_slice(&value), 1, PAIRTIME_NEVER);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
