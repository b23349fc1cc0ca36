#include "actors/tune/data/bar_reader.h"

#include <math.h>
#include <string.h>

#include "actors/tune/data/bar_survey.h"
#include "actors/tune/data/date_hint.h"
#include "actors/tune/data/findings.h"

#define ROW_MIN_BYTES 10 /* "1,1,1,1,1\n" */
#define BARS_FEW      16 /* room for the smallest of files */
#define PRICE_MAX     1e15
#define SLACK         1e-9 /* of a price: what is lost in a vendor's own arithmetic */

/* ---- faults ----------------------------------------------------------------------------- */

static struct findings_cell
cell_of(const struct bar_reader *self, enum data_refusal refusal, const char *column,
        const struct cell *value)
{
    return (struct findings_cell){
        .refusal = refusal, .line = self->cells.line, .column = column, .value = *value};
}

static struct findings_cell
value_cell(const struct bar_reader *self, enum data_refusal refusal, size_t i)
{
    return cell_of(self, refusal, bar_value_words[i], &self->row[self->layout->values[i]]);
}

/* What is wrong with the prices of a row that has them all. */
static void
explain_prices(struct bar_reader *self, const double value[VALUES])
{
    struct findings_cell cell;

    for (size_t i = 0; i < VALUE_VOLUME; i++) {
        cell = value_cell(self, DATA_PRICE, i);
        if (!(value[i] > 0)) {
            findings_cell(self->report, &cell, "is no price: it must be above 0");
            return;
        }
        if (value[i] > PRICE_MAX) {
            findings_cell(self->report, &cell, "is too large for a price");
            return;
        }
    }
    if (value[VALUE_HIGH] < value[VALUE_LOW]) {
        cell = value_cell(self, DATA_RANGE, VALUE_HIGH);
        findings_cell(self->report, &cell, "is below the low, %.10g", value[VALUE_LOW]);
        return;
    }
    for (size_t i = 0; i < VALUE_VOLUME; i++) {
        const double slack = SLACK * value[VALUE_HIGH];

        if (value[i] <= value[VALUE_HIGH] + slack && value[i] >= value[VALUE_LOW] - slack)
            continue;
        cell = value_cell(self, DATA_RANGE, i);
        findings_cell(self->report, &cell, "is outside low %.10g and high %.10g",
                      value[VALUE_LOW], value[VALUE_HIGH]);
        return;
    }
    if (!(value[VALUE_VOLUME] >= 0) || isinf(value[VALUE_VOLUME])) {
        cell = value_cell(self, DATA_VOLUME, VALUE_VOLUME);
        findings_cell(self->report, &cell, "is no volume: it must be 0 or more");
    }
}

static inline bool
is_sound(const double v[VALUES])
{
    const double slack = SLACK * v[VALUE_HIGH];
    const double high = v[VALUE_HIGH] + slack, low = v[VALUE_LOW] - slack;

    return v[VALUE_LOW] > 0 && v[VALUE_HIGH] <= PRICE_MAX && v[VALUE_HIGH] >= v[VALUE_LOW] &&
           v[VALUE_OPEN] > 0 && v[VALUE_CLOSE] > 0 && v[VALUE_OPEN] <= high &&
           v[VALUE_CLOSE] <= high && v[VALUE_OPEN] >= low && v[VALUE_CLOSE] >= low &&
           v[VALUE_VOLUME] >= 0 && !isinf(v[VALUE_VOLUME]);
}

static void
explain_time(struct bar_reader *self, enum bar_time_result result)
{
    const struct layout *layout = self->layout;
    struct findings_cell cell = cell_of(self, DATA_DATE, "date", &self->row[layout->date]);

    if (result == BAR_TIME_WRONG_CLOCK) {
        cell = cell_of(self, DATA_TIME, "time", &self->row[layout->time]);
        findings_cell(self->report, &cell, "is no time of day beside a date");
    } else if (result == BAR_TIME_NEVER) {
        cell.refusal = DATA_ZONE_GAP;
        findings_cell(self->report, &cell,
                      "never was in %.40s: the clocks went forward over it",
                      self->options->timezone);
    } else if (result == BAR_TIME_TWICE) {
        cell.refusal = DATA_ZONE_FOLD;
        findings_cell(self->report, &cell,
                      "was twice in %.40s, for the clocks went back; write the offset beside "
                      "it",
                      self->options->timezone);
    } else if (self->time.kind == BAR_TIME_EPOCH) {
        cell.refusal = DATA_EPOCH;
        findings_cell(self->report, &cell, "%s",
                      date_hint(&cell.value, "is no number of an epoch time, and no date"));
    } else if (self->time.order != STAMP_UNKNOWN) {
        findings_cell(self->report, &cell, "is no date with the %s first, as this file has it",
                      self->time.order == STAMP_DAY_FIRST ? "day" : "month");
    } else {
        findings_cell(self->report, &cell, "%s",
                      date_hint(&cell.value, "is no date; write dates as 2022-01-03"));
    }
}

