#include "tests/bench/credentials.h"

#include <stdio.h>
#include <stdlib.h>

static bool keep(struct slice from, uint8_t *to, size_t room, uint8_t *n)
{
	if (from.n > room)
		return false;
	if (from.n > 0)
		memcpy(to, from.p, from.n);
	*n = (uint8_t)from.n;
	return true;
}

bool credentials_keep(struct credentials *c, const struct challenge *from, const struct options *o)
{
	struct slice realm = o->realm != NULL ? slice_str(o->realm) : from->realm;

	c->nc = 0;
	c->qop = from->qop;
	return keep(from->nonce, c->nonce, NONCE_MAX, &c->n_nonce) &&
	       keep(realm, c->realm, REALM_MAX, &c->n_realm) &&
	       keep(from->opaque, c->opaque, OPAQUE_MAX, &c->n_opaque);
}

bool credentials_save(const struct users *users, const struct options *o)
{
	FILE *file = fopen(o->save_nonce, "w");

	for (uint32_t i = 0; file != NULL && i < users->n; i++) {
		const struct credentials *c = &users->list[i].credentials;
		uint8_t room[160];
		struct buf name = buf_on(room, sizeof room);

		if (c->n_nonce == 0)
			continue;
		user_name(&name, o, users->list[i].number);
		fprintf(file, "%.*s\t%u\t%d\t%.*s\t%.*s\t%.*s\n", (int)name.n, (const char *)name.p,
		        c->nc, c->qop, (int)c->n_realm, (const char *)c->realm, (int)c->n_opaque,
		        (const char *)c->opaque, (int)c->n_nonce, (const char *)c->nonce);
	}
	if (file == NULL || fclose(file) != 0) {
		perror(o->save_nonce);
		return false;
	}
	return true;
}

enum { F_USER, F_NC, F_QOP, F_REALM, F_OPAQUE, F_NONCE, FIELDS };

static bool load_line(struct users *users, const struct options *o, char *line)
{
	char *field[FIELDS] = {NULL};
	char *rest = line;
	uint32_t number = 0;

	line[strcspn(line, "\n")] = 0;
	for (unsigned i = 0; i < FIELDS; i++)
		field[i] = strsep(&rest, "\t");
	if (field[F_NONCE] == NULL || !user_number(o, slice_str(field[F_USER]), &number))
		return false;

	uint32_t at = users_find(users, number);

	if (at == USERS_NONE)
		return true;

	struct credentials *c = &users->list[at].credentials;
	const struct challenge given = {.qop = field[F_QOP][0] == '1',
	                                .realm = slice_str(field[F_REALM]),
	                                .nonce = slice_str(field[F_NONCE]),
	                                .opaque = slice_str(field[F_OPAQUE])};
	bool kept = credentials_keep(c, &given, o);

	c->nc = (uint32_t)strtoul(field[F_NC], NULL, 10);
	return kept;
}

bool credentials_load(struct users *users, const struct options *o)
{
	FILE *file = fopen(o->use_nonce, "r");
	char line[1024];

	if (file == NULL) {
		perror(o->use_nonce);
		return false;
	}

	bool good = true;

	while (good && fgets(line, sizeof line, file) != NULL)
		good = load_line(users, o, line);
	if (!good)
		fprintf(stderr, "regload: %s: not a list of nonces: %.60s\n", o->use_nonce, line);
	fclose(file);
	return good;
}
