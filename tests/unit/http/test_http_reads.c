/* What the bridge reads of tunes and trials, against what is in the database: whole answers,
 * pages, filters. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/pg_suite.h"
#include "tests/support/reads_world.h"
#include "tests/unit/http/http_reads.h"

#define TUNES     "/backtests/tunes"
#define TUNE(n)   "/backtests/tunes/00000000-0000-7000-8000-00000000000" #n
#define RUNS(n)   TUNE(n) "/runs"
#define ELSEWHERE "00000000-0000-0000-0000-000000000002" /* another workspace */
#define SMA       "11111111-0000-4000-8000-000000000001"
#define BB        "11111111-0000-4000-8000-000000000002"

static Suite *http_reads_suite;
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
expect_answer(const char *path, const char *want)
{
    json_t *got = reads_json(&world, path);

    reads_expect(got, want);
    json_decref(got);
}

/* "a b c": the ids of a list's items, in their order */
static char *
ids_of(const json_t *list)
{
    const json_t *item, *items = json_object_get(list, "items");
    char *text = NULL;
    size_t size, index;
    FILE *out = open_memstream(&text, &size);

    ck_assert(json_is_array(items));
    json_array_foreach(items, index, item)
    {
        fprintf(out, "%s%s", index ? " " : "",
                json_string_value(json_object_get(item, "tune_id")));
    }
    fclose(out);
    return text;
}

static json_int_t
integer(const json_t *object, const char *member)
{
    const json_t *value = json_object_get(object, member);

    ck_assert_msg(json_is_integer(value), "%s is no integer", member);
    return json_integer_value(value);
}

/* ---- one tune --------------------------------------------------------------------------- */

#define NOTHING_ASKED                                                                      \
    "{'param_space':null,'oos_ratio':null,'select_on':'is','gates':null,'date_from':null," \
    "'date_to':null,'timezone':null,'symbol':null,'strategy_version':null}"
#define QUEUED(id, at)                                                                         \
    "{'tune_id':'" id "','status':'queued','search_type':'grid','n_trials':4,"                 \
    "'trials_completed':0,'best_run_id':null,'best_params':null,'best_score':null,"            \
    "'leaderboard':[],'counts':{'queued':4,'running':0,'completed':0,'failed':0,'skipped':0,'" \
    "duplicates':0},"                                                                          \
    "'gates':null,'rejections':[],'warnings':[],'progress':{'done':0,'total':4,'trials_per_"   \
    "second':null,"                                                                            \
    "'eta_seconds':null},'overfit':null,'dataset':null,'timing':null,"                         \
    "'strategy_entity_id':null,'strategy_name':null,'objective_type':'sharpe',"                \
    "'oos_ratio':null,'created_at':'" at "','started_at':null,'finished_at':null,"             \
    "'request':" NOTHING_ASKED ",'error':null}"

START_TEST(a_queued_tune_is_shown_whole)
{
    reads_tune_row(&world, 1, "queued", "");
    expect_answer(TUNE(1),
                  QUEUED("00000000-0000-7000-8000-000000000001", "2024-01-01T00:00:01.000Z"));
}
END_TEST

static void
add_completed(void)
{
    reads_tune_row(
        &world, 2, "completed",
        "strategy_entity_id = '" BB "', strategy_name = 'bb \"x\" \\ ü', oos_ratio = 0.3,"
        " objective_type = 'sharpe_dd_penalty', n_trials = 3, trials_completed = 3,"
        " param_names = '{period,k}', metric_names = '{sharpe,return_pct,trades,mine}',"
        " count_completed = 1, count_failed = 1, count_skipped = 1,"
        " best_run_id = '00000000-0000-7000-8000-000000002001', best_score = 1.25,"
        " best_params = '{\"period\":20,\"k\":1.5}', gates = "
        "'{\"min_trades\":10,\"evaluated_on\":\"oos\"}',"
        " overfit = '{\"pbo\":0.25}', dataset = '{\"bars\":5031}', timing = "
        "'{\"parse_ms\":1.5}',"
        " warnings = '[\"one\",\"two\"]', started_at = '2024-01-01 00:00:02.5Z',"
        " finished_at = '2024-01-01 02:00:04.5+02'");
    reads_run_row(&world, 2, 0, NULL,
                  "status = 'skipped', params = '{10,1}', score = 'NaN',"
                  " metrics_is = '{NaN,Infinity,0,1}', reason = 'min_trades_not_met (0<5)'");
    reads_run_row(&world, 2, 1, "1",
                  "params = '{20,1.5}', score = 1.25, score_is = 1.5, score_oos = 1.25,"
                  " objective_score = 1.125, overfit_gap = 0.25,"
                  " metrics_is = '{1.5,30,40,7}', metrics_oos = '{1.25,-2.5,14,8}'");
    reads_run_row(&world, 2, 2, NULL, "status = 'failed', params = '{30,2}', reason = 'why'");
}

