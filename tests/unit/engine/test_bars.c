/* Views of a series, the exchange's calendar, and how often a year a series counts. */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "actors/tune/engine/calendar.h"
#include "tests/support/suite.h"
#include "tests/unit/engine/engine_help.h"

#define HOUR_MS   INT64_C(3600000)
#define MONDAY_MS (INT64_C(18995) * BARS_DAY_MS) /* 2022-01-03 */
#define TOKYO_S   32400
#define HOURS     8736 /* of 52 weeks */

/* ---- between dates ---------------------------------------------------------------------- */

/* Daily bars of Tokyo, stamped at its midnight, which is 15:00 UTC of the day before. */
static bars_t *
tokyo(size_t count)
{
    bars_t *bars = help_walk(count);

    bars->offset_s = calloc(count, sizeof *bars->offset_s);
    ck_assert_ptr_nonnull(bars->offset_s);
    for (size_t i = 0; i < count; i++) {
        bars->time_ms[i] = MONDAY_MS - 9 * HOUR_MS + (int64_t)i * BARS_DAY_MS;
        bars->offset_s[i] = TOKYO_S;
    }
    return bars;
}

static const struct {
    struct bars_span span; /* from MONDAY_MS */
    size_t lead, count;
} spans[] = {
    /* the exchange's 5th and 6th of January */
    {{2 * BARS_DAY_MS, 4 * BARS_DAY_MS - 1, false, false}, 2, 2},
    /* the same days of UTC begin a bar later */
    {{2 * BARS_DAY_MS, 4 * BARS_DAY_MS - 1, true, true}, 3, 2},
    /* its midnight, written with its offset */
    {{2 * BARS_DAY_MS - 9 * HOUR_MS, 3 * BARS_DAY_MS - 9 * HOUR_MS, true, true}, 2, 2},
    /* from its midnight to a minute before the next */
    {{2 * BARS_DAY_MS, 3 * BARS_DAY_MS - 60000, false, false}, 2, 1},
    {{-9 * BARS_DAY_MS, -BARS_DAY_MS, false, false}, 0, 0},
    {{99 * BARS_DAY_MS, 100 * BARS_DAY_MS, false, false}, 20, 0},
};

START_TEST(dates_are_the_exchanges)
{
    bars_t *bars = tokyo(20);
    struct bars_span span = spans[_i].span;

    span.from_ms += MONDAY_MS;
    span.to_ms += MONDAY_MS;
    const bars_t window = bars_between(bars, &span);

    ck_assert_uint_eq(window.count, spans[_i].count);
    ck_assert_uint_eq(window.lead, spans[_i].lead);
    if (window.count)
        ck_assert_ptr_eq(window.time_ms, bars->time_ms + spans[_i].lead);
    bars_destroy(&bars);
}
END_TEST

START_TEST(a_lead_is_what_comes_before_and_is_kept_by_the_first_slice_alone)
{
    bars_t *bars = tokyo(20);
    const bars_t window = bars_window(bars, 5, 10);
    const bars_t head = bars_slice(&window, 0, 4), tail = bars_slice(&window, 4, 6);
    const bars_t further = bars_window(&window, 2, 3), whole = bars_with_lead(&head);

    ck_assert_uint_eq(window.lead, 5);
    ck_assert_uint_eq(head.lead, 5);
    ck_assert_uint_eq(tail.lead, 0);
    ck_assert_uint_eq(further.lead, 7);
    ck_assert_uint_eq(whole.count, 9);
    ck_assert_uint_eq(whole.lead, 0);
    ck_assert_ptr_eq(whole.close, bars->close);
    ck_assert_ptr_eq(whole.time_ms, bars->time_ms);
    ck_assert_ptr_eq(whole.offset_s, bars->offset_s);
    bars_destroy(&bars);
}
END_TEST

/* ---- a year ----------------------------------------------------------------------------- */

/* A year's calendar: at which bars there are. Told as hours since the first Monday. */
typedef bool trades_fn(int64_t hour);

static int64_t
day_of(int64_t hour)
{
    return hour / 24 % 7; /* 0: Monday */
}

static bool
weekdays(int64_t hour)
{
    return hour % 24 == 0 && day_of(hour) < 5;
}

static bool
every_day(int64_t hour)
{
    return hour % 24 == 0;
}

static bool
four_hourly(int64_t hour)
{
    return hour % 4 == 0;
}

/* Daily bars of a currency, stamped at 22:00 of the evening before: Sunday to Thursday. */
static bool
evenings(int64_t hour)
{
    return hour % 24 == 22 && (day_of(hour) == 6 || day_of(hour) < 4);
}

/* Hours from Sunday 22:00 to Friday 22:00. */
static bool
currency_hours(int64_t hour)
{
    const int64_t day = day_of(hour), at = hour % 24;

    return day < 4 || (day == 4 && at < 22) || (day == 6 && at >= 22);
}

/* Six daily bars a week, the one of Sunday short. */
static bool
six_days(int64_t hour)
{
    return hour % 24 == 0 && day_of(hour) != 5;
}

