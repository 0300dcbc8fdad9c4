#include "node/io/loop.h"

#include <assert.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/random.h>
#include <systemd/sd-daemon.h>
#include <time.h>

#include <event2/event.h>
#include <event2/thread.h>

#include "node/io/loop_parts.h"

enum {
	TURN_AT_LEAST_MS = 250, /* a timer far away is looked at again: nothing hangs for ever */
	WATCHDOG_SIGNS = 4,     /* of life in the time after which the watchdog ends this process */
	PAUSE_ADVERTS = 2,      /* a longer one is a doubt for the node, too */
};

struct event_base *loop_base(const struct loop *l)
{
	return l->base;
}

const struct node *loop_node(const struct loop *l)
{
	return l->node;
}

const struct config *loop_config(const struct loop *l)
{
	return l->config;
}

struct log *loop_log(const struct loop *l)
{
	return l->log;
}

static int64_t clock_us(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_BOOTTIME, &t);
	return t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

struct mtime loop_now(const struct loop *l)
{
	(void)l;
	return (struct mtime){clock_us() / 1000};
}

bool loop_paused(const struct loop *l)
{
	int64_t longest = PAUSE_ADVERTS * l->config->keepalived_advert_interval;

	return l->config->unit != UNIT_STANDALONE && loop_now(l).ms - l->stepped.ms > longest;
}

int64_t loop_wall_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_REALTIME, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

uint64_t loop_random(struct loop *l)
{
	if (l->random_left == 0) {
		if (getrandom(l->random, sizeof l->random, 0) != (ssize_t)sizeof l->random)
			abort(); /* Linux gives up to 256 bytes or nothing has been set up yet */
		l->random_left = sizeof l->random / sizeof *l->random;
	}
	return l->random[--l->random_left];
}

static void on_disk(struct loop *l, const struct node_output *o)
{
	log_thread_do(l->log_thread, o);
}

static void on_frame(struct loop *l, const struct node_output *o)
{
	peer_link_send(l->link, o->connection, o->bytes);
}

/* For whoever follows a user's or a NAP's messages; costs nothing where nobody does. */
static void show(struct loop *l, const struct flow *flow, struct slice bytes, bool out)
{
	struct trace_message m = {.flow = *flow, .bytes = bytes, .out = out};

	if (l->control != NULL && control_traces(l->control) && sip_io_ends(l->sip, &m.flow))
		control_trace(l->control, &m);
}

static void on_message(struct loop *l, const struct node_output *o)
{
	struct flow to = o->flow;

	if (to.connection == 0)
		to.remote = o->target;
	show(l, &to, o->bytes, true);
	if (o->asked_us != 0)
		latency_add(&l->figures.latency, clock_us() - o->asked_us, l->stepped);
	sip_io_send(l->sip, o);
}

static void on_resolve(struct loop *l, const struct node_output *o)
{
	dns_ask(l->dns, o);
}

static void on_connect(struct loop *l, const struct node_output *o)
{
	sip_io_connect(l->sip, o);
}

static void on_close_flow(struct loop *l, const struct node_output *o)
{
	sip_io_close_flow(l->sip, o);
}

static void on_answer(struct loop *l, const struct node_output *o)
{
	control_answer(l->control, o->ticket, o->ok, o->bytes);
}

static void on_fault(struct loop *l, const struct node_output *o)
{
	keeper_fault(l->keeper, o->on);
}

static void on_close_link(struct loop *l, const struct node_output *o)
{
	peer_link_drop(l->link, o->connection);
}

/* What a line is about stands before its first `=`: a peer that makes the node say one thing over and
 * over does not drown the others. */
static struct log_rate *rate_of(struct loop *l, struct slice line)
{
	unsigned subject = 0;

	for (size_t i = 0; i < line.n && line.p[i] != '='; i++)
		subject = subject * 31 + line.p[i];
	return &l->said[subject % LOOP_SUBJECTS];
}

