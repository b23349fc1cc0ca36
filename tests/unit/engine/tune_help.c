#include "tests/unit/engine/tune_help.h"

#include <check.h>
#include <stdlib.h>

struct subject
subject_of(const char *strategy, const char *space, enum search_type type, double oos_ratio)
{
    struct subject self = {.bars = help_bars("tests/data/sp500_daily.csv"),
                           .strategy = help_strategy(strategy),
                           .options = TUNE_OPTIONS_DEFAULT};
    json_t *json = space ? json_loads(space, 0, NULL) : NULL;
    char detail[256];

    ck_assert_ptr_nonnull(self.bars);
    self.options.param_space = json;
    self.options.search_type = type;
    self.options.n_trials = TRIALS;
    self.options.seed = 11;
    self.options.oos_ratio = oos_ratio;
    self.options.gate_max_drawdown_pct = 60;
    ck_assert_msg(tune_plan_new(self.bars, self.strategy, &self.options, &self.plan, detail,
                                sizeof detail) == TM_OK,
                  "%s", detail);
    json_decref(json);
    return self;
}

void
subject_fini(struct subject *self)
{
    tune_plan_destroy(&self->plan);
    strategy_destroy(&self->strategy);
    bars_destroy(&self->bars);
}

struct trial *
run_all(struct subject *subject, size_t piece)
{
    const size_t count = (size_t)tune_plan_trials(subject->plan);
    struct trial *trials = calloc(count, sizeof *trials);

    ck_assert_ptr_nonnull(trials);
    for (size_t first = 0; first < count; first += piece) {
        const size_t n = count - first < piece ? count - first : piece;
        ck_assert_int_eq(tune_run_range(subject->plan, first, n, trials + first, NULL), TM_OK);
    }
    return trials;
}
