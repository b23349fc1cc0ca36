#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/engine/tune_help.h"
#include "tests/support/suite.h"

#define GOLDEN \
    UINT64_C(0x5cec255454d9830f) /* changes with the ranges of the shipped strategies */

START_TEST(any_ranges_give_the_same_bits)
{
    static const char *const names[] = {"bb_reversal", "sma_cross_ls", "rsi_reversion"};
    static const size_t pieces[] = {1, 7, 100};

    for (size_t s = 0; s < 3; s++) {
        struct subject whole = subject_of(names[s], NULL, SEARCH_RANDOM, s == 0 ? 0.3 : 0);
        struct trial *wanted = run_all(&whole, TRIALS);

        for (size_t i = 0; i < 3; i++) {
            struct subject again = subject_of(names[s], NULL, SEARCH_RANDOM, s == 0 ? 0.3 : 0);
            struct trial *trials = run_all(&again, pieces[i]);

            ck_assert_int_eq(memcmp(wanted, trials, TRIALS * sizeof *trials), 0);
            free(trials);
            subject_fini(&again);
        }
        free(wanted);
        subject_fini(&whole);
    }
}
END_TEST

static uint64_t
hash_doubles(uint64_t hash, const double *values, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint64_t bits;

        memcpy(&bits, &values[i], sizeof bits);
        hash = (hash ^ bits) * UINT64_C(0x100000001b3);
        hash ^= hash >> 29;
    }
    return hash;
}

/* Additions, products, quotients and roots are the same on every machine; what needs pow or log
 * is the C library's, and not in this sum. */
START_TEST(every_build_on_every_machine_gives_the_same_bits)
{
    static const char *const names[] = {"bb_reversal", "sma_cross_ls", "rsi_reversion",
                                        "donchian_breakout"};
    uint64_t hash = 1;

    for (size_t s = 0; s < 4; s++) {
        struct subject subject = subject_of(names[s], NULL, SEARCH_RANDOM, 0.3);
        struct trial *trials = run_all(&subject, TRIALS);

        for (size_t i = 0; i < TRIALS; i++) {
            const double exact[] = {trials[i].is.equity_final, trials[i].is.max_drawdown_pct,
                                    trials[i].oos.equity_final, trials[i].oos.equity_peak,
                                    trials[i].is.trades};

            hash = hash_doubles(hash, exact, sizeof exact / sizeof exact[0]);
            hash = hash_doubles(hash, trials[i].blocks.sum, METRICS_BLOCKS);
            hash = hash_doubles(hash, trials[i].blocks.square, METRICS_BLOCKS);
        }
        free(trials);
        subject_fini(&subject);
    }
    ck_assert_msg(hash == GOLDEN, "%#llx", (unsigned long long)hash);
}
END_TEST

START_TEST(the_best_trial_is_its_own_backtest_bit_for_bit)
{
    for (int is_split = 0; is_split < 2; is_split++) {
        struct subject subject =
            subject_of("bb_reversal", "{\"period\":[5,10,20,40],\"k\":{\"min\":0.5,\"max\":2}}",
                       SEARCH_RANDOM, is_split ? 0.4 : 0);
        struct trial *trials = run_all(&subject, TRIALS);
        backtest_trace_t *trace = NULL;
        struct metrics traced, alone;
        const size_t best = help_best(trials, TRIALS);
        const struct metrics *judged = is_split ? &trials[best].oos : &trials[best].is;
        const bars_t window =
            is_split ? bars_slice(subject.bars, tune_plan_is_bars(subject.plan), SIZE_MAX)
                     : bars_slice(subject.bars, 0, SIZE_MAX);
        backtest_t *backtest =
            help_backtest(&window, subject.strategy, &subject.options.backtest);
        ck_assert_int_eq(backtest_run(backtest, trials[best].params, &alone, NULL), TM_OK);
        ck_assert_int_eq(memcmp(judged, &alone, sizeof alone), 0);
        ck_assert_int_eq(backtest_trace(backtest, trials[best].params, &traced, &trace), TM_OK);
        ck_assert_int_eq(memcmp(judged, &traced, sizeof traced), 0);
        backtest_destroy(&backtest);
        backtest_trace_destroy(&trace);
        free(trials);
        subject_fini(&subject);
    }
}
END_TEST

