#include "actors/tune/data/bar_checks.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "actors/tune/data/bar_order.h"
#include "actors/tune/data/data_options.h"
#include "actors/tune/data/date_hint.h"
#include "actors/tune/data/findings.h"

#define YEAR_MS        (INT64_C(366) * BARS_DAY_MS)
#define GAP_PERIODS    5
#define GAP_LEAST_MS   (4 * BARS_DAY_MS) /* a long weekend is none */
#define CONFLICTS_PCT  5
#define JUMP           5.0  /* from one close to the next */
#define SPLIT          1.45 /* the least jump that may be a split */
#define SPLIT_SLACK    0.03
#define MS_1973        INT64_C(100000000000)
#define SYMBOLS_LISTED 5

/* ---- symbols ---------------------------------------------------------------------------- */

/* Up to five of them, in the order of the file. */
static void
list_symbols(struct bar_reader *reader, char *out, size_t size)
{
    struct bar_reader all = *reader;
    struct data_options options = *reader->options;
    struct cell seen[SYMBOLS_LISTED];
    size_t count = 0, used = 0;
    char name[DATA_WORD_BYTES];

    options.symbol = NULL;
    all.options = &options;
    cells_init(&all.cells, all.layout->rows.at, all.layout->rows.size, all.layout->separator);
    out[0] = '\0';
    for (size_t cells; count < SYMBOLS_LISTED && (cells = bar_rows_next(&all)) > 0;) {
        const struct cell *symbol = &all.row[all.layout->symbol];
        bool is_known = cells <= all.layout->symbol || symbol->size == 0;

        for (size_t i = 0; !is_known && i < count; i++)
            is_known = seen[i].size == symbol->size &&
                       memcmp(seen[i].text, symbol->text, symbol->size) == 0;
        if (is_known)
            continue;
        seen[count++] = *symbol;
        findings_quote(symbol->text, symbol->size, name);
        used += (size_t)snprintf(out + used, size - used, "%s%s", count > 1 ? ", " : "", name);
    }
}

static tm_err_t
check_symbols(struct bar_reader *reader)
{
    struct data_report *report = reader->report;
    const char *wanted = reader->options->symbol;
    char symbols[SYMBOLS_LISTED * DATA_WORD_BYTES + 16];

    if (reader->layout->symbol == HEADER_NONE) {
        if (!wanted || strncmp(report->layout, "yfinance", 8) == 0)
            return TM_OK;
        return findings_refuse(report, DATA_SYMBOL, 0,
                               "the file has no column of symbols to choose %.40s from",
                               wanted);
    }
    if (wanted && report->rows == 0) {
        list_symbols(reader, symbols, sizeof symbols);
        return findings_refuse(report, DATA_SYMBOL, 0,
                               "the symbol %.40s is not in the file; it has %s", wanted,
                               symbols);
    }
    if (wanted && reader->others)
        findings_note(report, "%zu rows of other symbols than %.40s are left out",
                      reader->others, wanted);
    if (wanted || reader->others == 0)
        return TM_OK;
    list_symbols(reader, symbols, sizeof symbols);
    return findings_refuse(report, DATA_SYMBOLS, 0,
                           "the file has several symbols (%s); choose one with symbol",
                           symbols);
}

/* ---- epoch times ------------------------------------------------------------------------ */

/* The first lines whose number is no time in the column's unit. */
static tm_err_t
explain_epochs(struct bar_reader *reader)
{
    const char *unit = epoch_unit(&reader->time.epoch);
    size_t count;

    bar_rows_rewind(reader);
    while ((count = bar_rows_next(reader)) > 0) {
        const struct cell *date = &reader->row[reader->layout->date];
        struct epoch_column own = EPOCH_COLUMN_EMPTY;
        int64_t number, time_ms;

        if (count < reader->layout->needed ||
            !epoch_read(&own, date->text, date->size, &number) ||
            (unit ? epoch_ms(&reader->time.epoch, number, &time_ms) : epoch_unit(&own) != NULL))
            continue;
        const struct findings_cell cell = {.refusal = DATA_EPOCH,
                                           .line = reader->cells.line,
                                           .column = "date",
                                           .value = *date};
        if (unit)
            findings_cell(reader->report, &cell, "is no time of 1900 to 2100 in %s", unit);
        else
            findings_cell(reader->report, &cell, "%s",
                          date_hint(date, "is no date: no epoch time of 1973 to 2100, and no "
                                          "YYYYMMDD; write dates as 2022-01-03"));
    }
    return findings_close(reader->report);
}

