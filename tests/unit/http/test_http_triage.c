/* What may be done about a weak run, by whom, and by many at once. */
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/http/http_coverage.h"
#include "tests/support/suite.h"

/* --- triage ------------------------------------------------------------------------------- */

static json_t *
patched(const char *path, const char *body)
{
    return coverage_answered("PATCH", path, body);
}

static void
expect_member(const json_t *json, const char *member, const char *want)
{
    reads_expect(json_object_get(json, member), want);
}

#define EVENTS                                                                       \
    "SELECT coalesce(string_agg(topic || ' ' || right(workspace_id::text, 1) || ' '" \
    " || (payload ->> 'coverage_status'), ', ' ORDER BY seq), '') FROM event_outbox"

static void
forget_events(void)
{
    reads_run(&coverage_world, "DELETE FROM event_outbox");
}

START_TEST(a_run_is_acknowledged_resolved_and_reopened)
{
    json_t *run;

    coverage_run_row(1, READS_WORKSPACE, 0.5, 30, SMA, "");
    forget_events();
    run = patched(WEAK "/" RUN(1), "{'status':'acknowledged'}");
    expect_member(run, "run_id", "'" RUN(1) "'");
    expect_member(run, "coverage_status", "'acknowledged'");
    expect_member(run, "acknowledged_by", "'admin'");
    ck_assert(json_is_string(json_object_get(run, "acknowledged_at")));
    json_decref(run);
    run = patched(WEAK "/" RUN(1), "{'status':'resolved','note':' fixed \\u00e9 '}");
    expect_member(run, "coverage_status", "'resolved'");
    expect_member(run, "resolved_by", "'admin'");
    expect_member(run, "resolution_note", "'fixed \\u00e9'");
    json_decref(run);
    coverage_expect_runs("?status=resolved", "1");
    run = patched(WEAK "/" RUN(1), "{'status':'open'}");
    expect_member(run, "coverage_status", "'open'");
    expect_member(run, "acknowledged_at", "null");
    expect_member(run, "resolved_by", "null");
    expect_member(run, "resolution_note", "null");
    json_decref(run);
    coverage_expect_rows(EVENTS, "coverage.weak_run.updated 1 acknowledged,"
                                 " coverage.weak_run.updated 1 resolved,"
                                 " coverage.weak_run.updated 1 open");
}
END_TEST

START_TEST(what_a_run_is_already_is_no_change)
{
    coverage_run_row(1, READS_WORKSPACE, 0.5, 30, SMA, "");
    forget_events();
    json_decref(patched(WEAK "/" RUN(1), "{'status':'open','note':null}"));
    json_decref(patched(WEAK "/" RUN(1), "{'status':'open','note':'  '}"));
    coverage_expect_rows(EVENTS, "");
    json_decref(patched(WEAK "/" RUN(1), "{'status':'acknowledged'}"));
    json_decref(patched(WEAK "/" RUN(1), "{'status':'acknowledged'}"));
    coverage_expect_rows(EVENTS, "coverage.weak_run.updated 1 acknowledged");
}
END_TEST

START_TEST(resolving_needs_a_candidate_or_a_note)
{
    coverage_run_row(1, READS_WORKSPACE, 0.5, 30, "", "");
    coverage_run_row(2, READS_WORKSPACE, 0.5, 30, SMA, "");
    forget_events();
    coverage_expect_refused("PATCH", WEAK "/" RUN(1), "{'status':'resolved'}", 400,
                            "\"code\":\"RESOLUTION_NEEDS_EVIDENCE\"");
    coverage_expect_refused("PATCH", WEAK "/" RUN(1), "{'status':'resolved','note':''}", 400,
                            "\"loc\":\"body.note\"");
    coverage_expect_refused("PATCH", WEAK "/" RUN(1), "{'status':'resolved','note':' \\t\\n '}",
                            400, "RESOLUTION_NEEDS_EVIDENCE");
    coverage_expect_rows(EVENTS, "");
    coverage_expect_runs("", "2 1");
    json_decref(patched(WEAK "/" RUN(1), "{'status':'resolved','note':'x'}"));
    json_decref(patched(WEAK "/" RUN(2), "{'status':'resolved'}"));
    coverage_expect_runs("?status=resolved", "2 1");
}
END_TEST

START_TEST(a_note_has_a_thousand_characters_at_most)
{
    char body[3000] = "{'status':'acknowledged','note':'";

    coverage_run_row(1, READS_WORKSPACE, 0.5, 30, "", "");
    for (size_t i = 0; i < 1000; i++)
        strcat(body, "\xc3\xa9");
    strcat(body, "'}");
    json_decref(patched(WEAK "/" RUN(1), body));
    coverage_expect_rows("SELECT length(resolution_note) FROM match_runs", "1000");
    strcpy(body + strlen(body) - 2, "\xc3\xa9'}");
    coverage_expect_refused("PATCH", WEAK "/" RUN(1), body, 422, "\"loc\":\"body.note\"");
}
END_TEST

