/* Trials shown and tunes stopped by a real bridge, with a real broker and a real tune process.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "actors/tune/recompute/recompute_server.h"
#include "tests/unit/http/http_runs_help.h"
#include "tests/support/pace.h"
#include "tests/support/pg_suite.h"

/* --- a trial ------------------------------------------------------------------------------ */

#define SIX_POINTS "{\"period\":[10,20,30],\"k\":[1,2]}"

static void
expect_trials_shown(const char *search, const char *oos_ratio)
{
    const char *const fields[] = {"search_type", search,        "n_trials", "6", "oos_ratio",
                                  oos_ratio,     "param_space", SIX_POINTS, NULL};
    char *tune = completed(fields);

    for (unsigned i = 0; i < 6; i++) {
        char *run = run_of(tune, i), *stored;
        struct reads_answer answer;
        json_t *want, *got; /* 0 and 0.0 are the same */

        ask("GET", RUNS, run, "", &answer);
        ck_assert_msg(answer.status == 200, "%.500s", answer.body);
        ck_assert(reads_answer_has(&answer, "Content-Type: application/json"));
        stored = reads_query(&world,
                             "SELECT tune_summary(t.metric_names, tune_choosing(t, r))"
                             " FROM backtest_tunes t, backtest_tune_runs r"
                             " WHERE r.tune_id = t.id AND r.run_id = '%s'",
                             run);
        want = json_loads(stored, JSON_DECODE_INT_AS_REAL, NULL);
        got = json_loads(answer.body, JSON_DECODE_INT_AS_REAL, NULL);
        ck_assert_msg(json_equal(want, json_object_get(got, "summary")), "not %s", stored);
        ck_assert_str_eq(json_string_value(json_object_get(answer.json, "run_id")), run);
        ck_assert_int_eq(json_integer_value(json_object_get(answer.json, "trial_index")), i);
        ck_assert_uint_eq(json_array_size(json_object_get(answer.json, "equity_curve")), 1200);
        json_decref(want);
        json_decref(got);
        free(stored);
        free(run);
        reads_answer_fini(&answer);
    }
    free(tune);
}

START_TEST(a_trial_is_shown_with_the_figures_of_its_tune)
{
    expect_trials_shown("grid", "");
}
END_TEST

START_TEST(a_trial_of_a_split_tune_is_shown_with_the_figures_of_its_tune)
{
    expect_trials_shown("random", "0.3");
}
END_TEST

START_TEST(the_asker_says_how_many_points)
{
    char *tune = completed(NULL), *run = run_of(tune, 0);
    struct reads_answer answer;

    ask("GET", RUNS, run, "?points=10", &answer);
    ck_assert_int_eq(answer.status, 200);
    ck_assert_uint_le(json_array_size(json_object_get(answer.json, "equity_curve")), 10);
    reads_answer_fini(&answer);
    expect("GET", RUNS, run, "?points=20000", 200, "");
    expect("GET", RUNS, run, "?points=9", 422, "VALIDATION_FAILED");
    expect("GET", RUNS, run, "?points=20001", 422, "VALIDATION_FAILED");
    expect("GET", RUNS, run, "?points=many", 422, "VALIDATION_FAILED");
    free(run);
    free(tune);
}
END_TEST

START_TEST(what_is_no_trial_of_the_workspace_is_not_found)
{
    char *tune = completed(NULL), *run = run_of(tune, 0);

    reads_run(&world, "INSERT INTO workspaces (id, name) VALUES ('" ELSEWHERE "', 'other')");
    expect("GET", RUNS, run, "?workspace_id=" ELSEWHERE, 404, "RUN_NOT_FOUND");
    expect("GET", RUNS, run, "?workspace_id=00000000-0000-0000-0000-000000000003", 404,
           "WORKSPACE_NOT_FOUND");
    expect("GET", RUNS, tune, "", 404, "RUN_NOT_FOUND");
    expect("GET", RUNS, "ffffffff-ffff-ffff-ffff-ffffffffffff", "", 404, "RUN_NOT_FOUND");
    expect("GET", RUNS, "00000000-0000-0000-0000-000000000000", "", 404, "RUN_NOT_FOUND");
    expect("GET", RUNS, "1", "", 422, "VALIDATION_FAILED");
    reads_run(&world, "UPDATE backtest_tune_runs SET run_id = gen_random_uuid()");
    expect("GET", RUNS, run, "", 404, "RUN_NOT_FOUND");
    free(run);
    free(tune);
}
END_TEST

