#include "actors/kit/actor.h"

static void
refuse(const tm_actor_type_t *type, void *state, zframe_t *peer, const tm_msg_t *msg,
       tm_err_t err, const char *what)
{
    if (type->refuse)
        type->refuse(state, peer, msg, err, what ? what : tm_err_text(err));
}

static void
handle(const tm_actor_type_t *type, void *state, meters_t *metrics, zframe_t *peer,
       const tm_msg_t *msg)
{
    actor_handler_fn *on = type->on[msg->type];
    tm_err_t err;

    meters_add(metrics, METRIC_MESSAGES_IN, tm_msg_name(msg->type), 1);
    if (!on)
        meters_add(metrics, METRIC_MESSAGES_BAD, tm_err_name(TM_NOT_FOUND), 1);
    err = on ? on(state, peer, msg) : TM_NOT_FOUND;
    if (err)
        refuse(type, state, peer, msg, err,
               on ? NULL : "this peer takes no message of that type");
}

void
actor_dispatch(const tm_actor_type_t *type, void *state, meters_t *metrics, zframe_t *peer,
               zmsg_t *message)
{
    tm_pairs_t pairs = tm_pairs(message);
    tm_msg_t msg;

    while (tm_pairs_next(&pairs, &msg))
        handle(type, state, metrics, peer, &msg);
    if (pairs.err) {
        meters_add(metrics, METRIC_MESSAGES_BAD, tm_err_name(pairs.err), 1);
        refuse(type, state, peer, NULL, pairs.err, pairs.what);
    }
}
