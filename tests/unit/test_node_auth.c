/* layer: core */
/* Digest over a failover: what one node asked for the other takes, and once alone. */
#include "proto/sip/digest.h"
#include "tests/unit/pair_story.h"

#define ALICE "alice@x"

static const struct domain_policy asking = {.name = {SLICE_OF("x")},
                                            .default_expires_s = 600,
                                            .min_expires_s = 60,
                                            .max_expires_s = 3600,
                                            .digest = OFFER_SHA256,
                                            .max_contacts = 4};

/* One request of alice's; what is NULL or 0 gets a usual value. */
struct wish {
	const char *method, *nonce, *call_id, *more;
	unsigned cseq, nc, branch;
};

static void hash(struct digester *d, uint8_t ha1[DIGEST_HASH_MAX])
{
	digest_ha1(d, DIGEST_SHA256, SLICE("alice"), SLICE("x"), SLICE("secret"), ha1);
}

static void command(struct kit *k, struct node_command c)
{
	struct node_input in = {.event = NODE_COMMAND, .command = &c};

	c.ticket = 7;
	kit_feed(k, A, &in);
	kit_settle(k);
	assert_true(k->node[A].answer_ok);
}

static void add_alice(struct kit *k)
{
	struct digester *d = digester_new();
	uint8_t ha1[DIGEST_HASH_MAX];
	struct node_command c = {.kind = COMMAND_SUBSCRIBER_PUT, .key = SLICE(ALICE)};

	hash(d, ha1);
	c.subscriber.user = SLICE("alice");
	c.subscriber.realm = SLICE("x");
	c.subscriber.ha1[DIGEST_SHA256] = (struct slice){ha1, sizeof ha1};
	command(k, c);
	digester_close(&d);
}

static void rotate(struct kit *k, uint8_t fill)
{
	uint8_t key[DIGEST_KEY_SIZE];

	memset(key, fill, sizeof key);
	command(k, (struct node_command){.kind = COMMAND_SECRET_ROTATE, .key = {key, sizeof key}});
}

static void sign(const struct wish *w, char *line, size_t room)
{
	struct digester *d = digester_new();
	uint8_t ha1[DIGEST_HASH_MAX];
	char nc[16], response[DIGEST_HEX_MAX + 1];

	hash(d, ha1);
	(void)snprintf(nc, sizeof nc, "%08x", w->nc != 0 ? w->nc : 1);
	const struct digest_question q = {
		.form = {DIGEST_SHA256, false},
		.ha1 = {ha1, sizeof ha1},
		.method = slice_str(w->method),
		.uri = SLICE("sip:x"),
		.nonce = slice_str(w->nonce),
		.nc = slice_str(nc),
		.cnonce = SLICE("c"),
		.qop = SLICE("auth"),
	};
	digest_response(d, &q, response);
	(void)snprintf(line, room,
	               "Authorization: Digest username=\"alice\", realm=\"x\", nonce=\"%s\", "
	               "uri=\"sip:x\", response=\"%s\", algorithm=SHA-256, qop=auth, nc=%s, "
	               "cnonce=\"c\"\r\n",
	               w->nonce, response, nc);
	digester_close(&d);
}

/* The status of the answer to the last request; NOTIFYs may follow it. */
static char answer[2048];
static void see(const struct node_output *o)
{
	if (o->kind == OUT_MESSAGE && slice_eq(slice_head(o->bytes, 8), SLICE("SIP/2.0 ")))
		(void)snprintf(answer, sizeof answer, SLICE_FMT, SLICE_ARG(o->bytes));
}

static int wish(struct kit *k, int at, const struct wish *w)
{
	char text[4096], credentials[1024] = "";

	if (w->nonce != NULL)
		sign(w, credentials, sizeof credentials);
	(void)snprintf(text, sizeof text,
	               "%s sip:x SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.7;branch=z9hG4bK%s%u-%u\r\n"
	               "From: <sip:" ALICE ">;tag=f\r\nTo: <sip:" ALICE ">\r\nCall-ID: %s\r\n"
	               "CSeq: %u %s\r\nMax-Forwards: 70\r\nContact: <sip:alice@192.0.2.7>\r\n%s%s"
	               "\r\n",
	               w->method, w->call_id, w->cseq, w->branch, w->call_id, w->cseq, w->method,
	               w->more != NULL ? w->more : "", credentials);
	struct node_input in = {.event = NODE_MESSAGE, .bytes = slice_str(text)};
	in.flow.transport = TRANSPORT_UDP;
	assert_true(addr_parse(SLICE("10.0.0.10:5060"), &in.flow.local));
	assert_true(addr_parse(SLICE("192.0.2.7:5060"), &in.flow.remote));
	answer[0] = '\0';
	k->node[at].watch = see;
	kit_feed(k, at, &in);
	kit_settle(k);
	return answer[0] == '\0' ? 0 : (int)strtol(answer + strlen("SIP/2.0 "), NULL, 10);
}

enum { NONCE_ROOM = 64 };

