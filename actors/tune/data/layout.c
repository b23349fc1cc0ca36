#include "actors/tune/data/layout.h"

#include <stdio.h>
#include <string.h>

#include "actors/tune/data/bare_layout.h"
#include "actors/tune/data/findings.h"
#include "actors/tune/data/layout_columns.h"
#include "actors/tune/engine/decimal.h"

#define HEADER_WITHIN 20 /* rows that are looked at for a header */
#define PRICES        4

static const struct separator {
    char c;
    const char *word;
} separators[] = {{',', "comma"}, {';', "semicolon"}, {'\t', "tab"}, {'|', "pipe"}};
#define SEPARATORS (sizeof separators / sizeof separators[0])

/* The search for a header, with one separator. */
struct search {
    const struct text *text;
    size_t first_line; /* of the text: 2 below a sep= */
    const struct data_options *options;
    struct data_report *report;
    struct cell *names;   /* of the best header so far */
    struct cell *tickers; /* of yfinance's row of them, else none */
    size_t ticker_count;
    struct cells cells;
    struct header header;
    size_t count, line, above; /* of its columns; rows above it */
    bool is_whole;
    size_t best_words; /* that were known, of a header that is not whole */
};

static void
start(const struct search *self, struct cells *cells, char separator)
{
    cells_init(cells, self->text->at, self->text->size, separator);
    cells->next_line = self->first_line;
}

/* ---- yfinance's rows -------------------------------------------------------------------- */

static bool
is_word(const struct cell *cell, const char *word)
{
    char name[HEADER_FOLD_MAX];

    header_fold(cell, name);
    return strcmp(name, word) == 0;
}

/* "Ticker,AAPL,AAPL": one word below or above each name. */
static bool
is_ticker_row(const struct cell *row, size_t count, size_t columns)
{
    double value;

    if (count != columns || count < PRICES + 1 ||
        !(row[0].size == 0 || is_word(&row[0], "ticker") || is_word(&row[0], "tickers")))
        return false;
    for (size_t i = 1; i < count; i++) {
        if (row[i].size == 0 || row[i].size > 24 ||
            decimal_parse(row[i].text, row[i].size, &value))
            return false;
    }
    return true;
}

/* "Date,,,,": the name of the index. */
static bool
is_index_row(const struct cell *row, size_t count)
{
    if (count < 2 || !(is_word(&row[0], "date") || is_word(&row[0], "datetime")))
        return false;
    for (size_t i = 1; i < count; i++) {
        if (row[i].size > 0)
            return false;
    }
    return true;
}

static bool
is_same(const struct cell *a, const struct cell *b)
{
    return a->size == b->size && memcmp(a->text, b->text, a->size) == 0;
}

static bool
is_symbol(const struct cell *cell, const char *symbol)
{
    return strlen(symbol) == cell->size && strncasecmp(cell->text, symbol, cell->size) == 0;
}

/* Columns of other tickers lose their names. */
static tm_err_t
choose_ticker(struct search *self)
{
    const char *wanted = self->options->symbol;
    const struct cell *one = NULL;
    char a[DATA_WORD_BYTES], b[DATA_WORD_BYTES];

    for (size_t i = 1; i < self->ticker_count; i++) {
        struct cell *ticker = &self->tickers[i];

        if (wanted && !is_symbol(ticker, wanted)) {
            self->names[i] = (struct cell){"?", 1};
            continue;
        }
        if (!wanted && one && !is_same(one, ticker)) {
            findings_quote(one->text, one->size, a);
            findings_quote(ticker->text, ticker->size, b);
            return findings_refuse(self->report, DATA_SYMBOLS, self->line,
                                   "the file has several symbols (%s, %s); choose one with "
                                   "symbol",
                                   a, b);
        }
        one = ticker;
    }
    if (one || self->ticker_count == 0)
        return TM_OK;
    findings_quote(self->tickers[1].text, self->tickers[1].size, a);
    return findings_refuse(self->report, DATA_SYMBOL, self->line,
                           "the symbol %.40s is not in the file; it has %s", wanted, a);
}

/* Rows between the names and the data; a file without an index' name has no other date. */
static void
take_rows_below(struct search *self, struct cell *row)
{
    for (size_t i = 0; i < 2; i++) {
        const struct cells before = self->cells;
        const size_t count = cells_row(&self->cells, row, DATA_MAX_COLUMNS);

        if (count > DATA_MAX_COLUMNS || count == 0) {
            self->cells = before;
            return;
        }
        if (is_index_row(row, count)) {
            self->names[0] = row[0];
        } else if (self->ticker_count == 0 && is_ticker_row(row, count, self->count)) {
            memcpy(self->tickers, row, count * sizeof *row);
            self->ticker_count = count;
        } else {
            self->cells = before;
            return;
        }
    }
}

/* ---- one separator ---------------------------------------------------------------------- */

