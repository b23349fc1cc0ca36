/* What brokers say. */
#include "proto/client/client_inner.h"
#include "proto/link/handlers.h"

#include <string.h>

#define RETRY_DEFAULT_MS 200
#define RETRY_MAX_MS     60000
#define READ_AT_ONCE     1000 /* pairs of one broker before the others' turn */

/* Forgets the job before it calls: whatever comes later about it is not reported. */
static void
watch_end(tm_client_t *self, const struct tm_result *result, tm_str_t body)
{
    if (!watches_has(self->watches, &result->job))
        return;
    watches_forget(self->watches, &result->job);
    self->called++;
    if (self->on_result)
        self->on_result(self->watch_arg, result, body);
}

/* Ends the request of this type that the answer is to. False: there is none, or none any more.
 */
static bool
end_answered(tm_client_t *self, uint64_t ref, tm_msg_type_t type, struct request *ret_ended)
{
    struct request *request = requests_find(self->requests, ref);

    if (!request || request->type != type)
        return false;
    *ret_ended = client_end_request(self, request);
    return true;
}

/* A watched job may run, and end, at any broker: each of them tells its own watchers. */
static void
tell_others(tm_client_t *self, const tm_uuid_t *job)
{
    tm_msg_t msg = {.type = TM_MSG_SUBSCRIBE, .subscribe.job = *job};

    for (size_t i = 0; i < self->broker_count; i++)
        if (i != self->current && self->brokers[i].alive) {
            dealer_msg(&self->brokers[i], &msg);
            dealer_flush(&self->brokers[i]);
        }
}

static tm_err_t
on_accepted(const delivery_t *in)
{
    tm_client_t *self = in->self;
    const tm_msg_t *msg = in->msg;
    struct request ended;

    if (!end_answered(self, msg->accepted.ref, TM_MSG_SUBMIT, &ended))
        return TM_OK;
    struct tm_answer answer = {
        .err = TM_OK,
        .job = msg->accepted.job,
        .duplicate = msg->accepted.duplicate,
        .detail = "",
    };
    if (watches_move(self->watches, &ended.job, &answer.job))
        watches_ask(self->watches, &self->brokers[self->current], true);
    if (watches_has(self->watches, &answer.job))
        tell_others(self, &answer.job);
    if (ended.fn.answer)
        ended.fn.answer(ended.arg, &answer);
    return TM_OK;
}

static bool
is_tried_again(tm_err_t err)
{
    return err == TM_BUSY || err == TM_STORE_DOWN || err == TM_DRAINING;
}

static tm_err_t
on_rejected(const delivery_t *in)
{
    tm_client_t *self = in->self;
    const struct tm_rejected *rejected = &in->msg->rejected;
    struct request *request = requests_find(self->requests, rejected->ref);
    tm_err_t err = tm_err_by_name(rejected->code.data, rejected->code.size);
    uint64_t wait_ms =
        rejected->has_retry_after_ms ? rejected->retry_after_ms : RETRY_DEFAULT_MS;
    char detail[TM_DETAIL_MAX + 1];

    if (!request)
        return TM_OK;
    if (is_tried_again(err)) {
        int64_t due_ms =
            zclock_mono() + (int64_t)(wait_ms < RETRY_MAX_MS ? wait_ms : RETRY_MAX_MS);
        request->last_err = err;
        requests_leave(self->requests, request, REQUEST_PAUSED, due_ms);
        if (err == TM_DRAINING)
            client_leave_broker(self);
        return TM_OK;
    }
    snprintf(detail, sizeof detail, "%.*s", (int)rejected->detail.size, rejected->detail.data);
    client_fail_request(self, request, err, detail, rejected->retry_after_ms);
    return TM_OK;
}

