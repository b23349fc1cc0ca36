/* bar_reader - the rows of a laid out table as bars, in the order of the file.
 *
 * It begins with the common forms, numbers with a decimal point and dates that can be read in
 * one way only. At the first cell that needs more it looks through the whole file once, what
 * its numbers and dates are (bar_survey.c), and begins again. */
#ifndef ACTORS_TUNE_DATA_BAR_READER_H
#define ACTORS_TUNE_DATA_BAR_READER_H

#include "actors/tune/data/bar_rows.h"
#include "proto/error.h"

/* Reads all rows into self->bars. */
TM_CHECKED tm_err_t bar_reader_run(struct bar_reader *self);

#endif
