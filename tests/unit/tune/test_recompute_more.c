/* Much of it, what has changed since, and questions that are none. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actors/tune/recompute/recompute_report.h"
#include "tests/unit/tune/recompute_help.h"
#include "tests/support/suite.h"

/* ---- much of it ------------------------------------------------------------------------- */

/* So many hourly bars, up and down, whose bands are crossed all the time. */
static void
make_long(size_t count)
{
    char *data = NULL;
    size_t size;
    FILE *out = open_memstream(&data, &size);

    fprintf(out, "date,open,high,low,close,volume\n");
    for (size_t i = 0; i < count; i++) {
        double close = 100 + 10 * sin((double)i / 7) + 5 * sin((double)i / 3001);
        fprintf(out, "%zu,%.4f,%.4f,%.4f,%.4f,1\n", 1500000000 + i * 3600, close, close + 1,
                close - 1, close);
    }
    fclose(out);
    tune_world_data(&world, data, size);
    free(data);
}

static void
tune_long(size_t count)
{
    const char *const fields[] = {
        "search_type",    "grid", "param_space", "{\"period\":[5],\"k\":[0.5]}",
        "commission_bps", "0",    NULL};

    make_long(count);
    tune_world_job(&world, "bb_reversal", fields);
    tune_world_run(&world);
    ck_assert_msg(world.end.err == TM_OK, "%s", world.end.detail);
}

START_TEST(a_long_curve_is_thinned_and_keeps_its_extremes)
{
    static const uint32_t limits[] = {10, 11, 12, 13, 100, 1999, 2000, 20000};
    json_t *whole, *answer;
    double low = 1e9, high = 0, deep = 0;

    tune_long(30000);
    whole = answer_of(0, BACKTEST_POINTS_MAX);
    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
        double lowest = 1e9, highest = 0, deepest = 0;
        const json_t *point, *curve;
        const char *before = "";
        size_t index;

        answer = answer_of(0, limits[i]);
        curve = member(answer, "equity_curve");
        ck_assert_uint_le(json_array_size(curve), limits[i]);
        ck_assert_uint_gt(json_array_size(curve), 4);
        ck_assert(warns(answer, "the equity curve has 30000 points"));
        json_array_foreach(curve, index, point)
        {
            ck_assert_str_gt(text(point, "t"), before);
            before = text(point, "t");
            lowest = fmin(lowest, number(point, "equity"));
            highest = fmax(highest, number(point, "equity"));
            deepest = fmin(
                deepest, json_number_value(json_array_get(member(answer, "drawdown"), index)));
        }
        ck_assert(i == 0 || (lowest == low && highest == high && deepest == deep));
        low = lowest;
        high = highest;
        deep = deepest;
        expect_summary(answer);
        ck_assert_str_eq(text(json_array_get(curve, 0), "t"), "2017-07-14T02:40:00.000Z");
        ck_assert_str_eq(before, text(member(answer, "dataset"), "last"));
        json_decref(answer);
    }
    json_decref(whole);
}
END_TEST

START_TEST(many_trades_are_cut_to_the_last_ones)
{
    json_t *answer;
    const json_t *trades;

    world.settings->broker_max_body_kb = 4096;
    tune_long(300000);
    answer = answer_of(0, BACKTEST_POINTS);
    trades = member(answer, "trades");
    ck_assert_uint_eq(json_array_size(trades), RECOMPUTE_TRADES_MAX);
    ck_assert(number(answer, "trade_count") > RECOMPUTE_TRADES_MAX);
    ck_assert_double_eq(number(answer, "trade_count"),
                        number(member(answer, "summary"), "trades"));
    ck_assert(warns(answer, "the last 5000 are shown"));
    ck_assert_str_gt(text(json_array_get(trades, 0), "entry_time"), "2020");
    json_decref(answer);
}
END_TEST

