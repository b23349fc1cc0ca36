/* actor - dispatch of decoded messages to a table of handlers.
 *
 * An actor is a state struct and a table of handlers indexed by message number. actor_dispatch
 * walks the pairs of a ZeroMQ message, decodes each, counts it, looks its handler up and calls
 * it. NULL in the table is a defined outcome: TM_NOT_FOUND, counted. Tests call it with an
 * encoded message: no socket is needed.
 */
#ifndef ACTORS_KIT_ACTOR_H
#define ACTORS_KIT_ACTOR_H

#include "actors/kit/metrics.h"
#include "proto/message.h"

/* peer: the routing id frame of who sent it, NULL on a DEALER. body: the frame, may be taken by
 * setting *body_p to NULL after tm_pairs gave it (see message.h); msg borrows from the message.
 */
typedef tm_err_t actor_handler_fn(void *state, zframe_t *peer, const tm_msg_t *msg);
/* Called for what could not be read or handled: the place to answer REJECTED. */
typedef void actor_refuse_fn(void *state, zframe_t *peer, const tm_msg_t *msg, tm_err_t err,
                             const char *what);

typedef struct {
    const char *name;
    actor_handler_fn *on[TM_MSG_LIMIT];
    actor_refuse_fn *refuse;
} tm_actor_type_t;

/* Handles every pair of `message` (which stays the caller's). */
void actor_dispatch(const tm_actor_type_t *type, void *state, meters_t *metrics, zframe_t *peer,
                    zmsg_t *message);

#endif