/* The state of a watched job that has ended is its result: the RESULT itself may be lost. */
static tm_err_t
on_state(const delivery_t *in)
{
    tm_client_t *self = in->self;
    const struct tm_state *state = &in->msg->state;
    struct request *request = requests_find(self->requests, state->ref);

    if (request && (request->type == TM_MSG_STATUS || request->type == TM_MSG_SUBSCRIBE ||
                    request->type == TM_MSG_CANCEL)) {
        struct request ended = client_end_request(self, request);
        if (ended.type == TM_MSG_SUBSCRIBE && !tm_state_is_over(state->state))
            tell_others(self, &state->job);
        if (ended.fn.state)
            ended.fn.state(ended.arg, TM_OK, state, in->msg->body);
    }
    if (tm_state_is_over(state->state)) {
        struct tm_result result = {.job = state->job,
                                   .state = state->state,
                                   .code = state->code,
                                   .has_code = state->has_code,
                                   .detail = state->detail,
                                   .has_detail = state->has_detail};
        watch_end(self, &result, in->msg->body);
    }
    return TM_OK;
}

static tm_err_t
on_result(const delivery_t *in)
{
    watch_end(in->self, &in->msg->result, in->msg->body);
    return TM_OK;
}

static tm_err_t
on_progress(const delivery_t *in)
{
    tm_client_t *self = in->self;
    const tm_msg_t *msg = in->msg;

    if (!self->on_progress || !watches_has(self->watches, &msg->progress.job))
        return TM_OK;
    self->called++;
    self->on_progress(self->watch_arg, &msg->progress, msg->body);
    return TM_OK;
}

static tm_err_t
on_stored(const delivery_t *in)
{
    const struct tm_stored *stored = &in->msg->stored;
    struct request ended;

    if (end_answered(in->self, stored->ref, TM_MSG_PUT, &ended) && ended.fn.stored)
        ended.fn.stored(ended.arg, TM_OK, stored->complete, "");
    return TM_OK;
}

static tm_err_t
on_returned(const delivery_t *in)
{
    struct request ended;

    if (end_answered(in->self, in->msg->returned.ref, TM_MSG_CALL, &ended) && ended.fn.returned)
        ended.fn.returned(ended.arg, TM_OK, "", in->msg->body);
    return TM_OK;
}

static tm_err_t
on_error(const delivery_t *in)
{
    tm_client_t *self = in->self;
    const tm_msg_t *msg = in->msg;
    struct request *request = requests_find(self->requests, msg->error.ref);
    tm_err_t err = tm_err_by_name(msg->error.code.data, msg->error.code.size);
    char detail[TM_DETAIL_MAX + 1];

    snprintf(detail, sizeof detail, "%.*s", (int)msg->error.detail.size,
             msg->error.detail.data);
    if (request && request->type == TM_MSG_CALL)
        client_fail_request(self, request, err ? err : TM_INTERNAL, detail, 0);
    return TM_OK;
}

static tm_err_t
on_metrics(const delivery_t *in)
{
    tm_client_t *self = in->self;
    const tm_msg_t *msg = in->msg;

    if (!self->on_metrics)
        return TM_OK;
    self->called++;
    self->on_metrics(self->metrics_arg, &msg->metrics, msg->body);
    return TM_OK;
}

static const handlers_t handlers = {
    .on = {[TM_MSG_ACCEPTED] = on_accepted,
           [TM_MSG_REJECTED] = on_rejected,
           [TM_MSG_STATE] = on_state,
           [TM_MSG_RESULT] = on_result,
           [TM_MSG_STORED] = on_stored,
           [TM_MSG_PROGRESS] = on_progress,
           [TM_MSG_RETURN] = on_returned,
           [TM_MSG_ERROR] = on_error,
           [TM_MSG_METRICS] = on_metrics},
};

static void
on_message(tm_client_t *self, size_t index, const tm_msg_t *msg)
{
    const delivery_t in = {.self = self, .peer = &self->brokers[index], .msg = msg};
    const char *what;

    if (dealer_heard(&self->brokers[index], msg, zclock_mono())) {
        if (index == self->current)
            client_tell_again(self);
        else /* a watched job may end there */
            watches_ask(self->watches, &self->brokers[index], false);
    }
    handlers_call(&handlers, &in, &what); /* what a client does not take is not answered */
}

bool
client_receive(tm_client_t *self, size_t index)
{
    tm_msg_t msg;
    int count = 0;

    while (count < READ_AT_ONCE && dealer_receive(&self->brokers[index], &msg)) {
        on_message(self, index, &msg);
        count++;
    }
    if (count > 0)
        client_want_flush(self);
    return count > 0;
}
