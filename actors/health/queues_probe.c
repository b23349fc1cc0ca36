/* Brokers answer for themselves; what is in the queues and who works, the database knows. While
 * it is away the last figures stand, and say how old they are. */
#include <string.h>

#include "actors/health/probes_inner.h"
#include "actors/kit/util/clock.h"

enum {
    OLD_TIMES = 5,   /* figures older than so many intervals, and */
    OLD_MS = 5000,   /* than this */
    WAIT_S = 900,    /* of a ready job */
    UNSERVED_S = 30, /* of a ready job that nobody could take */
};

#define INGEST "ingest"

static bool
is_old(const probes_t *self, const struct seen *seen)
{
    int64_t limit_ms = OLD_TIMES * probes_interval_ms(self);

    return clock_ms() - (seen->json ? seen->at_ms : self->began_ms) >
           (limit_ms > OLD_MS ? limit_ms : OLD_MS);
}

static void
say_age(const struct seen *seen, const char *what, health_status_t status,
        struct component_report *report)
{
    if (seen->json)
        component_wrong(report, status,
                        "the database does not say %s; what stands here is %lld s old", what,
                        (long long)(clock_ms() - seen->at_ms) / 1000);
    else
        component_wrong(report, status, "the database has not said %s", what);
}

static bool
serves(const json_t *worker, const char *queue)
{
    const json_t *one;
    size_t i;

    json_array_foreach(json_object_get(worker, "queues"), i,
                       one) if (json_is_string(one) &&
                                (strcmp(json_string_value(one), queue) == 0 ||
                                 strcmp(json_string_value(one), "*") == 0)) return true;
    return false;
}

static json_int_t
workers_of(const probes_t *self, const char *queue)
{
    const json_t *worker;
    json_int_t count = 0;
    size_t i;

    json_array_foreach(json_object_get(self->workers.json, "workers"), i, worker) count +=
        serves(worker, queue);
    return count;
}

static void
set_queue_gauges(const probes_t *self, const char *name, const json_t *queue,
                 json_int_t workers)
{
    static const char *const states[] = {"ready", "running", "scheduled", "waiting", "dead"};
    double oldest_s = json_number_value(json_object_get(queue, "oldest_ready_seconds"));

    for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++)
        probes_gauge_of(self, METRIC_QUEUE_JOBS, name, states[i], number(queue, states[i]));
    probes_gauge(self, METRIC_QUEUE_OLDEST, name, (int64_t)oldest_s);
    probes_gauge(self, METRIC_QUEUE_PAUSED, name,
                 json_is_true(json_object_get(queue, "paused")));
    probes_gauge(self, METRIC_QUEUE_WORKERS, name, workers);
}

/* What is wrong with a queue; the longest wait of all is told. */
static void
judge_queue(const json_t *queue, const char *name, json_int_t workers, double *worst_s,
            struct component_report *report)
{
    double oldest_s = json_number_value(json_object_get(queue, "oldest_ready_seconds"));

    if (json_is_true(json_object_get(queue, "paused")) || oldest_s <= *worst_s)
        return;
    if (workers == 0 && oldest_s > UNSERVED_S)
        component_wrong(
            report, HEALTH_DEGRADED,
            "nobody serves the queue %s, where %lld jobs wait, one of them for %.0f s", name,
            (long long)number(queue, "ready"), oldest_s);
    else if (oldest_s > WAIT_S)
        component_wrong(report, HEALTH_DEGRADED,
                        "in the queue %s a job has waited for %.0f min", name, oldest_s / 60);
    else
        return;
    *worst_s = oldest_s;
}

static json_t *
queue_json(const json_t *queue, json_int_t workers)
{
    json_t *oldest = json_object_get(queue, "oldest_ready_seconds");

    return json_pack("{s:I, s:I, s:I, s:I, s:O?, s:I}", "ready", number(queue, "ready"),
                     "running", number(queue, "running"), "scheduled",
                     number(queue, "scheduled"), "dead", number(queue, "dead"),
                     "oldest_ready_age_s", json_is_null(oldest) ? NULL : oldest, "workers",
                     workers);
}

/* A queue that is empty is not told of any more. */
static void
forget_gauges(const probes_t *self, const json_t *now)
{
    struct component_view view;
    const char *name;
    json_t *value;

    if (!components_view(self->world.board, COMPONENT_BROKER, clock_ms(), &view))
        return;
    json_object_foreach(json_object_get(view.details, "queues"), name,
                        value) if (!json_object_get(now, name))
        set_queue_gauges(self, name, NULL, 0);
}

static json_t *
queues_json(probes_t *self, struct component_report *report)
{
    json_t *queues = json_object();
    double worst_s = 0;
    const json_t *queue;
    size_t i;

    json_array_foreach(json_object_get(self->queues.json, "queues"), i, queue)
    {
        const char *name = json_string_value(json_object_get(queue, "queue"));
        json_int_t workers = workers_of(self, name);

        json_object_set_new(queues, name, queue_json(queue, workers));
        set_queue_gauges(self, name, queue, workers);
        judge_queue(queue, name, workers, &worst_s, report);
    }
    forget_gauges(self, queues);
    return queues;
}