START_TEST(a_completed_tune_is_shown_whole)
{
    add_completed();
    expect_answer(
        TUNE(2),
        "{'tune_id':'00000000-0000-7000-8000-000000000002','status':'completed',"
        "'search_type':'grid','n_trials':3,'trials_completed':3,"
        "'best_run_id':'00000000-0000-7000-8000-000000002001',"
        "'best_params':{'period':20,'k':1.5},'best_score':1.25,"
        "'leaderboard':[{'rank':1,'run_id':'00000000-0000-7000-8000-000000002001',"
        "  'params':{'period':20,'k':1.5},'score':1.25,'objective_score':1.125,'score_is':1.5,"
        "  'score_oos':1.25,'overfit_gap':0.25,'summary_oos':{'return_pct':-2.5,"
        "    'max_drawdown_pct':null,'sharpe':1.25,'win_rate':null,'trades':14,"
        "    'buy_hold_return_pct':null,'avg_trade_pct':null,'profit_factor':null},"
        "  'summary':{'return_pct':-2.5,'max_drawdown_pct':null,'sharpe':1.25,"
        "    'win_rate':null,'trades':14,'buy_hold_return_pct':null,'avg_trade_pct':null,"
        "    'profit_factor':null}}],"
        "'counts':{'queued':0,'running':0,'completed':1,'failed':1,'skipped':1,'duplicates':0},"
        "'gates':{'min_trades':10,'evaluated_on':'oos'},'rejections':[],'warnings':['one','two'"
        "],"
        "'progress':{'done':3,'total':3,'trials_per_second':1.5,'eta_seconds':0},"
        "'overfit':{'pbo':0.25},'dataset':{'bars':5031},'timing':{'parse_ms':1.5},"
        "'strategy_entity_id':'" BB "','strategy_name':'bb \\\"x\\\" \\\\ ü',"
        "'objective_type':'sharpe_dd_penalty','oos_ratio':0.3,"
        "'created_at':'2024-01-01T00:00:02.000Z','started_at':'2024-01-01T00:00:02.500Z',"
        "'finished_at':'2024-01-01T00:00:04.500Z','request':" NOTHING_ASKED ",'error':null}");
}
END_TEST

START_TEST(failed_and_canceled_tunes_say_why)
{
    json_t *tune;

    reads_tune_row(&world, 3, "failed",
                   "error_code = 'DATA_PARSE_FAILED', error_detail = 'line 7: high < low',"
                   " is_rejected = true, started_at = created_at, finished_at = created_at");
    reads_tune_row(&world, 4, "canceled",
                   "error_code = 'CANCELED', error_detail = 'by request', trials_completed = 1,"
                   " started_at = created_at, finished_at = created_at + interval '2 s'");
    tune = reads_json(&world, TUNE(3));
    ck_assert_str_eq(json_string_value(json_object_get(tune, "status")), "failed");
    reads_expect(json_object_get(tune, "error"),
                 "{'code':'DATA_PARSE_FAILED','detail':'line 7: high < low','rejected':true,"
                 "'errors':[]}");
    reads_expect(json_object_get(tune, "progress"),
                 "{'done':0,'total':4,'trials_per_second':null,'eta_seconds':0}");
    reads_expect(
        json_object_get(tune, "counts"),
        "{'queued':0,'running':0,'completed':0,'failed':0,'skipped':0,'duplicates':0}");
    json_decref(tune);
    tune = reads_json(&world, TUNE(4));
    ck_assert_str_eq(json_string_value(json_object_get(tune, "status")), "canceled");
    reads_expect(json_object_get(tune, "error"),
                 "{'code':'CANCELED','detail':'by request','rejected':false,'errors':[]}");
    reads_expect(json_object_get(tune, "progress"),
                 "{'done':1,'total':4,'trials_per_second':0.5,'eta_seconds':0}");
    json_decref(tune);
}
END_TEST

