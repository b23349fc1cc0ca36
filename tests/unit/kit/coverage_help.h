/* coverage_help - the parts of one test program: strategies to be found, and match runs. On the
 * database of queue_help. */
#ifndef TESTS_UNIT_KIT_COVERAGE_HELP_H
#define TESTS_UNIT_KIT_COVERAGE_HELP_H

#include <check.h>

#include "tests/unit/kit/queue_help.h"

#define COVERAGE_OTHER "00000000-0000-0000-0000-000000000002" /* a workspace */

/* A checked fixture: a database, with the other workspace. */
void coverage_setup(void);

/* The strategy with the id of n; workspace NULL: everyone's; tags: "a,b". */
void coverage_strategy(int n, const char *workspace, const char *name, const char *tags,
                       const char *description);

/* The candidates, "name score tag,tag; ..."; intent: JSON with ' for ". */
const char *coverage_match(const char *intent, const char *query, int top_k);

/* Records the run with the id of n, with the intent's archetypes for its signature; the member
 * of the answer. */
const char *coverage_record(int n, const char *workspace, const char *archetype,
                            const char *member);

/* What is in the outbox, "topic run workspace status; ..." in order: topics by their last part,
 * ids by their last character. The outbox is empty then. */
const char *coverage_events(void);

/* Changes the run with the id of n; "status acknowledged_by resolved_by note", of what there
 * is. */
const char *coverage_triage(int n, const char *status, const char *note, const char *by);

void coverage_score_add(Suite *suite);
void coverage_triage_add(TCase *tcase);

#endif
