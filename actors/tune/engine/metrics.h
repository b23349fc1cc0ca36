/* metrics - the figures of one back-test: metrics.def as a struct and as a table.
 *
 * Formulas: backtesting.py 0.6.6 as restated for this project; `calmar` here is annual return
 * over drawdown, the objective `calmar` is return_pct over |max_drawdown_pct| (tune.h).
 */
#ifndef ENGINE_METRICS_H
#define ENGINE_METRICS_H

#include <stddef.h>

#include "actors/tune/engine/metrics.def"

#define METRICS_BLOCKS 16 /* of cross-validation (overfit.h) */

enum {
#define M(name, kind, unit, text) METRIC_INDEX_##name,
    METRICS(M)
#undef M
        METRIC_COUNT_ALL
};

struct metrics {
    union {
        struct {
#define M(name, kind, unit, text) double name;
            METRICS(M)
#undef M
        };
        double values[METRIC_COUNT_ALL];
    };
};

enum metric_kind { METRIC_REAL, METRIC_COUNT };

struct metric_info {
    const char *name;
    enum metric_kind kind;
    const char *unit; /* "" if none */
    const char *text;
};

const struct metric_info *metrics_info(size_t index); /* index < METRIC_COUNT_ALL */
static inline double
metrics_value(const struct metrics *self, size_t index)
{
    return self->values[index];
}
void metrics_clear(struct metrics *self); /* all undefined */

/* Sums of daily returns and of their squares over 16 equal, consecutive blocks of days. */
struct metrics_blocks {
    double days[METRICS_BLOCKS]; /* daily returns in the block */
    double sum[METRICS_BLOCKS];
    double square[METRICS_BLOCKS];
};

#endif
