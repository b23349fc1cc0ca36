#include "actors/tune/engine/calendar.h"

#include <stdbool.h>
#include <stdlib.h>

static bool
is_weekend(int64_t day)
{
    const int64_t weekday =
        ((day + 3) % 7 + 7) % 7; /* 1970-01-01 was a Thursday; 0 is Monday */

    return weekday >= 5;
}

/* Days of a year, as the annualisation counts them. */
static double
annual_days(const bars_t *bars)
{
    static const struct {
        int64_t period_days;
        double per_year;
    } longer[] = {{7, 52}, {31, 12}, {365, 1}};
    const int64_t period_days = bars_period_ms(bars) / BARS_DAY_MS;
    size_t weekend = 0;

    for (size_t i = 0; i < sizeof longer / sizeof longer[0]; i++) {
        if (period_days == longer[i].period_days)
            return longer[i].per_year;
    }
    for (size_t i = 0; i < bars->count; i++)
        weekend += is_weekend(bars_local_day(bars, i));
    return (double)weekend / (double)bars->count > 2.0 / 7.0 * 0.6 ? 365 : 252;
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
