/* What chooses a tune's winner: the part, the gates, the seed. */
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

TCase *
tune_job_choices(void)
{
    TCase *tcase = case_new("choices", NULL, NULL);

    suite_rows(tcase, a_split_is_judged_by_the_part_that_chooses, parts);
    suite_tests(tcase, the_gates_of_the_request_hold, a_seed_is_drawn_once_where_none_is_given);
    return tcase;
}