/* Whose deletion another bridge has done. */
START_TEST(a_trial_that_was_deleted_is_shown_for_a_second_at_most)
{
    char *tune = completed(NULL), *run = run_of(tune, 0);
    int64_t deleted_ms, asked_ms;
    long status = 200;

    expect("GET", RUNS, run, "", 200, "");
    reads_run(&world, "DELETE FROM backtest_tunes");
    deleted_ms = zclock_mono();
    while (status == 200) {
        struct reads_answer answer;

        asked_ms = zclock_mono();
        ask("GET", RUNS, run, "", &answer);
        status = answer.status;
        ck_assert(status != 200 || asked_ms - deleted_ms < RECOMPUTE_FRESH_MS);
        reads_answer_fini(&answer);
    }
    expect("GET", RUNS, run, "", 404, "RUN_NOT_FOUND");
    free(run);
    free(tune);
}
END_TEST

START_TEST(what_cannot_be_computed_any_more_says_why)
{
    char *tune = completed(NULL), *run = run_of(tune, 0);

    reads_run(&world, "DELETE FROM datasets");
    expect("GET", RUNS, run, "", 422, "DATASET_MISMATCH");
    free(run);
    free(tune);
}
END_TEST

START_TEST(trials_are_shown_while_the_process_is_busy_with_a_tune)
{
    char *tune = completed(NULL), *run = run_of(tune, 0), *busy = running();

    for (int i = 0; i < 10; i++)
        expect("GET", RUNS, run, "", 200, "");
    await_status(busy, "running");
    free(busy);
    free(run);
    free(tune);
}
END_TEST

START_TEST(a_tuner_that_ends_leaves_its_service)
{
    char *tune = completed(NULL), *run = run_of(tune, 0);

    expect("GET", RUNS, run, "", 200, "");
    end_tuner(SIGTERM);
    expect("GET", RUNS, run, "", 503, "SERVICE_NOT_FOUND");
    start_tuner();
    reads_until(&world, "/health", 200);
    for (long status = 0; status != 200;) {
        struct reads_answer answer;

        ask("GET", RUNS, run, "", &answer);
        status = answer.status;
        ck_assert_msg(status == 200 || status == 503, "%.500s", answer.body);
        reads_answer_fini(&answer);
    }
    free(run);
    free(tune);
}
END_TEST

START_TEST(a_tuner_that_is_killed_is_missed_soon)
{
    char *tune = completed(NULL), *run = run_of(tune, 0);
    struct reads_answer answer;

    end_tuner(SIGKILL);
    ask("GET", RUNS, run, "", &answer);
    ck_assert_msg(answer.status == 503 || answer.status == 500, "%.500s", answer.body);
    ck_assert_ptr_nonnull(strstr(answer.head, "\r\nRetry-After: "));
    reads_answer_fini(&answer);
    free(run);
    free(tune);
}
END_TEST

START_TEST(without_a_broker_nobody_can_be_asked)
{
    char *tune = completed(NULL), *run = run_of(tune, 0);
    struct reads_answer answer;

    broker_world_kill(&brokers, 0, SIGKILL);
    ask("GET", RUNS, run, "", &answer);
    /* that it is gone is known after some seconds */
    ck_assert_msg(answer.status == 503 || answer.status == 504, "%.500s", answer.body);
    ck_assert_ptr_nonnull(strstr(answer.head, "\r\nRetry-After: "));
    reads_answer_fini(&answer);
    expect("GET", RUNS, run, "", 503, "BROKER_DOWN");
    free(run);
    free(tune);
}
END_TEST

/* --- a tune is stopped -------------------------------------------------------------------- */

