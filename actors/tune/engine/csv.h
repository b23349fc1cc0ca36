/* csv - an OHLCV file as bars, by the rules of the API's "CSV rules".
 *
 * Header row, case-insensitive, columns in any order, others ignored. Required: date, open,
 * high, low, close, volume; aliases timestamp|datetime|time,
 * adj_close|adjclose|adjusted_close|adj close (only when there is no close), o h l c v vol.
 * Separator is the comma; a field may be quoted. UTF-8 or latin-1, with or without BOM, LF or
 * CRLF. Dates: ISO, with or without time and offset (none: UTC), or epoch seconds or
 * milliseconds (milliseconds from 10^11 on).
 *
 * A row whose number or date is missing (empty, NaN, null, NA, N/A, -) is dropped and counted.
 * A row with a value that is there and is no number, no date, no finite number, a price that is
 * not positive, a negative volume, or high < low fails the file with TM_DATA_PARSE_FAILED and
 * the first offending lines.
 */
#ifndef ENGINE_CSV_H
#define ENGINE_CSV_H

#include <stdbool.h>

#include "actors/tune/engine/bars.h"
#include "proto/error.h"

#define CSV_WARNINGS_MAX 4
#define CSV_TEXT_BYTES   160
#define CSV_ERROR_BYTES  512
#define CSV_MIN_ROWS     10
#define CSV_MAX_COLUMNS  4096

struct csv_report {
    size_t rows;       /* data rows seen */
    size_t dropped;    /* rows with missing numbers */
    size_t duplicates; /* rows replaced by a later one of the same stamp */
    bool is_latin1;    /* some byte sequence was not UTF-8 */
    bool was_unsorted;
    size_t warning_count;
    char warnings[CSV_WARNINGS_MAX][CSV_TEXT_BYTES]; /* sentences for people */
    char error[CSV_ERROR_BYTES];                     /* for people; "" on success */
};

/* data need not end in NUL. *ret_report is always written; *ret only on TM_OK, to be destroyed
 * by the caller. TM_DATA_PARSE_FAILED or TM_NO_MEMORY. */
TM_CHECKED tm_err_t csv_parse(const char *data, size_t size, struct csv_report *ret_report,
                              bars_t **ret);

#endif
