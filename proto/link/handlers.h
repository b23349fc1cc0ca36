/* handlers - a message to the function that handles it, for broker, client and worker.
 *
 * A table has a handler for each message that its owner takes: what has none is of the wrong
 * direction, or newer than this version. `admit` says which of them its sender may say.
 *
 * Shared with the broker; not installed.
 */
#ifndef PROTO_LINK_HANDLERS_H
#define PROTO_LINK_HANDLERS_H

#include "proto/message.h"

/* All of it borrowed, until the handler returns. */
typedef struct {
    void *self; /* whose table it is; to a handler, its part of that (handlers_t.at) */
    void *peer; /* who sent it, as the owner of the table knows them */
    const tm_msg_t *msg;
} delivery_t;

typedef tm_err_t handler_fn(const delivery_t *in);
/* May its sender say this? If not, *ret_what says why, in words that stay until the next call.
 */
typedef tm_err_t admit_fn(const delivery_t *in, const char **ret_what);

typedef struct {
    handler_fn *on[TM_MSG_LIMIT];
    size_t at[TM_MSG_LIMIT]; /* where in the owner the part stands whose handler it is */
    admit_fn *admit;         /* NULL: everything */
} handlers_t;

/* The handler's answer; TM_NOT_FOUND if there is none. Where *ret_what is not set, the error's
 * own text says what is wrong. */
tm_err_t handlers_call(const handlers_t *self, const delivery_t *in, const char **ret_what);

#endif
