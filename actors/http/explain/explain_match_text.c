#include "actors/http/explain/explain_match_text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TERMS_MAX = 20 };

static const json_t *
strategy_fact(const json_t *facts, const char *name)
{
    return json_object_get(json_object_get(facts, "strategy"), name);
}

static const char *
name_of(const json_t *facts)
{
    const char *name = json_string_value(strategy_fact(facts, "name"));

    return name ? name : "The strategy";
}

static bool
has_word(const json_t *array, const char *word)
{
    for (size_t i = 0; i < json_array_size(array); i++) {
        const char *text = json_string_value(json_array_get(array, i));

        if (text && strcmp(text, word) == 0)
            return true;
    }
    return false;
}

/* "a, b, c"; false: there is none. */
static bool
write_words(FILE *out, const char *before, const json_t *words)
{
    size_t count = 0;

    for (size_t i = 0; i < json_array_size(words) && count < TERMS_MAX; i++) {
        const char *word = json_string_value(json_array_get(words, i));

        if (word)
            fprintf(out, "%s%s", count++ ? ", " : before, word);
    }
    return count > 0;
}

/* What was asked for by name, and is not among the tags that match. */
static json_t *
terms_missing(const json_t *facts)
{
    const json_t *matched = json_object_get(facts, "matched_tags"), *list;
    json_t *missing = json_array();
    const char *name;

    json_object_foreach(json_object_get(facts, "intent"), name, list)
    {
        for (size_t i = 0; i < json_array_size(list); i++) {
            const char *term = json_string_value(json_array_get(list, i));

            if (term && !has_word(matched, term) &&
                !has_word(strategy_fact(facts, "tags"), term) && !has_word(missing, term))
                json_array_append_new(missing, json_string(term));
        }
    }
    return missing;
}

/* --- sentences ---------------------------------------------------------------------------- */

static void
write_score(FILE *out, const json_t *facts)
{
    const json_t *score = json_object_get(facts, "score");

    if (!json_is_number(score)) {
        fprintf(out, "%s was not among what this run found, so its score is not known.",
                name_of(facts));
        return;
    }
    fprintf(out, "%s fits what was asked for with a score of %.2f", name_of(facts),
            json_number_value(score));
    if (json_is_integer(json_object_get(facts, "rank")))
        fprintf(out, ", rank %lld of %lld found",
                (long long)json_integer_value(json_object_get(facts, "rank")),
                (long long)json_integer_value(json_object_get(facts, "candidates")));
    fputc('.', out);
}

static void
write_tags(FILE *out, const json_t *facts)
{
    fputs(write_words(out, " Its matching tags are ", json_object_get(facts, "matched_tags"))
              ? "."
              : " None of its tags was asked for.",
          out);
}

static void
write_backtests(FILE *out, const json_t *facts)
{
    const json_t *backtests = json_object_get(facts, "backtests");

    if (json_is_true(json_object_get(backtests, "validated")))
        fputs(" A tune of it in this workspace has a trial that passed the gates.", out);
    else if (json_is_true(json_object_get(backtests, "present")))
        fputs(" It was back-tested in this workspace, and nothing of that passed the gates.",
              out);
    else
        fputs(" It was not back-tested in this workspace yet.", out);
}

static void
write_missing(FILE *out, const json_t *facts)
{
    json_t *missing = terms_missing(facts);

    if (write_words(out, "\n\nAsked for, and not among its tags: ", missing))
        fputc('.', out);
    json_decref(missing);
}

static void
write_coverage(FILE *out, const json_t *facts)
{
    if (!json_is_true(json_object_get(facts, "weak_coverage")))
        return;
    fputs("\n\nThe run found too little that fits", out);
    if (write_words(out, " (", json_object_get(facts, "reason_codes")))
        fputc(')', out);
    fputc('.', out);
}

char *
explain_match_text(const json_t *facts, enum explain_verbosity verbosity)
{
    const char *description = json_string_value(strategy_fact(facts, "description"));
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    if (!out)
        return NULL;
    write_score(out, facts);
    write_tags(out, facts);
    write_backtests(out, facts);
    if (verbosity == EXPLAIN_DETAILED) {
        if (description && description[0])
            fprintf(out, "\n\n%s", description);
        write_missing(out, facts);
        write_coverage(out, facts);
    }
    fclose(out);
    return text;
}

struct qualifier
explain_match_qualifier(const json_t *facts)
{
    const json_t *score = json_object_get(facts, "score"),
                 *backtests = json_object_get(facts, "backtests");

    return (struct qualifier){
        .tags = json_array_size(json_object_get(facts, "matched_tags")),
        .score = json_is_number(score) ? json_number_value(score) : (double)NAN,
        .backtest = json_is_true(json_object_get(backtests, "validated")) ? QUALIFIER_VALIDATED
                    : json_is_true(json_object_get(backtests, "present")) ? QUALIFIER_PRESENT
                                                                          : QUALIFIER_NONE};
}
