/* tune_job_help - one tune job of the test under way, on a database of its own. */
#ifndef TESTS_UNIT_TUNE_TUNE_JOB_HELP_H
#define TESTS_UNIT_TUNE_TUNE_JOB_HELP_H

#include <check.h>

#include "tests/support/tune_world.h"

extern struct tune_world world;
extern const char *const random50[]; /* fields of a request of 50 trials */

void tune_job_set_up(void);
void tune_job_tear_down(void);
void expect_nothing_written(void);

TCase *tune_job_choices(void); /* test_tune_chosen.c */
TCase *tune_job_reading(void); /* test_tune_reading.c */
TCase *tune_job_fences(void);  /* test_tune_once.c */
TCase *tune_job_faults(void);

#endif
