/* Which points a grid and a random search try. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "actors/tune/engine/choice.h"
#include "tests/support/suite.h"
#include "tests/unit/engine/engine_help.h"

#define TWELVE "{\"period\":[5,6,7],\"k\":{\"min\":1,\"max\":1.3,\"step\":0.1}}"

static space_t *
space_of(const char *json, enum search_type type)
{
    strategy_t *strategy = help_strategy("bb_reversal");
    json_t *root = json_loads(json, 0, NULL);
    space_t *space = NULL;

    ck_assert_int_eq(space_parse(root, strategy, type, &space, NULL, 0), TM_OK);
    json_decref(root);
    strategy_destroy(&strategy);
    return space;
}

static struct ground ground; /* of the last choice */

static struct choice
choice_among(const space_t *space, const constraints_t *constraints, uint64_t seed,
             uint64_t wanted)
{
    struct choice choice;
    char detail[256] = "";

    ck_assert_msg(ground_init(&ground, space, constraints, seed, detail, sizeof detail) ==
                      TM_OK,
                  "%s", detail);
    ck_assert_int_eq(choice_init(&choice, &ground, wanted), TM_OK);
    return choice;
}

static struct choice
choice_of(const space_t *space, uint64_t seed, uint64_t wanted)
{
    return choice_among(space, NULL, seed, wanted);
}

START_TEST(a_random_search_tries_no_point_twice_and_ends_with_the_last_one)
{
    space_t *space = space_of(TWELVE, SEARCH_RANDOM);

    for (uint64_t seed = 0; seed < 50; seed++) {
        struct choice choice = choice_of(space, seed, 50);
        size_t seen[3][4] = {{0}};
        double params[TUNE_PARAMS_MAX];

        ck_assert_uint_eq(choice.count, 12);
        for (uint64_t i = 0; i < choice.count; i++) {
            choice_params(&choice, &ground, i, params);
            seen[(size_t)params[0] - 5][(size_t)((params[1] - 1) * 10 + 0.5)]++;
        }
        for (size_t i = 0; i < 12; i++)
            ck_assert_uint_eq(seen[i / 4][i % 4], 1);
        choice_fini(&choice);
    }
    space_destroy(&space);
}
END_TEST

/* Counted here by hand: the draws one after the other, and those that were there. */
START_TEST(draws_of_what_was_there_are_counted)
{
    space_t *space = space_of(TWELVE, SEARCH_RANDOM);
    double drawn[200][TUNE_PARAMS_MAX], params[TUNE_PARAMS_MAX];
    struct choice choice = choice_of(space, 4, 9);
    uint64_t distinct = 0, repeats = 0;

    for (uint64_t draw = 0; distinct < 9; draw++) {
        uint64_t same = 0;

        (void)space_params(space, 4, draw, params);
        for (uint64_t i = 0; i < distinct; i++)
            same += memcmp(drawn[i], params, sizeof params) == 0;
        ck_assert_uint_le(same, 1);
        repeats += same;
        if (!same)
            memcpy(drawn[distinct++], params, sizeof params);
    }
    ck_assert_uint_eq(choice.count, 9);
    ck_assert_uint_eq(choice.duplicates, repeats);
    ck_assert_uint_gt(repeats, 0);
    for (uint64_t i = 0; i < 9; i++) {
        choice_params(&choice, &ground, i, params);
        ck_assert_int_eq(memcmp(drawn[i], params, sizeof params), 0);
    }
    choice_fini(&choice);
    space_destroy(&space);
}
END_TEST

START_TEST(fewer_trials_are_the_first_of_more)
{
    space_t *space = space_of(TWELVE, SEARCH_RANDOM);
    struct choice few = choice_of(space, 4, 5), more = choice_of(space, 4, 11);

    ck_assert_int_eq(memcmp(few.draws, more.draws, 5 * sizeof *few.draws), 0);
    choice_fini(&few);
    choice_fini(&more);
    space_destroy(&space);
}
END_TEST

