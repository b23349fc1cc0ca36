/* What chooses a tune's winner: how its file is read, the part, the gates, the seed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/suite.h"
#include "tests/unit/tune/tune_job_help.h"

/* The best of the in-sample part is the winner, whatever the rest says of it; asked for the
 * other way, the answer warns. */
static const struct {
    const char *select_on, *evaluated_on, *chooses;
} parts[] = {
    {"", "primary", "score_is"}, {"is", "primary", "score_is"}, {"oos", "oos", "score_oos"}};

START_TEST(a_split_is_judged_by_the_part_that_chooses)
{
    const char *const fields[] = {"oos_ratio",         "0.3", "seed", "3", "select_on",
                                  parts[_i].select_on, NULL};
    char sql[400];

    tune_world_dataset(&world, "tests/data/SYND.csv");
    tune_world_job(&world, "bb_reversal", fields);
    tune_world_run(&world);
    ck_assert_msg(world.end.err == TM_OK, "%s", world.end.detail);
    tune_world_expect(&world, "SELECT gates->>'evaluated_on' FROM backtest_tunes",
                      parts[_i].evaluated_on);
    snprintf(sql, sizeof(sql),
             "SELECT count(*) FILTER (WHERE cardinality(metrics_oos) = 20),"
             " bool_and(%s IS NOT DISTINCT FROM score),"
             " bool_and(overfit_gap = score_is - score_oos), count(overfit_gap) > 3,"
             " max(%s) FILTER (WHERE status = 'completed') = max(score) FILTER (WHERE rank = 1)"
             " FROM backtest_tune_runs",
             parts[_i].chooses, parts[_i].chooses);
    tune_world_expect(&world, sql, "50|t|t|t|t");
    tune_world_expect(&world,
                      "SELECT warnings::text LIKE '%out of sample any more%',"
                      " overfit->>'verdict' IN ('overfit', 'unproven', 'holds'),"
                      " json_array_length(overfit->'why') > 0 FROM backtest_tunes",
                      strcmp(parts[_i].select_on, "oos") == 0 ? "t|t|t" : "f|t|t");
}
END_TEST

/* What a request asks for holds against the server's; a gate that is null lets all pass. */
START_TEST(the_gates_of_the_request_hold)
{
    const char *const fields[] = {"gates",      "{\"max_drawdown_pct\":null,\"min_trades\":1}",
                                  "min_trades", "1",
                                  "n_trials",   "20",
                                  NULL};

    world.settings->tune_gate_min_trades = 100000;
    world.settings->tune_gate_max_drawdown_pct = 0;
    tune_world_dataset(&world, "tests/data/SYND.csv");
    tune_world_job(&world, "bb_reversal", fields);
    tune_world_run(&world);
    ck_assert_msg(world.end.err == TM_OK, "%s", world.end.detail);
    tune_world_expect(&world,
                      "SELECT gates->>'max_drawdown_pct' IS NULL, gates->>'min_trades',"
                      " count_completed > 10 FROM backtest_tunes",
                      "t|1|t");
}
END_TEST

/* Drawn when the tune is accepted: every attempt has the same, and the answer says which. */
START_TEST(a_seed_is_drawn_once_where_none_is_given)
{
    const char *const fields[] = {"n_trials", "5", NULL};
    char *first, *second;

    tune_world_dataset(&world, "tests/data/SYND.csv");
    tune_world_job(&world, "bb_reversal", fields);
    tune_world_run(&world);
    ck_assert_msg(world.end.err == TM_OK, "%s", world.end.detail);
    first = tune_world_query(&world, "SELECT request->>'seed' FROM backtest_tunes");
    tune_world_job(&world, "bb_reversal", fields);
    second = tune_world_query(&world, "SELECT request->>'seed' FROM backtest_tunes"
                                      " ORDER BY created_at DESC LIMIT 1");
    ck_assert_str_ne(first, "");
    ck_assert_str_ne(first, second);
    free(first);
    free(second);
}
END_TEST

/* --- how the file is read ----------------------------------------------------------------- */

