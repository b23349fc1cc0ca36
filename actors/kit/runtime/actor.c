#include "actors/kit/runtime/actor.h"

static void
refuse(const tm_actor_type_t *type, void *state, void *peer, const tm_msg_t *msg, tm_err_t err,
       const char *what)
{
    if (type->refuse)
        type->refuse(state, peer, msg, err, what ? what : tm_err_text(err));
}

static void
refuse_bad(const tm_actor_type_t *type, void *state, meters_t *metrics, void *peer,
           tm_err_t err, const char *what)
{
    meters_add(metrics, METRIC_MESSAGES_BAD, tm_err_name(err), 1);
    refuse(type, state, peer, NULL, err, what);
}

static void
handle(const tm_actor_type_t *type, void *state, meters_t *metrics, void *peer,
       const tm_msg_t *msg)
{
    actor_handler_fn *on = type->on[msg->type];
    const char *what = on ? NULL : "this peer takes no message of that type";
    tm_err_t err = on ? TM_OK : TM_NOT_FOUND;

    if (!on)
        meters_add(metrics, METRIC_MESSAGES_BAD, tm_err_name(TM_NOT_FOUND), 1);
    if (!err && type->admit)
        err = type->admit(state, msg, &what);
    if (!err)
        err = on(state, peer, msg);
    if (err)
        refuse(type, state, peer, msg, err, what);
}

void
actor_dispatch(const tm_actor_type_t *type, void *state, meters_t *metrics, void *peer,
               zmsg_t *message)
{
    tm_pairs_t pairs = tm_pairs(message);
    tm_msg_t msg;

    while (tm_pairs_next(&pairs, &msg)) {
        meters_add(metrics, METRIC_MESSAGES_IN, tm_msg_name(msg.type), 1);
        handle(type, state, metrics, peer, &msg);
    }
    if (pairs.err)
        refuse_bad(type, state, metrics, peer, pairs.err, pairs.what);
}

tm_msg_type_t
actor_dispatch_pair(const tm_actor_type_t *type, void *state, meters_t *metrics, void *peer,
                    tm_str_t header, tm_str_t body)
{
    const char *what = NULL; /* the error's own text */
    tm_msg_t msg;
    tm_err_t err = tm_msg_decode(header.data, header.size, &msg, &what);

    if (err) {
        refuse_bad(type, state, metrics, peer, err, what);
        return err == TM_UNKNOWN_MESSAGE ? TM_MSG_LIMIT : TM_MSG_NONE;
    }
    msg.body = body.size > 0 ? body : tm_str("");
    handle(type, state, metrics, peer, &msg);
    return msg.type;
}
