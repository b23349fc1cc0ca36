/* answers - what came back from a provider: a text, or why there is none.
 *
 * Pure functions on bytes. Nothing a provider sends is trusted: it is JSON in UTF-8 of the
 * shape of its kind, or it is refused.
 */
#ifndef ACTORS_EXPLAIN_LLM_ANSWERS_H
#define ACTORS_EXPLAIN_LLM_ANSWERS_H

#include <stdint.h>

#include "actors/explain/llm/causes.h"
#include "actors/explain/llm/models.h"
#include "actors/explain/llm/providers.h"

#define LLM_WHAT_MAX 48

struct llm_answer {
    char *text; /* LLM_OK only; terminated, without blanks around it */
    size_t size;
    bool is_cut;                   /* the model stopped because of its length */
    int64_t tokens_in, tokens_out; /* -1: not told */
    char model[LLM_MODEL_MAX + 1]; /* that answered, "" if it does not say */
    char what[LLM_WHAT_MAX]; /* the provider's word for its error: letters, digits, _ . - */
};

/* status and body of an HTTP answer. *ret is to be given back, whatever is returned. */
enum llm_cause llm_answer_read(const struct llm_provider *provider, int status,
                               const char *body, size_t size, struct llm_answer *ret);
void llm_answer_fini(struct llm_answer *self);

#endif
