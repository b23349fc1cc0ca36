/* retention_help - rows of a certain age, and what the log says of a run. On queue_help. */
#ifndef TESTS_UNIT_RETENTION_RETENTION_HELP_H
#define TESTS_UNIT_RETENTION_RETENTION_HELP_H

#include <check.h>

#include "tests/unit/kit/queue_help.h"

/* `count` rows each; `age` is an interval: "90 days", or "90 days -1 s" for nearly so much. */
void retention_events(int count, const char *type, const char *pinned, const char *age);
void retention_job_runs(int count, const char *age);
void retention_match_runs(int count, const char *status, const char *age);
void retention_keys(int count, const char *age); /* since they expired */

/* A dataset of three pieces, whose hash is 32 times this byte, last used so long ago. */
void retention_dataset(int byte, const char *age);
void retention_pieces(int byte, int count, const char *age); /* of an upload */

/* The last run of a job: "ok deleted_count dry_run error", error - if there is none. */
void retention_last(const char *job, const char *want);
/* CALL retention_run, and what it deleted, in a session of its own; fails unless it ended well.
 */
void retention_expect_run(const char *job, int deleted);
/* As if the policies had been made ten days ago, and so every job's time had come. */
void retention_make_due(void);

/* Asks until the answer is this one, for a minute and a half. */
void retention_await(const char *answer, const char *sql);

void retention_traps_add(Suite *suite);
void retention_data_add(Suite *suite);

#endif