static tm_err_t
settle_epochs(struct bar_reader *reader)
{
    bars_t *bars = reader->bars;
    zone_t *zone = reader->time.zone;

    if (reader->time.kind != BAR_TIME_EPOCH || bars->count == 0)
        return TM_OK;
    for (size_t i = 0; i < bars->count; i++) {
        if (!epoch_ms(&reader->time.epoch, bars->time_ms[i], &bars->time_ms[i]))
            return explain_epochs(reader);
    }
    if (zone)
        reader->offsets = calloc(bars->count, sizeof *reader->offsets);
    if (zone && !reader->offsets)
        return TM_NO_MEMORY;
    for (size_t i = 0; zone && i < bars->count; i++)
        reader->offsets[i] = zone_offset_s(zone, bars->time_ms[i]);
    return TM_OK;
}

/* Bars are in order. Numbers of two units lie in two heaps, one of them about 1970; ticks are
 * closer than a second. */
static tm_err_t
check_epochs(struct bar_reader *reader)
{
    const bars_t *bars = reader->bars;
    size_t close_steps = 0;

    if (reader->time.kind != BAR_TIME_EPOCH)
        return TM_OK;
    for (size_t i = 1; i < bars->count; i++) {
        const int64_t step = bars->time_ms[i] - bars->time_ms[i - 1];

        close_steps += step < 1000;
        if (bars->time_ms[i - 1] < MS_1973 && step > 3 * YEAR_MS)
            return findings_refuse(reader->report, DATA_EPOCH_UNITS, 0,
                                   "the times are numbers of two kinds: read as %s, some fall "
                                   "in 1970 and the next ones %.0f years later",
                                   epoch_unit(&reader->time.epoch),
                                   (double)step / (double)YEAR_MS);
    }
    if (close_steps * 2 > bars->count)
        return findings_refuse(reader->report, DATA_EPOCH_STEP, 0,
                               "read as %s, most rows are less than a second apart: these are "
                               "ticks, or no times",
                               epoch_unit(&reader->time.epoch));
    return TM_OK;
}

/* ---- rows ------------------------------------------------------------------------------- */

static tm_err_t
check_zones(const struct bar_reader *reader)
{
    const struct bar_time *time = &reader->time;

    if (time->naive == 0 || time->offset == 0 || reader->options->timezone ||
        (time->offsets[0] == 0 && time->offsets[1] == 0))
        return TM_OK;
    return findings_refuse(reader->report, DATA_ZONES, 0,
                           "%zu rows have an offset from UTC and %zu have none; give the zone "
                           "of those with timezone",
                           time->offset, time->naive);
}

static tm_err_t
check_dropped(const struct bar_reader *reader)
{
    struct data_report *report = reader->report;
    const double pct = 100.0 * (double)report->dropped / (double)report->rows;

    if (report->dropped == 0)
        return TM_OK;
    if (pct > reader->options->allow_dropped_pct)
        return findings_refuse(report, DATA_DROPPED, reader->first_dropped_line,
                               "a cell is missing, as in %zu of %zu rows (%.1f %%); at most "
                               "%.4g %% may be dropped (allow_dropped_pct)",
                               report->dropped, report->rows, pct,
                               reader->options->allow_dropped_pct);
    findings_warn(report, "%zu row%s with a missing cell dropped, the first on line %zu",
                  report->dropped, report->dropped == 1 ? "" : "s", reader->first_dropped_line);
    return TM_OK;
}

static tm_err_t
order_bars(struct bar_reader *reader)
{
    struct data_report *report = reader->report;
    struct bar_order order;
    const size_t before = reader->bars->count;

    if (bar_order(reader->bars, &order) != TM_OK)
        return TM_NO_MEMORY;
    report->duplicates = order.duplicates;
    if (order.was_reversed)
        findings_note(report, "the newest row comes first: they were turned round");
    if (order.was_unsorted)
        findings_warn(report, "rows were not in order of time and were sorted");
    if (order.conflicts > 1 && order.conflicts * 100 > before * CONFLICTS_PCT)
        return findings_refuse(report, DATA_DUPLICATES, 0,
                               "%zu of %zu rows have the time of another one and other prices: "
                               "several series in one file?",
                               order.conflicts, before);
    if (order.duplicates)
        findings_warn(report, "%zu row%s replaced by a later row of the same time",
                      order.duplicates, order.duplicates == 1 ? "" : "s");
    return TM_OK;
}

