#include <string.h>

#include "actors/health/probes_inner.h"
#include "actors/kit/util/clock.h"

enum { HOUR_MS = 3600000, FIVE_MINUTES_MS = 300000 };

bool
probes_has_duty(const probes_t *self)
{
    return database_has_duty(self->database);
}

static void
set_gauges(const probes_t *self, int64_t now_ms)
{
    struct component_view view;

    for (component_t i = 0; i < COMPONENT_COUNT; i++) {
        if (!components_view(self->world.board, i, now_ms, &view))
            continue;
        probes_gauge(self, METRIC_COMPONENT_STATUS, view.name, view.status);
        if (view.age_ms >= 0)
            probes_gauge(self, METRIC_COMPONENT_AGE, view.name, view.age_ms / 1000);
        if (view.latency_us >= 0)
            probes_gauge(self, METRIC_COMPONENT_LATENCY, view.name, view.latency_us);
    }
}

static void
on_tick(void *arg)
{
    probes_t *self = arg;

    processes_look(self);
    queues_look(self);
    components_tick(self->world.board, clock_ms());
    set_gauges(self, clock_ms());
}

static void
tell_of_no_qdrant(probes_t *self)
{
    struct component_report report = {.status = HEALTH_UNKNOWN,
                                      .is_absent = true,
                                      .latency_us = -1,
                                      .error = "not configured: health.qdrant_url is empty"};

    probes_report(self, COMPONENT_QDRANT, &report);
}

static void
init_windows(probes_t *self)
{
    struct window *hours[] = {&self->published, &self->drops, &self->degraded, &self->llm_good,
                              &self->llm_bad};

    for (size_t i = 0; i < sizeof(hours) / sizeof(hours[0]); i++)
        window_init(hours[i], HOUR_MS);
    window_init(&self->lost, FIVE_MINUTES_MS);
    window_init(&self->refused, FIVE_MINUTES_MS);
}

probes_t *
probes_new(const struct probing_world *world, const struct probes_model *model)
{
    probes_t *self = zmalloc(sizeof(*self));

    *self = (probes_t){.world = *world,
                       .began_ms = clock_ms(),
                       .kinds = json_object(),
                       .ingest_queues = json_object(),
                       .ingest_sources = json_object()};
    if (model)
        self->model = *model;
    init_windows(self);
    self->database = database_new(self);
    if (world->settings->health_qdrant_url[0])
        self->qdrant = qdrant_new(self);
    if (strcmp(world->settings->events_bus, "redis") == 0)
        self->redis = redis_probe_new(self);
    self->timer =
        loop_timer(world->loop, (uint32_t)probes_interval_ms(self), true, on_tick, self);
    if (!self->qdrant)
        tell_of_no_qdrant(self);
    return self;
}

void
probes_destroy(probes_t **self_p)
{
    probes_t *self = *self_p;

    if (!self)
        return;
    loop_timer_end(self->world.loop, self->timer);
    database_destroy(&self->database);
    qdrant_destroy(&self->qdrant);
    redis_probe_destroy(&self->redis);
    json_decref(self->queues.json);
    json_decref(self->workers.json);
    json_decref(self->kinds);
    json_decref(self->ingest_queues);
    json_decref(self->ingest_sources);
    free(self);
    *self_p = NULL;
}

static void *
open_probes(const struct probing_world *world, const void *model)
{
    return probes_new(world, model);
}

static void
close_probes(void **state_p)
{
    probes_t *probes = *state_p;

    probes_destroy(&probes);
    *state_p = NULL;
}

struct probing
probes_probing(const struct probes_model *model)
{
    return (struct probing){.open = open_probes, .close = close_probes, .arg = model};
}
