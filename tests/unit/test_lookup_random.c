/* layer: core */
/* Lookups that are told anything at all. */
#include "node/core/lookup.h"
#include "tests/check.h"

enum { RUNS = 20000, QUESTIONS_MAX = 100 };

static uint64_t next(uint64_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 7;
	*x ^= *x << 17;
	return *x;
}

static void any_answer(uint64_t *x, struct dns_answer *a)
{
	static const char *const names[] = {"", ".", "a.example", "b.example", "p.example"};
	static const char *const services[] = {"SIP+D2U", "SIP+D2T", "SIPS+D2T", "sips+d2t", "x"};

	*a = (struct dns_answer){.outcome = next(x) % 8 == 0   ? DNS_FAILED
	                                    : next(x) % 2 == 0 ? DNS_NOTHING
	                                                       : DNS_FOUND};
	if (a->outcome != DNS_FOUND)
		return;
	a->n = 1 + next(x) % DNS_RECORDS_MAX;
	for (size_t i = 0; i < a->n; i++)
		a->records[i] = (struct dns_record){
			.ttl_s = (uint32_t)next(x),
			.addr.family = (enum addr_family)(next(x) % 3),
			.name = slice_str(names[next(x) % ARRAY_LEN(names)]),
			.service = slice_str(services[next(x) % ARRAY_LEN(services)]),
			.flags = slice_str(next(x) % 4 == 0 ? "u" : "S"),
			.priority = (uint16_t)(next(x) % 4),
			.weight = (uint16_t)(next(x) % 3 * 20000),
			.port = (uint16_t)(next(x) % 3),
		};
}

/* F5 */
static void whatever_the_dns_says_it_ends_and_sips_stays_secure(void **state)
{
	(void)state;
	static struct lookup l;
	static struct dns_answer a;
	struct dns_question q;
	uint64_t x = 88172645463325252;

	for (int i = 0; i < RUNS; i++) {
		struct target_goal goal = {.host = {SLICE_OF("p.example")},
		                           .transport = (enum transport)(next(&x) % 4),
		                           .sips = next(&x) % 2 == 0,
		                           .family = (enum addr_family)(next(&x) % 3)};
		int asked = 0;
		lookup_begin(&l, &goal, next(&x));
		for (; lookup_asks(&l, &q); asked++) {
			assert_in_range(q.name.n, 1, TARGET_NAME_MAX);
			any_answer(&x, &a);
			lookup_take(&l, &a);
		}
		assert_in_range(asked, 1, QUESTIONS_MAX);
		assert_true(l.n_found <= TARGETS_MAX);
		assert_true(l.outcome != LOOKUP_FOUND || l.n_found > 0);
		assert_true(l.outcome != LOOKUP_NOTHING || l.n_found == 0);
		for (size_t t = 0; t < l.n_found; t++) {
			assert_true(!goal.sips || l.found[t].transport == TRANSPORT_TLS);
			assert_true(goal.sips || goal.transport == 0 ||
			            l.found[t].transport == goal.transport);
			assert_int_not_equal(l.found[t].addr.port, 0);
		}
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(whatever_the_dns_says_it_ends_and_sips_stays_secure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
