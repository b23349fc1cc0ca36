/* Tunes side by side. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/reads_world.h"
#include "tests/unit/http/http_reads.h"
#include "tests/support/suite.h"

#define COMPARE   "/backtests/compare"
#define ID(n)     "00000000-0000-7000-8000-00000000000" #n
#define A(n)      "tune_id=" ID(n)
#define ELSEWHERE "00000000-0000-0000-0000-000000000002" /* another workspace */
#define SMA       "11111111-0000-4000-8000-000000000001"

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
add_tunes(void)
{
    reads_tune_row(
        &world, 1, "completed",
        "strategy_entity_id = '" SMA "', strategy_name = 'sma', oos_ratio = 0.3,"
        " gates = '{\"evaluated_on\":\"oos\"}',"
        " trials_completed = 4, param_names = '{fast,slow}', metric_names = '{sharpe,trades}',"
        " best_run_id = '00000000-0000-7000-8000-000000001002', best_score = 1.25,"
        " best_params = '{\"fast\":5,\"slow\":20}', overfit = '{\"pbo\":0.25}',"
        " dataset = '{\"bars\":1200}', request ="
        " '{\"seed\":1,\"n_trials\":4,\"initial_cash\":10000,\"strategy_entity_id\":\"" SMA
        "\",\"param_space\":{\"fast\":[5,10],\"slow\":[20]},"
        "  \"objective_params\":{\"dd_lambda\":0.02}}'");
    reads_run_row(&world, 1, 2, "1",
                  "params = '{5,20}', metrics_is = '{9,9}', metrics_oos = '{1.25,14}'");
    reads_tune_row(&world, 2, "running",
                   "strategy_entity_id = '" SMA "', strategy_name = 'sma',"
                   " request = '{\"seed\":2,\"n_trials\":4,\"initial_cash\":10000,"
                   "  \"oos_ratio\":0.3,\"strategy_entity_id\":\"" SMA
                   "\",\"param_space\":{\"fast\":[5,10],\"slow\":[20,30]},"
                   "  \"objective_params\":{\"dd_lambda\":0.02}}'");
}

START_TEST(two_tunes_are_shown_with_what_differs)
{
    json_t *got;

    add_tunes();
    got = reads_json(&world, COMPARE "?" A(1) "&" A(2));
    reads_expect(
        got,
        "{'tunes':[{'tune_id':'" ID(
            1) "','strategy_entity_id':'" SMA "',"
               "'strategy_name':'sma','status':'completed','search_type':'grid',"
               "'objective_type':'sharpe','oos_ratio':0.3,'n_trials':4,'trials_completed':4,"
               "'best_run_id':'00000000-0000-7000-8000-000000001002','best_score':1.25,"
               "'best_params':{'fast':5,'slow':20},'best_summary':{'return_pct':null,"
               "'max_drawdown_pct':null,'sharpe':1.25,'win_rate':null,'trades':14,"
               "'buy_hold_return_pct':null,'avg_trade_pct':null,'profit_factor':null},"
               "'overfit':{'pbo':0.25},'dataset':{'bars':1200},"
               "'created_at':'2024-01-01T00:00:01.000Z'},"
               "{'tune_id':'" ID(
                   2) "','strategy_entity_id':'" SMA "','strategy_name':'sma',"
                      "'status':'running','search_type':'grid','objective_type':'sharpe','oos_"
                      "ratio':null,"
                      "'n_trials':4,'trials_completed':0,'best_run_id':null,'best_score':null,"
                      "'best_params':null,'best_summary':null,'overfit':null,'dataset':null,"
                      "'created_at':'2024-01-01T00:00:02.000Z'}],"
                      "'differences':{'seed':[1,2],'oos_ratio':[null,0.3],"
                      "'param_space.slow':[[20],[20,30]],'best_params.fast':[5,null],"
                      "'best_params.slow':[20,null]},"
                      "'common':{'n_trials':4,'initial_cash':10000,'strategy_entity_id':'" SMA
                      "',"
                      "'param_space.fast':[5,10],'objective_params.dd_lambda':0.02}}");
    json_decref(got);
}
END_TEST

START_TEST(the_order_is_the_askers)
{
    json_t *got;

    add_tunes();
    got = reads_json(&world, COMPARE "?" A(2) "&" A(1));
    ck_assert_str_eq(json_string_value(json_object_get(
                         json_array_get(json_object_get(got, "tunes"), 0), "tune_id")),
                     ID(2));
    reads_expect(json_object_get(json_object_get(got, "differences"), "seed"), "[2,1]");
    json_decref(got);
}
END_TEST

START_TEST(ten_tunes_that_are_the_same_have_all_in_common)
{
    char path[600] = COMPARE "?";
    json_t *got;

    for (unsigned i = 0; i < 10; i++) {
        reads_tune_row(&world, i, "completed", "request = '{\"seed\":7}'");
        snprintf(path + strlen(path), sizeof(path) - strlen(path), "&tune_id=" READS_ID, i);
    }
    got = reads_json(&world, path);
    ck_assert_uint_eq(json_array_size(json_object_get(got, "tunes")), 10);
    reads_expect(json_object_get(got, "differences"), "{}");
    reads_expect(json_object_get(got, "common"), "{'seed':7}");
    json_decref(got);
}
END_TEST

START_TEST(too_few_too_many_and_the_same_twice_are_refused)
{
    static const char *const wrong[] = {
        "",
        "?tune_id=",
        "?" A(1),
        "?" A(1) "&" A(1),
        "?" A(1) "&" A(2) "&" A(1),
        "?" A(1) "&tune_id=2",
        "?" A(1) "," ID(2),
        "?" A(0) "&" A(1) "&" A(2) "&" A(3) "&" A(4) "&" A(5) "&" A(6) "&" A(7) "&" A(8) "&" A(
            9) "&tune_id=" ELSEWHERE};

    add_tunes();
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        char path[700];

        snprintf(path, sizeof(path), COMPARE "%s", wrong[i]);
        reads_expect_problem(&world, path, 422, "VALIDATION_FAILED", "query.tune_id");
    }
}
END_TEST

START_TEST(the_one_that_is_missing_is_named)
{
    struct reads_answer answer;

    add_tunes();
    reads_run(&world, "INSERT INTO workspaces (id, name) VALUES ('" ELSEWHERE "', 'other')");
    reads_run(&world, "UPDATE backtest_tunes SET workspace_id = '" ELSEWHERE
                      "' WHERE id = '" ID(2) "'");
    reads_get(&world, COMPARE "?" A(1) "&" A(2) "&" A(3), &answer);
    ck_assert_int_eq(answer.status, 404);
    ck_assert_str_eq(json_string_value(json_object_get(answer.json, "code")), "TUNE_NOT_FOUND");
    ck_assert_str_eq(json_string_value(json_object_get(answer.json, "detail")),
                     "there is no tune " ID(2) " in this workspace");
    reads_answer_fini(&answer);
    reads_expect_problem(
        &world, COMPARE "?" A(1) "&" A(2) "&workspace_id=00000000-0000-0000-0000-000000000009",
        404, "WORKSPACE_NOT_FOUND", NULL);
}
END_TEST

void
http_compare_add(void)
{
    TCase *compare = http_reads_case("compare");

    tcase_add_checked_fixture(compare, setup, teardown);
    suite_tests(compare, two_tunes_are_shown_with_what_differs, the_order_is_the_askers,
                ten_tunes_that_are_the_same_have_all_in_common,
                too_few_too_many_and_the_same_twice_are_refused,
                the_one_that_is_missing_is_named);
}
