/* What health_retention() of functions/health.sql says of each job of retention. */
#include <string.h>

#include "actors/health/probes_inner.h"
#include "actors/kit/util/auto.h"

enum { FAILURES = 3, LATE_S = 26 * 3600 };

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
    json_object_set_new(details, "consecutive_failures", json_integer(number(bad, "failures")));
    return details;
}

static bool
nobody_deletes(const probes_t *self, const json_t *said)
{
    return self->world.fleet && probes_is_warm(self) &&
           !json_is_true(json_object_get(said, "pg_cron")) &&
           federation_processes(self->world.fleet, "retention") == 0;
}

static void
judge(const probes_t *self, const json_t *said, const json_t *bad,
      struct component_report *report)
{
    const char *name = json_string_value(json_object_get(bad, "job"));
    const long long failures = number(bad, "failures"), age_s = number(bad, "age");

    if (failures > 0)
        component_wrong(report, failures < FAILURES ? HEALTH_DEGRADED : HEALTH_ERROR,
                        "the job %s has failed %lld times in a row", name, failures);
    else if (age_s > LATE_S)
        component_wrong(report, HEALTH_DEGRADED, "the job %s last ended well %lld h ago", name,
                        age_s / 3600);
    else if (nobody_deletes(self, said))
        component_wrong(report, HEALTH_DEGRADED,
                        "neither pg_cron nor `tunemill retention` runs");
}

void
read_retention(probes_t *self, const PGresult *result, int64_t took_us)
{
    const char *text = pg_get(result, 0, 0);
    tm_auto(json) said = text ? json_loads(text, 0, NULL) : NULL;
    const json_t *jobs = json_object_get(said, "jobs");
    const json_t *bad = worst(jobs);
    struct component_report report = {.is_absent = !jobs,
                                      .latency_us = took_us,
                                      .details = details_of(said, newest(jobs), bad)};

    if (jobs)
        judge(self, said, bad, &report);
    else
        component_wrong(&report, HEALTH_UNKNOWN,
                        "not configured: the database has no retention jobs");
    set_gauges(self, jobs);
    probes_report(self, COMPONENT_RETENTION, &report);
}
