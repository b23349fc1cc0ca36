/* explain_call - question and answer of the service "explain": facts, put into words by a
 * language model.
 *
 * The bridge asks by a call (proto/client.h), explain processes answer. The question is a JSON
 * object:
 *
 *     workspace   a UUID: whose budget and whose cache
 *     kind        match or tune
 *     subject     RUN:STRATEGY of a match, TUNE of a tune: UUIDs
 *     verbosity   short or detailed
 *     facts       an object; what is in it is data, whoever wrote it
 *     confidence  optional: High, Medium or Low, how far the facts go; no model sees it
 *
 * The answer is one too: text, provider, model, cause "ok", cache_hit, generated_at; or a text
 * that is null, the cause as logs and metrics have it, and one of the four reason codes that
 * clients know. Both have latency_ms.
 */
#ifndef ACTORS_KIT_CONTRACTS_EXPLAIN_CALL_H
#define ACTORS_KIT_CONTRACTS_EXPLAIN_CALL_H

#include <jansson.h>

#include "actors/kit/util/clock.h"
#include "actors/kit/contracts/explain_call.def"
#include "proto/message.h"

#define EXPLAIN_SERVICE      "explain"
#define EXPLAIN_QUESTION_MAX ((size_t)512 * 1024)
#define EXPLAIN_TEXT_MAX     ((size_t)64 * 1024) /* of an answer */

enum explain_kind {
#define K(NAME, word) EXPLAIN_##NAME,
    EXPLAIN_KINDS(K)
#undef K
        EXPLAIN_KIND_COUNT
};

enum explain_verbosity {
#define V(NAME, word) EXPLAIN_##NAME,
    EXPLAIN_VERBOSITIES(V)
#undef V
        EXPLAIN_VERBOSITY_COUNT
};

enum explain_reason {
#define R(NAME, code, sentence) EXPLAIN_##NAME,
    EXPLAIN_REASONS(R)
#undef R
        EXPLAIN_REASON_COUNT
};

const char *explain_kind_name(enum explain_kind kind);
const char *explain_verbosity_name(enum explain_verbosity verbosity);
bool explain_verbosity_find(const char *word, enum explain_verbosity *ret);
const char *explain_reason_code(enum explain_reason reason);
const char *explain_reason_sentence(enum explain_reason reason); /* for people */
bool explain_reason_find(const char *code, enum explain_reason *ret);

#define EXPLAIN_CONFIDENCE_BYTES 8

struct explain_question {
    tm_uuid_t workspace;
    enum explain_kind kind;
    tm_uuid_t subject;  /* the run of a match, or the tune */
    tm_uuid_t strategy; /* of a match; else nil */
    enum explain_verbosity verbosity;
    json_t *facts;                             /* owned by whoever has the struct */
    char confidence[EXPLAIN_CONFIDENCE_BYTES]; /* "": not known */
};

#define EXPLAIN_SUBJECT_TEXT (2 * TM_UUID_TEXT)
const char *explain_question_subject(const struct explain_question *self,
                                     char text[EXPLAIN_SUBJECT_TEXT]);
char *explain_question_text(const struct explain_question *self); /* the caller frees it */
/* TM_BAD_REQUEST, with a constant text that says what is wrong; *ret is written on success. */
TM_CHECKED tm_err_t explain_question_parse(const char *text, size_t size,
                                           struct explain_question *ret, const char **ret_what);
void explain_question_fini(struct explain_question *self);

#define EXPLAIN_NAME_BYTES  129 /* of a provider or a model */
#define EXPLAIN_CAUSE_BYTES 33

struct explain_answer {
    char *text; /* owned; NULL: there is none */
    char provider[EXPLAIN_NAME_BYTES], model[EXPLAIN_NAME_BYTES]; /* "" without a text */
    char cause[EXPLAIN_CAUSE_BYTES];                              /* "ok" with a text */
    enum explain_reason reason;                                   /* without a text */
    bool is_cached;
    char generated_at[CLOCK_TEXT]; /* "" without a text */
    int64_t latency_ms;
};

char *explain_answer_text(const struct explain_answer *self); /* the caller frees it */
TM_CHECKED tm_err_t explain_answer_parse(const char *text, size_t size,
                                         struct explain_answer *ret, const char **ret_what);
void explain_answer_fini(struct explain_answer *self);

#endif
