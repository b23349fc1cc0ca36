#include "actors/tune/engine/metrics.h"

#include <math.h>

const struct metric_info *
metrics_info(size_t index)
{
#define REAL  METRIC_REAL
#define COUNT METRIC_COUNT
    static const struct metric_info table[METRIC_COUNT_ALL] = {
#define M(name, kind, unit, text) {#name, kind, unit, text},
        METRICS(M)
#undef M
    };
#undef REAL
#undef COUNT
    return &table[index];
}

static double *
member(struct metrics *self, size_t index)
{
    double *members[METRIC_COUNT_ALL] = {
#define M(name, kind, unit, text) &self->name,
        METRICS(M)
#undef M
    };
    return members[index];
}

double
metrics_value(const struct metrics *self, size_t index)
{
    struct metrics copy = *self;

    return *member(&copy, index);
}

void
metrics_set(struct metrics *self, size_t index, double value)
{
    *member(self, index) = value;
}

void
metrics_clear(struct metrics *self)
{
    for (size_t i = 0; i < METRIC_COUNT_ALL; i++)
        metrics_set(self, i, (double)NAN);
}
