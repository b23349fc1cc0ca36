/* providers - requests to language models, from providers.def. Their answers: answers.h. */
#ifndef ACTORS_EXPLAIN_LLM_PROVIDERS_H
#define ACTORS_EXPLAIN_LLM_PROVIDERS_H

#include <stdbool.h>
#include <stddef.h>

enum llm_shape { LLM_SHAPE_OPENAI, LLM_SHAPE_ANTHROPIC, LLM_SHAPE_OLLAMA };
enum llm_auth { LLM_AUTH_NONE, LLM_AUTH_BEARER, LLM_AUTH_X_API_KEY };

struct llm_provider {
    const char *name;
    enum llm_shape shape;
    enum llm_auth auth;
    const char *key, *address; /* variables of the environment; key may be NULL */
    const char *standard;      /* address, may be NULL */
    const char *path, *model;
};

const struct llm_provider *llm_provider_find(const char *name, size_t size);

struct llm_question {
    const char *model, *system, *user;
    int max_tokens;
    bool is_standard; /* it goes to the provider's own address */
};

/* The body of a request, the caller frees it. NULL: a text is not UTF-8. */
char *llm_provider_request(const struct llm_provider *self,
                           const struct llm_question *question);

enum { LLM_HEADERS_MAX = 4 };
#define LLM_HEADER_MAX 1024 /* bytes of one; a key has to be shorter */

/* Header lines of a request, terminated by NULL, which point into `room`. key may be NULL. */
void llm_provider_headers(const struct llm_provider *self, const char *key,
                          char room[LLM_HEADERS_MAX][LLM_HEADER_MAX],
                          const char *ret[LLM_HEADERS_MAX + 1]);

#endif
