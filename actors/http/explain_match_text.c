#include "actors/http/explain_match_text.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "actors/http/qualifier.h"

/* --- facts -------------------------------------------------------------------------------- */

static const json_t *
backtest(const json_t *facts)
{
    return json_object_get(facts, "strategy");
}

static double
number(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);

    return json_is_number(value) ? json_number_value(value) : (double)NAN;
}

static const char *
word(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text ? text : "";
}

static void
write_list(FILE *out, const json_t *list)
{
    const json_t *item;
    size_t index;

    json_array_foreach(list, index, item)
    {
        fprintf(out, "%s%s", index ? ", " : "", json_string_value(item));
    }
}

/* --- sentences ---------------------------------------------------------------------------- */

static void
write_tags(FILE *out, const json_t *facts)
{
    const json_t *matched = json_object_get(facts, "matched_tags");
    const size_t count = json_array_size(matched);

    fprintf(out, "The strategy %s ", word(backtest(facts), "name"));
    if (count == 0) {
        fputs("has no tag of what was asked for.", out);
        return;
    }
    fprintf(out, "has %zu tag%s of what was asked for: ", count, count == 1 ? "" : "s");
    write_list(out, matched);
    fputc('.', out);
}

static void
write_fit(FILE *out, const json_t *facts)
{
    const double score = number(facts, "score"), place = number(facts, "place"),
                 candidates = number(facts, "candidates");

    if (isnan(score))
        fputs(" It is not among what the run found, so how well it fits is not known.", out);
    else if (candidates > 1)
        fprintf(out,
                " It fits by %.2f (1 is everything), number %.0f of the %.0f that were found.",
                score, place, candidates);
    else
        fprintf(out, " It fits by %.2f (1 is everything), and is all that was found.", score);
}

static void
write_backtest(FILE *out, const json_t *facts)
{
    const char *status = word(backtest(facts), "backtest_status");
    const double score = number(backtest(facts), "best_oos_score"),
                 drawdown = number(backtest(facts), "max_drawdown");

    if (strcmp(status, "validated") == 0)
        fprintf(out, " Its best tune scores %.2f on bars that the search had not seen", score);
    else if (strcmp(status, "backtested") == 0)
        fputs(" It has been back-tested, but not on bars that the search had not seen", out);
    else
        fputs(" No back-test of it is there yet", out);
    if (!isnan(drawdown))
        fprintf(out, "; it fell by at most %.1f %%", fabs(drawdown));
    fputc('.', out);
}

static void
write_missing(FILE *out, const json_t *facts)
{
    const json_t *missing = json_object_get(facts, "missing");

    if (json_array_size(missing) == 0) {
        fputs("All that was asked for by name is among its tags.", out);
        return;
    }
    fputs("Asked for, and not among its tags: ", out);
    write_list(out, missing);
    fputc('.', out);
}

static const struct {
    const char *code, *words;
} reasons[] = {
    {"LOW_SIGNAL_INPUT", "the question said too little to judge the fit"},
    {"NO_RESULTS", "no strategy was found"},
    {"LOW_BEST_SCORE", "even the best strategy fits poorly"},
    {"NO_RESULTS_ABOVE_THRESHOLD", "none fits well"},
};

static void
write_run(FILE *out, const json_t *facts)
{
    const json_t *codes = json_object_get(facts, "reason_codes"), *code;
    const char *separator = "";
    size_t index;

    if (json_array_size(codes) == 0) {
        fputs("The run found enough.", out);
        return;
    }
    fputs("Of the run as a whole: ", out);
    json_array_foreach(codes, index, code)
    {
        for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
            if (strcmp(reasons[i].code, json_string_value(code)) == 0) {
                fprintf(out, "%s%s", separator, reasons[i].words);
                separator = "; ";
            }
    }
    fputc('.', out);
}

/* --- texts -------------------------------------------------------------------------------- */

char *
explain_match_text(const json_t *facts, enum explain_verbosity verbosity)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    if (!out)
        return NULL;
    write_tags(out, facts);
    write_fit(out, facts);
    write_backtest(out, facts);
    if (verbosity == EXPLAIN_DETAILED) {
        fputs("\n\n", out);
        write_missing(out, facts);
        fputs("\n\n", out);
        write_run(out, facts);
    }
    fclose(out);
    return text;
}

void
explain_match_qualifier(const json_t *facts, char *text, size_t size)
{
    const char *status = word(backtest(facts), "backtest_status");
    const struct qualifier qualifier = {
        .tags = json_array_size(json_object_get(facts, "matched_tags")),
        .score = number(facts, "score"),
        .backtest = strcmp(status, "validated") == 0    ? QUALIFIER_VALIDATED
                    : strcmp(status, "backtested") == 0 ? QUALIFIER_PRESENT
                                                        : QUALIFIER_NONE};

    qualifier_text(&qualifier, text, size);
}
