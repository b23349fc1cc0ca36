#include <check.h>
#include <math.h>
#include <stdlib.h>

#include "actors/tune/engine/indicators.h"
#include "tests/unit/engine/engine_help.h"
#include "tests/support/suite.h"

#define COUNT 400

static double out[COUNT];

static void
ck_near(double a, double b)
{
    ck_assert_msg(fabs(a - b) <= 1e-11 * fmax(fabs(b), 1.0), "%.17g is not %.17g", a, b);
}

static double
naive_mean(const double *in, size_t n)
{
    long double sum = 0;

    for (size_t i = 0; i < n; i++)
        sum += (long double)in[i];
    return (double)(sum / (long double)n);
}

static double
naive_stdev(const double *in, size_t n)
{
    const long double mean = (long double)naive_mean(in, n);
    long double sum = 0;

    for (size_t i = 0; i < n; i++)
        sum += ((long double)in[i] - mean) * ((long double)in[i] - mean);
    return (double)sqrtl(sum / (long double)(n - 1));
}

START_TEST(means_and_deviations_are_those_of_the_window)
{
    bars_t *bars = help_walk(COUNT);

    for (size_t n = 2; n < 60; n += 7) {
        ck_assert_uint_eq(indicator_sma(bars->close, COUNT, n, out), n - 1);
        for (size_t i = 0; i < COUNT; i++) {
            if (i + 1 < n)
                ck_assert(isnan(out[i]));
            else
                ck_near(out[i], naive_mean(bars->close + i + 1 - n, n));
        }
        ck_assert_uint_eq(indicator_stdev(bars->close, COUNT, n, out), n - 1);
        for (size_t i = n - 1; i < COUNT; i++)
            ck_assert_double_eq_tol(out[i], naive_stdev(bars->close + i + 1 - n, n), 1e-9);
    }
    bars_destroy(&bars);
}
END_TEST

START_TEST(equal_values_have_themselves_as_mean_and_no_deviation)
{
    double in[COUNT];

    for (size_t i = 0; i < COUNT; i++)
        in[i] = i < 50 ? 1e9 + (double)i / 3.0 : 0.1;
    indicator_sma(in, COUNT, 10, out);
    ck_assert(out[59] == 0.1 && out[300] == 0.1);
    indicator_stdev(in, COUNT, 10, out);
    ck_assert(out[59] == 0.0 && out[300] == 0.0);
    ck_assert(out[58] > 0.0);
}
END_TEST

START_TEST(rsi_is_wilders)
{
    bars_t *bars = help_walk(COUNT);
    double gain = 0, loss = 0;
    const size_t n = 14;

    ck_assert_uint_eq(indicator_rsi(bars->close, COUNT, n, out), n);
    for (size_t i = 1; i < COUNT; i++) {
        const double change = bars->close[i] - bars->close[i - 1];
        const double up = fmax(change, 0), down = fmax(-change, 0);

        gain = i <= n ? gain + up / (double)n : (gain * 13 + up) / 14;
        loss = i <= n ? loss + down / (double)n : (loss * 13 + down) / 14;
        if (i >= n)
            ck_near(out[i], 100 - 100 / (1 + gain / loss));
    }
    bars_destroy(&bars);
}
END_TEST

START_TEST(rsi_is_100_without_losses)
{
    const double in[] = {1, 2, 3, 4, 5, 6};

    ck_assert_uint_eq(indicator_rsi(in, 6, 3, out), 3);
    ck_assert(out[3] == 100.0 && out[5] == 100.0);
}
END_TEST

START_TEST(extremes_look_at_the_bars_before)
{
    bars_t *bars = help_walk(COUNT);

    for (size_t n = 1; n < COUNT; n = n * 2 + 1) {
        ck_assert_uint_eq(indicator_highest(bars->close, COUNT, n, out), n);
        for (size_t i = n; i < COUNT; i++) {
            double best = bars->close[i - n];
            for (size_t k = i - n; k < i; k++)
                best = fmax(best, bars->close[k]);
            ck_assert_msg(out[i] == best, "n %zu bar %zu", n, i);
        }
        indicator_lowest(bars->close, COUNT, n, out);
        for (size_t i = n; i < COUNT; i++) {
            double best = bars->close[i - n];
            for (size_t k = i - n; k < i; k++)
                best = fmin(best, bars->close[k]);
            ck_assert_msg(out[i] == best, "n %zu bar %zu", n, i);
        }
    }
    bars_destroy(&bars);
}
END_TEST

START_TEST(ema_begins_with_the_mean_and_follows)
{
    const double in[] = {1, 2, 3, 7};

    ck_assert_uint_eq(indicator_ema(in, 4, 3, out), 2);
    ck_assert(out[2] == 2.0 && out[3] == 4.5);
}
END_TEST

START_TEST(atr_averages_true_ranges)
{
    const double high[] = {10, 12, 11, 20}, low[] = {9, 10, 8, 18}, close[] = {9.5, 11, 9, 19};

    ck_assert_uint_eq(indicator_atr(high, low, close, 4, 2, out), 2);
    ck_assert(out[2] == (2.5 + 3.0) / 2);
    ck_assert(out[3] == (out[2] + 11.0) / 2);
}
END_TEST

START_TEST(a_window_longer_than_the_series_is_never_defined)
{
    const double in[] = {1, 2, 3};

    ck_assert_uint_eq(indicator_sma(in, 3, 4, out), 3);
    ck_assert(isnan(out[0]) && isnan(out[2]));
    ck_assert_uint_eq(indicator_rsi(in, 3, 3, out), 3);
    ck_assert_uint_eq(indicator_highest(in, 3, 3, out), 3);
    ck_assert_uint_eq(indicator_stdev(in, 3, 1, out), 3);
    ck_assert_uint_eq(indicator_atr(in, in, in, 3, 3, out), 3);
    ck_assert_uint_eq(indicator_ema(in, 3, 1000000, out), 3);
}
END_TEST

START_TEST(leading_undefined_values_are_skipped)
{
    const double in[] = {(double)NAN, (double)NAN, 1, 3, 5};

    ck_assert_uint_eq(indicator_sma(in, 5, 2, out), 3);
    ck_assert(isnan(out[2]) && out[3] == 2.0 && out[4] == 4.0);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("indicators");
    TCase *all = suite_case(suite, "all", NULL, NULL);

    suite_tests(all, means_and_deviations_are_those_of_the_window,
                equal_values_have_themselves_as_mean_and_no_deviation, rsi_is_wilders,
                rsi_is_100_without_losses, extremes_look_at_the_bars_before,
                ema_begins_with_the_mean_and_follows, atr_averages_true_ranges,
                a_window_longer_than_the_series_is_never_defined,
                leading_undefined_values_are_skipped);
    return suite_run(suite);
}
