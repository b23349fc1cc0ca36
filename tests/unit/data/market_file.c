#include "tests/unit/data/market_file.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ROW_BYTES  512
#define HEAD_BYTES 512
#define FIRST_MS   INT64_C(1641168000000) /* 2022-01-03 */
#define NO_BREAK   "\xc2\xa0"

/* How a layout is written. columns: D date (or date and time), T time, O H L C V, A adjusted
 * close, S symbol, E the time the bar ends in ms, digits and letters as they are. */
struct style {
    const char *name, *header, *columns;
    char separator;             /* 0: any */
    enum market_date date;      /* the only one, where has_date */
    bool has_date, has_numbers; /* only plain ones where not */
};

static const struct style styles[LAYOUTS] = {
    [LAYOUT_PLAIN] = {"plain", "date,open,high,low,close,volume", "DOHLCV", 0, 0, false, true},
    [LAYOUT_ADJUSTED] = {"adjusted", "Date,Open,High,Low,Close,Adj Close,Volume", "DOHLCAV", 0,
                         0, false, true},
    [LAYOUT_INVESTING] = {"investing", "Date,Price,Open,High,Low,Vol.,Change %", "DCOHLVx", 0,
                          0, false, true},
    [LAYOUT_NASDAQ] = {"nasdaq", "Date,Close/Last,Volume,Open,High,Low", "DCVOHL", 0, 0, false,
                       true},
    [LAYOUT_ALPHA_VANTAGE] = {"alphavantage",
                              "timestamp,1. open,2. high,3. low,4. close,5. volume", "DOHLCV",
                              0, 0, false, true},
    [LAYOUT_BRACKETS] = {"brackets",
                         "<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<TICKVOL>,<VOL>,<SPREAD>",
                         "DTOHLCV01", 0, 0, false, true},
    [LAYOUT_TWO_COLUMNS] = {"two columns", "Date,Time,Open,High,Low,Close,Volume,OpenInterest",
                            "DTOHLCV0", 0, 0, false, true},
    [LAYOUT_INDEX] = {"index", ",Open,High,Low,Close,Volume", "DOHLCV", 0, 0, false, true},
    [LAYOUT_YFINANCE] = {"yfinance",
                         "Price,Close,High,Low,Open,Volume\nTicker,A,A,A,A,A\nDate,,,,,",
                         "DCHLOV", 0, 0, false, true},
    [LAYOUT_TITLE] = {"title",
                      "https://example.org/data\nSymbol,Date,Open,High,Low,Close,"
                      "Volume BTC,Volume USDT",
                      "SDOHLCV7", 0, 0, false, true},
    [LAYOUT_METATRADER_4] = {"mt4", NULL, "DTOHLCV", ',', DATE_POINTS, true, false},
    [LAYOUT_BINANCE] = {"binance", NULL, "DOHLCVE11001", ',', DATE_MILLIS, true, false},
    [LAYOUT_KRAKEN] = {"kraken", NULL, "DOHLCV7", ',', DATE_SECONDS, true, false},
    [LAYOUT_HISTDATA] = {"histdata", NULL, "DOHLCV", ';', DATE_COMPACT_6, true, false},
    [LAYOUT_STOOQ] = {"stooq", NULL, "S5DTOHLCV0", ',', DATE_COMPACT, true, false},
};

struct out {
    char *text;
    size_t used;
};

/* ---- times ------------------------------------------------------------------------------ */

/* The second Sunday of March to the first of November, from 2007 on. */
static bool
is_summer_in_new_york(int64_t local_ms)
{
    const time_t seconds = (time_t)(local_ms / 1000);
    struct tm tm;

    gmtime_r(&seconds, &tm);
    const int sunday = tm.tm_mday - tm.tm_wday; /* the last one, perhaps today */
    if (tm.tm_mon != 2 && tm.tm_mon != 10)
        return tm.tm_mon > 2 && tm.tm_mon < 10;
    if (tm.tm_mon == 2)
        return sunday > 14 || (sunday >= 8 && (tm.tm_wday > 0 || tm.tm_hour >= 3));
    return sunday < 1 || (sunday <= 7 && tm.tm_wday == 0 && tm.tm_hour < 1);
}

static int64_t
offset_ms(const struct market_form *form, int64_t local_ms)
{
    switch (form->zone) {
    case ZONE_FIXED:
        return INT64_C(9) * 3600000;
    case ZONE_OPTION:
        return INT64_C(-35) * 360000;
    case ZONE_NEW_YORK:
        return (is_summer_in_new_york(local_ms) ? INT64_C(-4) : INT64_C(-5)) * 3600000;
    case ZONE_NONE:
    case ZONE_Z:
    case ZONES:
        break;
    }
    return 0;
}

int64_t
market_utc_ms(const struct market_form *form, int64_t local_ms)
{
    return local_ms - offset_ms(form, local_ms);
}