static void on_log(struct loop *l, const struct node_output *o)
{
	static const enum log_level levels[] = {[WEIGHT_ERROR] = LOG_ERROR,
	                                        [WEIGHT_WARN] = LOG_WARN,
	                                        [WEIGHT_NOTICE] = LOG_NOTICE,
	                                        [WEIGHT_INFO] = LOG_INFO};

	log_rated(l->log, rate_of(l, o->bytes), loop_now(l), levels[o->weight], SLICE_FMT,
	          SLICE_ARG(o->bytes));
}

static void on_difference(struct loop *l, const struct node_output *o)
{
	control_difference(l->control, o);
}

static void on_divergence(struct loop *l, const struct node_output *o)
{
	divergence_add(l->divergence, o);
}

static void on_history(struct loop *l, const struct node_output *o)
{
	events_history(l->events, o);
	loop_figures_hurry(l);
	if (!journal_add(l->journal, o, loop_wall_ms()))
		log_line(
			l->log, LOG_ERROR,
			"history=unwritten why=\"the journal of what became of this node cannot be "
			"written\" remedy=\"look at the disk of store.dir\"");
}

static void on_exit_asked(struct loop *l, const struct node_output *o)
{
	(void)o;
	l->leaving = true;
}

static void carry_out(struct loop *l, const struct node_output *o)
{
	typedef void output_fn(struct loop * l, const struct node_output *o);
	static output_fn *const by_kind[] = {
		[OUT_APPEND] = on_disk,           [OUT_FRAME] = on_frame,
		[OUT_MESSAGE] = on_message,       [OUT_ANSWER] = on_answer,
		[OUT_FAULT] = on_fault,           [OUT_CLOSE_LINK] = on_close_link,
		[OUT_READ_LOG] = on_disk,         [OUT_SET_ASIDE] = on_disk,
		[OUT_NEXT_BEGIN] = on_disk,       [OUT_NEXT_PUT] = on_disk,
		[OUT_NEXT_SLICE] = on_disk,       [OUT_NEXT_COMMIT] = on_disk,
		[OUT_NEXT_ABORT] = on_disk,       [OUT_DIVERGENCE] = on_divergence,
		[OUT_HISTORY] = on_history,       [OUT_LOG] = on_log,
		[OUT_EXIT] = on_exit_asked,       [OUT_DIFF_TABLE] = on_difference,
		[OUT_DIFFERENCE] = on_difference, [OUT_RESOLVE] = on_resolve,
		[OUT_CONNECT] = on_connect,       [OUT_CLOSE_FLOW] = on_close_flow,
	};

	by_kind[o->kind](l, o);
}

static void step(struct loop *l, struct node_input *in)
{
	struct node_outputs outs;

	in->random = loop_random(l);
	in->clock_us = clock_us();
	l->stepped = (struct mtime){in->clock_us / 1000};
	node_step(l->node, in, l->stepped, &outs);
	for (size_t i = 0; i < outs.n; i++)
		carry_out(l, &outs.item[i]);
}

void loop_feed(struct loop *l, struct node_input *in)
{
	/* Everything the dying active still sent is taken before its address is. */
	if (in->event == NODE_ADDRESS && in->address.here && l->link != NULL)
		peer_link_drain(l->link);
	if (in->event == NODE_MESSAGE)
		show(l, &in->flow, in->bytes, false);
	in->wall_ms = loop_wall_ms();
	assert(!l->feeding);
	l->feeding = true;
	step(l, in);
	l->feeding = false;
}

static void on_timer(evutil_socket_t fd, short what, void *context)
{
	(void)fd;
	(void)what;
	(void)context; /* waking up is all: each turn ends with NODE_TURN */
}

static void arm(struct loop *l)
{
	int64_t ms = node_deadline(l->node).ms - loop_now(l).ms;
	int64_t bounded = ms < 0 ? 0 : ms > TURN_AT_LEAST_MS ? TURN_AT_LEAST_MS : ms;
	struct timeval tv = {.tv_sec = bounded / 1000, .tv_usec = bounded % 1000 * 1000};

	(void)event_add(l->timer, &tv);
}

