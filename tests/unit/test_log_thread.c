/* layer: io */
/* What reaches the disk and when, on the real thread and a real store. */
#include <signal.h>
#include <sys/wait.h>

#include "node/io/log_thread.h"
#include "tests/unit/fake_loop.h"
#include "tests/unit/store_story.h"

enum { LONG_MS = 60 * 1000 };
#define WALL_MS INT64_C(1700000000000)

struct desk {
	struct fixture *store;
	struct loop loop;
	struct log_thread *thread;
	uint64_t durable, stored;
	uint64_t read,
		read_first; /* a block: asked for, and what it begins with; 0: it is not there */
	bool failed, room_low;
	unsigned rooms_told;
};

static void on_feed(struct loop *l, const struct node_input *in)
{
	struct desk *d = l->context;

	if (in->event == NODE_DURABLE)
		d->durable = in->seq;
	if (in->event == NODE_NEXT_STORED)
		d->stored = in->seq;
	if (in->event == NODE_LOG_READ) {
		struct block b = {.first_seq = 0};
		assert_true(in->bytes.n == 0 || block_open(in->bytes, &b) == OK);
		d->read = in->seq;
		d->read_first = b.first_seq;
	}
	if (in->event == NODE_LOG_FAILED)
		d->failed = true;
	if (in->event == NODE_ROOM) {
		d->room_low = !in->on;
		d->rooms_told++;
	}
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
	assert_true(log_thread_stop(&d->thread));
	event_base_free(d->loop.base);
	fake_loop_close(&d->loop);
	free(d);
}

static void append(struct desk *d, uint64_t seq)
{
	uint8_t room[ENTRY_MAX];
	struct entry e = entry_of(seq, "key", "value");
	struct node_output o = {.kind = OUT_APPEND,
	                        .seq = seq,
	                        .bytes = {room, encode(&e, room)},
	                        .wall_ms = WALL_MS + (int64_t)seq};

	log_thread_do(d->thread, &o);
}

static void asks(struct desk *d, enum node_output_kind kind, uint64_t seq)
{
	struct node_output o = {.kind = kind, .seq = seq, .position = {REIGN, seq}};

	log_thread_do(d->thread, &o);
}