static const struct {
    const char *body, *text;
    long status;
} wrong_bodies[] = {
    {"{}", "body.status", 422},
    {"{'status':null}", "body.status", 422},
    {"{'status':'Open'}", "body.status", 422},
    {"{'status':'all'}", "body.status", 422},
    {"{'status':5}", "body.status", 422},
    {"{'status':['open']}", "body.status", 422},
    {"{'status':'resolved','note':5}", "body.note", 422},
    {"{'status':'resolved','note':['x']}", "body.note", 422},
    {"{'status':'resolved','status':'open'}", "BAD_REQUEST", 400},
    {"{'staus':'open'}", "did you mean status?", 422},
    {"{'status':'resolved','notes':'x'}", "UNKNOWN_FIELD", 422},
    {"['open']", "BAD_REQUEST", 400},
    {"status=open", "BAD_REQUEST", 400},
    {"", "BAD_REQUEST", 400},
};

START_TEST(a_wrong_body_changes_nothing)
{
    coverage_run_row(1, READS_WORKSPACE, 0.5, 30, SMA, "");
    forget_events();
    for (size_t i = 0; i < sizeof(wrong_bodies) / sizeof(wrong_bodies[0]); i++)
        coverage_expect_refused("PATCH", WEAK "/" RUN(1), wrong_bodies[i].body,
                                wrong_bodies[i].status, wrong_bodies[i].text);
    coverage_expect_rows("SELECT coverage_status FROM match_runs", "open");
    coverage_expect_rows(EVENTS, "");
}
END_TEST

START_TEST(a_body_of_another_kind_or_size_changes_nothing)
{
    const char *const headers[] = {TOKEN, "Content-Type: application/x-www-form-urlencoded",
                                   NULL};
    struct reads_answer answer;
    char *large = calloc(70001, 1);

    coverage_run_row(1, READS_WORKSPACE, 0.5, 30, SMA, "");
    reads_send(&coverage_world, "PATCH", WEAK "/" RUN(1), headers, "status=resolved", &answer);
    ck_assert_int_eq(answer.status, 415);
    reads_answer_fini(&answer);
    memset(large, ' ', 70000);
    coverage_expect_refused("PATCH", WEAK "/" RUN(1), large, 413, "TOO_LARGE");
    free(large);
    coverage_expect_rows("SELECT coverage_status FROM match_runs", "open");
}
END_TEST

/* --- whose it is, and who may ------------------------------------------------------------- */

START_TEST(each_workspace_sees_and_changes_its_own_runs)
{
    coverage_run_row(1, READS_WORKSPACE, 0.5, 30, SMA, "");
    coverage_run_row(2, OTHER, 0.5, 30, SMA, "");
    forget_events();
    coverage_expect_runs("", "1");
    coverage_expect_runs("?workspace_id=" OTHER, "2");
    coverage_expect_refused("PATCH", WEAK "/" RUN(2) "?workspace_id=" READS_WORKSPACE,
                            "{'status':'resolved'}", 404, "\"code\":\"MATCH_RUN_NOT_FOUND\"");
    coverage_expect_refused("PATCH", WEAK "/" RUN(1) "?workspace_id=" OTHER,
                            "{'status':'resolved'}", 404, "\"code\":\"MATCH_RUN_NOT_FOUND\"");
    coverage_expect_refused("PATCH", WEAK "/" RUN(1) "?workspace_id=" NOBODY,
                            "{'status':'resolved'}", 404, "\"code\":\"WORKSPACE_NOT_FOUND\"");
    coverage_expect_rows(EVENTS, "");
    json_decref(patched(WEAK "/" RUN(2) "?workspace_id=" OTHER, "{'status':'acknowledged'}"));
    json_decref(patched(WEAK "/" RUN(2), "{'status':'resolved'}")); /* named by its id alone */
    coverage_expect_rows(EVENTS, "coverage.weak_run.updated 2 acknowledged,"
                                 " coverage.weak_run.updated 2 resolved");
}
END_TEST

START_TEST(a_run_that_is_none_is_not_found)
{
    coverage_run_row(1, READS_WORKSPACE, 0.5, 30, SMA, "weak_coverage = false");
    coverage_expect_refused("PATCH", WEAK "/" RUN(1), "{'status':'open'}", 404,
                            "MATCH_RUN_NOT_FOUND");
    coverage_expect_refused("PATCH", WEAK "/" RUN(9), "{'status':'open'}", 404,
                            "MATCH_RUN_NOT_FOUND");
    coverage_expect_refused("PATCH", WEAK "/x", "{'status':'open'}", 422, "path.id");
    coverage_expect_refused("PATCH", WEAK, "{'status':'open'}", 405, "METHOD_NOT_ALLOWED");
    coverage_expect_refused("GET", WEAK "/" RUN(1), NULL, 405, "METHOD_NOT_ALLOWED");
}
END_TEST

