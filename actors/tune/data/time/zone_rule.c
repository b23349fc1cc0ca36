#include "actors/tune/data/time/zone_rule.h"

#include <stdlib.h>
#include <string.h>

#include "actors/tune/data/time/civil.h"

#define HOUR_S 3600
#define DAY_S  INT64_C(86400)

/* "EST" or "<+03>"; NULL if there is no name. */
static const char *
skip_name(const char *at)
{
    const char *first = at;

    if (*at == '<') {
        at = strchr(at, '>');
        return at ? at + 1 : NULL;
    }
    while ((*at | 0x20) >= 'a' && (*at | 0x20) <= 'z')
        at++;
    return at - first >= 3 ? at : NULL;
}

static const char *
read_int(const char *at, int most, int *ret)
{
    int value = 0;

    if (*at < '0' || *at > '9')
        return NULL;
    for (; *at >= '0' && *at <= '9'; at++) {
        value = value * 10 + (*at - '0');
        if (value > most)
            return NULL;
    }
    *ret = value;
    return at;
}

/* [+-]hh[:mm[:ss]] */
static const char *
read_time(const char *at, int32_t *ret)
{
    const bool is_negative = *at == '-';
    int part = 0;
    int32_t seconds = 0;

    if (*at == '-' || *at == '+')
        at++;
    at = read_int(at, 167, &part);
    seconds = part * HOUR_S;
    for (int unit = 60; at && *at == ':' && unit > 0; unit /= 60) {
        at = read_int(at + 1, 59, &part);
        seconds += part * unit;
    }
    *ret = is_negative ? -seconds : seconds;
    return at;
}

static const char *
read_day(const char *at, struct zone_day *ret)
{
    *ret = (struct zone_day){.kind = ZONE_DAY_ZERO, .at_s = 2 * HOUR_S};
    if (*at == 'M') {
        ret->kind = ZONE_DAY_MONTH;
        at = read_int(at + 1, 12, &ret->month);
        at = at && *at == '.' ? read_int(at + 1, 5, &ret->week) : NULL;
        at = at && *at == '.' ? read_int(at + 1, 6, &ret->day) : NULL;
        if (ret->month < 1 || ret->week < 1)
            return NULL;
    } else if (*at == 'J') {
        ret->kind = ZONE_DAY_JULIAN;
        at = read_int(at + 1, 365, &ret->day);
    } else {
        at = read_int(at, 365, &ret->day);
    }
    if (at && *at == '/')
        at = read_time(at + 1, &ret->at_s);
    return at;
}

bool
zone_rule_parse(const char *text, struct zone_rule *ret)
{
    const char *at = skip_name(text);

    *ret = (struct zone_rule){0};
    if (!at || !(at = read_time(at, &ret->standard_s)))
        return false;
    ret->standard_s = -ret->standard_s; /* POSIX counts to the west */
    if (*at == '\0')
        return true;
    ret->has_summer = true;
    ret->summer_s = ret->standard_s + HOUR_S;
    at = skip_name(at);
    if (at && *at != ',') {
        at = read_time(at, &ret->summer_s);
        ret->summer_s = -ret->summer_s;
    }
    at = at && *at == ',' ? read_day(at + 1, &ret->start) : NULL;
    at = at && *at == ',' ? read_day(at + 1, &ret->end) : NULL;
    return at && *at == '\0';
}

/* Days since 1970. */
static int64_t
day_of(const struct zone_day *day, int year)
{
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    const int64_t new_year = civil_days(year, 1, 1);

    if (day->kind == ZONE_DAY_ZERO)
        return new_year + day->day;
    if (day->kind == ZONE_DAY_JULIAN) /* 29 February is not counted */
        return new_year + day->day - 1 + (civil_is_leap(year) && day->day >= 60);
    const int64_t first = civil_days(year, day->month, 1);
    const int weekday = (int)(((first + 4) % 7 + 7) % 7); /* 1970-01-01 was a Thursday */
    const int length = lengths[day->month - 1] + (day->month == 2 && civil_is_leap(year));
    int offset = (day->day - weekday + 7) % 7 + (day->week - 1) * 7;

    while (offset >= length)
        offset -= 7;
    return first + offset;
}

void
zone_rule_year(const struct zone_rule *self, int year, int64_t *ret_start, int64_t *ret_end)
{
    *ret_start = day_of(&self->start, year) * DAY_S + self->start.at_s - self->standard_s;
    *ret_end = day_of(&self->end, year) * DAY_S + self->end.at_s - self->summer_s;
}
