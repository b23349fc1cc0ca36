#include "actors/tune/search/verdict.h"

#include <math.h>
#include <stdio.h>

#include "actors/tune/store/report.h"

#define PBO_OVERFIT     0.5
#define PBO_DOUBTFUL    0.2
#define GAP_HIGH        0.5
#define GAP_MODERATE    0.3
#define DEFLATED_ENOUGH 0.95
#define SENTENCE_BYTES  200

enum level { GOOD, WARN, BAD };

/* Whether it holds of these facts, and the figures that its sentence names. */
typedef bool holds_fn(const struct verdict_facts *facts, double figures[2]);

struct reason {
    enum level level;
    holds_fn *holds;
    const char *sentence; /* a format of up to two figures */
};

static bool
is_likely_luck(const struct verdict_facts *facts, double figures[2])
{
    figures[0] = facts->pbo;
    figures[1] = PBO_OVERFIT;
    return facts->pbo > PBO_OVERFIT;
}

static bool
gains_nothing(const struct verdict_facts *facts, double figures[2])
{
    figures[0] = facts->winner->score;
    return !(facts->winner->score > 0);
}

static bool
has_test(const struct verdict_facts *facts)
{
    return facts->is_split && !facts->was_chosen_on_oos;
}

static bool
fails_the_test(const struct verdict_facts *facts, double figures[2])
{
    figures[0] = facts->winner->score_oos;
    return has_test(facts) && facts->winner->score_oos <= 0;
}

static bool
has_no_figure_of_the_test(const struct verdict_facts *facts, double figures[2])
{
    (void)figures;
    return has_test(facts) && isnan(facts->winner->score_oos);
}

static bool
has_gap(const struct verdict_facts *facts, double figures[2])
{
    figures[0] = facts->winner->overfit_gap;
    return facts->is_split && facts->metric != OBJECTIVE_RETURN;
}

static bool
has_high_gap(const struct verdict_facts *facts, double figures[2])
{
    figures[1] = GAP_HIGH;
    return has_gap(facts, figures) && figures[0] > GAP_HIGH;
}

static bool
has_moderate_gap(const struct verdict_facts *facts, double figures[2])
{
    figures[1] = GAP_MODERATE;
    return has_gap(facts, figures) && figures[0] > GAP_MODERATE && figures[0] <= GAP_HIGH;
}

static bool
may_be_luck(const struct verdict_facts *facts, double figures[2])
{
    figures[0] = facts->deflated_sharpe;
    figures[1] = DEFLATED_ENOUGH;
    return facts->deflated_sharpe < DEFLATED_ENOUGH;
}

static bool
has_no_deflated_sharpe(const struct verdict_facts *facts, double figures[2])
{
    (void)figures;
    return isnan(facts->deflated_sharpe);
}

static bool
may_be_overfit(const struct verdict_facts *facts, double figures[2])
{
    figures[0] = facts->pbo;
    figures[1] = PBO_DOUBTFUL;
    return facts->pbo > PBO_DOUBTFUL && facts->pbo <= PBO_OVERFIT;
}

static bool
has_no_pbo(const struct verdict_facts *facts, double figures[2])
{
    (void)figures;
    return isnan(facts->pbo);
}

static bool
was_chosen_by_the_test(const struct verdict_facts *facts, double figures[2])
{
    (void)figures;
    return facts->is_split && facts->was_chosen_on_oos;
}

static bool
was_not_tested(const struct verdict_facts *facts, double figures[2])
{
    (void)figures;
    return !facts->is_split;
}

static const struct reason reasons[] = {
    {BAD, is_likely_luck,
     "The probability of back-test overfitting is %.2f, above %.2f: it is more likely lucky "
     "than "
     "good."},
    {BAD, gains_nothing,
     "It scores %.2f in the part that it was chosen by: nothing was found."},
    {BAD, fails_the_test, "It did not stand the test: out of sample it scores %.2f."},
    {BAD, has_high_gap,
     "Out of sample it scores %.2f less than in sample; above %.2f is high."},
    {WARN, was_chosen_by_the_test,
     "It was chosen by the out-of-sample part, so nothing is out of sample any more."},
    {WARN, was_not_tested, "Nothing was kept out of sample, so nothing tested it."},
    {WARN, has_no_figure_of_the_test, "Its score out of sample is undefined."},
    {WARN, has_moderate_gap,
     "Out of sample it scores %.2f less than in sample; above %.2f is moderate."},
    {WARN, may_be_luck,
     "The deflated Sharpe ratio is %.2f, under %.2f: the best of so many trials without skill "
     "may look as good."},
    {WARN, has_no_deflated_sharpe,
     "Its deflated Sharpe ratio is undefined: too few days or trials."},
    {WARN, may_be_overfit,
     "The probability of back-test overfitting is %.2f, above %.2f: it may owe something to "
     "luck."},
    {WARN, has_no_pbo,
     "The probability of back-test overfitting is undefined: too few trials or days."},
};

static const char *const words[] = {[GOOD] = "holds", [WARN] = "unproven", [BAD] = "overfit"};
static const char *const levels[] = {[GOOD] = "good", [WARN] = "warn", [BAD] = "bad"};

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
static json_t *
sentence(const char *format, const double figures[2])
{
    char text[SENTENCE_BYTES];

    snprintf(text, sizeof(text), format, figures[0], figures[1]);
    return json_string(text);
}
#pragma GCC diagnostic pop

static enum level
find_reasons(const struct verdict_facts *facts, json_t *why)
{
    enum level worst = GOOD;

    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
        double figures[2] = {(double)NAN, (double)NAN};

        if (!reasons[i].holds(facts, figures))
            continue;
        json_array_append_new(why, sentence(reasons[i].sentence, figures));
        if (reasons[i].level > worst)
            worst = reasons[i].level;
    }
    return worst;
}

json_t *
verdict_json(const struct verdict_facts *facts)
{
    json_t *why = json_array();
    enum level level = BAD;

    if (!facts->winner)
        json_array_append_new(why,
                              json_string("No trial is valid, so there is nothing to judge."));
    else if ((level = find_reasons(facts, why)) == GOOD)
        json_array_append_new(
            why, sentence("It stood the test: out of sample it scores %.2f.",
                          (const double[2]){facts->winner->score_oos, (double)NAN}));
    return json_pack("{s:o, s:o, s:I, s:I, s:s, s:s, s:o}", "pbo", report_number(facts->pbo),
                     "deflated_sharpe", report_number(facts->deflated_sharpe),
                     "distinct_trials", (json_int_t)facts->distinct_trials, "duplicates",
                     (json_int_t)facts->duplicates, "verdict",
                     facts->winner ? words[level] : "no_winner", "level", levels[level], "why",
                     why);
}
