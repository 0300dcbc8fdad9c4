/* The files of a new pair. */
#include <assert.h>
#include <sys/stat.h>

#include <openssl/rand.h>

#include "node/io/pair_parts.h"

/* What `pair` holds, once for both nodes. */
struct seed {
	uint8_t cluster_id[CLUSTER_ID_SIZE];
	uint8_t secret_id[8];
	uint8_t secret[PAIR_SECRET_SIZE];
};

static bool make_seed(struct seed *seed)
{
	bool good = RAND_bytes(seed->cluster_id, sizeof seed->cluster_id) == 1 &&
	            RAND_bytes(seed->secret_id, sizeof seed->secret_id) == 1 &&
	            RAND_priv_bytes(seed->secret, sizeof seed->secret) == 1;

	seed->secret_id[7] |= 1; /* never 0 */
	return good;
}

static void draft_pair(struct drafts *d, const char *name, const struct seed *seed)
{
	struct draft *draft = draft_add(d, name, 0600);
	struct buf to = buf_on((uint8_t *)draft->text, sizeof draft->text);

	buf_str(&to,
	        "# Made by `regpairctl pair init`, equal on both nodes. Keep it secret.\ncluster ");
	buf_hex(&to, (struct slice){seed->cluster_id, sizeof seed->cluster_id});
	buf_str(&to, "\nsecret-id ");
	buf_hex(&to, (struct slice){seed->secret_id, sizeof seed->secret_id});
	buf_str(&to, "\nsecret ");
	buf_hex(&to, (struct slice){seed->secret, sizeof seed->secret});
	buf_byte(&to, '\n');
	assert(!to.full);
	draft->n = to.n;
}

static enum err draft_certificates(struct drafts *d, const struct seed *seed)
{
	struct identity ca = {.key = NULL};
	struct identity leaves[2] = {{.key = NULL}};
	char name[64];
	struct buf to = buf_on((uint8_t *)name, sizeof name);

	buf_str(&to, "regpair-ca-");
	buf_hex(&to, (struct slice){seed->cluster_id, 4});
	buf_byte(&to, '\0');
	bool good = identity_make_ca(&ca, d->plan, name) &&
	            identity_make_leaf(&leaves[0], d->plan, &ca, UNIT_PRIMARY) &&
	            identity_make_leaf(&leaves[1], d->plan, &ca, UNIT_SECONDARY) &&
	            draft_certs(d, "ca.pem", ca.cert, NULL) && draft_key(d, "ca-key.pem", ca.key) &&
	            draft_node(d, UNIT_PRIMARY, &leaves[0], ca.cert, NULL) &&
	            draft_node(d, UNIT_SECONDARY, &leaves[1], ca.cert, NULL);
	identity_free(&leaves[1]);
	identity_free(&leaves[0]);
	identity_free(&ca);
	return good ? OK : drafts_crypto_failed(d, "certificates");
}

static enum err refuse_existing(const struct drafts *d)
{
	char path[PAIR_PATH_MAX];

	for (size_t i = 0; i < d->count; i++) {
		struct stat st;
		enum err err = draft_path(d, d->all[i].name, path);

		if (err != OK)
			return err;
		if (lstat(path, &st) == 0)
			return drafts_fail(d, ERR_EXISTS,
			                   "%s is there already; --force makes a new pair over it",
			                   path);
	}
	return OK;
}

static enum err draft_all(struct drafts *d)
{
	struct seed seed;

	if (!make_seed(&seed))
		return drafts_crypto_failed(d, "random bytes");
	if (d->plan->standalone) {
		draft_pair(d, "pair", &seed);
		return OK;
	}
	draft_pair(d, "primary/pair", &seed);
	draft_pair(d, "secondary/pair", &seed);
	OPENSSL_cleanse(seed.secret, sizeof seed.secret);
	return draft_certificates(d, &seed);
}

enum err pair_files_make(const struct pair_plan *plan, char fault[PAIR_FAULT_MAX])
{
	struct drafts *d = drafts_begin(plan, fault);

	assert(plan->days >= 1 && plan->days <= PAIR_DAYS_MAX);
	enum err err = draft_all(d);
	if (err == OK && !plan->force)
		err = refuse_existing(d);
	if (err == OK)
		err = drafts_write(d);
	drafts_end(d);
	return err;
}
