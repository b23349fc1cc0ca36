#include "worker.h"

#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "requests.h"
#include "worker_io.h"

struct tm_worker {
    zactor_t *io;
    int drain_fd;
    bool is_drained; /* the network's thread has said that no more jobs come */
    atomic_size_t unsettled;
    atomic_int refusal; /* tm_err_t */
    char *actor, *queues, *software, *brokers, *services;
    uint32_t calls;
    bool is_exclusive;
};

static void
free_parts(tm_worker_t *self)
{
    if (self->drain_fd >= 0)
        close(self->drain_fd);
    free(self->actor);
    free(self->queues);
    free(self->services);
    free(self->software);
    free(self->brokers);
    free(self);
}

static tm_msg_t
hello_of(const tm_worker_t *self, uint32_t credit)
{
    return (tm_msg_t){.type = TM_MSG_HELLO,
                      .hello = {.actor = tm_str(self->actor),
                                .worker = tm_uuid_new(),
                                .queues = tm_str(self->queues),
                                .credit = credit > 0 ? credit : 1,
                                .software = tm_str(self->software),
                                .services = tm_str(self->services),
                                .has_services = self->services[0] != '\0',
                                .calls = self->calls,
                                .has_calls = true,
                                .exclusive = self->is_exclusive,
                                .has_exclusive = self->is_exclusive,
                                .has_software = self->software != NULL}};
}

static char *
copy(const char *text)
{
    return tm_str_dup(tm_str(text));
}

tm_worker_t *
tm_worker_new(const struct tm_worker_options *options)
{
    tm_worker_t *self = zmalloc(sizeof *self);
    uint8_t header[TM_HEADER_MAX];
    bool is_ok = false;

    self->drain_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    self->actor = copy(options->actor);
    self->queues = copy(options->queues);
    self->software = options->software ? copy(options->software) : NULL;
    self->brokers = copy(options->brokers);
    self->services = copy(options->services);
    self->calls = options->calls ? options->calls : 1;
    self->is_exclusive = options->exclusive;
    struct worker_io_options args = {.hello = hello_of(self, options->credit),
                                     .brokers = self->brokers,
                                     .drain_fd = self->drain_fd,
                                     .ret_is_ok = &is_ok,
                                     .unsettled = &self->unsettled,
                                     .curve = &options->curve,
                                     .refusal = &self->refusal};
    if (self->drain_fd >= 0 && options->credit <= CREDIT_MAX && self->calls <= CREDIT_MAX &&
        tm_msg_encode(&args.hello, header) > 0)
        self->io = zactor_new(worker_io, &args);
    PIPE_TAKE(&args);
    if (!is_ok) {
        zactor_destroy(&self->io);
        free_parts(self);
        return NULL;
    }
    return self;
}

void
tm_worker_destroy(tm_worker_t **self_p)
{
    tm_worker_t *self = *self_p;

    if (!self)
        return;
    PIPE_GIVE(self->brokers);
    zactor_destroy(&self->io);
    PIPE_TAKE(self->brokers);
    free_parts(self);
    *self_p = NULL;
}

static void
send_command(tm_worker_t *self, int kind, void *address)
{
    struct command command = {.kind = kind, .address = address};

    PIPE_GIVE(address);
    while (zmq_send(zsock_resolve(self->io), &command, sizeof command, 0) < 0 && errno == EINTR)
        continue;
}

static void
hand_back(tm_worker_t *self, tm_job_t **job_p)
{
    atomic_fetch_add(&self->unsettled, 1);
    send_command(self, COMMAND_END, *job_p);
    *job_p = NULL;
}

/* The next job of the pipe, if one is there. One that was dropped on its way goes straight
 * back.
 */
static tm_job_t *
take_job(tm_worker_t *self)
{
    tm_job_t *job = NULL;

    while (!self->is_drained && zmq_recv(zsock_resolve(self->io), (void *)&job, sizeof job,
                                         ZMQ_DONTWAIT) == (int)sizeof job) {
        PIPE_TAKE(job);
        if (job && !tm_job_is_dropped(job))
            return job;
        self->is_drained = job == NULL;
        if (job)
            hand_back(self, &job);
    }
    return NULL;
}

