#include "actors/kit/util/clock.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static int64_t
read_us(clockid_t id)
{
    struct timespec now;

    clock_gettime(id, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t
clock_us(void)
{
    return read_us(CLOCK_MONOTONIC);
}

int64_t
clock_ms(void)
{
    return clock_us() / 1000;
}

int64_t
clock_utc_ms(void)
{
    return read_us(CLOCK_REALTIME) / 1000;
}

const char *
clock_text(int64_t utc_ms, char text[CLOCK_TEXT])
{
    int64_t ms = ((utc_ms % 1000) + 1000) % 1000; /* also before 1970 */
    time_t seconds = (time_t)((utc_ms - ms) / 1000);
    struct tm parts;

    if (!gmtime_r(&seconds, &parts) || parts.tm_year < -1900 || parts.tm_year > 8099)
        snprintf(text, CLOCK_TEXT, "0000-00-00T00:00:00.000Z");
    else {
        strftime(text, CLOCK_TEXT, "%Y-%m-%dT%H:%M:%S", &parts);
        snprintf(text + 19, CLOCK_TEXT - 19, ".%03uZ", (unsigned)ms % 1000);
    }
    return text;
}

const char *
clock_local_text(int64_t utc_ms, const int32_t *offset_s, char text[CLOCK_LOCAL_TEXT])
{
    const int32_t offset = offset_s ? *offset_s : 0;
    const unsigned minutes = (unsigned)(offset < 0 ? -offset : offset) / 60;

    clock_text(utc_ms + offset * INT64_C(1000), text);
    if (offset_s) /* for the Z */
        snprintf(text + CLOCK_TEXT - 2, CLOCK_LOCAL_TEXT - CLOCK_TEXT + 2, "%c%02u:%02u",
                 offset < 0 ? '-' : '+', minutes / 60 % 100, minutes % 60);
    return text;
}

/* Of ".123Z"; -1: it does not begin so. */
static int
parse_ms(const char *text)
{
    if (text[0] != '.' || strspn(text + 1, "0123456789") != 3 || text[4] != 'Z')
        return -1;
    return (text[1] - '0') * 100 + (text[2] - '0') * 10 + (text[3] - '0');
}

int64_t
clock_parse(const char *text)
{
    struct tm tm = {0};
    const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
    int ms = rest ? parse_ms(rest) : -1;

    if (ms < 0)
        return -1;
    return (int64_t)timegm(&tm) * 1000 + ms;
}
