/* What is said of figures when no language model says it. */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "actors/http/explain/explain_tune_text.h"
#include "actors/http/explain/qualifier.h"
#include "actors/kit/util/auto.h"
#include "tests/support/suite.h"

#define DASH "\xe2\x80\x94"

/* ' stands for ". */
static json_t *
facts_of(const char *text)
{
    char *copy = strdup(text);
    json_t *facts;

    for (char *at = copy; (at = strchr(at, '\''));)
        *at = '"';
    facts = json_loads(copy, 0, NULL);
    ck_assert_msg(facts != NULL, "%s", copy);
    free(copy);
    return facts;
}

#define WINNER                                                                     \
    "'winner':{'params':{'fast':10,'slow':2.5},'score':1.4,'objective_score':1.4," \
    "'score_is':1.4,'score_oos':1.234,'overfit_gap':0.166,"                        \
    "'in_sample':{'return_pct':80.04,'max_drawdown_pct':-15,'trades':71,"          \
    "'buy_hold_return_pct':80.04},"                                                \
    "'out_of_sample':{'return_pct':45.21,'max_drawdown_pct':-12.34,'trades':34,"   \
    "'buy_hold_return_pct':30.1}}"
#define ROUND(shape, kept)                                  \
    "'neighbourhood':{'trials':12,'passed':11,'kept':" kept \
    ",'median_score':1.1,'distance':0.1,"                   \
    "'shape':'" shape "'}"
#define REST                                                                           \
    "'trials':60,'counts':{'passed':41,'skipped':18,'failed':1},'objective':'sharpe'," \
    "'search':'grid','gates':{'evaluated_on':'primary'},'out_of_sample_share':0.3,"    \
    "'median_score':0.5,'dataset':{'bars':5104,'first':'2000-01-03T00:00:00.000Z',"    \
    "'last':'2020-04-17T00:00:00.000Z'},'overfit':{'pbo':0.12,'deflated_sharpe':0.93," \
    "'verdict':'unproven','level':'warn','why':['First.','Second.']}"
#define WHOLE "{" WINNER "," ROUND("plateau", "0.834") "," REST "}"

/* --- a tune ------------------------------------------------------------------------------- */

START_TEST(a_short_text_has_winner_neighbourhood_and_gap)
{
    tm_auto(json) facts = facts_of(WHOLE);
    tm_auto(tm_text) text = explain_tune_text(facts, EXPLAIN_SHORT);

    ck_assert_str_eq(
        text,
        "Of 60 trials 41 passed the gates. The best has fast = 10, slow = 2.5 and a score "
        "(sharpe) of 1.40, chosen by the bars in sample. In sample it returned 80.0 %, not "
        "more "
        "than the 80.0 % of buying and holding; it fell by at most 15.0 % and made 71 trades. "
        "Out of sample it returned 45.2 %, more than the 30.1 % of buying and holding; it fell "
        "by at most 12.3 % and made 34 trades. The 12 trials nearest to it keep 83 % of its "
        "lead over the median trial: it stands on a plateau. Verdict: unproven. First.");
}
END_TEST

START_TEST(a_detailed_text_says_all_in_paragraphs)
{
    static const char *const parts[] = {
        "Of 60 trials 41 passed",
        "\n\nThe 12 trials nearest to it keep 83 %",
        "small changes of the parameters change little. Their median score is 1.10, that of "
        "all "
        "trials 0.50.",
        "\n\nIn sample it scores 1.40, out of sample 1.23.",
        "\n\nVerdict: unproven. First. Second.",
        "\n\nThe search was grid, on 5104 bars from 2000-01-03 to 2020-04-17, of which the "
        "last "
        "30 % were kept for a test. A back-test shows what would have been, not what will be."};
    tm_auto(json) facts = facts_of(WHOLE);
    tm_auto(tm_text) text = explain_tune_text(facts, EXPLAIN_DETAILED);
    const char *at = text;

    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        at = strstr(at, parts[i]);
        ck_assert_msg(at != NULL, "%s is not in its place in %s", parts[i], text);
    }
    ck_assert_ptr_null(strstr(text, "\n\n\n"));
    ck_assert_ptr_null(strstr(text, "nan"));
}
END_TEST

START_TEST(the_same_facts_have_the_same_text)
{
    tm_auto(json) facts = facts_of(WHOLE);
    tm_auto(tm_text) first = explain_tune_text(facts, EXPLAIN_DETAILED);
    tm_auto(tm_text) second = explain_tune_text(facts, EXPLAIN_DETAILED);

    ck_assert_str_eq(first, second);
}
END_TEST

