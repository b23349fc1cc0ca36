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

static bool
has_form(const char *text, const char *form)
{
    for (size_t i = 0; form[i]; i++)
        if (form[i] == '0' ? text[i] < '0' || text[i] > '9' : text[i] != form[i])
            return false;
    return true;
}

bool
dates_day(const char *text, int64_t *ret_ms)
{
    static const char form[] = "0000-00-00";
    static const int lengths[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int y, m, d;

    if (!has_form(text, form) || text[sizeof(form) - 1])
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

/* ":15.25", or nothing. */
static const char *
read_seconds(const char *at, int64_t *ms)
{
    int64_t part = 100;

    if (*at != ':')
        return at;
    if (!has_form(at, ":00") || digits(at + 1, 2) > 59)
        return NULL;
    *ms += INT64_C(1000) * digits(at + 1, 2);
    at += 3;
    if (*at != '.')
        return at;
    if (!has_form(at, ".0"))
        return NULL;
    for (at++; *at >= '0' && *at <= '9'; at++, part /= 10)
        *ms += part * (*at - '0');
    return at;
}

/* "Z", "+09:00", "-0330", or nothing. */
static bool
read_offset(const char *at, struct dates_moment *ret)
{
    if (!*at)
        return true;
    ret->is_utc = true;
    if (strcmp(at, "Z") == 0)
        return true;
    const size_t colon = has_form(at + 1, "00:00") ? 1 : 0;

    if ((*at != '+' && *at != '-') || !(colon || has_form(at + 1, "0000")) || at[5 + colon])
        return false;
    const int hours = digits(at + 1, 2), minutes = digits(at + 3 + colon, 2);

    if (hours > 18 || minutes > 59)
        return false;
    ret->ms -= (*at == '-' ? -1 : 1) * (INT64_C(60) * hours + minutes) * 60000;
    return true;
}

bool
dates_moment(const char *text, struct dates_moment *ret)
{
    char day[11] = "";
    const size_t size = strlen(text);

    *ret = (struct dates_moment){.is_day = size == 10};
    memcpy(day, text, size < 10 ? size : 10);
    if (!dates_day(day, &ret->ms))
        return false;
    if (ret->is_day)
        return true;
    const char *at = text + 11;

    if ((text[10] != 'T' && text[10] != ' ') || !has_form(at, "00:00") || digits(at, 2) > 23 ||
        digits(at + 3, 2) > 59)
        return false;
    ret->ms += (INT64_C(60) * digits(at, 2) + digits(at + 3, 2)) * 60000;
    at = read_seconds(at + 5, &ret->ms);
    return at && read_offset(at, ret);
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
