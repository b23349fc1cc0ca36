/* A job in a worker's hands: made from JOB or CALL, with its outcome once it has ended. */
#include <stdlib.h>
#include <string.h>

#include "proto/worker/worker_inner.h"

void
job_forget_followers(tm_job_t *self)
{
    for (size_t i = 0; i < self->follower_count; i++)
        encoded_msg_fini(&self->followers[i]);
    free(self->followers);
    self->followers = NULL;
    self->follower_count = 0;
}

void
job_destroy(tm_job_t **self_p)
{
    tm_job_t *self = *self_p;

    if (!self)
        return;
    zmq_msg_close(&self->body);
    job_forget_followers(self);
    encoded_msg_fini(&self->outcome);
    free(self);
    *self_p = NULL;
}

void
job_set_failed(tm_job_t *self, tm_err_t code, const char *detail, enum job_failure how)
{
    char text[TM_DETAIL_MAX];
    tm_msg_t msg = {.type = TM_MSG_FAIL,
                    .fail = {.job = self->id,
                             .attempt = self->attempt,
                             .code = tm_str(tm_err_name(code)),
                             .detail = tm_text_clean(detail, text, sizeof text),
                             .has_detail = true,
                             .retryable = how == FAILURE_RETRYABLE,
                             .rejected = how == FAILURE_REJECTED,
                             .has_rejected = how == FAILURE_REJECTED,
                             .settled = how == FAILURE_SETTLED,
                             .has_settled = how == FAILURE_SETTLED}};

    if (self->call_ref) {
        msg.type = TM_MSG_ERROR;
        msg.error = (struct tm_error){.ref = self->call_ref,
                                      .code = tm_str(tm_err_name(code)),
                                      .detail = tm_text_clean(detail, text, sizeof text),
                                      .has_detail = true,
                                      .retryable = how == FAILURE_RETRYABLE,
                                      .has_retryable = true};
    }
    encoded_msg_fini(&self->outcome);
    if (encoded_msg_init(&self->outcome, &msg) != TM_OK)
        atomic_store(&self->is_dropped, true); /* out of memory: the lease runs out instead */
}

static tm_job_t *
job_new(tm_str_t queue, tm_str_t traceparent, zmq_msg_t *body)
{
    tm_job_t *self = zmalloc(sizeof *self);

    memcpy(self->queue, queue.data, queue.size);
    memcpy(self->traceparent, traceparent.data, traceparent.size);
    zmq_msg_init(&self->body);
    zmq_msg_move(&self->body, body);
    atomic_init(&self->is_dropped, false);
    atomic_init(&self->is_canceled, false);
    return self;
}

tm_job_t *
job_of_lease(const struct tm_job *job, zmq_msg_t *body)
{
    tm_job_t *self = job_new(job->queue, job->traceparent, body);

    self->id = job->job;
    self->attempt = (uint32_t)job->attempt;
    self->workspace = job->workspace;
    self->timeout_ms = job->timeout_ms;
    self->is_join = job->join;
    return self;
}

tm_job_t *
job_of_call(const struct tm_call *call, zmq_msg_t *body)
{
    tm_job_t *self = job_new(call->service, call->traceparent, body);

    self->call_ref = call->ref;
    self->workspace = call->workspace;
    self->timeout_ms = call->deadline_ms;
    return self;
}

/* --- what the caller may ask of it -------------------------------------------------------- */

const tm_uuid_t *
tm_job_id(const tm_job_t *job)
{
    return &job->id;
}

uint32_t
tm_job_attempt(const tm_job_t *job)
{
    return job->attempt;
}

const tm_uuid_t *
tm_job_workspace(const tm_job_t *job)
{
    return &job->workspace;
}

const char *
tm_job_queue(const tm_job_t *job)
{
    return job->queue;
}

const char *
tm_job_traceparent(const tm_job_t *job)
{
    return job->traceparent;
}

uint64_t
tm_job_timeout_ms(const tm_job_t *job)
{
    return job->timeout_ms;
}

tm_str_t
tm_job_body(const tm_job_t *job)
{
    zmq_msg_t *body = (zmq_msg_t *)(uintptr_t)&job->body; /* reading changes nothing */
    size_t size = zmq_msg_size(body);

    return (tm_str_t){size > 0 ? zmq_msg_data(body) : "", size};
}

bool
tm_job_is_call(const tm_job_t *job)
{
    return job->call_ref != 0;
}

bool
tm_job_is_join(const tm_job_t *job)
{
    return job->is_join;
}

bool
tm_job_is_canceled(const tm_job_t *job)
{
    return atomic_load(&job->is_canceled);
}

bool
tm_job_is_dropped(const tm_job_t *job)
{
    return atomic_load(&job->is_dropped);
}
