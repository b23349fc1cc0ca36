/* Files in the structure of vendors' exports and of public reports, beside this repository:
 * each gives the bars of the canon that it was made from, or is refused at the right lines. */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "actors/tune/data/data.h"
#include "tests/support/suite.h"
#include "tests/unit/engine/engine_help.h"

#define CASES   "../shared/cases/"
#define SKIPPED 77

static tm_err_t
read_case(const char *name, const struct data_options *options, struct data_report *report,
          bars_t **ret)
{
    char path[256];
    size_t size;

    snprintf(path, sizeof path, CASES "%s", name);
    char *data = help_read(path, &size);
    ck_assert_msg(data != NULL, "%s", path);
    const tm_err_t err = data_read(data, size, options, report, ret);
    free(data);
    return err;
}

/* The bars of `name` are those of the canon from bar `from` on, `count` of them (0: all). */
static const struct same {
    const char *name, *canon;
    size_t from, count;
    const char *symbol;
    bool reads_volume;
    double volume_off; /* relative: 1.44M is rounded */
} sames[] = {
    {"thousands_quotes.csv", "canon_big.csv", 0, 300, NULL, true, 0},
    {"volume_m_mixed.csv", "canon_daily.csv", 0, 300, NULL, true, 0.005},
    {"compact14.csv", "canon_minute.csv", 0, 400, NULL, true, 0},
    {"two_symbols_long.csv", "canon_daily.csv", 0, 300, "AAA", true, 0},
    {"two_symbols_long.csv", "canon_big.csv", 0, 300, "bbb", true, 0},
    {"pandas_unnamed_index.csv", "canon_daily.csv", 0, 29, NULL, true, 0},
    {"yfinance_3row.csv", "canon_daily.csv", 0, 27, NULL, true, 0},
    {"binance_ms.csv", "canon_hourly.csv", 0, 30, NULL, true, 0},
    {"mt4.csv", "canon_minute.csv", 0, 30, NULL, true, 0},
    {"mt5.csv", "canon_minute.csv", 0, 29, NULL, true, 0},
    {"semicolon.csv", "canon_daily.csv", 0, 29, NULL, true, 0},
    {"semicolon_decimal_comma.csv", "canon_daily.csv", 0, 29, NULL, true, 0},
    {"cryptodatadownload.csv", "canon_hourly.csv", 372, 28, NULL, true, 0},
    {"nasdaq.csv", "canon_daily.csv", 271, 29, NULL, true, 0},
    {"date_time_columns.csv", "canon_minute.csv", 0, 29, NULL, true, 0},
    {"plain.csv.gz", "canon_daily.csv", 0, 300, NULL, true, 0},
};

START_TEST(a_file_has_the_bars_of_its_canon)
{
    const struct same *same = &sames[_i];
    struct data_options options = DATA_OPTIONS_DEFAULT;
    struct data_report report;
    bars_t *bars = NULL, *canon = NULL;

    ck_assert_int_eq(read_case(same->canon, &options, &report, &canon), TM_OK);
    options.symbol = same->symbol;
    options.reads_volume = same->reads_volume;
    ck_assert_msg(read_case(same->name, &options, &report, &bars) == TM_OK, "%s: %s",
                  same->name, report.error);
    ck_assert_uint_eq(bars->count, same->count);
    ck_assert_uint_le(same->from + same->count, canon->count);
    for (size_t i = 0; i < bars->count; i++) {
        const size_t k = same->from + i;

        ck_assert_msg(bars->time_ms[i] == canon->time_ms[k], "%s: time of bar %zu", same->name,
                      i);
        ck_assert_msg(bars->open[i] == canon->open[k] && bars->high[i] == canon->high[k] &&
                          bars->low[i] == canon->low[k] && bars->close[i] == canon->close[k],
                      "%s: prices of bar %zu", same->name, i);
        ck_assert_msg(fabs(bars->volume[i] - canon->volume[k]) <=
                          same->volume_off * canon->volume[k],
                      "%s: volume of bar %zu", same->name, i);
    }
    bars_destroy(&bars);
    bars_destroy(&canon);
}
END_TEST

/* Refused, and the lines. */
static const struct refused {
    const char *name;
    enum data_refusal refusal;
    size_t lines[4];
    const char *said;
} refused[] = {
    {"garbage_numbers.csv", DATA_NUMBER, {122, 132, 142}, "\"#DIV/0!\""},
    {"close_above_high.csv", DATA_RANGE, {122}, "outside low 91.79 and high 93.81"},
    {"two_symbols_long.csv", DATA_SYMBOLS, {0}, "AAA, BBB"},
    {"ddmmyyyy.csv", DATA_EPOCH, {2, 3, 4}, "03012022"},
    {"excel_serial.csv", DATA_EPOCH, {2, 3, 4}, "44564"},
};

START_TEST(a_file_is_refused_at_its_lines)
{
    const struct refused *row = &refused[_i];
    const struct data_options options = DATA_OPTIONS_DEFAULT;
    struct data_report report;
    bars_t *bars = NULL;

    ck_assert_int_eq(read_case(row->name, &options, &report, &bars), TM_DATA_PARSE_FAILED);
    ck_assert_int_eq(report.refusal, row->refusal);
    ck_assert_msg(strstr(report.error, row->said) != NULL, "%s", report.error);
    for (size_t i = 0; row->lines[i]; i++)
        ck_assert_uint_eq(report.errors[i].line, row->lines[i]);
}
END_TEST