static size_t
known_words(const struct header *header)
{
    size_t words = header_has_time(header);

    return words + header_prices(header) + (header->at[MEANS_VOLUME] != HEADER_NONE);
}

/* The row as a header: all four prices, and a time in it or in a row below. */
static void
take_header(struct search *self, struct cell *row, size_t count, size_t above)
{
    const struct header header = self->header;
    struct cells after = self->cells;

    memcpy(self->names, row, count * sizeof *row);
    self->count = count;
    self->line = self->cells.line;
    self->above = above - (self->ticker_count ? 1 : 0);
    if (self->ticker_count != count)
        self->ticker_count = 0;
    take_rows_below(self, row);
    header_read(self->names, count, &self->header);
    /* a "Price" that turned out to be the index' name is no close */
    self->is_whole = header_has_time(&self->header) && header_prices(&self->header) == PRICES;
    if (!self->is_whole) {
        self->cells = after;
        self->header = header;
    }
}

/* Stops behind a header that is whole; else the best of what may have been one is kept. */
static void
search_header(struct search *self, char separator, struct cell *row)
{
    size_t count;

    self->ticker_count = 0;
    start(self, &self->cells, separator);
    for (size_t i = 0; i < HEADER_WITHIN && !self->is_whole; i++) {
        struct header header;

        count = cells_row(&self->cells, row, DATA_MAX_COLUMNS);
        if (count == 0)
            return;
        if (count > DATA_MAX_COLUMNS)
            count = DATA_MAX_COLUMNS;
        if (row[0].size > 1 && row[0].text[0] == '#') { /* "#date,open" */
            row[0].text++;
            row[0].size--;
        }
        header_read(row, count, &header);
        if (header_prices(&header) == PRICES) {
            self->header = header;
            take_header(self, row, count, i);
            continue;
        }
        if (is_ticker_row(row, count, count)) {
            memcpy(self->tickers, row, count * sizeof *row);
            self->ticker_count = count;
        }
    }
}

/* ---- refusals --------------------------------------------------------------------------- */

/* The header that came closest, over all separators. */
static void
find_closest(struct search *self, struct cell *row, const struct separator **ret_separator)
{
    self->best_words = 1;
    self->count = 0;
    for (size_t s = 0; s < SEPARATORS; s++) {
        size_t count;

        start(self, &self->cells, separators[s].c);
        for (size_t i = 0; i < HEADER_WITHIN; i++) {
            struct header header;

            count = cells_row(&self->cells, row, DATA_MAX_COLUMNS);
            if (count == 0)
                break;
            if (count > DATA_MAX_COLUMNS)
                count = DATA_MAX_COLUMNS;
            header_read(row, count, &header);
            if (known_words(&header) <= self->best_words || count < 2)
                continue;
            self->best_words = known_words(&header);
            self->header = header;
            self->count = count;
            self->line = self->cells.line;
            memcpy(self->names, row, count * sizeof *row);
            *ret_separator = &separators[s];
        }
    }
}

/* That gives the first row the most cells. */
static const struct separator *
guess_separator(const struct text *text, struct cell *row, size_t *ret_count)
{
    const struct separator *best = NULL;

    *ret_count = 1;
    for (size_t s = 0; s < SEPARATORS; s++) {
        struct cells cells;

        cells_init(&cells, text->at, text->size, separators[s].c);
        const size_t count = cells_row(&cells, row, 1);
        if (count > *ret_count) {
            *ret_count = count;
            best = &separators[s];
        }
    }
    return best;
}

static tm_err_t
refuse_header(struct search *self, struct cell *row)
{
    const struct separator *separator = NULL;
    struct layout_columns columns = {.header = &self->header,
                                     .names = self->names,
                                     .options = self->options,
                                     .report = self->report};
    char line[DATA_WORD_BYTES];
    size_t count;

    find_closest(self, row, &separator);
    if (separator) {
        snprintf(self->report->separator, DATA_WORD_BYTES, "%s", separator->word);
        columns.header_line = self->line;
        return layout_columns_missing(&columns, self->count);
    }
    separator = guess_separator(self->text, row, &count);
    start(self, &self->cells, '\n');
    if (cells_row(&self->cells, row, 1) == 0)
        return findings_refuse(self->report, DATA_EMPTY, 0, "the file is empty");
    findings_quote(row[0].text, row[0].size, line);
    if (!separator)
        return findings_refuse(self->report, DATA_ONE_COLUMN, self->cells.line,
                               "there is one column, \"%s\"; columns are separated by comma, "
                               "semicolon, tab or pipe",
                               line);
    return findings_refuse(self->report, DATA_NO_HEADER, self->cells.line,
                           "no header names date, open, high, low and close, and \"%s\" (%zu "
                           "columns, separator %s) is no known layout without one",
                           line, count, separator->word);
}

/* ---- the whole -------------------------------------------------------------------------- */

