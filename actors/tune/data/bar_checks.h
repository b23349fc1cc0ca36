/* bar_checks - what is looked at when all bars are there, in order. */
#ifndef ACTORS_TUNE_DATA_BAR_CHECKS_H
#define ACTORS_TUNE_DATA_BAR_CHECKS_H

#include "actors/tune/data/bar_reader.h"

/* Refuses, or turns the reader's rows into the series that it is: epochs into times, in order,
 * once each; and says what there is to say of it. */
TM_CHECKED tm_err_t bar_checks_run(struct bar_reader *reader);

#endif
