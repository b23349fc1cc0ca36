#include "actors/health/window.h"

void
window_init(struct window *self, int64_t span_ms)
{
    *self = (struct window){.part_ms = span_ms / WINDOW_PARTS};
}

static void
advance(struct window *self, int64_t part)
{
    int64_t steps = part - self->part;

    if (steps > WINDOW_PARTS)
        steps = WINDOW_PARTS;
    for (int64_t i = 0; i < steps; i++)
        self->grown[(part - i) % WINDOW_PARTS] = 0;
    self->part = part;
}

double
window_look(struct window *self, double total, int64_t now_ms)
{
    double grown = self->has_total && total > self->total ? total - self->total : 0;

    advance(self, now_ms / self->part_ms);
    self->grown[self->part % WINDOW_PARTS] += grown;
    self->total = total;
    self->has_total = true;
    return grown;
}

void
window_restore(struct window *self, double grown, int64_t age_ms, int64_t now_ms)
{
    const int64_t parts = age_ms / self->part_ms;

    advance(self, now_ms / self->part_ms);
    if (parts >= 0 && parts < WINDOW_PARTS)
        self->grown[(self->part + WINDOW_PARTS - parts) % WINDOW_PARTS] += grown;
}

double
window_sum(const struct window *self)
{
    double sum = 0;

    for (int i = 0; i < WINDOW_PARTS; i++)
        sum += self->grown[i];
    return sum;
}