const char *
market_timezone(const struct market_form *form)
{
    return form->zone == ZONE_OPTION     ? "-03:30"
           : form->zone == ZONE_NEW_YORK ? "America/New_York"
                                         : NULL;
}

static const char *const date_formats[DATES] = {
    [DATE_DAY] = "%Y-%m-%d",
    [DATE_BLANK] = "%Y-%m-%d %H:%M:%S",
    [DATE_T] = "%Y-%m-%dT%H:%M:%S",
    [DATE_MINUTES] = "%Y/%-m/%-d %H:%M",
    [DATE_SLASHES] = "%Y/%m/%d",
    [DATE_POINTS] = "%Y.%m.%d %H:%M",
    [DATE_COMPACT] = "%Y%m%d",
    [DATE_COMPACT_6] = "%Y%m%d %H%M%S",
    [DATE_COMPACT14] = "%Y%m%d%H%M%S",
    [DATE_GERMAN] = "%d.%m.%Y %H:%M",
    [DATE_BRITISH] = "%d/%m/%Y %H:%M",
    [DATE_AMERICAN] = "%m/%d/%Y %I:%M %p",
    [DATE_NAME] = "%b %-d, %Y %H:%M",
    [DATE_DAY_NAME] = "%d-%b-%Y %H:%M:%S",
    [DATE_DUKASCOPY] = "%d.%m.%Y %H:%M:%S.000",
};

static const char *const zone_suffixes[ZONES] = {[ZONE_Z] = "Z", [ZONE_FIXED] = "+09:00"};

