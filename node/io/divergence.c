#include "node/io/divergence.h"

#include <stdlib.h>
#include <sys/stat.h>

enum { PATH_SIZE = 512 };

struct divergence {
	char path[PATH_SIZE];
	FILE *file; /* NULL: nothing was added since the start */
	bool failed;
	bool pending;
};

struct divergence *divergence_open(const char *dir)
{
	struct divergence *d = calloc(1, sizeof *d);

	if (d == NULL)
		abort();
	(void)snprintf(d->path, sizeof d->path, "%s/divergence", dir);
	return d;
}

void divergence_close(struct divergence **d)
{
	if (*d == NULL)
		return;
	if ((*d)->file != NULL)
		(void)fclose((*d)->file);
	free(*d);
	*d = NULL;
}

static void make_room(const struct divergence *d)
{
	char old[PATH_SIZE + 8];
	struct stat st;

	(void)snprintf(old, sizeof old, "%s.old", d->path);
	if (stat(d->path, &st) == 0 && st.st_size > DIVERGENCE_MAX)
		(void)rename(d->path, old); /* failing, the file grows on: nothing is lost */
}

void divergence_add(struct divergence *d, const struct node_output *o)
{
	if (d->file == NULL) {
		make_room(d);
		d->file = fopen(d->path, "ae");
	}
	d->pending = true;
	if (d->file == NULL) {
		d->failed = true;
		return;
	}
	(void)fprintf(d->file, "%lld\t%s\t" SLICE_FMT "\t", (long long)o->pair.ms,
	              table_name(o->record.table), SLICE_ARG(o->bytes));
	for (size_t i = 0; i < o->record.key.n; i++) {
		uint8_t c = o->record.key.p[i];
		(void)fputc(c < ' ' || c == 0x7f ? '?' : c, d->file);
	}
	(void)fputc('\n', d->file);
}

bool divergence_flush(struct divergence *d)
{
	if (!d->pending)
		return true;
	d->pending = false;
	if (d->file != NULL && (fflush(d->file) != 0 || ferror(d->file) != 0))
		d->failed = true;
	bool fine = !d->failed;
	d->failed = false;
	return fine;
}
