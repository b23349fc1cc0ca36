/* What people do about a weak run: the three states, and changes at one time. */
#include <stdlib.h>
#include <string.h>

#include "tests/support/suite.h"
#include "tests/unit/kit/coverage_help.h"

static const struct {
    const char *from, *to, *note, *want;
} moves[] = {
    {"open", "open", "", "open"},
    {"open", "acknowledged", "", "acknowledged you"},
    {"open", "acknowledged", "mine", "acknowledged you mine"},
    {"open", "resolved", "", "resolved you"},
    {"open", "resolved", "done", "resolved you done"},
    {"acknowledged", "open", "", "open"},
    {"acknowledged", "acknowledged", "", "acknowledged me first"},
    {"acknowledged", "acknowledged", "more", "acknowledged me more"},
    {"acknowledged", "resolved", "", "resolved me you first"},
    {"acknowledged", "resolved", "done", "resolved me you done"},
    {"resolved", "open", "", "open"},
    {"resolved", "open", "again", "open again"},
    {"resolved", "acknowledged", "", "acknowledged you"},
    {"resolved", "resolved", "", "resolved me first"},
    {"resolved", "resolved", "more", "resolved me more"},
};

START_TEST(a_run_may_become_any_of_the_three)
{
    bool is_same = strcmp(moves[_i].from, moves[_i].to) == 0 && !moves[_i].note[0];

    coverage_strategy(1, NULL, "one", "a,b", "");
    queue_ask("SELECT match_run_record('" QUEUE_WORKSPACE "', '%s', '{\"strategy_archetypes\":"
              "[\"a\"], \"indicators\": [\"x\"]}', 'a', 'zzz', 10, NULL)",
              queue_id(1));
    if (strcmp(moves[_i].from, "open") != 0)
        coverage_triage(1, moves[_i].from, "first", "me");
    coverage_events();
    ck_assert_str_eq(coverage_triage(1, moves[_i].to, moves[_i].note, "you"), moves[_i].want);
    ck_assert_str_eq(coverage_events(),
                     is_same ? "" : queue_ask("SELECT 'updated 1 1 %s'", moves[_i].to));
    queue_expect("t|t", "SELECT (coverage_status = 'resolved') = (resolved_at IS NOT NULL),"
                        "  (coverage_status <> 'acknowledged' OR acknowledged_at IS NOT NULL)"
                        "  FROM match_runs");
}
END_TEST

START_TEST(without_a_candidate_only_a_note_resolves)
{
    const char *answer;

    coverage_record(1, QUEUE_WORKSPACE, "a", "run_id");
    coverage_events();
    answer = coverage_triage(1, "resolved", "", "me");
    ck_assert_msg(strstr(answer, "RESOLUTION_NEEDS_EVIDENCE: "), "%s", answer);
    ck_assert_str_eq(coverage_events(), "");
    ck_assert_str_eq(coverage_triage(1, "acknowledged", "", "me"), "acknowledged me");
    answer = coverage_triage(1, "resolved", "", "me");
    ck_assert_msg(strstr(answer, "RESOLUTION_NEEDS_EVIDENCE: "), "%s", answer);
    ck_assert_str_eq(coverage_triage(1, "resolved", "written", "me"), "resolved me me written");
    /* what was said of the resolution is not said of the next one */
    ck_assert_str_eq(coverage_triage(1, "open", "", "me"), "open");
    answer = coverage_triage(1, "resolved", "", "me");
    ck_assert_msg(strstr(answer, "RESOLUTION_NEEDS_EVIDENCE: "), "%s", answer);
}
END_TEST

START_TEST(only_a_weak_run_of_the_workspace_is_found)
{
    const char *answer;

    coverage_strategy(1, NULL, "one", "a", "");
    coverage_record(1, QUEUE_WORKSPACE, "a", "run_id"); /* fits */
    coverage_record(2, COVERAGE_OTHER, "b", "run_id");
    for (int n = 1; n <= 3; n++) {
        answer = coverage_triage(n, "acknowledged", "", "me");
        ck_assert_msg(strstr(answer, "MATCH_RUN_NOT_FOUND: "), "%d: %s", n, answer);
    }
    answer = queue_ask("SELECT match_run_triage('%s', '%s', 'open', NULL, 'me')", queue_id(7),
                       queue_id(2));
    ck_assert_msg(strstr(answer, "WORKSPACE_NOT_FOUND: "), "%s", answer);
    queue_expect("acknowledged",
                 "SELECT match_run_triage(NULL, '%s', 'acknowledged', NULL, 'me')"
                 " ->> 'coverage_status'",
                 queue_id(2));
}
END_TEST

/* The second sees what the first has done: what it wants is so already. */
START_TEST(one_change_waits_for_the_other_and_is_judged_by_it)
{
    PGconn *first = queue_session(), *second = queue_session();
    char *answer;

    coverage_record(1, QUEUE_WORKSPACE, "a", "run_id");
    coverage_events();
    queue_run(first, "BEGIN");
    queue_run(first, "SELECT match_run_triage(NULL, '%s', 'resolved', 'first', 'one')",
              queue_id(1));
    queue_send_and_block(
        second,
        queue_ask("SELECT $$SELECT match_run_triage(NULL, '%s', 'resolved', NULL, 'two')"
                  " ->> 'resolved_by'$$",
                  queue_id(1)));
    queue_run(first, "COMMIT");
    answer = queue_collect(second);
    ck_assert_str_eq(answer, "one");
    free(answer);
    ck_assert_str_eq(coverage_events(), "updated 1 1 resolved");
    PQfinish(first);
    PQfinish(second);
}
END_TEST

/* Whoever looks at several events of a run takes the one with the latest time. */
START_TEST(a_later_change_has_a_later_time_though_it_began_before)
{
    PGconn *slow = queue_session();

    coverage_record(1, QUEUE_WORKSPACE, "a", "run_id");
    queue_run(slow, "BEGIN");
    queue_run(slow, "SELECT now()");
    coverage_triage(1, "acknowledged", "", "me");
    queue_run(slow, "CREATE TEMP TABLE before AS SELECT updated_at FROM match_runs");
    queue_run(slow, "SELECT match_run_triage(NULL, '%s', 'open', NULL, 'me')", queue_id(1));
    queue_run(slow, "COMMIT");
    queue_run(slow, "SELECT 1 / (SELECT count(*) FROM match_runs m, before b"
                    "             WHERE m.updated_at > b.updated_at)");
    PQfinish(slow);
}
END_TEST

void
coverage_triage_add(TCase *tcase)
{
    suite_rows(tcase, a_run_may_become_any_of_the_three, moves);
    suite_tests(tcase, without_a_candidate_only_a_note_resolves,
                only_a_weak_run_of_the_workspace_is_found,
                one_change_waits_for_the_other_and_is_judged_by_it,
                a_later_change_has_a_later_time_though_it_began_before);
}
