#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "store/internal.h"

enum err refuse(char fault[STORE_FAULT_TEXT], enum err err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)vsnprintf(fault, STORE_FAULT_TEXT, format, args); /* a long path cuts the remedy */
	va_end(args);
	return err;
}

static const char *remedy_of(int code)
{
	switch (code) {
	case EACCES:
	case EPERM:
	case EROFS:
		return ": its owner, its disk and the unit's ReadWritePaths must let regpaird "
		       "write there";
	case ENOSPC:
	case EDQUOT:
		return ": make room on its disk";
	default:
		return "";
	}
}

static enum err refuse_system(char fault[STORE_FAULT_TEXT], const char *dir, const char *what)
{
	int code = errno;

	return refuse(fault, err_of(code), "%s: cannot %s: %s%s", dir, what, strerrordesc_np(code),
	              remedy_of(code));
}

static enum err refuse_unreadable(char fault[STORE_FAULT_TEXT], enum err err, const char *dir)
{
	if (err == ERR_CORRUPT)
		return refuse(fault, err,
		              "%s: the store is damaged: restore a backup, or move it away and "
		              "start empty",
		              dir);
	return refuse(fault, err, "%s: cannot open the store: %s", dir, err_text(err));
}

/* --- the directory --- */

/* A new directory must be there after a power cut too: its name is in the one above. */
static enum err parent_sync(int dir_fd)
{
	int fd = openat(dir_fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return err_of(errno);
	enum err err = dir_sync(fd);
	(void)close(fd); /* nothing was written through it */
	return err;
}

enum err dir_open(struct store *s, char fault[STORE_FAULT_TEXT])
{
	s->dir_fd = open(s->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->dir_fd < 0)
		return refuse_system(fault, s->dir, "open the store's directory");
	return OK;
}

static enum err dir_make(struct store *s, char fault[STORE_FAULT_TEXT])
{
	bool made = mkdir(s->dir, 0700) == 0;

	if (!made && errno != EEXIST)
		return refuse_system(fault, s->dir, "make the store's directory");
	enum err err = dir_open(s, fault);
	if (err == OK && made && parent_sync(s->dir_fd) != OK)
		return refuse_system(fault, s->dir, "sync the directory above it");
	return err;
}

enum err dir_lock(struct store *s, char fault[STORE_FAULT_TEXT])
{
	s->lock_fd = openat(s->dir_fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (s->lock_fd < 0)
		return refuse_system(fault, s->dir, "open its lock file");
	if (flock(s->lock_fd, LOCK_EX | LOCK_NB) == 0)
		return OK;
	if (errno == EWOULDBLOCK)
		return refuse(fault, ERR_EXISTS,
		              "%s: another process has the store open: stop that one first",
		              s->dir);
	return refuse_system(fault, s->dir, "lock it");
}

static enum err dir_room(struct store *s, char fault[STORE_FAULT_TEXT])
{
	struct statvfs fs;

	if (fstatvfs(s->dir_fd, &fs) != 0)
		return refuse_system(fault, s->dir, "ask for the room on its disk");
	uint64_t free_mib = (uint64_t)fs.f_bavail * fs.f_frsize >> 20;
	if (free_mib >= STORE_FREE_MIN_MIB)
		return OK;
	return refuse(fault, ERR_FULL, "%s: only %llu MiB free on its disk, needs %d: make room",
	              s->dir, (unsigned long long)free_mib, (int)STORE_FREE_MIN_MIB);
}

/* --- what is in it --- */

static enum err check_identity(struct store *s, const uint8_t *cluster_id,
                               char fault[STORE_FAULT_TEXT])
{
	struct txn t = txn_read(s->now.state, &s->now.loop_state);
	struct identity found = identity_get(&t, s->now.meta);
	enum err err = txn_end(&t);

	if (err != OK)
		return refuse_unreadable(fault, err, s->dir);
	if (found.format < STORE_FORMAT_OLDEST || found.format > STORE_FORMAT)
		return refuse(fault, ERR_VERSION,
		              "%s: has format %llu, this version knows %d: install the newer "
		              "version again",
		              s->dir, (unsigned long long)found.format, (int)STORE_FORMAT);
	if (cluster_id != NULL &&
	    memcmp(found.cluster_id, cluster_id, sizeof found.cluster_id) != 0)
		return refuse(fault, ERR_FOREIGN,
		              "%s: belongs to another pair: give this node a directory of its own, "
		              "or the right cluster id",
		              s->dir);
	memcpy(s->cluster_id, found.cluster_id, sizeof s->cluster_id);
	s->node_id = found.node_id;
	s->now.format = found.format;
	return OK;
}

/* base <= image <= end of the log, or the image cannot be brought up to date. */
static enum err check_positions(struct store *s, char fault[STORE_FAULT_TEXT])
{
	struct store_meta meta;
	enum err err = store_meta(s, &meta);

