#include "actors/kit/bus/redis_link.h"
#include "actors/health/probes_inner.h"
#include "actors/kit/util/clock.h"

/* A question that is late goes on; none is asked meanwhile. */
struct redis_probe {
    probes_t *probes;
    redis_link_t *link;
    int timer;
    bool is_out;
    int64_t sent_us;
};

static void
on_length(void *arg, const redisReply *reply)
{
    redis_probe_t *self = arg;
    struct component_report report = {.latency_us = clock_us() - self->sent_us};

    self->is_out = false;
    if (!reply) {
        components_miss(self->probes->world.board, COMPONENT_REDIS, HEALTH_ERROR,
                        "it cannot be reached: events wait in the database", clock_ms());
        return;
    }
    if (reply->type == REDIS_REPLY_INTEGER)
        report.details = json_pack("{s:I}", "stream_length", (json_int_t)reply->integer);
    else
        component_wrong(&report, HEALTH_ERROR,
                        "it refuses to say how long the stream of events is");
    probes_report(self->probes, COMPONENT_REDIS, &report);
}

static void
on_tick(void *arg)
{
    redis_probe_t *self = arg;
    const settings_t *settings = self->probes->world.settings;

    if (!self->is_out) {
        self->is_out = true;
        self->sent_us = clock_us();
        redis_link_ask(self->link, on_length, self, "XLEN %s", settings->events_redis_key);
    } else if (clock_us() - self->sent_us > settings->health_deadline_ms * 1000) {
        components_miss(self->probes->world.board, COMPONENT_REDIS, HEALTH_ERROR,
                        "it does not answer: events wait in the database", clock_ms());
    }
}

redis_probe_t *
redis_probe_new(probes_t *probes)
{
    redis_probe_t *self = zmalloc(sizeof(*self));
    loop_t *loop = probes->world.loop;

    *self = (redis_probe_t){.probes = probes};
    self->link = redis_link_new(loop, probes->world.settings->events_redis_url, on_tick, self);
    if (self->link)
        self->timer =
            loop_timer(loop, (uint32_t)probes_interval_ms(probes), true, on_tick, self);
    return self;
}

void
redis_probe_destroy(redis_probe_t **self_p)
{
    redis_probe_t *self = *self_p;

    if (!self)
        return;
    redis_link_destroy(&self->link);
    if (self->timer)
        loop_timer_end(self->probes->world.loop, self->timer);
    free(self);
    *self_p = NULL;
}