/* The same file three times, each reading another one, whatever the cache holds. */
static const struct {
    const char *timezone, *first, *zone;
} zones[] = {{"", "2019-01-01T00:00:00.000Z", "UTC"},
             {"Asia/Tokyo", "2018-12-31T15:00:00.000Z", "Asia/Tokyo"},
             {"-05:00", "2019-01-01T05:00:00.000Z", "-05:00"}};

START_TEST(the_requests_zone_is_that_of_the_file)
{
    tune_world_dataset(&world, "tests/data/SYND.csv");
    for (size_t i = 0; i < sizeof(zones) / sizeof(zones[0]); i++) {
        const char *const fields[] = {"n_trials", "2", "timezone", zones[i].timezone, NULL};
        char answer[200];

        tune_world_job(&world, "bb_reversal", fields);
        tune_world_run(&world);
        ck_assert_msg(world.end.err == TM_OK, "%s", world.end.detail);
        snprintf(answer, sizeof(answer), "%s|%s|%s", zones[i].first, zones[i].zone,
                 zones[i].timezone);
        tune_world_expect(&world,
                          "SELECT dataset->>'first', dataset->>'timezone',"
                          " coalesce(request->>'timezone', '') FROM backtest_tunes"
                          " WHERE id = $ID",
                          answer);
    }
}
END_TEST

#define BARS 40

/* Rows of two symbols, one of them without the close in every tenth. */
static void
write_symbols(char *out, size_t size)
{
    size_t used = (size_t)snprintf(out, size, "symbol,date,open,high,low,close,volume\n");

    for (int i = 0; i < BARS; i++) {
        used += (size_t)snprintf(out + used, size - used, "AAA,2020-%02d-%02d,10,11,9,10,100\n",
                                 1 + i / 28, 1 + i % 28);
        used +=
            (size_t)snprintf(out + used, size - used, "BBB,2020-%02d-%02d,20,21,19,%s,100\n",
                             1 + i / 28, 1 + i % 28, i % 10 ? "20" : "");
    }
}

static const struct {
    const char *symbol, *dropped, *bars, *refused;
} readings[] = {{"AAA", "5", "40", NULL},
                {"BBB", "10", "36", NULL},
                {"BBB", "9.9", NULL, "in 4 of 40 rows (10.0 %)"},
                {"", "10", NULL, "several symbols (AAA, BBB)"},
                {"CCC", "10", NULL, "the symbol CCC is not in the file"}};

START_TEST(symbol_and_what_may_be_dropped_are_the_requests)
{
    const char *const fields[] = {
        "n_trials",           "2", "symbol", readings[_i].symbol, "allow_dropped_pct",
        readings[_i].dropped, NULL};
    char csv[8000];

    write_symbols(csv, sizeof(csv));
    tune_world_data(&world, csv, strlen(csv));
    tune_world_job(&world, "bb_reversal", fields);
    tune_world_run(&world);
    if (!readings[_i].refused) {
        ck_assert_msg(world.end.err == TM_OK, "%s", world.end.detail);
        tune_world_expect(&world,
                          "SELECT dataset->>'bars', dataset->>'notes' LIKE '%other symbols%'"
                          " FROM backtest_tunes",
                          strcmp(readings[_i].bars, "40") == 0 ? "40|t" : "36|t");
        return;
    }
    ck_assert_int_eq(world.end.err, TM_DATA_PARSE_FAILED);
    ck_assert_msg(strstr(world.end.detail, readings[_i].refused) != NULL, "%s",
                  world.end.detail);
}
END_TEST

TCase *
tune_job_choices(void)
{
    TCase *tcase = case_new("choices", NULL, NULL);

    suite_rows(tcase, a_split_is_judged_by_the_part_that_chooses, parts);
    suite_rows(tcase, symbol_and_what_may_be_dropped_are_the_requests, readings);
    suite_tests(tcase, the_gates_of_the_request_hold, a_seed_is_drawn_once_where_none_is_given,
                the_requests_zone_is_that_of_the_file);
    return tcase;
}
