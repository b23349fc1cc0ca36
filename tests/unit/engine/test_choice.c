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

static struct choice
choice_of(const space_t *space, uint64_t seed, uint64_t wanted)
{
    struct choice choice;

    ck_assert_int_eq(choice_init(&choice, space, seed, wanted), TM_OK);
    return choice;
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
            choice_params(&choice, space, seed, i, params);
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
        choice_params(&choice, space, 4, i, params);
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
    choice_params(&all, space, 0, 6, params);
    ck_assert(params[0] == 6 && params[1] == 1.2);
    ck_assert_uint_eq(all.duplicates, 0);
    choice_fini(&all);
    choice_fini(&some);
    space_destroy(&space);
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
    return suite_run(suite);
}