static void
judge_brokers(const probes_t *self, struct component_report *report)
{
    size_t configured = 0, alive;
    const char *silent = NULL;

    if (!self->world.fleet)
        return;
    alive = federation_brokers(self->world.fleet, &configured, &silent);
    probes_gauge(self, METRIC_BROKERS_ALIVE, NULL, (int64_t)alive);
    if (alive == configured)
        return;
    if (alive > 0)
        component_wrong(report, HEALTH_DEGRADED,
                        "%zu of %zu brokers do not answer, %.150s among them",
                        configured - alive, configured, silent ? silent : "one");
    else if (!probes_is_warm(self))
        component_wrong(report, HEALTH_UNKNOWN, "no broker has been heard yet");
    else
        component_wrong(report, HEALTH_ERROR,
                        "no broker answers: jobs are neither taken nor run");
}

static void
report_broker(probes_t *self)
{
    struct component_report report = {.latency_us = -1};

    if (self->queues.json)
        report.details = json_pack("{s:o}", "queues", queues_json(self, &report));
    if (is_old(self, &self->queues))
        say_age(&self->queues, "how the queues are", HEALTH_DEGRADED, &report);
    judge_brokers(self, &report); /* what is wrong with them is told instead */
    probes_report(self, COMPONENT_BROKER, &report);
}

/* Adds one to an object's number. */
static void
count_one(json_t *object, const char *name, bool is_so)
{
    if (is_so)
        json_object_set_new(object, name, json_integer(number(object, name) + 1));
}

/* Kinds that were there once stay, with the time they were last seen. */
static const char *
actor_of(const json_t *worker)
{
    const char *actor = json_string_value(json_object_get(worker, "actor"));

    return actor ? actor : "";
}

static json_t *
by_actor(probes_t *self)
{
    const json_t *workers = json_object_get(self->workers.json, "workers"), *worker;
    json_t *kinds = json_object(), *seen;
    const char *kind;
    size_t i;

    json_array_foreach(workers, i, worker) json_object_set(
        self->kinds, actor_of(worker), json_object_get(self->workers.json, "at"));
    json_object_foreach(self->kinds, kind, seen) json_object_set_new(
        kinds, kind, json_pack("{s:i, s:i, s:O}", "alive", 0, "busy", 0, "last_seen", seen));
    json_array_foreach(workers, i, worker)
    {
        json_t *entry = json_object_get(kinds, actor_of(worker));

        count_one(entry, "alive", true);
        count_one(entry, "busy", number(worker, "used") > 0);
    }
    return kinds;
}

static void
set_worker_gauges(const probes_t *self, const json_t *kinds)
{
    static const char *const states[] = {"alive", "busy"};
    const char *kind;
    json_t *entry;

    json_object_foreach((json_t *)(uintptr_t)kinds, kind,
                        entry) for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++)
        probes_gauge_of(self, METRIC_ACTOR_WORKERS, kind, states[i], number(entry, states[i]));
}

/* While the database is away, who still reports to the brokers. */
static json_int_t
tune_workers(const probes_t *self, const json_t *kinds)
{
    if (is_old(self, &self->workers) && self->world.fleet)
        return (json_int_t)federation_processes(self->world.fleet, "tune");
    return number(json_object_get(kinds, "tune"), "alive");
}

static void
report_workers(probes_t *self)
{
    struct component_report report = {.status = HEALTH_OK, .latency_us = -1};
    json_t *kinds;

    if (!self->workers.json && !is_old(self, &self->workers))
        return;
    kinds = by_actor(self);
    set_worker_gauges(self, kinds);
    if (tune_workers(self, kinds) > 0 && is_old(self, &self->workers))
        say_age(&self->workers, "who works", HEALTH_UNKNOWN, &report);
    else if (tune_workers(self, kinds) == 0 && probes_is_warm(self))
        component_wrong(&report, HEALTH_ERROR,
                        "no worker of the kind tune lives: no tune runs");
    else if (tune_workers(self, kinds) == 0)
        component_wrong(&report, HEALTH_UNKNOWN,
                        "no worker of the kind tune has been seen yet");
    report.details = json_pack("{s:o}", "by_actor", kinds);
    probes_report(self, COMPONENT_WORKERS, &report);
}

static json_int_t
pending_ingestion(probes_t *self)
{
    const json_t *queue;
    json_int_t pending = 0;
    size_t i;

    json_array_foreach(json_object_get(self->queues.json, "queues"), i, queue)
    {
        const char *name = json_string_value(json_object_get(queue, "queue"));

        if (strncmp(name, INGEST, strlen(INGEST)) != 0)
            continue;
        json_object_set_new(self->ingest_queues, name, json_true());
        pending += number(queue, "ready") + number(queue, "running") +
                   number(queue, "scheduled") + number(queue, "waiting");
    }
    return pending;
}

static void
report_ingestion(probes_t *self)
{
    json_int_t pending = pending_ingestion(self);
    struct component_report report = {.status = HEALTH_OK,
                                      .latency_us = -1,
                                      .details = json_pack("{s:O, s:I}", "by_source",
                                                           self->ingest_sources, "pending_jobs",
                                                           pending)};

    probes_gauge(self, METRIC_INGESTION_PENDING, NULL, pending);
    probes_report(self, COMPONENT_INGESTION, &report);
}

void
queues_look(probes_t *self)
{
    report_broker(self);
    report_workers(self);
    if (self->queues.json && !is_old(self, &self->queues))
        report_ingestion(self);
}
