#include "broker/jobs/intake.h"

#include <string.h>

#include "broker/base/texts.h"

static bool
has_nul(tm_str_t text)
{
    return text.size > 0 && memchr(text.data, '\0', text.size) != NULL;
}

tm_err_t
intake_check(const context_t *context, const struct tm_submit *submit, tm_str_t body,
             const char **ret_detail)
{
    if (!texts_is_name(submit->queue, false)) {
        *ret_detail = "queue: a name is made of a-z 0-9 . _ - and is not empty";
        return TM_BAD_REQUEST;
    }
    if (submit->has_key && (!submit->has_request_hash || submit->request_hash.size != 32)) {
        *ret_detail = "request_hash: with a key, the 32 bytes of a SHA-256 are needed";
        return TM_BAD_REQUEST;
    }
    if (submit->has_key && submit->key.size == 0) {
        *ret_detail = "key: an idempotency key is not empty";
        return TM_BAD_REQUEST;
    }
    if (has_nul(submit->key) || has_nul(submit->scope) || has_nul(submit->traceparent)) {
        *ret_detail = "key, scope, traceparent: a NUL byte is not allowed";
        return TM_BAD_REQUEST;
    }
    if (submit->has_parent) {
        *ret_detail =
            "parent: children are sent behind their parent's DONE, which names itself";
        return TM_BAD_REQUEST;
    }
    if (!context_takes_body(context, body)) {
        *ret_detail = "the body is larger than broker.max_body_kb allows";
        return TM_TOO_LARGE;
    }
    return TM_OK;
}

static tm_err_t
check_room(const intake_t *self, const tm_msg_t *msg, const char **ret_detail)
{
    const queue_t *queue;

    if (self->context->is_draining)
        return TM_DRAINING;
    if (!submits_have_room(self->submits, msg->body))
        return TM_BUSY;
    if (!queues_may_name(self->dispatch->queues, msg->submit.queue)) {
        *ret_detail = "too many queues are in use at once";
        return TM_BUSY;
    }
    queue = queues_get(self->dispatch->queues, msg->submit.queue.data, msg->submit.queue.size);
    return queue->depth >= queue->max_depth ? TM_QUEUE_FULL : TM_OK;
}

static void
reject_submit(intake_t *self, peer_id_t peer, uint64_t ref, tm_err_t err, const char *detail,
              uint64_t retry_after_ms)
{
    meters_add(self->context->metrics, METRIC_SUBMITS, "rejected", 1);
    peers_reject(self->peers, peer, ref, err, detail, retry_after_ms);
}

void
intake_submit(intake_t *self, peer_id_t from, const tm_msg_t *msg)
{
    const char *detail = NULL;
    tm_err_t err = intake_check(self->context, &msg->submit, msg->body, &detail);
    submit_t *submit;

    if (!err)
        err = check_room(self, msg, &detail);
    submit = err ? NULL : submit_new(self->submits, from, msg);
    if (!err && !submit)
        err = TM_NO_MEMORY;
    if (err)
        reject_submit(self, from, msg->submit.ref, err, detail,
                      tm_err_retryable(err) ? 200 : 0);
    else
        fifo_add(&self->submits->waiting, submit);
}

/* --- what became of it, as the store tells ------------------------------------------------ */

static void
accept_submit(intake_t *self, const submit_t *submit, const tm_uuid_t *job, bool is_duplicate)
{
    tm_msg_t msg = {.type = TM_MSG_ACCEPTED,
                    .accepted = {.ref = submit->fields.ref,
                                 .job = *job,
                                 .duplicate = is_duplicate,
                                 .has_duplicate = is_duplicate}};

    peers_send(self->peers, submit->peer, &msg);
    meters_add(self->context->metrics, METRIC_SUBMITS, is_duplicate ? "duplicate" : "accepted",
               1);
    if (!submit->fields.watch)
        return;
    if (subscriptions_add(self->lookup->subscriptions, job, submit->peer) != TM_OK)
        log_warn("watch.full", "limit=%lld",
                 (long long)self->context->settings->broker_max_pending);
    else if (is_duplicate || submit->is_again)
        lookup_state(self->lookup, job, 0, 0); /* it may be over already */
}

static void
on_known(void *arg, const submit_t *submit, const tm_uuid_t *job, bool is_duplicate)
{
    accept_submit(arg, submit, job, is_duplicate);
}

static void
start_now(intake_t *self, submit_t *submit, queue_t *queue)
{
    struct tm_job job = {.job = submit->fields.job,
                         .attempt = 1,
                         .queue = submit->fields.queue,
                         .workspace = submit->fields.workspace,
                         .timeout_ms = submit->fields.timeout_ms,
                         .has_timeout_ms = submit->fields.has_timeout_ms,
                         .traceparent = submit->fields.traceparent,
                         .has_traceparent = submit->fields.has_traceparent};

    dispatch_start(self->dispatch, queue, &job, submit->body, &submit->worker);
    fair_queue_give(&queue->fair, &submit->fields.workspace, 1);
    submit->is_reserved = false; /* the lease has the credit and the place now */
}

/* A new job: it starts, or waits in its queue. */
static void
on_committed(void *arg, submit_t *submit)
{
    intake_t *self = arg;
    queue_t *queue = submit_queue(self->submits, submit);
    const struct tm_submit *fields = &submit->fields;

    accept_submit(self, submit, &fields->job, false);
    if (submit->is_reserved) {
        start_now(self, submit, queue);
        return;
    }
    queue->depth++;
    queue_note_body(queue, submit->body.size);
    if (fields->delay_ms)
        return;
    fair_queue_add(
        &queue->fair, &fields->workspace,
        fair_queue_rank_us(fields->has_priority ? fields->priority : PRIORITY_DEFAULT), false);
    controls_tell_ready(self->controls, queue);
}

static void
on_refused(void *arg, const submit_t *submit, tm_err_t err, const char *detail)
{
    reject_submit(arg, submit->peer, submit->fields.ref, err, detail, 0);
}

const struct submit_ops intake_ops = {
    .on_committed = on_committed, .on_known = on_known, .on_refused = on_refused};
