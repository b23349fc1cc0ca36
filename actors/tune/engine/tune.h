/* tune - many back-tests over one data set, and their ranking.
 *
 * A plan is a tune without its results: windows, space, objective, gates. tune_run_range
 * computes any range of its trials; the same trial has the same bits whatever the range or the
 * order. (With SEARCH_TPE a trial follows from those before it: ranges must come in order.)
 * With a split, the first part of the bars is in-sample and the last oos_ratio of them
 * out-of-sample; no bar is in both, and each window is a back-test of its own, warm-up
 * included.
 *
 * The window that chooses is the in-sample one, or the whole: scores, gates and the search look
 * at it alone, so that what is kept out of the sample is a test. With select_on_oos, as the
 * service before did, scores and gates are the out-of-sample window's, and nothing is a test.
 *
 * A plan borrows bars and strategy; both must outlive it. Not for two threads at a time: one
 * plan per worker is the way.
 */
#ifndef ENGINE_TUNE_H
#define ENGINE_TUNE_H

#include <stdatomic.h>

#include "actors/tune/engine/backtest.h"
#include "actors/tune/engine/search.h"

#define TUNE_MIN_IS_BARS   200
#define TUNE_MIN_OOS_BARS  100
#define TUNE_REASON_BYTES  96
#define TUNE_WARNING_BYTES 160

/* calmar, as an objective, is return_pct / |max_drawdown_pct|. The penalties subtract dd_lambda
 * * |max_drawdown_pct|. */
enum objective {
    OBJECTIVE_SHARPE,
    OBJECTIVE_SHARPE_DD_PENALTY,
    OBJECTIVE_RETURN,
    OBJECTIVE_RETURN_DD_PENALTY,
    OBJECTIVE_CALMAR,
    OBJECTIVE_COUNT
};

const char *objective_name(enum objective objective); /* "sharpe_dd_penalty" */
TM_CHECKED tm_err_t objective_parse(const char *name,
                                    enum objective *ret); /* INVALID_OBJECTIVE_TYPE */
double metric_value(enum objective metric,
                    const struct metrics *metrics); /* without a penalty */
double objective_value(enum objective objective, double dd_lambda,
                       const struct metrics *metrics); /* NaN: undefined */

struct tune_options {
    struct backtest_options backtest;
    const json_t *param_space; /* NULL: derived from the strategy; read by tune_plan_new only */
    const json_t *constraints; /* NULL: none; the same */
    enum search_type search_type;
    enum objective objective; /* by which trials are ranked */
    enum objective metric;    /* of the scores: SHARPE, RETURN or CALMAR */
    double dd_lambda;
    double oos_ratio;             /* 0: no split; else 0.01 .. 0.5 */
    uint32_t min_trades;          /* asked by the user; 5 */
    double gate_max_drawdown_pct; /* 20; as a positive number; 100 lets all pass */
    uint32_t gate_min_trades;     /* 10; 0 lets all pass */
    bool select_on_oos;
    uint64_t n_trials; /* at most; 0: all points of a grid */
    uint64_t seed;
};

#define TUNE_OPTIONS_DEFAULT                                                  \
    {                                                                         \
        .backtest = BACKTEST_OPTIONS_DEFAULT, .search_type = SEARCH_GRID,     \
        .objective = OBJECTIVE_SHARPE, .dd_lambda = 0.02, .min_trades = 5,    \
        .gate_max_drawdown_pct = 20.0, .gate_min_trades = 10, .n_trials = 50, \
    }

/* PENDING: not run, because the range was stopped. */
enum trial_status { TRIAL_PENDING, TRIAL_COMPLETED, TRIAL_SKIPPED, TRIAL_FAILED };

struct trial {
    uint64_t index;
    double params[TUNE_PARAMS_MAX]; /* in the strategy's order */
    enum trial_status status;
    char skip_reason[TUNE_REASON_BYTES]; /* why skipped or failed; "" otherwise */
    double score;           /* the metric's value on the window that chooses; NaN: undefined */
    double objective_score; /* the objective's value there, by which trials are ranked */
    double score_is, score_oos;   /* the metric's, of each window; NaN without a split */
    double overfit_gap;           /* score_is - score_oos; NaN without a split */
    struct metrics is;            /* in-sample; the whole without a split */
    struct metrics oos;           /* all undefined without a split */
    struct metrics_blocks blocks; /* of `is`, for overfit_pbo */
    /* backtest.h: of the window that chooses, of the one that tests, and of both */
    bool is_out_of_bars, test_is_out_of_bars;
    uint64_t unaffordable;
};

/* Of so many bars, those of the in-sample window: all of them without a split. The warning says
 * why a split that was asked for is dropped, else it is "". oos_ratio: 0, or 0.01 .. 0.5. */
size_t tune_split(size_t bars, double oos_ratio, char ret_warning[TUNE_WARNING_BYTES]);

typedef struct tune_plan tune_plan_t;

/* Errors: TM_BAD_REQUEST (options), TM_INSUFFICIENT_DATA, TM_INVALID_SEARCH_TYPE,
 * TM_INVALID_PARAM_SPACE, TM_INVALID_CONSTRAINT, TM_GRID_TOO_LARGE, TM_NO_TUNABLE_PARAMS,
 * TM_NO_MEMORY; the reason in detail. */
TM_CHECKED tm_err_t tune_plan_new(const bars_t *bars, const strategy_t *strategy,
                                  const struct tune_options *options, tune_plan_t **ret,
                                  char *detail, size_t detail_size);
void tune_plan_destroy(tune_plan_t **self_p);

uint64_t tune_plan_trials(const tune_plan_t *self); /* no two have the same params */
uint64_t
tune_plan_points(const tune_plan_t *self); /* that may be tried; UINT64_MAX: without end */
/* Draws so far that came to a point that was there already, and so are no trials. */
uint64_t tune_plan_duplicates(const tune_plan_t *self);
bool tune_plan_is_split(const tune_plan_t *self);
size_t tune_plan_is_bars(const tune_plan_t *self); /* of the in-sample window, or the whole */
const char *tune_plan_warning(const tune_plan_t *self); /* "" or why the split was dropped */
/* SEARCH_TPE: of a trial that was computed. */
void tune_plan_params(const tune_plan_t *self, uint64_t index, double params[TUNE_PARAMS_MAX]);

/* Computes trials first .. first+count-1 into out, in index order. Looks at *stop (may be NULL)
 * before each trial; when set, returns TM_CANCELED and the rest stay TRIAL_PENDING.
 * TM_BAD_REQUEST for a range outside the plan, or (SEARCH_TPE) that is not the next. */
TM_CHECKED tm_err_t tune_run_range(tune_plan_t *self, uint64_t first, size_t count,
                                   struct trial *out, const atomic_bool *stop);

#endif