static double
seconds_running(unsigned tune)
{
    char *text = reads_query(&world,
                             "SELECT extract(epoch FROM now() - started_at) FROM backtest_tunes"
                             " WHERE id = '" READS_ID "'",
                             tune);
    double seconds = strtod(text, NULL);

    free(text);
    return seconds;
}

START_TEST(a_running_tune_says_how_far_it_is)
{
    double before, after, rate, eta;
    const json_t *progress;
    json_t *tune;

    reads_tune_row(&world, 5, "running",
                   "n_trials = 400, trials_completed = 100,"
                   " started_at = now() - interval '50 s'");
    before = seconds_running(5);
    tune = reads_json(&world, TUNE(5));
    after = seconds_running(5);
    progress = json_object_get(tune, "progress");
    rate = json_number_value(json_object_get(progress, "trials_per_second"));
    eta = json_number_value(json_object_get(progress, "eta_seconds"));
    ck_assert_int_eq(integer(progress, "done"), 100);
    ck_assert_int_eq(integer(progress, "total"), 400);
    ck_assert_msg(rate >= 100 / after - 0.051 && rate <= 100 / before + 0.051, "%g", rate);
    ck_assert_msg(eta >= before * 3 - 0.051 && eta <= after * 3 + 0.051, "%g", eta);
    reads_expect(
        json_object_get(tune, "counts"),
        "{'queued':0,'running':300,'completed':100,'failed':0,'skipped':0,'duplicates':0}");
    reads_expect(json_object_get(tune, "leaderboard"), "[]");
    json_decref(tune);
    expect_answer(RUNS(5), "{'items':[],'total':0,'limit':20,'offset':0}");
}
END_TEST

START_TEST(a_tune_shows_as_many_leaders_as_the_setting_says)
{
    json_t *tune;
    const json_t *leader;
    char rank[8];
    size_t index;

    reads_tune_row(&world, 6, "completed", "");
    for (unsigned i = 0; i < 12; i++) {
        snprintf(rank, sizeof(rank), "%u", 12 - i);
        reads_run_row(&world, 6, i, rank, "");
    }
    tune = reads_json(&world, TUNE(6));
    ck_assert_uint_eq(json_array_size(json_object_get(tune, "leaderboard")), 10);
    json_array_foreach(json_object_get(tune, "leaderboard"), index, leader)
    {
        ck_assert_int_eq(integer(leader, "rank"), (json_int_t)index + 1);
    }
    json_decref(tune);
}
END_TEST

/* ---- trials ----------------------------------------------------------------------------- */

START_TEST(trials_are_shown_whole_whether_they_passed_or_not)
{
    add_completed();
    expect_answer(
        RUNS(2),
        "{'items':[{'trial_index':0,'run_id':'00000000-0000-7000-8000-000000002000',"
        " 'params':{'period':10,'k':1},'rank':null,'score':null,'score_is':null,"
        " 'score_oos':null,'objective_score':null,'overfit_gap':null,"
        " 'metrics_is':{'sharpe':null,'return_pct':null,'trades':0,'mine':1},"
        " 'metrics_oos':null,'status':'skipped','skip_reason':'min_trades_not_met (0<5)',"
        " 'failed_reason':null},"
        "{'trial_index':1,'run_id':'00000000-0000-7000-8000-000000002001',"
        " 'params':{'period':20,'k':1.5},'rank':1,'score':1.25,'score_is':1.5,"
        " 'score_oos':1.25,'objective_score':1.125,'overfit_gap':0.25,"
        " 'metrics_is':{'sharpe':1.5,'return_pct':30,'trades':40,'mine':7},"
        " 'metrics_oos':{'sharpe':1.25,'return_pct':-2.5,'trades':14,'mine':8},"
        " 'status':'completed','skip_reason':null,'failed_reason':null},"
        "{'trial_index':2,'run_id':'00000000-0000-7000-8000-000000002002',"
        " 'params':{'period':30,'k':2},'rank':null,'score':null,'score_is':null,"
        " 'score_oos':null,'objective_score':null,'overfit_gap':null,'metrics_is':null,"
        " 'metrics_oos':null,'status':'failed','skip_reason':null,'failed_reason':'why'}],"
        "'total':3,'limit':20,'offset':0}");
}
END_TEST

