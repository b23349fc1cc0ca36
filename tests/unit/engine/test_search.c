#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actors/kit/fields/decimal_steps.h"
#include "tests/unit/engine/engine_help.h"
#include "tests/support/suite.h"

static char detail[256];

static tm_err_t
parse(const char *json, const char *strategy_name, enum search_type type, space_t **ret)
{
    strategy_t *strategy = help_strategy(strategy_name);
    json_t *space = json ? json_loads(json, 0, NULL) : NULL;

    ck_assert(!json || space);
    detail[0] = '\0';
    const tm_err_t err = space_parse(space, strategy, type, ret, detail, sizeof detail);
    json_decref(space);
    strategy_destroy(&strategy);
    return err;
}

static space_t *
good(const char *json, enum search_type type)
{
    space_t *space = NULL;

    ck_assert_msg(parse(json, "bb_reversal", type, &space) == TM_OK, "%s: %s", json, detail);
    return space;
}

START_TEST(a_grid_enumerates_in_order_the_last_param_fastest)
{
    space_t *space = good("{\"k\":[1.0,2.5],\"period\":[30,10,20]}", SEARCH_GRID);
    static const double wanted[6][2] = {{30, 1},   {30, 2.5}, {10, 1},
                                        {10, 2.5}, {20, 1},   {20, 2.5}};
    double params[TUNE_PARAMS_MAX];

    ck_assert_uint_eq(space_size(space), 6);
    for (size_t i = 0; i < 6; i++) {
        space_params(space, 99, i, params);
        ck_assert(params[0] == wanted[i][0] && params[1] == wanted[i][1]);
    }
    space_destroy(&space);
}
END_TEST

START_TEST(a_range_is_five_points_of_a_grid_or_its_steps)
{
    space_t *space = good("{\"k\":{\"min\":1,\"max\":3}}", SEARCH_GRID);
    double params[TUNE_PARAMS_MAX];

    ck_assert_uint_eq(space_size(space), 5);
    space_params(space, 0, 1, params);
    ck_assert(params[0] == 20 && params[1] == 1.5);
    space_destroy(&space);
    space = good("{\"k\":{\"min\":0.1,\"max\":0.7,\"step\":0.1}}", SEARCH_GRID);
    ck_assert_uint_eq(space_size(space), 7);
    space_destroy(&space);
    space = good("{\"period\":{\"min\":5,\"max\":7}}", SEARCH_GRID);
    ck_assert_uint_eq(space_size(space), 3);
    space_destroy(&space);
    space = good("{\"period\":{\"min\":7,\"max\":7},\"k\":[1]}", SEARCH_GRID);
    ck_assert_uint_eq(space_size(space), 1);
    space_destroy(&space);
}
END_TEST

/* The doubles that the written decimals are, and not what sums of binary fractions come to. */
START_TEST(steps_are_the_decimals_that_a_person_writes)
{
    static const struct {
        const char *space;
        enum search_type type;
        size_t count;
        double values[8];
    } cases[] = {
        {"{\"k\":{\"min\":0.1,\"max\":0.7,\"step\":0.1}}",
         SEARCH_GRID,
         7,
         {0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7}},
        {"{\"k\":{\"min\":0.1,\"max\":0.75,\"step\":0.3}}", SEARCH_GRID, 3, {0.1, 0.4, 0.7}},
        {"{\"k\":{\"min\":0.1,\"max\":0.7}}", SEARCH_GRID, 5, {0.1, 0.25, 0.4, 0.55, 0.7}},
        {"{\"k\":{\"min\":1.1,\"max\":1.5}}", SEARCH_GRID, 5, {1.1, 1.2, 1.3, 1.4, 1.5}},
        {"{\"k\":{\"min\":0.7,\"max\":1.1,\"step\":0.05}}",
         SEARCH_GRID,
         8, /* and 1.1 */
         {0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 1.0, 1.05}},
        {"{\"k\":{\"min\":2.2,\"max\":2.2}}", SEARCH_GRID, 1, {2.2}},
    };
    double params[TUNE_PARAMS_MAX];

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        space_t *space = good(cases[i].space, cases[i].type);

        ck_assert_uint_eq(space_size(space), i == 4 ? 9 : cases[i].count);
        for (size_t k = 0; k < cases[i].count; k++) {
            space_params(space, 0, k, params);
            ck_assert_msg(params[1] == cases[i].values[k], "%s: %.17g", cases[i].space,
                          params[1]);
        }
        space_destroy(&space);
    }
}
END_TEST

