#include "node/io/log_thread.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include <event2/event.h>

#include "node/io/disk.h"

/* What the log thread has done. */
struct news {
	uint64_t durable;         /* seq */
	uint64_t begun, switched; /* generations */
	uint64_t stored;          /* slice of the one that was begun last */
	uint64_t read_seq;        /* what stands in `read`; 0: nothing, or it was taken */
	size_t read_n;
	bool failed;
};

struct log_thread {
	struct loop *loop;
	struct log_thread_options options;
	struct event *event;
	int wake; /* eventfd: there is news */
	pthread_t log, checkpoint;
	size_t threads;     /* started */
	uint8_t *blocks[3]; /* BLOCK_MAX each: being read, `read` (of both), being fed */

	/* the loop's own */
	struct jobs filling;      /* until it flushes */
	uint64_t begun, switched; /* generations asked for */
	uint64_t told_stored;
	bool told_failed;

	pthread_mutex_t mutex; /* guards what follows */
	pthread_cond_t work;   /* for the threads */
	pthread_cond_t rest;   /* for who waits until they rest, or must hurry */
	struct jobs pending;
	bool urgent; /* something else than an entry is among them */
	struct news news;
	uint64_t keep;
	bool stopping, hurried;
	bool switching, checkpointing;
};

static void wake_loop(struct log_thread *t)
{
	uint64_t one = 1;

	(void)!write(t->wake, &one,
	             sizeof one); /* it is full only if the loop is to wake already */
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

/* Takes what is pending; false: there is nothing and the thread is to end. With the lock held. */
static bool take_pending(struct log_thread *t, struct jobs *mine)
{
	while (t->pending.count == 0 || t->news.failed) {
		if (t->stopping)
			return false;
		(void)pthread_cond_wait(&t->work, &t->mutex);
	}
	/* Mode `peer`: answers do not wait for this disk, so more may gather before it is written. */
	if (t->options.flush_interval_ms > 0) {
		struct timespec until = in_ms(t->options.flush_interval_ms);
		while (!t->stopping && !t->urgent && !t->hurried &&
		       pthread_cond_timedwait(&t->rest, &t->mutex, &until) != ETIMEDOUT)
			;
	}
	struct jobs empty = *mine;
	*mine = t->pending;
	t->pending = empty;
	t->urgent = false;
	return true;
}

/* While one generation takes the other's place, nobody else may look at the store. */
static void hold_checkpoint(struct log_thread *t)
{
	(void)pthread_mutex_lock(&t->mutex);
	t->switching = true;
	while (t->checkpointing)
		(void)pthread_cond_wait(&t->rest, &t->mutex);
	(void)pthread_mutex_unlock(&t->mutex);
}

static void note(struct log_thread *t, const struct job *done, enum err err)
{
	struct news *n = &t->news;

	(void)pthread_mutex_lock(&t->mutex);
	t->switching = false;
	if (err != OK) {
		n->failed = true;
	} else if (done->kind == OUT_APPEND) {
		n->durable = done->seq;
	} else if (done->kind == OUT_NEXT_BEGIN) {
		n->begun++;
		n->stored = 0;
	} else if (done->kind == OUT_NEXT_SLICE) {
		n->stored = done->seq;
	} else if (done->kind == OUT_NEXT_COMMIT) {
		n->switched++;
		n->durable = done->position.seq;
	}
	(void)pthread_mutex_unlock(&t->mutex);
	if (done->kind != OUT_NEXT_PUT || err != OK)
		wake_loop(t);
}

enum { READING, READ, FED };

static void swap_blocks(struct log_thread *t, int a, int b)
{
	uint8_t *block = t->blocks[a];

	t->blocks[a] = t->blocks[b];
	t->blocks[b] = block;
}

static void read_log(struct log_thread *t, uint64_t seq)
{
	struct buf block = buf_on(t->blocks[READING], BLOCK_MAX);
	bool found = log_read(t->options.store, seq, &block) == OK;

	(void)pthread_mutex_lock(&t->mutex);
	swap_blocks(t, READING, READ);
	t->news.read_seq = seq;
	t->news.read_n = found ? block.n : 0;
	(void)pthread_mutex_unlock(&t->mutex);
	wake_loop(t);
}

static void do_jobs(struct log_thread *t, const struct jobs *mine)
{
	enum err err = OK;

	for (size_t i = 0; i < mine->count && err == OK;) {
		if (mine->at[i].kind == OUT_READ_LOG) {
			read_log(t, mine->at[i++].seq);
			continue;
		}
		if (mine->at[i].kind == OUT_NEXT_COMMIT)
			hold_checkpoint(t);
		err = disk_do(t->loop, t->options.store, mine, &i);
		note(t, &mine->at[i - 1], err);
	}
}

static void *run_log(void *context)
{
	struct log_thread *t = context;
	struct jobs mine = {0};

	(void)pthread_mutex_lock(&t->mutex);
	while (take_pending(t, &mine)) {
		(void)pthread_mutex_unlock(&t->mutex);
		do_jobs(t, &mine);
		jobs_empty(&mine);
		(void)pthread_mutex_lock(&t->mutex);
	}
	(void)pthread_mutex_unlock(&t->mutex);
	store_next_abort(t->options.store); /* half a one: LMDB ends a writer where it began */
	jobs_free(&mine);
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
		if (t->stopping || t->switching || t->news.durable == done || t->news.durable == 0)
			continue;
		uint64_t keep = t->keep;
		done = t->news.durable;
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

static struct news take_news(struct log_thread *t)
{
	(void)pthread_mutex_lock(&t->mutex);
	struct news news = t->news;
	if (news.read_seq != 0)
		swap_blocks(t, READ, FED);
	t->news.read_seq = 0;
	(void)pthread_mutex_unlock(&t->mutex);
	return news;
}

/* Each feed may ask for more: what is late is judged anew before the next. */
static void on_wake(evutil_socket_t fd, short what, void *context)
{
	struct log_thread *t = context;
	uint64_t times;

	(void)what;
	(void)!read(fd, &times, sizeof times);
	struct news news = take_news(t);
	if (news.begun == t->begun && news.stored > t->told_stored) {
		struct node_input in = {.event = NODE_NEXT_STORED, .seq = news.stored};
		t->told_stored = news.stored;
		loop_feed(t->loop, &in);
	}
	if (news.switched == t->switched && news.durable != 0) {
		struct node_input in = {.event = NODE_DURABLE, .seq = news.durable};
		loop_feed(t->loop, &in);
	}
	if (news.read_seq != 0) { /* whether it is still wanted, the node knows */
		struct node_input in = {.event = NODE_LOG_READ,
		                        .seq = news.read_seq,
		                        .bytes = {t->blocks[FED], news.read_n}};
		loop_feed(t->loop, &in);
	}
	if (news.failed && !t->told_failed) {
		struct node_input in = {.event = NODE_LOG_FAILED};
		t->told_failed = true;
		loop_feed(t->loop, &in);
	}
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
	struct log_thread *t = malloc(sizeof *t);
	struct store_meta meta;

	if (t == NULL)
		abort();
	*t = (struct log_thread){.loop = l, .options = *options, .keep = UINT64_MAX};
	for (size_t i = 0; i < ARRAY_LEN(t->blocks); i++)
		if ((t->blocks[i] = malloc(BLOCK_MAX)) == NULL)
			abort();
	if (store_meta(options->store, &meta) == OK)
		t->news.durable = meta.log_last;
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
	jobs_free(&t->filling);
	jobs_free(&t->pending);
	for (size_t i = 0; i < ARRAY_LEN(t->blocks); i++)
		free(t->blocks[i]);
	free(t);
	*thread = NULL;
}

void log_thread_do(struct log_thread *t, const struct node_output *o)
{
	jobs_add(&t->filling, o);
	if (o->kind == OUT_NEXT_BEGIN) {
		t->begun++;
		t->told_stored = 0;
	} else if (o->kind == OUT_NEXT_COMMIT) {
		t->switched++;
	}
}

static bool only_entries(const struct jobs *j)
{
	for (size_t i = 0; i < j->count; i++)
		if (j->at[i].kind != OUT_APPEND)
			return false;
	return true;
}

void log_thread_flush(struct log_thread *t)
{
	if (t->filling.count == 0)
		return;
	(void)pthread_mutex_lock(&t->mutex);
	t->urgent = t->urgent || !only_entries(&t->filling);
	if (t->news.failed) /* nobody would ever empty what waits for it */
		jobs_empty(&t->filling);
	else
		jobs_move(&t->pending, &t->filling);
	(void)pthread_cond_broadcast(&t->work);
	(void)pthread_cond_broadcast(&t->rest);
	(void)pthread_mutex_unlock(&t->mutex);
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
