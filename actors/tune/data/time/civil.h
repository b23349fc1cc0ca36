/* civil - days of the proleptic Gregorian calendar. */
#ifndef ACTORS_TUNE_DATA_TIME_CIVIL_H
#define ACTORS_TUNE_DATA_TIME_CIVIL_H

#include <stdbool.h>
#include <stdint.h>

#define CIVIL_DAY_MS INT64_C(86400000)

static inline bool
civil_is_leap(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static inline bool
civil_exists(int year, int month, int day)
{
    static const signed char lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

    return year >= 1 && month >= 1 && month <= 12 && day >= 1 &&
           day <= lengths[month - 1] + (month == 2 && civil_is_leap(year));
}

/* Days since 1970 of a date that exists. */
static inline int64_t
civil_days(int year, int month, int day)
{
    const int y = month <= 2 ? year - 1 : year; /* years are counted from March */
    const int era = y / 400, year_of_era = y % 400;
    const int day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

    return (int64_t)era * 146097 + INT64_C(365) * year_of_era + year_of_era / 4 -
           year_of_era / 100 + day_of_year - 719468;
}

#endif
