/* replay_help - what the tests of trials that are computed again share. */
#ifndef TESTS_UNIT_TUNE_RECOMPUTE_HELP_H
#define TESTS_UNIT_TUNE_RECOMPUTE_HELP_H

#include <check.h>
#include <jansson.h>

#include "actors/tune/recompute/recompute.h"
#include "tests/support/tune_world.h"

extern struct tune_world world;
extern recompute_t *replay;
extern char detail[TUNE_DETAIL_BYTES];

void replay_set_up(void);
void replay_tear_down(void);

void run_tune(const char *file, const char *const *fields);
tm_err_t ask(uint32_t trial, uint32_t points, json_t **ret);
json_t *answer_of(uint32_t trial, uint32_t points); /* the caller's */

const json_t *member(const json_t *object, const char *name); /* which must be there */
const char *text(const json_t *object, const char *name);
double number(const json_t *object, const char *name);
bool warns(const json_t *answer, const char *part);
/* Every figure of the summary is the stored one, to the last bit. */
void expect_summary(const json_t *answer);

TCase *replay_more(void); /* limits, what has changed since, questions */

#endif
