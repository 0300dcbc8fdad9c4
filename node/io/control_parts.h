/* control_parts.h - what the files of the control socket share. Nobody else's. */
#ifndef NODE_IO_CONTROL_PARTS_H
#define NODE_IO_CONTROL_PARTS_H

#include <jansson.h>

#include "node/io/audit.h"
#include "node/io/control.h"

enum {
	CONTROL_ERROR_TEXT = 512,
	CONTROL_PAGE_RECORDS = 500,     /* visited by one request: the loop is not held up */
	CONTROL_PAGE_BINDINGS = 1000,   /* a page ends behind the record that reaches this */
	CONTROL_ARENA_SIZE = 512 << 10, /* eight times the largest record, and its struct */
};

/* Why a request is refused. */
struct control_error {
	char text[CONTROL_ERROR_TEXT];
};

/* What a reader looks at. */
struct control_view {
	const struct loop *loop;
	struct arena *arena; /* scratch */
};

/* JSON is UTF-8; a byte from outside that is not becomes `?`. */
json_t *control_text(struct slice s, struct arena *arena);

/* A page of a list begins at the request's `cursor`, and says where the next one does, if there is more. */
struct copy_cursor control_cursor(const json_t *request);
json_t *control_page(const char *name, json_t *list, const struct copy_cursor *cursor, bool more);

/* What a comparison found, as it comes in. */
json_t *control_diff_new(void);
void control_diff_add(json_t *diff, const struct node_output *o, struct arena *arena);

/* One request that only reads. NULL: `error` says why. */
typedef json_t *control_read_fn(const struct control_view *v, const json_t *request,
                                struct control_error *error);
control_read_fn control_read_naps, control_read_nap, control_read_alarms;
/* NULL: no reader of that name on a socket of that kind. */
control_read_fn *control_reader(const char *command, enum control_kind kind);

/* A listening socket, with its mode from the first moment on; what a dead process left is removed. -1: why. */
int control_listen(const char *path, enum control_kind kind, const char **why);

/* What is done at once and is no change of the node's. NULL: nothing of that name. */
control_read_fn *control_setter(const char *command);

/* Who follows messages (trace.h): connections, to whose output a line is written for each. */
struct bufferevent;
struct followers {
	size_t n;
	struct {
		struct bufferevent *bev;
		struct trace *trace;
	} at[CONTROL_TRACES_MAX];
};
/* NULL, or why not. `who`: a text that names a NAP or an AOR. */
const char *followers_add(struct followers *f, const struct loop *l, struct bufferevent *bev,
                          const json_t *who);
/* How many messages were told, and how many not; NULL: it does not follow any. */
json_t *followers_end(struct followers *f, const struct bufferevent *bev);
/* The loop waits for nobody: what a slow reader leaves no room for is counted. */
void followers_tell(struct followers *f, const struct loop *l, const struct trace_message *m);

/* What is told to the audit: an object that names who (whoever is at `fd`; `asker` keeps that), what, and how
 * it was before. NULL: the request is no act. */
json_t *control_act(const struct control_view *v, const json_t *request, int fd, json_t **asker);
enum control_result {
	CONTROL_DONE,
	CONTROL_REFUSED,
	CONTROL_UNANSWERED, /* whoever asked is gone before it was known */
};
/* Takes the act; NULL: nothing to do. */
void control_act_end(const struct control_view *v, struct audit *audit, json_t *act,
                     enum control_result result, const char *text);

/* The same with what came of a reload; NULL: a signal asked, and nobody knows who sent it. */
void control_act_reloaded(const struct control_view *v, struct audit *audit, json_t *act,
                          const json_t *outcome);

/* One request for a change, as the node takes it. The command points into this and the request. */
struct control_change {
	struct node_command command;
	uint8_t key[RECORD_KEY_MAX];
	uint8_t ha1[3][32];
	uint8_t secret[32];
	bool replaces; /* a subscriber that is there */
};
typedef bool control_change_fn(const struct control_view *v, const json_t *request,
                               struct control_change *out, struct control_error *error);
control_change_fn *control_changer(const char *command);

/* The key of the AOR that the request names in any usual way: "alice@example.com", "sip:...". */
bool control_aor(const json_t *request, struct buf *to, struct control_error *error);
/* "user@realm", where the request names a configured realm. */
bool control_subscriber_key(const struct control_view *v, const json_t *request, struct buf *to,
                            struct control_error *error);
/* The subscriber of that key, or false where there is none. */
bool control_subscriber(const struct control_view *v, struct slice key,
                        struct subscriber_record *out);

#endif
