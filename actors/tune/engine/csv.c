#include "actors/tune/engine/csv.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actors/tune/engine/csv_fields.h"
#include "actors/tune/engine/csv_order.h"
#include "actors/tune/engine/decimal.h"
#include "actors/tune/engine/stamp.h"

#define OFFENCES_SHOWN 5
#define ROW_MIN_BYTES  12 /* "1,1,1,1,1,1\n" */
#define VALUE_SHOWN    24 /* bytes of a value in an error text */
#define BARS_FEW       16 /* room for the smallest of files */

enum column { DATE, OPEN, HIGH, LOW, CLOSE, VOLUME, COLUMNS };

static const char *const column_names[COLUMNS] = {"date", "open",  "high",
                                                  "low",  "close", "volume"};

struct parser {
    struct csv_cursor cursor;
    struct csv_report *report;
    struct csv_field fields[CSV_MAX_COLUMNS];
    size_t column_count;     /* of the header */
    size_t columns[COLUMNS]; /* where each stands in a row */
    size_t needed;           /* fields a row must have to hold all of them */
    bars_t *bars;
    size_t capacity;
    size_t offences;
    size_t first_dropped_line;
};

__attribute__((format(printf, 2, 3))) static tm_err_t
fail(struct csv_report *report, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(report->error, sizeof report->error, format, args);
    va_end(args);
    return TM_DATA_PARSE_FAILED;
}

__attribute__((format(printf, 2, 3))) static void
warn(struct csv_report *report, const char *format, ...)
{
    va_list args;

    if (report->warning_count == CSV_WARNINGS_MAX)
        return;
    va_start(args, format);
    vsnprintf(report->warnings[report->warning_count++], CSV_TEXT_BYTES, format, args);
    va_end(args);
}

/* Adds "line 7: why" to the error, for the first few. */
__attribute__((format(printf, 2, 3))) static void
offend(struct parser *parser, const char *format, ...)
{
    char *error = parser->report->error;
    const size_t used = strlen(error), room = CSV_ERROR_BYTES - used;
    va_list args;

    if (parser->offences++ >= OFFENCES_SHOWN)
        return;
    const int head =
        snprintf(error + used, room, "%sline %zu: ", used ? "; " : "", parser->cursor.line);
    if (head < 0 || (size_t)head >= room)
        return;
    va_start(args, format);
    vsnprintf(error + used + head, room - (size_t)head, format, args);
    va_end(args);
}

/* A value of the file as it may stand in a text for people: short, printable ASCII. */
static void
quote(const struct csv_field *field, char out[VALUE_SHOWN + 1])
{
    size_t i = 0;

    for (; i < field->size && i < VALUE_SHOWN; i++) {
        const char c = field->text[i];

        out[i] = '?';
        if (c >= ' ' && c <= '~' && c != '"')
            out[i] = c;
    }
    out[i] = '\0';
}

/* Length of the UTF-8 sequence at p, 0 if there is none. */
static size_t
utf8_length(const unsigned char *p, const unsigned char *end)
{
    const size_t length = *p < 0x80                 ? 1
                          : *p >= 0xc2 && *p < 0xe0 ? 2
                          : (*p & 0xf0) == 0xe0     ? 3
                          : *p >= 0xf0 && *p < 0xf5 ? 4
                                                    : 0;

    if (length == 0 || (size_t)(end - p) < length)
        return 0;
    for (size_t i = 1; i < length; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    }
    return length;
}

static bool
is_utf8(const char *data, size_t size)
{
    const unsigned char *p = (const unsigned char *)data, *end = p + size;

    while (p < end) {
        uint64_t eight = 0;

        if (end - p >= 8)
            memcpy(&eight, p, sizeof eight);
        if (end - p >= 8 && (eight & UINT64_C(0x8080808080808080)) == 0) {
            p += 8;
            continue;
        }
        const size_t length = utf8_length(p, end);
        if (length == 0)
            return false;
        p += length;
    }
    return true;
}

/* The column a header names: its index, COLUMNS if none of ours. *ret_is_adjusted: a close that
 * only counts when there is no other. */
static enum column
column_of(const struct csv_field *name, bool *ret_is_adjusted)
{
    static const struct {
        const char *name;
        enum column column;
        bool is_adjusted;
    } aliases[] = {
        {"date", DATE, false},      {"timestamp", DATE, false},
        {"datetime", DATE, false},  {"time", DATE, false},
        {"open", OPEN, false},      {"o", OPEN, false},
        {"high", HIGH, false},      {"h", HIGH, false},
        {"low", LOW, false},        {"l", LOW, false},
        {"close", CLOSE, false},    {"c", CLOSE, false},
        {"adj_close", CLOSE, true}, {"adjusted_close", CLOSE, true},
        {"adj close", CLOSE, true}, {"adjclose", CLOSE, true},
        {"volume", VOLUME, false},  {"v", VOLUME, false},
        {"vol", VOLUME, false},
    };

    for (size_t i = 0; i < sizeof aliases / sizeof aliases[0]; i++) {
        if (csv_field_is(name, aliases[i].name)) {
            *ret_is_adjusted = aliases[i].is_adjusted;
            return aliases[i].column;
        }
    }
    return COLUMNS;
}

