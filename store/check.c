/* A look at the whole store, by a process that may die of it; and where what is broken goes. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/internal.h"

enum {
	TELL_EVERY = 4096,           /* things read */
	SILENCE_MAX_MS = 120 * 1000, /* a disk that gives nothing for longer is not waited for */
};

/* What the reader tells, over a pipe. The last one says how it ended. */
struct told {
	bool last, log;
	enum err err;
	struct store_checked found;
	char fault[STORE_FAULT_TEXT];
};

struct reader_process {
	int pipe;
	struct told told;
};

static void tell(struct reader_process *r)
{
	if (write(r->pipe, &r->told, sizeof r->told) != (ssize_t)sizeof r->told)
		_exit(1);
}

static bool on_record(void *context, enum table table, struct slice key, struct slice value)
{
	struct reader_process *r = context;

	(void)table;
	(void)key;
	(void)value;
	if (++r->told.found.records % TELL_EVERY == 0)
		tell(r);
	return true;
}

static bool on_entry(void *context, struct slice entry)
{
	struct reader_process *r = context;

	(void)entry;
	if (++r->told.found.entries % TELL_EVERY == 0)
		tell(r);
	return true;
}

static void note(struct reader_process *r, enum err err, const char *what, uint64_t good)
{
	if (err == OK || r->told.err != OK)
		return;
	r->told.err = refuse(r->told.fault, err, "%s, behind %llu good ones: %s", what,
	                     (unsigned long long)good, err_text(err));
}

/* Nothing is there yet: no generation, and no file that names one. */
static bool is_empty(const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	uint64_t number;

	if (fd < 0)
		return errno == ENOENT;
	bool empty = current_read(fd, &number) == ERR_NOT_FOUND && !generations_sweep(fd, 0, false);
	(void)close(fd); /* nothing was written */
	return empty;
}

static void read_all(struct reader_process *r, const char *dir)
{
	struct store *s = NULL;
	struct store_meta meta;

	if (is_empty(dir))
		return;
	r->told.err = store_open_reading(&s, dir, r->told.fault);
	if (r->told.err == ERR_NOT_FOUND) /* the file `current` is */
		r->told.err = ERR_CORRUPT;
	if (r->told.err != OK)
		return;
	note(r, store_meta(s, &meta), "its meta data", 0);
	r->told.found.node_id = r->told.err == OK ? meta.node_id : 0;
	note(r, state_read(s, on_record, r), "the image", r->told.found.records);
	r->told.log = true;
	note(r, log_walk(s, on_entry, r), "the log", r->told.found.entries);
	store_close(&s);
}

static void run_reader(int pipe, const char *dir)
{
	static const int deadly[] = {SIGBUS, SIGSEGV, SIGABRT, SIGILL, SIGFPE, SIGTERM, SIGINT};
	static const struct rlimit none = {0, 0};
	struct reader_process r = {.pipe = pipe};

	for (size_t i = 0; i < ARRAY_LEN(deadly); i++)
		(void)signal(deadly[i], SIG_DFL);
	(void)setrlimit(RLIMIT_CORE, &none); /* its death says enough */
	read_all(&r, dir);
	r.told.last = true;
	tell(&r);
	_exit(0);
}

/* The next word; false: the reader ended, or is silent for too long. */
static bool hear(int pipe, struct told *told, enum err *err)
{
	struct pollfd fd = {.fd = pipe, .events = POLLIN};
	int ready = poll(&fd, 1, SILENCE_MAX_MS);

	while (ready < 0 && errno == EINTR)
		ready = poll(&fd, 1, SILENCE_MAX_MS);
	if (ready <= 0) {
		*err = ERR_IO;
		return false;
	}
	ssize_t n = read(pipe, told, sizeof *told); /* less than PIPE_BUF: whole or nothing */
	if (n == (ssize_t)sizeof *told)
		return true;
	*err = ERR_CORRUPT;
	return false;
}

static enum err attend(int pipe, struct told *told, store_progress *progress, void *context)
{
	enum err err = OK;

	while (!told->last && hear(pipe, told, &err))
		if (progress != NULL)
			progress(context, told->log ? "entries" : "records",
			         told->log ? told->found.entries : told->found.records);
	return told->last ? told->err : err;
}

enum err store_check(const char *dir, store_progress *progress, void *context,
                     struct store_checked *out, char fault[STORE_FAULT_TEXT])
{
	struct told told = {.err = OK};
	int ends[2];
	int status = 0;

	*out = (struct store_checked){0};
	if (pipe2(ends, O_CLOEXEC) != 0)
		return refuse(fault, ERR_IO, "%s: no pipe to its reader", dir);
	pid_t pid = fork();
	if (pid == 0)
		run_reader(ends[1], dir);
	(void)close(ends[1]);
	enum err err = pid < 0 ? ERR_IO : attend(ends[0], &told, progress, context);
	(void)close(ends[0]);
	if (pid > 0) {
		(void)kill(pid, SIGKILL); /* one that is silent; the others have ended */
		(void)waitpid(pid, &status, 0);
	}
	*out = told.found;
	if (told.last)
		(void)memcpy(fault, told.fault, STORE_FAULT_TEXT);
	else if (err == ERR_IO)
		return refuse(fault, err, "%s: the store is not read to its end: look at its disk",
		              dir);
	else
		return refuse(fault, err, "%s: the store is damaged: its reader ended by signal %d",
		              dir, WIFSIGNALED(status) ? WTERMSIG(status) : 0);
	return err;
}

/* --- set aside --- */

enum err store_unused(const char *dir, char fault[STORE_FAULT_TEXT])
{
	struct store *s = store_take(dir);
	enum err err = dir_open(s, fault);

	if (err == OK)
		err = dir_lock(s, fault);
	else if (errno == ENOENT)
		err = OK;
	store_close(&s);
	return err;
}

static enum err move_away(struct store *s, uint64_t stamp)
{
	char name[GENERATION_NAME_MAX];

	broken_name(name, stamp);
	if (mkdirat(s->dir_fd, name, 0700) != 0)
		return err_of(errno);
	enum err err = store_move(s->dir_fd, name);
	if (err == OK)
		brokens_remove(s->dir_fd, name);
	return err;
}

enum err store_set_aside(const char *dir, uint64_t stamp, char fault[STORE_FAULT_TEXT])
{
	struct store *s = store_take(dir);
	enum err err = dir_open(s, fault);

	if (err == OK)
		err = dir_lock(s, fault);
	if (err == OK) {
		err = move_away(s, stamp);
		if (err != OK)
			(void)refuse(fault, err, "%s: cannot set the damaged store aside: %s", dir,
			             err_text(err));
	}
	store_close(&s);
	return err;
}
