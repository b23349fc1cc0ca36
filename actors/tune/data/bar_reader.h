/* bar_reader - the rows of a laid out table as bars, in the order of the file.
 *
 * It begins with the common forms, numbers with a decimal point and dates that can be read in
 * one way only. At the first cell that needs more it looks through the whole file once, what
 * its numbers and dates are (bar_survey.c), and begins again. */
#ifndef ACTORS_TUNE_DATA_BAR_READER_H
#define ACTORS_TUNE_DATA_BAR_READER_H

#include "actors/tune/data/bar_time.h"
#include "actors/tune/data/layout.h"
#include "actors/tune/data/number.h"

struct bar_reader {
    const struct data_options *options;
    struct data_report *report;
    const struct layout *layout;
    struct cell *row; /* DATA_MAX_COLUMNS */
    struct cells cells;
    struct bar_time time;
    struct number_form numbers;
    bool is_surveyed;
    bool wants_survey, wants_epoch; /* what this pass came upon */
    bars_t *bars;
    int32_t *offsets; /* of the bars; NULL until one is not 0 */
    size_t capacity;
    size_t first_dropped_line, volume_missing, others; /* rows of other symbols */
    struct cell symbol;                                /* of the first row */
    int64_t least_ms, most_ms;
    struct cell first[2], last[2]; /* date and clock of the earliest and latest bar */
};

/* Reads all rows into self->bars. */
TM_CHECKED tm_err_t bar_reader_run(struct bar_reader *self);

/* The next row that counts: of the symbol. 0 at the end. */
size_t bar_reader_next(struct bar_reader *self);

/* What the whole file says about its numbers and its dates. */
TM_CHECKED tm_err_t bar_survey_run(struct bar_reader *self);

extern const char *const bar_value_words[VALUES];

#endif
