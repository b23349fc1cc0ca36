#include "actors/tune/tune.h"

#include <czmq.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "actors/kit/util/clock.h"
#include "actors/kit/runtime/federation.h"
#include "actors/kit/runtime/log.h"
#include "actors/kit/runtime/metrics.h"
#include "actors/kit/sentry/sentry.h"
#include "actors/kit/contracts/tune_request.h"
#include "actors/kit/runtime/broker_settings.h"
#include "actors/tune/recompute/recompute_server.h"
#include "actors/tune/search/tuner.h"
#include "proto/worker.h"

#define END_WATCH SIGUSR1 /* tells the watch to end; nobody else's */
#define LOOK_MS   1000    /* how often a waiting worker looks whether it is refused */

/* ---- one job ---------------------------------------------------------------------------- */

struct lease {
    tm_worker_t *worker;
    tm_job_t *job;
};

static bool
is_dropped(void *arg)
{
    const struct lease *self = arg;

    return tm_job_is_dropped(self->job) || tm_job_is_canceled(self->job);
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

    if (tm_err_http(end->err) < 500 || end->err == TM_LEASE_LOST)
        return;
    sentry_tag(&notes, "workspace_id", tm_uuid_text(tm_job_workspace(job), id));
    sentry_capture(&(struct sentry_capture){.type = "tune.failed",
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
    struct tuner_port port = {&lease, is_dropped, send_progress};
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
    else if (end.err)
        tm_worker_fail(worker, job_p, end.err, end.detail, end.retryable);
    else
        tm_worker_done(worker, job_p, true, end.result, strlen(end.result));
    free(end.result);
    log_trace(NULL);
}

/* ---- signals ---------------------------------------------------------------------------- */

/* Signals are blocked in every thread and taken by one, the watch. */
struct watch {
    tm_worker_t *worker;
    sigset_t signals, before;
    pthread_t thread;
};

static void *
watch_main(void *arg)
{
    struct watch *self = arg;
    bool is_draining = false;
    int number;

    while (sigwait(&self->signals, &number) == 0 && number != END_WATCH) {
        if (is_draining) {
            log_warn("tune.killed", "signal=%d", number);
            _exit(128 + number);
        }
        is_draining = true;
        log_info("tune.draining", "signal=%d", number);
        tm_worker_drain(self->worker);
    }
    return NULL;
}

/* Before any other thread starts, so that all inherit the mask. */
static void
watch_block(struct watch *self)
{
    zsys_handler_set(NULL);
    sigemptyset(&self->signals);
    sigaddset(&self->signals, SIGTERM);
    sigaddset(&self->signals, SIGINT);
    sigaddset(&self->signals, END_WATCH);
    pthread_sigmask(SIG_BLOCK, &self->signals, &self->before);
}

static bool
watch_start(struct watch *self, tm_worker_t *worker)
{
    self->worker = worker;
    return pthread_create(&self->thread, NULL, watch_main, self) == 0;
}

static void
watch_end(struct watch *self)
{
    pthread_kill(self->thread, END_WATCH);
    pthread_join(self->thread, NULL);
}

/* ---- the process ------------------------------------------------------------------------ */

/* Waits for a job, and says once when a broker refuses this worker. */
static tm_err_t
next_job(tm_worker_t *worker, tm_err_t *refusal, tm_job_t **ret_job)
{
    tm_err_t err;

    do {
        tm_err_t now = tm_worker_refusal(worker);
        if (now && now != *refusal)
            log_error("tune.refused",
                      "code=%s what=\"a broker gives this worker no jobs: its "
                      "certificate does not allow the queue %s\"",
                      tm_err_name(now), TUNE_QUEUE);
        *refusal = now;
        err = tm_worker_next(worker, LOOK_MS, ret_job);
    } while (err == TM_TIMEOUT);
    return err;
}

static tm_err_t
serve(const settings_t *settings, tm_worker_t *worker, struct watch *watch)
{
    meters_t *meters = meters_new("tune");
    tuner_t *tuner = tuner_new(settings, meters);
    recompute_server_t *replays = recompute_server_new(settings, meters);
    federation_thread_t *reports = federation_thread_new(settings, meters);
    tm_job_t *job = NULL;
    tm_err_t refusal = TM_OK;
    bool is_watching = watch_start(watch, worker);

    sentry_count(meters);
    if (!replays)
        log_error("tune.no_replays", "what=\"back-tests will not be shown by this process\"");
    if (!reports)
        log_error("tune.no_reports", "what=\"/metrics will not show this process\"");
    if (is_watching)
        log_info("tune.ready", "queue=%s", TUNE_QUEUE);
    while (is_watching && next_job(worker, &refusal, &job) == TM_OK)
        work(worker, tuner, &job);
    if (is_watching)
        watch_end(watch);
    federation_thread_destroy(&reports);
    recompute_server_destroy(&replays);
    tuner_destroy(&tuner);
    sentry_count(NULL);
    meters_destroy(&meters);
    return is_watching ? TM_OK : TM_NO_MEMORY;
}

tm_err_t
tune_run(const settings_t *settings)
{
    struct tm_worker_options options = {.brokers = settings->broker_brokers,
                                        .actor = "tune",
                                        .queues = TUNE_QUEUE,
                                        .credit = 1,
                                        .software = TM_VERSION,
                                        .curve = broker_settings_curve(settings)};
    struct watch watch;
    tm_worker_t *worker;
    tm_err_t err;

    watch_block(&watch);
    worker = tm_worker_new(&options);
    if (!worker) {
        broker_settings_complain(settings, "tune.bad_brokers");
        pthread_sigmask(SIG_SETMASK, &watch.before, NULL);
        return TM_BAD_SETTING;
    }
    err = serve(settings, worker, &watch);
    tm_worker_destroy(&worker);
    pthread_sigmask(SIG_SETMASK, &watch.before, NULL);
    log_info("tune.stopped", "code=%s", tm_err_name(err));
    return err;
}