/* The one trial of a plan with these options. */
static struct trial
single(struct tune_options options, double k)
{
    bars_t *bars = help_bars("tests/data/sp500_daily.csv");
    strategy_t *strategy = help_strategy("bb_reversal");
    json_t *space = json_pack("{s:[i],s:[f]}", "period", 20, "k", k);
    tune_plan_t *plan = NULL;
    struct trial trial;
    char detail[256];

    options.param_space = space;
    ck_assert_int_eq(tune_plan_new(bars, strategy, &options, &plan, detail, sizeof detail),
                     TM_OK);
    ck_assert_uint_eq(tune_plan_trials(plan), 1);
    ck_assert_int_eq(tune_run_range(plan, 0, 1, &trial, NULL), TM_OK);
    tune_plan_destroy(&plan);
    json_decref(space);
    strategy_destroy(&strategy);
    bars_destroy(&bars);
    return trial;
}

/* In sample, so that the rest of the bars tests what was chosen; or out of sample, as asked. */
START_TEST(a_split_scores_in_the_part_that_chooses)
{
    struct subject subject =
        subject_of("bb_reversal", "{\"period\":[20,30]}", SEARCH_GRID, 0.25);
    struct trial *trials = run_all(&subject, 2);
    struct tune_options options = TUNE_OPTIONS_DEFAULT;

    ck_assert(tune_plan_is_split(subject.plan));
    ck_assert_uint_eq(tune_plan_is_bars(subject.plan),
                      subject.bars->count - (size_t)((double)subject.bars->count * 0.25 + 0.5));
    ck_assert(trials[0].score == trials[0].is.sharpe &&
              trials[0].score_is == trials[0].is.sharpe &&
              trials[0].score_oos == trials[0].oos.sharpe);
    ck_assert(trials[0].overfit_gap == trials[0].score_is - trials[0].score_oos);
    ck_assert(trials[0].objective_score == trials[0].score);
    free(trials);
    subject_fini(&subject);

    options.oos_ratio = 0.25;
    options.select_on_oos = true;
    struct trial trial = single(options, 2.0);
    ck_assert(trial.score == trial.oos.sharpe && trial.objective_score == trial.score &&
              trial.score != trial.is.sharpe);
}
END_TEST

START_TEST(too_few_bars_drop_the_split_with_a_warning)
{
    bars_t *bars = help_walk(299);
    strategy_t *strategy = help_strategy("bb_reversal");
    struct tune_options options = TUNE_OPTIONS_DEFAULT;
    tune_plan_t *plan = NULL;
    char detail[256];

    options.oos_ratio = 0.33;
    ck_assert_int_eq(tune_plan_new(bars, strategy, &options, &plan, detail, sizeof detail),
                     TM_OK);
    ck_assert(!tune_plan_is_split(plan));
    ck_assert_uint_eq(tune_plan_is_bars(plan), 299);
    ck_assert_ptr_nonnull(strstr(tune_plan_warning(plan), "no out-of-sample split"));
    tune_plan_destroy(&plan);
    strategy_destroy(&strategy);
    bars_destroy(&bars);
}
END_TEST

START_TEST(gates_skip_with_their_figures)
{
    struct tune_options options = TUNE_OPTIONS_DEFAULT;
    char wanted[TUNE_REASON_BYTES];
    struct trial trial = single(options, 2.0);

    snprintf(wanted, sizeof wanted, "gate:max_drawdown_pct (%.1f < -20.0)",
             trial.is.max_drawdown_pct);
    ck_assert_int_eq(trial.status, TRIAL_SKIPPED);
    ck_assert_str_eq(trial.skip_reason, wanted);
    options.gate_max_drawdown_pct = 100;
    trial = single(options, 2.0);
    ck_assert_int_eq(trial.status, TRIAL_COMPLETED);
    ck_assert(trial.skip_reason[0] == '\0' && trial.score == trial.is.sharpe &&
              isnan(trial.score_oos));
    options.gate_min_trades = 1000;
    trial = single(options, 2.0);
    snprintf(wanted, sizeof wanted, "gate:min_trades (%.0f < 1000)", trial.is.trades);
    ck_assert_str_eq(trial.skip_reason, wanted);
    options.min_trades = 2000;
    trial = single(options, 2.0);
    snprintf(wanted, sizeof wanted, "min_trades_not_met (%.0f<2000)", trial.is.trades);
    ck_assert_str_eq(trial.skip_reason, wanted);
}
END_TEST

