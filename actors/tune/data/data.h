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

#include "actors/tune/data/data_options.h"
#include "actors/tune/data/data_report.h"
#include "actors/tune/engine/bars.h"
#include "proto/error.h"

/* *ret_report is always written; *ret only on TM_OK, to be destroyed by the caller.
 * TM_DATA_PARSE_FAILED, or TM_NO_MEMORY. */
TM_CHECKED tm_err_t data_read(const void *bytes, size_t size,
                              const struct data_options *options,
                              struct data_report *ret_report, bars_t **ret);

#endif