/* ---- rows ------------------------------------------------------------------------------- */

static void
drop_row(struct bar_reader *self)
{
    if (self->report->dropped++ == 0)
        self->first_dropped_line = self->cells.line;
}

/* False: the row has no bar. */
static bool
read_values(struct bar_reader *self, double value[VALUES])
{
    bool is_missing = false, is_wrong = false;

    for (size_t i = 0; i < VALUES; i++) {
        const size_t at = self->layout->values[i];

        value[i] = 0;
        if (at == HEADER_NONE)
            continue;
        const struct cell *cell = &self->row[at];
        const enum number_kind kind =
            self->is_surveyed ? number_read(&self->numbers, cell->text, cell->size, &value[i])
                              : number_read_plain(cell->text, cell->size, &value[i]);

        if (kind == NUMBER_READ)
            continue;
        if (kind == NUMBER_WRONG && !self->is_surveyed) {
            self->wants_survey = true;
            return false;
        }
        if (kind == NUMBER_WRONG) {
            const struct findings_cell wrong = value_cell(self, DATA_NUMBER, i);

            findings_cell(self->report, &wrong,
                          "is not a number (they are written as %s in this file)",
                          number_example(&self->numbers));
            is_wrong = true;
        } else if (i == VALUE_VOLUME && !self->options->reads_volume) {
            self->volume_missing++;
        } else {
            is_missing = true;
        }
    }
    if (is_missing && !is_wrong)
        drop_row(self);
    return !is_missing && !is_wrong;
}

static bool
note_offset(struct bar_reader *self, int32_t offset_s)
{
    if (!self->offsets && offset_s == 0)
        return true;
    if (!self->offsets)
        self->offsets = calloc(self->capacity, sizeof *self->offsets);
    if (self->offsets)
        self->offsets[self->bars->count] = offset_s;
    return self->offsets != NULL;
}

static void
note_ends(struct bar_reader *self, int64_t time_ms)
{
    const struct layout *layout = self->layout;
    const struct cell date = self->row[layout->date];
    const struct cell clock =
        layout->time == HEADER_NONE ? (struct cell){"", 0} : self->row[layout->time];

    if (self->bars->count == 0 || time_ms < self->least_ms) {
        self->least_ms = time_ms;
        self->first[0] = date;
        self->first[1] = clock;
    }
    if (self->bars->count == 0 || time_ms >= self->most_ms) {
        self->most_ms = time_ms;
        self->last[0] = date;
        self->last[1] = clock;
    }
}

static tm_err_t
keep_row(struct bar_reader *self, const struct bar_instant *instant, const double value[VALUES])
{
    bars_t *bars = self->bars;
    const size_t i = bars->count;

    if (i == self->capacity || !note_offset(self, instant->offset_s))
        return TM_NO_MEMORY;
    note_ends(self, instant->time_ms);
    bars->time_ms[i] = instant->time_ms;
    bars->open[i] = value[VALUE_OPEN];
    bars->high[i] = value[VALUE_HIGH];
    bars->low[i] = value[VALUE_LOW];
    bars->close[i] = value[VALUE_CLOSE];
    bars->volume[i] = value[VALUE_VOLUME];
    bars->count++;
    return TM_OK;
}

static inline bool
is_missing(const struct cell *cell)
{
    return number_is_missing(cell->text, cell->size);
}

/* A second column of time, of epoch numbers, must say the same, or the day that the first one
 * says. */
static bool
has_one_time(struct bar_reader *self, size_t count, const struct bar_instant *instant)
{
    const size_t at = self->layout->unix_time;
    struct epoch_column epoch = EPOCH_COLUMN_EMPTY;
    int64_t number, time_ms;

    if (at == HEADER_NONE || at >= count || self->time.kind != BAR_TIME_TEXT)
        return true;
    const struct cell *cell = &self->row[at];
    if (is_missing(cell))
        return true;
    const bool is_time = epoch_read(&epoch, cell->text, cell->size, &number) &&
                         epoch_ms(&epoch, number, &time_ms);
    const int64_t apart_ms = is_time ? time_ms - instant->time_ms : 0;
    if (is_time &&
        (apart_ms == 0 || (!instant->has_clock && apart_ms > 0 && apart_ms < BARS_DAY_MS)))
        return true;
    const struct findings_cell wrong = cell_of(self, DATA_TWO_TIMES, "epoch time", cell);
    const struct cell *date = &self->row[self->layout->date];
    findings_cell(self->report, &wrong, "is not the time of the column beside it, %.*s",
                  (int)(date->size < 32 ? date->size : 32), date->text);
    return false;
}

