/* What a caller asks for: each makes a message and queues it. */
#include "proto/client/client_inner.h"

static const tm_uuid_t no_job;

/* Encodes msg, which carries requests_next_ref() as its ref, and queues it. */
static tm_err_t
request_begin(tm_client_t *self, const tm_msg_t *msg, const tm_uuid_t *job, request_fn_t fn,
              void *arg)
{
    encoded_msg_t parcel;
    struct request *request;

    if (requests_next_ref(self->requests) == 0)
        return TM_BUSY;
    tm_err_t err = encoded_msg_init(&parcel, msg);
    if (err)
        return err;
    request = requests_add(self->requests, msg->type, &parcel);
    request->fn = fn;
    request->arg = arg;
    request->job = *job;
    if (msg->type == TM_MSG_CALL)
        request->end_ms = request->start_ms + (int64_t)msg->call.deadline_ms;
    client_want_flush(self);
    return TM_OK;
}

/* The same for a job that is watched from now on. */
static tm_err_t
request_begin_watched(tm_client_t *self, const tm_msg_t *msg, const tm_uuid_t *job,
                      request_fn_t fn, void *arg)
{
    bool was_watched = watches_has(self->watches, job);
    tm_err_t err = watches_add(self->watches, job);

    if (!err)
        err = request_begin(self, msg, job, fn, arg);
    if (err && !was_watched)
        watches_forget(self->watches, job);
    return err;
}

tm_err_t
tm_client_submit(tm_client_t *self, const struct tm_job_spec *spec, tm_answer_fn *fn, void *arg)
{
    tm_msg_t msg = {.type = TM_MSG_SUBMIT};

    request_fill_submit(&msg, spec);
    msg.submit.ref = requests_next_ref(self->requests);
    return (spec->watch ? request_begin_watched : request_begin)(
        self, &msg, &msg.submit.job, (request_fn_t){.answer = fn}, arg);
}

tm_err_t
tm_client_status(tm_client_t *self, const tm_uuid_t *job, tm_state_fn *fn, void *arg)
{
    tm_msg_t msg = {.type = TM_MSG_STATUS,
                    .status = {.ref = requests_next_ref(self->requests), .job = *job}};

    return request_begin(self, &msg, job, (request_fn_t){.state = fn}, arg);
}

tm_err_t
tm_client_cancel(tm_client_t *self, const tm_uuid_t *job, tm_state_fn *fn, void *arg)
{
    tm_msg_t msg = {.type = TM_MSG_CANCEL,
                    .cancel = {.ref = requests_next_ref(self->requests), .job = *job}};

    return request_begin(self, &msg, job, (request_fn_t){.state = fn}, arg);
}

tm_err_t
tm_client_subscribe(tm_client_t *self, const tm_uuid_t *job, tm_state_fn *fn, void *arg)
{
    tm_msg_t msg = {.type = TM_MSG_SUBSCRIBE,
                    .subscribe = {.ref = requests_next_ref(self->requests), .job = *job}};

    return request_begin_watched(self, &msg, job, (request_fn_t){.state = fn}, arg);
}

tm_err_t
tm_client_call(tm_client_t *self, const struct tm_call_spec *spec, tm_return_fn *fn, void *arg)
{
    tm_msg_t msg = {.type = TM_MSG_CALL,
                    .call = {.ref = requests_next_ref(self->requests),
                             .service = tm_str(spec->service),
                             .deadline_ms = spec->deadline_ms,
                             .traceparent = tm_str(spec->traceparent),
                             .has_traceparent = spec->traceparent != NULL},
                    .body = {spec->body, spec->body_size}};

    return request_begin(self, &msg, &no_job, (request_fn_t){.returned = fn}, arg);
}

tm_err_t
tm_client_put(tm_client_t *self, const struct tm_piece *piece, tm_stored_fn *fn, void *arg)
{
    const bool is_query = piece->data == NULL;
    tm_msg_t msg = {.type = TM_MSG_PUT,
                    .put = {.ref = requests_next_ref(self->requests),
                            .sha256 = {(const char *)piece->sha256, 32},
                            .size = piece->size,
                            .offset = piece->offset,
                            .query = is_query,
                            .has_query = is_query},
                    .body = {piece->data, is_query ? 0 : piece->data_size}};

    return request_begin(self, &msg, &no_job, (request_fn_t){.stored = fn}, arg);
}
