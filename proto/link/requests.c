#include "proto/link/requests.h"

#include <stdlib.h>

#define NOBODY UINT32_MAX

struct requests {
    struct request *slots;
    uint32_t window, pending;
    uint32_t free_head;
    uint32_t head, tail; /* of the queue */
    uint64_t round;      /* makes the refs of one slot differ */
};

requests_t *
requests_new(uint32_t window)
{
    requests_t *self = zmalloc(sizeof *self);

    self->window = window;
    self->slots = zmalloc(window * sizeof *self->slots);
    for (uint32_t i = 0; i < window; i++)
        self->slots[i].next = i + 1 < window ? i + 1 : NOBODY;
    self->head = self->tail = NOBODY;
    self->round = 1;
    return self;
}

void
requests_destroy(requests_t **self_p)
{
    requests_t *self = *self_p;

    if (!self)
        return;
    for (uint32_t i = 0; i < self->window; i++)
        encoded_msg_fini(&self->slots[i].parcel);
    free(self->slots);
    free(self);
    *self_p = NULL;
}

uint64_t
requests_next_ref(const requests_t *self)
{
    return self->free_head == NOBODY ? 0 : self->round * self->window + self->free_head;
}

static void
unlink_queued(requests_t *self, struct request *request)
{
    if (request->prev == NOBODY)
        self->head = request->next;
    else
        self->slots[request->prev].next = request->next;
    if (request->next == NOBODY)
        self->tail = request->prev;
    else
        self->slots[request->next].prev = request->prev;
}

void
requests_queue(requests_t *self, struct request *request)
{
    uint32_t index = (uint32_t)(request - self->slots);

    if (request->state == REQUEST_QUEUED)
        return;
    request->state = REQUEST_QUEUED;
    request->prev = self->tail;
    request->next = NOBODY;
    if (self->tail == NOBODY)
        self->head = index;
    else
        self->slots[self->tail].next = index;
    self->tail = index;
}

void
requests_leave(requests_t *self, struct request *request, enum request_state state,
               int64_t due_ms)
{
    if (request->state == REQUEST_QUEUED)
        unlink_queued(self, request);
    request->state = state;
    request->due_ms = due_ms;
}

struct request *
requests_add(requests_t *self, tm_msg_type_t type, encoded_msg_t *parcel)
{
    struct request *request = &self->slots[self->free_head];
    uint64_t ref = requests_next_ref(self);

    self->free_head = request->next;
    self->round++;
    self->pending++;
    *request = (struct request){
        .ref = ref, .type = type, .parcel = *parcel, .start_ms = zclock_mono()};
    *parcel = (encoded_msg_t){0};
    requests_queue(self, request);
    return request;
}

void
requests_end(requests_t *self, struct request *request)
{
    if (request->state == REQUEST_QUEUED)
        unlink_queued(self, request);
    encoded_msg_fini(&request->parcel);
    request->ref = 0;
    request->state = REQUEST_FREE;
    request->next = self->free_head;
    self->free_head = (uint32_t)(request - self->slots);
    self->pending--;
}

struct request *
requests_find(requests_t *self, uint64_t ref)
{
    struct request *request = &self->slots[ref % self->window];

    return ref != 0 && request->ref == ref ? request : NULL;
}

struct request *
requests_queued(requests_t *self)
{
    return self->head == NOBODY ? NULL : &self->slots[self->head];
}

size_t
requests_pending(const requests_t *self)
{
    return self->pending;
}

struct request *
requests_walk(requests_t *self, uint32_t *index)
{
    while (self->pending > 0 && *index < self->window) {
        struct request *request = &self->slots[(*index)++];
        if (request->state != REQUEST_FREE)
            return request;
    }
    return NULL;
}

void
request_report_failure(const struct request *self, tm_err_t err, const char *detail,
                       uint64_t retry_after_ms)
{
    if (self->type == TM_MSG_SUBMIT && self->fn.answer) {
        struct tm_answer answer = {err, self->job, false, detail, retry_after_ms};
        self->fn.answer(self->arg, &answer);
    } else if (self->type == TM_MSG_PUT && self->fn.stored) {
        self->fn.stored(self->arg, err, false, detail);
    } else if (self->type == TM_MSG_CALL && self->fn.returned) {
        self->fn.returned(self->arg, err, detail, tm_str(""));
    } else if (self->fn.state) {
        struct tm_state state = {.job = self->job,
                                 .state = tm_str("unknown"),
                                 .code = tm_str(tm_err_name(err)),
                                 .has_code = true,
                                 .detail = tm_str(detail),
                                 .has_detail = true};
        self->fn.state(self->arg, err, &state, tm_str(""));
    }
}

void
request_fill_submit(tm_msg_t *msg, const struct tm_job_spec *spec)
{
    msg->submit = (struct tm_submit){
        .ref = 0,
        .job = tm_uuid_is_nil(&spec->job) ? tm_uuid_new() : spec->job,
        .queue = tm_str(spec->queue),
        .workspace = spec->workspace,
        .key = tm_str(spec->key),
        .has_key = spec->key != NULL,
        .scope = tm_str(spec->scope),
        .has_scope = spec->scope != NULL,
        .request_hash = {(const char *)spec->request_hash, 32},
        .has_request_hash = spec->request_hash != NULL,
        .priority = spec->priority,
        .has_priority = spec->has_priority,
        .delay_ms = spec->delay_ms,
        .has_delay_ms = spec->delay_ms > 0,
        .max_attempts = spec->max_attempts,
        .has_max_attempts = spec->max_attempts > 0,
        .timeout_ms = spec->timeout_ms,
        .has_timeout_ms = spec->timeout_ms > 0,
        .traceparent = tm_str(spec->traceparent),
        .has_traceparent = spec->traceparent != NULL,
        .watch = spec->watch,
        .has_watch = spec->watch,
        .expires_ms = spec->expires_ms,
        .has_expires_ms = spec->expires_ms > 0,
    };
    msg->body = (tm_str_t){spec->body, spec->body_size};
}