static bool
has_too_many(const struct bar_reader *self, size_t count)
{
    const size_t columns = self->layout->column_count;

    return count > columns &&
           (count > columns + 1 || count > DATA_MAX_COLUMNS || self->row[count - 1].size > 0);
}

/* A row shorter than the one above it, at the end of a text that has no line end: half a number
 * may stand there for a whole one. */
static bool
is_cut_short(const struct bar_reader *self, size_t count)
{
    const struct cells *cells = &self->cells;

    return count < self->width && cells->at == cells->end && cells->end[-1] != '\n';
}

/* False: the row has no bar. */
static bool
read_time(struct bar_reader *self, struct bar_instant *ret)
{
    const struct layout *layout = self->layout;
    const struct cell *date = &self->row[layout->date];
    const struct cell *clock = layout->time == HEADER_NONE ? NULL : &self->row[layout->time];
    const enum bar_time_result result = bar_time_read(&self->time, date, clock, ret);

    if (result == BAR_TIME_READ)
        return true;
    if (result == BAR_TIME_ORDER && !self->is_surveyed)
        self->wants_survey = true;
    else if (result == BAR_TIME_IS_EPOCH)
        self->wants_epoch = true;
    else
        explain_time(self, result);
    return false;
}

static tm_err_t
read_row(struct bar_reader *self, size_t count)
{
    const struct layout *layout = self->layout;
    struct bar_instant instant;
    double value[VALUES];

    self->report->rows++;
    if (has_too_many(self, count)) {
        const struct findings_cell cell = cell_of(self, DATA_FIELDS, "row", &self->row[0]);

        findings_cell(self->report, &cell, "... has %zu fields, and there are %zu columns",
                      count, layout->column_count);
        return TM_OK;
    }
    if (is_cut_short(self, count)) {
        const struct findings_cell cell = cell_of(self, DATA_CUT, "row", &self->row[0]);

        findings_cell(self->report, &cell,
                      "ends after %zu of %zu cells, and the file with it: it was cut short; "
                      "fetch it again",
                      count, self->width);
        return TM_OK;
    }
    self->width = count;
    for (size_t i = count; i < layout->needed; i++)
        self->row[i] = (struct cell){"", 0}; /* a row cut short lacks its last cells */
    if (is_missing(&self->row[layout->date]) ||
        (layout->time != HEADER_NONE && is_missing(&self->row[layout->time]))) {
        drop_row(self);
        return TM_OK;
    }
    /* both are read, so that what is wrong in either is said */
    const bool has_values = read_values(self, value);
    if (self->wants_survey || !read_time(self, &instant) || !has_values)
        return TM_OK;
    if (!is_sound(value)) {
        explain_prices(self, value);
        return TM_OK;
    }
    return has_one_time(self, count, &instant) ? keep_row(self, &instant, value) : TM_OK;
}

/* ---- passes ----------------------------------------------------------------------------- */

static void
begin_pass(struct bar_reader *self)
{
    struct data_report *report = self->report;
    const bool must_be_epoch = self->wants_epoch;
    const enum stamp_order order = self->time.order;

    bar_rows_rewind(self);
    self->wants_survey = self->wants_epoch = false;
    report->rows = report->dropped = report->error_count = 0;
    self->volume_missing = self->width = 0;
    self->bars->count = 0;
    free(self->offsets);
    self->offsets = NULL;
    self->time = (struct bar_time){.zone = self->time.zone,
                                   .order = order,
                                   .first = self->time.first,
                                   .epoch = EPOCH_COLUMN_EMPTY,
                                   .kind = must_be_epoch ? BAR_TIME_EPOCH : BAR_TIME_UNSEEN};
}

static tm_err_t
run_pass(struct bar_reader *self)
{
    tm_err_t err = TM_OK;
    size_t count;

    begin_pass(self);
    while (!err && !self->wants_survey && !self->wants_epoch &&
           (count = bar_rows_next(self)) > 0)
        err = read_row(self, count);
    return err;
}

static tm_err_t
survey(struct bar_reader *self)
{
    self->report->error_count = 0;
    self->is_surveyed = true;
    bar_rows_rewind(self);
    return bar_survey_run(self);
}

tm_err_t
bar_reader_run(struct bar_reader *self)
{
    const size_t size = self->layout->rows.size;
    const size_t lines = cells_lines(self->layout->rows.at, size);
    const size_t fit = size / ROW_MIN_BYTES + BARS_FEW;
    tm_err_t err;

    self->capacity = lines < fit ? lines : fit;
    self->bars = bars_new(self->capacity);
    if (!self->bars)
        return TM_NO_MEMORY;
    err = run_pass(self);
    while (!err && (self->wants_survey || self->wants_epoch)) {
        if (self->wants_survey)
            err = survey(self);
        if (!err)
            err = run_pass(self);
    }
    return err;
}