static tm_err_t
check_count(const struct bar_reader *reader)
{
    struct data_report *report = reader->report;
    const size_t bars = reader->bars->count;

    if (bars >= DATA_MIN_BARS)
        return TM_OK;
    return findings_refuse(report, DATA_FEW, 0,
                           "%zu usable rows of %zu; at least %d are needed%s%s", bars,
                           report->rows, DATA_MIN_BARS, report->warning_count ? ": " : "",
                           report->warning_count ? report->warnings[0] : "");
}

/* ---- what is odd ------------------------------------------------------------------------ */

static void
show_day(int64_t time_ms, char out[32])
{
    const time_t seconds = (time_t)(time_ms / 1000);
    struct tm tm;

    if (!gmtime_r(&seconds, &tm) || strftime(out, 32, "%Y-%m-%d", &tm) == 0)
        out[0] = '\0';
}

/* n for 1, n for 2, 3 for 2, and their inverses, near enough for a night between them. */
static bool
is_split(double ratio)
{
    const double up = ratio < 1 ? 1 / ratio : ratio, whole = round(up * 2) / 2;

    return up >= SPLIT && fabs(up - whole) <= SPLIT_SLACK * whole &&
           (whole == 1.5 || whole == floor(whole));
}

static void
warn_of_jumps(struct bar_reader *reader)
{
    const bars_t *bars = reader->bars;
    size_t jumps = 0, first = 0;

    for (size_t i = 1; i < bars->count; i++) {
        const double night = bars->open[i] / bars->close[i - 1];
        const double whole = bars->close[i] / bars->close[i - 1];

        if (whole < JUMP && whole > 1 / JUMP && !is_split(night))
            continue;
        if (jumps++ == 0)
            first = i;
    }
    if (jumps == 0)
        return;
    char day[32];
    show_day(bars->time_ms[first], day);
    findings_warn(reader->report,
                  "the price jumps by a factor of %.4g on %s%s%s: an unadjusted split, or rows "
                  "of two series?",
                  bars->open[first] / bars->close[first - 1], day,
                  jumps > 1 ? ", and more" : "", jumps > 1 ? " later" : "");
}

static void
note_gaps(struct bar_reader *reader)
{
    const bars_t *bars = reader->bars;
    const int64_t period = bars_period_ms(bars);
    const int64_t least =
        period * GAP_PERIODS > GAP_LEAST_MS ? period * GAP_PERIODS : GAP_LEAST_MS;
    int64_t longest = 0;
    size_t at = 0;

    for (size_t i = 1; i < bars->count; i++) {
        const int64_t step = bars->time_ms[i] - bars->time_ms[i - 1];

        reader->report->gaps += step > least;
        if (step > longest) {
            longest = step;
            at = i;
        }
    }
    if (reader->report->gaps == 0)
        return;
    char from[32], to[32];
    show_day(bars->time_ms[at - 1], from);
    show_day(bars->time_ms[at], to);
    findings_note(reader->report, "%zu gap%s, the longest from %s to %s", reader->report->gaps,
                  reader->report->gaps == 1 ? "" : "s", from, to);
}

/* ---- the whole -------------------------------------------------------------------------- */

tm_err_t
bar_checks_run(struct bar_reader *reader)
{
    struct data_report *report = reader->report;
    tm_err_t err = check_symbols(reader);

    if (!err && reader->cells.has_open_quote)
        err = findings_refuse(report, DATA_QUOTE, reader->cells.line,
                              "a quote is opened and never closed");
    if (!err)
        err = findings_close(report);
    if (!err)
        err = settle_epochs(reader);
    if (!err)
        err = check_zones(reader);
    if (!err)
        err = check_dropped(reader);
    if (err)
        return err;
    reader->bars->offset_s = reader->offsets;
    reader->offsets = NULL;
    err = order_bars(reader);
    if (!err)
        err = check_epochs(reader);
    if (!err)
        err = check_count(reader);
    if (err)
        return err;
    if (reader->volume_missing)
        findings_note(report, "volume is missing in %zu rows, and the strategy reads none",
                      reader->volume_missing);
    warn_of_jumps(reader);
    note_gaps(reader);
    return TM_OK;
}
