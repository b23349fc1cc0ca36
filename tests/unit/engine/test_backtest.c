#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/engine/engine_help.h"
#include "tests/support/suite.h"

#define COUNT(a) (sizeof(a) / sizeof(a)[0])
#define ID       "{\"id\":\"8fd7589a-97c6-49bf-a65e-357fb063fe33\",\"name\":\"x\","

static const char *const all[] = {"bb_reversal", "sma_cross", "sma_cross_ls", "rsi_reversion",
                                  "donchian_breakout"};

/* Long below 10, out above 20. */
static const char *const simple =
    ID "\"entry_long\":\"close < 10\",\"exit_long\":\"close > 20\"}";

/* Runs a strategy without params over these closes. */
static backtest_trace_t *
trace_of(const char *spec, const double *closes, size_t count,
         const struct backtest_options *options, struct metrics *ret)
{
    strategy_t *strategy = help_strategy_text(spec);
    bars_t *bars = help_closes(closes, count);
    backtest_t *backtest = help_backtest(bars, strategy, options);
    const double params[STRATEGY_PARAMS_MAX] = {0};
    backtest_trace_t *trace = NULL;

    ck_assert_int_eq(backtest_trace(backtest, params, ret, &trace), TM_OK);
    backtest_destroy(&backtest);
    strategy_destroy(&strategy);
    bars_destroy(&bars);
    return trace;
}

START_TEST(orders_fill_at_the_close_that_gave_the_signal)
{
    const double closes[] = {15, 15, 8, 12, 25, 30};
    struct backtest_options options = BACKTEST_OPTIONS_DEFAULT;
    struct metrics metrics;

    options.cash = 1000;
    options.commission_bps = 0;
    backtest_trace_t *trace = trace_of(simple, closes, COUNT(closes), &options, &metrics);
    ck_assert_uint_eq(trace->trade_count, 1);
    const struct trade *trade = &trace->trades[0];
    ck_assert(trade->entry_bar == 2 && trade->entry_price == 8 && trade->size == 124);
    ck_assert(trade->exit_bar == 4 && trade->exit_price == 25 && trade->pnl == 124 * 17);
    ck_assert_str_eq(trade_side(trade), "long");
    ck_assert_str_eq(trade_reason_name(trade->reason), "signal");
    ck_assert(trace->equity[2] == 1000 && trace->equity[3] == 1000 + 124 * 4);
    ck_assert(trace->equity[5] == 1000 + 124 * 17 && metrics.equity_final == trace->equity[5]);
    backtest_trace_destroy(&trace);
}
END_TEST

START_TEST(orders_fill_at_the_next_open_when_asked)
{
    const double closes[] = {15, 15, 8, 12, 25, 30};
    struct backtest_options options = BACKTEST_OPTIONS_DEFAULT;
    struct metrics metrics;

    options.fill_on_close = false;
    backtest_trace_t *trace = trace_of(simple, closes, COUNT(closes), &options, &metrics);
    ck_assert_uint_eq(trace->trades[0].entry_bar, 3);
    ck_assert_uint_eq(trace->trades[0].exit_bar, 5);
    backtest_trace_destroy(&trace);
}
END_TEST

START_TEST(fees_leave_cash_at_entry_and_exit)
{
    const double closes[] = {15, 15, 8, 12, 25, 30};
    struct backtest_options options = BACKTEST_OPTIONS_DEFAULT;
    struct metrics metrics;

    options.cash = 1000;
    options.commission_bps = 60;
    options.slippage_bps = 40;
    backtest_trace_t *trace = trace_of(simple, closes, COUNT(closes), &options, &metrics);
    ck_assert(trace->trades[0].size == 123); /* 8.08 each */
    ck_assert_double_eq_tol(trace->equity[3], 1000 - 123 * 0.08 + 123 * 4, 1e-9);
    ck_assert_double_eq_tol(trace->trades[0].pnl, 123 * (17 - 0.08 - 0.25), 1e-9);
    ck_assert_double_eq_tol(metrics.equity_final, 1000 + trace->trades[0].pnl, 1e-9);
    backtest_trace_destroy(&trace);
}
END_TEST

