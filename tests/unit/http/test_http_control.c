/* Canceling and deleting tunes that nobody works on: what the database alone decides. */
#include <check.h>
#include <libpq-fe.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/reads_world.h"
#include "tests/unit/http/http_reads.h"
#include "tests/support/suite.h"

#define TUNE(n)   "/backtests/tunes/00000000-0000-7000-8000-00000000000" #n
#define CANCEL(n) TUNE(n) "/cancel"
#define ELSEWHERE "00000000-0000-0000-0000-000000000002" /* another workspace */

static struct reads_world world;

static void
setup(void)
{
    reads_world_init(&world, NULL, "development");
}

static void
teardown(void)
{
    reads_world_fini(&world);
}

static void
expect_status(const char *method, const char *path, long status, const char *code)
{
    struct reads_answer answer;
    const char *got;

    reads_ask(&world, method, path, NULL, &answer);
    ck_assert_msg(answer.status == status, "%s %s: %ld %s", method, path, answer.status,
                  answer.body);
    got = json_string_value(json_object_get(answer.json, "code"));
    ck_assert_str_eq(got ? got : "", code);
    reads_answer_fini(&answer);
}

static void
expect_query(const char *want, const char *sql)
{
    char *got = reads_query(&world, "%s", sql);

    ck_assert_str_eq(got, want);
    free(got);
}

/* A job as a broker would have it, with its tune. */
static void
add_job(unsigned number, const char *state)
{
    reads_run(&world,
              "INSERT INTO jobs (id, workspace_id, queue, state, max_attempts, body) VALUES"
              " ('" READS_ID "', '" READS_WORKSPACE "', 'tune', '%s', 5,"
              " '{\"search_type\":\"grid\",\"objective_type\":\"sharpe\",\"n_trials\":4}')",
              number, state);
}

/* ---- cancel ----------------------------------------------------------------------------- */

START_TEST(a_tune_that_waits_is_canceled_at_once)
{
    static const char *const states[] = {"ready", "scheduled", "waiting"};

    for (unsigned i = 0; i < 3; i++) {
        struct reads_answer answer;
        char path[100];

        add_job(i + 1, states[i]);
        snprintf(path, sizeof(path), "/backtests/tunes/" READS_ID "/cancel", i + 1);
        reads_ask(&world, "POST", path, NULL, &answer);
        ck_assert_msg(answer.status == 200, "%s", answer.body);
        ck_assert_str_eq(json_string_value(json_object_get(answer.json, "status")), "canceled");
        ck_assert_str_eq(json_string_value(json_object_get(answer.json, "message")),
                         "the tune was canceled");
        ck_assert_int_eq(
            strncmp(path + 17, json_string_value(json_object_get(answer.json, "tune_id")), 36),
            0);
        reads_answer_fini(&answer);
    }
    expect_query("0", "SELECT count(*) FROM jobs");
    expect_query("canceled|3", "SELECT outcome, count(*) FROM job_runs GROUP BY outcome");
    expect_query("canceled|CANCELED|3", "SELECT status, error_code, count(finished_at)"
                                        " FROM backtest_tunes GROUP BY 1, 2");
}
END_TEST

START_TEST(a_tune_that_is_over_is_not_canceled)
{
    reads_tune_row(&world, 1, "completed", "");
    reads_tune_row(&world, 2, "failed", "");
    reads_tune_row(&world, 3, "canceled", "");
    expect_status("POST", CANCEL(1), 409, "TUNE_ALREADY_OVER");
    expect_status("POST", CANCEL(2), 409, "TUNE_ALREADY_OVER");
    expect_status("POST", CANCEL(3), 409, "TUNE_ALREADY_OVER");
    expect_query("completed failed canceled",
                 "SELECT string_agg(status, ' ' ORDER BY id) FROM backtest_tunes");
}
END_TEST

START_TEST(nobody_stops_the_tune_of_another_workspace)
{
    reads_run(&world, "INSERT INTO workspaces (id, name) VALUES ('" ELSEWHERE "', 'other')");
    add_job(1, "ready");
    expect_status("POST", CANCEL(1) "?workspace_id=" ELSEWHERE, 404, "TUNE_NOT_FOUND");
    expect_status("DELETE", TUNE(1) "?workspace_id=" ELSEWHERE, 404, "TUNE_NOT_FOUND");
    expect_query("queued|1", "SELECT status, (SELECT count(*) FROM jobs) FROM backtest_tunes");
}
END_TEST

