/* `regpairctl trace`: the SIP messages of one user or one NAP, written to a pcap file as they pass. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "node/ctl/arguments.h"
#include "node/ctl/client.h"
#include "node/ctl/pcap.h"
#include "node/ctl/print.h"
#include "proto/base/addr.h"

enum {
	SECONDS_DEFAULT = 600,
	SECONDS_MAX = 24 * 3600,
	MIB_DEFAULT = 100,
	MIB_MAX = 1 << 20,
};

struct trace_plan {
	const char *who, *file;
	long seconds, mib;
};

struct recording {
	struct client *client;
	struct pcap *pcap;
	FILE *file;
	int signals;      /* SIGINT and SIGTERM end it */
	int64_t deadline; /* CLOCK_MONOTONIC, ms */
	uint64_t most;    /* bytes */
	uint8_t *bytes;   /* of one message */
	size_t room;
};

static int64_t now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int nibble(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool read_hex(struct recording *r, const char *hex, struct slice *to)
{
	size_t n = strlen(hex) / 2;

	if (n > r->room) {
		r->room = n;
		r->bytes = realloc(r->bytes, r->room);
		if (r->bytes == NULL)
			abort();
	}
	for (size_t i = 0; i < n; i++) {
		int high = nibble(hex[2 * i]), low = nibble(hex[2 * i + 1]);
		if (high < 0 || low < 0)
			return false;
		r->bytes[i] = (uint8_t)(high << 4 | low);
	}
	*to = (struct slice){r->bytes, n};
	return true;
}

/* Lines that are no message are passed over: a later node may say more. */
static void record(struct recording *r, json_t *line)
{
	const char *from, *to, *transport, *hex;
	json_int_t wall_us;
	struct pcap_message m;

	if (json_unpack(line, "{ss ss ss ss sI}", "from", &from, "to", &to, "transport", &transport,
	                "bytes", &hex, "wall_us", &wall_us) != 0 ||
	    !addr_parse(slice_str(from), &m.from) || !addr_parse(slice_str(to), &m.to) ||
	    m.from.family != m.to.family || !read_hex(r, hex, &m.bytes))
		return;
	m.wall_us = wall_us;
	m.stream = strcmp(transport, "UDP") != 0;
	pcap_put(r->pcap, &m);
}

/* True: there is more to come, and time and room for it. */
static bool wait_for_more(struct recording *r)
{
	struct pollfd fds[] = {{client_fd(r->client), POLLIN, 0}, {r->signals, POLLIN, 0}};
	int64_t left = r->deadline - now_ms();

	if (client_code(r->client) != CTL_DONE || left <= 0)
		return false;
	(void)poll(fds, ARRAY_LEN(fds), (int)left);
	return fds[1].revents == 0;
}

static void follow(struct recording *r)
{
	do {
		json_t *line;
		while (pcap_size(r->pcap) < r->most && (line = client_take(r->client)) != NULL) {
			record(r, line);
			json_decref(line);
		}
		(void)fflush(r->file); /* a reader beside us sees what there is */
	} while (pcap_size(r->pcap) < r->most && !ferror(r->file) && wait_for_more(r));
}

/* What was on its way is read first; those messages count, too. */
static json_t *end_trace(struct recording *r)
{
	json_t *line, *counts = NULL;

	if (client_code(r->client) != CTL_DONE ||
	    !client_send(r->client, json_pack("{ss}", "command", "trace-end")))
		return NULL;
	while (counts == NULL && (line = client_receive(r->client)) != NULL) {
		counts = json_incref(json_object_get(line, "result"));
		if (counts == NULL && pcap_size(r->pcap) < r->most)
			record(r, line);
		json_decref(line);
	}
	return counts;
}

static int tell(const struct ctl *ctl, const struct trace_plan *plan, const struct recording *r,
                json_t *counts)
{
	json_int_t dropped = json_integer_value(json_object_get(counts, "dropped"));

	if (fflush(r->file) != 0 || ferror(r->file)) {
		ctl_complain(
			"%s cannot be written: %s\nIs its disk full? Another file: --file FILE",
			plan->file, strerror(errno));
		return CTL_FAILED;
	}
	if (counts == NULL)
		return client_code(r->client);
	if (ctl->json)
		print_json(counts);
	else
		(void)printf("%s: %lld messages\n", plan->file,
		             json_integer_value(json_object_get(counts, "messages")));
	if (dropped > 0)
		ctl_complain("%lld messages are missing: this host could not read that fast",
		             dropped);
	return CTL_DONE;
}

static int await_signals(void)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGTERM);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC);
}

/* Users' digests stand in it: for its owner alone. */
static FILE *create(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	FILE *file = fd >= 0 ? fdopen(fd, "w") : NULL;

	if (file == NULL)
		(void)ctl_complain_file(path);
	return file;
}

static int record_all(const struct ctl *ctl, const struct trace_plan *plan, struct client *client)
{
	struct recording r = {.client = client,
	                      .file = create(plan->file),
	                      .deadline = now_ms() + plan->seconds * 1000,
	                      .most = (uint64_t)plan->mib << 20};
	json_t *counts;
	int code;

	if (r.file == NULL)
		return CTL_FAILED;
	r.signals = await_signals();
	r.pcap = pcap_open(r.file);
	follow(&r);
	counts = end_trace(&r);
	code = tell(ctl, plan, &r, counts);
	json_decref(counts);
	(void)close(r.signals);
	pcap_close(&r.pcap);
	(void)fclose(r.file);
	free(r.bytes);
	return code;
}

/* A standby hears and says nothing; but it may be active before long. */
static void warn_of_standby(struct client *client)
{
	json_t *status = client_ask(client, json_pack("{ss}", "command", "status"));
	const char *role = json_string_value(json_object_get(status, "role"));

	if (role != NULL && strcmp(role, "active") != 0)
		ctl_complain("this node is %s: messages pass at the active one", role);
	json_decref(status);
}

int ctl_trace(const struct ctl *ctl, int argc, char **argv)
{
	struct trace_plan plan = {.seconds = SECONDS_DEFAULT, .mib = MIB_DEFAULT};
	const struct ctl_option options[] = {
		{"file", .text = &plan.file},
		{"seconds", .number = &plan.seconds, .least = 1, .most = SECONDS_MAX},
		{"max-size", .number = &plan.mib, .least = 1, .most = MIB_MAX}};
	const struct ctl_arguments wanted = {"trace", .options = options,
	                                     .n_options = ARRAY_LEN(options), .word = &plan.who,
	                                     .wanted = "a NAP or an AOR is wanted"};
	struct client *client;
	json_t *begun;
	int code;

	if (!ctl_arguments(&wanted, argc, argv))
		return CTL_USAGE;
	if (plan.file == NULL)
		return ctl_misused("trace", "--file FILE is wanted");
	client = client_open(ctl);
	if (client == NULL)
		return CTL_NO_NODE;
	warn_of_standby(client);
	begun = client_ask(client, json_pack("{ss ss}", "command", "trace", "who", plan.who));
	code = client_code(client);
	if (begun != NULL)
		code = record_all(ctl, &plan, client);
	json_decref(begun);
	client_close(&client);
	return code;
}