START_TEST(what_is_open_at_the_end_is_closed_or_left)
{
    const double closes[] = {15, 15, 8, 12, 14};
    struct backtest_options options = BACKTEST_OPTIONS_DEFAULT;
    struct metrics closed, left;

    backtest_trace_t *trace = trace_of(simple, closes, COUNT(closes), &options, &closed);
    ck_assert_uint_eq(trace->trade_count, 1);
    ck_assert_str_eq(trade_reason_name(trace->trades[0].reason), "end_of_data");
    ck_assert(trace->trades[0].exit_price == 14 && trace->equity[4] == closed.equity_final);
    backtest_trace_destroy(&trace);
    options.close_at_end = false;
    trace = trace_of(simple, closes, COUNT(closes), &options, &left);
    ck_assert_uint_eq(trace->trade_count, 0);
    ck_assert(left.equity_final > closed.equity_final && left.trades == 0);
    backtest_trace_destroy(&trace);
}
END_TEST

START_TEST(a_signal_on_the_last_bar_is_never_filled)
{
    const double closes[] = {15, 15, 15, 8};
    struct backtest_options options = BACKTEST_OPTIONS_DEFAULT;
    struct metrics metrics;
    backtest_trace_t *trace = trace_of(simple, closes, COUNT(closes), &options, &metrics);

    ck_assert(trace->trade_count == 0 && metrics.equity_final == options.cash);
    backtest_trace_destroy(&trace);
}
END_TEST

START_TEST(units_are_whole_unless_fractional)
{
    const double closes[] = {15, 15, 8, 12, 25, 30};
    struct backtest_options options = BACKTEST_OPTIONS_DEFAULT;
    struct metrics metrics;

    options.cash = 5;
    backtest_trace_t *trace = trace_of(simple, closes, COUNT(closes), &options, &metrics);
    ck_assert_uint_eq(trace->trade_count, 0);
    backtest_trace_destroy(&trace);
    options.fractional = true;
    trace = trace_of(simple, closes, COUNT(closes), &options, &metrics);
    ck_assert_uint_eq(trace->trade_count, 1);
    ck_assert(trace->trades[0].size > 0.6 && trace->trades[0].size < 0.625);
    backtest_trace_destroy(&trace);
}
END_TEST

START_TEST(a_ruined_short_ends_the_run)
{
    const double closes[] = {15, 15, 8, 9, 30, 5, 5, 5};
    struct backtest_options options = BACKTEST_OPTIONS_DEFAULT;
    struct metrics metrics;
    backtest_trace_t *trace = trace_of(ID "\"entry_short\":\"close < 10\"}", closes,
                                       COUNT(closes), &options, &metrics);

    ck_assert_uint_eq(trace->trade_count, 1);
    ck_assert_str_eq(trade_side(&trace->trades[0]), "short");
    ck_assert_str_eq(trade_reason_name(trace->trades[0].reason), "bust");
    ck_assert(trace->equity[3] > 0 && trace->equity[4] == 0 && trace->equity[7] == 0);
    ck_assert(metrics.return_pct == -100 && metrics.max_drawdown_pct == -100);
    backtest_trace_destroy(&trace);
}
END_TEST

START_TEST(a_reversing_strategy_turns_at_one_price)
{
    const double closes[] = {15, 15, 8, 12, 25, 22, 9, 12};
    struct backtest_options options = BACKTEST_OPTIONS_DEFAULT;
    struct metrics metrics;
    backtest_trace_t *trace = trace_of(
        ID "\"entry_long\":\"close < 10\",\"entry_short\":\"close > 23\",\"reversing\":true}",
        closes, COUNT(closes), &options, &metrics);

    ck_assert_uint_eq(trace->trade_count, 3);
    ck_assert_str_eq(trade_side(&trace->trades[1]), "short");
    ck_assert(trace->trades[0].exit_bar == 4 && trace->trades[1].entry_bar == 4);
    ck_assert(trace->trades[0].reason == TRADE_REVERSED);
    ck_assert(trace->trades[0].exit_price == trace->trades[1].entry_price);
    backtest_trace_destroy(&trace);
}
END_TEST

