/* Why trials were rejected and what would let some through: worked figures, and what becomes of
 * a tune whose request is changed as it was told. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actors/kit/util/auto.h"
#include "actors/tune/search/rejections.h"
#include "tests/support/pg_suite.h"
#include "tests/unit/tune/tune_job_help.h"

/* ---- worked figures --------------------------------------------------------------------- */

#define SOME_TRIALS 64

static trials_t *trials;
static struct tune_options options;

static void
set_up(void)
{
    options = (struct tune_options)TUNE_OPTIONS_DEFAULT;
    trials = trials_new(SOME_TRIALS, false, 10);
}

static void
tear_down(void)
{
    trials_destroy(&trials);
}

/* reason: as the engine says it; NULL: the trial is valid */
static void
add(double trades, double drawdown_pct, double objective, const char *reason)
{
    struct trial trial = {.index = trials_count(trials),
                          .status = reason ? TRIAL_SKIPPED : TRIAL_COMPLETED,
                          .score = objective,
                          .objective_score = objective};

    metrics_clear(&trial.is);
    metrics_clear(&trial.oos);
    trial.is.trades = trades;
    trial.is.max_drawdown_pct = drawdown_pct;
    trial.blocks = (struct metrics_blocks){{20}, {0.1}, {0.01}};
    snprintf(trial.skip_reason, sizeof(trial.skip_reason), "%s", reason ? reason : "");
    ck_assert_int_eq(trials_add(trials, &trial), TM_OK);
}

static void
expect(size_t index, const char *want, const char *text)
{
    tm_auto(json) list = rejections_json(trials, &options);
    json_t *got = json_array_get(list, index);
    tm_auto(json) wanted = json_loads(want, 0, NULL);
    char *dump;

    ck_assert_ptr_nonnull(got);
    ck_assert_ptr_nonnull(wanted);
    ck_assert_str_eq(json_string_value(json_object_get(got, "text")), text);
    json_object_del(got, "text");
    dump = json_dumps(got, JSON_SORT_KEYS);
    ck_assert_msg(json_equal(got, wanted), "%s\n%s", dump, want);
    free(dump);
}

static void
add_one_of_each(void)
{
    add(30, -5, 1, NULL);
    add(3, -5, 1, "min_trades_not_met (3<5)");
    add(4, -5, 1, "min_trades_not_met (4<5)");
    add(4, -30, 1, "min_trades_not_met (4<5)"); /* its drawdown would reject it next */
    add(0, 0, (double)NAN, "min_trades_not_met (0<5)");
    add(7, -5, 1, "gate:min_trades (7 < 10)");
    add(8, -5, 1, "gate:min_trades (8 < 10)");
    add(9, -5, 1, "gate:min_trades (9 < 10)");
    add(15, -25.03, 1, "gate:max_drawdown_pct (-25.0 < -20.0)");
    add(15, -40, 1, "gate:max_drawdown_pct (-40.0 < -20.0)");
    add(15, -5, (double)NAN, "objective_undefined (calmar)");
}

START_TEST(each_reason_says_how_near_and_what_to_relax)
{
    add_one_of_each();
    expect(
        0,
        "{\"reason\":\"min_trades_not_met\",\"count\":4,\"limit\":5.0,\"nearest\":4.0,"
        "\"relax\":{\"gates\":{\"min_trades\":3},\"min_trades\":3,\"lets_through\":5}}",
        "4 trials have fewer trades than min_trades (5); the nearest has 4; gates.min_trades "
        "10 -> 3 and min_trades 5 -> 3 lets 5 trials through");
    expect(1,
           "{\"reason\":\"gate:min_trades\",\"count\":3,\"limit\":10.0,\"nearest\":9.0,"
           "\"relax\":{\"gates\":{\"min_trades\":7},\"lets_through\":3}}",
           "3 trials have fewer trades than the gate min_trades (10); the nearest has 9; "
           "gates.min_trades 10 -> 7 lets 3 trials through");
    expect(2,
           "{\"reason\":\"gate:max_drawdown_pct\",\"count\":2,\"limit\":20.0,\"nearest\":25.03,"
           "\"relax\":{\"gates\":{\"max_drawdown_pct\":40.0},\"lets_through\":2}}",
           "2 trials have a deeper drawdown than the gate max_drawdown_pct (20 %); the nearest "
           "fell by 25.03 %; gates.max_drawdown_pct 20 -> 40 lets 2 trials through");
    expect(3,
           "{\"reason\":\"objective_undefined\",\"count\":1,\"limit\":null,\"nearest\":null,"
           "\"relax\":null}",
           "1 trial has no value of the objective");
}
END_TEST