/* 9:00 to 15:00, hourly: a session of six and a half hours. */
static bool
sessions(int64_t hour)
{
    return day_of(hour) < 5 && hour % 24 >= 9 && hour % 24 <= 15;
}

/* A week of the Gulf, with one session on a Friday in the year. */
static bool
sunday_to_thursday(int64_t hour)
{
    return hour % 24 == 0 && (day_of(hour) == 6 || day_of(hour) < 4 || hour / 24 == 4);
}

static const struct {
    trades_fn *trades;
    double wanted;
} years[] = {
    {weekdays, 252},       {every_day, 365}, {four_hourly, 365}, {evenings, 252},
    {currency_hours, 252}, {six_days, 252},  {sessions, 252},    {sunday_to_thursday, 252},
};

static double
annual_days(const bars_t *bars)
{
    struct calendar calendar;

    ck_assert_int_eq(calendar_init(&calendar, bars), TM_OK);
    const double days = calendar.annual_days;
    calendar_fini(&calendar);
    return days;
}

START_TEST(a_year_has_the_days_that_are_traded)
{
    bars_t *bars = help_walk(HOURS);
    size_t count = 0;

    for (int64_t hour = 0; hour < HOURS; hour++)
        if (years[_i].trades(hour))
            bars->time_ms[count++] = MONDAY_MS + hour * HOUR_MS;
    const bars_t year = bars_slice(bars, 0, count);

    ck_assert_double_eq(annual_days(&year), years[_i].wanted);
    bars_destroy(&bars);
}
END_TEST

/* Days of the months' ends of 2001 to 2004, from the end of 2000. */
static int64_t
month_end(int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int64_t day = 11322; /* 2000-12-31 */

    for (int i = 0; i < month; i++)
        day += days[i % 12] + (i % 48 == 37 ? 1 : 0); /* 2004-02 */
    return day;
}

static const struct {
    int months; /* between bars; 0: `days` */
    double days, wanted;
} spacings[] = {
    {1, 0, 12}, {3, 0, 4},   {6, 0, 2},  {12, 0, 1},    {24, 0, 0.5},
    {0, 7, 52}, {0, 14, 26}, {0, 5, 73}, {0, 1.5, 244}, {0, 365, 1},
};

START_TEST(bars_further_apart_than_a_day_are_counted_by_their_spacing)
{
    bars_t *bars = help_walk(40);
    size_t count = 0;

    for (; count < 40 && spacings[_i].months * (int)count <= 48; count++)
        bars->time_ms[count] =
            spacings[_i].months
                ? month_end(spacings[_i].months * (int)count) * BARS_DAY_MS
                : MONDAY_MS + (int64_t)(spacings[_i].days * (double)count * BARS_DAY_MS);
    const bars_t series = bars_slice(bars, 0, count);

    ck_assert_double_eq_tol(annual_days(&series), spacings[_i].wanted, 0.001);
    bars_destroy(&bars);
}
END_TEST

/* 100 * 1.01^i, held from the first quarter on: 1 % a quarter is 4.06 % a year. */
START_TEST(a_quarterly_series_grows_by_the_year)
{
    strategy_t *strategy =
        help_strategy_text("{\"id\":\"8fd7589a-97c6-49bf-a65e-357fb063fe33\",\"name\":\"held\","
                           "\"entry_long\":\"close > 0\",\"exit_long\":\"close < 0\"}");
    struct backtest_options options = BACKTEST_OPTIONS_DEFAULT;
    bars_t *bars = help_walk(16);
    struct metrics metrics;

    for (size_t i = 0; i < 16; i++) {
        bars->time_ms[i] = month_end(3 * (int)i) * BARS_DAY_MS;
        bars->close[i] = 100 * pow(1.01, (double)i);
    }
    options.commission_bps = 0;
    options.fractional = true;
    backtest_t *backtest = help_backtest(bars, strategy, &options);

    ck_assert_int_eq(backtest_run(backtest, NULL, &metrics, NULL), TM_OK);
    /* in from the second close on: 14 of the 15 quarters */
    ck_assert_double_eq_tol(metrics.return_ann_pct, 100 * (pow(1.01, 14.0 / 15.0 * 4) - 1),
                            1e-9);
    backtest_destroy(&backtest);
    strategy_destroy(&strategy);
    bars_destroy(&bars);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("bars");
    TCase *views = suite_case(suite, "views", NULL, NULL),
          *year = suite_case(suite, "year", NULL, NULL);

    suite_rows(views, dates_are_the_exchanges, spans);
    suite_tests(views, a_lead_is_what_comes_before_and_is_kept_by_the_first_slice_alone);
    suite_rows(year, a_year_has_the_days_that_are_traded, years);
    suite_rows(year, bars_further_apart_than_a_day_are_counted_by_their_spacing, spacings);
    suite_tests(year, a_quarterly_series_grows_by_the_year);
    return suite_run(suite);
}
