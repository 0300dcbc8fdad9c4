/* layer: io */
/* What reaches the disk and when, on the real thread and a real store. */
#include "node/io/log_thread.h"
#include "tests/unit/fake_loop.h"
#include "tests/unit/store_story.h"

enum { LONG_MS = 60 * 1000 };

struct desk {
	struct fixture *store;
	struct loop loop;
	struct log_thread *thread;
	uint64_t durable;
	bool failed;
};

static void on_feed(struct loop *l, const struct node_input *in)
{
	struct desk *d = l->context;

	if (in->event == NODE_DURABLE)
		d->durable = in->seq;
	if (in->event == NODE_LOG_FAILED)
		d->failed = true;
}

static struct desk *open_desk(void **state, const struct log_thread_options *options)
{
	struct desk *d = calloc(1, sizeof *d);
	struct log_thread_options o = *options;

	assert_non_null(d);
	d->store = *state;
	opens(d->store);
	fake_loop_open(&d->loop, event_base_new());
	d->loop.on_feed = on_feed;
	d->loop.context = d;
	o.store = d->store->store;
	o.log_entries = 1000;
	d->thread = log_thread_start(&d->loop, &o);
	assert_non_null(d->thread);
	return d;
}

static void close_desk(struct desk *d)
{
	log_thread_stop(&d->thread);
	event_base_free(d->loop.base);
	fake_loop_close(&d->loop);
	free(d);
}

static void append(struct desk *d, uint64_t seq)
{
	uint8_t room[ENTRY_MAX];
	struct entry e = entry_of(seq, "key", "value");
	struct slice bytes = {room, encode(&e, room)};

	log_thread_append(d->thread, seq, bytes);
}

static void turns(const struct desk *d, int64_t ms)
{
	int64_t until = loop_now(&d->loop).ms + ms;

	while (loop_now(&d->loop).ms < until)
		fake_loop_turn(&d->loop);
}

/* Turns until all up to `seq` is durable, 5 s at the most. */
static bool becomes_durable(const struct desk *d, uint64_t seq)
{
	for (int i = 0; i < 1000 && d->durable < seq; i++)
		fake_loop_turn(&d->loop);
	return d->durable >= seq;
}

/* A1 */
static void what_is_appended_is_reported_once_it_is_durable(void **state)
{
	struct desk *d =
		open_desk(state, &(struct log_thread_options){.checkpoint_interval_ms = LONG_MS});

	append(d, 1);
	append(d, 2);
	log_thread_flush(d->thread);
	assert_true(becomes_durable(d, 2));
	assert_int_equal(meta_of(d->store).log_last, 2);
	close_desk(d);
}

/* In mode `peer` the disk may follow later, but not where somebody waits for it. */
static void in_mode_peer_the_disk_follows_later_unless_it_is_waited_for(void **state)
{
	struct desk *d =
		open_desk(state, &(struct log_thread_options){.checkpoint_interval_ms = LONG_MS,
	                                                      .flush_interval_ms = LONG_MS});

	append(d, 1);
	log_thread_flush(d->thread);
	turns(d, 100);
	assert_int_equal(d->durable, 0);
	log_thread_hurry(d->thread, true);
	assert_true(becomes_durable(d, 1));
	append(d, 2);
	log_thread_flush(d->thread);
	assert_true(becomes_durable(d, 2));
	log_thread_hurry(d->thread, false);
	append(d, 3);
	log_thread_flush(d->thread);
	turns(d, 100);
	assert_int_equal(d->durable, 2);
	close_desk(d); /* at the end all is written */
	reopens(*state);
	assert_int_equal(meta_of(*state).log_last, 3);
}

static void a_pause_writes_what_waits_and_a_resume_goes_on(void **state)
{
	struct desk *d =
		open_desk(state, &(struct log_thread_options){.checkpoint_interval_ms = 10,
	                                                      .flush_interval_ms = LONG_MS});

	append(d, 1);
	log_thread_pause(d->thread);
	assert_int_equal(meta_of(d->store).log_last, 1);
	log_thread_resume(d->thread);
	log_thread_hurry(d->thread, true);
	append(d, 2);
	log_thread_flush(d->thread);
	assert_true(becomes_durable(d, 2));
	close_desk(d);
}

/* Whatever is still appended before the loop has heard of it: told once, nothing gathers, a pause ends. */
static void a_log_that_failed_takes_no_more(void **state)
{
	struct desk *d =
		open_desk(state, &(struct log_thread_options){.checkpoint_interval_ms = LONG_MS});

	append(d, 5); /* does not follow */
	log_thread_flush(d->thread);
	for (int i = 0; i < 1000 && !d->failed; i++)
		fake_loop_turn(&d->loop);
	assert_true(d->failed);
	append(d, 6);
	log_thread_flush(d->thread);
	append(d, 100); /* of another generation of the store */
	log_thread_pause(d->thread);
	log_thread_resume(d->thread);
	turns(d, 50);
	assert_int_equal(d->durable, 0);
	close_desk(d);
}

/* A log that is full at the start is cut by its checkpoint alone: nothing new can be committed. */
static void the_image_follows_a_log_that_was_there_at_the_start(void **state)
{
	struct fixture *f = *state;

	opens(f);
	commits(f, 1, "key", "value");
	commits(f, 2, "key", "other");
	store_close(&f->store);
	struct desk *d =
		open_desk(state, &(struct log_thread_options){.checkpoint_interval_ms = 10});
	turns(d, 300);
	close_desk(d);
	assert_int_equal(meta_of(f).applied.seq, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORE_TEST(what_is_appended_is_reported_once_it_is_durable),
		STORE_TEST(in_mode_peer_the_disk_follows_later_unless_it_is_waited_for),
		STORE_TEST(a_pause_writes_what_waits_and_a_resume_goes_on),
		STORE_TEST(a_log_that_failed_takes_no_more),
		STORE_TEST(the_image_follows_a_log_that_was_there_at_the_start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