/* Of whole numbers, a text, and the C library's reading of it. */
START_TEST(every_step_is_the_double_nearest_to_its_decimal)
{
    static const char *const firsts[] = {"0", "0.1", "-3.7", "1e-7", "123456.789", "2e15"};
    static const long long units[] = {0, 1, -37, 1, 123456789, 2000000000000000};
    static const int places[] = {0, 1, 1, 7, 3, 0};

    for (size_t i = 0; i < 6; i++)
        for (int step = 1; step < 40; step += 6) {
            struct decimal_steps steps;
            char text[64];

            snprintf(text, sizeof text, "%de-%d", step, places[i]);
            const double width = strtod(text, NULL), first = strtod(firsts[i], NULL);
            snprintf(text, sizeof text, "%llde-%d", units[i] + 1000LL * step, places[i]);
            ck_assert(decimal_steps_between(first, strtod(text, NULL), width, &steps));
            ck_assert_uint_eq(steps.count, 1001);
            for (int k = 0; k <= 1000; k++) {
                snprintf(text, sizeof text, "%llde-%d", units[i] + (long long)k * step,
                         places[i]);
                ck_assert_msg(decimal_steps_at(&steps, (uint64_t)k) == strtod(text, NULL),
                              "%s: %.17g", text, decimal_steps_at(&steps, (uint64_t)k));
            }
        }
}
END_TEST

START_TEST(a_random_search_draws_steps_as_they_are_written)
{
    space_t *space = good("{\"k\":{\"min\":0.1,\"max\":0.3,\"step\":0.1}}", SEARCH_RANDOM);
    double params[TUNE_PARAMS_MAX];
    size_t seen[3] = {0};

    ck_assert_uint_eq(space_size(space), 3);
    for (uint64_t i = 0; i < 300; i++) {
        space_params(space, 5, i, params);
        ck_assert_msg(params[1] == 0.1 || params[1] == 0.2 || params[1] == 0.3, "%.17g",
                      params[1]);
        seen[(size_t)(params[1] * 10 + 0.5) - 1]++;
    }
    ck_assert(seen[0] > 50 && seen[1] > 50 && seen[2] > 50);
    space_destroy(&space);
}
END_TEST

/* A key tells a point from every other, and is the same whenever the point is drawn. */
static void
expect_keys_tell_points(const char *json, uint64_t draws)
{
    space_t *space = good(json, SEARCH_RANDOM);
    double(*points)[TUNE_PARAMS_MAX] = calloc(draws, sizeof *points);
    uint64_t *keys = calloc(draws, sizeof *keys);

    ck_assert(points && keys);
    for (uint64_t i = 0; i < draws; i++) {
        keys[i] = space_params(space, 3, i, points[i]);
        ck_assert_uint_ne(keys[i], UINT64_MAX);
        for (uint64_t k = 0; k < i; k++)
            ck_assert_int_eq(keys[i] == keys[k],
                             memcmp(points[i], points[k], sizeof *points) == 0);
    }
    free(points);
    free(keys);
    space_destroy(&space);
}

START_TEST(a_points_key_tells_it_from_every_other)
{
    expect_keys_tell_points("{\"period\":[5,6,7],\"k\":[1,2,3,4]}", 300);
    expect_keys_tell_points("{\"period\":[5,6,7],\"k\":{\"min\":1,\"max\":3}}", 300);
}
END_TEST

