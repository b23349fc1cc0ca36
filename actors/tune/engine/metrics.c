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

void
metrics_clear(struct metrics *self)
{
    for (size_t i = 0; i < METRIC_COUNT_ALL; i++)
        self->values[i] = (double)NAN;
}
