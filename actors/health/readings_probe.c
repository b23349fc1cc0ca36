/* Each reads one row, or several, that the database answered with. */
#include <math.h>
#include <string.h>

#include "actors/health/probes_inner.h"
#include "actors/kit/util/auto.h"
#include "actors/kit/util/clock.h"

enum {
    SLOW_US = 250000, /* an answer to nothing at all */
    BACKENDS_PERCENT = 90,
    TRANSACTION_S = 3600,
    EXPIRED_S = 26 * 3600, /* retention comes once a day */
    PENDING_S = 3600,
    FAILED_TUNES = 5,
};

static json_t *
number_or_null(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *
database_details(const probes_t *self, int64_t took_us)
{
    struct pg_load load;

    database_load(self->database, &load);
    return json_pack(
        "{s:I, s:I, s:o, s:f, s:I}", "pool_size", (json_int_t)load.connections,
        "pool_available", (json_int_t)load.idle, "pool_acquire_ms_p95",
        number_or_null(load.wait_p95_us < 0 ? NAN : (double)load.wait_p95_us / 1000),
        "query_latency_ms", (double)took_us / 1000, "connection_errors_5m",
        (json_int_t)(window_sum(&self->lost) + window_sum(&self->refused)));
}

void
read_ping(probes_t *self, const PGresult *result, int64_t took_us)
{
    struct component_report report = {.latency_us = took_us,
                                      .details = database_details(self, took_us)};

    (void)result;
    if (took_us > SLOW_US)
        component_wrong(&report, HEALTH_DEGRADED,
                        "it takes %lld ms to answer the least question",
                        (long long)took_us / 1000);
    else if (self->backends * 100 > self->backends_max * BACKENDS_PERCENT)
        component_wrong(&report, HEALTH_DEGRADED,
                        "%lld of the %lld connections it allows are taken",
                        (long long)self->backends, (long long)self->backends_max);
    else if (self->oldest_transaction_s > TRANSACTION_S)
        component_wrong(
            &report, HEALTH_DEGRADED,
            "a transaction has been open for %.0f min, and nothing is vacuumed behind it",
            self->oldest_transaction_s / 60);
    probes_gauge(self, METRIC_DB_UP, NULL, 1);
    probes_report(self, COMPONENT_DATABASE, &report);
}

void
read_server(probes_t *self, const PGresult *result, int64_t took_us)
{
    (void)took_us;
    self->backends = pg_get_i64(result, 0, 0);
    self->backends_max = pg_get_i64(result, 0, 1);
    self->oldest_transaction_s = pg_get_f64(result, 0, 2);
    probes_gauge(self, METRIC_DB_BACKENDS, NULL, self->backends);
    probes_gauge(self, METRIC_DB_BACKENDS_MAX, NULL, self->backends_max);
    probes_gauge(self, METRIC_DB_OLDEST_TRANSACTION, NULL, (int64_t)self->oldest_transaction_s);
}

void
read_tables(probes_t *self, const PGresult *result, int64_t took_us)
{
    (void)took_us;
    for (int i = 0; i < PQntuples(result); i++) {
        probes_gauge(self, METRIC_DB_ROWS, pg_get(result, i, 0), pg_get_i64(result, i, 1));
        probes_gauge(self, METRIC_DB_DEAD, pg_get(result, i, 0), pg_get_i64(result, i, 2));
        probes_gauge(self, METRIC_DB_SIZE, NULL, pg_get_i64(result, i, 3));
    }
}

static void
keep(struct seen *seen, const PGresult *result)
{
    const char *text = pg_get(result, 0, 0);
    json_t *json = text ? json_loads(text, 0, NULL) : NULL;

    if (!json)
        return;
    json_decref(seen->json);
    *seen = (struct seen){json, clock_ms()};
}

void
read_queues(probes_t *self, const PGresult *result, int64_t took_us)
{
    (void)took_us;
    keep(&self->queues, result);
    queues_look(self);
}

void
read_workers(probes_t *self, const PGresult *result, int64_t took_us)
{
    (void)took_us;
    keep(&self->workers, result);
    queues_look(self);
}

void
read_ended(probes_t *self, const PGresult *result, int64_t took_us)
{
    (void)took_us;
    for (int i = 0; i < PQntuples(result); i++)
        probes_gauge_of(self, METRIC_QUEUE_ENDED, pg_get(result, i, 0), pg_get(result, i, 1),
                        pg_get_i64(result, i, 2));
}

void
read_ingestion(probes_t *self, const PGresult *result, int64_t took_us)
{
    const char *text = pg_get(result, 0, 0), *source;
    tm_auto(json) sources = text ? json_loads(text, 0, NULL) : json_object();
    json_t *value;

    (void)took_us;
    json_object_foreach(sources, source, value)
    {
        const json_t *good = json_object_get(value, "success");
        const json_t *bad = json_object_get(value, "failure");

        if (json_is_integer(good))
            probes_gauge(self, METRIC_INGESTION_SUCCESS, source, json_integer_value(good));
        if (json_is_integer(bad))
            probes_gauge(self, METRIC_INGESTION_FAILURE, source, json_integer_value(bad));
        json_object_del(value, "success");
        json_object_del(value, "failure");
    }
    json_decref(self->ingest_sources);
    self->ingest_sources = json_incref(sources);
    queues_look(self);
}

void
read_idempotency(probes_t *self, const PGresult *result, int64_t took_us)
{
    const int64_t total = pg_get_i64(result, 0, 0), expired = pg_get_i64(result, 0, 1);
    const int64_t pending = pg_get_i64(result, 0, 3);
    const double expired_s = pg_get_f64(result, 0, 2), pending_s = pg_get_f64(result, 0, 4);
    struct component_report report = {
        .latency_us = took_us,
        .details = json_pack("{s:I, s:I, s:I, s:o, s:o}", "total_keys", (json_int_t)total,
                             "expired_pending", (json_int_t)expired, "pending_requests",
                             (json_int_t)pending, "oldest_pending_age_minutes",
                             number_or_null(pending_s / 60), "oldest_expired_age_hours",
                             number_or_null(expired_s / 3600))};

    if (expired_s > EXPIRED_S)
        component_wrong(&report, HEALTH_DEGRADED,
                        "%lld keys%s have expired and are still there, one for %.0f h",
                        (long long)expired, expired == 10000 ? " or more" : "",
                        expired_s / 3600);
    else if (pending_s > PENDING_S)
        component_wrong(&report, HEALTH_DEGRADED, "a request has been pending for %.0f min",
                        pending_s / 60);
    probes_gauge(self, METRIC_IDEMPOTENCY_KEYS, NULL, total);
    probes_gauge(self, METRIC_IDEMPOTENCY_EXPIRED, NULL, expired);
    probes_gauge(self, METRIC_IDEMPOTENCY_PENDING, NULL, pending);
    probes_gauge(self, METRIC_IDEMPOTENCY_OLDEST_PENDING, NULL,
                 isfinite(pending_s) ? (int64_t)pending_s : 0);
    probes_gauge(self, METRIC_IDEMPOTENCY_OLDEST_EXPIRED, NULL,
                 isfinite(expired_s) ? (int64_t)expired_s : 0);
    probes_report(self, COMPONENT_IDEMPOTENCY, &report);
}

void
read_tunes(probes_t *self, const PGresult *result, int64_t took_us)
{
    const int64_t active = pg_get_i64(result, 0, 0), completed = pg_get_i64(result, 0, 1);
    const int64_t failed = pg_get_i64(result, 0, 2), rejected = pg_get_i64(result, 0, 5);
    struct component_report report = {
        .latency_us = took_us,
        .details = json_pack("{s:I, s:I, s:I, s:I, s:o}", "active_tunes", (json_int_t)active,
                             "completed_24h", (json_int_t)completed, "failed_24h",
                             (json_int_t)failed, "rejected_24h", (json_int_t)rejected,
                             "avg_duration_ms", number_or_null(pg_get_f64(result, 0, 4)))};

    if (failed >= FAILED_TUNES && failed > completed)
        component_wrong(&report, HEALTH_DEGRADED,
                        "of the tunes of the last day %lld failed and %lld did not",
                        (long long)failed, (long long)completed);
    probes_gauge(self, METRIC_TUNES_ACTIVE, NULL, active);
    probes_gauge(self, METRIC_TUNES_24H, "completed", completed);
    probes_gauge(self, METRIC_TUNES_24H, "failed", failed);
    probes_gauge(self, METRIC_TUNES_24H, "canceled", pg_get_i64(result, 0, 3));
    probes_gauge(self, METRIC_TUNES_24H, "rejected", rejected);
    probes_report(self, COMPONENT_TUNES, &report);
}
