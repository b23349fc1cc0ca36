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

/* d: a digit, T: that or a blank. strptime(3) alone takes any number of either. */
static bool
has_shape(const char *text, const char *shape)
{
    for (; *shape; text++, shape++)
        if (*shape == 'd' ? !isdigit((unsigned char)*text)
                          : *text != *shape && !(*shape == 'T' && *text == ' '))
            return false;
    return true;
}

/* Moves *at past it. */
static bool
take_time(const char **at, struct tm *ret)
{
    static const struct {
        const char *shape, *format;
    } forms[] = {{"dddd-dd-ddTdd:dd:dd", "%Y-%m-%d%n%H:%M:%S"},
                 {"dddd-dd-ddTdd:dd", "%Y-%m-%d%n%H:%M"},
                 {"dddd-dd-dd", "%Y-%m-%d"}};
    char text[24] = "";
    struct tm copy;
    size_t i = 0;

    while (!has_shape(*at, forms[i].shape))
        if (++i == sizeof forms / sizeof *forms)
            return false;
    memcpy(text, *at, strlen(forms[i].shape));
    text[10] = text[10] ? ' ' : '\0';
    if (!strptime(text, forms[i].format, ret))
        return false;
    *at += strlen(forms[i].shape);
    copy = *ret;
    return timegm(&copy) >= 0 && copy.tm_mday == ret->tm_mday && /* no 30th of February */
           copy.tm_sec == ret->tm_sec;
}

/* Z, +02:00 or nothing, and then the end. */
static bool
take_zone(const char *at, long *ret_offset_s)
{
    struct tm zone = {.tm_gmtoff = 0};

    if (*at && strcmp(at, "Z") != 0 &&
        (!has_shape(at, *at == '-' ? "-dd:dd" : "+dd:dd") || at[6] ||
         !strptime(at, "%z", &zone)))
        return false;
    *ret_offset_s = zone.tm_gmtoff;
    return true;
}

static bool
parse_time(const char *at, struct time_arg *ret)
{
    struct tm date = {.tm_isdst = 0};
    const char *start = at;
    size_t digits = 0, used;
    long offset_s = 0;
    time_t seconds;

    if (!take_time(&at, &date))
        return false;
    if (*at == '.' && at - start == 19) { /* behind the seconds */
        digits = strspn(at + 1, "0123456789");
        start = at + 1;
        at += digits ? digits + 1 : 0;
    }
    if (!take_zone(at, &offset_s))
        return false;
    seconds = timegm(&date) - offset_s;
    if (!gmtime_r(&seconds, &date))
        return false;
    used = strftime(ret->text, sizeof ret->text, "%Y-%m-%dT%H:%M:%S", &date);
    snprintf(ret->text + used, sizeof ret->text - used, ".%.*s0Z", digits > 6 ? 6 : (int)digits,
             start);
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
