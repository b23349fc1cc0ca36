#include "actors/tune/data/time/stamp.h"

#include <string.h>

#include "actors/tune/data/time/civil.h"

#define OFFSET_MAX_S (15 * 3600) /* Kiribati has 14 */
#define YEAR_FIRST   1900
#define YEAR_LAST    2100
#define YEAR_LEAST   1500 /* of a date that is written out */
#define YEAR_MOST    2200

struct scan {
    const char *at, *end;
};

static inline bool
take(struct scan *scan, char c)
{
    if (scan->at == scan->end || *scan->at != c)
        return false;
    scan->at++;
    return true;
}

static inline bool
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static inline bool
is_letter(char c)
{
    return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

static size_t
count_digits(const struct scan *scan)
{
    const char *at = scan->at;

    while (at < scan->end && is_digit(*at))
        at++;
    return (size_t)(at - scan->at);
}

/* The caller has counted them; at most nine. */
static int
take_number(struct scan *scan, size_t digits)
{
    int value = 0;

    for (size_t i = 0; i < digits; i++)
        value = value * 10 + (*scan->at++ - '0');
    return value;
}

/* One or two digits; -1 if there are none or more. */
static int
take_short(struct scan *scan)
{
    const size_t digits = count_digits(scan);

    return digits == 1 || digits == 2 ? take_number(scan, digits) : -1;
}

/* Blanks, also no-break ones. */
static size_t
skip_blanks(struct scan *scan)
{
    const char *first = scan->at;

    while (scan->at < scan->end) {
        if (*scan->at == ' ')
            scan->at++;
        else if (scan->end - scan->at >= 2 && memcmp(scan->at, "\xc2\xa0", 2) == 0)
            scan->at += 2;
        else if (scan->end - scan->at >= 3 && memcmp(scan->at, "\xe2\x80\xaf", 3) == 0)
            scan->at += 3;
        else
            break;
    }
    return (size_t)(scan->at - first);
}

/* ---- words ------------------------------------------------------------------------------ */

/* Takes letters; they must be the first three or all of one of the words. Its index, or -1. */
static int
take_word(struct scan *scan, const char *const *words, int count)
{
    const char *first = scan->at;

    while (scan->at < scan->end && is_letter(*scan->at))
        scan->at++;
    const size_t size = (size_t)(scan->at - first);
    for (int i = 0; i < count; i++) {
        const size_t whole = strlen(words[i]);
        bool is_it =
            size == 3 || size == whole || (size == 4 && strcmp(words[i], "september") == 0);

        for (size_t k = 0; is_it && k < size; k++)
            is_it = k < whole && (first[k] | 0x20) == words[i][k];
        if (is_it) {
            take(scan, '.');
            return i;
        }
    }
    scan->at = first;
    return -1;
}

static int
take_month(struct scan *scan)
{
    static const char *const months[] = {"january",   "february", "march",    "april",
                                         "may",       "june",     "july",     "august",
                                         "september", "october",  "november", "december"};

    return take_word(scan, months, 12) + 1;
}

static void
skip_weekday(struct scan *scan)
{
    static const char *const days[] = {"monday", "tuesday",  "wednesday", "thursday",
                                       "friday", "saturday", "sunday"};

    if (scan->at < scan->end && is_letter(*scan->at) && take_word(scan, days, 7) >= 0) {
        take(scan, ',');
        skip_blanks(scan);
    }
}

/* ---- dates ------------------------------------------------------------------------------ */

static bool
set_date(struct stamp *stamp, int year, int month, int day)
{
    if (year < YEAR_LEAST || year > YEAR_MOST || !civil_exists(year, month, day))
        return false;
    stamp->local_ms = civil_days(year, month, day) * CIVIL_DAY_MS;
    return true;
}

/* HH, HHMM, HHMMSS and HHMMSSmmm. */
static bool
take_compact_clock(struct scan *scan, size_t digits, struct stamp *stamp)
{
    const int hours = take_number(scan, 2);
    const int minutes = digits >= 4 ? take_number(scan, 2) : 0;
    const int seconds = digits >= 6 ? take_number(scan, 2) : 0;
    const int ms = digits >= 9 ? take_number(scan, 3) : 0;

    stamp->local_ms += ((hours * 60 + minutes) * 60 + seconds) * INT64_C(1000) + ms;
    stamp->has_clock = true;
    return hours <= 23 && minutes <= 59 && seconds <= 59;
}

/* YYYYMMDD, and more digits after it that are a clock. */
static bool
take_compact(struct scan *scan, size_t digits, struct stamp *stamp)
{
    const int year = take_number(scan, 4), month = take_number(scan, 2);
    const int day = take_number(scan, 2);

    if (year < YEAR_FIRST || year > YEAR_LAST || !set_date(stamp, year, month, day))
        return false;
    return digits == 8 || take_compact_clock(scan, digits - 8, stamp);
}

/* 2022-01-03, 2022/1/3, 2022.01.03, 2022-Jan-03 */
static bool
take_year_first(struct scan *scan, struct stamp *stamp)
{
    const int year = take_number(scan, 4);
    const char separator = *scan->at++;
    int month = take_short(scan);

    if (month < 0 && scan->at < scan->end && is_letter(*scan->at))
        month = take_month(scan);
    if (!take(scan, separator))
        return false;
    return set_date(stamp, year, month, take_short(scan));
}

static bool
take_year(struct scan *scan, int *ret)
{
    if (count_digits(scan) != 4)
        return false;
    *ret = take_number(scan, 4);
    return true;
}

/* 24 Feb 2023, 24-Feb-2023, 24. February 2023 */
static bool
take_day_month_name(struct scan *scan, int day, char separator, struct stamp *stamp)
{
    const int month = take_month(scan);
    int year;

    if (!(separator == ' ' ? skip_blanks(scan) > 0 : take(scan, separator)))
        return false;
    return take_year(scan, &year) && set_date(stamp, year, month, day);
}

/* 03.01.2022, 03/04/2022, 03-04-2022, 24 Feb 2023 */
static bool
take_day_or_month(struct scan *scan, enum stamp_order order, struct stamp *stamp)
{
    const int first = take_short(scan);
    int year;

    if (first < 0 || scan->at == scan->end)
        return false;
    const char separator = *scan->at++;
    skip_blanks(scan);
    if (scan->at < scan->end && is_letter(*scan->at))
        return take_day_month_name(scan, first, (char)(separator == '.' ? ' ' : separator),
                                   stamp);
    if (separator != '.' && separator != '/' && separator != '-')
        return false;
    const int second = take_short(scan);
    if (second < 0 || !take(scan, separator) || !take_year(scan, &year))
        return false;
    if (separator == '.')
        return set_date(stamp, year, second, first);
    stamp->is_ordered = true;
    stamp->first = first;
    stamp->second = second;
    if (order == STAMP_UNKNOWN)
        return false;
    return order == STAMP_DAY_FIRST ? set_date(stamp, year, second, first)
                                    : set_date(stamp, year, first, second);
}

/* Feb 24, 2023; Feb-24-2023 */
static bool
take_month_name(struct scan *scan, struct stamp *stamp)
{
    const int month = take_month(scan);
    int year;

    if (month == 0 || (!take(scan, '-') && skip_blanks(scan) == 0))
        return false;
    const int day = take_short(scan);
    const bool has_separator = take(scan, ',') || take(scan, '-');
    if (skip_blanks(scan) == 0 && !has_separator)
        return false;
    return take_year(scan, &year) && set_date(stamp, year, month, day);
}

static bool
take_date(struct scan *scan, enum stamp_order order, struct stamp *stamp)
{
    const size_t digits = count_digits(scan);
    const char next = (char)(scan->at + digits < scan->end ? scan->at[digits] : '\0');

    switch (digits) {
    case 0:
        return take_month_name(scan, stamp);
    case 1:
    case 2:
        return take_day_or_month(scan, order, stamp);
    case 4:
        return (next == '-' || next == '/' || next == '.') && take_year_first(scan, stamp);
    case 8:
    case 10:
    case 12:
    case 14:
    case 17:
        return take_compact(scan, digits, stamp);
    default:
        return false;
    }
}

/* ---- clocks ----------------------------------------------------------------------------- */

static bool
take_fraction(struct scan *scan, struct stamp *stamp)
{
    int64_t unit = 100;
    const char *first = scan->at;

    for (; scan->at < scan->end && is_digit(*scan->at); scan->at++) {
        stamp->local_ms += unit * (*scan->at - '0');
        unit /= 10;
    }
    return scan->at > first;
}

/* AM and PM. False if they are there and the hour is none of theirs. */
static bool
take_half(struct scan *scan, int *hours)
{
    struct scan look = *scan;

    skip_blanks(&look);
    if (look.end - look.at < 2 || (look.at[1] | 0x20) != 'm' ||
        ((look.at[0] | 0x20) != 'a' && (look.at[0] | 0x20) != 'p'))
        return true;
    if (*hours < 1 || *hours > 12)
        return false;
    *hours = *hours % 12 + ((look.at[0] | 0x20) == 'p' ? 12 : 0);
    scan->at = look.at + 2;
    return true;
}

static bool
take_clock(struct scan *scan, struct stamp *stamp)
{
    const size_t digits = count_digits(scan);
    int hours, minutes = 0, seconds = 0;

    stamp->has_clock = true;
    if (digits == 4 || digits == 6)
        return take_compact_clock(scan, digits, stamp);
    hours = take_short(scan);
    if (hours < 0)
        return false;
    if (take(scan, ':')) {
        if (count_digits(scan) != 2)
            return false;
        minutes = take_number(scan, 2);
        if (take(scan, ':')) {
            if (count_digits(scan) != 2)
                return false;
            seconds = take_number(scan, 2);
            if (take(scan, '.') && !take_fraction(scan, stamp))
                return false;
        }
    } else if (!take(scan, '-') || scan->at == scan->end || !is_letter(*scan->at)) {
        return false; /* "17" is no clock; "11-PM" is */
    }
    if (!take_half(scan, &hours) || hours > 23 || minutes > 59 || seconds > 60)
        return false;
    stamp->local_ms += ((hours * 60 + minutes) * 60 + seconds) * INT64_C(1000);
    return true;
}

/* ---- zones ------------------------------------------------------------------------------ */

static bool
take_offset(struct scan *scan, struct stamp *stamp)
{
    const bool is_west = scan->at < scan->end && *scan->at == '-';

    if (!take(scan, '+') && !take(scan, '-'))
        return false;
    const size_t digits = count_digits(scan);
    if (digits != 2 && digits != 4)
        return false;
    const int hours = take_number(scan, 2);
    int minutes = digits == 4 ? take_number(scan, 2) : 0;
    if (digits == 2 && take(scan, ':')) {
        if (count_digits(scan) != 2)
            return false;
        minutes = take_number(scan, 2);
    }
    const int32_t offset = (hours * 60 + minutes) * 60;
    stamp->offset_s = is_west ? -offset : offset;
    stamp->has_offset = true;
    return minutes <= 59 && offset <= OFFSET_MAX_S;
}

static bool
take_zone(struct scan *scan, struct stamp *stamp)
{
    skip_blanks(scan);
    if (scan->at == scan->end)
        return true;
    if (take(scan, 'Z') || take(scan, 'z')) {
        stamp->has_offset = true;
        return true;
    }
    if (scan->end - scan->at >= 3 &&
        (memcmp(scan->at, "UTC", 3) == 0 || memcmp(scan->at, "GMT", 3) == 0)) {
        scan->at += 3;
        stamp->has_offset = true;
        return scan->at == scan->end || take_offset(scan, stamp);
    }
    return take_offset(scan, stamp);
}

/* ---- the whole -------------------------------------------------------------------------- */

static bool
read_any(struct scan *scan, enum stamp_order order, struct stamp *ret)
{
    skip_weekday(scan);
    if (!take_date(scan, order, ret))
        return false;
    if (scan->at == scan->end)
        return true;
    bool is_apart = take(scan, ',');
    is_apart = skip_blanks(scan) > 0 || is_apart;
    is_apart = is_apart || take(scan, 'T') || take(scan, 't');
    if (is_apart && scan->at < scan->end && is_digit(*scan->at) && !ret->has_clock &&
        !take_clock(scan, ret))
        return false;
    /* an offset is one of a time: "2020-01-02-05" may be anything */
    if (scan->at == scan->end || (!ret->has_clock && !is_apart))
        return scan->at == scan->end && ret->has_clock;
    return take_zone(scan, ret) && scan->at == scan->end;
}

/* YYYY-MM-DD, alone or with HH:MM:SS and perhaps Z after T or a blank. *ret_used: its bytes. */
static inline bool
read_plain(const char *text, size_t size, struct stamp *ret)
{
    static const char shape[] = "dddd-dd-ddTdd:dd:ddZ";
    int n[14], count = 0;

    if (size != 10 && size != 19 && size != 20)
        return false;
    for (size_t i = 0; i < size; i++) {
        const char c = text[i];

        if (shape[i] == 'd') {
            if (!is_digit(c))
                return false;
            n[count++] = c - '0';
        } else if (c != shape[i] && !(i == 10 && c == ' ')) {
            return false;
        }
    }
    if (!set_date(ret, n[0] * 1000 + n[1] * 100 + n[2] * 10 + n[3], n[4] * 10 + n[5],
                  n[6] * 10 + n[7]))
        return false;
    if (size == 10)
        return true;
    const int hours = n[8] * 10 + n[9], minutes = n[10] * 10 + n[11];
    const int seconds = n[12] * 10 + n[13];
    ret->local_ms += ((hours * 60 + minutes) * 60 + seconds) * INT64_C(1000);
    ret->has_clock = true;
    ret->has_offset = size == 20;
    return hours <= 23 && minutes <= 59 && seconds <= 60;
}

bool
stamp_read(const char *text, size_t size, enum stamp_order order, struct stamp *ret)
{
    struct scan scan = {.at = text, .end = text + size};

    *ret = (struct stamp){0};
    if (read_plain(text, size, ret))
        return true;
    *ret = (struct stamp){0};
    return read_any(&scan, order, ret);
}

bool
stamp_read_clock(const char *text, size_t size, struct stamp *ret)
{
    struct scan scan = {.at = text, .end = text + size};

    if (ret->has_clock)
        return false;
    return take_clock(&scan, ret) && take_zone(&scan, ret) && scan.at == scan.end;
}
