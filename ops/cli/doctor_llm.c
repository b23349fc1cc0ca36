/* tunemill doctor: looks after what lies outside of this system, one word for each thing.
 *
 * tunemill doctor llm: asks every model of the chain one small question, all at once, each in a
 * chain of its own, so that no other answers for it. */
#include <stdio.h>
#include <string.h>

#include "actors/kit/util/auto.h"
#include "actors/kit/util/clock.h"
#include "actors/kit/runtime/log.h"
#include "actors/explain/llm/model_config.h"
#include "ops/cli/cli.h"
#include "ops/cli/doctor.h"
#include "ops/cli/print_tune.h"
#include "ops/cli/table.h"

#define SYSTEM_TEXT "You check a connection. Answer with one word."
#define USER_TEXT   "Are you there?"

struct doctor {
    bool json;
};

static const struct cli_option options[] = {
    {"json", NULL, CLI_FLAG, offsetof(struct doctor, json), "print JSON"},
};

static const struct cli_usage usage = {
    .arguments = "",
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .notes =
        "Shows the models of llm.chain in the order they are asked for explanations, and asks\n"
        "each of them one small question, which may cost a fraction of a cent. Keys and "
        "addresses\n"
        "are those of this shell's environment (OPENAI_API_KEY, OPENAI_BASE_URL, "
        "ANTHROPIC_API_KEY,\n"
        "ANTHROPIC_BASE_URL, OPENROUTER_API_KEY, OLLAMA_BASE_URL): a service may have others.\n"
        "Keys are never shown.\n"
        "\n"
        "It is a failure if no model is set up, or one that is does not answer.\n",
};

static const struct table_column columns[] = {
    {"#", "position", TABLE_NUMBER}, {"provider", "provider", TABLE_TEXT},
    {"model", "model", TABLE_TEXT},  {"address", "origin", TABLE_TEXT},
    {"state", "state", TABLE_TEXT},  {"ms", "took_ms", TABLE_NUMBER},
    {"what", "what", TABLE_TEXT},
};

/* --- one try ------------------------------------------------------------------------------ */

struct round {
    loop_t *loop;
    size_t left; /* tries under way */
};

struct
try {
    struct round *round;
    char name[2 * LLM_MODEL_MAX + 2]; /* PROVIDER:MODEL */
    settings_t settings;              /* borrows all but the chain */
    llm_chain_t *chain;
    int64_t started_us;
    json_t *row; /* borrowed */
};

static void
set_words(json_t *row, const char *state, const char *what, const char *advice)
{
    json_object_set_new(row, "state", json_string(state));
    json_object_set_new(row, "what", json_string(what));
    json_object_set_new(row, "advice", advice[0] ? json_string(advice) : json_null());
}

static void
on_done(void *arg, const struct llm_outcome *outcome)
{
    struct try *self = arg;
    struct doctor_words words = doctor_words(outcome->cause, outcome->status);
    bool is_ok = outcome->cause == LLM_OK;

    set_words(self->row, is_ok ? "ok" : "failed", words.what, words.advice);
    json_object_set_new(self->row, "cause", json_string(llm_causes[outcome->cause].name));
    json_object_set_new(self->row, "status",
                        outcome->status ? json_integer(outcome->status) : json_null());
    json_object_set_new(self->row, "error",
                        outcome->what && outcome->what[0] ? json_string(outcome->what)
                                                          : json_null());
    json_object_set_new(self->row, "took_ms",
                        json_integer((clock_us() - self->started_us) / 1000));
    if (--self->round->left == 0)
        loop_stop(self->round->loop);
}

static bool
begin(struct try *self, const cli_t *cli, const struct model_config *link)
{
    const int64_t whole_us = (int64_t)(cli->settings->llm_timeout_seconds * 1e6);
    struct llm_prompt prompt = {.system = SYSTEM_TEXT, .user = USER_TEXT};

    snprintf(self->name, sizeof self->name, "%s:%s", link->name, link->model);
    self->settings = *cli->settings;
    self->settings.llm_chain = self->name;
    self->settings.llm_attempts = 1;
    self->chain = llm_chain_new(self->round->loop, &self->settings, NULL);
    if (!self->chain)
        return false;
    self->started_us = clock_us();
    prompt.deadline_us = self->started_us + whole_us;
    self->round->left++;
    llm_chain_ask(self->chain, &prompt, on_done, self);
    return true;
}

/* --- all of them -------------------------------------------------------------------------- */

