/* The estimator by itself on a hill, and in a tune. */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "actors/tune/engine/tpe.h"
#include "tests/unit/engine/engine_help.h"
#include "tests/support/suite.h"

/* ---- by itself -------------------------------------------------------------------------- */

static space_t *
space_of(const char *json)
{
    strategy_t *strategy = help_strategy("bb_reversal");
    json_t *root = json ? json_loads(json, 0, NULL) : NULL;
    space_t *space = NULL;
    char detail[256] = "";

    ck_assert_msg(space_parse(root, strategy, SEARCH_TPE, &space, detail, sizeof detail) ==
                      TM_OK,
                  "%s", detail);
    json_decref(root);
    strategy_destroy(&strategy);
    return space;
}

/* Highest, at 0, where period is 33 and k is 1.7. */
static double
hill(const double *params)
{
    const double x = (params[0] - 33) / 55, y = (params[1] - 1.7) / 2.5;

    return -(x * x + y * y);
}

static tpe_t *
tpe_of(const space_t *space, uint64_t seed, uint64_t trials)
{
    struct ground ground;

    ck_assert_int_eq(ground_init(&ground, space, NULL, seed, NULL, 0), TM_OK);
    return tpe_new(&ground, trials);
}

static double
best_of_tpe(const space_t *space, uint64_t seed, uint64_t trials)
{
    tpe_t *tpe = tpe_of(space, seed, trials);
    double params[TUNE_PARAMS_MAX], best = -INFINITY;

    ck_assert_ptr_nonnull(tpe);
    while (tpe_told(tpe) < trials) {
        ck_assert_uint_lt(tpe_told(tpe), tpe_ready(tpe));
        tpe_params(tpe, tpe_told(tpe), params);
        best = fmax(best, hill(params));
        tpe_tell(tpe, true, hill(params));
    }
    tpe_destroy(&tpe);
    return best;
}

static double
best_of_random(const space_t *space, uint64_t seed, uint64_t trials)
{
    double place[TUNE_PARAMS_MAX], params[TUNE_PARAMS_MAX], best = -INFINITY;

    for (uint64_t i = 0; i < trials; i++) {
        for (size_t k = 0; k < space_dimensions(space); k++)
            place[k] = space_uniform(space, seed, i, k, 0);
        space_at(space, place, params);
        best = fmax(best, hill(params));
    }
    return best;
}

START_TEST(it_climbs_a_hill)
{
    enum { SEEDS = 40, TRIALS = 100 };
    space_t *space = space_of(NULL);
    double far_tpe = 0, far_random = 0;
    int won = 0;

    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        const double tpe = best_of_tpe(space, seed, TRIALS);
        const double random = best_of_random(space, seed, TRIALS);

        won += tpe > random;
        far_tpe += sqrt(-tpe);
        far_random += sqrt(-random);
    }
    ck_assert_msg(won >= SEEDS * 8 / 10, "better for %d of %d seeds", won, SEEDS);
    ck_assert_msg(far_tpe * 2 < far_random, "at %g of the top, random at %g", far_tpe / SEEDS,
                  far_random / SEEDS);
    space_destroy(&space);
}
END_TEST

START_TEST(it_begins_with_the_trials_of_a_random_search)
{
    space_t *space = space_of(NULL);
    tpe_t *tpe = tpe_of(space, 5, 30);
    double params[TUNE_PARAMS_MAX], place[TUNE_PARAMS_MAX], wanted[TUNE_PARAMS_MAX];

    ck_assert_uint_eq(tpe_ready(tpe), TPE_STARTUP);
    for (uint64_t i = 0; i < TPE_STARTUP; i++) {
        for (size_t k = 0; k < 2; k++)
            place[k] = space_uniform(space, 5, i, k, 0);
        space_at(space, place, wanted);
        tpe_params(tpe, i, params);
        ck_assert(params[0] == wanted[0] && params[1] == wanted[1]);
    }
    tpe_destroy(&tpe);
    space_destroy(&space);
}
END_TEST

/* Of 200 points asked for 300 times, the whole space and nothing twice, from the first trial
 * on. */