static void get_nonce(struct kit *k, int at, char nonce[NONCE_ROOM])
{
	const struct wish knock = {
		.method = "REGISTER", .call_id = "knock", .cseq = k->node[at].messages + 1};

	assert_int_equal(wish(k, at, &knock), 401);
	const char *from = strstr(answer, "nonce=\"");
	assert_non_null(from);
	from += strlen("nonce=\"");
	(void)snprintf(nonce, NONCE_ROOM, "%.*s", (int)strcspn(from, "\""), from);
	k->now.ms++; /* the next is another */
}

static struct kit *asking_pair(void)
{
	struct kit *k = kit_new();

	k->domain = &asking;
	pair_on(k, COMMIT_BOTH);
	add_alice(k);
	return k;
}

static void take_over(struct kit *k)
{
	node_free(&k->node[A].node);
	link_down(k);
	address(k, B, true);
	assert_int_equal(node_role(k->node[B].node), ROLE_ACTIVE);
}

/* D15, I8: asked by one node before and after the secret was renewed, answered to the other */
static void nonces_from_before_and_after_a_rotation_outlive_a_takeover(void **state)
{
	(void)state;
	char before[NONCE_ROOM], used[NONCE_ROOM], after[NONCE_ROOM];
	struct kit *k = asking_pair();
	struct wish w = {.method = "REGISTER", .call_id = "c", .cseq = 1, .nonce = used};

	get_nonce(k, A, before);
	get_nonce(k, A, used);
	assert_int_equal(wish(k, A, &w), 200);
	rotate(k, 'r');
	get_nonce(k, A, after);
	take_over(k);
	w.cseq = 2;
	w.nonce = before;
	assert_int_equal(wish(k, B, &w), 200);
	w.cseq = 3;
	w.nonce = after;
	assert_int_equal(wish(k, B, &w), 200);
	w.cseq = 4;
	w.nonce = used;
	assert_int_equal(wish(k, B, &w), 401); /* its count was taken on the other */
	assert_non_null(strstr(answer, "stale=true"));
	w.cseq = 5;
	w.nc = 2;
	assert_int_equal(wish(k, B, &w), 200);
	end(k);
}

/* D5, E3, E13: the credentials make no second watcher, not on the other node either */
static void a_subscribe_that_was_overheard_is_good_for_nothing(void **state)
{
	(void)state;
	char nonce[NONCE_ROOM];
	struct kit *k = asking_pair();
	struct wish watch = {.method = "SUBSCRIBE",
	                     .call_id = "watch",
	                     .cseq = 1,
	                     .more = "Event: reg\r\nExpires: 600\r\n",
	                     .nonce = nonce};
	struct wish overheard = watch, fetch = watch;

	overheard.call_id = "thief";
	get_nonce(k, A, nonce);
	assert_int_equal(wish(k, A, &watch), 200);
	assert_int_equal(wish(k, A, &watch), 200);
	assert_int_equal(status(k, A).repeated, 1);
	assert_int_equal(wish(k, A, &overheard), 401);
	assert_non_null(strstr(answer, "stale=true"));
	fetch.call_id = "fetch";
	fetch.more = "Event: reg\r\nExpires: 0\r\n";
	fetch.nc = 2;
	assert_int_equal(wish(k, A, &fetch), 200);
	assert_int_equal(wish(k, A, &fetch), 200); /* sent again: the answer was lost */
	fetch.branch++;
	assert_int_equal(wish(k, A, &fetch), 401);
	assert_string_equal(status(k, A).digest, status(k, B).digest);
	take_over(k);
	assert_int_equal(wish(k, B, &overheard), 401);
	overheard.nc = 2;
	assert_int_equal(wish(k, B, &overheard), 401);
	assert_int_equal(wish(k, B, &watch), 200);
	assert_int_equal(copy_count(node_copy(k->node[B].node), TABLE_WATCHER), 1);
	overheard.nc = 3; /* who knows the password */
	assert_int_equal(wish(k, B, &overheard), 200);
	end(k);
}

/* A subscription without a binding leaves nothing but the count, and that for its nonce's time */
static void what_a_count_is_kept_in_goes_with_its_nonce(void **state)
{
	(void)state;
	char nonce[NONCE_ROOM];
	struct kit *k = asking_pair();
	const struct wish fetch = {.method = "SUBSCRIBE",
	                           .call_id = "fetch",
	                           .cseq = 1,
	                           .more = "Event: reg\r\nExpires: 0\r\n",
	                           .nonce = nonce};

	get_nonce(k, A, nonce);
	assert_int_equal(wish(k, A, &fetch), 200);
	assert_int_equal(status(k, A).aors, 1);
	kit_pass(k, 301000);
	assert_int_equal(status(k, A).aors, 0);
	assert_int_equal(status(k, B).aors, 0);
	end(k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nonces_from_before_and_after_a_rotation_outlive_a_takeover),
		cmocka_unit_test(a_subscribe_that_was_overheard_is_good_for_nothing),
		cmocka_unit_test(what_a_count_is_kept_in_goes_with_its_nonce),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