START_TEST(the_curve_and_the_fast_path_have_the_same_bits)
{
    static const char *const files[] = {"sp500_daily", "SYNH", "SYNM", "SYND", "BUST"};
    const struct backtest_options options = BACKTEST_OPTIONS_DEFAULT;

    for (size_t i = 0; i < COUNT(files) * COUNT(all); i++) {
        char path[64];
        double params[STRATEGY_PARAMS_MAX];
        struct metrics fast, traced;
        backtest_trace_t *trace = NULL;

        snprintf(path, sizeof path, "tests/data/%s.csv", files[i / COUNT(all)]);
        bars_t *bars = help_bars(path);
        ck_assert_ptr_nonnull(bars);
        strategy_t *strategy = help_strategy(all[i % COUNT(all)]);
        backtest_t *backtest = help_backtest(bars, strategy, &options);
        strategy_defaults(strategy, params);
        ck_assert_int_eq(backtest_run(backtest, params, &fast, NULL), TM_OK);
        ck_assert_int_eq(backtest_trace(backtest, params, &traced, &trace), TM_OK);
        ck_assert_msg(memcmp(&fast, &traced, sizeof fast) == 0, "%s %s", path,
                      all[i % COUNT(all)]);
        ck_assert(trace->equity[bars->count - 1] == fast.equity_final);
        ck_assert((double)trace->trade_count == fast.trades);
        backtest_trace_destroy(&trace);
        backtest_destroy(&backtest);
        strategy_destroy(&strategy);
        bars_destroy(&bars);
    }
}
END_TEST

START_TEST(the_figures_are_those_of_the_curve)
{
    const struct backtest_options options = BACKTEST_OPTIONS_DEFAULT;
    bars_t *bars = help_bars("tests/data/sp500_daily.csv");
    strategy_t *strategy = help_strategy("sma_cross_ls");
    backtest_t *backtest = help_backtest(bars, strategy, &options);
    double params[STRATEGY_PARAMS_MAX], peak = 0, deepest = 0, profit = 0;
    backtest_trace_t *trace = NULL;
    struct metrics metrics;

    strategy_defaults(strategy, params);
    ck_assert_int_eq(backtest_trace(backtest, params, &metrics, &trace), TM_OK);
    for (size_t i = 0; i < trace->bar_count; i++) {
        peak = fmax(peak, trace->equity[i]);
        deepest = fmax(deepest, 1 - trace->equity[i] / peak);
    }
    for (size_t i = 0; i < trace->trade_count; i++)
        profit += trace->trades[i].pnl;
    ck_assert(metrics.equity_peak == peak && metrics.max_drawdown_pct == -deepest * 100);
    ck_assert_double_eq_tol(metrics.equity_final, options.cash + profit, 1e-6);
    const struct daily_moments moments = overfit_moments(bars, trace->equity);
    ck_assert(moments.days == (double)bars->count - 1 && moments.kurtosis > 1);
    backtest_trace_destroy(&trace);
    backtest_destroy(&backtest);
    strategy_destroy(&strategy);
    bars_destroy(&bars);
}
END_TEST

/* With fractions a trade's return does not depend on the cash: from a bar on at which the whole
 * run holds nothing, the window's trades are the whole run's. */
