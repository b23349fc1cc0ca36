/* actor - dispatch of decoded messages to a table of handlers.
 *
 * An actor is a state struct and a table of handlers indexed by message number. actor_dispatch
 * walks the pairs of a ZeroMQ message, decodes each, counts it, looks its handler up and calls
 * it. NULL in the table is a defined outcome: TM_NOT_FOUND, counted. Tests call it with an
 * encoded message: no socket is needed.
 */
#ifndef ACTORS_KIT_RUNTIME_ACTOR_H
#define ACTORS_KIT_RUNTIME_ACTOR_H

#include "actors/kit/runtime/metrics.h"
#include "proto/message.h"

/* peer: who sent it, whatever the caller of actor_dispatch takes for that. msg borrows from the
 * frames. */
typedef tm_err_t actor_handler_fn(void *state, void *peer, const tm_msg_t *msg);
/* May this be handled? If not, *ret_what says why, in words that stay until the next call. */
typedef tm_err_t actor_admit_fn(void *state, const tm_msg_t *msg, const char **ret_what);
/* Called for what could not be read or handled: the place to answer REJECTED. */
typedef void actor_refuse_fn(void *state, void *peer, const tm_msg_t *msg, tm_err_t err,
                             const char *what);

typedef struct {
    const char *name;
    actor_handler_fn *on[TM_MSG_LIMIT];
    actor_admit_fn *admit; /* NULL: everything */
    actor_refuse_fn *refuse;
} tm_actor_type_t;

/* Handles every pair of `message` (which stays the caller's). */
void actor_dispatch(const tm_actor_type_t *type, void *state, meters_t *metrics, void *peer,
                    zmsg_t *message);
/* The same for one pair that was read otherwise. Returns the message's number, TM_MSG_NONE if
 * it could not be read; what was read is not counted as received: the caller does, in bulk. */
tm_msg_type_t actor_dispatch_pair(const tm_actor_type_t *type, void *state, meters_t *metrics,
                                  void *peer, tm_str_t header, tm_str_t body);

#endif
