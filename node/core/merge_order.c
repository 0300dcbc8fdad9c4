#include "node/core/merge_order.h"

#include <assert.h>

enum { WINDOW_BITS = 32 };

static int number_cmp(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

static int time_cmp(struct pairtime a, struct pairtime b)
{
	return (a.ms > b.ms) - (a.ms < b.ms);
}

static int stamp_cmp(const struct stamp *a, const struct stamp *b)
{
	int c = time_cmp(a->now, b->now);

	if (c == 0)
		c = number_cmp(a->epoch, b->epoch);
	return c != 0 ? c : number_cmp(a->unit, b->unit);
}

static int numbers_cmp(const uint64_t *a, const uint64_t *b, size_t n)
{
	int c = 0;

	for (size_t i = 0; i < n && c == 0; i++)
		c = number_cmp(a[i], b[i]);
	return c;
}

static int slices_cmp(const struct slice *a, const struct slice *b, size_t n)
{
	int c = 0;

	for (size_t i = 0; i < n && c == 0; i++)
		c = slice_cmp(a[i], b[i]);
	return c;
}

static int addr_cmp(const struct addr *a, const struct addr *b)
{
	uint8_t left[ADDR_BYTES_MAX], right[ADDR_BYTES_MAX];
	struct slice l = {left, addr_encode(a, left)}, r = {right, addr_encode(b, right)};

	return slice_cmp(l, r);
}

static struct stamp binding_stamp(const struct binding *b)
{
	return (struct stamp){b->stamped, b->epoch, b->unit};
}

static struct stamp tombstone_stamp(const struct tombstone *t)
{
	return (struct stamp){t->stamped, t->epoch, t->unit};
}

static int binding_numbers_cmp(const struct binding *a, const struct binding *b)
{
	const uint64_t left[] = {a->cseq,    a->q_milli,   a->reg_id,
	                         a->n_paths, a->transport, a->unknown.n};
	const uint64_t right[] = {b->cseq,    b->q_milli,   b->reg_id,
	                          b->n_paths, b->transport, b->unknown.n};
	int c = time_cmp(a->expires, b->expires);

	if (c == 0)
		c = time_cmp(a->bound, b->bound);
	if (c == 0)
		c = time_cmp(a->called, b->called);
	return c != 0 ? c : numbers_cmp(left, right, ARRAY_LEN(left));
}

static int binding_texts_cmp(const struct binding *a, const struct binding *b)
{
	const struct slice left[] = {a->uri,    a->call_id,  a->branch,  a->from_tag,
	                             a->params, a->instance, a->display, a->user_agent};
	const struct slice right[] = {b->uri,    b->call_id,  b->branch,  b->from_tag,
	                              b->params, b->instance, b->display, b->user_agent};

	return slices_cmp(left, right, ARRAY_LEN(left));
}

int binding_cmp(const void *a, const void *b)
{
	const struct binding *x = a, *y = b;
	struct stamp left = binding_stamp(x), right = binding_stamp(y);
	int c = stamp_cmp(&left, &right);

	if (c == 0)
		c = binding_numbers_cmp(x, y);
	if (c == 0)
		c = binding_texts_cmp(x, y);
	if (c == 0)
		c = slices_cmp(x->path, y->path, x->n_paths);
	if (c == 0)
		c = addr_cmp(&x->received, &y->received);
	return c != 0 ? c : addr_cmp(&x->local, &y->local);
}

int tombstone_cmp(const void *a, const void *b)
{
	const struct tombstone *x = a, *y = b;
	struct stamp left = tombstone_stamp(x), right = tombstone_stamp(y);
	const uint64_t numbers[] = {x->cseq, x->cause, x->reg_id, x->unknown.n};
	const uint64_t others[] = {y->cseq, y->cause, y->reg_id, y->unknown.n};
	const struct slice texts[] = {x->uri, x->instance, x->call_id, x->branch};
	const struct slice other_texts[] = {y->uri, y->instance, y->call_id, y->branch};
	int c = stamp_cmp(&left, &right);

	if (c == 0)
		c = numbers_cmp(numbers, others, ARRAY_LEN(numbers));
	return c != 0 ? c : slices_cmp(texts, other_texts, ARRAY_LEN(texts));
}

int nonce_cmp(const void *a, const void *b)
{
	const struct nonce_use *x = a, *y = b;
	const uint64_t left[] = {x->highest, x->window, x->unknown.n};
	const uint64_t right[] = {y->highest, y->window, y->unknown.n};
	int c = time_cmp(x->issued, y->issued);

	if (c == 0)
		c = slice_cmp(x->nonce, y->nonce);
	return c != 0 ? c : numbers_cmp(left, right, ARRAY_LEN(left));
}

int floor_cmp(const struct floor *a, const struct floor *b)
{
	const uint64_t left[] = {a->cseq, a->unknown.n}, right[] = {b->cseq, b->unknown.n};
	const struct slice texts[] = {a->call_id, a->branch}, others[] = {b->call_id, b->branch};

	if (!a->set || !b->set)
		return number_cmp(a->set, b->set);
	int c = time_cmp(a->stamped, b->stamped);
	if (c == 0)
		c = numbers_cmp(left, right, ARRAY_LEN(left));
	return c != 0 ? c : slices_cmp(texts, others, ARRAY_LEN(texts));
}

bool binding_beats(const struct binding *a, const struct binding *b)
{
	if (slice_eq(a->call_id, b->call_id) && a->cseq != b->cseq)
		return a->cseq > b->cseq;
	return binding_cmp(a, b) > 0;
}

bool tombstone_beats(const struct tombstone *t, const struct binding *b)
{
	bool same_call_id = slice_eq(t->call_id, b->call_id);
	bool by_cseq = same_call_id && t->cause != CAUSE_OPERATOR && t->cseq != b->cseq;
	struct stamp ended = tombstone_stamp(t), wrote = binding_stamp(b);

	/* However it ended, it was the phone's later word than what it had replaced. */
	if (same_call_id && t->cseq > b->cseq)
		return true;
	if (t->cause == CAUSE_EXPIRED || (t->cause == CAUSE_REPLACED && !same_call_id))
		return false;
	/* Of its own CSeq a removal ended nothing: what remains of a binding that came after it. */
	int least = same_call_id && t->cause == CAUSE_REQUEST ? 1 : 0;
	return !by_cseq && stamp_cmp(&ended, &wrote) >= least;
}

bool floor_beats(const struct floor *f, const struct binding *b)
{
	if (!f->set)
		return false;
	if (f->call_id.n > 0 && slice_eq(f->call_id, b->call_id) && f->cseq != b->cseq)
		return f->cseq > b->cseq;
	return f->stamped.ms > b->stamped.ms;
}

struct tombstone tombstone_join(const struct tombstone *a, const struct tombstone *b)
{
	int c = number_cmp(a->cseq, b->cseq);

	if (c == 0)
		c = tombstone_cmp(a, b);
	const struct tombstone *more = c >= 0 ? a : b, *less = c >= 0 ? b : a;
	struct tombstone joined = *more;
	struct stamp left = tombstone_stamp(less), right = tombstone_stamp(more);
	bool less_ends = less->cause != CAUSE_EXPIRED, more_ends = more->cause != CAUSE_EXPIRED;

	/* An end by expiry has a CSeq to tell, and no time. */
	if (less_ends == more_ends ? stamp_cmp(&left, &right) > 0 : less_ends) {
		joined.stamped = less->stamped;
		joined.epoch = less->epoch;
		joined.unit = less->unit;
	}
	/* The smaller cause is the stronger: `request` counts by CSeq and by time, `replaced` only
	 * against its own Call-ID. An operator's removal has its floor besides. */
	_Static_assert(CAUSE_REQUEST < CAUSE_OPERATOR && CAUSE_OPERATOR < CAUSE_REPLACED &&
	                       CAUSE_REPLACED < CAUSE_EXPIRED,
	               "causes by strength");
	if (less->cause < more->cause)
		joined.cause = less->cause;
	return joined;
}

struct nonce_use nonce_join(const struct nonce_use *a, const struct nonce_use *b)
{
	const struct nonce_use *more = a->highest >= b->highest ? a : b;
	const struct nonce_use *less = more == a ? b : a;
	uint32_t above = more->highest - less->highest;
	struct nonce_use joined = *more;

	assert(slice_eq(a->nonce, b->nonce));
	if (above < WINDOW_BITS)
		joined.window |= less->window << above;
	if (above > 0 && above <= WINDOW_BITS)
		joined.window |= UINT32_C(1) << (above - 1);
	if (less->issued.ms > joined.issued.ms)
		joined.issued = less->issued;
	return joined;
}