START_TEST(random_trials_are_a_function_of_seed_and_index)
{
    space_t *a =
        good("{\"period\":{\"min\":5,\"max\":50},\"k\":{\"min\":1,\"max\":3}}", SEARCH_RANDOM);
    space_t *b =
        good("{\"k\":{\"max\":3,\"min\":1},\"period\":{\"max\":50,\"min\":5}}", SEARCH_RANDOM);
    double x[TUNE_PARAMS_MAX], y[TUNE_PARAMS_MAX];
    size_t same = 0;

    for (uint64_t i = 0; i < 1000; i++) {
        space_params(a, 7, i, x);
        space_params(b, 7, i, y);
        ck_assert_int_eq(memcmp(x, y, sizeof x), 0);
        space_params(b, 8, i, y);
        same += x[1] == y[1];
    }
    ck_assert_uint_eq(same, 0);
    space_destroy(&a);
    space_destroy(&b);
}
END_TEST

START_TEST(random_trials_cover_the_space_evenly)
{
    space_t *space = good("{\"period\":{\"min\":5,\"max\":14},\"k\":[1,2,4]}", SEARCH_RANDOM);
    size_t periods[15] = {0}, ks[5] = {0};
    double params[TUNE_PARAMS_MAX];

    for (uint64_t i = 0; i < 30000; i++) {
        space_params(space, 1, i, params);
        ck_assert(params[0] >= 5 && params[0] <= 14 && floor(params[0]) == params[0]);
        periods[(size_t)params[0]]++;
        ks[(size_t)params[1]]++;
    }
    for (size_t i = 5; i <= 14; i++)
        ck_assert(periods[i] > 2700 && periods[i] < 3300);
    ck_assert(ks[1] > 9600 && ks[2] > 9600 && ks[4] > 9600);
    ck_assert_uint_eq(space_size(space), 30);
    space_destroy(&space);
}
END_TEST

START_TEST(a_space_is_derived_from_the_strategy)
{
    space_t *space = good(NULL, SEARCH_GRID);
    double params[TUNE_PARAMS_MAX];

    ck_assert_uint_eq(space_size(space), 25);
    space_params(space, 0, 24, params);
    ck_assert(params[0] == 60 && params[1] == 3);
    space_destroy(&space);
}
END_TEST

START_TEST(wrong_spaces_are_told)
{
    static const char *const cases[][2] = {
        {"[]", "must be an object"},
        {"{}", "is empty"},
        {"{\"q\":[1]}", "has no param q"},
        {"{\"perod\":[10]}", "has no param perod; did you mean period?"},
        {"{\"period\":[]}", "period: a list has from 1"},
        {"{\"period\":[10,\"x\"]}", "period: value 2"},
        {"{\"period\":[10.5]}", "period: value 1: 10.5 is not a whole number from 1 to 500"},
        {"{\"period\":[10,10]}", "listed twice"},
        {"{\"period\":[0]}", "period: value 1: 0 is not a whole number from 1 to 500"},
        {"{\"period\":7}", "period: is neither a list"},
        {"{\"period\":null}", "period: is neither a list"},
        {"{\"k\":{\"min\":1}}", "k: max: is missing"},
        {"{\"k\":{\"min\":3,\"max\":1}}", "above max"},
        {"{\"k\":{\"min\":1,\"max\":3,\"step\":0}}", "k: step: is not a number above 0"},
        {"{\"k\":{\"min\":1,\"max\":3,\"step\":-1}}", "k: step: is not a number above 0"},
        {"{\"k\":{\"min\":1,\"max\":3,\"step\":1e-9}}", "more than 1000000 points"},
        {"{\"k\":{\"min\":1,\"max\":3,\"stpe\":1}}",
         "k: stpe: is not known here; did you mean step?"},
        {"{\"k\":{\"min\":1,\"max\":3,\"type\":\"text\"}}", "k: type: "},
        {"{\"period\":{\"min\":1,\"max\":3,\"type\":\"float\"}}", "period: type: "},
        {"{\"k\":{\"min\":1e-300,\"max\":3,\"step\":1}}", "differ too much in size"},
        {"{\"k\":{\"min\":1e-300,\"max\":3}}", "differ too much in size"},
        {"{\"k\":{\"min\":1,\"max\":1e300}}", "k: max: 1e+300 is not a number from"},
    };
    space_t *space = NULL;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ck_assert_int_eq(parse(cases[i][0], "bb_reversal", SEARCH_GRID, &space),
                         TM_INVALID_PARAM_SPACE);
        ck_assert_msg(strstr(detail, cases[i][1]) != NULL, "%s: %s", cases[i][0], detail);
        ck_assert_ptr_null(space);
    }
}
END_TEST

