#include "actors/retention/retention.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "actors/kit/runtime/log.h"
#include "actors/retention/statements.def"

enum { JOB_MAX = 64, DUE_MAX = 32 };

enum { RETENTION_STATEMENTS(PG_STATEMENT_ID) STMT_COUNT };
static const struct pg_statement statements[] = {RETENTION_STATEMENTS(PG_STATEMENT_ROW)};

typedef struct {
    const service_t *service;
    bool has_schedule, has_cron;
    bool is_busy;               /* the database was asked something */
    char due[DUE_MAX][JOB_MAX]; /* what the last look found, each to be run once */
    int due_count, next;
    const char *job; /* of these, the one that runs, or ran last; "" at first */
} retention_t;

static void run_next(retention_t *self);

static const char *const outcomes[] = {"ok", "failed", "busy"};

static void
count_run(const retention_t *self, const char *outcome)
{
    char label[METERS_LABEL];

    meters_add(self->service->meters, METRIC_RETENTION_RUNS,
               meters_label(label, self->job, outcome, NULL), 1);
}

/* names: a line each */
static void
know_jobs(const retention_t *self, const char *names)
{
    meters_t *meters = self->service->meters;
    char name[JOB_MAX], label[METERS_LABEL];

    for (size_t size; (size = strcspn(names, "\n")); names += size + (names[size] == '\n')) {
        snprintf(name, sizeof(name), "%.*s", (int)size, names);
        meters_know(meters, METRIC_RETENTION_DELETED, name);
        for (size_t i = 0; i < sizeof(outcomes) / sizeof(outcomes[0]); i++)
            meters_know(meters, METRIC_RETENTION_RUNS,
                        meters_label(label, name, outcomes[i], NULL));
    }
}

/* run: retention_run_json. */
static void
note_run(const retention_t *self, const json_t *run)
{
    const json_t *ok = json_object_get(run, "ok");
    const char *error = json_string_value(json_object_get(run, "error"));
    json_int_t deleted = json_integer_value(json_object_get(run, "deleted_count"));
    json_int_t ms = json_integer_value(json_object_get(run, "duration_ms"));
    char quoted[600] = "none";

    if (error)
        log_quote(error, strlen(error), quoted, sizeof(quoted));
    count_run(self, json_is_true(ok) ? "ok" : json_is_false(ok) ? "failed" : "busy");
    meters_add(self->service->meters, METRIC_RETENTION_DELETED, self->job, (uint64_t)deleted);
    meters_observe_us(self->service->meters, METRIC_RETENTION_SECONDS, self->job, ms * 1000);
    if (json_is_false(ok))
        log_warn("retention.failed", "job=%s deleted=%lld ms=%lld what=%s", self->job,
                 (long long)deleted, (long long)ms, quoted);
    else
        log_info("retention.ran", "job=%s deleted=%lld ms=%lld what=%s", self->job,
                 (long long)deleted, (long long)ms, quoted);
}

static void
on_unlocked(void *arg, const struct pg_outcome *outcome)
{
    retention_t *self = arg;

    (void)outcome;
    self->is_busy = false;
    run_next(self);
}

/* It raised: the log has no word of it, and the next look finds it due again. */
static void
on_raised(retention_t *self, const struct pg_outcome *outcome)
{
    pg_unit_t *unit;

    count_run(self, "failed");
    log_error("retention.raised", "job=%s error=%s sqlstate=%s", self->job,
              tm_err_name(outcome->err), outcome->sqlstate);
    unit = pg_unit_new(self->service->pg);
    pg_add(unit, STMT_RETENTION_UNLOCK);
    pg_text(unit, self->job);
    pg_send(&unit, on_unlocked, self);
}

