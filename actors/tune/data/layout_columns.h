/* layout_columns - of what a header names, the columns that are read. */
#ifndef ACTORS_TUNE_DATA_LAYOUT_COLUMNS_H
#define ACTORS_TUNE_DATA_LAYOUT_COLUMNS_H

#include "actors/tune/data/data_options.h"
#include "actors/tune/data/data_report.h"
#include "actors/tune/data/table_plan.h"
#include "proto/error.h"

struct layout_columns {
    const struct header *header;
    const struct cell *names;
    size_t header_line;
    const struct data_options *options;
    struct data_report *report;
};

/* ret->rows, separator and column_count are set before: which of several volumes counts, the
 * rows say. What was chosen goes into the report. */
TM_CHECKED tm_err_t layout_columns_choose(const struct layout_columns *self,
                                          struct layout *ret);

/* Puts the columns into the report, and counts the cells that a row must have. */
void layout_columns_report(struct data_report *report, const struct cell *names,
                           struct layout *ret);

/* The refusal of a header that is not whole. count: of its columns. */
TM_CHECKED tm_err_t layout_columns_missing(const struct layout_columns *self, size_t count);

#endif
