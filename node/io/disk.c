#include "node/io/disk.h"

#include <assert.h>
#include <stdlib.h>
#include <time.h>

static int64_t wall_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* The group commit. */
static enum err append(struct store *store, const struct jobs *jobs, size_t *at)
{
	size_t from = *at;
	size_t to = from + 1;

	while (to < jobs->count && jobs->at[to].kind == OUT_APPEND) {
		assert(jobs->at[to].seq == jobs->at[from].seq + (to - from));
		to++;
	}
	struct slice *entries = calloc(to - from, sizeof *entries);
	if (entries == NULL)
		abort();
	for (size_t i = from; i < to; i++)
		entries[i - from] = jobs_bytes(jobs, i);
	enum err err =
		log_commit(store, entries, to - from, jobs->at[from].seq, jobs->at[to - 1].wall_ms);
	free(entries);
	*at = to;
	return err;
}

static enum err set_aside(struct loop *l, struct store *store, uint64_t after_seq)
{
	char path[512]; /* store.dir is at most 200 bytes long */
	uint64_t count = 0;

	(void)snprintf(path, sizeof path, "%s/fork-%lld-after-%llu", loop_config(l)->store_dir,
	               (long long)wall_ms(), (unsigned long long)after_seq);
	enum err err = log_set_aside(store, after_seq, path, &count);
	if (err == OK)
		log_line(loop_log(l), LOG_WARN, "fork=kept file=%s entries=%llu", path,
		         (unsigned long long)count);
	return err;
}

static enum err put_next(struct store *store, const struct job *job, struct slice bytes)
{
	struct slice key = {bytes.p, job->key_n};
	struct slice value = {bytes.p + job->key_n, bytes.n - job->key_n};

	return store_next_put(store, job->table, key, value);
}

/* One that is no entry. */
static enum err do_other(struct loop *l, struct store *store, const struct job *job,
                         struct slice bytes)
{
	if (job->kind == OUT_SET_ASIDE)
		return set_aside(l, store, job->seq);
	if (job->kind == OUT_NEXT_BEGIN)
		return store_next_begin(store);
	if (job->kind == OUT_NEXT_PUT)
		return put_next(store, job, bytes);
	if (job->kind == OUT_NEXT_COMMIT)
		return store_next_commit(store, job->position, job->pair, job->wall_ms);
	if (job->kind == OUT_NEXT_ABORT)
		store_next_abort(store);
	return OK; /* OUT_NEXT_SLICE only wants to be told that it was reached */
}

static const char *name_of(enum node_output_kind kind)
{
	return kind == OUT_APPEND ? "append" : kind == OUT_SET_ASIDE ? "set-aside" : "snapshot";
}

enum err disk_do(struct loop *l, struct store *store, const struct jobs *jobs, size_t *at)
{
	const struct job *job = &jobs->at[*at];
	enum err err;

	if (job->kind == OUT_APPEND) {
		err = append(store, jobs, at);
	} else {
		err = do_other(l, store, job, jobs_bytes(jobs, *at));
		(*at)++;
	}
	if (err != OK && !(err == ERR_FULL && job->kind == OUT_APPEND)) /* tried again */
		log_line(loop_log(l), LOG_ERROR, "store=failed while=%s why=\"%s\"",
		         name_of(job->kind), err_text(err));
	return err;
}
