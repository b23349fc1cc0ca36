#include "actors/tune/engine/stamp.h"

#include <math.h>

#include "actors/tune/engine/decimal.h"

#define DAY_MS         INT64_C(86400000)
#define EPOCH_MS_FROM  1e11
#define EPOCH_MS_LIMIT 253402300800000.0 /* year 10000 */

struct scan {
    const char *at, *end;
    bool ok;
};

static inline bool
take(struct scan *scan, char c)
{
    if (scan->at == scan->end || *scan->at != c)
        return false;
    scan->at++;
    return true;
}

static inline int
take_digits(struct scan *scan, int count)
{
    int value = 0;

    if (scan->end - scan->at < count) {
        scan->ok = false;
        return 0;
    }
    for (int i = 0; i < count; i++) {
        const unsigned digit = (unsigned)(unsigned char)*scan->at++ - '0';

        scan->ok = scan->ok && digit <= 9;
        value = value * 10 + (int)digit;
    }
    return scan->ok ? value : 0;
}

static bool
is_leap(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* Days since 1970 of a date of the proleptic Gregorian calendar, years counted from March. */
static int64_t
days_from_civil(int year, int month, int day)
{
    const int y = month <= 2 ? year - 1 : year;
    const int era = y / 400, year_of_era = y % 400;
    const int day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

    return (int64_t)era * 146097 + INT64_C(365) * year_of_era + year_of_era / 4 -
           year_of_era / 100 + day_of_year - 719468;
}

static int64_t
take_date(struct scan *scan)
{
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    const int year = take_digits(scan, 4);
    const bool has_dash = take(scan, '-');
    const int month = take_digits(scan, 2);

    if (has_dash && !take(scan, '-'))
        scan->ok = false;
    const int day = take_digits(scan, 2);
    if (!scan->ok || year < 1 || month < 1 || month > 12 || day < 1 ||
        day > lengths[month - 1] + (month == 2 && is_leap(year))) {
        scan->ok = false;
        return 0;
    }
    return days_from_civil(year, month, day) * DAY_MS;
}

static int64_t
take_fraction(struct scan *scan)
{
    int64_t ms = 0, unit = 100;
    const char *first = scan->at;

    for (; scan->at < scan->end && *scan->at >= '0' && *scan->at <= '9'; scan->at++) {
        ms += unit * (*scan->at - '0');
        unit /= 10;
    }
    scan->ok = scan->ok && scan->at > first;
    return ms;
}

static int64_t
take_clock(struct scan *scan)
{
    const int hours = take_digits(scan, 2);
    int seconds = 0;
    int64_t ms = 0;

    if (!take(scan, ':'))
        scan->ok = false;
    const int minutes = take_digits(scan, 2);
    if (take(scan, ':')) {
        seconds = take_digits(scan, 2);
        if (take(scan, '.'))
            ms = take_fraction(scan);
    }
    if (hours > 23 || minutes > 59 || seconds > 60)
        scan->ok = false;
    return ((int64_t)hours * 60 + minutes) * 60000 + (int64_t)seconds * 1000 + ms;
}

static int64_t
take_offset(struct scan *scan)
{
    if (take(scan, 'Z') || take(scan, 'z') || scan->at == scan->end)
        return 0;
    const bool is_west = *scan->at == '-';
    if (!take(scan, '+') && !take(scan, '-')) {
        scan->ok = false;
        return 0;
    }
    const int hours = take_digits(scan, 2);
    int minutes = 0;
    if (take(scan, ':') || scan->at < scan->end)
        minutes = take_digits(scan, 2);
    if (hours > 23 || minutes > 59)
        scan->ok = false;
    const int64_t offset = ((int64_t)hours * 60 + minutes) * 60000;
    return is_west ? -offset : offset;
}

static bool
parse_iso(const char *text, size_t size, int64_t *ret_ms)
{
    struct scan scan = {.at = text, .end = text + size, .ok = true};
    int64_t ms = take_date(&scan);

    if (scan.ok && (take(&scan, 'T') || take(&scan, 't') || take(&scan, ' '))) {
        ms += take_clock(&scan);
        if (scan.ok)
            take(&scan, ' ');
        ms -= scan.ok ? take_offset(&scan) : 0;
    }
    if (!scan.ok || scan.at != scan.end)
        return false;
    *ret_ms = ms;
    return true;
}

bool
stamp_parse(const char *text, size_t size, int64_t *ret_ms)
{
    double value;

    if (parse_iso(text, size, ret_ms))
        return true;
    if (!decimal_parse(text, size, &value))
        return false;
    if (fabs(value) < EPOCH_MS_FROM)
        value *= 1000.0;
    if (!(fabs(value) < EPOCH_MS_LIMIT))
        return false;
    *ret_ms = (int64_t)floor(value);
    return true;
}