START_TEST(nobody_looks_or_acts_without_the_token)
{
    const char *const foreign[] = {JSON_IS, "Cookie: admin_token=" READS_TOKEN,
                                   "Origin: https://evil.example", NULL};
    const char *const nothing[] = {JSON_IS, NULL};
    struct reads_answer answer;

    coverage_run_row(1, READS_WORKSPACE, 0.5, 30, SMA, "");
    reads_get(&coverage_world, WEAK, &answer);
    ck_assert_int_eq(answer.status, 401);
    reads_answer_fini(&answer);
    reads_send(&coverage_world, "PATCH", WEAK "/" RUN(1), nothing, "{\"status\":\"resolved\"}",
               &answer);
    ck_assert_int_eq(answer.status, 401);
    reads_answer_fini(&answer);
    reads_send(&coverage_world, "PATCH", WEAK "/" RUN(1), foreign, "{\"status\":\"resolved\"}",
               &answer);
    ck_assert_int_eq(answer.status, 403);
    reads_answer_fini(&answer);
    reads_ask(&coverage_world, "DELETE", WEAK "/" RUN(1), NULL, &answer);
    ck_assert_int_eq(answer.status, 405);
    ck_assert(reads_answer_has(&answer, "Allow: PATCH"));
    reads_answer_fini(&answer);
    coverage_expect_rows("SELECT coverage_status FROM match_runs", "open");
}
END_TEST

/* --- many at once ------------------------------------------------------------------------- */

enum { PEOPLE = 8, TIMES = 5 };

/* Each of them does all of it; what fails ends a child with another status. */
static void
together(const char *const *bodies, size_t count)
{
    pid_t pids[PEOPLE];
    int status;

    for (size_t i = 0; i < PEOPLE; i++) {
        pids[i] = fork();
        if (pids[i] > 0)
            continue;
        for (size_t k = 0; k < TIMES; k++) {
            struct reads_answer answer;

            coverage_ask("PATCH", WEAK "/" RUN(1), bodies[(i + k) % count], &answer);
            if (answer.status != 200)
                _exit(1);
        }
        _exit(0);
    }
    for (size_t i = 0; i < PEOPLE; i++) {
        ck_assert_int_eq(waitpid(pids[i], &status, 0), pids[i]);
        ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
}

START_TEST(of_many_who_do_the_same_one_did_it)
{
    static const char *const bodies[] = {"{'status':'acknowledged'}"};

    coverage_run_row(1, READS_WORKSPACE, 0.5, 30, SMA, "");
    forget_events();
    together(bodies, 1);
    coverage_expect_rows(EVENTS, "coverage.weak_run.updated 1 acknowledged");
}
END_TEST

/* Whatever the order: each event is of another status than the one before, and the last is what
 * stands. */
START_TEST(of_many_who_do_different_things_each_change_is_told_once)
{
    static const char *const bodies[] = {"{'status':'acknowledged'}", "{'status':'resolved'}",
                                         "{'status':'open'}"};

    coverage_run_row(1, READS_WORKSPACE, 0.5, 30, SMA, "");
    forget_events();
    together(bodies, 3);
    coverage_expect_rows(
        "SELECT count(*) FROM (SELECT payload ->> 'coverage_status' AS now,"
        "   coalesce(lag(payload ->> 'coverage_status') OVER (ORDER BY seq), 'open')"
        "   AS before FROM event_outbox) e WHERE now = before",
        "0");
    coverage_expect_rows("SELECT (SELECT payload = match_run_item(m)::jsonb FROM event_outbox"
                         "         ORDER BY seq DESC LIMIT 1) FROM match_runs m",
                         "t");
    coverage_expect_rows(
        "SELECT (coverage_status = 'resolved') = (resolved_at IS NOT NULL)"
        "   AND (coverage_status = 'open') <= (acknowledged_at IS NULL) FROM match_runs",
        "t");
}
END_TEST

START_TEST(without_the_database_nothing_is_seen_or_done_until_it_is_back)
{
    coverage_run_row(1, READS_WORKSPACE, 0.5, 30, SMA, "");
    pg_fixture_kill(reads_fixture);
    coverage_expect_refused("GET", WEAK, NULL, 503, "STORE_DOWN");
    coverage_expect_refused("PATCH", WEAK "/" RUN(1), "{'status':'resolved'}", 503,
                            "STORE_DOWN");
    pg_fixture_start(reads_fixture);
    reads_until(&coverage_world, "/backtests/tunes", 200);
    coverage_expect_runs("", "1");
}
END_TEST

void
http_triage_add(TCase *tcase)
{
    suite_tests(tcase, a_run_is_acknowledged_resolved_and_reopened,
                what_a_run_is_already_is_no_change, resolving_needs_a_candidate_or_a_note,
                a_note_has_a_thousand_characters_at_most, a_wrong_body_changes_nothing,
                a_body_of_another_kind_or_size_changes_nothing,
                each_workspace_sees_and_changes_its_own_runs, a_run_that_is_none_is_not_found,
                nobody_looks_or_acts_without_the_token, of_many_who_do_the_same_one_did_it,
                of_many_who_do_different_things_each_change_is_told_once,
                without_the_database_nothing_is_seen_or_done_until_it_is_back);
}
