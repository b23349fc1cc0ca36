/* calendar - what a window's stamps mean for its metrics: which bars end a day, how many
 * trading days a year has, how durations are rounded. Computed once per window. Owns its
 * arrays. */
#ifndef ENGINE_CALENDAR_H
#define ENGINE_CALENDAR_H

#include "actors/tune/engine/bars.h"
#include "actors/tune/engine/metrics.h"
#include "proto/error.h"

struct calendar {
    size_t day_count;
    double *day_close;                /* of the last bar of each day there */
    uint32_t *days_before;            /* count+1 entries: days that ended before bar i */
    size_t block_end[METRICS_BLOCKS]; /* day index at which each block of daily returns ends */
    double annual_days; /* 365 with weekends, else 252; for longer bars how many make a year */
    int64_t duration_unit_ms; /* day, hour, minute, ...: the resolution of the bar period */
};

TM_CHECKED tm_err_t calendar_init(struct calendar *self, const bars_t *bars);
void calendar_fini(struct calendar *self);

#endif