static const struct {
    const char *shape, *facts, *says, *says_not;
} shapes[] = {
    {"slope", "{" WINNER "," ROUND("slope", "0.3") "," REST "}", "keep 30 %", "it is a spike"},
    {"spike", "{" WINNER "," ROUND("spike", "0.05") "," REST "}", "it is a spike", "plateau"},
    {"below", "{" WINNER "," ROUND("spike", "-0.7") "," REST "}", "keep 0 %", "keep -"},
    {"unknown", "{" WINNER ",'neighbourhood':null," REST "}", "Verdict: unproven", "nearest"},
};

START_TEST(the_shape_of_the_neighbourhood_is_told)
{
    tm_auto(json) facts = facts_of(shapes[_i].facts);
    tm_auto(tm_text) text = explain_tune_text(facts, EXPLAIN_SHORT);

    ck_assert_msg(strstr(text, shapes[_i].says) != NULL, "%s: %s", shapes[_i].shape, text);
    ck_assert_msg(strstr(text, shapes[_i].says_not) == NULL, "%s: %s", shapes[_i].shape, text);
}
END_TEST

/* It may not sound like a test where the part chose the winner. */
START_TEST(a_winner_chosen_out_of_sample_is_said_to_be_so)
{
    tm_auto(json) facts = facts_of(WHOLE);
    tm_auto(tm_text) text = NULL;

    json_object_set_new(json_object_get(facts, "gates"), "evaluated_on", json_string("oos"));
    text = explain_tune_text(facts, EXPLAIN_DETAILED);
    ck_assert_ptr_nonnull(strstr(text, "chosen by the bars out of sample"));
    ck_assert_ptr_nonnull(strstr(text, "the last 30 % chose the winner."));
    ck_assert_ptr_null(strstr(text, "kept for a test"));
}
END_TEST

START_TEST(no_confidence_goes_beyond_the_verdict)
{
    static const char *const rows[][2] = {{"holds", "Confidence: High"},
                                          {"unproven", "Confidence: Medium"},
                                          {"overfit", "Confidence: Low"}};

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        tm_auto(json) facts = facts_of(WHOLE);
        char qualifier[200];

        json_object_set_new(json_object_get(facts, "overfit"), "verdict",
                            json_string(rows[i][0]));
        explain_tune_qualifier(facts, qualifier, sizeof(qualifier));
        ck_assert_msg(strncmp(qualifier, rows[i][1], strlen(rows[i][1])) == 0, "%s", qualifier);
    }
}
END_TEST

START_TEST(what_is_not_known_is_not_said)
{
    tm_auto(json) facts = facts_of(
        "{'winner':{'params':{},'score':1,'score_is':null,'score_oos':null,'overfit_gap':null,"
        "'objective_score':null,'out_of_sample':null,"
        "'in_sample':{'return_pct':null,'max_drawdown_pct':null,'trades':null}},'trials':1,"
        "'counts':{'passed':1},'objective':'calmar','search':'random','gates':"
        "{'evaluated_on':'primary'},'out_of_sample_share':0.3,'overfit':{'pbo':null,"
        "'deflated_sharpe':null},'neighbourhood':null,'dataset':{'bars':null}}");
    tm_auto(tm_text) brief = explain_tune_text(facts, EXPLAIN_SHORT);
    tm_auto(tm_text) whole = explain_tune_text(facts, EXPLAIN_DETAILED);

    ck_assert_ptr_null(strstr(brief, "nan"));
    ck_assert_ptr_null(strstr(whole, "nan"));
    ck_assert_ptr_null(strstr(whole, "sample"));
    ck_assert_ptr_null(strstr(whole, "Verdict"));
    ck_assert_ptr_null(strstr(whole, "PBO"));
}
END_TEST

START_TEST(without_a_winner_the_reasons_are_told)
{
    tm_auto(json) facts =
        facts_of("{'winner':null,'skipped_for':[{'reason':'gate:max_drawdown_pct','trials':40},"
                 "{'reason':'min_trades_not_met','trials':20}]," REST "}");
    char qualifier[100];

    for (unsigned i = 0; i < EXPLAIN_VERBOSITY_COUNT; i++) {
        tm_auto(tm_text) text = explain_tune_text(facts, (enum explain_verbosity)i);

        ck_assert_ptr_nonnull(strstr(text, "None of the 60 trials passed the gates"));
        ck_assert_ptr_nonnull(strstr(text,
                                     "They were skipped for gate:max_drawdown_pct (40 trials), "
                                     "min_trades_not_met (20 trials)."));
    }
    explain_tune_qualifier(facts, qualifier, sizeof(qualifier));
    ck_assert_str_eq(qualifier, "Confidence: Low " DASH " based on no valid trial.");
}
END_TEST

