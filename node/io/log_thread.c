#include "node/io/log_thread.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include <event2/event.h>

/* Entries on their way to the disk: their bytes one after the other, and where each ends. */
struct batch {
	uint8_t *bytes;
	size_t n, room;
	size_t *ends;
	size_t count, ends_room;
	uint64_t first_seq;
};

struct log_thread {
	struct loop *loop;
	struct log_thread_options options;
	struct event *event;
	int wake; /* eventfd: durable or failed changed */
	pthread_t log, checkpoint;
	size_t threads; /* started */

	struct batch filling; /* the loop's own, until it flushes */

	pthread_mutex_t mutex; /* guards what follows */
	pthread_cond_t work;   /* for the threads */
	pthread_cond_t rest;   /* for who waits until they rest */
	struct batch pending;
	uint64_t durable, keep;
	bool failed, told;
	bool stopping, paused, hurried;
	bool committing, checkpointing;
};

static void *grown(void *p, size_t size)
{
	void *bigger = realloc(p, size);

	if (bigger == NULL)
		abort(); /* the node bounds what waits for the disk */
	return bigger;
}

static void batch_add(struct batch *b, uint64_t seq, struct slice bytes)
{
	if (b->n + bytes.n > b->room) {
		b->room = 2 * (b->n + bytes.n);
		b->bytes = grown(b->bytes, b->room);
	}
	if (b->count == b->ends_room) {
		b->ends_room = b->ends_room == 0 ? 256 : 2 * b->ends_room;
		b->ends = grown(b->ends, b->ends_room * sizeof *b->ends);
	}
	if (b->count == 0)
		b->first_seq = seq;
	assert(seq == b->first_seq + b->count);
	memcpy(b->bytes + b->n, bytes.p, bytes.n);
	b->n += bytes.n;
	b->ends[b->count++] = b->n;
}

static struct slice batch_at(const struct batch *b, size_t i)
{
	size_t from = i == 0 ? 0 : b->ends[i - 1];

	return (struct slice){b->bytes + from, b->ends[i] - from};
}

static void batch_empty(struct batch *b)
{
	b->n = b->count = 0;
}

static void batch_free(struct batch *b)
{
	free(b->bytes);
	free(b->ends);
	*b = (struct batch){0};
}

static void wake_loop(struct log_thread *t)
{
	uint64_t one = 1;

	(void)!write(t->wake, &one,
	             sizeof one); /* it is full only if the loop is to wake already */
}

static int64_t wall_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static struct timespec in_ms(int64_t ms)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_sec += ms / 1000;
	t.tv_nsec += ms % 1000 * 1000000;
	if (t.tv_nsec >= 1000000000) {
		t.tv_sec++;
		t.tv_nsec -= 1000000000;
	}
	return t;
}

static enum err commit(struct log_thread *t, const struct batch *b)
{
	struct slice *entries = grown(NULL, b->count * sizeof *entries);

	for (size_t i = 0; i < b->count; i++)
		entries[i] = batch_at(b, i);
	enum err err = log_commit(t->options.store, entries, b->count, b->first_seq, wall_ms());
	free(entries);
	return err;
}

/* Takes what is pending; false: there is nothing and the thread is to end. With the lock held. */
static bool take_pending(struct log_thread *t, struct batch *mine)
{
	while (t->pending.count == 0 || t->failed) {
		if (t->stopping)
			return false;
		(void)pthread_cond_wait(&t->work, &t->mutex);
	}
	/* Mode `peer`: answers do not wait for this disk, so more may gather before it is written. */
	if (t->options.flush_interval_ms > 0) {
		struct timespec until = in_ms(t->options.flush_interval_ms);
		while (!t->stopping && !t->paused && !t->hurried &&
		       pthread_cond_timedwait(&t->rest, &t->mutex, &until) != ETIMEDOUT)
			;
	}
	struct batch empty = *mine;
	*mine = t->pending;
	t->pending = empty;
	return true;
}

