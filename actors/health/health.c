#include "actors/health/health.h"

#include <string.h>

#include "actors/health/probes.h"
#include "actors/health/webhooks.h"
#include "actors/kit/runtime/log.h"
#include "actors/kit/util/clock.h"

typedef struct {
    service_t *service;
    components_t *board;
    probes_t *probes;
    webhooks_t *webhooks;
} health_t;

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

static tm_err_t
start(void *state, service_t *service)
{
    health_t *self = state;
    const struct probing *probing = service->given;
    struct probing_world world = {.loop = service->loop,
                                  .settings = service->settings,
                                  .meters = service->meters,
                                  .fleet = service->federation,
                                  .is_gauging = true};
    struct webhooks_options options = {.loop = service->loop,
                                       .settings = service->settings,
                                       .meters = service->meters,
                                       .has_duty = has_duty,
                                       .arg = self};

    options.board = world.board = self->board = components_new(clock_ms());
    components_on_change(self->board, on_change, self);
    self->probes = probing->open(&world, probing->arg);
    self->webhooks = webhooks_new(&options);
    return self->webhooks ? TM_OK : TM_BAD_SETTING;
}

static void
fini(void *state)
{
    health_t *self = state;

    webhooks_destroy(&self->webhooks);
    probes_destroy(&self->probes);
    components_destroy(&self->board);
}

const struct service_type health_service = {
    .name = "health",
    .state_size = sizeof(health_t),
    .metrics = SERVICE_WATCHES,
    .start = start,
    .fini = fini,
};
