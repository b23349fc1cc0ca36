/* dates - days and times as people and programs write them in fields. */
#ifndef ACTORS_KIT_FIELDS_DATES_H
#define ACTORS_KIT_FIELDS_DATES_H

#include <stdbool.h>
#include <stdint.h>

/* "2026-03-01": a real date's start in UTC; false if it is none. */
bool dates_day(const char *text, int64_t *ret_ms);

/* A day, or a time of one: "2026-03-01", "2026-03-01T09:30", "2026-03-01 09:30:15.25+09:00",
 * "2026-03-01T00:30Z". Without an offset it is what the clocks of a place show, and those who
 * ask know the place. */
struct dates_moment {
    int64_t ms; /* since 1970; of a day its start */
    bool is_day;
    bool is_utc; /* an offset was given, and is taken off */
};

/* False: it is none, or none that exists. */
bool dates_moment(const char *text, struct dates_moment *ret);

/* Is it a time that exists, in UTC since 1970, as 2026-03-01T12:30:00Z with up to six digits of
 * a fraction? */
bool dates_is_time(const char *text);

#endif
