#include "actors/tune/engine/tune.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actors/tune/engine/strategy_inner.h"
#include "actors/tune/engine/tune_inner.h"

static const char *const objective_names[OBJECTIVE_COUNT] = {
    [OBJECTIVE_SHARPE] = "sharpe", [OBJECTIVE_SHARPE_DD_PENALTY] = "sharpe_dd_penalty",
    [OBJECTIVE_RETURN] = "return", [OBJECTIVE_RETURN_DD_PENALTY] = "return_dd_penalty",
    [OBJECTIVE_CALMAR] = "calmar",
};

const char *
objective_name(enum objective objective)
{
    return objective < OBJECTIVE_COUNT ? objective_names[objective] : "unknown";
}

tm_err_t
objective_parse(const char *name, enum objective *ret)
{
    for (size_t i = 0; i < OBJECTIVE_COUNT; i++) {
        if (strcmp(name, objective_names[i]) == 0) {
            *ret = (enum objective)i;
            return TM_OK;
        }
    }
    return TM_INVALID_OBJECTIVE_TYPE;
}

double
metric_value(enum objective metric, const struct metrics *metrics)
{
    return objective_value(metric, 0, metrics);
}

double
objective_value(enum objective objective, double dd_lambda, const struct metrics *metrics)
{
    const double depth = fabs(metrics->max_drawdown_pct);

    switch (objective) {
    case OBJECTIVE_SHARPE:
        return metrics->sharpe;
    case OBJECTIVE_SHARPE_DD_PENALTY:
        return metrics->sharpe - dd_lambda * depth;
    case OBJECTIVE_RETURN:
        return metrics->return_pct;
    case OBJECTIVE_RETURN_DD_PENALTY:
        return metrics->return_pct - dd_lambda * depth;
    case OBJECTIVE_CALMAR:
        return depth > 0 ? metrics->return_pct / depth : (double)NAN;
    case OBJECTIVE_COUNT:
        break;
    }
    return (double)NAN;
}

/* The figures of the window that chooses. */
static const struct metrics *
choosing(const tune_plan_t *plan, const struct trial *trial)
{
    return plan->is_split && plan->options.select_on_oos ? &trial->oos : &trial->is;
}

/* A place in the order in which trials are run: those that share indicator columns one after
 * the other. */
struct place {
    double key[TUNE_PARAMS_MAX];
    size_t position;
};

static int
compare_places(const void *a, const void *b)
{
    const struct place *x = a, *y = b;

    for (size_t i = 0; i < TUNE_PARAMS_MAX; i++) {
        if (x->key[i] != y->key[i])
            return x->key[i] < y->key[i] ? -1 : 1;
    }
    return (x->position > y->position) - (x->position < y->position);
}

static struct place *
group(const strategy_t *strategy, const struct trial *trials, size_t count)
{
    struct place *places = calloc(count ? count : 1, sizeof *places);
    uint32_t shared = 0;

    if (!places)
        return NULL;
    for (size_t i = 0; i < strategy->scope.column_count; i++)
        shared |= strategy->scope.columns[i].params;
    for (size_t i = 0; i < count; i++) {
        places[i].position = i;
        for (size_t k = 0; k < TUNE_PARAMS_MAX; k++)
            places[i].key[k] = shared >> k & 1 ? trials[i].params[k] : 0.0;
    }
    qsort(places, count, sizeof *places, compare_places);
    return places;
}

__attribute__((format(printf, 2, 3))) static void
skip(struct trial *trial, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(trial->skip_reason, sizeof trial->skip_reason, format, args);
    va_end(args);
    trial->status = TRIAL_SKIPPED;
}

/* The user's own minimum is asked before the gates. */
static void
judge(const tune_plan_t *plan, struct trial *trial)
{
    const struct metrics *metrics = choosing(plan, trial);
    const struct tune_options *options = &plan->options;

    trial->status = TRIAL_COMPLETED;
    if (trial->is_out_of_bars)
        skip(trial, "warm_up (an indicator has no value before the last bar)");
    else if (metrics->trades < options->min_trades)
        skip(trial, "min_trades_not_met (%.0f<%" PRIu32 ")", metrics->trades,
             options->min_trades);
    else if (-metrics->max_drawdown_pct > options->gate_max_drawdown_pct)
        skip(trial, "gate:max_drawdown_pct (%.1f < %.1f)", metrics->max_drawdown_pct,
             -options->gate_max_drawdown_pct);
    else if (metrics->trades < options->gate_min_trades)
        skip(trial, "gate:min_trades (%.0f < %" PRIu32 ")", metrics->trades,
             options->gate_min_trades);
    else if (!isfinite(trial->objective_score))
        skip(trial, "objective_undefined (%s)", objective_name(options->objective));
}

