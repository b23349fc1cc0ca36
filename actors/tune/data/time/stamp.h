/* stamp - the time of a bar, from text.
 *
 * Dates   2022-01-03  2022/1/3  2022.01.03  20220103  03.01.2022 (the day first)
 *         24 Feb 2023  24-Feb-2023  Feb 24, 2023  Friday, February 24 2023
 *         03/04/2022 and 03-04-2022 (by the order given)
 * Clocks  after T, blanks or a comma: 17:00  17:00:00.5  170000  1700  5:00 PM  05-PM
 * Digits  YYYYMMDD, and HH, HHMM, HHMMSS, HHMMSSmmm after it, of the years 1900 to 2100
 * Zones   Z  UTC  GMT  GMT+0100  +01  +0100  +01:00
 *
 * Epoch times are numbers, and another's matter (epoch.h).
 */
#ifndef ACTORS_TUNE_DATA_TIME_STAMP_H
#define ACTORS_TUNE_DATA_TIME_STAMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum stamp_order { STAMP_UNKNOWN, STAMP_DAY_FIRST, STAMP_MONTH_FIRST };

struct stamp {
    int64_t local_ms; /* as a clock there shows it */
    int32_t offset_s; /* east of UTC, if it has one */
    bool has_offset, has_clock;
    bool is_ordered;   /* the order of day and month mattered */
    int first, second; /* then: the two numbers */
};

/* False: no such time. An ordered date with STAMP_UNKNOWN is no time, but is_ordered, first and
 * second are set. */
bool stamp_read(const char *text, size_t size, enum stamp_order order, struct stamp *ret);

/* A clock alone: adds its time of day and its zone to *ret. */
bool stamp_read_clock(const char *text, size_t size, struct stamp *ret);

#endif
