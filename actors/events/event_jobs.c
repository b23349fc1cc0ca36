#include "actors/events/event_jobs.h"

#include "actors/kit/bus/event_rows.h"
#include "actors/kit/pg/pg_settings.h"

struct event_jobs {
    const service_t *service;
    pg_sync_t *pg;
};

event_jobs_t *
event_jobs_new(const service_t *service)
{
    struct pg_options options =
        pg_settings_options(service->settings, service->meters, "tunemill-event-jobs");
    event_jobs_t *self = zmalloc(sizeof(*self));

    options.statements = event_statements;
    options.statement_count = STMT_COUNT;
    self->service = service;
    self->pg = pg_sync_new(&options);
    return self;
}

void
event_jobs_destroy(event_jobs_t **self_p)
{
    event_jobs_t *self = *self_p;

    if (!self)
        return;
    pg_sync_destroy(&self->pg);
    free(self);
    *self_p = NULL;
}

void
event_jobs_take(event_jobs_t *self, tm_job_t **job_p)
{
    tm_worker_t *worker = self->service->worker;
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
        tm_worker_done(worker, job_p, true, NULL, 0);
    else if (err == TM_BAD_REQUEST)
        tm_worker_reject(worker, job_p, err, outcome->message);
    else
        tm_worker_fail(worker, job_p, err, tm_err_text(err), true);
}