tm_err_t
tm_worker_next(tm_worker_t *self, int timeout_ms, tm_job_t **ret_job)
{
    int64_t end_ms = timeout_ms < 0 ? INT64_MAX : zclock_mono() + timeout_ms;
    zmq_pollitem_t item = {zsock_resolve(self->io), 0, ZMQ_POLLIN, 0};

    for (;;) {
        tm_job_t *job = take_job(self);
        if (job) {
            *ret_job = job;
            return TM_OK;
        }
        int64_t left_ms = end_ms - zclock_mono();
        if (self->is_drained)
            return TM_DRAINING;
        if (timeout_ms >= 0 && left_ms <= 0)
            return TM_TIMEOUT;
        if (zmq_poll(&item, 1, timeout_ms < 0 ? -1 : (long)left_ms) < 0)
            return TM_DRAINING; /* a signal, and no job was there */
    }
}

void
tm_worker_done(tm_worker_t *self, tm_job_t **job_p, bool settled, const void *body, size_t size)
{
    tm_job_t *job = *job_p;
    tm_msg_t msg = {.type = TM_MSG_DONE,
                    .done = {.job = job->id,
                             .attempt = job->attempt,
                             .settled = settled,
                             .has_settled = settled},
                    .body = {body, size}};
    if (job->call_ref) {
        msg.type = TM_MSG_RETURN;
        msg.returned = (struct tm_returned){.ref = job->call_ref};
    }
    tm_err_t err = size > TM_BODY_MAX ? TM_TOO_LARGE : parcel_init(&job->outcome, &msg);

    if (err)
        job_set_failed(job, err, "the result could not be sent: it is too large for a message",
                       tm_err_retryable(err));
    hand_back(self, job_p);
}

static tm_err_t
add_followers(tm_job_t *job, const struct tm_job_spec *jobs, size_t count)
{
    job->followers = zmalloc((count + 1) * sizeof *job->followers);
    for (; job->follower_count < count; job->follower_count++) {
        tm_msg_t msg = {.type = TM_MSG_SUBMIT};
        request_fill_submit(&msg, &jobs[job->follower_count]);
        tm_err_t err = parcel_init(&job->followers[job->follower_count], &msg);
        if (err)
            return err;
    }
    return TM_OK;
}

void
tm_worker_done_with(tm_worker_t *self, tm_job_t **job_p, const struct tm_job_spec *jobs,
                    size_t count, bool join, const void *body, size_t size)
{
    tm_job_t *job = *job_p;
    tm_msg_t msg = {.type = TM_MSG_DONE,
                    .done = {.job = job->id,
                             .attempt = job->attempt,
                             .followers = count,
                             .has_followers = count > 0,
                             .join = join,
                             .has_join = join && count > 0},
                    .body = {body, size}};
    tm_err_t err = size > TM_BODY_MAX ? TM_TOO_LARGE : parcel_init(&job->outcome, &msg);

    if (!err)
        err = add_followers(job, jobs, count);
    if (err) {
        job_forget_followers(job);
        job_set_failed(job, err, "a job that was to follow is not valid, or is too large",
                       tm_err_retryable(err));
    }
    hand_back(self, job_p);
}

void
tm_worker_fail(tm_worker_t *self, tm_job_t **job_p, tm_err_t code, const char *detail,
               bool retryable)
{
    job_set_failed(*job_p, code, detail, retryable);
    hand_back(self, job_p);
}

void
tm_worker_progress(tm_worker_t *self, const tm_job_t *job, uint64_t done, uint64_t total,
                   const void *body, size_t size)
{
    tm_msg_t msg = {
        .type = TM_MSG_PROGRESS,
        .progress = {.job = job->id, .attempt = job->attempt, .done = done, .total = total},
        .body = {body, size}};
    struct worker_progress *progress = zmalloc(sizeof *progress);

    progress->job = job;
    if (parcel_init(&progress->parcel, &msg)) {
        free(progress); /* too large: progress is for people, and may be missed */
        return;
    }
    send_command(self, COMMAND_PROGRESS, progress);
}

void
tm_worker_drain(tm_worker_t *self)
{
    uint64_t one = 1;

    if (write(self->drain_fd, &one, sizeof one) < 0)
        return; /* full: a drain is already on its way */
}

size_t
tm_worker_pending(const tm_worker_t *self)
{
    return atomic_load(&self->unsettled);
}

tm_err_t
tm_worker_refusal(const tm_worker_t *self)
{
    return (tm_err_t)atomic_load(&self->refusal);
}

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