START_TEST(a_space_without_end_gives_every_draw)
{
    space_t *space = space_of("{\"period\":[5,6],\"k\":{\"min\":1,\"max\":3}}", SEARCH_RANDOM);
    struct choice choice = choice_of(space, 4, 5000);

    ck_assert_uint_eq(space_size(space), UINT64_MAX);
    ck_assert_uint_eq(choice.count, 5000);
    ck_assert_uint_eq(choice.duplicates, 0);
    ck_assert_uint_eq(choice.draws[4999], 4999);
    choice_fini(&choice);
    space_destroy(&space);
}
END_TEST

START_TEST(a_grid_is_its_points_in_order)
{
    space_t *space = space_of(TWELVE, SEARCH_GRID);
    struct choice all = choice_of(space, 0, 100), some = choice_of(space, 0, 5);
    double params[TUNE_PARAMS_MAX];

    ck_assert_uint_eq(all.count, 12);
    ck_assert_uint_eq(some.count, 5);
    choice_params(&all, &ground, 6, params);
    ck_assert(params[0] == 6 && params[1] == 1.2);
    ck_assert_uint_eq(all.duplicates, 0);
    choice_fini(&all);
    choice_fini(&some);
    space_destroy(&space);
}
END_TEST

/* ---- constraints ------------------------------------------------------------------------ */

static tm_err_t
constraints_of(const char *texts, constraints_t **ret, char detail[256])
{
    strategy_t *strategy = help_strategy("sma_cross");
    json_t *list = json_loads(texts, 0, NULL);
    const tm_err_t err = constraints_new(list, strategy, ret, detail, 256);

    json_decref(list);
    strategy_destroy(&strategy);
    return err;
}

static space_t *
cross_space(const char *json, enum search_type type)
{
    strategy_t *strategy = help_strategy("sma_cross");
    json_t *root = json_loads(json, 0, NULL);
    space_t *space = NULL;

    ck_assert_int_eq(space_parse(root, strategy, type, &space, NULL, 0), TM_OK);
    json_decref(root);
    strategy_destroy(&strategy);
    return space;
}

static const enum search_type types[] = {SEARCH_GRID, SEARCH_RANDOM};

START_TEST(points_that_break_a_constraint_are_not_there)
{
    space_t *space = cross_space("{\"fast\":{\"min\":1,\"max\":10,\"step\":1},"
                                 "\"slow\":{\"min\":1,\"max\":10,\"step\":1}}",
                                 types[_i]);
    bool seen[11][11] = {{false}};
    constraints_t *constraints = NULL;
    double params[TUNE_PARAMS_MAX];
    char detail[256] = "";

    ck_assert_msg(constraints_of("[\"fast < slow\",\"slow - fast < 3 or fast == 1\"]",
                                 &constraints, detail) == TM_OK,
                  "%s", detail);
    struct choice choice = choice_among(space, constraints, 7, 1000);
    uint64_t wanted = 0;

    for (int fast = 1; fast <= 10; fast++)
        for (int slow = fast + 1; slow <= 10; slow++)
            wanted += slow - fast < 3 || fast == 1;
    ck_assert_uint_eq(wanted, 24); /* 9 by one, 8 by two, and 1 with 4 to 10 */
    ck_assert_uint_eq(choice.count, wanted);
    ck_assert_uint_eq(ground.points, wanted);
    for (uint64_t i = 0; i < choice.count; i++) {
        choice_params(&choice, &ground, i, params);
        const size_t fast = (size_t)params[0], slow = (size_t)params[1];

        ck_assert(fast < slow && (slow - fast < 3 || fast == 1) && !seen[fast][slow]);
        seen[fast][slow] = true;
    }
    choice_fini(&choice);
    constraints_destroy(&constraints);
    space_destroy(&space);
}
END_TEST