START_TEST(an_answer_fits_into_a_body_however_small)
{
    static const int64_t limits[] = {1024, 300, 64, 8};
    size_t points = SIZE_MAX, trades = SIZE_MAX;
    json_t *answer;

    tune_long(100000);
    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
        world.settings->broker_max_body_kb = limits[i];
        answer = answer_of(0, BACKTEST_POINTS_MAX); /* which looks at the size */
        ck_assert_uint_lt(json_array_size(member(answer, "equity_curve")), points);
        ck_assert_uint_lt(json_array_size(member(answer, "trades")), trades);
        points = json_array_size(member(answer, "equity_curve"));
        trades = json_array_size(member(answer, "trades"));
        ck_assert(warns(answer, "are shown, with the extremes"));
        expect_summary(answer);
        json_decref(answer);
    }
    world.settings->broker_max_body_kb = 1;
    ck_assert_int_eq(ask(0, 10, &answer), TM_TOO_LARGE);
}
END_TEST

/* ---- what has changed since ------------------------------------------------------------- */

START_TEST(a_strategy_that_was_edited_since_does_not_matter)
{
    json_t *answer;

    run_tune("tests/data/SYND.csv", NULL);
    free(tune_world_query(&world, "UPDATE strategies SET spec = '{}'"));
    answer = answer_of(0, BACKTEST_POINTS);
    expect_summary(answer);
    ck_assert_uint_eq(json_array_size(member(answer, "warnings")), 0);
    json_decref(answer);
}
END_TEST

START_TEST(without_the_kept_strategy_the_present_one_is_taken_with_a_warning)
{
    char *sql, *spec;
    json_t *json = tune_world_strategy("bb_reversal"), *answer = NULL;

    run_tune("tests/data/SYND.csv", NULL);
    free(tune_world_query(&world, "UPDATE backtest_tunes SET strategy = NULL"));
    free(tune_world_query(&world, "DELETE FROM strategies"));
    ck_assert_int_eq(ask(0, BACKTEST_POINTS, &answer), TM_STRATEGY_NOT_FOUND);
    json_object_set_new(json, "exit_long", json_string("close > mid * 1.05"));
    spec = json_dumps(json, JSON_COMPACT);
    ck_assert_int_gt(asprintf(&sql,
                              "INSERT INTO strategies (id, name, spec) SELECT"
                              " (request ->> 'strategy_entity_id')::uuid, 'bb', '%s'"
                              " FROM backtest_tunes",
                              spec),
                     0);
    free(pg_fixture_query(world.url, sql));
    answer = answer_of(0, BACKTEST_POINTS);
    ck_assert(warns(answer, "the strategy is taken as it is now"));
    ck_assert(warns(answer, "the figures are not those of the tune"));
    json_decref(answer);
    json_decref(json);
    free(spec);
    free(sql);
}
END_TEST

START_TEST(figures_that_differ_are_told_of)
{
    json_t *answer;

    run_tune("tests/data/SYND.csv", NULL);
    free(tune_world_query(&world, "UPDATE backtest_tune_runs SET metrics_is[4] ="
                                  " metrics_is[4] + 1e-15 WHERE trial_index = 0"));
    answer = answer_of(0, BACKTEST_POINTS);
    ck_assert(warns(answer, "the figures are not those of the tune"));
    json_decref(answer);
}
END_TEST

START_TEST(data_that_is_gone_is_named)
{
    json_t *answer = NULL;

    run_tune("tests/data/SYND.csv", NULL);
    free(tune_world_query(&world, "DELETE FROM dataset_pieces"));
    ck_assert_int_eq(ask(0, BACKTEST_POINTS, &answer), TM_DATASET_MISMATCH);
    ck_assert_ptr_nonnull(strstr(detail, "upload it again"));
}
END_TEST

START_TEST(what_is_not_there_is_not_found)
{
    struct backtest_call call = {.points = 10};
    struct recompute_answer others;
    json_t *answer = NULL;

    run_tune("tests/data/SYND.csv", NULL);
    ck_assert_int_eq(ask(50, BACKTEST_POINTS, &answer), TM_RUN_NOT_FOUND);
    ck_assert_int_eq(ask(INT32_MAX, BACKTEST_POINTS, &answer), TM_RUN_NOT_FOUND);
    call.workspace = tm_uuid_new(); /* another's */
    call.tune = world.job.id;
    ck_assert_int_eq(recompute_answer(replay, &call, &others, detail), TM_RUN_NOT_FOUND);
}
END_TEST

START_TEST(a_database_that_is_away_is_a_reason_to_try_again)
{
    json_t *answer = NULL;

    run_tune("tests/data/SYND.csv", NULL);
    pg_fixture_kill(tune_fixture);
    ck_assert_int_eq(ask(0, BACKTEST_POINTS, &answer), TM_STORE_DOWN);
    pg_fixture_start(tune_fixture);
    answer = answer_of(0, BACKTEST_POINTS);
    expect_summary(answer);
    json_decref(answer);
}
END_TEST

