/* bar_survey - what the whole file says about its numbers and its dates. */
#ifndef ACTORS_TUNE_DATA_BAR_SURVEY_H
#define ACTORS_TUNE_DATA_BAR_SURVEY_H

#include "actors/tune/data/bar_rows.h"
#include "proto/error.h"

/* From the first row on. A refusal where a comma, or the order of day and month, stays open. */
TM_CHECKED tm_err_t bar_survey_run(struct bar_reader *reader);

#endif