START_TEST(it_tries_no_point_twice_and_ends_with_the_last_one)
{
    enum { POINTS = 200 };
    space_t *space = space_of("{\"period\":{\"min\":5,\"max\":14},\"k\":[0.5,0.6,0.7,0.8,0.9,1,"
                              "1.1,1.2,1.3,1.4,1.5,1.6,1.7,1.8,1.9,2,2.1,2.2,2.3,2.4]}");
    double params[POINTS][TUNE_PARAMS_MAX] = {0};
    tpe_t *tpe = tpe_of(space, 1, 300);

    ck_assert_uint_eq(tpe_trials(tpe), POINTS);
    for (size_t i = 0; i < POINTS; i++) {
        tpe_params(tpe, i, params[i]);
        tpe_tell(tpe, true, hill(params[i]));
        for (size_t k = 0; k < i; k++)
            ck_assert_msg(memcmp(params[i], params[k], sizeof params[i]) != 0, "%zu is %zu", i,
                          k);
    }
    ck_assert_uint_eq(tpe_ready(tpe), POINTS);
    ck_assert_uint_gt(tpe_duplicates(tpe), 0);
    tpe_destroy(&tpe);
    space_destroy(&space);
}
END_TEST

START_TEST(it_makes_trials_of_any_space_and_any_score)
{
    static const char *const spaces[] = {NULL, "{\"k\":[1.5]}",
                                         "{\"period\":{\"min\":7,\"max\":7}}",
                                         "{\"period\":[5,6],\"k\":{\"min\":0.5,\"max\":3}}"};
    static const uint64_t trials[] = {1, TPE_STARTUP, TPE_STARTUP + 1, 200};

    for (size_t s = 0; s < 4; s++) {
        space_t *space = space_of(spaces[s]);

        for (size_t n = 0; n < 4; n++)
            for (int kind = 0; kind < 4; kind++) {
                tpe_t *tpe = tpe_of(space, 3, trials[n]);
                const uint64_t size = space_size(space);
                const uint64_t wanted = trials[n] < size ? trials[n] : size;
                double params[TUNE_PARAMS_MAX];

                ck_assert_uint_eq(tpe_trials(tpe), wanted);
                for (uint64_t i = 0; i < wanted; i++) {
                    tpe_params(tpe, i, params);
                    ck_assert(params[0] >= 5 && params[0] <= 60);
                    ck_assert(params[1] >= 0.5 && params[1] <= 3);
                    tpe_tell(tpe, kind % 2,
                             kind < 2 ? (double)NAN
                             : i % 2  ? (double)INFINITY
                                      : -1.0);
                }
                ck_assert_uint_eq(tpe_ready(tpe), wanted);
                tpe_destroy(&tpe);
            }
        space_destroy(&space);
    }
}
END_TEST

/* ---- in a tune -------------------------------------------------------------------------- */

enum { TRIALS = 150 };

static struct trial *
run_tune_of(const char *name, const bars_t *bars, enum search_type type, uint64_t seed,
            double oos_ratio, size_t piece)
{
    strategy_t *strategy = help_strategy(name);
    struct tune_options options = TUNE_OPTIONS_DEFAULT;
    struct trial *trials = calloc(TRIALS, sizeof *trials);
    tune_plan_t *plan = NULL;
    char detail[256];

    options.search_type = type;
    options.n_trials = TRIALS;
    options.seed = seed;
    options.oos_ratio = oos_ratio;
    options.gate_max_drawdown_pct = 60;
    ck_assert_msg(tune_plan_new(bars, strategy, &options, &plan, detail, sizeof detail) ==
                      TM_OK,
                  "%s", detail);
    for (size_t first = 0; first < TRIALS; first += piece) {
        const size_t n = TRIALS - first < piece ? TRIALS - first : piece;
        ck_assert_int_eq(tune_run_range(plan, first, n, trials + first, NULL), TM_OK);
    }
    tune_plan_destroy(&plan);
    strategy_destroy(&strategy);
    return trials;
}

static struct trial *
run_tune(const bars_t *bars, uint64_t seed, double oos_ratio, size_t piece)
{
    return run_tune_of("bb_reversal", bars, SEARCH_TPE, seed, oos_ratio, piece);
}