static json_t *
row_of(const struct model_config *link, size_t position)
{
    json_t *row = json_pack("{s:I, s:s, s:s*, s:s*}", "position", (json_int_t)position,
                            "provider", link->name, "model",
                            link->model[0] ? link->model : NULL, "origin", link->origin);

    if (row && link->state != MODEL_CONFIG_USABLE)
        set_words(row, link->state == MODEL_CONFIG_ABSENT ? "left out" : "wrong", link->problem,
                  "");
    return row;
}

static void
on_signal(void *arg)
{
    loop_stop(arg);
}

/* Fills the rows of the usable links. */
static bool
try_all(const cli_t *cli, const struct model_configs *links, const json_t *rows)
{
    struct round round = {.loop = loop_new()};
    struct try tries[MODEL_CONFIGS_MAX] = {{.round = NULL}};
    bool has_begun = true;

    loop_signals(round.loop, on_signal, round.loop);
    for (size_t i = 0; i < links->count; i++) {
        tries[i].round = &round;
        tries[i].row = json_array_get(rows, i);
        if (links->items[i].state == MODEL_CONFIG_USABLE)
            has_begun = begin(&tries[i], cli, &links->items[i]) && has_begun;
    }
    if (has_begun && round.left > 0)
        loop_run(round.loop);
    for (size_t i = 0; i < links->count; i++)
        llm_chain_destroy(&tries[i].chain);
    loop_destroy(&round.loop);
    return has_begun;
}

static size_t
count_state(const json_t *rows, const char *state)
{
    size_t count = 0;

    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *value = json_object_get(json_array_get(rows, i), "state");

        count += strcmp(json_string_value(value), state) == 0;
    }
    return count;
}

static void
print_advice(const json_t *rows)
{
    const json_t *row;
    size_t i;

    json_array_foreach(rows, i, row)
    {
        const char *advice = json_string_value(json_object_get(row, "advice"));
        const char *error = json_string_value(json_object_get(row, "error"));

        if (!advice)
            continue;
        printf("\n%zu. %s: %s.\n   %s\n", i + 1,
               json_string_value(json_object_get(row, "provider")),
               json_string_value(json_object_get(row, "what")), advice);
        if (error)
            printf("   Its own word for it: %s\n", error);
    }
}

static void
print_all(const json_t *rows)
{
    if (json_array_size(rows) > 0)
        table_show(stdout, columns, sizeof columns / sizeof *columns, rows);
    print_advice(rows);
    if (count_state(rows, "ok") + count_state(rows, "failed") == 0)
        printf(
            "%sNo language model is set up: explanations are made from the figures alone.\n"
            "Set OPENAI_API_KEY, ANTHROPIC_API_KEY or OPENROUTER_API_KEY, or OLLAMA_BASE_URL "
            "for a model\nof your own, in the environment of `tunemill up` or of the "
            "services.\n",
            json_array_size(rows) > 0 ? "\n" : "");
}

static int
doctor_llm(cli_t *cli, int argc, char **argv)
{
    struct doctor self = {.json = false};
    int code = cli_parse(cli, &usage, &self, argc, argv);
    struct model_configs links;
    tm_auto(json) answer = NULL;
    json_t *rows;
    bool is_well;

    if (code >= 0)
        return code;
    log_init("tunemill", LOG_LEVEL_COUNT); /* what is wrong is said below, in words */
    answer = json_pack("{s:[]}", "chain");
    rows = json_object_get(answer, "chain");
    model_configs_read(&links, cli->settings);
    for (size_t i = 0; i < links.count; i++)
        json_array_append_new(rows, row_of(&links.items[i], i + 1));
    if (!try_all(cli, &links, rows)) {
        model_configs_fini(&links);
        return cli_fail(cli, "libcurl could not be started");
    }
    model_configs_fini(&links);
    is_well = count_state(rows, "ok") > 0 && count_state(rows, "failed") == 0 &&
              count_state(rows, "wrong") == 0;
    json_object_set_new(answer, "ok", json_boolean(is_well));
    if (self.json)
        print_json(stdout, answer);
    else
        print_all(rows);
    return is_well ? CLI_OK : CLI_FAILED;
}

int
cmd_doctor(cli_t *cli, int argc, char **argv)
{
    static const struct cli_command commands[] = {
        {"doctor", doctor_llm, "say what is wrong: the language models, as `doctor llm`"},
        {"doctor llm", doctor_llm, "try the language models, and say what is wrong"},
    };

    return cli_dispatch(cli, commands, sizeof commands / sizeof *commands, argc, argv);
}
