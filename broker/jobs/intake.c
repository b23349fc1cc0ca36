#include "broker/core.h"

#include <string.h>

static bool
is_name(tm_str_t name)
{
    for (size_t i = 0; i < name.size; i++) {
        char c = name.data[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
              c == '-'))
            return false;
    }
    return name.size > 0;
}

static bool
has_nul(tm_str_t text)
{
    return text.size > 0 && memchr(text.data, '\0', text.size) != NULL;
}

bool
intake_has_room(const broker_t *self, tm_str_t body)
{
    return self->submits.count + self->submits_in_flight <
               (size_t)self->context.settings->broker_max_pending &&
           self->submit_bytes + body.size <=
               (size_t)self->context.settings->broker_max_pending_mb << 20;
}

tm_err_t
intake_check(const broker_t *self, const struct tm_submit *submit, tm_str_t body,
             const char **ret_detail)
{
    if (!is_name(submit->queue)) {
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
    if (!context_takes_body(&self->context, body)) {
        *ret_detail = "the body is larger than broker.max_body_kb allows";
        return TM_TOO_LARGE;
    }
    return TM_OK;
}

static char *
keep(char **at, tm_str_t *str)
{
    char *start = *at;

    if (str->size > 0)
        memcpy(start, str->data, str->size);
    str->data = start;
    *at += str->size;
    return start;
}

submit_t *
submit_new(broker_t *broker, peer_id_t peer, const tm_msg_t *msg)
{
    const struct tm_submit *in = &msg->submit;
    size_t text = in->queue.size + in->key.size + in->scope.size + in->request_hash.size +
                  in->traceparent.size + msg->body.size;
    submit_t *self = malloc(sizeof(*self) + text);
    char *at;

    if (!self)
        return NULL;
    memset(self, 0, sizeof(*self));
    at = (char *)(self + 1);
    self->fields = *in;
    self->body = msg->body;
    keep(&at, &self->fields.queue);
    keep(&at, &self->fields.key);
    keep(&at, &self->fields.scope);
    keep(&at, &self->fields.request_hash);
    keep(&at, &self->fields.traceparent);
    keep(&at, &self->body);
    self->peer = peer;
    broker->submit_bytes += self->body.size;
    return self;
}

void
submit_destroy(broker_t *broker, submit_t **self_p)
{
    broker->submit_bytes -= (*self_p)->body.size;
    free(*self_p);
    *self_p = NULL;
}

void
intake_accept(broker_t *self, submit_t *submit, const tm_uuid_t *owner, bool duplicate)
{
    tm_msg_t msg = {.type = TM_MSG_ACCEPTED};

    msg.accepted.ref = submit->fields.ref;
    msg.accepted.job = *owner;
    msg.accepted.duplicate = duplicate;
    msg.accepted.has_duplicate = duplicate;
    peers_send(&self->peers, submit->peer, &msg);
    meters_add(self->context.metrics, METRIC_SUBMITS, duplicate ? "duplicate" : "accepted", 1);
    if (submit->fields.watch && subscriptions_add(self, owner, submit->peer) != TM_OK)
        log_warn("watch.full", "limit=%lld",
                 (long long)self->context.settings->broker_max_pending);
    else if (submit->fields.watch && (duplicate || submit->is_again))
        store_lookup_state(self, owner, 0, 0); /* it may be over already */
}

static void
start_now(broker_t *self, submit_t *submit, queue_t *queue)
{
    struct tm_job job = {.job = submit->fields.job,
                         .attempt = 1,
                         .queue = submit->fields.queue,
                         .workspace = submit->fields.workspace,
                         .timeout_ms = submit->fields.timeout_ms,
                         .has_timeout_ms = submit->fields.has_timeout_ms,
                         .traceparent = submit->fields.traceparent,
                         .has_traceparent = submit->fields.has_traceparent};

    dispatch_start(self, queue, &job, submit->body, &submit->worker);
    limits_give(queue, &submit->fields.workspace, 1);
    submit->is_reserved = false; /* the lease has the credit and the place now */
}

void
intake_committed(broker_t *self, submit_t *submit)
{
    queue_t *queue = dispatch_queue(self, submit->fields.queue.data, submit->fields.queue.size);

    intake_accept(self, submit, &submit->fields.job, false);
    if (submit->is_reserved) {
        start_now(self, submit, queue);
        return;
    }
    queue->depth++;
    claims_note_body(queue, submit->body.size);
    if (submit->fields.delay_ms)
        return;
    fair_queue_add(queue, &submit->fields.workspace,
                   fair_queue_rank_us(submit->fields.has_priority ? submit->fields.priority
                                                                  : PRIORITY_DEFAULT),
                   false);
    controls_tell_ready(self, queue);
}

void
intake_reject(broker_t *self, submit_t *submit, tm_err_t err, const char *detail)
{
    meters_add(self->context.metrics, METRIC_SUBMITS, "rejected", 1);
    peers_reject(&self->peers, submit->peer, submit->fields.ref, err, detail, 0);
}
