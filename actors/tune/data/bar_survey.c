#include "actors/tune/data/bar_survey.h"

#include "actors/tune/data/findings.h"

/* The first cell whose meaning is open, to be shown if it stays so. */
struct survey {
    struct bar_reader *reader;
    struct findings_cell number, date;
};

static void
survey_numbers(struct survey *self)
{
    struct bar_reader *reader = self->reader;
    const size_t *values = reader->layout->values;

    for (size_t i = 0; i < VALUES && !number_is_decided(&reader->numbers); i++) {
        if (values[i] == HEADER_NONE)
            continue;
        const struct cell *cell = &reader->row[values[i]];
        const enum number_mark before = reader->numbers.comma;

        number_survey(&reader->numbers, cell->text, cell->size);
        if (before == NUMBER_UNSEEN && reader->numbers.comma == NUMBER_EITHER)
            self->number = (struct findings_cell){.refusal = DATA_NUMBER_FORM,
                                                  .line = reader->cells.line,
                                                  .column = bar_value_words[i],
                                                  .value = *cell};
    }
}

static void
survey_date(struct survey *self)
{
    struct bar_reader *reader = self->reader;
    const struct cell *cell = &reader->row[reader->layout->date];
    struct stamp stamp;

    if (reader->time.order != STAMP_UNKNOWN ||
        stamp_read(cell->text, cell->size, STAMP_UNKNOWN, &stamp) || !stamp.is_ordered)
        return;
    if (self->date.line == 0)
        self->date = (struct findings_cell){.refusal = DATA_DATE_ORDER,
                                            .line = reader->cells.line,
                                            .column = "date",
                                            .value = *cell};
    if (stamp.first > 12 && stamp.second <= 12)
        reader->time.order = STAMP_DAY_FIRST;
    if (stamp.second > 12 && stamp.first <= 12)
        reader->time.order = STAMP_MONTH_FIRST;
}

/* What one cell decides is decided: a later one that says otherwise is unreadable. */
static bool
is_over(const struct survey *self)
{
    const struct bar_reader *reader = self->reader;

    return number_is_decided(&reader->numbers) &&
           (self->date.line == 0 || reader->time.order != STAMP_UNKNOWN);
}

tm_err_t
bar_survey_run(struct bar_reader *reader)
{
    struct survey self = {.reader = reader};
    size_t count;

    while (!is_over(&self) && (count = bar_rows_next(reader)) > 0) {
        if (count < reader->layout->needed || count > DATA_MAX_COLUMNS)
            continue;
        survey_date(&self);
        survey_numbers(&self);
    }
    if (!number_settle(&reader->numbers)) {
        findings_cell(reader->report, &self.number,
                      "may have a decimal comma or a comma between thousands, and no number "
                      "of the file proves it; write it with a decimal point");
        return findings_close(reader->report);
    }
    if (self.date.line && reader->time.order == STAMP_UNKNOWN) {
        findings_cell(reader->report, &self.date,
                      "may have the day or the month first, and no line of the file proves "
                      "it; write dates as 2022-04-03");
        return findings_close(reader->report);
    }
    return TM_OK;
}
