#include "tests/bench/acked.h"

#include <stdio.h>
#include <stdlib.h>

static const char *const act_names[] = {"none", "register", "remove"};

bool acked_open(struct acked *acked, const struct options *o, uint32_t n)
{
	acked->options = o;
	acked->list = calloc(n, sizeof *acked->list);
	acked->n = n;
	return acked->list != NULL;
}

void acked_close(struct acked *acked)
{
	free(acked->list);
	*acked = (struct acked){0};
}

void acked_sent(struct acked *acked, const struct user *u, uint32_t at)
{
	enum act act = (enum act)u->act;

	if (acked->list == NULL || act == ACT_FETCH)
		return;
	if (act > acked->list[at].unsure)
		acked->list[at].unsure = act;
}

void acked_answer(struct acked *acked, const struct user *u, uint32_t at, const struct answer *a,
                  int64_t now_us)
{
	uint8_t room[160];
	struct buf contact = buf_on(room, sizeof room);
	struct ack ack = {.act = (enum act)u->act,
	                  .cseq = u->cseq,
	                  .sent_us = u->first_sent_us,
	                  .acked_us = now_us};

	if (acked->list == NULL || a->status != 200 || ack.act == ACT_FETCH)
		return;
	user_contact(&contact, acked->options, u->number);
	if (!answer_lifetime(a, buf_slice(&contact), &ack.granted_s))
		ack.granted_s = 0;
	acked->list[at] = ack;
}

static void save_line(FILE *file, const struct ack *ack, const struct options *o, uint32_t number)
{
	uint8_t texts[3][160];
	struct buf name = buf_on(texts[0], sizeof texts[0]);
	struct buf contact = buf_on(texts[1], sizeof texts[1]);
	struct buf call_id = buf_on(texts[2], sizeof texts[2]);

	user_name(&name, o, number);
	user_contact(&contact, o, number);
	user_call_id(&call_id, o, number);
	fprintf(file,
	        SLICE_FMT "\t%s\t" SLICE_FMT "\t" SLICE_FMT "\t%u\t%lld.%03d\t%lld.%03d\t%u\t%s\n",
	        SLICE_ARG(name), act_names[ack->act], SLICE_ARG(contact), SLICE_ARG(call_id),
	        ack->cseq, (long long)(ack->sent_us / 1000), (int)(ack->sent_us % 1000),
	        (long long)(ack->acked_us / 1000), (int)(ack->acked_us % 1000), ack->granted_s,
	        act_names[ack->unsure]);
}

bool acked_save(const struct acked *acked, const struct users *users)
{
	const struct options *o = acked->options;
	FILE *file = fopen(o->acked, "w");

	if (file != NULL)
		fputs("#user\tkind\tcontact\tcall_id\tcseq\tsent_ms\tacked_ms\tgranted_s\tunsure\n",
		      file);
	for (uint32_t i = 0; file != NULL && i < acked->n; i++)
		if (acked->list[i].act != ACT_NONE)
			save_line(file, &acked->list[i], o, users->list[i].number);
	if (file == NULL || fclose(file) != 0) {
		perror(o->acked);
		return false;
	}
	return true;
}

enum { F_USER, F_KIND, F_CONTACT, F_CALL_ID, F_CSEQ, F_SENT, F_ACKED, F_GRANTED, F_UNSURE, FIELDS };

static bool read_act(const char *text, enum act *out)
{
	for (unsigned i = 0; i < ARRAY_LEN(act_names); i++)
		if (strcmp(text, act_names[i]) == 0) {
			*out = (enum act)i;
			return true;
		}
	return false;
}

static bool load_line(const struct options *o, char *text, struct acked_line *line)
{
	char *field[FIELDS] = {NULL};
	char *rest = text;

	text[strcspn(text, "\n")] = 0;
	for (unsigned i = 0; i < FIELDS; i++)
		field[i] = strsep(&rest, "\t");
	if (field[F_UNSURE] == NULL || strlen(field[F_CONTACT]) >= sizeof line->contact)
		return false;
	snprintf(line->contact, sizeof line->contact, "%s", field[F_CONTACT]);
	line->ack.cseq = (uint32_t)strtoul(field[F_CSEQ], NULL, 10);
	line->ack.granted_s = (uint32_t)strtoul(field[F_GRANTED], NULL, 10);
	line->ack.sent_us = (int64_t)(strtod(field[F_SENT], NULL) * 1000);
	line->ack.acked_us = (int64_t)(strtod(field[F_ACKED], NULL) * 1000);
	return user_number(o, slice_str(field[F_USER]), &line->number) &&
	       read_act(field[F_KIND], &line->ack.act) &&
	       read_act(field[F_UNSURE], &line->ack.unsure);
}

static int by_number(const void *a, const void *b)
{
	uint32_t x = ((const struct acked_line *)a)->number;
	uint32_t y = ((const struct acked_line *)b)->number;

	return (x > y) - (x < y);
}

static struct acked_line *load_all(FILE *file, const struct options *o, const char *path,
                                   uint32_t *n)
{
	struct acked_line *list = NULL;
	uint32_t room = 0;
	char text[1024];

	*n = 0;
	while (fgets(text, sizeof text, file) != NULL) {
		if (text[0] == '#')
			continue;
		if (*n == room) {
			room = room > 0 ? 2 * room : 1024;
			list = reallocarray(list, room, sizeof *list);
			if (list == NULL)
				abort();
		}
		if (!load_line(o, text, &list[*n])) {
			fprintf(stderr, "regload: %s: no line of such a list: %.60s\n", path, text);
			free(list);
			return NULL;
		}
		++*n;
	}
	if (*n == 0)
		fprintf(stderr, "regload: %s: the list is empty\n", path);
	return list;
}

struct acked_line *acked_load(const struct options *o, const char *path, uint32_t *n)
{
	FILE *file = fopen(path, "r");

	if (file == NULL) {
		perror(path);
		return NULL;
	}

	struct acked_line *list = load_all(file, o, path, n);

	fclose(file);
	if (list != NULL)
		qsort(list, *n, sizeof *list, by_number);
	return list;
}

bool acked_know(struct acked *acked, const struct users *users, const char *path)
{
	uint32_t n = 0;
	struct acked_line *list = acked_load(acked->options, path, &n);

	if (list == NULL)
		return false;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t at = users_find(users, list[i].number);

		if (at != USERS_NONE)
			acked->list[at] = list[i].ack;
	}
	free(list);
	return true;
}