static void
write_epoch(const struct market_form *form, int64_t local_ms, char *out, size_t size)
{
    const long long utc = market_utc_ms(form, local_ms);
    static const char *const tails[] = {"", "000", "000000"};

    if (form->date == DATE_SECONDS)
        snprintf(out, size, "%lld", utc / 1000);
    else
        snprintf(out, size, "%lld%s", utc, tails[form->date - DATE_MILLIS]);
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral" /* of the table above */

/* The day alone, where the clock has its own column. */
static void
write_date(const struct market_form *form, int64_t local_ms, bool is_day, char *out,
           size_t size)
{
    const time_t seconds = (time_t)(local_ms / 1000);
    char format[64];
    struct tm tm;

    if (form->date >= DATE_SECONDS) {
        write_epoch(form, local_ms, out, size);
        return;
    }
    gmtime_r(&seconds, &tm);
    snprintf(format, sizeof format, "%s", date_formats[form->date]);
    char *clock = strstr(format, form->date == DATE_AMERICAN ? "%I" : "%H");
    if (is_day && clock)
        clock[-1] = '\0';
    const size_t used = strftime(out, size, format, &tm);
    if (form->date == DATE_DUKASCOPY)
        snprintf(out + used, size - used, " GMT%s", form->zone == ZONE_Z ? "+0000" : "+0900");
    else if (zone_suffixes[form->zone] && !is_day)
        snprintf(out + used, size - used, "%s", zone_suffixes[form->zone]);
}

#pragma GCC diagnostic pop

/* ---- numbers ---------------------------------------------------------------------------- */

static void
group_thousands(const char *plain, const char *group, char decimal, char *out)
{
    const char *point = strchr(plain, '.');
    const size_t whole = point ? (size_t)(point - plain) : strlen(plain);

    for (size_t i = 0; i < whole; i++) {
        if (i > 0 && (whole - i) % 3 == 0)
            out += sprintf(out, "%s", group);
        *out++ = plain[i];
    }
    if (point)
        out += sprintf(out, "%c%s", decimal, point + 1);
    *out = '\0';
}

static void
write_number(const struct market_form *form, double value, bool is_volume, char *out)
{
    static const char *const groups[NUMBERS] = {[NUMBER_COMMA] = "",
                                                [NUMBER_ENGLISH] = ",",
                                                [NUMBER_EUROPEAN] = ".",
                                                [NUMBER_FRENCH] = NO_BREAK};
    char plain[64];

    snprintf(plain, sizeof plain, is_volume ? "%.0f" : "%.2f", value);
    if (groups[form->number])
        group_thousands(plain, groups[form->number], form->number == NUMBER_ENGLISH ? '.' : ',',
                        out);
    else if (form->number == NUMBER_CURRENCY && !is_volume)
        sprintf(out, "$%s", plain);
    else if (form->number == NUMBER_UNITS && is_volume)
        sprintf(out, "%.2fM", value / 1e6);
    else
        sprintf(out, "%s", plain);
}

/* ---- files ------------------------------------------------------------------------------ */

static void
add_cell(struct out *out, char separator, const char *cell, bool is_first)
{
    const bool is_quoted = strchr(cell, separator) != NULL;

    out->used +=
        (size_t)sprintf(out->text + out->used, "%.*s%s%s%s", is_first ? 0 : 1, &separator,
                        is_quoted ? "\"" : "", cell, is_quoted ? "\"" : "");
}

static void
write_cell(const struct market_form *form, const bars_t *bars, size_t i, char column,
           char cell[96])
{
    const bool is_apart = strchr(styles[form->layout].columns, 'T') != NULL;
    static const char values[] = "OHLCAV";
    const double *const series[] = {bars->open,  bars->high,  bars->low,
                                    bars->close, bars->close, bars->volume};
    const time_t seconds = (time_t)(bars->time_ms[i] / 1000);
    struct tm tm;

    gmtime_r(&seconds, &tm);
    if (column == 'D')
        write_date(form, bars->time_ms[i], is_apart, cell, 96);
    else if (column == 'T')
        strftime(cell, 96, "%H:%M", &tm);
    else if (column == 'S')
        snprintf(cell, 96, "BTCUSDT");
    else if (column == 'E')
        snprintf(cell, 96, "%lld", (long long)market_utc_ms(form, bars->time_ms[i]) + 59999);
    else if (strchr(values, column))
        write_number(form, series[strchr(values, column) - values][i], column == 'V', cell);
    else
        snprintf(cell, 96, "%c", column);
}

static bool
is_possible(const struct market_form *form)
{
    const struct style *style = &styles[form->layout];
    const bool is_apart = strchr(style->columns, 'T') != NULL;
    const bool is_epoch = form->date >= DATE_SECONDS;
    const bool in_file = form->zone == ZONE_Z || form->zone == ZONE_FIXED;
    const bool is_day =
        form->date == DATE_DAY || form->date == DATE_SLASHES || form->date == DATE_COMPACT;

    if ((style->separator && style->separator != form->separator) ||
        (style->has_date && style->date != form->date) ||
        (!style->has_numbers && form->number != NUMBER_PLAIN))
        return false;
    if (form->date == DATE_DUKASCOPY)
        return in_file && !is_apart;
    if (in_file && (is_epoch || is_apart || is_day || style->has_date))
        return false;
    return !(is_apart && (is_epoch || form->date == DATE_COMPACT14));
}

char *
market_file(const struct market_form *form, const bars_t *bars, size_t *ret_size)
{
    const struct style *style = &styles[form->layout];
    struct out out = {.text = malloc(HEAD_BYTES + bars->count * ROW_BYTES)};

    if (!out.text || !is_possible(form)) {
        free(out.text);
        return NULL;
    }
    if (style->header)
        out.used += (size_t)sprintf(out.text, "%s\n", style->header);
    for (size_t i = 0; i < out.used; i++)
        if (out.text[i] == ',')
            out.text[i] = form->separator;
    for (size_t row = 0; row < bars->count; row++) {
        const size_t i = form->layout == LAYOUT_TITLE ? bars->count - 1 - row : row;

        for (size_t k = 0; style->columns[k]; k++) {
            char cell[96];

            write_cell(form, bars, i, style->columns[k], cell);
            add_cell(&out, form->separator, cell, k == 0);
        }
        out.text[out.used++] = '\n';
    }
    out.text[out.used] = '\0';
    *ret_size = out.used;
    return out.text;
}

const char *
market_name(const struct market_form *form)
{
    static const char *const zones[ZONES] = {"no zone", "Z", "+09:00", "option", "New York"};
    static const char *const numbers[NUMBERS] = {"plain",  "comma",    "english", "european",
                                                 "french", "currency", "units"};
    static char name[128];

    snprintf(name, sizeof name, "%s, separator %d, date %d (%s), %s, %s",
             styles[form->layout].name, form->separator, form->date,
             form->date < DATE_SECONDS ? date_formats[form->date] : "epoch", zones[form->zone],
             numbers[form->number]);
    return name;
}

bars_t *
market_series(size_t count, int64_t step_ms)
{
    bars_t *bars = bars_new(count);
    double price = 950;
    uint64_t state = 11;

    for (size_t i = 0; bars && i < count; i++) {
        double by[4];

        for (size_t k = 0; k < 4; k++) {
            state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
            by[k] = (double)(state >> 40) / (double)(1 << 24);
        }
        const double open = round(price * 100) / 100;
        price *= 1 + (by[0] - 0.49) * 0.02;
        price = price > 1400 ? 1390 : price < 700 ? 710 : price;
        const double close = round(price * 100) / 100;
        const double top = open > close ? open : close, bottom = open < close ? open : close;

        bars->time_ms[i] = FIRST_MS + (int64_t)i * step_ms;
        bars->open[i] = open;
        bars->close[i] = close;
        bars->high[i] = round((top + by[1] * 5) * 100) / 100;
        bars->low[i] = round((bottom - by[2] * 5) * 100) / 100;
        bars->volume[i] = (100 + floor(by[3] * 200)) * 10000;
    }
    return bars;
}
