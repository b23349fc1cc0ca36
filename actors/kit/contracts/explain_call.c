#include "actors/kit/contracts/explain_call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actors/kit/util/auto.h"
#include "actors/kit/fields/json_text.h"

#define QUESTION_DEPTH 12
#define ANSWER_DEPTH   1
#define ANSWER_MAX     (EXPLAIN_TEXT_MAX * 6 + 4096) /* every byte of the text escaped */

/* --- words -------------------------------------------------------------------------------- */

static const char *const kinds[] = {
#define K(NAME, word) [EXPLAIN_##NAME] = word,
    EXPLAIN_KINDS(K)
#undef K
};

static const char *const verbosities[] = {
#define V(NAME, word) [EXPLAIN_##NAME] = word,
    EXPLAIN_VERBOSITIES(V)
#undef V
};

static const char *const reasons[][2] = {
#define R(NAME, code, sentence) [EXPLAIN_##NAME] = {code, sentence},
    EXPLAIN_REASONS(R)
#undef R
};

const char *
explain_kind_name(enum explain_kind kind)
{
    return kinds[kind];
}

const char *
explain_verbosity_name(enum explain_verbosity verbosity)
{
    return verbosities[verbosity];
}

const char *
explain_reason_code(enum explain_reason reason)
{
    return reasons[reason][0];
}

const char *
explain_reason_sentence(enum explain_reason reason)
{
    return reasons[reason][1];
}

static bool
kind_find(const char *word, enum explain_kind *ret)
{
    for (unsigned i = 0; word && i < EXPLAIN_KIND_COUNT; i++)
        if (strcmp(kinds[i], word) == 0) {
            *ret = (enum explain_kind)i;
            return true;
        }
    return false;
}

bool
explain_verbosity_find(const char *word, enum explain_verbosity *ret)
{
    for (unsigned i = 0; word && i < EXPLAIN_VERBOSITY_COUNT; i++)
        if (strcmp(verbosities[i], word) == 0) {
            *ret = (enum explain_verbosity)i;
            return true;
        }
    return false;
}

bool
explain_reason_find(const char *code, enum explain_reason *ret)
{
    for (unsigned i = 0; code && i < EXPLAIN_REASON_COUNT; i++)
        if (strcmp(reasons[i][0], code) == 0) {
            *ret = (enum explain_reason)i;
            return true;
        }
    return false;
}

static const char *
word_of(const json_t *root, const char *name)
{
    return json_string_value(json_object_get(root, name));
}

/* NULL: too large, too deep, or no object. */
static json_t *
load(const char *text, size_t size, size_t most, size_t depth)
{
    return size <= most ? json_text_object(text, size, depth, NULL) : NULL;
}

/* --- the question ------------------------------------------------------------------------- */

const char *
explain_question_subject(const struct explain_question *self, char text[EXPLAIN_SUBJECT_TEXT])
{
    tm_uuid_text(&self->subject, text);
    if (self->kind == EXPLAIN_MATCH) {
        text[TM_UUID_TEXT - 1] = ':';
        tm_uuid_text(&self->strategy, text + TM_UUID_TEXT);
    }
    return text;
}

char *
explain_question_text(const struct explain_question *self)
{
    char workspace[TM_UUID_TEXT], subject[EXPLAIN_SUBJECT_TEXT];
    tm_auto(json) root = json_pack(
        "{s:s, s:s, s:s, s:s, s:O}", "workspace", tm_uuid_text(&self->workspace, workspace),
        "kind", kinds[self->kind], "subject", explain_question_subject(self, subject),
        "verbosity", verbosities[self->verbosity], "facts", self->facts);

    if (self->confidence[0])
        json_object_set_new(root, "confidence", json_string(self->confidence));
    return json_text_of(root, JSON_COMPACT);
}

static bool
read_id(const char *text, size_t size, tm_uuid_t *ret)
{
    return tm_uuid_parse(text, size, ret) == TM_OK;
}

static bool
read_subject(const json_t *root, struct explain_question *ret)
{
    const char *text = word_of(root, "subject");
    size_t size = text ? strlen(text) : 0, id = TM_UUID_TEXT - 1;

    if (ret->kind == EXPLAIN_TUNE)
        return size > 0 && read_id(text, size, &ret->subject);
    return size == 2 * id + 1 && text[id] == ':' && read_id(text, id, &ret->subject) &&
           read_id(text + id + 1, id, &ret->strategy);
}

/* Any other word says nothing. */
static void
read_confidence(const char *word, struct explain_question *ret)
{
    static const char *const words[] = {"High", "Medium", "Low"};

    for (size_t i = 0; word && i < sizeof(words) / sizeof(words[0]); i++)
        if (strcmp(word, words[i]) == 0)
            snprintf(ret->confidence, sizeof(ret->confidence), "%s", word);
}

