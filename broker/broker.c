#include "broker/broker_inner.h"

/* --- what producers and callers say ------------------------------------------------------- */

static tm_err_t
on_submit(const delivery_t *in)
{
    broker_t *self = in->self;
    const peer_t *from = in->peer;

    if (self->child_jobs.reading)
        child_jobs_add(&self->child_jobs, in->msg);
    else
        intake_submit(&self->intake, from->id, in->msg);
    return TM_OK;
}

static tm_err_t
on_status(const delivery_t *in)
{
    broker_t *self = in->self;
    const peer_t *from = in->peer;
    const struct tm_status *status = &in->msg->status;

    if (from->is_deaf)
        return TM_OK; /* it would not hear the answer, and asks again */
    if (lookup_has_room(&self->lookup))
        lookup_state(&self->lookup, &status->job, from->id, status->ref);
    else
        peers_reject(&self->peers, from->id, status->ref, TM_BUSY, NULL, 100);
    return TM_OK;
}

/* The subscription stands before the look-up, so that no end falls between them. */
static tm_err_t
on_subscribe(const delivery_t *in)
{
    broker_t *self = in->self;
    const peer_t *from = in->peer;
    const struct tm_subscribe *subscribe = &in->msg->subscribe;
    tm_err_t err = subscriptions_add(&self->subscriptions, &subscribe->job, from->id);

    if (err)
        peers_reject(&self->peers, from->id, subscribe->ref, err, NULL, 1000);
    else
        lookup_state(&self->lookup, &subscribe->job, from->id, subscribe->ref);
    return TM_OK;
}

/* --- what anybody says -------------------------------------------------------------------- */

static tm_err_t
on_ping(const delivery_t *in)
{
    broker_t *self = in->self;
    const peer_t *from = in->peer;
    tm_msg_t pong = {
        .type = TM_MSG_PONG,
        .pong = {.seq = in->msg->ping.seq, .broker = self->context.id, .has_broker = true}};

    peers_send(&self->peers, from->id, &pong);
    return TM_OK;
}

/* --- every message ------------------------------------------------------------------------ */

static uint64_t
ref_of(const tm_msg_t *msg)
{
    tm_msg_type_t type = msg ? msg->type : TM_MSG_NONE;

    if (type == TM_MSG_SUBMIT)
        return msg->submit.ref;
    if (type == TM_MSG_STATUS)
        return msg->status.ref;
    if (type == TM_MSG_SUBSCRIBE)
        return msg->subscribe.ref;
    if (type == TM_MSG_CANCEL)
        return msg->cancel.ref;
    return type == TM_MSG_PUT ? msg->put.ref : 0;
}

static tm_str_t
trace_of(const tm_msg_t *msg)
{
    if (msg && msg->type == TM_MSG_SUBMIT)
        return msg->submit.traceparent;
    if (msg && msg->type == TM_MSG_CALL)
        return msg->call.traceparent;
    return tm_str("");
}

static void
refuse_message(broker_t *self, const peer_t *from, const tm_msg_t *msg, tm_err_t err,
               const char *what)
{
    what = what ? what : tm_err_text(err);
    context_log_trace(trace_of(msg));
    log_info("message.refused", "err=%s what=\"%s\"", tm_err_name(err), what);
    log_trace(NULL);
    peers_reject(&self->peers, from->id, ref_of(msg), err, what, 0);
}

static void
count_bad(broker_t *self, tm_err_t err)
{
    meters_add(self->context.metrics, METRIC_MESSAGES_BAD, tm_err_name(err), 1);
}

void
broker_refuse_lone_header(broker_t *self, const peer_t *from)
{
    count_bad(self, TM_BAD_MESSAGE);
    peers_reject(&self->peers, from->id, 0, TM_BAD_MESSAGE,
                 "a body frame must follow each header frame", 0);
}

static tm_err_t
admit_message(const delivery_t *in, const char **ret_what)
{
    broker_t *self = in->self;
    const worker_t *same = in->msg->type == TM_MSG_HELLO
                               ? workers_find(&self->workers, &in->msg->hello.worker)
                               : NULL;
    const struct security_about said = {.is_follower = self->child_jobs.reading != NULL,
                                        .worker_key = same ? same->key : NULL};

    return security_admit(self->security, in->peer, in->msg, &said, ret_what);
}

static const handlers_t handlers = {
    .on = {[TM_MSG_SUBMIT] = on_submit,
           [TM_MSG_STATUS] = on_status,
           [TM_MSG_SUBSCRIBE] = on_subscribe,
           [TM_MSG_CANCEL] = controls_cancel,
           [TM_MSG_CALL] = calls_forward,
           [TM_MSG_RETURN] = calls_pass_back,
           [TM_MSG_ERROR] = calls_pass_back,
           [TM_MSG_PUT] = dataset_chunks_put,
           [TM_MSG_HELLO] = broker_on_hello,
           [TM_MSG_HOLDING] = broker_on_holding,
           [TM_MSG_DONE] = broker_on_done,
           [TM_MSG_FAIL] = broker_on_fail,
           [TM_MSG_PROGRESS] = broker_on_progress,
           [TM_MSG_CREDIT] = broker_on_credit,
           [TM_MSG_BYE] = broker_on_bye,
           [TM_MSG_PING] = on_ping,
           [TM_MSG_PONG] = peers_on_pong,
           [TM_MSG_METRICS] = metrics_relay_pass},
    .at = {[TM_MSG_CANCEL] = offsetof(broker_t, controls),
           [TM_MSG_CALL] = offsetof(broker_t, calls),
           [TM_MSG_RETURN] = offsetof(broker_t, calls),
           [TM_MSG_ERROR] = offsetof(broker_t, calls),
           [TM_MSG_PUT] = offsetof(broker_t, chunks),
           [TM_MSG_PONG] = offsetof(broker_t, peers),
           [TM_MSG_METRICS] = offsetof(broker_t, relay)},
    .admit = admit_message,
};

bool
broker_receive(broker_t *self, peer_t *from, tm_str_t header, tm_str_t body)
{
    const char *what = NULL; /* the error's own text */
    tm_msg_t msg;
    const delivery_t in = {.self = self, .peer = from, .msg = &msg};
    tm_err_t err = tm_msg_decode(header.data, header.size, &msg, &what);

    if (err) {
        count_bad(self, err);
        refuse_message(self, from, NULL, err, what);
        return err == TM_UNKNOWN_MESSAGE;
    }
    msg.body = body.size > 0 ? body : tm_str("");
    self->peers.received[msg.type]++;
    if (!handlers.on[msg.type])
        count_bad(self, TM_NOT_FOUND);
    err = handlers_call(&handlers, &in, &what);
    if (err)
        refuse_message(self, from, &msg, err, what);
    return true;
}
