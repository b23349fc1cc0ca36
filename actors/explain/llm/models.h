/* models - how much text a model takes and what it costs, from models.def and llm.models. */
#ifndef ACTORS_EXPLAIN_LLM_MODELS_H
#define ACTORS_EXPLAIN_LLM_MODELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LLM_MODEL_MAX 80 /* bytes of a model's name */

struct llm_model {
    int64_t context; /* tokens; 0: not known */
    double in, out;  /* dollars for a million tokens, microdollars for one */
};

/* What `list` (llm.models) says of the model, else the table, else that it is dear; a model on
 * this machine is free unless the list says otherwise. */
struct llm_model llm_model_find(const char *name, bool is_local, const char *list);

/* The first entry of the list that is none, NULL: all are. */
const char *llm_models_wrong(const char *list, size_t *ret_size);

/* As a budget counts: rounded up. */
int64_t llm_model_cost(const struct llm_model *self, int64_t tokens_in, int64_t tokens_out);

/* Tokens that a text of so many bytes is taken for. Tables of numbers have about two bytes a
 * token, prose four. */
int64_t llm_tokens_of(size_t bytes);

#endif