START_TEST(any_pieces_give_the_same_bits)
{
    static const size_t pieces[] = {1, 7, 100};
    bars_t *bars = help_bars("tests/data/sp500_daily.csv");
    struct trial *wanted = run_tune(bars, 11, 0.3, TRIALS);

    for (size_t i = 0; i < 3; i++) {
        struct trial *trials = run_tune(bars, 11, 0.3, pieces[i]);

        ck_assert_int_eq(memcmp(wanted, trials, TRIALS * sizeof *trials), 0);
        free(trials);
    }
    free(wanted);
    bars_destroy(&bars);
}
END_TEST

START_TEST(a_piece_out_of_order_is_refused)
{
    bars_t *bars = help_bars("tests/data/sp500_daily.csv");
    strategy_t *strategy = help_strategy("bb_reversal");
    struct tune_options options = TUNE_OPTIONS_DEFAULT;
    struct trial trials[10];
    tune_plan_t *plan = NULL;

    options.search_type = SEARCH_TPE;
    ck_assert_int_eq(tune_plan_new(bars, strategy, &options, &plan, NULL, 0), TM_OK);
    ck_assert_int_eq(tune_run_range(plan, 10, 10, trials, NULL), TM_BAD_REQUEST);
    ck_assert_int_eq(tune_run_range(plan, 0, 10, trials, NULL), TM_OK);
    ck_assert_int_eq(tune_run_range(plan, 0, 10, trials, NULL), TM_BAD_REQUEST);
    ck_assert_int_eq(tune_run_range(plan, 10, 10, trials, NULL), TM_OK);
    tune_plan_destroy(&plan);
    strategy_destroy(&strategy);
    bars_destroy(&bars);
}
END_TEST

/* What is kept out of the sample does not steer the search: other prices there, the same
 * trials. */
START_TEST(nothing_is_learned_from_what_is_out_of_sample)
{
    bars_t *bars = help_bars("tests/data/sp500_daily.csv");
    struct trial *wanted = run_tune(bars, 2, 0.3, TRIALS), *trials;
    size_t first = bars->count - bars->count * 3 / 10 + 1;
    size_t others = 0;

    for (size_t i = first; i < bars->count; i++) {
        const double times = i % 50 < 25 ? 0.7 : 1.4;

        bars->open[i] *= times;
        bars->high[i] *= times;
        bars->low[i] *= times;
        bars->close[i] *= times;
    }
    trials = run_tune(bars, 2, 0.3, TRIALS);
    for (size_t i = 0; i < TRIALS; i++) {
        ck_assert_int_eq(memcmp(wanted[i].params, trials[i].params, sizeof trials[i].params),
                         0);
        others += wanted[i].score_oos != trials[i].score_oos;
    }
    ck_assert_uint_gt(others, TRIALS / 2);
    free(wanted);
    free(trials);
    bars_destroy(&bars);
}
END_TEST

static double
best_score(struct trial *trials)
{
    const double score = trials[help_best(trials, TRIALS)].score;

    free(trials);
    return score;
}

START_TEST(it_finds_better_params_on_a_real_series)
{
    static const char *const names[] = {"bb_reversal", "rsi_reversion", "sma_cross_ls",
                                        "donchian_breakout"};
    enum { SEEDS = 12, TUNES = SEEDS * 4 };
    bars_t *bars = help_bars("tests/data/sp500_daily.csv");
    double tpe = 0, random = 0;
    int won = 0;

    for (uint64_t i = 0; i < TUNES; i++) {
        const char *name = names[i % 4];
        const double a = best_score(run_tune_of(name, bars, SEARCH_TPE, i, 0, TRIALS));
        const double b = best_score(run_tune_of(name, bars, SEARCH_RANDOM, i, 0, TRIALS));

        won += a > b;
        tpe += a;
        random += b;
    }
    ck_assert_msg(won * 2 > TUNES && tpe > random, "better in %d of %d tunes: %g, %g", won,
                  TUNES, tpe / TUNES, random / TUNES);
    bars_destroy(&bars);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("tpe");
    TCase *all = suite_case(suite, "all", NULL, NULL);

    suite_tests(all, it_climbs_a_hill, it_begins_with_the_trials_of_a_random_search,
                it_tries_no_point_twice_and_ends_with_the_last_one,
                it_makes_trials_of_any_space_and_any_score, any_pieces_give_the_same_bits,
                a_piece_out_of_order_is_refused, nothing_is_learned_from_what_is_out_of_sample,
                it_finds_better_params_on_a_real_series);
    return suite_run(suite);
}
