#include "node/io/config_keys.h"

enum { COMPARED_MAX = 32, FAR = 1000 };

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
	unsigned ab = a < b ? a : b;

	return ab < c ? ab : c;
}

/* Levenshtein's: insertions, deletions and changes of one byte. */
static unsigned distance(struct slice a, struct slice b)
{
	unsigned row[COMPARED_MAX + 1];

	if (a.n > COMPARED_MAX || b.n > COMPARED_MAX)
		return FAR;
	for (unsigned j = 0; j <= b.n; j++)
		row[j] = j;
	for (unsigned i = 1; i <= a.n; i++) {
		unsigned diagonal = row[0];

		row[0] = i;
		for (unsigned j = 1; j <= b.n; j++) {
			unsigned changed = diagonal + (a.p[i - 1] != b.p[j - 1]);

			diagonal = row[j];
			row[j] = min3(row[j] + 1, row[j - 1] + 1, changed);
		}
	}
	return row[b.n];
}

/* How far `name` of `section` is from `known`, which may stand in another section. */
static unsigned distance_to(struct slice section, struct slice name, struct slice known)
{
	const uint8_t *dot = memchr(known.p, '.', known.n);
	size_t head = dot == NULL ? 0 : (size_t)(dot - known.p);
	bool elsewhere = !slice_eq(section, slice_head(known, head));
	struct slice last = dot == NULL ? known : slice_from(known, head + 1);

	return distance(name, last) + (elsewhere ? 1 : 0);
}

struct best {
	struct slice name;
	unsigned far;
};

static void consider(struct best *nearest, struct slice candidate, unsigned far)
{
	if (far < nearest->far)
		*nearest = (struct best){.name = candidate, .far = far};
}

struct slice config_nearest(struct config_keys keys, struct slice section, struct slice name)
{
	struct best nearest = {.far = FAR};
	unsigned limit = name.n < 6 ? 2 : 1 + (unsigned)name.n / 3;

	for (size_t i = 0; i < keys.n; i++) {
		struct slice key = slice_str(keys.at[i].key);
		const uint8_t *dot = memchr(key.p, '.', key.n);

		consider(&nearest, key, distance_to(section, name, key));
		if (section.n == 0 && dot != NULL) {
			struct slice head = slice_head(key, (size_t)(dot - key.p));

			consider(&nearest, head, distance(name, head));
		}
	}
	return nearest.far <= limit && nearest.far < name.n ? nearest.name
	                                                    : (struct slice){NULL, 0};
}
