/* http_coverage - the parts of one test program: the weak runs on a real bridge. */
#ifndef TESTS_UNIT_HTTP_HTTP_COVERAGE_H
#define TESTS_UNIT_HTTP_HTTP_COVERAGE_H

#include <check.h>

#include "tests/support/reads_world.h"

#define WEAK    "/admin/coverage/weak"
#define OTHER   "00000000-0000-0000-0000-000000000002" /* a workspace */
#define NOBODY  "00000000-0000-0000-0000-000000000009" /* is none */
#define RUN(n)  "22222222-0000-4000-8000-00000000000" #n
#define SMA     "11111111-0000-4000-8000-000000000001"
#define BB      "11111111-0000-4000-8000-000000000002"
#define GONE    "11111111-0000-4000-8000-000000000003"
#define THEIRS  "11111111-0000-4000-8000-000000000004"
#define JSON_IS "Content-Type: application/json"
#define TOKEN   "X-Admin-Token: " READS_TOKEN

extern struct reads_world coverage_world;

/* A weak run with the last digit of its id, created so many hours ago; set: more of its
 * columns, or "". candidates: "id,id". */
void coverage_run_row(unsigned number, const char *workspace, double priority, double hours,
                      const char *candidates, const char *set);
/* With the admin token; body: JSON with ' for ", or NULL. */
void coverage_ask(const char *method, const char *path, const char *body,
                  struct reads_answer *ret);
/* The JSON of a 200, which the caller owns. */
json_t *coverage_answered(const char *method, const char *path, const char *body);
/* A problem with this status, and the text in it. */
void coverage_expect_refused(const char *method, const char *path, const char *body,
                             long status, const char *text);
void coverage_expect_rows(const char *sql, const char *want);
/* The list has these runs, the last characters of their ids in order: "3 1 2". */
void coverage_expect_runs(const char *query, const char *want);

void http_triage_add(TCase *tcase);

#endif