/* systemd's watchdog: a loop that turns is alive. */
static void feed_watchdog(struct loop *l)
{
	struct mtime now = loop_now(l);

	if (l->watchdog_ms == 0 || !mtime_reached(l->watchdog_due, now))
		return;
	(void)sd_notify(0, "WATCHDOG=1");
	l->watchdog_due = mtime_add_ms(now, l->watchdog_ms / WATCHDOG_SIGNS);
}

static void end_turn(struct loop *l)
{
	struct node_input turn = {.event = NODE_TURN};

	loop_feed(l, &turn);
	enum role role = node_role(l->node);
	bool in_doubt = role == ROLE_ACTIVE &&
	                !node_serves(l->node); /* requests wait in their sockets */
	log_thread_keep(l->log_thread, node_log_keep(l->node));
	log_thread_hurry(l->log_thread, node_waits_for_disk(l->node));
	log_thread_flush(l->log_thread);
	if (!divergence_flush(l->divergence))
		log_line(l->log, LOG_ERROR,
		         "divergence=unwritten why=\"the report of a merge cannot be written\"");
	if (l->link != NULL)
		peer_link_flush(l->link);
	sip_io_flush(l->sip);
	sip_io_role(l->sip, in_doubt ? ROLE_TAKING_OVER : role);
	loop_figures_turn(l);
	feed_watchdog(l);
	arm(l);
}

static void on_signal(evutil_socket_t signal, short what, void *context)
{
	struct loop *l = context;
	struct node_command stop = {.kind = COMMAND_STOP};
	struct node_input in = {.event = NODE_COMMAND, .command = &stop};

	(void)what;
	if (l->stopping) {
		log_line(l->log, LOG_WARN, "state=stopping why=\"asked twice: at once\"");
		l->leaving = true;
		return;
	}
	log_line(l->log, LOG_NOTICE, "state=stopping signal=%d", (int)signal);
	l->stopping = true;
	loop_feed(l, &in);
}

bool loop_reload(struct loop *l, uint64_t ticket)
{
	return reload_begin(l->reload, ticket);
}

static void on_hangup(evutil_socket_t signal, short what, void *context)
{
	struct loop *l = context;

	(void)signal;
	(void)what;
	if (l->reload == NULL || !loop_reload(l, 0))
		log_line(l->log, LOG_WARN,
		         "config=unread why=\"it is being read already, or the start goes on\"");
}

static bool watch_signals(struct loop *l)
{
	(void)signal(SIGPIPE, SIG_IGN);
	l->term = evsignal_new(l->base, SIGTERM, on_signal, l);
	l->interrupt = evsignal_new(l->base, SIGINT, on_signal, l);
	l->hangup = evsignal_new(l->base, SIGHUP, on_hangup, l);
	l->timer = evtimer_new(l->base, on_timer, l);
	return l->term != NULL && l->interrupt != NULL && l->hangup != NULL && l->timer != NULL &&
	       event_add(l->hangup, NULL) == 0 && event_add(l->term, NULL) == 0 &&
	       event_add(l->interrupt, NULL) == 0;
}

int loop_run(struct config *config, const char *path, struct log *log)
{
	struct loop l = {.config = config, .config_path = path, .log = log};
	uint64_t watchdog_us = 0;

	l.base = event_base_new();
	if (l.base == NULL || !watch_signals(&l)) {
		log_line(log, LOG_ERROR, "start=failed why=\"libevent cannot be set up\"");
		return EX_OSERR;
	}
	int failed = loop_start(&l);
	if (failed == 0) {
		if (sd_watchdog_enabled(0, &watchdog_us) > 0)
			l.watchdog_ms = (int64_t)(watchdog_us / 1000);
		(void)sd_notify(0, "READY=1");
		end_turn(&l);
		while (!l.leaving) {
			(void)event_base_loop(l.base, EVLOOP_ONCE);
			end_turn(&l);
		}
		(void)sd_notify(0, "STOPPING=1");
	}
	loop_stop(&l);
	if (failed == 0)
		log_line(log, LOG_NOTICE, "state=stopped");
	return failed;
}