/* Not all of them, if that would let the worst in. */
START_TEST(the_least_change_that_lets_ten_through_is_told)
{
    for (int i = 0; i < 20; i++)
        add(20, -21.04 - i, 1, "gate:max_drawdown_pct (x < -20.0)");
    expect(
        0,
        "{\"reason\":\"gate:max_drawdown_pct\",\"count\":20,\"limit\":20.0,\"nearest\":21.04,"
        "\"relax\":{\"gates\":{\"max_drawdown_pct\":30.1},\"lets_through\":10}}",
        "20 trials have a deeper drawdown than the gate max_drawdown_pct (20 %); the nearest "
        "fell by 21.04 %; gates.max_drawdown_pct 20 -> 30.1 lets 10 trials through");
}
END_TEST

/* Those of as many trades come in with the tenth. */
START_TEST(as_many_as_a_limit_lets_through_are_counted)
{
    for (int i = 0; i < 14; i++)
        add(i < 4 ? 9 : 6, -5, 1, "gate:min_trades (x < 10)");
    add(5, -5, 1, "gate:min_trades (5 < 10)");
    expect(0,
           "{\"reason\":\"gate:min_trades\",\"count\":15,\"limit\":10.0,\"nearest\":9.0,"
           "\"relax\":{\"gates\":{\"min_trades\":6},\"lets_through\":14}}",
           "15 trials have fewer trades than the gate min_trades (10); the nearest has 9; "
           "gates.min_trades 10 -> 6 lets 14 trials through");
}
END_TEST

START_TEST(what_no_change_helps_is_told_without_one)
{
    add(0, 0, (double)NAN, "min_trades_not_met (0<5)");
    add(4, -60, 1, "min_trades_not_met (4<5)");
    expect(0,
           "{\"reason\":\"min_trades_not_met\",\"count\":2,\"limit\":5.0,\"nearest\":4.0,"
           "\"relax\":null}",
           "2 trials have fewer trades than min_trades (5); the nearest has 4");
}
END_TEST

START_TEST(a_minimum_above_the_gate_is_all_that_is_changed)
{
    options.min_trades = 40;
    add(30, -5, 1, "min_trades_not_met (30<40)");
    expect(
        0,
        "{\"reason\":\"min_trades_not_met\",\"count\":1,\"limit\":40.0,\"nearest\":30.0,"
        "\"relax\":{\"min_trades\":30,\"lets_through\":1}}",
        "1 trial has fewer trades than min_trades (40); the nearest has 30; min_trades 40 -> "
        "30 lets 1 trial through");
}
END_TEST

START_TEST(a_drawdown_of_all_asks_for_no_gate)
{
    add(30, -99.99, 1, "gate:max_drawdown_pct (-100.0 < -20.0)");
    expect(0,
           "{\"reason\":\"gate:max_drawdown_pct\",\"count\":1,\"limit\":20.0,\"nearest\":99.99,"
           "\"relax\":{\"gates\":{\"max_drawdown_pct\":null},\"lets_through\":1}}",
           "1 trial has a deeper drawdown than the gate max_drawdown_pct (20 %); the nearest "
           "fell by 99.99 %; gates.max_drawdown_pct switched off lets 1 trial through");
}
END_TEST

