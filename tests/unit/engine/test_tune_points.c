/* Which points a tune tries, and what it says of those that could not trade. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/suite.h"
#include "tests/unit/engine/tune_help.h"

START_TEST(a_trial_that_cannot_warm_up_is_skipped_and_says_so)
{
    struct subject subject =
        subject_of("sma_cross", "{\"fast\":[10],\"slow\":[50,200,400]}", SEARCH_GRID, 0);
    const bars_t few = bars_slice(subject.bars, 0, 300);
    tune_plan_t *plan = NULL;
    struct trial trials[3];
    json_t *space = json_loads("{\"fast\":[10],\"slow\":[50,200,400]}", 0, NULL);

    subject.options.param_space = space;
    ck_assert_int_eq(tune_plan_new(&few, subject.strategy, &subject.options, &plan, NULL, 0),
                     TM_OK);
    ck_assert_int_eq(tune_run_range(plan, 0, 3, trials, NULL), TM_OK);
    ck_assert(!trials[0].is_out_of_bars && !trials[1].is_out_of_bars);
    ck_assert(trials[2].is_out_of_bars && trials[2].status == TRIAL_SKIPPED);
    ck_assert_str_eq(trials[2].skip_reason,
                     "warm_up (an indicator has no value before the last bar)");
    tune_plan_destroy(&plan);
    json_decref(space);
    subject_fini(&subject);
}
END_TEST

/* 350 bars, of which 105 test: a slow mean of 200 has values in the first part alone. */
START_TEST(a_part_of_the_split_without_a_warm_up_is_told)
{
    for (int on_oos = 0; on_oos < 2; on_oos++) {
        struct subject subject = subject_of("sma_cross", NULL, SEARCH_GRID, 0.3);
        const bars_t few = bars_slice(subject.bars, 0, 350);
        tune_plan_t *plan = NULL;
        struct trial trial;
        json_t *space = json_loads("{\"fast\":[10],\"slow\":[200]}", 0, NULL);

        subject.options.param_space = space;
        subject.options.select_on_oos = on_oos;
        ck_assert_int_eq(
            tune_plan_new(&few, subject.strategy, &subject.options, &plan, NULL, 0), TM_OK);
        ck_assert_int_eq(tune_run_range(plan, 0, 1, &trial, NULL), TM_OK);
        ck_assert_int_eq(trial.is_out_of_bars, on_oos);
        ck_assert_int_eq(trial.test_is_out_of_bars, !on_oos);
        tune_plan_destroy(&plan);
        json_decref(space);
        subject_fini(&subject);
    }
}
END_TEST

/* 41 periods and 4 thresholds are fewer points than trials: each is tried once. */
START_TEST(no_two_trials_of_a_tune_have_the_same_params)
{
    static const enum search_type types[] = {SEARCH_RANDOM, SEARCH_TPE, SEARCH_GRID};

    for (size_t t = 0; t < 3; t++) {
        struct subject subject = subject_of(
            "bb_reversal", "{\"period\":{\"min\":5,\"max\":45,\"step\":1},\"k\":[1,1.5,2,2.5]}",
            types[t], 0);
        struct trial *trials = run_all(&subject, TRIALS);

        ck_assert_uint_eq(tune_plan_points(subject.plan), 164);
        ck_assert_uint_eq(tune_plan_trials(subject.plan), 164);
        for (size_t i = 0; i < 164; i++)
            for (size_t k = 0; k < i; k++)
                ck_assert_int_ne(
                    memcmp(trials[i].params, trials[k].params, sizeof trials[i].params), 0);
        ck_assert_int_eq(tune_plan_duplicates(subject.plan) > 0, types[t] != SEARCH_GRID);
        free(trials);
        subject_fini(&subject);
    }
}
END_TEST

START_TEST(every_search_keeps_to_the_constraints)
{
    static const enum search_type types[] = {SEARCH_RANDOM, SEARCH_TPE, SEARCH_GRID};
    bars_t *bars = help_walk(600);
    strategy_t *strategy = help_strategy("sma_cross");
    json_t *space = json_loads("{\"fast\":{\"min\":1,\"max\":12,\"step\":1},"
                               "\"slow\":{\"min\":1,\"max\":12,\"step\":1}}",
                               0, NULL),
           *constraints = json_loads("[\"fast < slow\"]", 0, NULL);

    for (size_t t = 0; t < 3; t++) {
        struct tune_options options = TUNE_OPTIONS_DEFAULT;
        struct trial trials[66];
        tune_plan_t *plan = NULL;

        options.search_type = types[t];
        options.param_space = space;
        options.constraints = constraints;
        options.n_trials = 100;
        ck_assert_int_eq(tune_plan_new(bars, strategy, &options, &plan, NULL, 0), TM_OK);
        ck_assert_uint_eq(tune_plan_trials(plan), 66); /* 12 * 11 / 2 */
        ck_assert_uint_eq(tune_plan_points(plan), 66);
        ck_assert_int_eq(tune_run_range(plan, 0, 66, trials, NULL), TM_OK);
        for (size_t i = 0; i < 66; i++)
            ck_assert(trials[i].params[0] < trials[i].params[1]);
        tune_plan_destroy(&plan);
    }
    json_decref(space);
    json_decref(constraints);
    strategy_destroy(&strategy);
    bars_destroy(&bars);
}
END_TEST

START_TEST(a_grid_that_is_not_told_how_many_is_all_of_its_points)
{
    bars_t *bars = help_walk(300);
    strategy_t *strategy = help_strategy("bb_reversal");
    struct tune_options options = TUNE_OPTIONS_DEFAULT;
    tune_plan_t *plan = NULL;

    options.n_trials = 0;
    ck_assert_int_eq(tune_plan_new(bars, strategy, &options, &plan, NULL, 0), TM_OK);
    ck_assert_uint_eq(tune_plan_trials(plan), 25);
    tune_plan_destroy(&plan);
    strategy_destroy(&strategy);
    bars_destroy(&bars);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("tune_points");
    TCase *all = suite_case(suite, "all", NULL, NULL);

    suite_tests(all, a_trial_that_cannot_warm_up_is_skipped_and_says_so,
                a_part_of_the_split_without_a_warm_up_is_told,
                no_two_trials_of_a_tune_have_the_same_params,
                every_search_keeps_to_the_constraints,
                a_grid_that_is_not_told_how_many_is_all_of_its_points);
    return suite_run(suite);
}
