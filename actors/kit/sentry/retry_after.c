#include "actors/kit/sentry/retry_after.h"

#include <ctype.h>
#include <curl/curl.h>
#include <stdbool.h>
#include <string.h>

static const char *
skip_blanks(const char *text)
{
    return text + strspn(text, " \t");
}

/* Digits, and a fraction of which no more than thousandths count: units of `scale` (1 or 1000)
 * milliseconds. -1: something else. */
static int64_t
read_number(const char *text, int64_t scale)
{
    int64_t whole = 0, fraction = 0, place = scale;
    bool has_digits;

    text = skip_blanks(text);
    has_digits = isdigit((unsigned char)*text);
    for (; isdigit((unsigned char)*text); text++)
        if (whole <= RETRY_AFTER_MOST_MS)
            whole = whole * 10 + (*text - '0');
    if (has_digits && *text == '.' && isdigit((unsigned char)text[1]))
        for (text++; isdigit((unsigned char)*text); text++) {
            place /= 10;
            fraction += place * (*text - '0');
        }
    if (!has_digits || *skip_blanks(text))
        return -1;
    if (whole >= RETRY_AFTER_MOST_MS / scale)
        return RETRY_AFTER_MOST_MS;
    return whole * scale + fraction;
}

/* All three forms of a date begin with a day of the week and hold a time. */
static int64_t
read_date(const char *text, int64_t utc_ms)
{
    time_t at;

    text = skip_blanks(text);
    if (!isalpha((unsigned char)text[0]) || !strchr(text, ':'))
        return -1;
    at = curl_getdate(text, NULL);
    if (at == -1)
        return -1;
    if ((int64_t)at <= utc_ms / 1000)
        return 0;
    if ((int64_t)at - utc_ms / 1000 >= RETRY_AFTER_MOST_MS / 1000)
        return RETRY_AFTER_MOST_MS;
    return (int64_t)at * 1000 - utc_ms;
}

int64_t
retry_after_ms(const char *text, const char *exact_ms, int64_t utc_ms)
{
    int64_t ms = exact_ms ? read_number(exact_ms, 1) : -1;

    if (ms < 0 && text)
        ms = read_number(text, 1000);
    if (ms < 0 && text)
        ms = read_date(text, utc_ms);
    return ms;
}
