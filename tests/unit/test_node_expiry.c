/* layer: core */
/* A REGISTER at the very instant at which the binding ends, again and again. */
#include "tests/unit/pair_story.h"

enum { REPEATS = 100000, LIFETIME_MS = 1000 };

struct lone {
	struct kit kit; /* for its options alone */
	struct node *node;
	struct mtime now;
	uint64_t appended, random;
	unsigned cseq, answers;
	bool last_ok;
};

static void feed(struct lone *l, struct node_input *in)
{
	struct node_outputs outs;

	in->random = l->random += 2;
	node_step(l->node, in, l->now, &outs);
	for (size_t i = 0; i < outs.n; i++) {
		const struct node_output *o = &outs.item[i];
		if (o->kind == OUT_APPEND)
			l->appended = o->seq;
		l->answers += o->kind == OUT_MESSAGE;
		if (o->kind == OUT_MESSAGE)
			l->last_ok = memmem(o->bytes.p, o->bytes.n, "200 OK", 6) != NULL;
	}
}

/* The end of a turn: what is due happens, what was logged is on the disk. */
static void turn(struct lone *l)
{
	struct node_input due = {.event = NODE_TURN};

	for (int i = 0; i < 2; i++) {
		struct node_input synced = {.event = NODE_DURABLE, .seq = l->appended};
		feed(l, &due);
		if (l->appended > 0)
			feed(l, &synced);
	}
}

static void ask_again(struct lone *l)
{
	char text[512];

	(void)snprintf(text, sizeof text,
	               "REGISTER sip:x SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.7;branch=z9hG4bK%u\r\n"
	               "From: <sip:u@x>;tag=f\r\nTo: <sip:u@x>\r\nCall-ID: c\r\n"
	               "CSeq: %u REGISTER\r\nMax-Forwards: 70\r\n"
	               "Contact: <sip:u@192.0.2.7>;expires=1\r\n\r\n",
	               l->cseq + 1, l->cseq + 1);
	struct node_input in = {.event = NODE_MESSAGE, .bytes = slice_str(text)};
	l->cseq++;
	in.flow.transport = TRANSPORT_UDP;
	assert_true(addr_parse(SLICE("10.0.0.10:5060"), &in.flow.local));
	assert_true(addr_parse(SLICE("192.0.2.7:5060"), &in.flow.remote));
	feed(l, &in);
}

/* The one binding there is, as it was asked for last. */
static int64_t ends_at(struct lone *l, struct aor_record *r, struct arena *arena)
{
	const struct copy_item *item = copy_get(node_copy(l->node), TABLE_AOR, SLICE("sip:u@x"));

	arena_reset(arena);
	assert_non_null(item);
	assert_int_equal(aor_decode(item->value, arena, r), OK);
	assert_int_equal(r->n_bindings, 1);
	assert_int_equal(r->bindings[0].cseq, l->cseq);
	return r->bindings[0].expires.ms;
}

/* A6, I7, T6: whether its end or its refresh is looked at first, a millisecond before or behind, the refresh
 * counts: no timer set for the old binding ends the new one. */
static void a_refresh_at_the_instant_of_expiry_is_kept(void **state)
{
	struct lone *l = calloc(1, sizeof *l);
	struct aor_record *r = calloc(1, sizeof *r);
	struct arena arena = arena_on(heap_take(NULL, 1 << 20), 1 << 20);
	struct node_input loaded = {.event = NODE_LOADED, .loaded = {.wall_ms = 1700000000000}};

	(void)state;
	if (l == NULL || r == NULL)
		abort();
	l->now.ms = 1000000;
	l->kit.now = l->now;
	l->node = kit_make(&l->kit, UNIT_STANDALONE, COMMIT_DISK);
	feed(l, &loaded);
	turn(l);
	for (int i = 0; i < REPEATS; i++) {
		bool end_first = i % 2 == 0;
		l->now.ms += LIFETIME_MS - 2 + i / 2 % 5;
		if (end_first)
			turn(l);
		ask_again(l);
		turn(l);
		assert_true(l->last_ok && l->answers == (unsigned)i + 1);
		assert_int_equal(ends_at(l, r, &arena),
		                 node_pair_now(l->node, l->now).ms + LIFETIME_MS);
	}
	node_free(&l->node);
	free(arena.p);
	free(r);
	free(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_refresh_at_the_instant_of_expiry_is_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