static void *run_log(void *context)
{
	struct log_thread *t = context;
	struct batch mine = {0};

	(void)pthread_mutex_lock(&t->mutex);
	while (take_pending(t, &mine)) {
		t->committing = true;
		(void)pthread_mutex_unlock(&t->mutex);
		enum err err = commit(t, &mine);
		(void)pthread_mutex_lock(&t->mutex);
		t->committing = false;
		if (err == OK)
			t->durable = mine.first_seq + mine.count - 1;
		else
			t->failed = true;
		batch_empty(&mine);
		(void)pthread_cond_broadcast(&t->rest);
		wake_loop(t);
	}
	(void)pthread_mutex_unlock(&t->mutex);
	batch_free(&mine);
	return NULL;
}

/* The first of the newest `count` entries. */
static uint64_t newest(uint64_t last, uint64_t count)
{
	return last > count ? last - count + 1 : 1;
}

/* The log is cut to what is still wanted. A peer that never comes on must not fill the disk: beyond
 * KEEP_MOST it gets a snapshot. */
static uint64_t first_wanted(const struct log_thread *t, uint64_t durable, uint64_t keep)
{
	enum { KEEP_MOST = 4 * 1000 * 1000 };
	uint64_t oldest = newest(durable, t->options.log_entries);
	uint64_t most = newest(durable, KEEP_MOST);

	if (keep < most)
		keep = most;
	return keep < oldest ? keep : oldest;
}

/* The image follows the log. */
static void checkpoint_once(struct log_thread *t, uint64_t durable, uint64_t keep)
{
	uint64_t records = 0;
	enum err err = store_checkpoint(t->options.store, durable, &records);

	if (err == OK)
		err = log_trim(t->options.store, first_wanted(t, durable, keep));
	if (err != OK)
		log_line(loop_log(t->loop), LOG_ERROR, "checkpoint=failed seq=%llu why=\"%s\"",
		         (unsigned long long)durable, err_text(err));
}

static void *run_checkpoint(void *context)
{
	struct log_thread *t = context;
	uint64_t done = 0;

	(void)pthread_mutex_lock(&t->mutex);
	while (!t->stopping) {
		struct timespec until = in_ms(t->options.checkpoint_interval_ms);
		while (!t->stopping &&
		       pthread_cond_timedwait(&t->work, &t->mutex, &until) != ETIMEDOUT)
			;
		/* After a failure, too: a log that is full is cut here, or no start would help. */
		if (t->stopping || t->paused || t->durable == done || t->durable == 0)
			continue;
		uint64_t keep = t->keep;
		done = t->durable;
		t->checkpointing = true;
		(void)pthread_mutex_unlock(&t->mutex);
		checkpoint_once(t, done, keep);
		(void)pthread_mutex_lock(&t->mutex);
		t->checkpointing = false;
		(void)pthread_cond_broadcast(&t->rest);
	}
	(void)pthread_mutex_unlock(&t->mutex);
	return NULL;
}

static void on_wake(evutil_socket_t fd, short what, void *context)
{
	struct log_thread *t = context;
	uint64_t times;

	(void)what;
	(void)!read(fd, &times, sizeof times);
	(void)pthread_mutex_lock(&t->mutex);
	uint64_t durable = t->durable;
	bool failed = t->failed && !t->told;
	t->told = t->failed;
	(void)pthread_mutex_unlock(&t->mutex);
	struct node_input in = {.event = NODE_DURABLE, .seq = durable};
	if (durable != 0)
		loop_feed(t->loop, &in);
	in.event = NODE_LOG_FAILED;
	if (failed)
		loop_feed(t->loop, &in);
}

static bool make_conditions(struct log_thread *t)
{
	pthread_condattr_t monotonic;

	return pthread_mutex_init(&t->mutex, NULL) == 0 && pthread_condattr_init(&monotonic) == 0 &&
	       pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC) == 0 &&
	       pthread_cond_init(&t->work, &monotonic) == 0 &&
	       pthread_cond_init(&t->rest, &monotonic) == 0 &&
	       pthread_condattr_destroy(&monotonic) == 0;
}