static void puts_next(struct desk *d, const char *key, const char *value)
{
	struct node_output o = {.kind = OUT_NEXT_PUT,
	                        .record = {TABLE_AOR, slice_str(key), slice_str(value)}};

	log_thread_do(d->thread, &o);
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

/* I3: who starts alone goes on by how far the wall clock moved since the newest stamp: what waited for the
 * disk in between would be missing. */
static void an_entry_keeps_its_own_wall_time_however_late_the_disk_is(void **state)
{
	struct desk *d =
		open_desk(state, &(struct log_thread_options){.checkpoint_interval_ms = LONG_MS});

	for (uint64_t seq = 1; seq <= 3; seq++)
		append(d, seq);
	log_thread_flush(d->thread);
	assert_true(becomes_durable(d, 3));
	assert_int_equal(meta_of(d->store).wall_ms, WALL_MS + 3);
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

/* Whatever is still appended before the loop has heard of it: told once, and nothing gathers. */
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
	asks(d, OUT_NEXT_BEGIN, 0);
	asks(d, OUT_NEXT_COMMIT, 99);
	append(d, 100); /* of another generation of the store */
	log_thread_flush(d->thread);
	d->failed = false;
	turns(d, 50);
	assert_false(d->failed);
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

static const struct log_thread_options seldom = {.checkpoint_interval_ms = LONG_MS};

/* A7. In mode `peer`, too: who sends the snapshot waits for each slice. */
static void a_snapshot_is_stored_slice_by_slice_and_replaces_the_log(void **state)
{
	struct desk *d =
		open_desk(state, &(struct log_thread_options){.checkpoint_interval_ms = LONG_MS,
	                                                      .flush_interval_ms = LONG_MS});

	append(d, 1);
	asks(d, OUT_NEXT_BEGIN, 0);
	puts_next(d, "alice", "a");
	asks(d, OUT_NEXT_SLICE, 1);
	log_thread_flush(d->thread);
	for (int i = 0; i < 1000 && d->stored < 1; i++)
		fake_loop_turn(&d->loop);
	assert_int_equal(d->stored, 1);
	assert_int_equal(d->durable, 1);
	puts_next(d, "bob", "b");
	asks(d, OUT_NEXT_COMMIT, 500);
	append(d, 501); /* at once: it is of the new generation */
	log_thread_flush(d->thread);
	log_thread_hurry(d->thread, true);
	assert_true(becomes_durable(d, 501));
	shows_image(d->store, "1:alice=a 1:bob=b ");
	shows_log(d->store, 501, "501:key=value ");
	close_desk(d);
}

/* A position of the old log, larger than the new one's, must not pass for one of the new. */
static void nothing_is_told_of_the_old_log_once_another_is_wanted(void **state)
{
	struct desk *d = open_desk(state, &seldom);

	for (uint64_t seq = 1; seq <= 50; seq++)
		append(d, seq);
	asks(d, OUT_NEXT_BEGIN, 0);
	asks(d, OUT_NEXT_COMMIT, 7);
	log_thread_flush(d->thread);
	assert_true(becomes_durable(d, 1));
	assert_int_equal(d->durable, 7);
	append(d, 8);
	log_thread_flush(d->thread);
	assert_true(becomes_durable(d, 8));
	assert_int_equal(d->durable, 8);
	close_desk(d);
}

static void nothing_is_told_of_a_snapshot_that_another_follows(void **state)
{
	struct desk *d = open_desk(state, &seldom);

	asks(d, OUT_NEXT_BEGIN, 0);
	for (uint64_t slice = 1; slice <= 9; slice++)
		asks(d, OUT_NEXT_SLICE, slice);
	asks(d, OUT_NEXT_ABORT, 0);
	asks(d, OUT_NEXT_BEGIN, 0);
	asks(d, OUT_NEXT_SLICE, 1);
	append(d, 1); /* the old log goes on meanwhile */
	log_thread_flush(d->thread);
	assert_true(becomes_durable(d, 1));
	assert_int_equal(d->stored, 1);
	close_desk(d);
	reopens(*state);
	shows_log(*state, 1, "1:key=value ");
}

static void reads(struct desk *d, uint64_t seq, uint64_t first)
{
	asks(d, OUT_READ_LOG, seq);
	log_thread_flush(d->thread);
	d->read = 0;
	for (int i = 0; i < 1000 && d->read == 0; i++)
		fake_loop_turn(&d->loop);
	assert_int_equal(d->read, seq);
	assert_int_equal(d->read_first, first);
}

/* Of what was appended before, durable or not; of the new generation behind the change to it. */
static void a_block_is_read_as_of_when_it_was_asked_for(void **state)
{
	struct desk *d =
		open_desk(state, &(struct log_thread_options){.checkpoint_interval_ms = LONG_MS,
	                                                      .flush_interval_ms = LONG_MS});

	append(d, 1);
	append(d, 2);
	reads(d, 2, 1);
	reads(d, 3, 0);
	asks(d, OUT_NEXT_BEGIN, 0);
	asks(d, OUT_NEXT_COMMIT, 1);
	reads(d, 2, 0);
	append(d, 2);
	reads(d, 2, 2);
	close_desk(d);
}

/* In its file before the log that held it goes, although nobody waited for it. */
static void a_fork_is_set_aside_before_its_log_goes(void **state)
{
	struct desk *d = open_desk(state, &seldom);
	char command[256];

	(void)snprintf(command, sizeof command, "test -s %s/fork-*-after-1", d->store->dir);
	d->loop.config.store_dir = d->store->dir;
	append(d, 1);
	append(d, 2);
	asks(d, OUT_SET_ASIDE, 1);
	asks(d, OUT_NEXT_BEGIN, 0);
	asks(d, OUT_NEXT_COMMIT, 9);
	log_thread_flush(d->thread);
	assert_true(becomes_durable(d, 9));
	/* NOLINTNEXTLINE(cert-env33-c): a folder of the test's own */
	assert_int_equal(system(command), 0);
	close_desk(d);
}

/* The checkpoint of one generation and the change to the next keep out of each other's way. */
static void generations_change_beside_checkpoints(void **state)
{
	struct desk *d =
		open_desk(state, &(struct log_thread_options){.checkpoint_interval_ms = 1});
	uint64_t seq = 0;

	for (int i = 0; i < 40; i++) {
		asks(d, OUT_NEXT_BEGIN, 0);
		puts_next(d, "alice", "a");
		asks(d, OUT_NEXT_COMMIT, seq += 10);
		for (int k = 0; k < 20; k++)
			append(d, ++seq);
		log_thread_flush(d->thread);
		assert_true(becomes_durable(d, seq));
		turns(d, i % 4);
	}
	close_desk(d);
	reopens(*state);
	assert_int_equal(meta_of(*state).log_last, seq);
}

/* X13: a process that is killed anywhere in a snapshot has the old state, whole. The child is the node. */
static void a_death_within_a_snapshot_leaves_the_old_state(void **state)
{
	struct fixture *f = *state;

	opens(f);
	commits(f, 1, "old", "1");
	store_close(&f->store);
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		struct desk *d = open_desk(state, &seldom);
		append(d, 2);
		asks(d, OUT_NEXT_BEGIN, 0);
		for (uint64_t slice = 1; slice <= 100; slice++) {
			puts_next(d, slice % 2 == 0 ? "even" : "odd", "new");
			asks(d, OUT_NEXT_SLICE, slice);
		}
		log_thread_flush(d->thread);
		while (d->stored < 100)
			fake_loop_turn(&d->loop);
		(void)raise(SIGKILL);
	}
	int status = 0;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	opens(f);
	shows_log(f, 1, "1:old=1 2:key=value ");
	assert_false(exists(f, "next"));
}

static void append_large(struct desk *d, uint64_t seq)
{
	static uint8_t value[8000] = {1};
	uint8_t room[ENTRY_MAX];
	struct entry e = entry_of(seq, "key", "");

	e.value = (struct slice){value, sizeof value};
	struct node_output o = {.kind = OUT_APPEND, .seq = seq, .bytes = {room, encode(&e, room)}};
	log_thread_do(d->thread, &o);
}

/* A23: what waits for a full log is written when there is room, and the log makes some itself. */
static void a_log_at_its_limit_keeps_less_and_goes_on(void **state)
{
	enum { ENTRIES = 1000 }; /* four times what fits */
	struct fixture *f = *state;
	f->options.max_size = 2 * MIB;
	struct desk *d =
		open_desk(state, &(struct log_thread_options){.checkpoint_interval_ms = 100,
	                                                      .max_size = 2 * MIB,
	                                                      .min_free = MIB});

	for (uint64_t seq = 1; seq <= ENTRIES; seq++) {
		append_large(d, seq);
		if (seq % 100 != 0)
			continue;
		log_thread_flush(d->thread);
		assert_true(becomes_durable(d, seq));
	}
	assert_false(d->failed);
	close_desk(d);
	reopens(f);
	assert_int_equal(meta_of(f).log_last, ENTRIES);
}

static void little_room_is_told_once(void **state)
{
	struct desk *d =
		open_desk(state, &(struct log_thread_options){.checkpoint_interval_ms = LONG_MS,
	                                                      .max_size = 64 * MIB,
	                                                      .min_free = UINT64_MAX / 2});

	for (int i = 0; i < 1000 && !d->room_low; i++)
		fake_loop_turn(&d->loop);
	assert_true(d->room_low);
	assert_int_equal(d->rooms_told, 1);
	turns(d, 1500);
	assert_int_equal(d->rooms_told, 1);
	close_desk(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORE_TEST(what_is_appended_is_reported_once_it_is_durable),
		STORE_TEST(an_entry_keeps_its_own_wall_time_however_late_the_disk_is),
		STORE_TEST(in_mode_peer_the_disk_follows_later_unless_it_is_waited_for),
		STORE_TEST(a_snapshot_is_stored_slice_by_slice_and_replaces_the_log),
		STORE_TEST(nothing_is_told_of_the_old_log_once_another_is_wanted),
		STORE_TEST(nothing_is_told_of_a_snapshot_that_another_follows),
		STORE_TEST(a_block_is_read_as_of_when_it_was_asked_for),
		STORE_TEST(a_fork_is_set_aside_before_its_log_goes),
		STORE_TEST(generations_change_beside_checkpoints),
		STORE_TEST(a_death_within_a_snapshot_leaves_the_old_state),
		STORE_TEST(a_log_that_failed_takes_no_more),
		STORE_TEST(a_log_at_its_limit_keeps_less_and_goes_on),
		STORE_TEST(little_room_is_told_once),
		STORE_TEST(the_image_follows_a_log_that_was_there_at_the_start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