START_TEST(indicators_warm_up_on_the_bars_before_a_window)
{
    struct backtest_options options = BACKTEST_OPTIONS_DEFAULT;
    bars_t *bars = help_bars("tests/data/sp500_daily.csv");
    strategy_t *strategy = help_strategy("sma_cross");
    double params[STRATEGY_PARAMS_MAX] = {10, 50};
    backtest_trace_t *long_run = NULL;
    struct metrics metrics;

    for (int is_on_close = 0; is_on_close < 2; is_on_close++) {
        options.fractional = true;
        options.fill_on_close = is_on_close;
        backtest_t *whole = help_backtest(bars, strategy, &options);

        ck_assert_int_eq(backtest_trace(whole, params, &metrics, &long_run), TM_OK);
        ck_assert_uint_gt(long_run->trade_count, 20);
        for (size_t t = 0; t + 1 < long_run->trade_count; t += 3) {
            const size_t first = long_run->trades[t].exit_bar + 1;
            const bars_t window = bars_window(bars, first, SIZE_MAX);
            backtest_t *part = help_backtest(&window, strategy, &options);
            backtest_trace_t *trace = NULL;

            ck_assert_int_eq(backtest_trace(part, params, &metrics, &trace), TM_OK);
            ck_assert_uint_eq(trace->bar_count, bars->count - first);
            ck_assert_uint_eq(trace->warmup, 0);
            ck_assert_uint_eq(trace->trade_count, long_run->trade_count - t - 1);
            for (size_t k = 0; k < trace->trade_count; k++) {
                const struct trade *is = &trace->trades[k], *was = &long_run->trades[t + 1 + k];

                ck_assert_uint_eq(is->entry_bar + first, was->entry_bar);
                ck_assert_uint_eq(is->exit_bar + first, was->exit_bar);
                ck_assert_int_eq(is->entry_time_ms, was->entry_time_ms);
                ck_assert_double_eq_tol(is->return_pct, was->return_pct, 1e-9);
            }
            ck_assert_double_eq_tol(
                metrics.return_pct,
                (long_run->equity[bars->count - 1] / long_run->equity[first] - 1) * 100, 1e-7);
            ck_assert_double_eq_tol(
                metrics.buy_hold_return_pct,
                (bars->close[bars->count - 1] / bars->close[first] - 1) * 100, 1e-9);
            backtest_trace_destroy(&trace);
            backtest_destroy(&part);
        }
        backtest_trace_destroy(&long_run);
        backtest_destroy(&whole);
    }
    strategy_destroy(&strategy);
    bars_destroy(&bars);
}
END_TEST

/* 20 of the 50 bars of the warm-up lie before the window: 29 are left. */
START_TEST(a_short_lead_shortens_the_warm_up)
{
    const struct backtest_options options = BACKTEST_OPTIONS_DEFAULT;
    bars_t *bars = help_walk(700);
    strategy_t *strategy = help_strategy("sma_cross");
    const bars_t window = bars_window(bars, 20, SIZE_MAX);
    backtest_t *backtest = help_backtest(&window, strategy, &options);
    double params[STRATEGY_PARAMS_MAX] = {10, 50};
    backtest_trace_t *trace = NULL;
    struct metrics metrics;

    ck_assert_int_eq(backtest_trace(backtest, params, &metrics, &trace), TM_OK);
    ck_assert_uint_eq(trace->warmup, 29);
    ck_assert_double_eq(metrics.buy_hold_return_pct,
                        (window.close[679] - window.close[29]) / window.close[29] * 100);
    backtest_trace_destroy(&trace);
    backtest_destroy(&backtest);
    strategy_destroy(&strategy);
    bars_destroy(&bars);
}
END_TEST

/* The slow mean of n bars has its first value at bar n - 1, and signals act from the next. */
static const struct {
    double slow;
    bool is_out_of_bars;
} lengths[] = {{50, false}, {299, false}, {300, true}, {301, true}, {400, true}};