START_TEST(without_rejections_there_is_nothing_to_say)
{
    add(30, -5, 1, NULL);
    tm_auto(json) list = rejections_json(trials, &options);
    ck_assert_uint_eq(json_array_size(list), 0);
}
END_TEST

/* ---- the request, changed as it was told ------------------------------------------------ */

static const char *const asked[][3] = {
    /* gates, min_trades, oos_ratio */
    {"{\"max_drawdown_pct\":4,\"min_trades\":30}", "5", "0.3"},
    {"{\"max_drawdown_pct\":6,\"min_trades\":null}", "25", NULL},
    {"{\"max_drawdown_pct\":null,\"min_trades\":45}", "35", NULL},
    {"{\"max_drawdown_pct\":2.5,\"min_trades\":20}", "22", NULL},
};

static json_int_t
run_tune(const char *gates, json_int_t min_trades, const char *oos_ratio,
         json_t **ret_rejections)
{
    char least[24], *answer;
    const char *fields[] = {"seed",       "7",   "n_trials",  "60",      "gates", gates,
                            "min_trades", least, "oos_ratio", oos_ratio, NULL};

    snprintf(least, sizeof(least), "%lld", (long long)min_trades);
    if (!oos_ratio)
        fields[8] = NULL;
    tune_world_job(&world, "bb_reversal", fields);
    tune_world_run(&world);
    ck_assert_msg(world.end.err == TM_OK, "%s", world.end.detail);
    answer =
        tune_world_query(&world, "SELECT count_completed FROM backtest_tunes WHERE id = $ID");
    json_int_t count = strtoll(answer, NULL, 10);
    free(answer);
    answer = tune_world_query(
        &world,
        "SELECT tune_response(t, 0) -> 'rejections' FROM backtest_tunes t WHERE id = $ID");
    *ret_rejections = json_loads(answer, 0, NULL);
    ck_assert_ptr_nonnull(*ret_rejections);
    free(answer);
    return count;
}

/* Each change by itself, with what was asked for otherwise. */
static json_int_t
run_relaxed(const char *const *row, const json_t *relax)
{
    tm_auto(json) gates = json_loads(row[0], 0, NULL);
    tm_auto(json) rejections = NULL;
    const json_t *min_trades = json_object_get(relax, "min_trades");
    char *text;

    json_object_update(gates, json_object_get(relax, "gates"));
    text = json_dumps(gates, 0);
    json_int_t count =
        run_tune(text, min_trades ? json_integer_value(min_trades) : strtoll(row[1], NULL, 10),
                 row[2], &rejections);
    free(text);
    return count;
}

START_TEST(a_request_changed_as_told_lets_as_many_through)
{
    const char *const *row = asked[_i];
    tm_auto(json) rejections = NULL;
    json_int_t valid, told = 0;
    json_t *rejection;
    size_t index;

    tune_world_dataset(&world, "tests/data/SYND.csv");
    valid = run_tune(row[0], strtoll(row[1], NULL, 10), row[2], &rejections);
    json_array_foreach(rejections, index, rejection)
    {
        const json_t *relax = json_object_get(rejection, "relax");

        if (json_is_null(relax))
            continue;
        told++;
        ck_assert_int_eq(run_relaxed(row, relax) - valid,
                         json_integer_value(json_object_get(relax, "lets_through")));
    }
    ck_assert_int_gt(told, 0);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("rejections");
    TCase *figures = suite_case(suite, "figures", set_up, tear_down);
    TCase *whole = suite_case(suite, "whole", tune_job_set_up, tune_job_tear_down);

    suite_tests(figures, each_reason_says_how_near_and_what_to_relax,
                the_least_change_that_lets_ten_through_is_told,
                as_many_as_a_limit_lets_through_are_counted,
                what_no_change_helps_is_told_without_one,
                a_minimum_above_the_gate_is_all_that_is_changed,
                a_drawdown_of_all_asks_for_no_gate, without_rejections_there_is_nothing_to_say);
    suite_rows(whole, a_request_changed_as_told_lets_as_many_through, asked);
    return pg_suite_run(suite, &tune_fixture);
}
