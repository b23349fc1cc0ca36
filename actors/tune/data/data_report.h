/* data_report - what the reader of market data understood of a file, or why it was refused. */
#ifndef ACTORS_TUNE_DATA_DATA_REPORT_H
#define ACTORS_TUNE_DATA_DATA_REPORT_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "actors/tune/data/data_refusals.h"
#include "actors/tune/engine/bars.h"

#define DATA_NOTES_MAX    12
#define DATA_ERRORS_MAX   5
#define DATA_MEANINGS_MAX 16
#define DATA_WORD_BYTES   48
#define DATA_TEXT_BYTES   240
#define DATA_ERROR_BYTES  900

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

/* All of it, the caller's. NULL if there is no memory. */
json_t *data_report_json(const struct data_report *report);
/* The first five of what refused it: [{line, column, value, msg}], the caller's. */
json_t *data_report_errors(const struct data_report *report);

#endif
