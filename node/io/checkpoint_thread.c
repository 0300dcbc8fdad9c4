#include "node/io/checkpoint_thread.h"

#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <event2/event.h>

#include "node/io/loop.h"
#include "node/io/threads.h"

struct checkpoint_thread {
	struct loop *loop;
	struct checkpoint_options options;
	struct event *event;
	int wake; /* eventfd: there is news */
	pthread_t thread;
	bool started;
	bool told_low; /* the loop's own */

	/* the thread's own */
	struct upkeep upkeep;
	uint64_t done;    /* the image has the log up to here, or could not */
	int64_t waits_ms; /* until the next checkpoint */

	pthread_mutex_t mutex; /* guards what follows */
	pthread_cond_t work;   /* for the thread */
	pthread_cond_t rest;   /* for who waits until it rests */
	uint64_t durable, keep;
	bool stopping, held, full, at_work;
	bool room_low;
	bool fault; /* `faulty` was found and is not told yet */
	struct scrub_place faulty;
};

/* The first of the newest `count` entries. */
static uint64_t newest(uint64_t last, uint64_t count)
{
	return last > count ? last - count + 1 : 1;
}

/* The log is cut to what is still wanted. A peer that never comes on must not fill the disk: beyond
 * KEEP_MOST it gets a snapshot. */
static uint64_t first_wanted(const struct checkpoint_thread *t, uint64_t durable, uint64_t keep)
{
	enum { KEEP_MOST = 4 * 1000 * 1000 };
	uint64_t oldest = newest(durable, t->options.log_entries);
	uint64_t most = newest(durable, KEEP_MOST);

	if (keep < most)
		keep = most;
	return keep < oldest ? keep : oldest;
}

/* The image follows the log. */
static void checkpoint(struct checkpoint_thread *t, uint64_t durable, uint64_t first_kept)
{
	struct store *store = t->options.upkeep.store;
	uint64_t records = 0;
	enum err err = store_checkpoint(store, durable, &records);

	if (err == OK)
		err = log_trim(store, first_kept);
	if (err != OK)
		log_line(loop_log(t->loop), LOG_ERROR, "checkpoint=failed seq=%llu why=\"%s\"",
		         (unsigned long long)durable, err_text(err));
}

/* With the lock held. A log with little room keeps nothing that the image has. After a failure, too: a
 * log that is full is cut here, or no start would help. */
static void follow_log(struct checkpoint_thread *t)
{
	uint64_t durable = t->durable;
	bool log_low = t->upkeep.log_low || t->full;
	uint64_t first_kept = log_low ? durable + 1 : first_wanted(t, durable, t->keep);

	t->waits_ms -= UPKEEP_EVERY_MS;
	if (t->waits_ms > 0 || durable == 0 || (durable == t->done && !log_low))
		return;
	t->waits_ms = t->options.interval_ms;
	t->done = durable;
	(void)pthread_mutex_unlock(&t->mutex);
	checkpoint(t, durable, first_kept);
	(void)pthread_mutex_lock(&t->mutex);
}

/* With the lock held. The loop takes one fault at a time. */
static void look_around(struct checkpoint_thread *t)
{
	bool may_scrub = !t->fault;
	bool was_low = t->room_low;

	(void)pthread_mutex_unlock(&t->mutex);
	upkeep_room(&t->upkeep);
	bool sound = !may_scrub || upkeep_scrub(&t->upkeep);
	(void)pthread_mutex_lock(&t->mutex);
	t->room_low = t->upkeep.room_low || t->full;
	if (!sound) {
		t->fault = true;
		t->faulty = t->upkeep.place;
	}
	if (!sound || was_low != t->room_low)
		threads_wake(t->wake);
}

static void *run(void *context)
{
	struct checkpoint_thread *t = context;

	(void)pthread_mutex_lock(&t->mutex);
	while (!t->stopping) {
		struct timespec until = threads_in_ms(UPKEEP_EVERY_MS);
		while (!t->stopping &&
		       pthread_cond_timedwait(&t->work, &t->mutex, &until) != ETIMEDOUT)
			;
		if (t->stopping || t->held)
			continue;
		t->at_work = true;
		look_around(t);
		follow_log(t);
		t->at_work = false;
		(void)pthread_cond_broadcast(&t->rest);
	}
	(void)pthread_mutex_unlock(&t->mutex);
	return NULL;
}

