/* Requests for a change, read into commands for the node. */
#include <sys/random.h>

#include "node/io/control_parts.h"
#include "proto/sip/digest.h"
#include "proto/sip/uri.h"

/* Empty, never NULL, where it is absent or no text. */
static struct slice text_of(const json_t *request, const char *key)
{
	const json_t *value = json_object_get(request, key);

	const char *text = json_string_value(value);

	return text != NULL ? slice_str(text) : SLICE("");
}

static bool refuse(struct control_error *error, const char *text)
{
	(void)snprintf(error->text, sizeof error->text, "%s", text);
	return false;
}

bool control_aor(const json_t *request, struct buf *to, struct control_error *error)
{
	struct slice aor = text_of(request, "aor");
	uint8_t room[SIP_AOR_MAX + 8];
	struct buf uri = buf_on(room, sizeof room);
	struct sip_uri parsed;

	if (memchr(aor.p, ':', aor.n) == NULL)
		buf_str(&uri, "sip:");
	buf_put(&uri, aor);
	if (aor.n == 0 || uri.full || sip_uri_parse(buf_slice(&uri), &parsed) != OK ||
	    parsed.user.n == 0 || sip_aor(&parsed, to) != OK)
		return refuse(error, "`aor` must be a SIP URI such as sip:alice@example.com");
	return true;
}

static bool is_domain(const struct config *c, struct slice realm)
{
	for (size_t i = 0; i < c->domain_count; i++)
		if (slice_eq(slice_str(c->domains[i].name), realm))
			return true;
	return false;
}

static bool refuse_realm(const struct config *c, struct slice realm, struct control_error *error)
{
	struct buf text = buf_on((uint8_t *)error->text, sizeof error->text - 1);

	buf_str(&text, "no such domain: ");
	buf_put(&text, slice_head(realm, 128));
	buf_str(&text, "; configured: ");
	for (size_t i = 0; i < c->domain_count && !text.full; i++) {
		buf_str(&text, i > 0 ? ", " : "");
		buf_str(&text, c->domains[i].name);
	}
	error->text[text.n] = '\0';
	return false;
}

/* A colon would shift what HA1 is made of. */
static bool name_sound(struct slice user)
{
	for (size_t i = 0; i < user.n; i++)
		if (user.p[i] < 0x20 || user.p[i] == 0x7f || user.p[i] == ':')
			return false;
	return user.n > 0;
}

bool control_subscriber_key(const struct control_view *v, const json_t *request, struct buf *to,
                            struct control_error *error)
{
	struct slice user = text_of(request, "user");
	struct slice realm = text_of(request, "realm");

	if (!name_sound(user))
		return refuse(error, "`user` must be a name without colon and control characters");
	if (!is_domain(loop_config(v->loop), realm))
		return refuse_realm(loop_config(v->loop), realm, error);
	buf_put(to, user);
	buf_byte(to, '@');
	buf_put(to, realm);
	return !to->full || refuse(error, "the name is too long");
}

