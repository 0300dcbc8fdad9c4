/* client.h - the node's control socket from the other side: requests out, answers in, as JSON.
 *
 * Whatever fails is said on standard error with its remedy; the code for the shell is client_code. */
#ifndef NODE_CTL_CLIENT_H
#define NODE_CTL_CLIENT_H

#include <jansson.h>

#include "node/ctl/ctl.h"

struct client;

enum { CLIENT_PATIENCE_S = 60 };

/* NULL: nobody answers there; CTL_NO_NODE. */
struct client *client_open(const struct ctl *ctl);
void client_close(struct client **c);

/* One question, one answer. Takes the request. The result is the caller's; NULL: refused or cut off. */
json_t *client_ask(struct client *c, json_t *request);
int client_code(const struct client *c); /* CTL_DONE, or what the last failure means */

/* Many under way: send takes the request; answers come in the order in which they are ready and carry
 * the request's `id`. False, NULL: the node is gone. */
bool client_send(struct client *c, json_t *request);
json_t *client_receive(struct client *c);

/* From now on an answer may be hours away. */
void client_be_patient(struct client *c);
/* For who waits for other things, too: the next line that is here by now. NULL: none is, or the node is gone, as
 * client_code tells. To be looked at again when the descriptor is readable. */
json_t *client_take(struct client *c);
int client_fd(const struct client *c);

/* Opens, asks once, closes. Sets *code. */
json_t *client_ask_once(const struct ctl *ctl, json_t *request, int *code);

#endif