static void
on_run(void *arg, const struct pg_outcome *outcome)
{
    retention_t *self = arg;
    const char *text = outcome->err ? NULL : pg_get(outcome->results[0], 0, 0);
    tm_auto(json) run = text ? json_loads(text, 0, NULL) : NULL;

    self->is_busy = false;
    if (run) {
        note_run(self, run);
        run_next(self);
    } else if (outcome->err == TM_STORE_DOWN) {
        log_warn("retention.lost", "job=%s", self->job);
    } else {
        self->is_busy = true;
        on_raised(self, outcome);
    }
}

static void
run_next(retention_t *self)
{
    pg_unit_t *unit;

    if (self->next == self->due_count || !pg_is_up(self->service->pg))
        return;
    self->job = self->due[self->next++];
    log_info("retention.runs", "job=%s", self->job);
    self->is_busy = true;
    unit = pg_unit_new(self->service->pg);
    pg_add(unit, STMT_RETENTION_RUN);
    pg_text(unit, self->job);
    pg_send(&unit, on_run, self);
}

static void
on_due(void *arg, const struct pg_outcome *outcome)
{
    retention_t *self = arg;

    self->is_busy = false;
    self->due_count = outcome->err ? 0 : PQntuples(outcome->results[0]);
    if (self->due_count > DUE_MAX)
        self->due_count = DUE_MAX;
    for (int i = 0; i < self->due_count; i++)
        snprintf(self->due[i], JOB_MAX, "%s", pg_get(outcome->results[0], i, 0));
    self->next = 0;
    run_next(self);
}

static void
ask_what_is_due(retention_t *self)
{
    const settings_t *settings = self->service->settings;
    pg_unit_t *unit = pg_unit_new(self->service->pg);

    self->is_busy = true;
    pg_add(unit, STMT_RETENTION_DUE);
    pg_i64(unit, self->has_cron ? settings->retention_overdue_minutes * 60000 : 0);
    pg_i64(unit, settings->retention_retry_seconds * 1000);
    pg_send(&unit, on_due, self);
}

static void
on_scheduled(void *arg, const struct pg_outcome *outcome)
{
    retention_t *self = arg;
    const char *names = outcome->err ? NULL : pg_get(outcome->results[0], 0, 1);

    self->is_busy = false;
    if (outcome->err)
        return;
    know_jobs(self, names ? names : "");
    self->has_schedule = true;
    self->has_cron = pg_get_bool(outcome->results[0], 0, 0);
    log_info("retention.leads", "schedule=%s", self->has_cron ? "pg_cron" : "own");
    ask_what_is_due(self);
}

static void
schedule(retention_t *self)
{
    pg_unit_t *unit = pg_unit_new(self->service->pg);

    self->is_busy = true;
    pg_add(unit, STMT_RETENTION_SCHEDULE);
    pg_send(&unit, on_scheduled, self);
}

/* The lead may be had and the schedule fail: then it is tried again. */
static void
look(void *state)
{
    retention_t *self = state;

    if (self->is_busy)
        return;
    if (self->has_schedule)
        ask_what_is_due(self);
    else
        schedule(self);
}

static void
resign(void *state)
{
    retention_t *self = state;

    self->has_schedule = false;
}

static tm_err_t
start(void *state, service_t *service)
{
    retention_t *self = state;

    self->job = "";
    if (service->settings->retention_enabled)
        service->tick_ms = (uint32_t)(service->settings->retention_check_seconds * 1000);
    log_info("retention.starts", "enabled=%d", service->settings->retention_enabled);
    return TM_OK;
}

static void
stop(void *state)
{
    retention_t *self = state;

    self->is_busy = true;
}

const struct service_type retention_service = {
    .name = "retention",
    .state_size = sizeof(retention_t),
    .works_unheard = true,
    .database = {.application = "tunemill-retention",
                 .session = RETENTION_SESSION,
                 .statements = statements,
                 .statement_count = STMT_COUNT,
                 .connections = 1},
    .start = start,
    .tick = look,
    .stands_by = true,
    .lead_statement = STMT_RETENTION_LEAD,
    .lead = look,
    .resign = resign,
    .stop = stop,
};
