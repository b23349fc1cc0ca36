/* A tune's trials for charts: few of many, and none of those that matter missing. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/reads_world.h"
#include "tests/unit/http/http_queues.h"
#include "tests/support/suite.h"

#define POINTS(n) "/backtests/tunes/00000000-0000-7000-8000-00000000000" #n "/points"

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

static const json_t *
field(const json_t *point, size_t index)
{
    return json_array_get(point, index);
}

START_TEST(each_point_says_its_scores_and_params)
{
    json_t *got;

    reads_tune_row(&world, 1, "completed", "param_names = '{n,k}', trials_completed = 3");
    reads_run_row(&world, 1, 0, NULL, "status = 'skipped', params = '{10,1.5}', score = 9");
    reads_run_row(&world, 1, 1, "1",
                  "params = '{20,NaN}', score = 1.5, objective_score = 1.25, score_is = 2,"
                  " score_oos = 1.5");
    reads_run_row(&world, 1, 2, NULL, "params = '{30,2}', score = 1.5");
    got = reads_json(&world, POINTS(1));
    reads_expect(
        got,
        "{'param_names':['n','k'],'fields':['trial_index','run_id','status','rank',"
        "'objective_score','score','score_is','score_oos','is_record','params'],'items':["
        "[0,'00000000-0000-7000-8000-000000001000','skipped',null,null,9,null,null,false,"
        "[10,1.5]],"
        "[1,'00000000-0000-7000-8000-000000001001','completed',1,1.25,1.5,2,1.5,true,"
        "[20,null]],"
        "[2,'00000000-0000-7000-8000-000000001002','completed',null,null,1.5,null,null,false,"
        "[30,2]]],'total':3}");
    json_decref(got);
}
END_TEST

/* 20,000 trials whose best so far rises 40 times, and a leader that is none of those. */
static void
add_many(void)
{
    reads_tune_row(&world, 2, "completed",
                   "n_trials = 20000, trials_completed = 20000, param_names = '{n}'");
    reads_run(&world,
              "INSERT INTO backtest_tune_runs (tune_id, trial_index, run_id, status, params,"
              "    objective_score, rank) SELECT '" READS_ID
              "', i, gen_random_uuid(), 'completed',"
              "    ARRAY[i], CASE WHEN i %% 500 = 7 THEN i ELSE -i END,"
              "    CASE WHEN i = 12345 THEN 2 END FROM generate_series(0, 19999) i",
              2u);
}

START_TEST(of_many_trials_the_best_are_kept_and_the_others_thinned)
{
    json_t *got, *again;
    const json_t *items, *point;
    size_t index, records = 0, low = 0;
    json_int_t last = -1;
    bool has_leader = false;

    add_many();
    got = reads_json(&world, POINTS(2));
    items = json_object_get(got, "items");
    json_array_foreach(items, index, point)
    {
        ck_assert_int_gt(json_integer_value(field(point, 0)), last);
        last = json_integer_value(field(point, 0));
        records += json_is_true(field(point, 8));
        has_leader = has_leader || last == 12345;
        low += last < 10000;
    }
    ck_assert_uint_eq(records, 41); /* the first one, too */
    ck_assert(has_leader);
    ck_assert_int_eq(json_integer_value(json_object_get(got, "total")), 20000);
    ck_assert_msg(json_array_size(items) > 1700 && json_array_size(items) < 2300, "%zu",
                  json_array_size(items));
    ck_assert_msg(low > json_array_size(items) * 4 / 10 &&
                      low < json_array_size(items) * 6 / 10,
                  "%zu of %zu are in the first half", low, json_array_size(items));
    again = reads_json(&world, POINTS(2));
    ck_assert(json_equal(got, again));
    json_decref(got);
    json_decref(again);
}
END_TEST

START_TEST(a_tune_without_trials_has_no_points_and_no_tune_is_none)
{
    json_t *got;

    reads_tune_row(&world, 3, "running", "");
    got = reads_json(&world, POINTS(3));
    reads_expect(json_object_get(got, "items"), "[]");
    reads_expect(json_object_get(got, "total"), "0");
    json_decref(got);
    reads_expect_problem(&world, POINTS(4), 404, "TUNE_NOT_FOUND", NULL);
    reads_expect_problem(&world, "/backtests/tunes/x/points", 422, "VALIDATION_FAILED",
                         "path.id");
    reads_run(&world, "INSERT INTO workspaces (id, name) VALUES"
                      " ('00000000-0000-0000-0000-000000000002', 'other')");
    reads_expect_problem(&world, POINTS(3) "?workspace_id=00000000-0000-0000-0000-000000000002",
                         404, "TUNE_NOT_FOUND", NULL);
}
END_TEST

void
http_points_add(Suite *suite)
{
    TCase *points = suite_case(suite, "points", setup, teardown);

    suite_tests(points, each_point_says_its_scores_and_params,
                of_many_trials_the_best_are_kept_and_the_others_thinned,
                a_tune_without_trials_has_no_points_and_no_tune_is_none);
}
