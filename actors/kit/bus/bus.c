#include "actors/kit/bus/bus.h"

#include <string.h>

#include "actors/kit/util/clock.h"
#include "actors/kit/runtime/log.h"

struct bus {
    loop_t *loop;
    const settings_t *settings;
    meters_t *metrics;
    struct bus_reader reader;
    const struct bus_type *type;
    void *state;
    int64_t last, live; /* told so far; what had happened at the start */
    bool has_told;      /* since the last batch */
};

static const struct bus_type *
find(const char *name)
{
    const struct bus_type *const types[] = {&bus_postgres, &bus_redis, &bus_memory};

    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        if (strcmp(types[i]->name, name) == 0)
            return types[i];
    return NULL;
}

bus_t *
bus_new(loop_t *loop, const settings_t *settings, meters_t *metrics,
        const struct bus_reader *reader)
{
    bus_t *self = zmalloc(sizeof(*self));

    *self = (bus_t){.loop = loop,
                    .settings = settings,
                    .metrics = metrics,
                    .reader = *reader,
                    .type = find(settings->events_bus),
                    .last = -1};
    for (unsigned topic = 0; topic_name(topic); topic++)
        meters_know(metrics, METRIC_EVENTS, topic_name(topic));
    if (!self->type)
        log_error("events.bad_bus", "bus=%s what=\"events.bus is memory, postgres or redis\"",
                  settings->events_bus);
    else
        self->state = self->type->open(self);
    if (!self->state)
        bus_destroy(&self);
    return self;
}

void
bus_destroy(bus_t **self_p)
{
    bus_t *self = *self_p;

    if (self && self->state)
        self->type->close(&self->state);
    free(self);
    *self_p = NULL;
}

void
bus_replay(bus_t *self, int64_t after, size_t limit, bus_page_fn *fn, void *arg)
{
    self->type->replay(self->state, after, limit, fn, arg);
}

loop_t *
bus_loop(const bus_t *self)
{
    return self->loop;
}

const settings_t *
bus_settings(const bus_t *self)
{
    return self->settings;
}

meters_t *
bus_metrics(const bus_t *self)
{
    return self->metrics;
}

int64_t
bus_last(const bus_t *self)
{
    return self->last;
}

void
bus_start(bus_t *self, int64_t last, int64_t live)
{
    self->last = last;
    self->live = live;
    self->reader.on_start(self->reader.arg, last, live);
}

/* One of each batch, the oldest, stands for it. */
static void
measure(bus_t *self, const struct bus_event *event)
{
    static const char name[] = "\"timestamp\" : \"";
    const char *at = event->id > self->live ? strstr(event->text, name) : NULL;
    int64_t from_ms = at ? clock_parse(at + strlen(name)) : -1;

    if (from_ms >= 0)
        meters_observe_us(self->metrics, METRIC_EVENT_DELIVERY, NULL,
                          (clock_utc_ms() - from_ms) * 1000);
}

void
bus_tell(bus_t *self, const struct bus_event *event)
{
    if (event->id <= self->last)
        return;
    if (event->id != self->last + 1)
        bus_start(self, event->id - 1, event->id - 1);
    self->last = event->id;
    if (!self->has_told)
        measure(self, event);
    self->has_told = true;
    meters_add(self->metrics, METRIC_EVENTS, topic_name(topic_find(event->topic)), 1);
    self->reader.on_event(self->reader.arg, event);
}

void
bus_batch(bus_t *self)
{
    if (self->has_told)
        self->reader.on_batch(self->reader.arg);
    self->has_told = false;
}
