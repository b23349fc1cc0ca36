#include "actors/http/explain/explain_tune_text.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "actors/http/explain/qualifier.h"

#define UNKNOWN 0.5

/* --- facts -------------------------------------------------------------------------------- */

/* "winner.params", "overfit.pbo"; NULL: it is not there. */
static const json_t *
fact_at(const json_t *facts, const char *path)
{
    char name[64];

    while (facts && *path) {
        size_t size = strcspn(path, ".");

        snprintf(name, sizeof(name), "%.*s", (int)size, path);
        facts = json_object_get(facts, name);
        path += size + (path[size] == '.');
    }
    return json_is_null(facts) ? NULL : facts;
}

/* NaN: it is not known. */
static double
number_at(const json_t *facts, const char *path)
{
    const json_t *value = fact_at(facts, path);

    return json_is_number(value) ? json_number_value(value) : (double)NAN;
}

static bool
is_known(const json_t *facts, const char *path)
{
    return !isnan(number_at(facts, path));
}

static const char *
word_at(const json_t *facts, const char *path)
{
    const char *text = json_string_value(fact_at(facts, path));

    return text ? text : "";
}

static bool
is_split(const json_t *facts)
{
    return fact_at(facts, "winner.out_of_sample") != NULL;
}

static bool
was_chosen_out_of_sample(const json_t *facts)
{
    return strcmp(word_at(facts, "gates.evaluated_on"), "oos") == 0;
}

/* --- sentences ---------------------------------------------------------------------------- */

static void
write_params(FILE *out, const json_t *params)
{
    const char *separator = "", *name;
    json_t *value;

    json_object_foreach((json_t *)(uintptr_t)params, name, value)
    {
        fprintf(out, "%s%s = %.6g", separator, name, json_number_value(value));
        separator = ", ";
    }
}

static void
write_no_winner(FILE *out, const json_t *facts)
{
    const json_t *reasons = fact_at(facts, "skipped_for"), *reason;
    size_t index;

    fprintf(out, "None of the %.0f trials passed the gates, so there is no winner.",
            number_at(facts, "trials"));
    json_array_foreach(reasons, index, reason)
    {
        fprintf(out, "%s%s (%.0f trials)", index ? ", " : " They were skipped for ",
                word_at(reason, "reason"), number_at(reason, "trials"));
    }
    if (json_array_size(reasons) > 0)
        fputc('.', out);
    fputs(" A wider space, a longer series or other costs may help.", out);
}

static void
write_winner(FILE *out, const json_t *facts)
{
    fprintf(out, "Of %.0f trials %.0f passed the gates. The best has ",
            number_at(facts, "trials"), number_at(facts, "counts.passed"));
    write_params(out, fact_at(facts, "winner.params"));
    if (is_known(facts, "winner.objective_score"))
        fprintf(out, " and a score (%s) of %.2f", word_at(facts, "objective"),
                number_at(facts, "winner.objective_score"));
    fprintf(out, "%s.",
            !is_split(facts)                  ? ""
            : was_chosen_out_of_sample(facts) ? ", chosen by the bars out of sample"
                                              : ", chosen by the bars in sample");
}

static void
write_return(FILE *out, const char *where, const json_t *summary)
{
    const double return_pct = number_at(summary, "return_pct"),
                 hold_pct = number_at(summary, "buy_hold_return_pct");

    if (isnan(return_pct))
        return;
    fprintf(out, " %s it returned %.1f %%", where, return_pct);
    if (!isnan(hold_pct))
        fprintf(out, ", %s than the %.1f %% of buying and holding",
                return_pct > hold_pct ? "more" : "not more", hold_pct);
    fprintf(out, "; it fell by at most %.1f %% and made %.0f trades.",
            fabs(number_at(summary, "max_drawdown_pct")), number_at(summary, "trades"));
}

/* One word for a shape, and what follows from it. */
static const struct {
    const char *shape, *is, *means;
} shapes[] = {
    {"plateau", "it stands on a plateau", "small changes of the parameters change little"},
    {"slope", "it stands on a slope", "its parameters matter more than one would like"},
    {"spike", "it is a spike", "such a winner is often luck"},
};

static void
write_neighbourhood(FILE *out, const json_t *facts, bool is_detailed)
{
    const char *shape = word_at(facts, "neighbourhood.shape");

    for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
        if (strcmp(shapes[i].shape, shape) != 0)
            continue;
        fprintf(out,
                "The %.0f trials nearest to it keep %.0f %% of its lead over the median "
                "trial: %s",
                number_at(facts, "neighbourhood.trials"),
                100 * fmax(number_at(facts, "neighbourhood.kept"), 0), shapes[i].is);
        fprintf(out, "%s%s.", is_detailed ? ", and " : "", is_detailed ? shapes[i].means : "");
    }
    if (is_detailed && *shape)
        fprintf(out, " Their median score is %.2f, that of all trials %.2f.",
                number_at(facts, "neighbourhood.median_score"),
                number_at(facts, "median_score"));
}

static void
write_gap(FILE *out, const json_t *facts, bool is_detailed)
{
    (void)is_detailed;
    if (!is_known(facts, "winner.overfit_gap"))
        return;
    fprintf(out, "In sample it scores %.2f, out of sample %.2f.",
            number_at(facts, "winner.score_is"), number_at(facts, "winner.score_oos"));
}

