/* Which figures lead to which verdict, each reason alone and next to its limit. */
#include <check.h>
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "actors/kit/util/auto.h"
#include "actors/tune/search/verdict.h"
#include "tests/support/suite.h"

static const struct leader good_one = {.score = 1.2,
                                       .objective_score = 1.2,
                                       .score_is = 1.2,
                                       .score_oos = 1.1,
                                       .overfit_gap = 0.1};

static struct verdict_facts
good_facts(void)
{
    return (struct verdict_facts){.winner = &good_one,
                                  .is_split = true,
                                  .metric = OBJECTIVE_SHARPE,
                                  .pbo = 0.1,
                                  .deflated_sharpe = 0.97};
}

static void
expect(const struct verdict_facts *facts, const char *verdict, const char *level,
       size_t sentences, const char *first)
{
    tm_auto(json) json = verdict_json(facts);
    const json_t *why = json_object_get(json, "why");

    ck_assert_str_eq(json_string_value(json_object_get(json, "verdict")), verdict);
    ck_assert_str_eq(json_string_value(json_object_get(json, "level")), level);
    ck_assert_uint_eq(json_array_size(why), sentences);
    ck_assert_msg(strstr(json_string_value(json_array_get(why, 0)), first) != NULL, "%s",
                  json_string_value(json_array_get(why, 0)));
}

START_TEST(what_nothing_speaks_against_holds)
{
    struct verdict_facts facts = good_facts();

    expect(&facts, "holds", "good", 1, "out of sample it scores 1.10");
}
END_TEST

START_TEST(without_a_winner_there_is_nothing_to_judge)
{
    struct verdict_facts facts = good_facts();

    facts.winner = NULL;
    expect(&facts, "no_winner", "bad", 1, "No trial is valid");
}
END_TEST

static const struct {
    double pbo, deflated;
    const char *verdict, *why;
} luck[] = {
    {0.51, 0.97, "overfit", "0.51, above 0.50"},
    {0.50, 0.97, "unproven", "0.50, above 0.20"},
    {0.21, 0.97, "unproven", "0.21, above 0.20"},
    {0.20, 0.97, "holds", "stood the test"},
    {NAN, 0.97, "unproven", "undefined: too few trials"},
    {0.20, 0.95, "holds", "stood the test"},
    {0.20, 0.94, "unproven", "0.94, under 0.95"},
    {0.20, NAN, "unproven", "deflated Sharpe ratio is undefined"},
};

START_TEST(luck_is_judged_by_both_figures)
{
    struct verdict_facts facts = good_facts();

    facts.pbo = luck[_i].pbo;
    facts.deflated_sharpe = luck[_i].deflated;
    expect(&facts, luck[_i].verdict,
           strcmp(luck[_i].verdict, "overfit") == 0 ? "bad"
           : strcmp(luck[_i].verdict, "holds") == 0 ? "good"
                                                    : "warn",
           1, luck[_i].why);
}
END_TEST

static const struct {
    struct leader winner;
    enum objective metric;
    bool is_split, was_chosen_on_oos;
    const char *verdict, *why;
    size_t sentences;
} winners[] = {
    {{.score = -0.02, .score_is = -0.02, .score_oos = 0.4, .overfit_gap = -0.42},
     OBJECTIVE_SHARPE,
     true,
     false,
     "overfit",
     "-0.02 in the part that it was chosen by",
     1},
    {{.score = 1, .score_is = 1, .score_oos = 0, .overfit_gap = 1},
     OBJECTIVE_SHARPE,
     true,
     false,
     "overfit",
     "did not stand the test",
     2},
    {{.score = 1.3, .score_is = 1.3, .score_oos = 0.79, .overfit_gap = 0.51},
     OBJECTIVE_CALMAR,
     true,
     false,
     "overfit",
     "0.51 less than in sample; above 0.50",
     1},
    {{.score = 1.3, .score_is = 1.3, .score_oos = 0.8, .overfit_gap = 0.5},
     OBJECTIVE_SHARPE,
     true,
     false,
     "unproven",
     "0.50 less than in sample; above 0.30",
     1},
    /* a return of 40 % in sample and 12 % in the shorter part is no gap */
    {{.score = 40, .score_is = 40, .score_oos = 12, .overfit_gap = 28},
     OBJECTIVE_RETURN,
     true,
     false,
     "holds",
     "it scores 12.00",
     1},
    {{.score = 1, .score_is = 1, .score_oos = NAN, .overfit_gap = NAN},
     OBJECTIVE_SHARPE,
     true,
     false,
     "unproven",
     "out of sample is undefined",
     1},
    {{.score = 1, .score_is = NAN, .score_oos = NAN, .overfit_gap = NAN},
     OBJECTIVE_SHARPE,
     false,
     false,
     "unproven",
     "nothing tested it",
     1},
    {{.score = 1, .score_is = 1, .score_oos = 1, .overfit_gap = 0},
     OBJECTIVE_SHARPE,
     true,
     true,
     "unproven",
     "chosen by the out-of-sample part",
     1},
    /* chosen by what it now scores: no test that it could fail, but nothing was found */
    {{.score = -1, .score_is = 1, .score_oos = -1, .overfit_gap = 2},
     OBJECTIVE_SHARPE,
     true,
     true,
     "overfit",
     "-1.00 in the part that it was chosen by",
     3},
};

START_TEST(the_winners_scores_are_judged)
{
    struct verdict_facts facts = good_facts();

    facts.winner = &winners[_i].winner;
    facts.metric = winners[_i].metric;
    facts.is_split = winners[_i].is_split;
    facts.was_chosen_on_oos = winners[_i].was_chosen_on_oos;
    expect(&facts, winners[_i].verdict,
           strcmp(winners[_i].verdict, "overfit") == 0 ? "bad"
           : strcmp(winners[_i].verdict, "holds") == 0 ? "good"
                                                       : "warn",
           winners[_i].sentences, winners[_i].why);
}
END_TEST

START_TEST(the_worst_reason_comes_first_and_figures_stay_as_they_are)
{
    struct verdict_facts facts = good_facts();
    tm_auto(json) json = NULL;

    facts.pbo = 0.75;
    facts.deflated_sharpe = NAN;
    expect(&facts, "overfit", "bad", 2, "0.75, above 0.50");
    json = verdict_json(&facts);
    ck_assert_double_eq(json_number_value(json_object_get(json, "pbo")), 0.75);
    ck_assert(json_is_null(json_object_get(json, "deflated_sharpe")));
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("verdict");
    TCase *tcase = suite_case(suite, "verdict", NULL, NULL);

    suite_tests(tcase, what_nothing_speaks_against_holds,
                without_a_winner_there_is_nothing_to_judge);
    suite_rows(tcase, luck_is_judged_by_both_figures, luck);
    suite_rows(tcase, the_winners_scores_are_judged, winners);
    suite_tests(tcase, the_worst_reason_comes_first_and_figures_stay_as_they_are);
    return suite_run(suite);
}