static void
score(const tune_plan_t *plan, struct trial *trial)
{
    const struct tune_options *options = &plan->options;
    const struct metrics *metrics = choosing(plan, trial);

    trial->score = metric_value(options->metric, metrics);
    trial->objective_score = objective_value(options->objective, options->dd_lambda, metrics);
    if (!plan->is_split)
        return;
    trial->score_is = metric_value(options->metric, &trial->is);
    trial->score_oos = metric_value(options->metric, &trial->oos);
    trial->overfit_gap = trial->score_is - trial->score_oos;
}

/* Which of the windows chooses, and which tests. */
static void
note(const tune_plan_t *plan, struct trial *trial)
{
    const struct backtest_notes *is = backtest_notes(plan->is);
    const struct backtest_notes *oos = plan->is_split ? backtest_notes(plan->oos) : NULL;
    const bool is_oos = oos && plan->options.select_on_oos;

    trial->is_out_of_bars = is_oos ? oos->is_out_of_bars : is->is_out_of_bars;
    trial->test_is_out_of_bars = oos && (is_oos ? is->is_out_of_bars : oos->is_out_of_bars);
    trial->unaffordable = is->unaffordable + (oos ? oos->unaffordable : 0);
}

static tm_err_t
run_trial(tune_plan_t *plan, struct trial *trial)
{
    tm_err_t err = backtest_run(plan->is, trial->params, &trial->is, &trial->blocks);

    if (!err && plan->is_split)
        err = backtest_run(plan->oos, trial->params, &trial->oos, NULL);
    if (err == TM_INVALID_PARAM_SPACE) {
        trial->status = TRIAL_FAILED;
        if (strategy_check_params(plan->strategy, trial->params, trial->skip_reason,
                                  sizeof trial->skip_reason) == TM_OK)
            snprintf(trial->skip_reason, sizeof trial->skip_reason,
                     "an indicator's length is not a whole number from 1 to %d",
                     EXPR_LENGTH_MAX);
        return TM_OK;
    }
    if (err)
        return err;
    note(plan, trial);
    score(plan, trial);
    judge(plan, trial);
    return TM_OK;
}

static void
lay_out(const tune_plan_t *plan, uint64_t first, size_t count, struct trial *out)
{
    for (size_t i = 0; i < count; i++) {
        struct trial *trial = &out[i];

        memset(trial, 0, sizeof *trial);
        trial->index = first + i;
        tune_plan_params(plan, trial->index, trial->params);
        trial->score = trial->score_is = trial->score_oos = (double)NAN;
        trial->objective_score = trial->overfit_gap = (double)NAN;
        metrics_clear(&trial->is);
        metrics_clear(&trial->oos);
    }
}

static tm_err_t
run_piece(tune_plan_t *self, uint64_t first, size_t count, struct trial *out,
          const atomic_bool *stop)
{
    tm_err_t err = TM_OK;

    lay_out(self, first, count, out);
    struct place *places = group(self->strategy, out, count);
    if (!places)
        return TM_NO_MEMORY;
    for (size_t i = 0; !err && i < count; i++) {
        if (stop && atomic_load_explicit(stop, memory_order_relaxed))
            err = TM_CANCELED;
        else
            err = run_trial(self, &out[places[i].position]);
    }
    free(places);
    return err;
}

/* The search learns from the in-sample window, whatever chooses the winner. */
static bool
is_good_in_sample(const tune_plan_t *plan, const struct trial *trial)
{
    return trial->status != TRIAL_FAILED && trial->is.trades >= plan->options.min_trades &&
           -trial->is.max_drawdown_pct <= plan->options.gate_max_drawdown_pct;
}

/* In pieces of which every trial is known before it begins. */
static tm_err_t
run_in_order(tune_plan_t *self, uint64_t first, size_t count, struct trial *out,
             const atomic_bool *stop)
{
    if (first != tpe_told(self->tpe))
        return TM_BAD_REQUEST;
    for (size_t done = 0; done < count;) {
        const uint64_t known = tpe_ready(self->tpe) - (first + done);
        const size_t piece = count - done < known ? count - done : (size_t)known;
        const tm_err_t err = run_piece(self, first + done, piece, out + done, stop);

        if (err)
            return err;
        for (size_t i = done; i < done + piece; i++)
            tpe_tell(
                self->tpe, is_good_in_sample(self, &out[i]),
                objective_value(self->options.objective, self->options.dd_lambda, &out[i].is));
        done += piece;
    }
    return TM_OK;
}

tm_err_t
tune_run_range(tune_plan_t *self, uint64_t first, size_t count, struct trial *out,
               const atomic_bool *stop)
{
    if (first > self->trials || count > self->trials - first)
        return TM_BAD_REQUEST;
    return self->tpe ? run_in_order(self, first, count, out, stop)
                     : run_piece(self, first, count, out, stop);
}