/* The figures of a crossing of 10 and 50 bars. */
static const struct figure {
    const char *name;
    double return_pct, sharpe;
} figures[] = {
    {"canon_daily.csv", 6.25, 0.3447},    {"canon_big.csv", 8.40, 0.5041},
    {"canon_minute.csv", -3.50, NAN},     {"thousands_quotes.csv", 8.40, 0.5041},
    {"volume_m_mixed.csv", 6.25, 0.3447}, {"yfinance_history_tokyo.csv", 6.25, 0.3447},
    {"compact14.csv", -3.50, NAN},        {"plain.csv.gz", 6.25, 0.3447},
};

START_TEST(the_figures_are_the_canons)
{
    const struct figure *row = &figures[_i];
    const struct backtest_options account = BACKTEST_OPTIONS_DEFAULT;
    struct data_options options = DATA_OPTIONS_DEFAULT;
    double params[STRATEGY_PARAMS_MAX];
    struct data_report report;
    struct metrics metrics;
    bars_t *bars = NULL;
    strategy_t *strategy = help_strategy("sma_cross");

    options.reads_volume = strategy_reads_volume(strategy);
    ck_assert(!options.reads_volume);
    ck_assert_msg(read_case(row->name, &options, &report, &bars) == TM_OK, "%s", report.error);
    strategy_defaults(strategy, params);
    params[strategy_param_index(strategy, "fast")] = 10;
    params[strategy_param_index(strategy, "slow")] = 50;
    backtest_t *backtest = help_backtest(bars, strategy, &account);
    ck_assert_int_eq(backtest_run(backtest, params, &metrics, NULL), TM_OK);
    ck_assert_msg(fabs(metrics.return_pct - row->return_pct) < 0.005, "%s: %g", row->name,
                  metrics.return_pct);
    ck_assert_msg(isnan(row->sharpe) || fabs(metrics.sharpe - row->sharpe) < 0.00005, "%s: %g",
                  row->name, metrics.sharpe);
    backtest_destroy(&backtest);
    bars_destroy(&bars);
    strategy_destroy(&strategy);
}
END_TEST

/* What a case's own figures are, and what is said beside them. */
static struct metrics
cross_of(const char *name, double fast, double slow,
         char warnings[BACKTEST_WARNINGS_MAX][BACKTEST_WARNING_BYTES], size_t *ret_count)
{
    const struct backtest_options account = BACKTEST_OPTIONS_DEFAULT;
    const struct data_options options = DATA_OPTIONS_DEFAULT;
    strategy_t *strategy = help_strategy("sma_cross");
    struct data_report report;
    struct metrics metrics;
    bars_t *bars = NULL;

    ck_assert_int_eq(read_case(name, &options, &report, &bars), TM_OK);
    backtest_t *backtest = help_backtest(bars, strategy, &account);

    ck_assert_int_eq(backtest_run(backtest, (const double[]){fast, slow}, &metrics, NULL),
                     TM_OK);
    *ret_count = backtest_warnings(backtest, warnings);
    backtest_destroy(&backtest);
    strategy_destroy(&strategy);
    bars_destroy(&bars);
    return metrics;
}

/* 10.63 % in 59 quarters: 1.1063 ^ (4 / 59) - 1. */
START_TEST(a_quarterly_file_is_annualised_by_its_quarters)
{
    char warnings[BACKTEST_WARNINGS_MAX][BACKTEST_WARNING_BYTES];
    size_t count;
    const struct metrics metrics = cross_of("quarterly.csv", 2, 4, warnings, &count);

    ck_assert_double_eq_tol(metrics.return_pct, 10.6335, 0.0001);
    ck_assert_double_eq_tol(metrics.return_ann_pct, 0.6875, 0.0001);
    ck_assert_uint_eq(count, 0);
}
END_TEST

START_TEST(a_unit_dearer_than_the_cash_is_said)
{
    char warnings[BACKTEST_WARNINGS_MAX][BACKTEST_WARNING_BYTES];
    size_t count;
    const struct metrics metrics = cross_of("canon_hourly.csv", 10, 50, warnings, &count);

    ck_assert(metrics.trades == 0);
    ck_assert_uint_eq(count, 1);
    ck_assert_ptr_nonnull(strstr(warnings[0], "one unit cost 43754.8"));
}
END_TEST

START_TEST(an_offset_of_the_file_makes_its_days)
{
    const struct data_options options = DATA_OPTIONS_DEFAULT;
    struct data_report report;
    bars_t *bars = NULL;

    ck_assert_int_eq(read_case("yfinance_history_tokyo.csv", &options, &report, &bars), TM_OK);
    ck_assert_str_eq(report.first, "2022-01-03 00:00:00+09:00");
    ck_assert_str_eq(report.last, "2023-02-24 00:00:00+09:00");
    ck_assert_str_eq(report.zone, "+09:00 (file)");
    ck_assert_int_eq(bars_local_day(bars, 0), 18995); /* 2022-01-03 */
    ck_assert_int_eq(bars_local_day(bars, 299), 19412);
    ck_assert_int_eq(report.first_offset_s, 32400); /* nine hours */
    bars_destroy(&bars);
}
END_TEST

int
main(void)
{
    Suite *suite;
    TCase *cases;

    if (access(CASES, R_OK) != 0) {
        printf("skipped: %s is not here\n", CASES);
        return SKIPPED;
    }
    suite = suite_create("data_cases");
    cases = suite_case(suite, "cases", NULL, NULL);
    suite_rows(cases, a_file_has_the_bars_of_its_canon, sames);
    suite_rows(cases, a_file_is_refused_at_its_lines, refused);
    suite_rows(cases, the_figures_are_the_canons, figures);
    suite_tests(cases, a_quarterly_file_is_annualised_by_its_quarters,
                a_unit_dearer_than_the_cash_is_said, an_offset_of_the_file_makes_its_days);
    return suite_run(suite);
}
