#include "actors/explain/llm/answers.h"

#include <ctype.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "actors/explain/llm/refusals.def"
#include "actors/kit/util/auto.h"

enum { STATUS_OK = 200 };

enum where { WORD, TOLD, MESSAGE };

static const struct {
    enum where where;
    const char *words;
    enum llm_cause cause;
} refusals[] = {
#define R(WHERE, words, CAUSE) {WHERE, words, LLM_##CAUSE},
    LLM_REFUSALS(R)
#undef R
};

static const struct {
    int least, last;
    enum llm_cause cause;
} statuses[] = {
#define S(least, last, CAUSE) {least, last, LLM_##CAUSE},
    LLM_STATUSES(S)
#undef S
};

enum { WORDS_MAX = 3 };

struct refusal {
    const char *words[WORDS_MAX]; /* its type, its code, and the code of its details */
    const char *message;
    int status; /* that it names itself, 0: none */
    bool is_moderation;
};

static const char *
text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text ? text : "";
}

/* The error as providers write it: an object under "error", a text there, or the whole body. */
static struct refusal
read_refusal(const json_t *root)
{
    const json_t *error = json_object_get(root, "error");
    const json_t *code, *metadata;

    if (json_is_string(error))
        return (struct refusal){.words = {"", "", ""}, .message = json_string_value(error)};
    if (!json_is_object(error))
        error = root;
    code = json_object_get(error, "code");
    metadata = json_object_get(error, "metadata");
    return (struct refusal){
        .words = {text_of(error, "type"), text_of(error, "code"),
                  text_of(json_object_get(error, "details"), "error_code")},
        .message = text_of(error, "message"),
        .status = json_is_integer(code) && json_integer_value(code) >= 400 &&
                          json_integer_value(code) <= 599
                      ? (int)json_integer_value(code)
                      : 0,
        .is_moderation = json_is_array(json_object_get(metadata, "reasons")),
    };
}

static bool
has_word(const struct refusal *refusal, const char *word)
{
    for (size_t i = 0; i < WORDS_MAX; i++)
        if (strcmp(refusal->words[i], word) == 0)
            return true;
    return false;
}

static bool
fits(size_t row, const struct refusal *refusal, int status)
{
    switch (refusals[row].where) {
    case WORD:
        return has_word(refusal, refusals[row].words);
    case TOLD:
        return status == STATUS_OK && has_word(refusal, refusals[row].words);
    case MESSAGE:
        return status >= 400 && status <= 499 &&
               strcasestr(refusal->message, refusals[row].words);
    }
    return false;
}

static enum llm_cause
cause_of_status(int status)
{
    for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++)
        if (status >= statuses[i].least && status <= statuses[i].last)
            return statuses[i].cause;
    return LLM_SCHEMA;
}

/* status: of HTTP; an error inside a 200 may name another. */
static enum llm_cause
cause_of_refusal(const struct refusal *refusal, int status)
{
    if (status == STATUS_OK && refusal->status)
        status = refusal->status;
    if (status == 403 && refusal->is_moderation)
        return LLM_CONTENT_FILTER;
    for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++)
        if (fits(i, refusal, status))
            return refusals[i].cause;
    return status == STATUS_OK ? LLM_SERVER_ERROR : cause_of_status(status);
}

/* The first of its words that looks like one: what else a provider sends is not repeated. */
static void
keep_what(const struct refusal *refusal, char what[LLM_WHAT_MAX])
{
    for (size_t i = WORDS_MAX; i-- > 0;) {
        const char *word = refusal->words[i];
        size_t size = 0;

        while (isalnum((unsigned char)word[size]) || (word[size] && strchr("_.-", word[size])))
            size++;
        if (size == 0 || size >= LLM_WHAT_MAX || word[size])
            continue;
        memcpy(what, word, size + 1);
        return;
    }
}

static enum llm_cause
refuse(const json_t *root, int status, struct llm_answer *ret)
{
    struct refusal refusal = read_refusal(root);

    keep_what(&refusal, ret->what);
    return cause_of_refusal(&refusal, status);
}

static int64_t
count_of(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);

    if (!json_is_integer(value) || json_integer_value(value) < 0 ||
        json_integer_value(value) > 1000000000)
        return -1;
    return json_integer_value(value);
}

static bool
add_text(struct llm_answer *ret, const json_t *value)
{
    size_t size = json_string_length(value);
    char *text = realloc(ret->text, ret->size + size + 1);

    if (!text)
        return false;
    memcpy(text + ret->size, json_string_value(value), size);
    ret->text = text;
    ret->size += size;
    ret->text[ret->size] = '\0';
    return true;
}