static tm_err_t
finish(const struct search *self, const struct separator *separator, struct layout *ret)
{
    struct layout_columns columns = {.header = &self->header,
                                     .names = self->names,
                                     .header_line = self->line,
                                     .options = self->options,
                                     .report = self->report};

    ret->separator = separator->c;
    ret->column_count = self->count;
    ret->first_line = self->cells.next_line;
    ret->rows =
        (struct text){.at = self->cells.at, .size = (size_t)(self->cells.end - self->cells.at)};
    snprintf(self->report->separator, DATA_WORD_BYTES, "%s", separator->word);
    snprintf(self->report->layout, DATA_WORD_BYTES, "%s",
             self->ticker_count ? "yfinance, several header rows" : "header");
    if (self->above)
        findings_note(self->report, "%zu line%s above the header %s left out", self->above,
                      self->above == 1 ? "" : "s", self->above == 1 ? "is" : "are");
    tm_err_t err = layout_columns_choose(&columns, ret);
    if (!err)
        layout_columns_report(self->report, self->names, ret);
    return err;
}

static bool
find_bare(struct search *self, const struct separator *separator, struct cell *row,
          struct layout *ret)
{
    size_t count;

    start(self, &self->cells, separator->c);
    count = cells_row(&self->cells, row, DATA_MAX_COLUMNS);
    ret->separator = separator->c;
    const char *name =
        count && count <= DATA_MAX_COLUMNS ? bare_layout_find(row, count, ret) : NULL;
    if (!name)
        return false;
    for (size_t i = 0; i < count; i++)
        self->names[i] = (struct cell){"", 0};
    ret->rows = *self->text;
    ret->first_line = self->first_line;
    snprintf(self->report->separator, DATA_WORD_BYTES, "%s", separator->word);
    snprintf(self->report->layout, DATA_WORD_BYTES, "%s", name);
    layout_columns_report(self->report, self->names, ret);
    return true;
}

static tm_err_t
check_width(const struct search *self)
{
    struct cells cells;
    struct cell cell;

    for (size_t s = 0; s < SEPARATORS; s++) {
        start(self, &cells, separators[s].c);
        const size_t count = cells_row(&cells, &cell, 1);
        if (count > DATA_MAX_COLUMNS)
            return findings_refuse(self->report, DATA_COLUMNS, cells.line,
                                   "%zu columns; at most %d are read", count, DATA_MAX_COLUMNS);
    }
    return TM_OK;
}

/* sep=; in the first line: the only separator there may be; the line is taken off. */
static const struct separator *
take_sep(struct text *text, size_t *ret_first_line)
{
    size_t end = 5;

    if (text->size < 5 || strncasecmp(text->at, "sep=", 4) != 0)
        return NULL;
    while (end < text->size && text->at[end] == '\r')
        end++;
    if (end < text->size && text->at[end] != '\n')
        return NULL;
    for (size_t s = 0; s < SEPARATORS; s++) {
        if (separators[s].c != text->at[4])
            continue;
        end += end < text->size;
        text->at += end;
        text->size -= end;
        *ret_first_line = 2;
        return &separators[s];
    }
    return NULL;
}

static tm_err_t
find(struct search *self, const struct separator *only, struct cell *row, struct layout *ret)
{
    tm_err_t err = check_width(self);

    for (size_t s = 0; !err && s < SEPARATORS; s++) {
        if (only && only != &separators[s])
            continue;
        search_header(self, separators[s].c, row);
        if (self->is_whole) {
            err = choose_ticker(self);
            if (!err && self->ticker_count)
                header_read(self->names, self->count, &self->header);
            if (!err && header_prices(&self->header) < PRICES)
                break; /* of the ticker's own columns one is missing */
            return err ? err : finish(self, &separators[s], ret);
        }
    }
    for (size_t s = 0; !err && s < SEPARATORS; s++) {
        if ((!only || only == &separators[s]) && find_bare(self, &separators[s], row, ret))
            return TM_OK;
    }
    return err ? err : refuse_header(self, row);
}

tm_err_t
layout_find(const struct text *text, const struct data_options *options,
            struct data_report *report, struct cell *names, struct layout *ret)
{
    struct text rest = {.at = text->at, .size = text->size};
    size_t first_line = 1;
    const struct separator *only = take_sep(&rest, &first_line);
    struct search search = {.text = &rest,
                            .first_line = first_line,
                            .options = options,
                            .report = report,
                            .names = names};
    struct cell *rows = malloc(sizeof *rows * 2 * DATA_MAX_COLUMNS);

    if (!rows)
        return TM_NO_MEMORY;
    search.tickers = rows + DATA_MAX_COLUMNS;
    *ret = (struct layout){.unix_time = HEADER_NONE};
    for (size_t i = 0; i < VALUES; i++)
        ret->values[i] = HEADER_NONE;
    const tm_err_t err = find(&search, only, rows, ret);
    free(rows);
    return err;
}
