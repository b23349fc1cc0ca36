/* tune_inner - what a tune_plan_t is made of; for the engine's own files. */
#ifndef ENGINE_TUNE_INNER_H
#define ENGINE_TUNE_INNER_H

#include "actors/tune/engine/tpe.h"
#include "actors/tune/engine/tune.h"

struct tune_plan {
    const strategy_t *strategy;
    struct tune_options options;
    space_t *space;
    constraints_t *constraints; /* NULL: none */
    struct ground ground;
    tpe_t *tpe;           /* NULL: another search */
    struct choice choice; /* of which */
    uint64_t trials;
    bool is_split;
    bars_t is_bars, oos_bars; /* views */
    backtest_t *is, *oos;     /* oos: NULL without a split */
    char warning[TUNE_WARNING_BYTES];
};

#endif