static tm_err_t
missing_columns(struct parser *parser, const bool *found)
{
    char list[64] = "";

    if (parser->column_count == 1)
        return fail(parser->report,
                    "line %zu: the header has one column; columns are separated by "
                    "commas",
                    parser->cursor.line);
    for (size_t i = 0; i < COLUMNS; i++) {
        const size_t used = strlen(list);

        if (!found[i])
            snprintf(list + used, sizeof list - used, "%s%s", used ? ", " : "",
                     column_names[i]);
    }
    return fail(
        parser->report,
        "line %zu: the header names no column for %s; needed are date, open, high, low, "
        "close, volume",
        parser->cursor.line, list);
}

static tm_err_t
read_header(struct parser *parser)
{
    bool found[COLUMNS] = {false}, is_weak[COLUMNS] = {false};

    parser->column_count = csv_cursor_row(&parser->cursor, parser->fields, CSV_MAX_COLUMNS);
    if (parser->column_count == 0)
        return fail(parser->report, "the file is empty");
    if (parser->column_count > CSV_MAX_COLUMNS)
        return fail(parser->report, "line %zu: the header has %zu columns; at most %d are read",
                    parser->cursor.line, parser->column_count, CSV_MAX_COLUMNS);
    for (size_t i = 0; i < parser->column_count; i++) {
        bool is_adjusted = false;
        const enum column column = column_of(&parser->fields[i], &is_adjusted);

        if (column == COLUMNS || (found[column] && is_adjusted))
            continue;
        if (found[column] && !is_weak[column])
            return fail(parser->report, "line %zu: the header names two columns for %s",
                        parser->cursor.line, column_names[column]);
        found[column] = true;
        is_weak[column] = is_adjusted;
        parser->columns[column] = i;
    }
    for (size_t i = 0; i < COLUMNS; i++) {
        if (!found[i])
            return missing_columns(parser, found);
        if (parser->columns[i] >= parser->needed)
            parser->needed = parser->columns[i] + 1;
    }
    return TM_OK;
}

static void
drop_row(struct parser *parser)
{
    if (parser->report->dropped++ == 0)
        parser->first_dropped_line = parser->cursor.line;
}

/* Checks what is there; an offence is noted. */
static bool
is_sound(struct parser *parser, const double value[COLUMNS])
{
    for (size_t i = OPEN; i <= CLOSE; i++) {
        if (!(value[i] > 0)) {
            offend(parser, "%s is %.10g, and a price must be above 0", column_names[i],
                   value[i]);
            return false;
        }
        if (value[i] > 1e15) {
            offend(parser, "%s is %.10g, too large for a price", column_names[i], value[i]);
            return false;
        }
    }
    if (value[HIGH] < value[LOW]) {
        offend(parser, "high %.10g is below low %.10g", value[HIGH], value[LOW]);
        return false;
    }
    if (!(value[VOLUME] >= 0) || isinf(value[VOLUME])) {
        offend(parser, "volume is %.10g", value[VOLUME]);
        return false;
    }
    return true;
}

static void
keep_row(struct parser *parser, int64_t time_ms, const double value[COLUMNS])
{
    bars_t *bars = parser->bars;
    const size_t i = bars->count;

    if (i == parser->capacity) {
        offend(parser, "more rows than lines");
        return;
    }
    bars->time_ms[i] = time_ms;
    for (size_t k = 0; k < BARS_COLUMNS; k++)
        bars->columns[k][i] = value[OPEN + k];
    bars->count++;
}

static void
read_row(struct parser *parser, size_t count)
{
    double value[COLUMNS];
    int64_t time_ms;
    const struct csv_field *date = &parser->fields[parser->columns[DATE]];

    parser->report->rows++;
    if (count > parser->column_count &&
        (count > parser->column_count + 1 || parser->fields[count - 1].size > 0)) {
        offend(parser, "%zu fields, and the header has %zu", count, parser->column_count);
        return;
    }
    if (count < parser->needed || date->size == 0) {
        drop_row(parser);
        return;
    }
    for (size_t i = OPEN; i < COLUMNS; i++) {
        const struct csv_field *field = &parser->fields[parser->columns[i]];

        if (!decimal_parse(field->text, field->size, &value[i])) {
            drop_row(parser);
            return;
        }
    }
    if (!stamp_parse(date->text, date->size, &time_ms)) {
        char shown[VALUE_SHOWN + 1];

        quote(date, shown);
        offend(parser, "date \"%s\" is neither an ISO date nor an epoch time", shown);
        return;
    }
    if (is_sound(parser, value))
        keep_row(parser, time_ms, value);
}

