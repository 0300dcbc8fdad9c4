#include "tests/bench/users.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

enum { DIGITS_MIN = 6 };

static uint32_t common_divisor(uint32_t a, uint32_t b)
{
	while (b != 0) {
		uint32_t rest = a % b;

		a = b;
		b = rest;
	}
	return a;
}

/* Near the golden section, so that neighbours in the order are far apart. */
static uint32_t mixing_step(uint32_t n)
{
	uint32_t step = (uint32_t)((double)n * 0.618) | 1U;

	while (common_divisor(n, step) != 1)
		step += 2;
	return step;
}

bool users_open(struct users *users, const struct options *o, const uint32_t *numbers, uint32_t n)
{
	users->list = calloc(n, sizeof *users->list);
	users->n = n;
	users->step = mixing_step(n);
	for (unsigned i = 0; i < SENDINGS_MAX; i++)
		users->waiting[i] = (struct queue){USERS_NONE, USERS_NONE};
	for (uint32_t i = 0; users->list != NULL && i < n; i++) {
		users->list[i].number = numbers != NULL ? numbers[i] : o->first + i;
		users->list[i].cseq = o->cseq;
	}
	return users->list != NULL;
}

void users_close(struct users *users)
{
	free(users->list);
	*users = (struct users){0};
}

uint32_t users_find(const struct users *users, uint32_t number)
{
	uint32_t low = 0;
	uint32_t high = users->n;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (users->list[middle].number < number)
			low = middle + 1;
		else
			high = middle;
	}
	return low < users->n && users->list[low].number == number ? low : USERS_NONE;
}

uint32_t users_visit(const struct users *users, uint64_t i)
{
	return (uint32_t)(i % users->n * users->step % users->n);
}

void users_wait(struct users *users, uint32_t at, unsigned sending, int64_t due_us)
{
	struct queue *q = &users->waiting[sending];
	struct user *u = &users->list[at];

	assert(!u->waiting);
	assert(sending < SENDINGS_MAX);
	u->waiting = true;
	u->sending = (uint8_t)sending;
	u->due_us = due_us;
	u->next = USERS_NONE;
	u->prev = q->tail;
	if (q->tail == USERS_NONE)
		q->head = at;
	else
		users->list[q->tail].next = at;
	q->tail = at;
}

void users_done(struct users *users, uint32_t at)
{
	struct user *u = &users->list[at];
	struct queue *q = &users->waiting[u->sending];

	assert(u->waiting);
	u->waiting = false;
	if (u->prev == USERS_NONE)
		q->head = u->next;
	else
		users->list[u->prev].next = u->next;
	if (u->next == USERS_NONE)
		q->tail = u->prev;
	else
		users->list[u->next].prev = u->prev;
}

int64_t users_next_due(const struct users *users, uint32_t *at)
{
	int64_t due = INT64_MAX;

	for (unsigned i = 0; i < SENDINGS_MAX; i++) {
		uint32_t head = users->waiting[i].head;

		if (head != USERS_NONE && users->list[head].due_us < due) {
			due = users->list[head].due_us;
			*at = head;
		}
	}
	return due;
}

static void put_digits(struct buf *to, uint32_t number)
{
	for (uint32_t limit = 100000; limit > 1 && number < limit; limit /= 10)
		buf_byte(to, '0');
	buf_u64(to, number);
}

void user_name(struct buf *to, const struct options *o, uint32_t number)
{
	buf_str(to, o->user_prefix);
	put_digits(to, number);
}

void user_password(struct buf *to, const struct options *o, uint32_t number)
{
	buf_str(to, o->password_prefix);
	put_digits(to, number);
}

void user_contact(struct buf *to, const struct options *o, uint32_t number)
{
	buf_str(to, "sip:");
	user_name(to, o, number);
	buf_byte(to, '@');
	buf_str(to, o->contact_host);
	if (o->transport == 1)
		buf_str(to, ";transport=tcp");
}

void user_call_id(struct buf *to, const struct options *o, uint32_t number)
{
	user_name(to, o, number);
	buf_byte(to, '-');
	buf_str(to, o->tag);
	buf_str(to, "@regload");
}

bool user_number(const struct options *o, struct slice name, uint32_t *number)
{
	struct slice prefix = slice_str(o->user_prefix);
	struct slice digits = slice_from(name, prefix.n);
	uint64_t v = 0;

	if (!slice_eq(slice_head(name, prefix.n), prefix) || digits.n < DIGITS_MIN || digits.n > 10)
		return false;
	for (size_t i = 0; i < digits.n; i++) {
		if (digits.p[i] < '0' || digits.p[i] > '9')
			return false;
		v = v * 10 + (uint64_t)(digits.p[i] - '0');
	}
	*number = (uint32_t)v;
	return v < UINT32_MAX;
}

bool users_write_csv(const struct options *o)
{
	FILE *file = fopen(o->write_csv, "w");

	for (uint32_t i = 0; file != NULL && i < o->users; i++) {
		uint8_t room[512];
		struct buf line = buf_on(room, sizeof room);

		user_name(&line, o, o->first + i);
		buf_byte(&line, ',');
		user_password(&line, o, o->first + i);
		buf_byte(&line, '\n');
		fwrite(line.p, 1, line.n, file);
	}
	if (file == NULL || fclose(file) != 0) {
		perror(o->write_csv);
		return false;
	}
	return true;
}