static int nibble(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = ascii_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool read_hex(struct slice text, uint8_t *to, size_t size)
{
	if (text.n != 2 * size)
		return false;
	for (size_t i = 0; i < size; i++) {
		int high = nibble(text.p[2 * i]), low = nibble(text.p[2 * i + 1]);
		if (high < 0 || low < 0)
			return false;
		to[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

static bool take_subscriber_key(const struct control_view *v, const json_t *request,
                                struct control_change *out, struct control_error *error)
{
	struct buf key = buf_on(out->key, sizeof out->key);

	if (!control_subscriber_key(v, request, &key, error))
		return false;
	out->command.key = buf_slice(&key);
	out->command.subscriber.user = text_of(request, "user");
	out->command.subscriber.realm = text_of(request, "realm");
	return true;
}

static bool read_put(const struct control_view *v, const json_t *request,
                     struct control_change *out, struct control_error *error)
{
	static const char *const names[] = {
		[DIGEST_MD5] = "md5",
		[DIGEST_SHA256] = "sha256",
		[DIGEST_SHA512_256] = "sha512_256",
	};
	struct subscriber_record before;

	if (!take_subscriber_key(v, request, out, error))
		return false;
	for (enum digest_algorithm a = DIGEST_MD5; a < DIGEST_ALGORITHMS; a++) {
		size_t size = digest_size(a);
		if (!read_hex(text_of(request, names[a]), out->ha1[a], size)) {
			(void)snprintf(error->text, sizeof error->text,
			               "`%s` must be %zu hexadecimal characters", names[a],
			               2 * size);
			return false;
		}
		out->command.subscriber.ha1[a] = (struct slice){out->ha1[a], size};
	}
	out->command.kind = COMMAND_SUBSCRIBER_PUT;
	out->command.replace = json_is_true(json_object_get(request, "replace"));
	out->replaces = control_subscriber(v, out->command.key, &before);
	return true;
}

static bool read_subscriber_remove(const struct control_view *v, const json_t *request,
                                   struct control_change *out, struct control_error *error)
{
	out->command.kind = COMMAND_SUBSCRIBER_REMOVE;
	return take_subscriber_key(v, request, out, error);
}

static bool read_aor_remove(const struct control_view *v, const json_t *request,
                            struct control_change *out, struct control_error *error)
{
	struct buf key = buf_on(out->key, sizeof out->key);

	(void)v;
	out->command.kind = COMMAND_AOR_REMOVE;
	if (!control_aor(request, &key, error))
		return false;
	out->command.key = buf_slice(&key);
	return true;
}

static bool read_secret_rotate(const struct control_view *v, const json_t *request,
                               struct control_change *out, struct control_error *error)
{
	(void)v;
	(void)request;
	if (getrandom(out->secret, sizeof out->secret, 0) != (ssize_t)sizeof out->secret)
		return refuse(error, "the host gives no random bytes");
	out->command.kind = COMMAND_SECRET_ROTATE;
	out->command.key = (struct slice){out->secret, sizeof out->secret};
	return true;
}

static bool read_switchover(const struct control_view *v, const json_t *request,
                            struct control_change *out, struct control_error *error)
{
	bool force = json_is_true(json_object_get(request, "force"));

	(void)v;
	(void)error;
	out->command.kind = force ? COMMAND_SWITCHOVER_FORCED : COMMAND_SWITCHOVER;
	return true;
}

static bool read_takeover(const struct control_view *v, const json_t *request,
                          struct control_change *out, struct control_error *error)
{
	(void)v;
	(void)request;
	(void)error;
	out->command.kind = COMMAND_TAKEOVER;
	return true;
}

static bool read_diff(const struct control_view *v, const json_t *request,
                      struct control_change *out, struct control_error *error)
{
	(void)v;
	(void)request;
	(void)error;
	out->command.kind = COMMAND_DIFF;
	return true;
}

static bool name_nap(const json_t *request, struct control_change *out, enum command_kind kind,
                     struct control_error *error)
{
	out->command.kind = kind;
	out->command.key = text_of(request, "nap");
	return out->command.key.n > 0 || refuse(error, "`nap` must be the name of a NAP");
}

static bool read_nap_register(const struct control_view *v, const json_t *request,
                              struct control_change *out, struct control_error *error)
{
	(void)v;
	return name_nap(request, out, COMMAND_NAP_REGISTER, error);
}

static bool read_nap_unregister(const struct control_view *v, const json_t *request,
                                struct control_change *out, struct control_error *error)
{
	(void)v;
	return name_nap(request, out, COMMAND_NAP_UNREGISTER, error);
}

static bool read_nap_poll(const struct control_view *v, const json_t *request,
                          struct control_change *out, struct control_error *error)
{
	(void)v;
	return name_nap(request, out, COMMAND_NAP_POLL, error);
}

control_change_fn *control_changer(const char *command)
{
	static const struct {
		const char *name;
		control_change_fn *read;
	} changers[] = {
		{"subscriber-put", read_put},
		{"subscriber-remove", read_subscriber_remove},
		{"aor-remove", read_aor_remove},
		{"switchover", read_switchover},
		{"takeover", read_takeover},
		{"diff", read_diff},
		{"secret-rotate", read_secret_rotate},
		{"nap-register", read_nap_register},
		{"nap-unregister", read_nap_unregister},
		{"nap-poll", read_nap_poll},
	};

	for (size_t i = 0; i < ARRAY_LEN(changers); i++)
		if (strcmp(changers[i].name, command) == 0)
			return changers[i].read;
	return NULL;
}