static size_t
count_lines(const char *data, size_t size)
{
    const char *end = data + size;
    size_t lines = 1;

    for (const char *p = data; (p = memchr(p, '\n', (size_t)(end - p))) != NULL; p++)
        lines++;
    return lines;
}

static void
add_warnings(struct parser *parser)
{
    struct csv_report *report = parser->report;

    if (report->is_latin1)
        warn(report, "the file is not UTF-8 and was read as latin-1");
    if (report->dropped)
        warn(report,
             "%zu row%s without a date or a readable number dropped, the first on line %zu",
             report->dropped, report->dropped == 1 ? "" : "s", parser->first_dropped_line);
    if (report->was_unsorted)
        warn(report, "rows were not in order of time and were sorted");
    if (report->duplicates)
        warn(report, "%zu row%s replaced by a later row of the same time", report->duplicates,
             report->duplicates == 1 ? "" : "s");
}

static tm_err_t
read_rows(struct parser *parser)
{
    struct csv_report *report = parser->report;
    size_t count;

    while ((count = csv_cursor_row(&parser->cursor, parser->fields, CSV_MAX_COLUMNS)) > 0) {
        if (count > CSV_MAX_COLUMNS)
            return fail(report, "line %zu: %zu fields, and the header has %zu",
                        parser->cursor.line, count, parser->column_count);
        read_row(parser, count);
    }
    if (parser->cursor.has_open_quote)
        return fail(report, "line %zu: a quote is opened and never closed",
                    parser->cursor.line);
    if (parser->offences > OFFENCES_SHOWN) {
        const size_t used = strlen(report->error);

        snprintf(report->error + used, CSV_ERROR_BYTES - used, "; and %zu more",
                 parser->offences - OFFENCES_SHOWN);
    }
    if (parser->offences)
        return TM_DATA_PARSE_FAILED;
    if (csv_order(parser->bars, &report->was_unsorted, &report->duplicates) != TM_OK)
        return TM_NO_MEMORY;
    add_warnings(parser);
    if (parser->bars->count < CSV_MIN_ROWS)
        return fail(report, "%zu usable rows of %zu; at least %d are needed%s%s",
                    parser->bars->count, report->rows, CSV_MIN_ROWS,
                    report->warning_count ? ": " : "",
                    report->warning_count ? report->warnings[0] : "");
    return TM_OK;
}

static tm_err_t
check_bytes(const char *data, size_t size, struct csv_report *report)
{
    const char *nul = size ? memchr(data, '\0', size) : NULL;

    if (size >= 2 && (memcmp(data, "\xff\xfe", 2) == 0 || memcmp(data, "\xfe\xff", 2) == 0))
        return fail(report, "the file is UTF-16; save it as UTF-8");
    if (nul)
        return fail(report, "line %zu: a NUL byte; this is not a text file",
                    count_lines(data, (size_t)(nul - data)));
    report->is_latin1 = !is_utf8(data, size);
    return TM_OK;
}

static tm_err_t
parse_into(struct parser *parser, const char *data, size_t size)
{
    const size_t lines = count_lines(data, size), fit = size / ROW_MIN_BYTES + BARS_FEW;

    csv_cursor_init(&parser->cursor, data, size);
    const tm_err_t err = read_header(parser);
    if (err)
        return err;
    parser->capacity = lines < fit ? lines : fit;
    parser->bars = bars_new(parser->capacity);
    if (!parser->bars)
        return TM_NO_MEMORY;
    parser->bars->count = 0;
    return read_rows(parser);
}

tm_err_t
csv_parse(const char *data, size_t size, struct csv_report *ret_report, bars_t **ret)
{
    memset(ret_report, 0, sizeof *ret_report);
    if (size >= 3 && memcmp(data, "\xef\xbb\xbf", 3) == 0) {
        data += 3;
        size -= 3;
    }
    tm_err_t err = check_bytes(data, size, ret_report);
    if (err)
        return err;
    struct parser *parser = calloc(1, sizeof *parser);
    if (!parser)
        return TM_NO_MEMORY;
    parser->report = ret_report;
    err = parse_into(parser, data, size);
    if (err)
        bars_destroy(&parser->bars);
    else
        *ret = parser->bars;
    free(parser);
    return err;
}
