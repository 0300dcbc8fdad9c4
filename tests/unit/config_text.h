/* config_text.h - loads a configuration from a text, for the tests of it. */
#ifndef TESTS_UNIT_CONFIG_TEXT_H
#define TESTS_UNIT_CONFIG_TEXT_H

#include <stdlib.h>
#include <unistd.h>

#include "node/io/config.h"
#include "tests/check.h"

#define STANDALONE                                                     \
	"unit: standalone\n"                                           \
	"transports: [{name: u, protocol: udp, address: 127.0.0.1}]\n" \
	"domains: [{name: example.com}]\n"

#define PRIMARY                                                        \
	"unit: primary\n"                                              \
	"cluster: {dir: /etc/regpair/pair}\n"                          \
	"peer: {address: 10.0.0.12, listen: 10.0.0.11}\n"              \
	"keepalived: {instance: VI_SIP, address: 10.0.0.10}\n"         \
	"transports: [{name: u, protocol: udp, address: 10.0.0.10}]\n" \
	"domains: [{name: example.com}]\n"

static inline enum err load(struct slice text, struct config **out, struct config_fault *fault)
{
	char path[] = "/tmp/regpair-test-config-XXXXXX";
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text.p, text.n), (ssize_t)text.n);
	assert_int_equal(close(fd), 0);
	enum err err = config_load(path, out, fault);
	assert_int_equal(unlink(path), 0);
	return err;
}

static inline struct config *load_good(const char *text)
{
	struct config *config = NULL;
	struct config_fault fault;
	enum err err = load(slice_str(text), &config, &fault);

	if (err != OK)
		fail_msg("line %d: %s", fault.line, fault.text);
	return config;
}

struct bad {
	const char *text;
	int line;
	const char *says;
};

static inline void check_bad(const struct bad *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct config *c = NULL;
		struct config_fault fault;
		enum err err = load(slice_str(rows[i].text), &c, &fault);

		if (err != ERR_MALFORMED || c != NULL)
			fail_msg("row %zu: %s; wanted: %s", i, err_text(err), rows[i].says);
		if (fault.line != rows[i].line || strcmp(fault.text, rows[i].says) != 0)
			fail_msg("row %zu\n is:     %d: %s\n wanted: %d: %s", i, fault.line,
			         fault.text, rows[i].line, rows[i].says);
	}
}

#endif