/* What the verdict says, and with the sentence that counts most, or with all. */
static void
write_verdict(FILE *out, const json_t *facts, bool is_detailed)
{
    const json_t *why = fact_at(facts, "overfit.why"), *sentence;
    const char *verdict = word_at(facts, "overfit.verdict");
    size_t index;

    if (!*verdict)
        return;
    fprintf(out, "Verdict: %s.", verdict);
    json_array_foreach(why, index, sentence)
    {
        if (index == 0 || is_detailed)
            fprintf(out, " %s", json_string_value(sentence));
    }
}

static void
write_data(FILE *out, const json_t *facts)
{
    fprintf(out, "The search was %s", word_at(facts, "search"));
    if (is_known(facts, "dataset.bars"))
        fprintf(out, ", on %.0f bars from %.10s to %.10s", number_at(facts, "dataset.bars"),
                word_at(facts, "dataset.first"), word_at(facts, "dataset.last"));
    if (is_split(facts) && is_known(facts, "out_of_sample_share"))
        fprintf(out, ", of which the last %.0f %% %s",
                100 * number_at(facts, "out_of_sample_share"),
                was_chosen_out_of_sample(facts) ? "chose the winner" : "were kept for a test");
    fputs(". A back-test shows what would have been, not what will be.", out);
}

/* --- texts -------------------------------------------------------------------------------- */

typedef void part_fn(FILE *out, const json_t *facts, bool is_detailed);

static void
write_result(FILE *out, const json_t *facts, bool is_detailed)
{
    (void)is_detailed;
    write_winner(out, facts);
    write_return(out, is_split(facts) ? "In sample" : "Over all bars",
                 fact_at(facts, "winner.in_sample"));
    write_return(out, "Out of sample", fact_at(facts, "winner.out_of_sample"));
}

static void
write_source(FILE *out, const json_t *facts, bool is_detailed)
{
    (void)is_detailed;
    write_data(out, facts);
}

static part_fn *const brief[] = {write_result, write_neighbourhood, write_verdict};
static part_fn *const whole[] = {write_result, write_neighbourhood, write_gap, write_verdict,
                                 write_source};

/* Each part that has something to say, behind the separator. */
static void
write_parts(FILE *out, const json_t *facts, part_fn *const *parts, size_t count,
            const char *separator)
{
    bool is_detailed = parts == whole, is_first = true;

    for (size_t i = 0; i < count; i++) {
        char *text = NULL;
        size_t size;
        FILE *part = open_memstream(&text, &size);

        if (!part)
            return;
        parts[i](part, facts, is_detailed);
        fclose(part);
        while (size > 0 && text[size - 1] == ' ')
            size--;
        if (size > 0)
            fprintf(out, "%s%.*s", is_first ? "" : separator, (int)size, text);
        is_first = is_first && size == 0;
        free(text);
    }
}

char *
explain_tune_text(const json_t *facts, enum explain_verbosity verbosity)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    if (!out)
        return NULL;
    if (!fact_at(facts, "winner"))
        write_no_winner(out, facts);
    else if (verbosity == EXPLAIN_SHORT)
        write_parts(out, facts, brief, sizeof(brief) / sizeof(brief[0]), " ");
    else
        write_parts(out, facts, whole, sizeof(whole) / sizeof(whole[0]), "\n\n");
    fclose(out);
    return text;
}

/* --- how far to trust it ------------------------------------------------------------------ */

static double
or_unknown(double value)
{
    return isnan(value) ? UNKNOWN : fmin(fmax(value, 0), 1);
}

/* No confidence beyond the verdict. */
static double
most_of(const char *verdict)
{
    if (strcmp(verdict, "overfit") == 0)
        return QUALIFIER_MEDIUM - 0.01;
    return strcmp(verdict, "unproven") == 0 ? QUALIFIER_HIGH - 0.01 : 1;
}

void
explain_tune_qualifier(const json_t *facts, char *text, size_t size)
{
    const double pbo = number_at(facts, "overfit.pbo"),
                 deflated = number_at(facts, "overfit.deflated_sharpe");
    const double score = 0.4 * or_unknown(1 - pbo) + 0.3 * or_unknown(deflated) +
                         0.3 * or_unknown(number_at(facts, "neighbourhood.kept"));
    const char *shape = word_at(facts, "neighbourhood.shape");
    char known[64] = "", luck[64] = "";

    if (!fact_at(facts, "winner")) {
        snprintf(text, size, "Confidence: Low \xe2\x80\x94 based on no valid trial.");
        return;
    }
    if (!isnan(pbo))
        snprintf(known, sizeof(known), "PBO %.2f, ", pbo);
    if (!isnan(deflated))
        snprintf(luck, sizeof(luck), "deflated Sharpe %.2f, ", deflated);
    snprintf(text, size, "Confidence: %s \xe2\x80\x94 based on %s%s%s%s.",
             qualifier_word(fmin(score, most_of(word_at(facts, "overfit.verdict")))), known,
             luck, *shape ? "a winner on a " : "nothing known of its neighbours", shape);
}