START_TEST(an_undefined_score_skips_and_zero_is_a_score)
{
    struct tune_options options = TUNE_OPTIONS_DEFAULT;

    options.min_trades = options.gate_min_trades = 0;
    struct trial trial = single(options, 9.0); /* never trades */
    ck_assert_int_eq(trial.status, TRIAL_SKIPPED);
    ck_assert_str_eq(trial.skip_reason, "objective_undefined (sharpe)");
    options.objective = OBJECTIVE_RETURN; /* the score is a Sharpe ratio still */
    trial = single(options, 9.0);
    ck_assert_int_eq(trial.status, TRIAL_COMPLETED);
    ck_assert(trial.objective_score == 0.0 && isnan(trial.score));
    options.metric = OBJECTIVE_RETURN;
    trial = single(options, 9.0);
    ck_assert(trial.objective_score == 0.0 && trial.score == 0.0);
}
END_TEST

/* What looks best out of sample is not what is chosen; the score is the metric, the place the
 * objective's. */
START_TEST(gates_are_those_of_the_part_that_chooses)
{
    struct tune_options options = TUNE_OPTIONS_DEFAULT;

    options.oos_ratio = 0.3;
    options.gate_max_drawdown_pct = 100;
    struct trial trial = single(options, 2.0);
    ck_assert_int_eq(trial.status, TRIAL_COMPLETED);
    ck_assert_double_ne(trial.is.max_drawdown_pct, trial.oos.max_drawdown_pct);
    const double in = -trial.is.max_drawdown_pct, out = -trial.oos.max_drawdown_pct;
    options.gate_max_drawdown_pct = (in + out) / 2;
    for (int on_oos = 0; on_oos < 2; on_oos++) {
        options.select_on_oos = on_oos;
        trial = single(options, 2.0);
        ck_assert_int_eq(trial.status, (on_oos ? out : in) > options.gate_max_drawdown_pct
                                           ? TRIAL_SKIPPED
                                           : TRIAL_COMPLETED);
    }
    options.gate_max_drawdown_pct = 100;
    options.select_on_oos = false;
    options.objective = OBJECTIVE_SHARPE_DD_PENALTY;
    trial = single(options, 2.0);
    ck_assert(trial.score == trial.is.sharpe &&
              trial.objective_score == trial.is.sharpe - 0.02 * in);
}
END_TEST

START_TEST(objectives_are_what_they_are_called)
{
    struct metrics metrics;
    enum objective objective = OBJECTIVE_SHARPE;

    metrics_clear(&metrics);
    metrics.sharpe = -0.5;
    metrics.return_pct = 30;
    metrics.max_drawdown_pct = -15;
    ck_assert(objective_value(OBJECTIVE_SHARPE, 0.02, &metrics) == -0.5);
    ck_assert(objective_value(OBJECTIVE_SHARPE_DD_PENALTY, 0.02, &metrics) == -0.5 - 0.02 * 15);
    ck_assert(objective_value(OBJECTIVE_RETURN, 0.02, &metrics) == 30);
    ck_assert(objective_value(OBJECTIVE_RETURN_DD_PENALTY, 2, &metrics) == 0);
    ck_assert(objective_value(OBJECTIVE_CALMAR, 0, &metrics) == 2);
    metrics.max_drawdown_pct = 0;
    ck_assert(isnan(objective_value(OBJECTIVE_CALMAR, 0, &metrics)));
    for (size_t i = 0; i < OBJECTIVE_COUNT; i++) {
        ck_assert_int_eq(objective_parse(objective_name((enum objective)i), &objective), TM_OK);
        ck_assert_uint_eq((size_t)objective, i);
    }
    ck_assert_int_eq(objective_parse("sortino", &objective), TM_INVALID_OBJECTIVE_TYPE);
}
END_TEST