/* NULL: it can be answered. */
static const char *
read_question(const json_t *root, struct explain_question *ret)
{
    const char *workspace = word_of(root, "workspace");

    if (!workspace || !read_id(workspace, strlen(workspace), &ret->workspace))
        return "workspace is not a UUID";
    if (!kind_find(word_of(root, "kind"), &ret->kind))
        return "kind is neither match nor tune";
    if (!read_subject(root, ret))
        return ret->kind == EXPLAIN_TUNE ? "the subject of a tune is not a UUID"
                                         : "the subject of a match is not RUN:STRATEGY";
    if (!explain_verbosity_find(word_of(root, "verbosity"), &ret->verbosity))
        return "verbosity is neither short nor detailed";
    read_confidence(word_of(root, "confidence"), ret);
    return json_is_object(json_object_get(root, "facts")) ? NULL : "facts is not an object";
}

tm_err_t
explain_question_parse(const char *text, size_t size, struct explain_question *ret,
                       const char **ret_what)
{
    struct explain_question question = {.facts = NULL};
    tm_auto(json) root = load(text, size, EXPLAIN_QUESTION_MAX, QUESTION_DEPTH);
    const char *what = root ? read_question(root, &question)
                            : "the question is no JSON object of at most 512 KiB";

    if (what) {
        *ret_what = what;
        return TM_BAD_REQUEST;
    }
    question.facts = json_incref(json_object_get(root, "facts"));
    *ret = question;
    return TM_OK;
}

void
explain_question_fini(struct explain_question *self)
{
    json_decref(self->facts);
    self->facts = NULL;
}

/* --- the answer --------------------------------------------------------------------------- */

char *
explain_answer_text(const struct explain_answer *self)
{
    tm_auto(json) root = json_pack("{s:s?, s:s, s:I}", "text", self->text, "cause", self->cause,
                                   "latency_ms", (json_int_t)self->latency_ms);

    if (!root)
        return NULL;
    if (!self->text) {
        json_object_set_new(root, "reason_code", json_string(reasons[self->reason][0]));
        return json_dumps(root, JSON_COMPACT);
    }
    json_object_set_new(root, "provider", json_string(self->provider));
    json_object_set_new(root, "model", json_string(self->model));
    json_object_set_new(root, "cache_hit", json_boolean(self->is_cached));
    json_object_set_new(root, "generated_at", json_string(self->generated_at));
    return json_dumps(root, JSON_COMPACT);
}

/* False: it is no text of 1 to size - 1 bytes. */
static bool
copy_word(const json_t *root, const char *name, char *ret, size_t size)
{
    const json_t *value = json_object_get(root, name);

    if (!json_is_string(value) || json_string_length(value) == 0 ||
        json_string_length(value) >= size)
        return false;
    memcpy(ret, json_string_value(value), json_string_length(value) + 1);
    return true;
}

static const char *
read_text(const json_t *root, struct explain_answer *ret)
{
    const json_t *text = json_object_get(root, "text");

    if (json_string_length(text) == 0 || json_string_length(text) > EXPLAIN_TEXT_MAX)
        return "text has not 1 to 65536 bytes";
    if (!copy_word(root, "provider", ret->provider, sizeof(ret->provider)) ||
        !copy_word(root, "model", ret->model, sizeof(ret->model)))
        return "provider or model is not a name";
    if (!json_is_boolean(json_object_get(root, "cache_hit")))
        return "cache_hit is neither true nor false";
    if (!copy_word(root, "generated_at", ret->generated_at, sizeof(ret->generated_at)))
        return "generated_at is not a time";
    ret->is_cached = json_is_true(json_object_get(root, "cache_hit"));
    ret->text = strdup(json_string_value(text));
    return ret->text ? NULL : "out of memory";
}

/* NULL: it is an answer. */
static const char *
read_answer(const json_t *root, struct explain_answer *ret)
{
    const json_t *text = json_object_get(root, "text"),
                 *latency = json_object_get(root, "latency_ms");

    if (!copy_word(root, "cause", ret->cause, sizeof(ret->cause)))
        return "cause is not a name";
    if (!json_is_integer(latency) || json_integer_value(latency) < 0)
        return "latency_ms is not a whole number";
    ret->latency_ms = json_integer_value(latency);
    if (json_is_string(text))
        return read_text(root, ret);
    if (!json_is_null(text))
        return "text is neither text nor null";
    return explain_reason_find(word_of(root, "reason_code"), &ret->reason)
               ? NULL
               : "reason_code is not a known one";
}

tm_err_t
explain_answer_parse(const char *text, size_t size, struct explain_answer *ret,
                     const char **ret_what)
{
    struct explain_answer answer = {.text = NULL};
    tm_auto(json) root = load(text, size, ANSWER_MAX, ANSWER_DEPTH);
    const char *what = root ? read_answer(root, &answer) : "the answer is no JSON object";

    if (what) {
        *ret_what = what;
        return TM_BAD_MESSAGE;
    }
    *ret = answer;
    return TM_OK;
}

void
explain_answer_fini(struct explain_answer *self)
{
    free(self->text);
    self->text = NULL;
}