static bool start_threads(struct log_thread *t)
{
	if (pthread_create(&t->log, NULL, run_log, t) != 0)
		return false;
	t->threads = 1;
	if (pthread_create(&t->checkpoint, NULL, run_checkpoint, t) != 0)
		return false;
	t->threads = 2;
	return true;
}

struct log_thread *log_thread_start(struct loop *l, const struct log_thread_options *options)
{
	struct log_thread *t = grown(NULL, sizeof *t);
	struct store_meta meta;

	*t = (struct log_thread){.loop = l, .options = *options, .keep = UINT64_MAX};
	if (store_meta(options->store, &meta) == OK)
		t->durable = meta.log_last;
	t->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (t->wake >= 0)
		t->event = event_new(loop_base(l), t->wake, EV_READ | EV_PERSIST, on_wake, t);
	if (t->event != NULL && event_add(t->event, NULL) == 0 && make_conditions(t) &&
	    start_threads(t))
		return t;
	log_line(loop_log(l), LOG_ERROR, "start=failed why=\"the log thread cannot be started\"");
	log_thread_stop(&t);
	return NULL;
}

void log_thread_stop(struct log_thread **thread)
{
	struct log_thread *t = *thread;

	if (t == NULL)
		return;
	log_thread_flush(t);
	(void)pthread_mutex_lock(&t->mutex);
	t->stopping = true;
	(void)pthread_cond_broadcast(&t->work);
	(void)pthread_cond_broadcast(&t->rest);
	(void)pthread_mutex_unlock(&t->mutex);
	if (t->threads > 0)
		(void)pthread_join(t->log, NULL);
	if (t->threads > 1)
		(void)pthread_join(t->checkpoint, NULL);
	if (t->event != NULL)
		event_free(t->event);
	if (t->wake >= 0)
		(void)close(t->wake);
	batch_free(&t->filling);
	batch_free(&t->pending);
	free(t);
	*thread = NULL;
}

void log_thread_append(struct log_thread *t, uint64_t seq, struct slice entry)
{
	batch_add(&t->filling, seq, entry);
}

void log_thread_flush(struct log_thread *t)
{
	if (t->filling.count == 0)
		return;
	(void)pthread_mutex_lock(&t->mutex);
	/* A log that failed takes no more: nobody would ever empty what waits for it. */
	for (size_t i = 0; i < t->filling.count && !t->failed; i++)
		batch_add(&t->pending, t->filling.first_seq + i, batch_at(&t->filling, i));
	(void)pthread_cond_broadcast(&t->work);
	(void)pthread_mutex_unlock(&t->mutex);
	batch_empty(&t->filling);
}

void log_thread_keep(struct log_thread *t, uint64_t seq)
{
	(void)pthread_mutex_lock(&t->mutex);
	t->keep = seq;
	(void)pthread_mutex_unlock(&t->mutex);
}

void log_thread_hurry(struct log_thread *t, bool hurry)
{
	if (t->options.flush_interval_ms == 0)
		return;
	(void)pthread_mutex_lock(&t->mutex);
	bool news = hurry && !t->hurried;
	t->hurried = hurry;
	if (news)
		(void)pthread_cond_broadcast(&t->rest);
	(void)pthread_mutex_unlock(&t->mutex);
}

void log_thread_pause(struct log_thread *t)
{
	log_thread_flush(t);
	(void)pthread_mutex_lock(&t->mutex);
	t->paused = true;
	(void)pthread_cond_broadcast(&t->rest);
	while ((t->pending.count > 0 && !t->failed) || t->committing || t->checkpointing)
		(void)pthread_cond_wait(&t->rest, &t->mutex);
	/* What comes next may belong to another log: the figure of this one means nothing there. */
	t->durable = 0;
	(void)pthread_mutex_unlock(&t->mutex);
}

void log_thread_resume(struct log_thread *t)
{
	(void)pthread_mutex_lock(&t->mutex);
	t->paused = false;
	(void)pthread_cond_broadcast(&t->work);
	(void)pthread_mutex_unlock(&t->mutex);
}
