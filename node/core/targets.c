#include "node/core/targets.h"

static bool same(const struct target *a, const struct target *b)
{
	return a->transport == b->transport && addr_eq(&a->addr, &b->addr);
}

static struct target_state *find(struct targets *t, const struct target *which)
{
	for (size_t i = 0; i < t->n; i++)
		if (same(&t->list[i].is, which))
			return &t->list[i];
	return NULL;
}

static int64_t doubled(int64_t first_ms, unsigned times, int64_t most_ms)
{
	int64_t ms = first_ms;

	for (unsigned i = 1; i < times && ms < most_ms; i++)
		ms *= 2;
	return ms < most_ms ? ms : most_ms;
}

/* The one in use stays so: it comes first among those of its priority. */
static void keep_in_use(struct targets *t, const struct target *in_use)
{
	struct target_state *s = find(t, in_use);

	if (s == NULL)
		return;
	struct target_state kept = *s;
	for (; s > t->list && s[-1].is.priority == kept.is.priority; s--)
		*s = s[-1];
	*s = kept;
}

/* Whoever used it had a reason to pass over the better ones. */
static void rest_before(struct targets *t, const struct target *in_use, struct mtime now)
{
	const struct target_state *used = find(t, in_use);

	for (struct target_state *s = t->list; used != NULL && s < used; s++)
		s->rests = mtime_add_ms(now, TARGET_REST_MS);
}

static void renew(struct targets *t, struct mtime now)
{
	const struct lookup *l = &t->lookup;
	const struct target *current = targets_current(t, now);
	struct target in_use = current != NULL ? *current : (struct target){0};
	struct target_state list[TARGETS_MAX] = {0};

	for (size_t i = 0; i < l->n_found; i++) {
		const struct target_state *old = find(t, &l->found[i]);
		list[i] = old != NULL ? *old : (struct target_state){0};
		list[i].is = l->found[i];
	}
	memcpy(t->list, list, sizeof list);
	t->n = l->n_found;
	keep_in_use(t, &in_use);
	if (t->taken_over)
		rest_before(t, &in_use, now);
	t->taken_over = false;
}

static struct mtime stale_at(uint32_t ttl_s, struct mtime now)
{
	int64_t ms = (int64_t)ttl_s * 1000;

	if (ttl_s == UINT32_MAX)
		return MTIME_NEVER;
	return mtime_add_ms(now, ms < TARGET_TTL_MIN_MS   ? TARGET_TTL_MIN_MS
	                         : ms > TARGET_TTL_MAX_MS ? TARGET_TTL_MAX_MS
	                                                  : ms);
}

static void settle(struct targets *t, struct mtime now)
{
	const struct lookup *l = &t->lookup;

	if (l->outcome != LOOKUP_FAILED || t->n == 0)
		renew(t, now);
	t->known = true;
	t->outcome = l->outcome;
	t->looked = now;
	if (l->outcome == LOOKUP_FOUND) {
		t->fruitless = 0;
		t->stale = stale_at(l->ttl_s, now);
		return;
	}
	t->fruitless++;
	t->stale = mtime_add_ms(now, doubled(TARGET_ASK_AGAIN_MS, t->fruitless,
	                                     TARGET_ASK_AGAIN_MAX_MS));
}

void targets_take_over(struct targets *t, const struct target *used)
{
	if (t->known || used->addr.family == ADDR_NONE)
		return;
	t->list[0] = (struct target_state){.is = *used};
	t->n = 1;
	t->taken_over = true;
}

void targets_begin(struct targets *t, const struct target_goal *goal, uint64_t random,
                   struct mtime now)
{
	lookup_begin(&t->lookup, goal, random);
	if (t->lookup.step == LOOKUP_DONE)
		settle(t, now);
}

bool targets_asks(const struct targets *t, struct dns_question *out)
{
	return lookup_asks(&t->lookup, out);
}

void targets_take(struct targets *t, const struct dns_answer *a, struct mtime now)
{
	lookup_take(&t->lookup, a);
	if (t->lookup.step == LOOKUP_DONE)
		settle(t, now);
}

bool targets_stale(const struct targets *t, struct mtime now)
{
	return t->lookup.step == LOOKUP_DONE && (!t->known || mtime_reached(t->stale, now));
}

const struct target *targets_current(const struct targets *t, struct mtime now)
{
	for (size_t i = 0; i < t->n; i++)
		if (mtime_reached(t->list[i].rests, now))
			return &t->list[i].is;
	return NULL;
}

struct mtime targets_ready(const struct targets *t)
{
	struct mtime first = MTIME_NEVER;

	for (size_t i = 0; i < t->n; i++)
		first = mtime_min(first, t->list[i].rests);
	return first;
}

/* All failed: each may be tried again, but for those that said when; and the DNS may know more by now. */
static void begin_round(struct targets *t)
{
	struct mtime soon = mtime_add_ms(t->looked, TARGET_TTL_MIN_MS);

	for (size_t i = 0; i < t->n; i++)
		if (!t->list[i].told)
			t->list[i].rests = (struct mtime){0};
	t->stale = mtime_min(t->stale, soon);
}

bool targets_failed(struct targets *t, const struct target *which, int64_t retry_after_ms,
                    struct mtime now)
{
	struct target_state *s = find(t, which);

	if (s != NULL) {
		s->failures = (uint8_t)(s->failures + (s->failures < UINT8_MAX));
		s->told = retry_after_ms > 0;
		s->rests = mtime_add_ms(now, s->told ? retry_after_ms
		                                     : doubled(TARGET_REST_MS, s->failures,
		                                               TARGET_REST_MAX_MS));
	}
	if (targets_current(t, now) != NULL)
		return true;
	begin_round(t);
	return false;
}

void targets_worked(struct targets *t, const struct target *which)
{
	struct target_state *s = find(t, which);

	if (s == NULL)
		return;
	s->failures = 0;
	s->told = false;
	s->rests = (struct mtime){0};
}

const char *targets_why(const struct targets *t)
{
	if (!t->known || t->outcome == LOOKUP_FOUND)
		return NULL;
	if (t->outcome == LOOKUP_NOTHING)
		return "the DNS has no address for it";
	return t->n > 0 ? "the DNS does not answer: what it said last is used"
	                : "the DNS does not answer";
}
