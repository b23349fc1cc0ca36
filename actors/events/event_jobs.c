#include "actors/events/event_jobs.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

#include "actors/kit/bus/event_rows.h"
#include "actors/kit/runtime/log.h"
#include "actors/kit/runtime/broker_settings.h"
#include "proto/worker.h"

enum { LOOK_MS = 200, CREDIT = 64 };

struct event_jobs {
    tm_worker_t *worker;
    pg_sync_t *pg;
    pthread_t thread;
    atomic_bool is_ending;
};

static void
take(event_jobs_t *self, tm_job_t **job_p)
{
    tm_str_t body = tm_job_body(*job_p);
    const struct pg_outcome *outcome = NULL;
    pg_unit_t *unit = pg_unit_sync(self->pg);
    tm_err_t err;

    pg_add(unit, STMT_EVENT_JOB);
    pg_uuid(unit, tm_job_id(*job_p));
    pg_i64(unit, (int64_t)tm_job_attempt(*job_p));
    pg_uuid(unit, tm_job_workspace(*job_p));
    pg_bytes(unit, body.data, body.size);
    err = pg_sync_run(self->pg, &unit, &outcome);
    if (!err)
        tm_worker_done(self->worker, job_p, true, NULL, 0);
    else
        tm_worker_fail(self->worker, job_p, err,
                       err == TM_BAD_REQUEST ? outcome->message : tm_err_text(err),
                       err != TM_BAD_REQUEST);
}

static void *
run(void *arg)
{
    event_jobs_t *self = arg;
    tm_job_t *job = NULL;

    while (!atomic_load(&self->is_ending))
        if (tm_worker_next(self->worker, LOOK_MS, &job) == TM_OK)
            take(self, &job);
    tm_worker_destroy(&self->worker);
    return NULL;
}

static bool
start_thread(event_jobs_t *self)
{
    sigset_t all, before;
    bool is_started;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    is_started = pthread_create(&self->thread, NULL, run, self) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return is_started;
}

static pg_sync_t *
open_database(const settings_t *settings, meters_t *metrics)
{
    struct pg_options options = {
        .url = settings->database_url,
        .application = "tunemill-event-jobs",
        .statements = event_statements,
        .statement_count = STMT_COUNT,
        .connect_timeout_ms = (int)settings->database_connect_timeout_ms,
        .metrics = metrics,
    };

    return pg_sync_new(&options);
}

event_jobs_t *
event_jobs_new(const settings_t *settings, meters_t *metrics)
{
    struct tm_worker_options options = {.brokers = settings->broker_brokers,
                                        .actor = "events",
                                        .queues = "events",
                                        .credit = CREDIT,
                                        .software = TM_VERSION,
                                        .exclusive = true,
                                        .curve = broker_settings_curve(settings)};
    event_jobs_t *self = zmalloc(sizeof(*self));

    self->pg = open_database(settings, metrics);
    self->worker = tm_worker_new(&options);
    if (self->worker && start_thread(self))
        return self;
    broker_settings_complain(settings, "events.bad_brokers");
    tm_worker_destroy(&self->worker);
    pg_sync_destroy(&self->pg);
    free(self);
    return NULL;
}

void
event_jobs_destroy(event_jobs_t **self_p)
{
    event_jobs_t *self = *self_p;

    if (!self)
        return;
    atomic_store(&self->is_ending, true);
    pthread_join(self->thread, NULL);
    pg_sync_destroy(&self->pg);
    free(self);
    *self_p = NULL;
}