START_TEST(a_warm_up_that_leaves_nothing_is_told)
{
    const struct backtest_options options = BACKTEST_OPTIONS_DEFAULT;
    bars_t *bars = help_walk(300);
    strategy_t *strategy = help_strategy("sma_cross");
    backtest_t *backtest = help_backtest(bars, strategy, &options);
    const double params[STRATEGY_PARAMS_MAX] = {10, lengths[_i].slow}, few[] = {10, 20};
    char warnings[BACKTEST_WARNINGS_MAX][BACKTEST_WARNING_BYTES];
    struct metrics metrics;

    ck_assert_int_eq(backtest_run(backtest, params, &metrics, NULL), TM_OK);
    ck_assert_int_eq(backtest_notes(backtest)->is_out_of_bars, lengths[_i].is_out_of_bars);
    ck_assert_uint_eq(backtest_warnings(backtest, warnings), lengths[_i].is_out_of_bars);
    if (lengths[_i].is_out_of_bars) {
        ck_assert(metrics.trades == 0);
        ck_assert_ptr_nonnull(strstr(warnings[0], "before the last of the 300 bars"));
    }
    ck_assert_int_eq(backtest_run(backtest, few, &metrics, NULL), TM_OK);
    ck_assert(!backtest_notes(backtest)->is_out_of_bars); /* of the last run */
    backtest_destroy(&backtest);
    strategy_destroy(&strategy);
    bars_destroy(&bars);
}
END_TEST

/* A unit costs 100 and 1 % of it; the cash of 100 buys none, of 102 one, or 100/101 of one. */
START_TEST(a_unit_dearer_than_the_cash_is_told)
{
    const double closes[] = {100, 100, 100, 110, 100, 100, 110, 100};
    struct backtest_options options = {
        .cash = 100, .commission_bps = 100, .fill_on_close = true, .close_at_end = true};
    bars_t *bars = help_closes(closes, 8);
    strategy_t *strategy =
        help_strategy_text("{\"id\":\"8fd7589a-97c6-49bf-a65e-357fb063fe33\",\"name\":\"x\","
                           "\"entry_long\":\"close < 105\",\"exit_long\":\"close > 105\"}");
    char warnings[BACKTEST_WARNINGS_MAX][BACKTEST_WARNING_BYTES];
    struct metrics metrics;

    backtest_t *backtest = help_backtest(bars, strategy, &options);
    ck_assert_int_eq(backtest_run(backtest, NULL, &metrics, NULL), TM_OK);
    ck_assert(metrics.trades == 0);
    ck_assert_uint_eq(backtest_notes(backtest)->unaffordable, 4); /* bars 1, 2, 4, 5 */
    ck_assert_double_eq(backtest_notes(backtest)->unit, 101);
    ck_assert_double_eq(backtest_notes(backtest)->cash, 100);
    ck_assert_uint_eq(backtest_warnings(backtest, warnings), 1);
    ck_assert_str_eq(warnings[0],
                     "4 entries were left out: one unit cost 101, and the cash was 100; let "
                     "fractions be bought (sizing fractional), or begin with more cash");
    backtest_destroy(&backtest);
    options.fractional = true;
    backtest = help_backtest(bars, strategy, &options);
    ck_assert_int_eq(backtest_run(backtest, NULL, &metrics, NULL), TM_OK);
    ck_assert(metrics.trades == 2);
    ck_assert_uint_eq(backtest_warnings(backtest, warnings), 0);
    backtest_destroy(&backtest);
    strategy_destroy(&strategy);
    bars_destroy(&bars);
}
END_TEST

START_TEST(a_small_cache_changes_nothing)
{
    struct backtest_options roomy = BACKTEST_OPTIONS_DEFAULT, tight = BACKTEST_OPTIONS_DEFAULT;
    bars_t *bars = help_walk(700);
    strategy_t *strategy = help_strategy("sma_cross");

    tight.cache_bytes = 1;
    backtest_t *a = help_backtest(bars, strategy, &roomy),
               *b = help_backtest(bars, strategy, &tight);
    for (int i = 0; i < 200; i++) {
        const double params[STRATEGY_PARAMS_MAX] = {2 + i * 7 % 13, 5 + i * 11 % 40};
        struct metrics x, y;

        ck_assert_int_eq(backtest_run(a, params, &x, NULL), TM_OK);
        ck_assert_int_eq(backtest_run(b, params, &y, NULL), TM_OK);
        ck_assert_int_eq(memcmp(&x, &y, sizeof x), 0);
    }
    backtest_destroy(&a);
    backtest_destroy(&b);
    strategy_destroy(&strategy);
    bars_destroy(&bars);
}
END_TEST