static void tell_room(struct checkpoint_thread *t, bool low)
{
	struct node_input in = {.event = NODE_ROOM, .on = !low};

	if (t->told_low == low)
		return;
	t->told_low = low;
	loop_feed(t->loop, &in);
}

static void tell_fault(struct checkpoint_thread *t, const struct scrub_place *at)
{
	struct node_input in = {
		.event = NODE_IMAGE_FAULT,
		.record = {.table = (enum table)at->table, .key = {at->key, at->key_n}},
	};

	loop_feed(t->loop, &in);
}

static void on_wake(evutil_socket_t fd, short what, void *context)
{
	struct checkpoint_thread *t = context;
	uint64_t times;

	(void)what;
	(void)!read(fd, &times, sizeof times);
	(void)pthread_mutex_lock(&t->mutex);
	bool low = t->room_low;
	bool fault = t->fault;
	struct scrub_place faulty = t->faulty;
	t->fault = false;
	(void)pthread_mutex_unlock(&t->mutex);
	tell_room(t, low);
	if (fault)
		tell_fault(t, &faulty);
}

struct checkpoint_thread *checkpoint_thread_start(struct loop *l,
                                                  const struct checkpoint_options *options)
{
	struct checkpoint_thread *t = malloc(sizeof *t);

	if (t == NULL)
		abort();
	*t = (struct checkpoint_thread){.loop = l,
	                                .options = *options,
	                                .upkeep.options = options->upkeep,
	                                .waits_ms = options->interval_ms,
	                                .durable = options->durable,
	                                .keep = UINT64_MAX};
	t->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (t->wake >= 0)
		t->event = event_new(loop_base(l), t->wake, EV_READ | EV_PERSIST, on_wake, t);
	t->started = t->event != NULL && event_add(t->event, NULL) == 0 &&
	             threads_conditions(&t->mutex, &t->work, &t->rest) &&
	             pthread_create(&t->thread, NULL, run, t) == 0;
	if (!t->started)
		(void)checkpoint_thread_stop(&t);
	return t;
}

static void end(struct checkpoint_thread *t)
{
	(void)pthread_mutex_lock(&t->mutex);
	t->stopping = true;
	(void)pthread_cond_broadcast(&t->work);
	(void)pthread_mutex_unlock(&t->mutex);
}

bool checkpoint_thread_stop(struct checkpoint_thread **thread)
{
	struct checkpoint_thread *t = *thread;

	if (t == NULL)
		return true;
	if (t->started) {
		end(t);
		if (!threads_ended(t->thread))
			return false;
	}
	if (t->event != NULL)
		event_free(t->event);
	if (t->wake >= 0)
		(void)close(t->wake);
	free(t);
	*thread = NULL;
	return true;
}

void checkpoint_thread_keep(struct checkpoint_thread *t, uint64_t seq)
{
	(void)pthread_mutex_lock(&t->mutex);
	t->keep = seq;
	(void)pthread_mutex_unlock(&t->mutex);
}

void checkpoint_thread_durable(struct checkpoint_thread *t, uint64_t seq)
{
	(void)pthread_mutex_lock(&t->mutex);
	t->durable = seq;
	(void)pthread_mutex_unlock(&t->mutex);
}

void checkpoint_thread_full(struct checkpoint_thread *t, bool full)
{
	(void)pthread_mutex_lock(&t->mutex);
	t->full = full;
	(void)pthread_mutex_unlock(&t->mutex);
}

void checkpoint_thread_hold(struct checkpoint_thread *t)
{
	(void)pthread_mutex_lock(&t->mutex);
	t->held = true;
	while (t->at_work)
		(void)pthread_cond_wait(&t->rest, &t->mutex);
	(void)pthread_mutex_unlock(&t->mutex);
}

void checkpoint_thread_let_go(struct checkpoint_thread *t)
{
	(void)pthread_mutex_lock(&t->mutex);
	t->held = false;
	(void)pthread_mutex_unlock(&t->mutex);
}