/* ---- questions -------------------------------------------------------------------------- */

#define W "00000000-0000-0000-0000-000000000001"

START_TEST(a_question_that_is_none_is_refused_with_words)
{
    static const char *const wrong[] = {
        "",
        "null",
        "[]",
        "{}",
        "{\"workspace_id\":\"" W "\"}",
        "{\"workspace_id\":1,\"tune_id\":\"" W "\",\"trial_index\":0,\"points\":10}",
        "{\"workspace_id\":\"" W "\",\"tune_id\":\"x\",\"trial_index\":0,\"points\":10}",
        "{\"workspace_id\":\"" W "\",\"tune_id\":\"" W "\",\"trial_index\":-1,\"points\":10}",
        "{\"workspace_id\":\"" W "\",\"tune_id\":\"" W "\",\"trial_index\":0.5,\"points\":10}",
        "{\"workspace_id\":\"" W "\",\"tune_id\":\"" W
        "\",\"trial_index\":2147483648,\"points\":10}",
        "{\"workspace_id\":\"" W "\",\"tune_id\":\"" W "\",\"trial_index\":0,\"points\":9}",
        "{\"workspace_id\":\"" W "\",\"tune_id\":\"" W "\",\"trial_index\":0,\"points\":20001}",
        "{\"workspace_id\":\"" W "\",\"tune_id\":\"" W "\",\"trial_index\":0}",
        "{\"workspace_id\":\"" W "\",\"run_id\":\"x\",\"points\":10}",
        "{\"workspace_id\":\"" W "\",\"run_id\":null,\"points\":10}",
        "{\"workspace_id\":\"" W
        "\",\"run_id\":\"00000000-0000-0000-0000-000000000000\",\"points\":10}",
        "[[[[[[[[[[[[[[[[",
    };

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct backtest_call call;
        char what[BACKTEST_CALL_WHY];

        ck_assert_msg(backtest_call_parse(wrong[i], strlen(wrong[i]), &call, what) ==
                          TM_BAD_REQUEST,
                      "%s", wrong[i]);
        ck_assert_msg(what[0] != '\0', "%s", wrong[i]);
    }
}
END_TEST

START_TEST(a_question_is_read_as_it_was_written)
{
    struct backtest_call call = {.workspace = tm_uuid_new(),
                                 .tune = tm_uuid_new(),
                                 .trial = INT32_MAX,
                                 .points = BACKTEST_POINTS_MAX},
                         read = {.trial = 0};
    char *question = backtest_call_text(&call);
    char what[BACKTEST_CALL_WHY];

    ck_assert_int_eq(backtest_call_parse(question, strlen(question), &read, what), TM_OK);
    ck_assert(tm_uuid_is(&read.workspace, &call.workspace) &&
              tm_uuid_is(&read.tune, &call.tune));
    ck_assert_uint_eq(read.trial, call.trial);
    ck_assert_uint_eq(read.points, call.points);
    ck_assert(tm_uuid_is_nil(&read.run));
    free(question);
    call.run = tm_uuid_new();
    question = backtest_call_text(&call);
    ck_assert_int_eq(backtest_call_parse(question, strlen(question), &read, what), TM_OK);
    ck_assert(tm_uuid_is(&read.run, &call.run) && tm_uuid_is_nil(&read.tune));
    free(question);
}
END_TEST

TCase *
replay_more(void)
{
    TCase *tcase = case_new("more", NULL, NULL);

    suite_tests(
        tcase, a_long_curve_is_thinned_and_keeps_its_extremes,
        many_trades_are_cut_to_the_last_ones, an_answer_fits_into_a_body_however_small,
        a_strategy_that_was_edited_since_does_not_matter,
        without_the_kept_strategy_the_present_one_is_taken_with_a_warning,
        figures_that_differ_are_told_of, data_that_is_gone_is_named,
        what_is_not_there_is_not_found, a_database_that_is_away_is_a_reason_to_try_again,
        a_question_that_is_none_is_refused_with_words, a_question_is_read_as_it_was_written);
    return tcase;
}
