#include "actors/explain/llm/providers.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "actors/explain/llm/providers.def"
#include "actors/kit/util/auto.h"

#define ANTHROPIC_VERSION "2023-06-01"

static const struct llm_provider table[] = {
#define P(name, SHAPE, AUTH, key, address, standard, path, model) \
    {#name, LLM_SHAPE_##SHAPE, LLM_AUTH_##AUTH, key, address, standard, path, model},
    LLM_PROVIDERS(P)
#undef P
};
enum { COUNT = sizeof(table) / sizeof(table[0]) };

const struct llm_provider *
llm_provider_find(const char *name, size_t size)
{
    for (size_t i = 0; i < COUNT; i++)
        if (strlen(table[i].name) == size && memcmp(table[i].name, name, size) == 0)
            return &table[i];
    return NULL;
}

static json_t *
two_messages(const struct llm_question *question)
{
    return json_pack("[{s:s, s:s}, {s:s, s:s}]", "role", "system", "content", question->system,
                     "role", "user", "content", question->user);
}

/* OpenAI's newer models refuse max_tokens, and those that only speak like it may not know the
 * newer name. */
static json_t *
ask_openai(const struct llm_provider *self, const struct llm_question *question)
{
    bool is_newer = question->is_standard && strcmp(self->name, "openai") == 0;

    return json_pack("{s:s, s:o, s:i, s:b}", "model", question->model, "messages",
                     two_messages(question), is_newer ? "max_completion_tokens" : "max_tokens",
                     question->max_tokens, "stream", 0);
}

static json_t *
ask_anthropic(const struct llm_provider *self, const struct llm_question *question)
{
    (void)self;
    return json_pack("{s:s, s:i, s:s, s:[{s:s, s:s}]}", "model", question->model, "max_tokens",
                     question->max_tokens, "system", question->system, "messages", "role",
                     "user", "content", question->user);
}

static json_t *
ask_ollama(const struct llm_provider *self, const struct llm_question *question)
{
    (void)self;
    return json_pack("{s:s, s:o, s:b, s:{s:i}}", "model", question->model, "messages",
                     two_messages(question), "stream", 0, "options", "num_predict",
                     question->max_tokens);
}

char *
llm_provider_request(const struct llm_provider *self, const struct llm_question *question)
{
    static json_t *(*const ask[])(const struct llm_provider *, const struct llm_question *) = {
        [LLM_SHAPE_OPENAI] = ask_openai,
        [LLM_SHAPE_ANTHROPIC] = ask_anthropic,
        [LLM_SHAPE_OLLAMA] = ask_ollama,
    };
    tm_auto(json) root = ask[self->shape](self, question);

    return root ? json_dumps(root, JSON_COMPACT) : NULL;
}

void
llm_provider_headers(const struct llm_provider *self, const char *key,
                     char room[LLM_HEADERS_MAX][LLM_HEADER_MAX],
                     const char *ret[LLM_HEADERS_MAX + 1])
{
    size_t count = 0;

    snprintf(room[count++], LLM_HEADER_MAX, "Content-Type: application/json");
    snprintf(room[count++], LLM_HEADER_MAX, "Accept: application/json");
    if (self->shape == LLM_SHAPE_ANTHROPIC)
        snprintf(room[count++], LLM_HEADER_MAX, "anthropic-version: " ANTHROPIC_VERSION);
    if (key && self->auth == LLM_AUTH_BEARER)
        snprintf(room[count++], LLM_HEADER_MAX, "Authorization: Bearer %s", key);
    if (key && self->auth == LLM_AUTH_X_API_KEY)
        snprintf(room[count++], LLM_HEADER_MAX, "x-api-key: %s", key);
    for (size_t i = 0; i < count; i++)
        ret[i] = room[i];
    ret[count] = NULL;
}