START_TEST(a_stopped_range_leaves_the_rest_pending)
{
    struct subject subject = subject_of("bb_reversal", NULL, SEARCH_RANDOM, 0);
    struct trial trials[10];
    atomic_bool stop = true;

    ck_assert_int_eq(tune_run_range(subject.plan, 5, 10, trials, &stop), TM_CANCELED);
    for (size_t i = 0; i < 10; i++) {
        ck_assert_int_eq(trials[i].status, TRIAL_PENDING);
        ck_assert_uint_eq(trials[i].index, 5 + i);
    }
    ck_assert_int_eq(tune_run_range(subject.plan, TRIALS - 1, 2, trials, NULL), TM_BAD_REQUEST);
    ck_assert_int_eq(tune_run_range(subject.plan, UINT64_MAX, 2, trials, NULL), TM_BAD_REQUEST);
    ck_assert_int_eq(tune_run_range(subject.plan, TRIALS, 0, trials, NULL), TM_OK);
    subject_fini(&subject);
}
END_TEST

START_TEST(a_length_that_cannot_be_fails_its_trial_alone)
{
    bars_t *bars = help_walk(300);
    strategy_t *strategy = help_strategy_text(
        "{\"id\":\"8fd7589a-97c6-49bf-a65e-357fb063fe33\",\"name\":\"x\","
        "\"params\":{\"n\":{\"type\":\"int\",\"min\":0,\"max\":9,\"default\":3}},"
        "\"entry_long\":\"close < sma(close, n - 1)\",\"exit_long\":\"close > open\"}");
    struct tune_options options = TUNE_OPTIONS_DEFAULT;
    json_t *space = json_pack("{s:[i,i]}", "n", 1, 4);
    tune_plan_t *plan = NULL;
    struct trial trials[2];
    char detail[256];

    options.param_space = space;
    ck_assert_int_eq(tune_plan_new(bars, strategy, &options, &plan, detail, sizeof detail),
                     TM_OK);
    ck_assert_int_eq(tune_run_range(plan, 0, 2, trials, NULL), TM_OK);
    ck_assert_int_eq(trials[0].status, TRIAL_FAILED);
    ck_assert_ptr_nonnull(strstr(trials[0].skip_reason, "length"));
    ck_assert_int_ne(trials[1].status, TRIAL_FAILED);
    tune_plan_destroy(&plan);
    json_decref(space);
    strategy_destroy(&strategy);
    bars_destroy(&bars);
}
END_TEST

START_TEST(options_out_of_range_are_told)
{
    bars_t *bars = help_walk(300);
    strategy_t *strategy = help_strategy("bb_reversal");
    struct tune_options options = TUNE_OPTIONS_DEFAULT;
    tune_plan_t *plan = NULL;
    char detail[256];

    options.oos_ratio = 0.6;
    ck_assert_int_eq(tune_plan_new(bars, strategy, &options, &plan, detail, sizeof detail),
                     TM_BAD_REQUEST);
    ck_assert_ptr_nonnull(strstr(detail, "oos_ratio"));
    options.oos_ratio = 0;
    options.n_trials = 0;
    options.search_type = SEARCH_RANDOM;
    ck_assert_int_eq(tune_plan_new(bars, strategy, &options, &plan, detail, sizeof detail),
                     TM_BAD_REQUEST);
    ck_assert_ptr_nonnull(strstr(detail, "n_trials"));
    strategy_destroy(&strategy);
    bars_destroy(&bars);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("tune");
    TCase *all = suite_case(suite, "all", NULL, NULL);

    suite_tests(
        all, any_ranges_give_the_same_bits, every_build_on_every_machine_gives_the_same_bits,
        the_best_trial_is_its_own_backtest_bit_for_bit, a_split_scores_in_the_part_that_chooses,
        too_few_bars_drop_the_split_with_a_warning, gates_skip_with_their_figures,
        gates_are_those_of_the_part_that_chooses, an_undefined_score_skips_and_zero_is_a_score,
        objectives_are_what_they_are_called, a_stopped_range_leaves_the_rest_pending,
        a_length_that_cannot_be_fails_its_trial_alone, options_out_of_range_are_told);
    return suite_run(suite);
}
