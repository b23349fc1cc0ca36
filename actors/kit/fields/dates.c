#include "actors/kit/fields/dates.h"

#include <stddef.h>
#include <string.h>
#include <time.h>

/* The number that these digits are. */
static int
digits(const char *text, int count)
{
    int value = 0;

    for (int i = 0; i < count; i++)
        value = value * 10 + (text[i] - '0');
    return value;
}

bool
dates_day(const char *text, int64_t *ret_ms)
{
    static const char form[] = "0000-00-00";
    static const int lengths[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int y, m, d;

    for (size_t i = 0; i < sizeof(form); i++)
        if (form[i] == '0' ? text[i] < '0' || text[i] > '9' : text[i] != form[i])
            return false;
    y = digits(text, 4);
    m = digits(text + 5, 2);
    d = digits(text + 8, 2);
    if (y < 1 || m < 1 || m > 12 || d < 1 || d > lengths[m - 1])
        return false;
    if (m == 2 && d == 29 && (y % 4 || (y % 100 == 0 && y % 400)))
        return false;
    /* days since 1970-01-01 of the proleptic Gregorian calendar, years counted from March */
    int64_t years = y - (m <= 2), era = years / 400, of_era = years - era * 400;
    int64_t of_year = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
    int64_t days = era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
    *ret_ms = days * 86400000;
    return true;
}

/* Behind the seconds: nothing, or a point and digits; then Z. */
static bool
is_time_end(const char *text)
{
    size_t count = *text == '.' ? strspn(text + 1, "0123456789") : 0;

    if (*text == '.' && (count == 0 || count > 6))
        return false;
    return strcmp(text + (count ? count + 1 : 0), "Z") == 0;
}

/* What strptime takes for a date need not be one: 31 February comes back as another day. */
bool
dates_is_time(const char *text)
{
    struct tm given = {0}, same;
    const char *end = strptime(text, "%Y-%m-%dT%H:%M:%S", &given);

    if (!end || end - text != 19 || given.tm_sec > 59 || !is_time_end(end))
        return false;
    same = given;
    timegm(&same);
    return same.tm_mday == given.tm_mday && same.tm_mon == given.tm_mon && given.tm_year >= 70;
}