START_TEST(pages_of_trials_join_to_all_of_them_in_order)
{
    char path[200], *had;
    json_int_t next = 0;

    reads_tune_row(&world, 1, "completed", "");
    reads_run(&world, "INSERT INTO backtest_tune_runs (tune_id, trial_index, run_id, status,"
                      " params) SELECT '00000000-0000-7000-8000-000000000001', (i * 37) %% 230,"
                      " gen_random_uuid(), 'completed', '{}' FROM generate_series(0, 229) i");
    for (unsigned offset = 0; offset < 280; offset += 70) {
        const json_t *item;
        json_t *page;
        size_t index;

        snprintf(path, sizeof(path), RUNS(1) "?limit=70&offset=%u", offset);
        page = reads_json(&world, path);
        json_array_foreach(json_object_get(page, "items"), index, item)
        {
            ck_assert_int_eq(integer(item, "trial_index"), next++);
        }
        ck_assert_int_eq(integer(page, "total"), 230);
        ck_assert_int_eq(integer(page, "limit"), 70);
        ck_assert_int_eq(integer(page, "offset"), offset);
        json_decref(page);
    }
    ck_assert_int_eq(next, 230);
    had = reads_query(&world, "SELECT count(*) FROM backtest_tune_runs");
    ck_assert_str_eq(had, "230");
    free(had);
}
END_TEST

/* ---- the list of tunes ------------------------------------------------------------------ */

START_TEST(an_empty_database_gives_empty_lists)
{
    static const char *const paths[] = {TUNES, "/backtests/leaderboard", "/strategies"};

    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
        expect_answer(paths[i], "{'items':[],'total':0,'limit':20,'offset':0}");
    reads_expect_problem(&world, TUNE(1), 404, "TUNE_NOT_FOUND", NULL);
    reads_expect_problem(&world, RUNS(1), 404, "TUNE_NOT_FOUND", NULL);
    reads_expect_problem(&world, "/strategies/" BB, 404, "STRATEGY_NOT_FOUND", NULL);
}
END_TEST

START_TEST(a_list_shows_tunes_whole_newest_first)
{
    reads_tune_row(&world, 1, "queued", "");
    reads_tune_row(&world, 7, "queued", "");
    expect_answer(
        TUNES,
        "{'items':[" QUEUED(
            "00000000-0000-7000-8000-000000000007",
            "2024-01-01T00:00:07.000Z") "," QUEUED("00000000-0000-7000-8000-000000000001",
                                                   "2024-01-01T00:00:01.000Z") "],"
                                                                               "'total':2,'"
                                                                               "limit':20,'"
                                                                               "offset':0}");
}
END_TEST

/* 60 tunes of every kind; each second ten of them, so that the order has ties. */
static void
add_many(void)
{
    reads_run(&world, "INSERT INTO workspaces (id, name) VALUES ('" ELSEWHERE "', 'other')");
    reads_run(
        &world,
        "INSERT INTO backtest_tunes (id, workspace_id, strategy_entity_id, status,"
        "  search_type, objective_type, oos_ratio, n_trials, count_completed, request,"
        "  created_at)"
        " SELECT gen_random_uuid(),"
        "  CASE WHEN i %% 13 = 0 THEN '" ELSEWHERE "' ELSE '" READS_WORKSPACE "' END::uuid,"
        "  (ARRAY['" SMA "', '" BB "', NULL])[i %% 3 + 1]::uuid,"
        "  (ARRAY['queued', 'running', 'completed', 'failed', 'canceled'])[i %% 5 + 1],"
        "  'random',"
        "  (ARRAY['sharpe', 'sharpe_dd_penalty', 'return', 'return_dd_penalty', 'calmar'])"
        "    [i / 5 %% 5 + 1],"
        "  CASE WHEN i %% 2 = 0 THEN 0.25 END, 10,"
        "  CASE WHEN i %% 5 = 2 THEN i / 7 %% 2 ELSE 0 END, '{}',"
        "  timestamptz '2024-01-01 00:00:00Z' + i / 10 * interval '1 s'"
        " FROM generate_series(1, 60) i");
}

/* The ids that hold `condition`, newest first. */
static char *
ids_where(const char *condition)
{
    return reads_query(&world,
                       "SELECT coalesce(string_agg(id::text, ' ' ORDER BY created_at DESC, id),"
                       " '') FROM backtest_tunes WHERE workspace_id = '" READS_WORKSPACE
                       "' AND (%s)",
                       condition);
}

