#include "actors/health/probes_inner.h"
#include "actors/kit/util/clock.h"

enum { WARM_MS = 3 * FEDERATION_REPORT_MS };

void
probes_report(probes_t *self, component_t component, struct component_report *report)
{
    components_set(self->world.board, component, report, clock_ms());
}

void
probes_gauge(const probes_t *self, metric_t metric, const char *label, int64_t value)
{
    if (self->world.is_gauging)
        meters_set(self->world.meters, metric, label, value);
}

void
probes_gauge_of(const probes_t *self, metric_t metric, const char *one, const char *other,
                int64_t value)
{
    char label[METERS_LABEL];

    probes_gauge(self, metric, meters_label(label, one, other, NULL), value);
}

bool
probes_is_warm(const probes_t *self)
{
    return clock_ms() - self->began_ms > WARM_MS;
}

int64_t
probes_interval_ms(const probes_t *self)
{
    return self->world.settings->health_interval_ms;
}
