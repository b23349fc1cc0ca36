/* bar_rows - a reading of a table's rows: where it stands and what it has learnt so far. */
#ifndef ACTORS_TUNE_DATA_BAR_ROWS_H
#define ACTORS_TUNE_DATA_BAR_ROWS_H

#include "actors/tune/data/bar_time.h"
#include "actors/tune/data/number.h"
#include "actors/tune/data/table_plan.h"

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
    size_t width;                                      /* cells of the row before */
    size_t first_dropped_line, volume_missing, others; /* rows of other symbols */
    struct cell symbol;                                /* of the first row */
    int64_t least_ms, most_ms;
    struct cell first[2], last[2]; /* date and clock of the earliest and latest bar */
};

extern const char *const bar_value_words[VALUES];

/* Back to the first row. */
void bar_rows_rewind(struct bar_reader *self);

/* The next row that counts: of the symbol. The number of its cells; 0 at the end. */
size_t bar_rows_next(struct bar_reader *self);

#endif
