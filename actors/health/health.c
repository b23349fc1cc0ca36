#include "actors/health/health.h"

#include <errno.h>
#include <stdio.h>

#include "actors/health/webhooks.h"
#include "actors/kit/util/clock.h"
#include "actors/kit/runtime/log.h"
#include "actors/kit/sentry/sentry.h"

typedef struct {
    const settings_t *settings;
    loop_t *loop;
    meters_t *meters;
    federation_t *fleet;
    components_t *board;
    probes_t *probes;
    webhooks_t *webhooks;
} health_t;

static void
on_drain(void *arg)
{
    health_t *self = arg;

    loop_stop(self->loop);
}

static bool
has_duty(void *arg)
{
    const health_t *self = arg;

    return probes_has_duty(self->probes);
}

static void
on_change(void *arg, component_t component)
{
    const health_t *self = arg;
    struct component_view view;
    char quoted[2 * COMPONENT_ERROR_MAX];

    if (!components_view(self->board, component, clock_ms(), &view))
        return;
    log_info("health.component", "component=%s status=%s what=%s", view.name, view.word,
             log_quote(view.error, strlen(view.error), quoted, sizeof(quoted)));
}

static bool
open_all(health_t *self, const struct probes_model *model)
{
    struct probing_world world = {.settings = self->settings, .is_gauging = true};
    struct webhooks_options options = {
        .settings = self->settings, .has_duty = has_duty, .arg = self};

    options.loop = world.loop = self->loop = loop_new();
    loop_signals(self->loop, on_drain, self);
    options.meters = world.meters = self->meters = meters_new("health");
    options.board = world.board = self->board = components_new(clock_ms());
    sentry_count(self->meters);
    components_on_change(self->board, on_change, self);
    world.fleet = self->fleet = federation_new(self->loop, self->settings, self->meters, true);
    if (!self->fleet)
        return false;
    self->probes = probes_new(&world, model);
    self->webhooks = webhooks_new(&options);
    return self->webhooks != NULL;
}

static void
close_all(health_t *self)
{
    webhooks_destroy(&self->webhooks);
    probes_destroy(&self->probes);
    federation_destroy(&self->fleet);
    components_destroy(&self->board);
    loop_destroy(&self->loop);
    sentry_count(NULL);
    meters_destroy(&self->meters);
}

tm_err_t
health_run(const settings_t *settings, const struct probes_model *model, int ready_fd)
{
    health_t self = {.settings = settings};
    tm_err_t err = open_all(&self, model) ? TM_OK : TM_BAD_SETTING;

    if (!err) {
        log_info("health.ready", "interval_ms=%lld", (long long)settings->health_interval_ms);
        if (ready_fd >= 0 && dprintf(ready_fd, "ready\n") < 0)
            log_warn("health.ready_unheard", "errno=%d", errno);
        loop_run(self.loop);
        log_info("health.stopped", "writes=%llu",
                 (unsigned long long)components_writes(self.board));
    }
    close_all(&self);
    return err;
}
