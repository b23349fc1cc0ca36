/* What health_retention() of functions/health.sql says of each job of retention. */
#include <stdio.h>
#include <string.h>

#include "actors/health/probes_inner.h"
#include "actors/kit/util/auto.h"

enum { FAILURES = 3, LATE_S = 26 * 3600 };

static json_int_t
number(const json_t *job, const char *name)
{
    return json_integer_value(json_object_get(job, name));
}

static void
set_gauges(const probes_t *self, const json_t *jobs)
{
    const json_t *job;
    size_t i;

    json_array_foreach(jobs, i, job)
    {
        const char *name = json_string_value(json_object_get(job, "job"));

        if (number(job, "success"))
            probes_gauge(self, METRIC_RETENTION_LAST_SUCCESS, name, number(job, "success"));
        probes_gauge(self, METRIC_RETENTION_FAILURES, name, number(job, "failures"));
        probes_gauge(self, METRIC_RETENTION_LAST_DELETED, name, number(job, "deleted"));
    }
}

/* The newest run, whichever job's it was. */
static const json_t *
newest(const json_t *jobs)
{
    const json_t *best = NULL, *job;
    size_t i;

    json_array_foreach(jobs, i, job) if (!best || number(job, "at") > number(best, "at")) best =
        job;
    return best;
}

/* The job that has failed most often, or else waits longest for a good end. */
static const json_t *
worst(const json_t *jobs)
{
    const json_t *best = NULL, *job;
    size_t i;

    json_array_foreach(jobs, i, job) if (!best ||
                                         number(job, "failures") > number(best, "failures") ||
                                         (number(job, "failures") == number(best, "failures") &&
                                          number(job, "age") > number(best, "age"))) best = job;
    return best;
}

static json_t *
details_of(const json_t *said, const json_t *last, const json_t *bad)
{
    json_t *details = json_object();
    static const char *const names[][2] = {{"last_run_at", "at_text"},
                                           {"last_run_ok", "ok"},
                                           {"last_run_job", "job"},
                                           {"rows_deleted_last", "deleted"}};

    json_object_set(details, "pg_cron_available", json_object_get(said, "pg_cron"));
    for (size_t i = 0; last && i < sizeof(names) / sizeof(names[0]); i++)
        json_object_set(details, names[i][0], json_object_get(last, names[i][1]));
    json_object_set_new(details, "consecutive_failures",
                        json_integer(bad ? number(bad, "failures") : 0));
    return details;
}

static bool
nobody_deletes(const probes_t *self, const json_t *said)
{
    int64_t age_ms;

    return self->world.fleet && probes_is_warm(self) &&
           !json_is_true(json_object_get(said, "pg_cron")) &&
           federation_processes(self->world.fleet, "retention", &age_ms) == 0;
}

static health_status_t
judge(const probes_t *self, const json_t *said, const json_t *bad, char *error, size_t size)
{
    const char *name = json_string_value(json_object_get(bad, "job"));
    const json_int_t failures = bad ? number(bad, "failures") : 0;

    if (failures > 0) {
        snprintf(error, size, "the job %s has failed %lld times in a row", name,
                 (long long)failures);
        return failures < FAILURES ? HEALTH_DEGRADED : HEALTH_ERROR;
    }
    if (bad && number(bad, "age") > LATE_S) {
        snprintf(error, size, "the job %s last ended well %lld h ago", name,
                 (long long)number(bad, "age") / 3600);
        return HEALTH_DEGRADED;
    }
    if (nobody_deletes(self, said)) {
        snprintf(error, size, "neither pg_cron nor `tunemill retention` runs");
        return HEALTH_DEGRADED;
    }
    return HEALTH_OK;
}

void
read_retention(probes_t *self, const PGresult *result, int64_t took_us)
{
    const char *text = pg_get(result, 0, 0);
    tm_auto(json) said = text ? json_loads(text, 0, NULL) : NULL;
    const json_t *jobs = json_object_get(said, "jobs");
    const json_t *bad = worst(jobs);
    char error[COMPONENT_ERROR_MAX] = "";
    struct component_report report = {
        .latency_us = took_us, .error = error, .details = details_of(said, newest(jobs), bad)};

    if (jobs) {
        report.status = judge(self, said, bad, error, sizeof(error));
    } else {
        report.status = HEALTH_UNKNOWN;
        report.is_absent = true;
        report.error = "not configured: the database has no retention jobs";
    }
    set_gauges(self, jobs);
    probes_report(self, COMPONENT_RETENTION, &report);
}
