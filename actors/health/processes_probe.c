/* What other processes count, as they report it to the brokers
 * (actors/kit/runtime/federation.h). */
#include <string.h>
#include <sys/statvfs.h>

#include "actors/health/probes_inner.h"
#include "actors/kit/util/clock.h"

enum { UNNUMBERED = 1000 };

static double
sum(const probes_t *self, metric_t metric, const char *label)
{
    return federation_sum(self->world.fleet, metric, label);
}

static json_t *
moment_or_null(int64_t utc_ms)
{
    char text[CLOCK_TEXT];

    return utc_ms ? json_string(clock_text(utc_ms, text)) : json_null();
}

static size_t
processes(const probes_t *self, const char *kind)
{
    return federation_processes(self->world.fleet, kind);
}

static bool
has_publisher(const probes_t *self)
{
    return strcmp(self->world.settings->events_bus, "memory") == 0 || !probes_is_warm(self) ||
           processes(self, "events") > 0;
}

static void
report_sse(probes_t *self)
{
    const double waiting = sum(self, METRIC_EVENTS_WAITING, NULL);
    struct component_report report = {
        .status = HEALTH_OK,
        .latency_us = -1,
        .details =
            json_pack("{s:s, s:I, s:I, s:I, s:I}", "bus_type", self->world.settings->events_bus,
                      "subscribers", (json_int_t)sum(self, METRIC_STREAMS, NULL),
                      "events_published_1h", (json_int_t)window_sum(&self->published),
                      "queue_drops_1h", (json_int_t)window_sum(&self->drops), "buffer_size",
                      (json_int_t)self->world.settings->events_buffer)};

    if (!has_publisher(self))
        component_wrong(&report, HEALTH_ERROR,
                        "no `tunemill events` runs: nothing reaches the streams");
    else if (waiting > UNNUMBERED)
        component_wrong(&report, HEALTH_DEGRADED, "%.0f events wait for their number", waiting);
    probes_report(self, COMPONENT_SSE, &report);
}

static json_t *
llm_details(const probes_t *self)
{
    return json_pack("{s:b, s:s?, s:s?, s:I, s:I, s:o, s:o}", "provider_configured",
                     self->model.provider != NULL, "provider", self->model.provider, "model",
                     self->model.model, "degraded_count_1h",
                     (json_int_t)window_sum(&self->degraded), "error_count_1h",
                     (json_int_t)window_sum(&self->llm_bad), "last_success_at",
                     moment_or_null(self->llm_good_utc_ms), "last_error_at",
                     moment_or_null(self->llm_bad_utc_ms));
}

static void
judge_llm(const probes_t *self, struct component_report *report)
{
    if (probes_is_warm(self) && processes(self, "explain") == 0)
        component_wrong(report, HEALTH_ERROR, "no `tunemill explain` runs: no model is asked");
    else if (self->llm_bad_utc_ms > self->llm_good_utc_ms && window_sum(&self->llm_bad) >= 1)
        component_wrong(report,
                        window_sum(&self->llm_good) < 1 ? HEALTH_ERROR : HEALTH_DEGRADED,
                        "the last request to a model failed, and %.0f did in the last hour",
                        window_sum(&self->llm_bad));
}

static void
report_llm(probes_t *self)
{
    struct component_report report = {.latency_us = -1, .details = llm_details(self)};

    report.is_absent = !self->model.provider;
    if (self->model.provider)
        judge_llm(self, &report);
    else
        component_wrong(&report, HEALTH_UNKNOWN,
                        "not configured: no model's key or address is in the environment");
    probes_report(self, COMPONENT_LLM, &report);
}

static struct window *
window_of(probes_t *self, const char *name)
{
    const struct {
        const char *name;
        struct window *window;
    } windows[] = {
        {"db_lost", &self->lost},        {"db_refused", &self->refused},
        {"published", &self->published}, {"drops", &self->drops},
        {"degraded", &self->degraded},   {"llm_good", &self->llm_good},
        {"llm_bad", &self->llm_bad},
    };

    for (size_t i = 0; i < sizeof(windows) / sizeof(windows[0]); i++)
        if (strcmp(windows[i].name, name) == 0)
            return windows[i].window;
    return NULL;
}

/* What it has grown by. */
static double
look_at(probes_t *self, const char *name, double total, int64_t now_ms)
{
    struct window *window = window_of(self, name);
    const double grown = window_look(window, total, now_ms);

    window->unkept += grown;
    if (window->unkept >= 1 &&
        database_keep_count(self->database, name, (int64_t)window->unkept))
        window->unkept = 0;
    return grown;
}

static void
restore(probes_t *self, const PGresult *rows)
{
    self->has_restored = rows != NULL;
    for (int i = 0; rows && i < PQntuples(rows); i++) {
        struct window *window = window_of(self, pg_get(rows, i, 0));

        if (window)
            window_restore(window, pg_get_f64(rows, i, 1), pg_get_i64(rows, i, 2), clock_ms());
    }
}

static void
look_at_llm(probes_t *self, int64_t now_ms)
{
    const double good = sum(self, METRIC_LLM_REQUESTS, "cause=\"ok\"");
    const double all = sum(self, METRIC_LLM_REQUESTS, NULL);
    const double given = sum(self, METRIC_EXPLANATIONS, NULL) -
                         sum(self, METRIC_EXPLANATIONS, "outcome=\"ok\"") -
                         sum(self, METRIC_EXPLANATIONS, "outcome=\"cached\"");

    look_at(self, "degraded", given, now_ms);
    if (look_at(self, "llm_good", good, now_ms) > 0)
        self->llm_good_utc_ms = clock_utc_ms();
    if (look_at(self, "llm_bad", all - good, now_ms) > 0)
        self->llm_bad_utc_ms = clock_utc_ms();
}

static void
look_at_counts(probes_t *self)
{
    const int64_t now_ms = clock_ms();

    if (!self->has_restored)
        database_ask_counts(self->database, restore);
    look_at(self, "db_lost", sum(self, METRIC_DB_ERRORS, "kind=\"lost\""), now_ms);
    look_at(self, "db_refused", sum(self, METRIC_DB_ERRORS, "kind=\"connect\""), now_ms);
    look_at(self, "published", sum(self, METRIC_EVENTS_PUBLISHED, NULL), now_ms);
    look_at(self, "drops", sum(self, METRIC_STREAMS_CLOSED, "reason=\"slow\""), now_ms);
    look_at_llm(self, now_ms);
}

static void
set_process_gauges(const probes_t *self)
{
    static const char *const kinds[] = {"broker",  "http",      "tune",  "events",
                                        "explain", "retention", "health"};
    struct statvfs disk;

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        probes_gauge(self, METRIC_PROCESSES, kinds[i], (int64_t)processes(self, kinds[i]));
    if (statvfs(self->world.settings->system_data_dir, &disk) == 0)
        probes_gauge(self, METRIC_DISK_FREE, NULL,
                     (int64_t)disk.f_bavail * (int64_t)disk.f_frsize);
}

/* Counts are measured from when everybody has been heard: what they had counted before may not
 * be of the last hour. What was is in the database, kept by who looked then. */
void
processes_look(probes_t *self)
{
    if (!self->world.fleet)
        return;
    if (probes_is_warm(self))
        look_at_counts(self);
    report_sse(self);
    report_llm(self);
    if (self->world.is_gauging)
        set_process_gauges(self);
}
