/* data - a file of market data, as people have it, becomes bars; what is not understood is
 * refused with what was seen.
 *
 * Container  plain, gzip, or zip of one file; bounded in size and ratio
 * Encoding   UTF-8 and UTF-16 with or without mark, else latin-1; LF, CRLF or CR
 * Layout     separator comma, semicolon, tab or pipe (also said by `sep=;`); up to 20 lines of
 *            title above the header; the names of column_names.def; yfinance's two and three
 *            rows; pandas' unnamed index. Without a header: MetaTrader 4, Binance, Kraken,
 *            HistData and Stooq alone, for there a file cannot say which price is which.
 * Numbers    decimal point or comma, thousands, currency signs, K M B T. The file as a whole
 *            proves what its commas and points are: "1,234" that may be either is refused.
 *            Missing: nothing, - N/A NA null None.
 * Times      ISO and the vendors' forms, in one or two columns, with Z, UTC, GMT+0100 or an
 *            offset; digits that read as a calendar stamp (8, 10, 12, 14, 17); epoch seconds,
 *            ms, us or ns within 1900-2100, a second apart or more. 03/04/2022 only where the
 *            file proves the order. No zone in the file and none given: UTC.
 *
 * A missing cell drops its row, counted and warned of; a cell that is there and unreadable
 * refuses the file, with line, column and value of the first five. README.md beside this file
 * lists every sentence. No state, no output; the only file read is the time zone's.
 */
#ifndef ACTORS_TUNE_DATA_DATA_H
#define ACTORS_TUNE_DATA_DATA_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "actors/tune/data/data_refusals.h"
#include "actors/tune/engine/bars.h"
#include "proto/error.h"

#define DATA_MIN_BARS     10
#define DATA_MAX_COLUMNS  4096
#define DATA_NOTES_MAX    12
#define DATA_ERRORS_MAX   5
#define DATA_MEANINGS_MAX 16
#define DATA_WORD_BYTES   48
#define DATA_TEXT_BYTES   240
#define DATA_ERROR_BYTES  900
#define DATA_UNPACKED_MAX ((size_t)1 << 30)
#define DATA_DROPPED_PCT  5

struct data_options {
    const char *symbol;       /* of a file with several; NULL: it has one */
    const char *timezone;     /* "Asia/Tokyo", "+09:00"; NULL: what the file says, else UTC */
    double allow_dropped_pct; /* of the rows, for missing cells */
    bool reads_volume;        /* else volume may be missing, and is 0 there */
    size_t max_bytes;         /* unpacked; 0: DATA_UNPACKED_MAX */
};
#define DATA_OPTIONS_DEFAULT                                        \
    {                                                               \
        .allow_dropped_pct = DATA_DROPPED_PCT, .reads_volume = true \
    }

struct data_column {
    char name[DATA_WORD_BYTES]; /* in the file; "column 3" without a header */
    char meaning[DATA_WORD_BYTES];
};

struct data_error {
    size_t line; /* from 1; 0: the file as a whole */
    char column[DATA_WORD_BYTES], value[DATA_WORD_BYTES], msg[DATA_TEXT_BYTES];
};

struct data_report {
    char container[DATA_WORD_BYTES]; /* "plain", "gzip", "zip" */
    char encoding[DATA_WORD_BYTES];  /* "UTF-8", "UTF-16", "latin-1" */
    char separator[DATA_WORD_BYTES]; /* "comma", "semicolon", "tab", "pipe" */
    char layout[DATA_WORD_BYTES];    /* "header", "MetaTrader 4 without header", ... */
    char numbers[DATA_WORD_BYTES];   /* "1234.5", "1.234,5", "1,234.5" */
    char dates[DATA_WORD_BYTES];     /* "ISO", "day/month/year", "epoch milliseconds", ... */
    char zone[DATA_WORD_BYTES];      /* "UTC", "+09:00 (file)", "Asia/Tokyo (given)" */
    size_t column_count;
    struct data_column columns[DATA_MEANINGS_MAX];
    char first[DATA_WORD_BYTES], last[DATA_WORD_BYTES]; /* as the file has them */
    int64_t first_ms, last_ms;                          /* UTC */
    int32_t first_offset_s, last_offset_s;              /* east of UTC, of the calendar */
    char timeframe[BARS_LABEL_BYTES];
    size_t bars;
    size_t rows;       /* data rows seen, of the symbol */
    size_t dropped;    /* with missing cells */
    size_t duplicates; /* replaced by a later one of the same time */
    size_t gaps;       /* longer than five bars, and than four days */
    size_t note_count, warning_count, error_count; /* errors: all, the first five are kept */
    char notes[DATA_NOTES_MAX][DATA_TEXT_BYTES];
    char warnings[DATA_NOTES_MAX][DATA_TEXT_BYTES];
    struct data_error errors[DATA_ERRORS_MAX];
    enum data_refusal refusal;    /* which sentence refused it; DATA_READ: none did */
    char error[DATA_ERROR_BYTES]; /* the sentence for people; "" on success */
};

/* *ret_report is always written; *ret only on TM_OK, to be destroyed by the caller.
 * TM_DATA_PARSE_FAILED, or TM_NO_MEMORY. */
TM_CHECKED tm_err_t data_read(const void *bytes, size_t size,
                              const struct data_options *options,
                              struct data_report *ret_report, bars_t **ret);

/* All of it, the caller's. NULL if there is no memory. */
json_t *data_report_json(const struct data_report *report);

#endif
