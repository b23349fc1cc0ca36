#include "actors/tune/recompute/curve.h"

#include <stdlib.h>

enum { ENDS = 4, EXTREMES = 3 };

curve_t *
curve_new(size_t capacity)
{
    return calloc(1, sizeof(curve_t) + capacity * sizeof(struct curve_point));
}

void
curve_destroy(curve_t **self_p)
{
    free(*self_p);
    *self_p = NULL;
}

/* The same operations as the metric max_drawdown_pct: its deepest point is that figure. */
void
curve_add(curve_t *self, const bars_t *bars, const double *equity, double cash)
{
    double peak = cash;

    self->split = self->count ? self->count : bars->count;
    for (size_t i = 0; i < bars->count; i++) {
        const double fall = 1.0 - equity[i] / (equity[i] > peak ? equity[i] : peak);

        peak = equity[i] > peak ? equity[i] : peak;
        self->points[self->count++] =
            (struct curve_point){.time_ms = bars->time_ms[i],
                                 .equity = equity[i],
                                 .drawdown_pct = fall > 0 ? -fall * 100.0 : 0.0};
    }
}

static size_t
add_point(size_t *out, size_t count, size_t index)
{
    size_t at = count;

    while (at > 0 && out[at - 1] > index)
        at--;
    if (at > 0 && out[at - 1] == index)
        return count;
    for (size_t i = count; i > at; i--)
        out[i] = out[i - 1];
    out[at] = index;
    return count + 1;
}

/* Of the points first .. end-1, which are not none. */
static size_t
add_extremes(const curve_t *self, size_t first, size_t end, size_t *out, size_t count)
{
    const struct curve_point *points = self->points;
    size_t low = first, high = first, deep = first;

    for (size_t i = first; i < end; i++) {
        if (points[i].equity < points[low].equity)
            low = i;
        if (points[i].equity > points[high].equity)
            high = i;
        if (points[i].drawdown_pct < points[deep].drawdown_pct)
            deep = i;
    }
    count = add_point(out, count, low);
    count = add_point(out, count, high);
    return add_point(out, count, deep);
}

size_t
curve_choose(const curve_t *self, size_t points, size_t *out)
{
    const size_t stretches = (points - ENDS) / EXTREMES;
    size_t count = 0;

    if (self->count <= points) {
        for (size_t i = 0; i < self->count; i++)
            out[i] = i;
        return self->count;
    }
    for (size_t i = 0; i < stretches; i++)
        count = add_extremes(self, i * self->count / stretches,
                             (i + 1) * self->count / stretches, out, count);
    count = add_point(out, count, 0);
    count = add_point(out, count, self->count - 1);
    if (self->split < self->count) {
        count = add_point(out, count, self->split - 1);
        count = add_point(out, count, self->split);
    }
    return count;
}
