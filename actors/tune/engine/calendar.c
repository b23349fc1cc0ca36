#include "actors/tune/engine/calendar.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

enum { WEEK = 7, WORKING_WEEK = 5, SATURDAY = 5 /* from Monday, 0 */ };

#define YEAR_DAYS     365.25
#define WEEKEND_SHARE (2.0 / 7.0 * 0.6)
#define RARELY        (1.0 / 28.0) /* a quarter of an even share */

static int
weekday(int64_t day)
{
    return (int)(((day + 3) % WEEK + WEEK) % WEEK); /* 1970-01-01 was a Thursday */
}

/* Trading on more than five days of the week, and not just on the evening before the first of
 * them. A day of the week with hardly any bars is a special session. */
static bool
has_weekends(const bars_t *bars)
{
    size_t counts[WEEK] = {0}, days = 0;
    const double all = (double)bars->count;

    for (size_t i = 0; i < bars->count; i++)
        counts[weekday(bars_local_day(bars, i))]++;
    for (size_t i = 0; i < WEEK; i++)
        days += (double)counts[i] > all * RARELY;
    return days > WORKING_WEEK &&
           (double)(counts[SATURDAY] + counts[SATURDAY + 1]) > all * WEEKEND_SHARE;
}

/* How often a year the annualisation counts: its trading days, or its bars where they are
 * further apart. Then it is a whole number, as people count: 52 weeks, 12 months, 4 quarters.
 */
static double
annual_days(const bars_t *bars)
{
    const double period_days = (double)bars_period_ms(bars) / (double)BARS_DAY_MS;
    const double per_year = YEAR_DAYS / period_days;

    if (period_days > 1)
        return per_year < 1 ? per_year : round(per_year);
    return has_weekends(bars) ? 365 : 252;
}

static int64_t
duration_unit(const bars_t *bars)
{
    static const int64_t units[] = {BARS_DAY_MS, 3600000, 60000, 1000};
    const int64_t period = bars_period_ms(bars);

    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (period % units[i] == 0)
            return units[i];
    }
    return 1;
}

static void
find_days(struct calendar *self, const bars_t *bars)
{
    size_t days = 0;

    for (size_t i = 0; i < bars->count; i++) {
        self->days_before[i] = (uint32_t)days;
        if (i + 1 == bars->count || bars_local_day(bars, i) != bars_local_day(bars, i + 1))
            self->day_close[days++] = bars->close[i];
    }
    self->days_before[bars->count] = (uint32_t)days;
    self->day_count = days;
}

tm_err_t
calendar_init(struct calendar *self, const bars_t *bars)
{
    *self = (struct calendar){0};
    if (bars->count > UINT32_MAX - 1)
        return TM_TOO_LARGE;
    self->day_close = malloc((bars->count + 1) * sizeof *self->day_close);
    self->days_before = malloc((bars->count + 1) * sizeof *self->days_before);
    if (!self->day_close || !self->days_before) {
        calendar_fini(self);
        return TM_NO_MEMORY;
    }
    find_days(self, bars);
    const size_t returns = self->day_count ? self->day_count - 1 : 0;
    for (size_t b = 0; b < METRICS_BLOCKS; b++)
        self->block_end[b] = 1 + (b + 1) * returns / METRICS_BLOCKS;
    self->annual_days = annual_days(bars);
    self->duration_unit_ms = duration_unit(bars);
    return TM_OK;
}

void
calendar_fini(struct calendar *self)
{
    free(self->day_close);
    free(self->days_before);
    self->day_close = NULL;
    self->days_before = NULL;
}
