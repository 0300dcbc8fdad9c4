#include "node/io/log_thread.h"

#include <stdlib.h>
#include <sys/eventfd.h>

#include <event2/event.h>

#include "node/io/checkpoint_thread.h"
#include "node/io/disk.h"
#include "node/io/threads.h"

enum { FULL_AGAIN_MS = 1000 }; /* a full log is tried again */

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
	pthread_t thread;
	bool started;
	struct checkpoint_thread *checkpoint;
	uint8_t *blocks[3]; /* BLOCK_MAX each: being read, `read` (of both), being fed */

	/* the loop's own */
	struct jobs filling;      /* until it flushes */
	uint64_t begun, switched; /* generations asked for */
	uint64_t told_stored;
	bool told_failed;

	pthread_mutex_t mutex; /* guards what follows */
	pthread_cond_t work;   /* for the thread */
	pthread_cond_t rest;   /* for the thread where it only waits for more */
	struct jobs pending;
	bool urgent; /* something else than an entry is among them */
	struct news news;
	bool stopping, hurried;
};

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
		struct timespec until = threads_in_ms(t->options.flush_interval_ms);
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

static void note(struct log_thread *t, const struct job *done, enum err err)
{
	struct news *n = &t->news;

	(void)pthread_mutex_lock(&t->mutex);
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
	checkpoint_thread_durable(t->checkpoint, n->durable);
	(void)pthread_mutex_unlock(&t->mutex);
	if (done->kind != OUT_NEXT_PUT || err != OK)
		threads_wake(t->wake);
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
	threads_wake(t->wake);
}

/* A log that is full: an append is tried again until there is room, or the thread is to end. */
static bool wait_for_room(struct log_thread *t)
{
	struct timespec until = threads_in_ms(FULL_AGAIN_MS);

	(void)pthread_mutex_lock(&t->mutex);
	while (!t->stopping && pthread_cond_timedwait(&t->rest, &t->mutex, &until) != ETIMEDOUT)
		;
	bool go_on = !t->stopping;
	(void)pthread_mutex_unlock(&t->mutex);
	return go_on;
}

static enum err do_job(struct log_thread *t, const struct jobs *jobs, size_t *at)
{
	size_t from = *at;
	enum err err = disk_do(t->loop, t->options.store, jobs, at);
	bool full = err == ERR_FULL && jobs->at[from].kind == OUT_APPEND;

	if (!full)
		return err;
	log_line(loop_log(t->loop), LOG_ERROR,
	         "log=full seq=%llu what=\"nothing is acknowledged until there is room\"",
	         (unsigned long long)jobs->at[from].seq);
	checkpoint_thread_full(t->checkpoint, true);
	while (err == ERR_FULL && wait_for_room(t)) {
		*at = from;
		err = disk_do(t->loop, t->options.store, jobs, at);
	}
	checkpoint_thread_full(t->checkpoint, false);
	if (err == OK)
		log_line(loop_log(t->loop), LOG_NOTICE, "log=goes-on seq=%llu",
		         (unsigned long long)jobs->at[*at - 1].seq);
	return err;
}

static void do_jobs(struct log_thread *t, const struct jobs *mine)
{
	enum err err = OK;

	for (size_t i = 0; i < mine->count && err == OK;) {
		if (mine->at[i].kind == OUT_READ_LOG) {
			read_log(t, mine->at[i++].seq);
			continue;
		}
		/* While one generation takes the other's place, nobody else may look at the store. */
		bool switches = mine->at[i].kind == OUT_NEXT_COMMIT;
		if (switches)
			checkpoint_thread_hold(t->checkpoint);
		err = do_job(t, mine, &i);
		note(t, &mine->at[i - 1], err);
		if (switches)
			checkpoint_thread_let_go(t->checkpoint);
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

static bool start_threads(struct log_thread *t)
{
	const struct log_thread_options *o = &t->options;
	struct checkpoint_options checkpoint = {
		.upkeep = {o->store, o->max_size, o->min_free},
		.interval_ms = o->checkpoint_interval_ms,
		.log_entries = o->log_entries,
		.durable = t->news.durable,
	};

	if (!threads_conditions(&t->mutex, &t->work, &t->rest))
		return false;
	t->checkpoint = checkpoint_thread_start(t->loop, &checkpoint);
	t->started = t->checkpoint != NULL && pthread_create(&t->thread, NULL, run_log, t) == 0;
	return t->started;
}

struct log_thread *log_thread_start(struct loop *l, const struct log_thread_options *options)
{
	struct log_thread *t = malloc(sizeof *t);
	struct store_meta meta;

	if (t == NULL)
		abort();
	*t = (struct log_thread){.loop = l, .options = *options};
	for (size_t i = 0; i < ARRAY_LEN(t->blocks); i++)
		if ((t->blocks[i] = malloc(BLOCK_MAX)) == NULL)
			abort();
	if (store_meta(options->store, &meta) == OK)
		t->news.durable = meta.log_last;
	t->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (t->wake >= 0)
		t->event = event_new(loop_base(l), t->wake, EV_READ | EV_PERSIST, on_wake, t);
	if (t->event != NULL && event_add(t->event, NULL) == 0 && start_threads(t))
		return t;
	log_line(loop_log(l), LOG_ERROR, "start=failed why=\"the log thread cannot be started\"");
	(void)log_thread_stop(&t); /* none that wrote */
	return NULL;
}

static void end(struct log_thread *t)
{
	log_thread_flush(t);
	(void)pthread_mutex_lock(&t->mutex);
	t->stopping = true;
	(void)pthread_cond_broadcast(&t->work);
	(void)pthread_cond_broadcast(&t->rest);
	(void)pthread_mutex_unlock(&t->mutex);
}

bool log_thread_stop(struct log_thread **thread)
{
	struct log_thread *t = *thread;

	if (t == NULL)
		return true;
	if (t->started) {
		end(t);
		if (!threads_ended(t->thread))
			return false;
	}
	if (!checkpoint_thread_stop(&t->checkpoint))
		return false;
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
	return true;
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
	checkpoint_thread_keep(t->checkpoint, seq);
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
