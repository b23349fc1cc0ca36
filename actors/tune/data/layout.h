/* layout - finds out how a text is a table. */
#ifndef ACTORS_TUNE_DATA_LAYOUT_H
#define ACTORS_TUNE_DATA_LAYOUT_H

#include "actors/tune/data/data_options.h"
#include "actors/tune/data/data_report.h"
#include "actors/tune/data/table_plan.h"
#include "proto/error.h"

/* names: room for DATA_MAX_COLUMNS cells; after it the names of the columns, or of size 0. */
TM_CHECKED tm_err_t layout_find(const struct text *text, const struct data_options *options,
                                struct data_report *report, struct cell *names,
                                struct layout *ret);

#endif