START_TEST(what_is_no_tune_cannot_be_stopped)
{
    static const char *const methods[][2] = {{"POST", "/cancel"}, {"DELETE", ""}};

    for (size_t i = 0; i < 2; i++) {
        char path[200];

        snprintf(path, sizeof(path), TUNE(1) "%s", methods[i][1]);
        expect_status(methods[i][0], path, 404, "TUNE_NOT_FOUND");
        snprintf(path, sizeof(path), TUNE(1) "%s?workspace_id=" ELSEWHERE, methods[i][1]);
        expect_status(methods[i][0], path, 404, "WORKSPACE_NOT_FOUND");
        snprintf(path, sizeof(path), "/backtests/tunes/1%s", methods[i][1]);
        expect_status(methods[i][0], path, 422, "VALIDATION_FAILED");
    }
    expect_status("GET", CANCEL(1), 405, "METHOD_NOT_ALLOWED");
    expect_status("DELETE", CANCEL(1), 405, "METHOD_NOT_ALLOWED");
}
END_TEST

START_TEST(a_tune_without_a_job_can_be_ended_all_the_same)
{
    reads_tune_row(&world, 1, "running", "");
    reads_tune_row(&world, 2, "queued", "");
    expect_status("POST", CANCEL(1), 200, "");
    expect_query("canceled", "SELECT status FROM backtest_tunes WHERE status <> 'queued'");
    expect_status("DELETE", TUNE(2), 204, "");
    expect_query("1", "SELECT count(*) FROM backtest_tunes");
}
END_TEST

/* ---- delete ----------------------------------------------------------------------------- */

START_TEST(a_deleted_tune_is_gone_with_its_trials)
{
    struct reads_answer answer;

    reads_tune_row(&world, 1, "completed", "");
    reads_run_row(&world, 1, 0, "1", "objective_score = 1");
    reads_run_row(&world, 1, 1, NULL, "");
    reads_tune_row(&world, 2, "completed", "");
    reads_run_row(&world, 2, 0, "1", "");
    reads_ask(&world, "DELETE", TUNE(1), NULL, &answer);
    ck_assert_int_eq(answer.status, 204);
    ck_assert_uint_eq(answer.body_size, 0);
    ck_assert_ptr_nonnull(strstr(answer.head, "\r\nX-Request-Id: "));
    reads_answer_fini(&answer);
    expect_query("2", "SELECT right(id::text, 1) FROM backtest_tunes");
    expect_query("1", "SELECT count(*) FROM backtest_tune_runs");
    expect_status("GET", TUNE(1), 404, "TUNE_NOT_FOUND");
    expect_status("DELETE", TUNE(1), 404, "TUNE_NOT_FOUND");
}
END_TEST

START_TEST(a_tune_that_waits_is_deleted_with_its_job)
{
    add_job(1, "ready");
    expect_status("DELETE", TUNE(1), 204, "");
    expect_query("0|0", "SELECT (SELECT count(*) FROM backtest_tunes), count(*) FROM jobs");
}
END_TEST

START_TEST(a_dead_tune_is_deleted_and_cannot_rise)
{
    reads_tune_row(&world, 1, "failed", "error_code = 'JOB_FAILED'");
    reads_run(&world,
              "INSERT INTO dead_jobs (id, workspace_id, queue, priority, attempt, failures,"
              "  crashes, max_attempts, timeout_ms, code, detail, created_at, body) VALUES"
              " ('" READS_ID "', '" READS_WORKSPACE "', 'tune', 5, 1, 1, 0, 5, 0, 'JOB_FAILED',"
              " '', now(), '')",
              1);
    expect_status("DELETE", TUNE(1), 204, "");
    expect_query("0", "SELECT count(*) FROM dead_jobs");
}
END_TEST

void
http_control_add(void)
{
    TCase *control = http_reads_case("control");

    tcase_add_checked_fixture(control, setup, teardown);
    suite_tests(
        control, a_tune_that_waits_is_canceled_at_once, a_tune_that_is_over_is_not_canceled,
        nobody_stops_the_tune_of_another_workspace, what_is_no_tune_cannot_be_stopped,
        a_tune_without_a_job_can_be_ended_all_the_same, a_deleted_tune_is_gone_with_its_trials,
        a_tune_that_waits_is_deleted_with_its_job, a_dead_tune_is_deleted_and_cannot_rise);
}
