/* tune_help - a tune's plan over the S&P 500, for the engine's tests of tunes. */
#ifndef TESTS_UNIT_ENGINE_TUNE_HELP_H
#define TESTS_UNIT_ENGINE_TUNE_HELP_H

#include "tests/unit/engine/engine_help.h"

#define TRIALS 240 /* that a subject's plan is asked for */

struct subject {
    bars_t *bars;
    strategy_t *strategy;
    struct tune_options options;
    tune_plan_t *plan;
};

/* space: JSON, NULL: the strategy's own */
struct subject subject_of(const char *strategy, const char *space, enum search_type type,
                          double oos_ratio);
void subject_fini(struct subject *self);
struct trial *run_all(struct subject *subject, size_t piece); /* the caller frees them */

#endif
