#include "actors/tune/engine/tune_inner.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TRIALS_LIMIT 1000000000

static bool
are_sound(const struct tune_options *options, char *detail, size_t detail_size)
{
    const char *wrong = NULL;

    if (options->objective >= OBJECTIVE_COUNT)
        wrong = "the objective is not a known one";
    else if (!(options->dd_lambda >= 0 && options->dd_lambda <= 1e6))
        wrong = "dd_lambda must be from 0 to 1000000";
    else if (options->oos_ratio != 0 &&
             !(options->oos_ratio >= 0.01 && options->oos_ratio <= 0.5))
        wrong = "oos_ratio must be from 0.01 to 0.5";
    else if (!(options->gate_max_drawdown_pct >= 0))
        wrong = "the gate on drawdown must not be negative";
    else if (options->n_trials > TRIALS_LIMIT ||
             (options->n_trials < 1 && options->search_type != SEARCH_GRID))
        wrong = "n_trials must be from 1 to 1000000000";
    if (wrong && detail && detail_size)
        snprintf(detail, detail_size, "%s", wrong);
    return !wrong;
}

size_t
tune_split(size_t bars, double oos_ratio, char ret_warning[TUNE_WARNING_BYTES])
{
    const size_t oos = (size_t)((double)bars * oos_ratio + 0.5), is = bars - oos;

    ret_warning[0] = '\0';
    if (oos_ratio == 0)
        return bars;
    if (is >= TUNE_MIN_IS_BARS && oos >= TUNE_MIN_OOS_BARS)
        return is;
    snprintf(
        ret_warning, TUNE_WARNING_BYTES,
        "no out-of-sample split: %zu in-sample and %zu out-of-sample bars, at least %d and "
        "%d are needed",
        is, oos, TUNE_MIN_IS_BARS, TUNE_MIN_OOS_BARS);
    return bars;
}

static void
split(tune_plan_t *self, const bars_t *bars)
{
    const size_t is = tune_split(bars->count, self->options.oos_ratio, self->warning);

    self->is_split = is < bars->count;
    self->is_bars = bars_slice(bars, 0, is);
    self->oos_bars = bars_slice(bars, is, bars->count - is);
}

static tm_err_t
open_windows(tune_plan_t *self, const struct backtest_options *options)
{
    tm_err_t err = backtest_new(&self->is_bars, self->strategy, options, &self->is);

    if (!err && self->is_split)
        err = backtest_new(&self->oos_bars, self->strategy, options, &self->oos);
    return err;
}

static tm_err_t
choose_trials(tune_plan_t *self)
{
    const uint64_t asked = self->options.n_trials;

    if (self->options.search_type == SEARCH_TPE) {
        self->tpe = tpe_new(&self->ground, asked);
        self->trials = self->tpe ? tpe_trials(self->tpe) : 0;
        return self->tpe ? TM_OK : TM_NO_MEMORY;
    }
    const tm_err_t err =
        choice_init(&self->choice, &self->ground, asked ? asked : self->ground.points);

    self->trials = self->choice.count;
    return err;
}

tm_err_t
tune_plan_new(const bars_t *bars, const strategy_t *strategy,
              const struct tune_options *options, tune_plan_t **ret, char *detail,
              size_t detail_size)
{
    if (detail && detail_size)
        detail[0] = '\0';
    if (!are_sound(options, detail, detail_size))
        return TM_BAD_REQUEST;
    tune_plan_t *self = calloc(1, sizeof *self);
    if (!self)
        return TM_NO_MEMORY;
    self->strategy = strategy;
    self->options = *options;
    self->options.param_space = self->options.constraints = NULL; /* borrowed for this call */
    split(self, bars);
    tm_err_t err = space_parse(options->param_space, strategy, options->search_type,
                               &self->space, detail, detail_size);
    if (!err)
        err = constraints_new(options->constraints, strategy, &self->constraints, detail,
                              detail_size);
    if (!err)
        err = ground_init(&self->ground, self->space, self->constraints, options->seed, detail,
                          detail_size);
    if (!err)
        err = open_windows(self, &options->backtest);
    if (!err)
        err = choose_trials(self);
    if (err == TM_INSUFFICIENT_DATA && detail && detail_size)
        snprintf(detail, detail_size, "%zu bars; at least 2 are needed", bars->count);
    if (err) {
        tune_plan_destroy(&self);
        return err;
    }
    *ret = self;
    return TM_OK;
}

void
tune_plan_destroy(tune_plan_t **self_p)
{
    tune_plan_t *self = *self_p;

    if (!self)
        return;
    backtest_destroy(&self->is);
    backtest_destroy(&self->oos);
    tpe_destroy(&self->tpe);
    choice_fini(&self->choice);
    constraints_destroy(&self->constraints);
    space_destroy(&self->space);
    free(self);
    *self_p = NULL;
}

uint64_t
tune_plan_trials(const tune_plan_t *self)
{
    return self->trials;
}

uint64_t
tune_plan_points(const tune_plan_t *self)
{
    return self->ground.points;
}

uint64_t
tune_plan_duplicates(const tune_plan_t *self)
{
    return self->tpe ? tpe_duplicates(self->tpe) : self->choice.duplicates;
}

bool
tune_plan_is_split(const tune_plan_t *self)
{
    return self->is_split;
}

size_t
tune_plan_is_bars(const tune_plan_t *self)
{
    return self->is_bars.count;
}

const char *
tune_plan_warning(const tune_plan_t *self)
{
    return self->warning;
}

void
tune_plan_params(const tune_plan_t *self, uint64_t index, double params[TUNE_PARAMS_MAX])
{
    if (self->tpe)
        tpe_params(self->tpe, index, params);
    else
        choice_params(&self->choice, &self->ground, index, params);
}