START_TEST(constraints_that_nothing_keeps_to_are_refused)
{
    static const char *const spaces[] = {
        "{\"fast\":[5,10],\"slow\":[20]}",
        "{\"fast\":{\"min\":1,\"max\":200},\"slow\":{\"min\":1,\"max\":1000,\"step\":1}}"};
    space_t *space = cross_space(spaces[_i], SEARCH_RANDOM);
    constraints_t *constraints = NULL;
    char detail[256] = "";

    ck_assert_int_eq(constraints_of("[\"fast > 2 * slow + 1000\"]", &constraints, detail),
                     TM_OK);
    ck_assert_int_eq(ground_init(&ground, space, constraints, 7, detail, sizeof detail),
                     TM_INVALID_CONSTRAINT);
    ck_assert_ptr_nonnull(strstr(detail, "no point of the space keeps to the constraints"));
    constraints_destroy(&constraints);
    space_destroy(&space);
}
END_TEST

/* A space without end is sampled: one in three is enough, one in 25,000 is not. */
START_TEST(constraints_that_hardly_a_point_keeps_to_are_refused)
{
    space_t *space = space_of("{\"k\":{\"min\":0,\"max\":3}}", SEARCH_RANDOM);
    strategy_t *strategy = help_strategy("bb_reversal");
    json_t *few = json_loads("[\"k > 2.99988\"]", 0, NULL),
           *many = json_loads("[\"k > 2\"]", 0, NULL);
    constraints_t *constraints = NULL;
    double params[TUNE_PARAMS_MAX];
    char detail[256] = "";

    ck_assert_int_eq(constraints_new(few, strategy, &constraints, NULL, 0), TM_OK);
    ck_assert_int_eq(ground_init(&ground, space, constraints, 7, detail, sizeof detail),
                     TM_INVALID_CONSTRAINT);
    ck_assert_ptr_nonnull(strstr(detail, "fewer than one in a thousand points"));
    constraints_destroy(&constraints);
    ck_assert_int_eq(constraints_new(many, strategy, &constraints, NULL, 0), TM_OK);
    struct choice choice = choice_among(space, constraints, 7, 500);

    ck_assert_uint_eq(choice.count, 500);
    for (uint64_t i = 0; i < 500; i++) {
        choice_params(&choice, &ground, i, params);
        ck_assert(params[1] > 2);
    }
    choice_fini(&choice);
    constraints_destroy(&constraints);
    json_decref(few);
    json_decref(many);
    strategy_destroy(&strategy);
    space_destroy(&space);
}
END_TEST

static const struct {
    const char *texts, *why;
} wrong[] = {
    {"[\"fast <\"]", "\"fast <\": position 7"},
    {"[\"fsat < slow\"]", "\"fsat < slow\": position 1"},
    {"[\"close < fast\"]", "looks at bars"},
    {"[\"sma(close, 5) > fast\"]", "looks at bars"},
    {"[\"fast + slow\"]", "is a number; a constraint is a condition"},
    {"[\"fast < slow\", 7]", "condition 2 is not a text"},
};

START_TEST(what_is_no_condition_over_params_is_refused)
{
    constraints_t *constraints = NULL;
    char detail[256] = "";

    ck_assert_int_eq(constraints_of(wrong[_i].texts, &constraints, detail),
                     TM_INVALID_CONSTRAINT);
    ck_assert_msg(strstr(detail, wrong[_i].why) != NULL, "%s", detail);
    ck_assert_ptr_null(constraints);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("choice");
    TCase *all = suite_case(suite, "all", NULL, NULL);

    suite_tests(all, a_random_search_tries_no_point_twice_and_ends_with_the_last_one,
                draws_of_what_was_there_are_counted, fewer_trials_are_the_first_of_more,
                a_space_without_end_gives_every_draw, a_grid_is_its_points_in_order);
    suite_rows(all, points_that_break_a_constraint_are_not_there, types);
    tcase_add_loop_test(all, constraints_that_nothing_keeps_to_are_refused, 0, 2);
    suite_tests(all, constraints_that_hardly_a_point_keeps_to_are_refused);
    suite_rows(all, what_is_no_condition_over_params_is_refused, wrong);
    return suite_run(suite);
}