/* 0.4 * (1 - PBO) + 0.3 * deflated Sharpe + 0.3 * kept */
START_TEST(a_tune_is_trusted_by_its_numbers)
{
    static const struct {
        const char *overfit, *round, *text;
    } rows[] = {
        {"{'pbo':0.12,'deflated_sharpe':0.93}", ROUND("plateau", "0.8"),
         "Confidence: High " DASH
         " based on PBO 0.12, deflated Sharpe 0.93, a winner on a plateau."},
        {"{'pbo':0.5,'deflated_sharpe':0.5}", ROUND("slope", "0.3"),
         "Confidence: Medium " DASH
         " based on PBO 0.50, deflated Sharpe 0.50, a winner on a slope."},
        {"{'pbo':0.9,'deflated_sharpe':0.1}", ROUND("spike", "-3"),
         "Confidence: Low " DASH
         " based on PBO 0.90, deflated Sharpe 0.10, a winner on a spike."},
        {"null", "'neighbourhood':null",
         "Confidence: Medium " DASH " based on nothing known of its neighbours."},
        {"{'pbo':0,'deflated_sharpe':null}", "'neighbourhood':null",
         "Confidence: High " DASH " based on PBO 0.00, nothing known of its neighbours."},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char source[1000], qualifier[256];

        snprintf(source, sizeof(source), "{%s,%s,'overfit':%s}", WINNER, rows[i].round,
                 rows[i].overfit);
        tm_auto(json) facts = facts_of(source);
        explain_tune_qualifier(facts, qualifier, sizeof(qualifier));
        ck_assert_str_eq(qualifier, rows[i].text);
    }
}
END_TEST

/* --- a match ------------------------------------------------------------------------------ */

/* 0.4 * min(tags / 3, 1) + 0.4 * score + 0.2 * (0.3 | 0.1 | 0) */
static const struct {
    struct qualifier given;
    double score;
    const char *text;
} qualifiers[] = {
    {{3, 0.9, QUALIFIER_VALIDATED},
     0.82,
     "Confidence: High " DASH " based on 3 matching tags, validated backtest."},
    {{9, 1, QUALIFIER_VALIDATED},
     0.86,
     "Confidence: High " DASH " based on 9 matching tags, validated backtest."},
    {{3, 0.6, QUALIFIER_VALIDATED},
     0.70,
     "Confidence: High " DASH " based on 3 matching tags, validated backtest."},
    {{3, 0.59, QUALIFIER_VALIDATED},
     0.696,
     "Confidence: Medium " DASH " based on 3 matching tags, validated backtest."},
    {{3, 0.7, QUALIFIER_PRESENT},
     0.70,
     "Confidence: High " DASH " based on 3 matching tags, has backtest."},
    {{3, 0.75, QUALIFIER_NONE},
     0.70,
     "Confidence: High " DASH " based on 3 matching tags, no backtest."},
    {{1, 0.5, QUALIFIER_PRESENT},
     0.4 / 3 + 0.22,
     "Confidence: Low " DASH " based on 1 matching tag, has backtest."},
    {{0, 1, QUALIFIER_NONE},
     0.40,
     "Confidence: Medium " DASH " based on 0 matching tags, no backtest."},
    {{0, 0.99, QUALIFIER_NONE},
     0.396,
     "Confidence: Low " DASH " based on 0 matching tags, no backtest."},
    {{2, (double)NAN, QUALIFIER_NONE},
     0.8 / 3 + 0.2,
     "Confidence: Medium " DASH " based on 2 matching tags, no backtest."},
    {{0, (double)NAN, QUALIFIER_NONE},
     0.20,
     "Confidence: Low " DASH " based on 0 matching tags, no backtest."},
    {{3, 7, QUALIFIER_NONE},
     0.80,
     "Confidence: High " DASH " based on 3 matching tags, no backtest."},
    {{3, -7, QUALIFIER_NONE},
     0.40,
     "Confidence: Medium " DASH " based on 3 matching tags, no backtest."},
};

START_TEST(a_match_is_trusted_by_its_numbers)
{
    char text[200];

    qualifier_text(&qualifiers[_i].given, text, sizeof(text));
    ck_assert_str_eq(text, qualifiers[_i].text);
    ck_assert_double_eq_tol(qualifier_score(&qualifiers[_i].given), qualifiers[_i].score, 1e-9);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("explain text");
    TCase *tests = suite_case(suite, "explain text", NULL, NULL);

    suite_tests(tests, a_short_text_has_winner_neighbourhood_and_gap,
                a_detailed_text_says_all_in_paragraphs, the_same_facts_have_the_same_text);
    suite_rows(tests, the_shape_of_the_neighbourhood_is_told, shapes);
    suite_tests(tests, a_winner_chosen_out_of_sample_is_said_to_be_so,
                no_confidence_goes_beyond_the_verdict, what_is_not_known_is_not_said,
                without_a_winner_the_reasons_are_told, a_tune_is_trusted_by_its_numbers);
    suite_rows(tests, a_match_is_trusted_by_its_numbers, qualifiers);
    return suite_run(suite);
}
