/* market_file - a series of bars written as vendors write it: every layout, separator, form of
 * dates, zone and form of numbers. */
#ifndef TESTS_UNIT_DATA_MARKET_FILE_H
#define TESTS_UNIT_DATA_MARKET_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "actors/tune/engine/bars.h"

enum market_layout {
    LAYOUT_PLAIN,
    LAYOUT_ADJUSTED, /* Yahoo */
    LAYOUT_INVESTING,
    LAYOUT_NASDAQ,
    LAYOUT_ALPHA_VANTAGE,
    LAYOUT_BRACKETS, /* MetaTrader 5, date and time in two columns */
    LAYOUT_TWO_COLUMNS,
    LAYOUT_INDEX, /* pandas, no name above the dates */
    LAYOUT_YFINANCE,
    LAYOUT_TITLE, /* CryptoDataDownload, newest first */
    LAYOUT_METATRADER_4,
    LAYOUT_BINANCE,
    LAYOUT_KRAKEN,
    LAYOUT_HISTDATA,
    LAYOUT_STOOQ,
    LAYOUTS
};

enum market_date {
    DATE_DAY,       /* 2022-01-03 */
    DATE_BLANK,     /* 2022-01-03 17:00:00 */
    DATE_T,         /* 2022-01-03T17:00:00 */
    DATE_MINUTES,   /* 2022/1/3 17:00 */
    DATE_SLASHES,   /* 2022/01/03 */
    DATE_POINTS,    /* 2022.01.03 17:00 */
    DATE_COMPACT,   /* 20220103 */
    DATE_COMPACT_6, /* 20220103 170000 */
    DATE_COMPACT14, /* 20220103170000 */
    DATE_GERMAN,    /* 03.01.2022 17:00 */
    DATE_BRITISH,   /* 03/01/2022 17:00 */
    DATE_AMERICAN,  /* 01/03/2022 05:00 PM */
    DATE_NAME,      /* Jan 3, 2022 17:00 */
    DATE_DAY_NAME,  /* 03-Jan-2022 17:00:00 */
    DATE_DUKASCOPY, /* 03.01.2022 17:00:00.000 GMT+0100: with a zone in the file alone */
    DATE_SECONDS,
    DATE_MILLIS,
    DATE_MICROS,
    DATE_NANOS,
    DATES
};

enum market_zone {
    ZONE_NONE,
    ZONE_Z,        /* in the file */
    ZONE_FIXED,    /* +09:00 in the file */
    ZONE_OPTION,   /* -03:30 given */
    ZONE_NEW_YORK, /* given, with summer time */
    ZONES
};

enum market_number {
    NUMBER_PLAIN,    /* 1096.03 */
    NUMBER_COMMA,    /* 1096,03 */
    NUMBER_ENGLISH,  /* 1,096.03 */
    NUMBER_EUROPEAN, /* 1.096,03 */
    NUMBER_FRENCH,   /* 1 096,03 with no-break blanks */
    NUMBER_CURRENCY, /* $1096.03 */
    NUMBER_UNITS,    /* 1096.03, volume 1.23M */
    NUMBERS
};

struct market_form {
    enum market_layout layout;
    char separator;
    enum market_date date;
    enum market_zone zone;
    enum market_number number;
};

/* The series' time_ms is what the clocks there show. NUL terminated, in *ret_size bytes; the
 * caller's. NULL: nobody writes that. */
char *market_file(const struct market_form *form, const bars_t *bars, size_t *ret_size);

/* UTC of a clock there, and the zone to be given, or NULL. */
int64_t market_utc_ms(const struct market_form *form, int64_t local_ms);
const char *market_timezone(const struct market_form *form);

const char *market_name(const struct market_form *form); /* static, until the next call */

/* count bars with prices of two decimals, and volumes of whole ten thousands; step_ms apart. */
bars_t *market_series(size_t count, int64_t step_ms);

#endif
