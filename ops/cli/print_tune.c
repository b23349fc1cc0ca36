#include "ops/cli/print_tune.h"

#include <stdbool.h>
#include <string.h>

#include "actors/kit/fields/json_text.h"
#include "actors/kit/util/auto.h"

#define PARAMS_MAX 400

static bool
get(const json_t *object, const char *name, double *ret)
{
    const json_t *value = json_object_get(object, name);

    *ret = json_number_value(value);
    return json_is_number(value);
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
void
print_number(FILE *out, const json_t *object, const char *name, const char *format)
{
    double value;

    if (get(object, name, &value))
        fprintf(out, format, value);
}
#pragma GCC diagnostic pop

void
print_json(FILE *out, const json_t *value)
{
    tm_auto(tm_text) text = json_text_of(value, JSON_INDENT(2) | JSON_PRESERVE_ORDER);

    fprintf(out, "%s\n", text ? text : "null");
}

static const char *
text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text ? text : "-";
}

/* To the contract a tune that asked for what is wrong has failed; people are told the
 * difference. */
static const char *
status_word(const json_t *tune)
{
    const json_t *error = json_object_get(tune, "error");

    return json_is_true(json_object_get(error, "rejected")) ? "rejected"
                                                            : text_of(tune, "status");
}

/* period=20 k=1.5 */
static void
params_text(json_t *params, char text[PARAMS_MAX])
{
    size_t used = 0;
    const char *name;
    json_t *value;

    text[0] = '\0';
    json_object_foreach(params, name, value)
    {
        if (used + 80 < PARAMS_MAX)
            used += (size_t)snprintf(text + used, PARAMS_MAX - used, "%s%.40s=%.6g",
                                     used ? " " : "", name, json_number_value(value));
    }
}

static void
show_cell(FILE *out, const json_t *object, const char *name, int width, int digits)
{
    double value;

    if (get(object, name, &value))
        fprintf(out, " %*.*f", width, digits, value);
    else
        fprintf(out, " %*s", width, "-");
}

static void
show_leader(FILE *out, const json_t *leader)
{
    const json_t *summary = json_object_get(leader, "summary");
    char params[PARAMS_MAX];

    params_text(json_object_get(leader, "params"), params);
    show_cell(out, leader, "rank", 4, 0);
    show_cell(out, leader, "score", 10, 4);
    show_cell(out, summary, "return_pct", 10, 2);
    show_cell(out, summary, "max_drawdown_pct", 9, 2);
    show_cell(out, summary, "sharpe", 8, 3);
    show_cell(out, summary, "trades", 7, 0);
    fprintf(out, "  %s\n", params);
}

static void
show_leaderboard(FILE *out, const json_t *leaders)
{
    size_t index;
    const json_t *leader;

    if (json_array_size(leaders) == 0)
        return;
    fprintf(out, "\n rank      score   return %%   draw. %%   sharpe  trades  parameters\n");
    json_array_foreach(leaders, index, leader) show_leader(out, leader);
}

static void
show_warnings(FILE *out, const json_t *warnings)
{
    size_t index;
    const json_t *warning;

    json_array_foreach(warnings, index, warning) fprintf(
        out, "warning    %s\n", json_is_string(warning) ? json_string_value(warning) : "?");
}

static void
show_rejections(FILE *out, const json_t *rejections)
{
    size_t index;
    const json_t *rejection;

    json_array_foreach(rejections, index, rejection)
        fprintf(out, "rejected   %s\n", text_of(rejection, "text"));
}

/* Either figure may be without a value; a tune of an older version has no verdict. */
static void
show_overfit(FILE *out, const json_t *overfit)
{
    size_t index;
    const json_t *why;
    double value;

    if (get(overfit, "pbo", &value) || get(overfit, "deflated_sharpe", &value)) {
        fputs("overfit   ", out);
        print_number(out, overfit, "pbo", " pbo %.2f");
        print_number(out, overfit, "deflated_sharpe", "  deflated sharpe %.3f");
        fputc('\n', out);
    }
    if (!json_object_get(overfit, "verdict"))
        return;
    fprintf(out, "verdict    %s\n", text_of(overfit, "verdict"));
    json_array_foreach(json_object_get(overfit, "why"), index, why)
        fprintf(out, "           %s\n", json_is_string(why) ? json_string_value(why) : "?");
}

void
print_tune(FILE *out, const json_t *tune)
{
    const json_t *counts = json_object_get(tune, "counts");
    char params[PARAMS_MAX];

    fprintf(out, "tune       %s\nstatus     %s\n", text_of(tune, "tune_id"), status_word(tune));
    fputs("trials    ", out);
    if (json_string_value(json_object_get(tune, "status")) &&
        strcmp(text_of(tune, "status"), "canceled") == 0)
        print_number(out, tune, "trials_completed", " %.0f of");
    print_number(out, tune, "n_trials", " %.0f");
    print_number(out, counts, "completed", ": %.0f valid");
    print_number(out, counts, "skipped", ", %.0f rejected");
    print_number(out, counts, "failed", ", %.0f failed");
    print_number(out, json_object_get(tune, "progress"), "trials_per_second",
                 ", %.0f trials/s");
    fputc('\n', out);
    params_text(json_object_get(tune, "best_params"), params);
    print_number(out, tune, "best_score", "best       %.6g");
    fprintf(out, "%s  %s\n", params[0] ? "" : "best      -", params);
    show_overfit(out, json_object_get(tune, "overfit"));
    show_rejections(out, json_object_get(tune, "rejections"));
    show_warnings(out, json_object_get(tune, "warnings"));
    show_leaderboard(out, json_object_get(tune, "leaderboard"));
}

void
print_tunes(FILE *out, const json_t *tunes)
{
    size_t index;
    const json_t *tune;

    if (json_array_size(tunes) == 0) {
        fprintf(out,
                "There are no tunes yet. `tunemill submit --help` says how to make one.\n");
        return;
    }
    fprintf(out, "%-36s  %-9s  %-18s  %9s  %10s  %s\n", "tune", "status", "strategy", "trials",
            "best", "created");
    json_array_foreach(tunes, index, tune)
    {
        fprintf(out, "%-36s  %-9s  %-18.18s ", text_of(tune, "tune_id"), status_word(tune),
                text_of(tune, "strategy_name"));
        show_cell(out, tune, "n_trials", 9, 0);
        fputc(' ', out);
        show_cell(out, tune, "best_score", 10, 4);
        fprintf(out, "  %s\n", text_of(tune, "created_at"));
    }
}
