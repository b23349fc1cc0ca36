#include <check.h>
#include <math.h>
#include <stdlib.h>

#include "tests/unit/engine/engine_help.h"
#include "tests/support/suite.h"

#define TRIALS 60

static struct metrics_blocks blocks[TRIALS];
static const struct metrics_blocks *pointers[TRIALS];

/* Each trial's daily mean in each block, by `mean`; the deviation is 0.01. */
static void
fill(double (*mean)(size_t trial, size_t block))
{
    for (size_t t = 0; t < TRIALS; t++) {
        pointers[t] = &blocks[t];
        for (size_t b = 0; b < METRICS_BLOCKS; b++) {
            const double m = mean(t, b);

            blocks[t].days[b] = 50;
            blocks[t].sum[b] = 50 * m;
            blocks[t].square[b] = 50 * (m * m + 1e-4);
        }
    }
}

static double
skill(size_t trial, size_t block)
{
    (void)block;
    return 1e-5 * (double)trial;
}

/* Good in eight blocks of its own, as bad in the others. */
static double
luck(size_t trial, size_t block)
{
    const unsigned half = (unsigned)(trial * 37 % 256), bits = half | (half ^ 0xff) << 8;

    return bits >> block & 1 ? 2e-3 : -2e-3;
}

START_TEST(trials_that_differ_by_skill_are_not_overfit)
{
    fill(skill);
    ck_assert(overfit_pbo(pointers, TRIALS) == 0.0);
}
END_TEST

START_TEST(trials_that_differ_by_luck_are_overfit)
{
    fill(luck);
    ck_assert(overfit_pbo(pointers, TRIALS) > 0.6);
}
END_TEST

START_TEST(without_two_trials_nothing_is_said)
{
    fill(skill);
    ck_assert(isnan(overfit_pbo(pointers, 1)));
    blocks[0].days[3] = 0;
    ck_assert(isnan(overfit_pbo(pointers, TRIALS)));
}
END_TEST

START_TEST(the_daily_sharpe_is_mean_over_deviation)
{
    fill(skill);
    ck_assert_double_eq_tol(overfit_daily_sharpe(&blocks[50]), 5e-4 / sqrt(1e-4 * 800 / 799),
                            1e-9);
    blocks[0] = (struct metrics_blocks){.days = {100}};
    ck_assert(isnan(overfit_daily_sharpe(&blocks[0])));
}
END_TEST

/* The example of Bailey and Lopez de Prado (2014), section "A numerical example": annual Sharpe
 * ratio 2.5 over 1250 days, 100 trials with an annual variance of 1/2, skew -3, kurtosis 10:
 * 0.9004. */
START_TEST(the_deflated_sharpe_is_that_of_the_paper)
{
    const double sharpe = 2.5 / sqrt(250), spread = sqrt(0.5 / 250 * 99 / 100);
    const struct daily_moments best = {1250, sharpe, 1.0, -3, 10};
    double sharpes[100];

    for (size_t i = 0; i < 100; i++)
        sharpes[i] = i % 2 ? spread : -spread;
    ck_assert_double_eq_tol(overfit_deflated_sharpe(&best, sharpes, 100), 0.9004, 2e-4);
}
END_TEST

START_TEST(more_trials_deflate_more)
{
    const struct daily_moments best = {1000, 0.05, 1.0, 0, 3};
    double sharpes[1000];

    for (size_t i = 0; i < 1000; i++)
        sharpes[i] = i % 2 ? 0.02 : -0.02;
    const double few = overfit_deflated_sharpe(&best, sharpes, 10);
    const double many = overfit_deflated_sharpe(&best, sharpes, 1000);
    ck_assert(many > 0 && few < 1 && many < few);
    sharpes[0] = (double)NAN;
    ck_assert(isnan(overfit_deflated_sharpe(&best, sharpes, 2)));
}
END_TEST

START_TEST(blocks_add_up_to_the_returns_of_the_curve)
{
    const struct backtest_options options = BACKTEST_OPTIONS_DEFAULT;
    bars_t *bars = help_bars("tests/data/SYNH.csv");
    strategy_t *strategy = help_strategy("bb_reversal");
    backtest_t *backtest = help_backtest(bars, strategy, &options);
    const double params[STRATEGY_PARAMS_MAX] = {10, 0.5};
    backtest_trace_t *trace = NULL;
    struct metrics_blocks sums;
    struct metrics metrics;
    double days = 0, sum = 0;

    ck_assert_int_eq(backtest_run(backtest, params, &metrics, &sums), TM_OK);
    ck_assert_int_eq(backtest_trace(backtest, params, &metrics, &trace), TM_OK);
    const struct daily_moments moments = overfit_moments(bars, trace->equity);
    for (size_t b = 0; b < METRICS_BLOCKS; b++) {
        ck_assert(fabs(sums.days[b] - moments.days / METRICS_BLOCKS) <= 1);
        days += sums.days[b];
        sum += sums.sum[b];
    }
    ck_assert(days == moments.days);
    ck_assert_double_eq_tol(sum / days, moments.mean, 1e-12);
    ck_assert_double_eq_tol(overfit_daily_sharpe(&sums), moments.mean / moments.deviation,
                            1e-9);
    backtest_trace_destroy(&trace);
    backtest_destroy(&backtest);
    strategy_destroy(&strategy);
    bars_destroy(&bars);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("overfit");
    TCase *all = suite_case(suite, "all", NULL, NULL);

    suite_tests(all, trials_that_differ_by_skill_are_not_overfit,
                trials_that_differ_by_luck_are_overfit, without_two_trials_nothing_is_said,
                the_daily_sharpe_is_mean_over_deviation,
                the_deflated_sharpe_is_that_of_the_paper, more_trials_deflate_more,
                blocks_add_up_to_the_returns_of_the_curve);
    return suite_run(suite);
}
