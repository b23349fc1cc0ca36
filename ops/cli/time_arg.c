#include "ops/cli/time_arg.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define AGE_MAX_S (36500LL * 86400)

static bool
parse_age(const char *text, struct time_arg *ret)
{
    static const struct {
        char letter;
        long long seconds;
    } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}, {'w', 604800}};
    char *end = NULL;
    long long count = isdigit((unsigned char)*text) ? strtoll(text, &end, 10) : -1;

    if (count < 0 || !end[0] || end[1])
        return false;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (*end == units[i].letter && count <= AGE_MAX_S / units[i].seconds) {
            snprintf(ret->text, sizeof ret->text, "%lld", count * units[i].seconds);
            ret->age_s = ret->text;
            return true;
        }
    return false;
}

/* So many digits, within the limits. Moves *at past them. */
static bool
take_number(const char **at, int digits, int min, int max, int *ret)
{
    int value = 0;

    for (int i = 0; i < digits; i++, (*at)++) {
        if (!isdigit((unsigned char)**at))
            return false;
        value = value * 10 + (**at - '0');
    }
    *ret = value;
    return value >= min && value <= max;
}

static bool
take_letter(const char **at, char letter)
{
    if (**at != letter)
        return false;
    (*at)++;
    return true;
}

static bool
take_date(const char **at, struct tm *date)
{
    struct tm copy;
    int year, month;

    if (!take_number(at, 4, 1970, 9999, &year) || !take_letter(at, '-') ||
        !take_number(at, 2, 1, 12, &month) || !take_letter(at, '-') ||
        !take_number(at, 2, 1, 31, &date->tm_mday))
        return false;
    date->tm_year = year - 1900;
    date->tm_mon = month - 1;
    copy = *date;
    return timegm(&copy) >= 0 && copy.tm_mday == date->tm_mday; /* no 30th of February */
}

/* T12:30, T12:30:15, T12:30:15.123; the fraction's digits stay where they are. */
static bool
take_time(const char **at, struct tm *date, const char **ret_fraction)
{
    if (!take_letter(at, 'T') && !take_letter(at, ' '))
        return false;
    if (!take_number(at, 2, 0, 23, &date->tm_hour) || !take_letter(at, ':') ||
        !take_number(at, 2, 0, 59, &date->tm_min))
        return false;
    if (!take_letter(at, ':'))
        return true;
    if (!take_number(at, 2, 0, 59, &date->tm_sec))
        return false;
    if (!take_letter(at, '.'))
        return true;
    *ret_fraction = *at;
    while (isdigit((unsigned char)**at))
        (*at)++;
    return *at > *ret_fraction;
}

/* Z, +02:00 or nothing, and then the end. */
static bool
take_zone(const char *at, long *ret_offset_s)
{
    int sign = *at == '-' ? -1 : 1, hours = 0, minutes = 0;

    if (*at == 'Z')
        return at[1] == '\0';
    if (*at == '\0')
        return true;
    if (*at != '+' && *at != '-')
        return false;
    at++;
    if (!take_number(&at, 2, 0, 14, &hours) || !take_letter(&at, ':') ||
        !take_number(&at, 2, 0, 59, &minutes))
        return false;
    *ret_offset_s = sign * (hours * 3600L + minutes * 60L);
    return *at == '\0';
}

static bool
parse_time(const char *at, struct time_arg *ret)
{
    struct tm date = {.tm_isdst = 0};
    const char *fraction = "";
    long offset_s = 0;
    time_t seconds;
    size_t used;

    if (!take_date(&at, &date) || (*at && !take_time(&at, &date, &fraction)) ||
        !take_zone(at, &offset_s))
        return false;
    seconds = timegm(&date) - offset_s;
    if (!gmtime_r(&seconds, &date))
        return false;
    used = strftime(ret->text, sizeof ret->text, "%Y-%m-%dT%H:%M:%S", &date);
    snprintf(ret->text + used, sizeof ret->text - used, ".%.*s0Z",
             (int)strspn(fraction, "0123456789") > 6 ? 6 : (int)strspn(fraction, "0123456789"),
             fraction);
    ret->time = ret->text;
    return true;
}

bool
time_arg_parse(const cli_t *cli, const char *name, const char *text, struct time_arg *ret)
{
    *ret = (struct time_arg){.time = NULL};
    if (!text || parse_age(text, ret) || parse_time(text, ret))
        return true;
    cli_misuse(cli,
               "%s: \"%s\" is neither an age (90s, 15m, 36h, 7d, 2w) nor a time (2026-03-01, "
               "2026-03-01T12:30:00Z)",
               name, text);
    return false;
}