START_TEST(a_tune_that_runs_is_canceled_within_a_second)
{
    char *tune = running();
    struct reads_answer answer;
    int64_t started_ms = zclock_mono(), took_ms;

    ask("POST", TUNES, tune, "/cancel", &answer);
    ck_assert_msg(answer.status == 200, "%.500s", answer.body);
    ck_assert_str_eq(json_string_value(json_object_get(answer.json, "status")), "canceled");
    ck_assert_str_eq(json_string_value(json_object_get(answer.json, "tune_id")), tune);
    took_ms = zclock_mono() - started_ms;
    ck_assert(pace_allows(took_ms, 2500)); /* with an interval of the bridge */
    reads_answer_fini(&answer);
    await_status(tune, "canceled");
    ck_assert_int_eq(broker_world_count(&brokers, "SELECT count(*) FROM jobs"), 0);
    expect("POST", TUNES, tune, "/cancel", 409, "TUNE_ALREADY_OVER");
    expect("GET", TUNES, tune, "", 200, "");
    free(tune);
}
END_TEST

START_TEST(a_worker_is_free_again_once_its_tune_was_canceled)
{
    char *tune = running();

    expect("POST", TUNES, tune, "/cancel", 200, "");
    free(tune);
    tune = completed(NULL);
    free(tune);
}
END_TEST

START_TEST(a_tune_that_runs_is_stopped_and_deleted)
{
    char *tune = running();

    expect("DELETE", TUNES, tune, "", 204, "");
    expect("GET", TUNES, tune, "", 404, "TUNE_NOT_FOUND");
    ck_assert_int_eq(broker_world_count(&brokers, "SELECT count(*) FROM jobs"), 0);
    ck_assert_int_eq(broker_world_count(&brokers, "SELECT count(*) FROM backtest_tunes"), 0);
    expect("DELETE", TUNES, tune, "", 404, "TUNE_NOT_FOUND");
    free(tune);
}
END_TEST

START_TEST(a_worker_that_does_not_answer_loses_the_tune_that_is_canceled)
{
    char *tune = running();

    kill(tuner, SIGSTOP);
    expect("POST", TUNES, tune, "/cancel", 200, "");
    await_status(tune, "canceled");
    free(tune);
}
END_TEST

START_TEST(without_a_broker_the_answer_is_honest)
{
    char *tune = running();
    struct reads_answer answer;

    broker_world_kill(&brokers, 0, SIGKILL);
    ask("POST", TUNES, tune, "/cancel", &answer);
    ck_assert_msg(answer.status == 200, "%.500s", answer.body);
    ck_assert_str_eq(json_string_value(json_object_get(answer.json, "status")), "running");
    reads_answer_fini(&answer);
    expect("DELETE", TUNES, tune, "", 503, "BUSY");
    broker_world_launch(&brokers, 0); /* and what was asked for comes true */
    await_status(tune, "canceled");
    expect("DELETE", TUNES, tune, "", 204, "");
    free(tune);
}
END_TEST

static TCase *
shown(void)
{
    TCase *tcase = case_new("shown", NULL, NULL);

    suite_tests(tcase, a_trial_is_shown_with_the_figures_of_its_tune,
                a_trial_of_a_split_tune_is_shown_with_the_figures_of_its_tune,
                the_asker_says_how_many_points, what_is_no_trial_of_the_workspace_is_not_found,
                a_trial_that_was_deleted_is_shown_for_a_second_at_most,
                what_cannot_be_computed_any_more_says_why,
                trials_are_shown_while_the_process_is_busy_with_a_tune,
                a_tuner_that_ends_leaves_its_service, a_tuner_that_is_killed_is_missed_soon,
                without_a_broker_nobody_can_be_asked);
    return tcase;
}

static TCase *
stopped(void)
{
    TCase *tcase = case_new("stopped", NULL, NULL);

    suite_tests(tcase, a_tune_that_runs_is_canceled_within_a_second,
                a_worker_is_free_again_once_its_tune_was_canceled,
                a_tune_that_runs_is_stopped_and_deleted,
                a_worker_that_does_not_answer_loses_the_tune_that_is_canceled,
                without_a_broker_the_answer_is_honest);
    return tcase;
}

int
main(void)
{
    Suite *suite = suite_create("http runs");
    TCase *tcases[] = {shown(), stopped(), http_backtest_case()};

    for (size_t i = 0; i < sizeof(tcases) / sizeof(tcases[0]); i++) {
        tcase_add_checked_fixture(tcases[i], runs_set_up, runs_tear_down);
        suite_add_tcase(suite, tcases[i]);
    }
    return pg_suite_run(suite, &reads_fixture);
}