START_TEST(a_warmup_longer_than_the_bars_trades_nothing)
{
    const struct backtest_options options = BACKTEST_OPTIONS_DEFAULT;
    bars_t *bars = help_walk(30);
    strategy_t *strategy = help_strategy("bb_reversal");
    backtest_t *backtest = help_backtest(bars, strategy, &options);
    struct metrics metrics;

    for (int period = 28; period < 34; period++) {
        const double params[STRATEGY_PARAMS_MAX] = {period, 0};
        ck_assert_int_eq(backtest_run(backtest, params, &metrics, NULL), TM_OK);
        ck_assert(metrics.trades <= 1 && !isnan(metrics.return_pct));
    }
    backtest_destroy(&backtest);
    strategy_destroy(&strategy);
    bars_destroy(&bars);
}
END_TEST

START_TEST(options_out_of_range_are_refused)
{
    struct backtest_options options = BACKTEST_OPTIONS_DEFAULT;
    bars_t *bars = help_walk(30);
    const bars_t one = bars_slice(bars, 0, 1);
    strategy_t *strategy = help_strategy("bb_reversal");
    const double wrong[STRATEGY_PARAMS_MAX] = {0, 2};
    backtest_t *backtest = NULL;
    struct metrics metrics;

    ck_assert_int_eq(backtest_new(&one, strategy, &options, &backtest), TM_INSUFFICIENT_DATA);
    options.cash = (double)NAN;
    ck_assert_int_eq(backtest_new(bars, strategy, &options, &backtest), TM_BAD_REQUEST);
    options.cash = 100;
    options.slippage_bps = 1001;
    ck_assert_int_eq(backtest_new(bars, strategy, &options, &backtest), TM_BAD_REQUEST);
    options.slippage_bps = 0;
    backtest = help_backtest(bars, strategy, &options);
    ck_assert_int_eq(backtest_run(backtest, wrong, &metrics, NULL), TM_INVALID_PARAM_SPACE);
    backtest_destroy(&backtest);
    strategy_destroy(&strategy);
    bars_destroy(&bars);
}
END_TEST

START_TEST(metrics_are_a_table)
{
    struct metrics metrics;

    metrics_clear(&metrics);
    for (size_t i = 0; i < METRIC_COUNT_ALL; i++) {
        ck_assert(isnan(metrics_value(&metrics, i)));
        metrics.values[i] = (double)i;
    }
    ck_assert(metrics.return_pct == 0 && metrics.equity_peak == METRIC_COUNT_ALL - 1);
    ck_assert(metrics_value(&metrics, METRIC_INDEX_trades) == metrics.trades);
    ck_assert_int_eq(metrics_info(METRIC_INDEX_trades)->kind, METRIC_COUNT);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("backtest");
    TCase *rules = suite_case(suite, "rules", NULL, NULL),
          *paths = suite_case(suite, "paths", NULL, NULL);

    suite_tests(rules, orders_fill_at_the_close_that_gave_the_signal,
                orders_fill_at_the_next_open_when_asked, fees_leave_cash_at_entry_and_exit,
                what_is_open_at_the_end_is_closed_or_left,
                a_signal_on_the_last_bar_is_never_filled, units_are_whole_unless_fractional,
                a_ruined_short_ends_the_run, a_reversing_strategy_turns_at_one_price);
    suite_tests(paths, the_curve_and_the_fast_path_have_the_same_bits,
                the_figures_are_those_of_the_curve,
                indicators_warm_up_on_the_bars_before_a_window,
                a_short_lead_shortens_the_warm_up, a_unit_dearer_than_the_cash_is_told,
                a_small_cache_changes_nothing, a_warmup_longer_than_the_bars_trades_nothing,
                options_out_of_range_are_refused, metrics_are_a_table);
    suite_rows(paths, a_warm_up_that_leaves_nothing_is_told, lengths);
    return suite_run(suite);
}