START_TEST(a_range_too_narrow_to_be_drawn_from_is_refused)
{
    space_t *space = NULL;

    ck_assert_int_eq(parse("{\"k\":{\"min\":1,\"max\":1.0000000000000004}}", "bb_reversal",
                           SEARCH_RANDOM, &space),
                     TM_INVALID_PARAM_SPACE);
    ck_assert_msg(strstr(detail, "too few numbers: give a list or a step") != NULL, "%s",
                  detail);
}
END_TEST

START_TEST(a_grid_beyond_all_counting_is_refused)
{
    char json[2048] = "{\"id\":\"8fd7589a-97c6-49bf-a65e-357fb063fe33\",\"name\":\"x\","
                      "\"entry_long\":\"close > 1\",\"params\":{";
    char space_json[2048] = "{";
    space_t *space = NULL;

    for (int i = 0; i < 5; i++) {
        snprintf(json + strlen(json), sizeof json - strlen(json),
                 "%s\"p%d\":{\"type\":\"float\",\"min\":0,\"max\":1,\"default\":0}",
                 i ? "," : "", i);
        snprintf(space_json + strlen(space_json), sizeof space_json - strlen(space_json),
                 "%s\"p%d\":{\"min\":0,\"max\":1,\"step\":0.00001}", i ? "," : "", i);
    }
    strcat(json, "}}");
    strcat(space_json, "}");
    strategy_t *strategy = help_strategy_text(json);
    json_t *spec = json_loads(space_json, 0, NULL);
    ck_assert_int_eq(space_parse(spec, strategy, SEARCH_GRID, &space, detail, sizeof detail),
                     TM_GRID_TOO_LARGE);
    ck_assert_ptr_nonnull(strstr(detail, "2^64"));
    ck_assert_int_eq(space_parse(spec, strategy, SEARCH_RANDOM, &space, detail, sizeof detail),
                     TM_OK);
    ck_assert_uint_eq(space_size(space), UINT64_MAX);
    space_destroy(&space);
    json_decref(spec);
    strategy_destroy(&strategy);
}
END_TEST

START_TEST(no_params_and_no_search_have_their_own_errors)
{
    strategy_t *strategy =
        help_strategy_text("{\"id\":\"8fd7589a-97c6-49bf-a65e-357fb063fe33\",\"name\":\"x\","
                           "\"entry_long\":\"close > 1\"}");
    enum search_type type = SEARCH_GRID;
    space_t *space = NULL;

    ck_assert_int_eq(space_parse(NULL, strategy, SEARCH_GRID, &space, detail, sizeof detail),
                     TM_NO_TUNABLE_PARAMS);
    ck_assert_int_eq(search_type_parse("Grid", &type), TM_INVALID_SEARCH_TYPE);
    ck_assert_int_eq(search_type_parse("tpe", &type), TM_OK);
    ck_assert_int_eq(type, SEARCH_TPE);
    strategy_destroy(&strategy);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("search");
    TCase *all = suite_case(suite, "all", NULL, NULL);

    suite_tests(
        all, steps_are_the_decimals_that_a_person_writes,
        every_step_is_the_double_nearest_to_its_decimal,
        a_random_search_draws_steps_as_they_are_written, a_points_key_tells_it_from_every_other,
        a_range_too_narrow_to_be_drawn_from_is_refused,
        a_grid_enumerates_in_order_the_last_param_fastest,
        a_range_is_five_points_of_a_grid_or_its_steps,
        random_trials_are_a_function_of_seed_and_index, random_trials_cover_the_space_evenly,
        a_space_is_derived_from_the_strategy, wrong_spaces_are_told,
        a_grid_beyond_all_counting_is_refused, no_params_and_no_search_have_their_own_errors);
    return suite_run(suite);
}