START_TEST(each_filter_lists_what_it_says)
{
    static const char *const filters[][2] = {
        {"", "true"},
        {"&status=queued", "status = 'queued'"},
        {"&status=running", "status = 'running'"},
        {"&status=completed", "status = 'completed'"},
        {"&status=failed", "status = 'failed'"},
        {"&status=canceled", "status = 'canceled'"},
        {"&objective_type=sharpe", "objective_type = 'sharpe'"},
        {"&objective_type=sharpe_dd_penalty", "objective_type = 'sharpe_dd_penalty'"},
        {"&objective_type=return", "objective_type = 'return'"},
        {"&objective_type=return_dd_penalty", "objective_type = 'return_dd_penalty'"},
        {"&objective_type=calmar", "objective_type = 'calmar'"},
        {"&strategy_entity_id=" SMA, "strategy_entity_id = '" SMA "'"},
        {"&strategy_entity_id=22222222-0000-4000-8000-000000000001", "false"},
        {"&oos_enabled=true", "oos_ratio IS NOT NULL"},
        {"&oos_enabled=0", "oos_ratio IS NULL"},
        {"&valid_only=1", "count_completed > 0"},
        {"&valid_only=false", "true"},
        {"&status=completed&valid_only=true&oos_enabled=true&strategy_entity_id=" BB,
         "count_completed > 0 AND oos_ratio > 0 AND strategy_entity_id = '" BB "'"},
    };
    size_t empty = 0;

    add_many();
    for (size_t i = 0; i < sizeof(filters) / sizeof(filters[0]); i++) {
        char path[300], *got, *want = ids_where(filters[i][1]);
        json_t *list;

        snprintf(path, sizeof(path), TUNES "?limit=200%s", filters[i][0]);
        list = reads_json(&world, path);
        got = ids_of(list);
        ck_assert_msg(strcmp(got, want) == 0, "%s: %s\nnot %s", path, got, want);
        ck_assert_uint_eq((size_t)integer(list, "total"), (strlen(want) + 1) / 37);
        empty += !want[0];
        json_decref(list);
        free(want);
        free(got);
    }
    ck_assert_uint_eq(empty, 1); /* all others have something to find */
}
END_TEST

START_TEST(pages_join_to_the_whole_list)
{
    char *want, joined[60 * 37 + 1] = "", path[200];
    json_int_t total = -1;

    add_many();
    want = ids_where("oos_ratio IS NOT NULL");
    for (unsigned offset = 0; offset < 60; offset += 7) {
        json_t *page;
        char *ids;

        snprintf(path, sizeof(path), TUNES "?oos_enabled=true&limit=7&offset=%u", offset);
        page = reads_json(&world, path);
        ids = ids_of(page);
        snprintf(joined + strlen(joined), sizeof(joined) - strlen(joined), "%s%s",
                 joined[0] && ids[0] ? " " : "", ids);
        ck_assert(total < 0 || integer(page, "total") == total);
        total = integer(page, "total");
        ck_assert_int_eq(integer(page, "limit"), 7);
        ck_assert_int_eq(integer(page, "offset"), offset);
        json_decref(page);
        free(ids);
    }
    ck_assert_str_eq(joined, want);
    free(want);
}
END_TEST

TCase *
http_reads_case(const char *name)
{
    TCase *tcase = case_new(name, NULL, NULL);

    suite_add_tcase(http_reads_suite, tcase);
    return tcase;
}

static void
add_cases(void)
{
    TCase *tunes = http_reads_case("tunes");

    tcase_add_checked_fixture(tunes, setup, teardown);
    suite_tests(tunes, a_queued_tune_is_shown_whole, a_completed_tune_is_shown_whole,
                failed_and_canceled_tunes_say_why, a_running_tune_says_how_far_it_is,
                a_tune_shows_as_many_leaders_as_the_setting_says,
                trials_are_shown_whole_whether_they_passed_or_not,
                pages_of_trials_join_to_all_of_them_in_order,
                an_empty_database_gives_empty_lists, a_list_shows_tunes_whole_newest_first,
                each_filter_lists_what_it_says, pages_join_to_the_whole_list);
}

int
main(void)
{
    http_reads_suite = suite_create("http reads");
    add_cases();
    http_refusals_add();
    http_leaderboard_add();
    http_stored_add();
    http_control_add();
    http_compare_add();
    return pg_suite_run(http_reads_suite, &reads_fixture);
}
