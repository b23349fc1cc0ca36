#include "actors/tune/tune.h"

#include <string.h>

#include "actors/kit/util/clock.h"
#include "actors/kit/runtime/log.h"
#include "actors/kit/sentry/sentry.h"
#include "actors/kit/contracts/tune_request.h"
#include "actors/tune/recompute/recompute_server.h"
#include "actors/tune/search/tuner.h"

typedef struct {
    const service_t *service;
    tuner_t *tuner;                 /* the worker thread's */
    recompute_server_t *recomputes; /* the loop's */
} tune_t;

struct lease {
    tm_worker_t *worker;
    tm_job_t *job;
};

static bool
is_dropped(void *arg)
{
    const struct lease *self = arg;

    return tm_job_is_dropped(self->job);
}

static bool
is_canceled(void *arg)
{
    const struct lease *self = arg;

    return tm_job_is_canceled(self->job);
}

static void
send_stopped(void *arg, uint64_t done, uint64_t total, const char *json)
{
    const struct lease *self = arg;

    tm_worker_stopped(self->worker, self->job, done, total, json, strlen(json));
}

static void
send_progress(void *arg, uint64_t done, uint64_t total, const char *json)
{
    const struct lease *self = arg;

    tm_worker_progress(self->worker, self->job, done, total, json, strlen(json));
}

/* A tune that the client got wrong, or somebody canceled, is not our failure. */
static void
tell_failure(const tm_job_t *job, const struct tuner_end *end)
{
    struct sentry_notes notes = {NULL, NULL, NULL};
    char id[TM_UUID_TEXT];

    if (end->is_rejected || end->err == TM_LEASE_LOST)
        return;
    sentry_tag(&notes, "workspace_id", tm_uuid_text(tm_job_workspace(job), id));
    sentry_capture(&(struct sentry_event){.type = "tune.failed",
                                          .level = end->retryable ? "warning" : "error",
                                          .reason = tm_err_name(end->err),
                                          .value = tm_err_text(end->err),
                                          .notes = &notes});
    sentry_notes_fini(&notes);
}

static void
tell(const tm_job_t *job, const struct tuner_end *end, const traceparent_t *trace,
     int64_t took_us)
{
    struct sentry_notes notes = {NULL, NULL, NULL};
    char id[TM_UUID_TEXT];

    if (!sentry_is_on())
        return;
    if (end->err)
        tell_failure(job, end);
    if (sentry_samples(trace)) {
        sentry_tag(&notes, "outcome", end->err ? tm_err_name(end->err) : "done");
        sentry_tag(&notes, "workspace_id", tm_uuid_text(tm_job_workspace(job), id));
        sentry_data(&notes, "messaging.system", "zeromq");
        sentry_data(&notes, "messaging.destination.name", TUNE_QUEUE);
        sentry_data(&notes, "messaging.message.id", tm_uuid_text(tm_job_id(job), id));
        sentry_data_number(&notes, "messaging.message.retry.count", tm_job_attempt(job) - 1);
        sentry_data_number(&notes, "messaging.message.body.size",
                           (double)tm_job_body(job).size);
        sentry_data_number(&notes, "messaging.message.receive.latency", end->queued_ms);
        sentry_number(&notes, "queue_wait", end->queued_ms, "millisecond");
    }
    sentry_transaction(&(struct sentry_transaction){.name = "job " TUNE_QUEUE,
                                                    .source = "task",
                                                    .op = "queue.process",
                                                    .http = tm_err_http(end->err),
                                                    .trace = trace,
                                                    .took_us = took_us,
                                                    .notes = &notes});
    sentry_notes_fini(&notes);
}

static void
work(tm_worker_t *worker, tuner_t *tuner, tm_job_t **job_p)
{
    struct lease lease = {worker, *job_p};
    struct tuner_port port = {&lease, is_dropped, is_canceled, send_stopped, send_progress};
    struct tuner_job job = {.id = *tm_job_id(lease.job),
                            .workspace = *tm_job_workspace(lease.job),
                            .attempt = tm_job_attempt(lease.job),
                            .body = tm_job_body(lease.job)};
    struct tuner_end end;
    traceparent_t trace;
    int64_t started_us = clock_us();

    traceparent_follow(tm_job_traceparent(lease.job), &trace);
    log_trace(&trace);
    tuner_run(tuner, &job, &port, &end);
    tell(lease.job, &end, &trace, clock_us() - started_us);
    if (end.err && tm_job_is_canceled(lease.job))
        tm_worker_fail(worker, job_p, TM_CANCELED, tm_err_text(TM_CANCELED), false);
    else if (end.is_rejected)
        tm_worker_reject(worker, job_p, end.err, end.detail);
    else if (end.err)
        tm_worker_fail(worker, job_p, end.err, end.detail, end.retryable);
    else if (end.is_canceled)
        tm_worker_canceled(worker, job_p);
    else
        tm_worker_done(worker, job_p, true, end.result, strlen(end.result));
    free(end.result);
    log_trace(NULL);
}

static void
take(void *state, tm_job_t **job_p)
{
    const tune_t *self = state;

    work(self->service->worker, self->tuner, job_p);
}

static tm_err_t
start(void *state, service_t *service)
{
    tune_t *self = state;

    self->tuner = tuner_new(service->settings, service->meters);
    self->recomputes = recompute_server_new(service->loop, service->settings, service->meters);
    if (!self->recomputes)
        log_error("tune.no_replays", "what=\"back-tests will not be shown by this process\"");
    return TM_OK;
}

/* Back-tests are shown until the last job has ended. */
static bool
is_drained(void *state)
{
    tune_t *self = state;

    if (self->recomputes)
        recompute_server_drain(self->recomputes);
    return !self->recomputes || recompute_server_pending(self->recomputes) == 0;
}

static void
cut(void *state)
{
    const tune_t *self = state;

    if (self->recomputes)
        log_warn("backtest.drain", "visits=%zu", recompute_server_pending(self->recomputes));
}

static void
fini(void *state)
{
    tune_t *self = state;

    recompute_server_destroy(&self->recomputes);
    tuner_destroy(&self->tuner);
}

const struct service_type tune_service = {
    .name = "tune",
    .state_size = sizeof(tune_t),
    .worker = {.queues = TUNE_QUEUE, .credit = 1},
    .on_thread = true,
    .job = take,
    .start = start,
    .is_drained = is_drained,
    .drain_ms = 10000,
    .cut = cut,
    .fini = fini,
};