	if (err != OK)
		return refuse_unreadable(fault, err, s->dir);
	uint64_t last = meta.log_last != 0 ? meta.log_last : meta.base.seq;
	if (meta.applied.seq < meta.base.seq || meta.applied.seq > last)
		return refuse_unreadable(fault, ERR_CORRUPT, s->dir);
	s->next_seq = last + 1;
	s->aside = brokens_there(s->dir_fd);
	return OK;
}

static enum err open_current(struct store *s, enum generation_mode mode, const uint8_t *cluster_id,
                             char fault[STORE_FAULT_TEXT])
{
	char name[GENERATION_NAME_MAX];

	generation_name(name, s->number);
	enum err err = generation_open(&s->now, s->dir, name, s->max_size, mode);
	if (err != OK)
		return refuse_unreadable(fault, err, s->dir);
	err = check_identity(s, cluster_id, fault);
	if (err != OK)
		return err;
	err = generation_tables(&s->now, mode);
	if (err != OK)
		return refuse_unreadable(fault, err, s->dir);
	return check_positions(s, fault);
}

static enum err make_first(struct store *s, const struct store_options *options,
                           char fault[STORE_FAULT_TEXT])
{
	if (generations_sweep(s->dir_fd, 0, false))
		return refuse(fault, ERR_CORRUPT,
		              "%s: the file `current` is gone: write the name of the generation to "
		              "use (gen-N) into it, or move the directory away",
		              s->dir);
	memcpy(s->cluster_id, options->cluster_id, sizeof s->cluster_id);
	s->node_id = options->node_id;
	s->aside = brokens_there(s->dir_fd);
	enum err err = store_first(s);
	if (err != OK)
		return refuse(fault, err, "%s: cannot make a new store: %s", s->dir, err_text(err));
	return OK;
}

static enum err bring_up(struct store *s, const struct store_options *options,
                         char fault[STORE_FAULT_TEXT])
{
	uint64_t old = s->now.format;
	enum err err = store_upgrade(s, options);

	if (err != OK)
		return refuse(fault, err, "%s: cannot bring the store from format %llu to %d: %s",
		              s->dir, (unsigned long long)old, (int)STORE_FORMAT, err_text(err));
	return check_positions(s, fault);
}

static enum err open_writing(struct store *s, const struct store_options *options,
                             char fault[STORE_FAULT_TEXT])
{
	enum err err = dir_make(s, fault);

	if (err == OK)
		err = dir_lock(s, fault);
	if (err == OK)
		err = dir_room(s, fault);
	if (err != OK)
		return err;

	err = current_read(s->dir_fd, &s->number);
	if (err == ERR_NOT_FOUND)
		return make_first(s, options, fault);
	if (err != OK)
		return refuse_unreadable(fault, err, s->dir);
	err = open_current(s, GENERATION_USE, options->cluster_id, fault);
	if (err != OK)
		return err;
	(void)generations_sweep(s->dir_fd, s->number, true); /* all others were in use */
	return s->now.format == STORE_FORMAT ? OK : bring_up(s, options, fault);
}

/* The running node may replace the generation between our look at `current` and the opening. */
static enum err open_reading(struct store *s, char fault[STORE_FAULT_TEXT])
{
	enum err err = dir_open(s, fault);
	uint64_t before = 0;

	while (err == OK) {
		err = current_read(s->dir_fd, &s->number);
		if (err != OK)
			return refuse(fault, err, "%s: no store is there yet", s->dir);
		err = open_current(s, GENERATION_READ, NULL, fault);
		if (err == OK || s->number == before)
			return err;
		before = s->number;
		generation_close(&s->now);
		err = OK;
	}
	return err;
}

struct store *store_take(const char *dir)
{
	struct store *s = take(sizeof *s);

	s->dir = take(strlen(dir) + 1);
	memcpy(s->dir, dir, strlen(dir) + 1);
	s->dir_fd = -1;
	s->lock_fd = -1;
	s->block_room = take(BLOCK_MAX);
	return s;
}

static enum err opened(struct store *s, enum err err, char fault[STORE_FAULT_TEXT],
                       struct store **out)
{
	if (err == OK)
		fault[0] = '\0';
	else
		store_close(&s);
	*out = s;
	return err;
}

enum err store_open(struct store **out, const struct store_options *options,
                    char fault[STORE_FAULT_TEXT])
{
	struct store *s = store_take(options->dir);

	s->max_size = options->max_size;
	return opened(s, open_writing(s, options, fault), fault, out);
}

enum err store_open_reading(struct store **out, const char *dir, char fault[STORE_FAULT_TEXT])
{
	struct store *s = store_take(dir);

	s->reading = true;
	return opened(s, open_reading(s, fault), fault, out);
}

void store_close(struct store **store)
{
	struct store *s = *store;

	*store = NULL;
	if (s == NULL)
		return;
	store_next_abort(s);
	generation_close(&s->now);
	if (s->lock_fd >= 0)
		(void)close(s->lock_fd); /* lets the lock go; nothing was written */
	if (s->dir_fd >= 0)
		(void)close(s->dir_fd);
	free(s->block_room);
	free(s->dir);
	free(s);
}