static enum llm_cause
read_openai(const json_t *root, struct llm_answer *ret)
{
    const json_t *choice = json_array_get(json_object_get(root, "choices"), 0);
    const json_t *message = json_object_get(choice, "message");
    const json_t *content = json_object_get(message, "content");
    const json_t *usage = json_object_get(root, "usage");
    const char *end = text_of(choice, "finish_reason");

    ret->tokens_in = count_of(usage, "prompt_tokens");
    ret->tokens_out = count_of(usage, "completion_tokens");
    if (json_object_get(choice, "error"))
        return refuse(choice, STATUS_OK, ret);
    if (strcmp(end, "error") == 0)
        return LLM_SERVER_ERROR;
    if (strcmp(end, "content_filter") == 0 ||
        json_is_string(json_object_get(message, "refusal")))
        return LLM_CONTENT_FILTER;
    ret->is_cut = strcmp(end, "length") == 0;
    if (json_is_null(content))
        return LLM_EMPTY;
    if (!json_is_string(content) || !add_text(ret, content))
        return LLM_SCHEMA;
    return LLM_OK;
}

/* Blocks of other types (thinking) are passed over. */
static enum llm_cause
read_blocks(const json_t *blocks, struct llm_answer *ret)
{
    const json_t *block;
    size_t i;

    if (!json_is_array(blocks))
        return LLM_SCHEMA;
    json_array_foreach(blocks, i, block)
    {
        const json_t *text = json_object_get(block, "text");

        if (!json_is_string(json_object_get(block, "type")))
            return LLM_SCHEMA;
        if (strcmp(text_of(block, "type"), "text") != 0)
            continue;
        if (!json_is_string(text) || !add_text(ret, text))
            return LLM_SCHEMA;
    }
    return LLM_OK;
}

static enum llm_cause
read_anthropic(const json_t *root, struct llm_answer *ret)
{
    const json_t *usage = json_object_get(root, "usage");
    const char *end = text_of(root, "stop_reason");
    const bool is_full = strcmp(end, "model_context_window_exceeded") == 0;
    enum llm_cause cause;

    ret->tokens_in = count_of(usage, "input_tokens");
    ret->tokens_out = count_of(usage, "output_tokens");
    if (strcmp(end, "refusal") == 0)
        return LLM_CONTENT_FILTER;
    cause = read_blocks(json_object_get(root, "content"), ret);
    ret->is_cut = is_full || strcmp(end, "max_tokens") == 0;
    return cause == LLM_OK && is_full && ret->size == 0 ? LLM_CONTEXT_LENGTH : cause;
}

static enum llm_cause
read_ollama(const json_t *root, struct llm_answer *ret)
{
    const json_t *content = json_object_get(json_object_get(root, "message"), "content");

    ret->tokens_in = count_of(root, "prompt_eval_count");
    ret->tokens_out = count_of(root, "eval_count");
    ret->is_cut = strcmp(text_of(root, "done_reason"), "length") == 0;
    if (!json_is_true(json_object_get(root, "done")) || !json_is_string(content) ||
        !add_text(ret, content))
        return LLM_SCHEMA;
    return LLM_OK;
}

static bool
is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void
trim(struct llm_answer *self)
{
    size_t from = 0;

    while (self->size > 0 && is_blank(self->text[self->size - 1]))
        self->size--;
    while (from < self->size && is_blank(self->text[from]))
        from++;
    self->size -= from;
    if (self->text) {
        memmove(self->text, self->text + from, self->size);
        self->text[self->size] = '\0';
    }
}

/* Which model answered may be another than the one that was asked: a router's choice. */
static void
keep_model(const json_t *root, struct llm_answer *ret)
{
    const char *model = text_of(root, "model");
    size_t size = strlen(model);

    if (size > LLM_MODEL_MAX)
        return;
    for (size_t i = 0; i < size; i++)
        if (!isalnum((unsigned char)model[i]) && !strchr("._:/@-", model[i]))
            return;
    memcpy(ret->model, model, size + 1);
}

static enum llm_cause
read_ok(const struct llm_provider *provider, const json_t *root, struct llm_answer *ret)
{
    static enum llm_cause (*const read[])(const json_t *, struct llm_answer *) = {
        [LLM_SHAPE_OPENAI] = read_openai,
        [LLM_SHAPE_ANTHROPIC] = read_anthropic,
        [LLM_SHAPE_OLLAMA] = read_ollama,
    };
    const json_t *error = json_object_get(root, "error");
    enum llm_cause cause;

    if ((error && !json_is_null(error)) || strcmp(text_of(root, "type"), "error") == 0)
        return refuse(root, STATUS_OK, ret);
    keep_model(root, ret);
    cause = read[provider->shape](root, ret);
    trim(ret);
    return cause == LLM_OK && ret->size == 0 ? LLM_EMPTY : cause;
}

enum llm_cause
llm_answer_read(const struct llm_provider *provider, int status, const char *body, size_t size,
                struct llm_answer *ret)
{
    tm_auto(json) root = json_loadb(body, size, JSON_REJECT_DUPLICATES, NULL);
    enum llm_cause cause;

    *ret = (struct llm_answer){.tokens_in = -1, .tokens_out = -1};
    if (status != STATUS_OK)
        return refuse(root, status, ret);
    if (!root)
        return size == 0 ? LLM_EMPTY : LLM_BAD_JSON;
    if (!json_is_object(root))
        return LLM_SCHEMA;
    cause = read_ok(provider, root, ret);
    if (cause != LLM_OK)
        llm_answer_fini(ret);
    return cause;
}

void
llm_answer_fini(struct llm_answer *self)
{
    free(self->text);
    self->text = NULL;
    self->size = 0;
}
