/* causes - why a model did not answer, from causes.def, and what may be done about it. */
#ifndef ACTORS_EXPLAIN_LLM_CAUSES_H
#define ACTORS_EXPLAIN_LLM_CAUSES_H

#include <stdbool.h>

#include "actors/explain/llm/causes.def"

enum llm_cause {
#define C(NAME, name, reason, RETRY, NEXT, COUNTS, COOLDOWN) LLM_##NAME,
    LLM_CAUSES(C)
#undef C
        LLM_CAUSE_COUNT
};

enum llm_next { LLM_NEXT_NONE, LLM_NEXT_ANY, LLM_NEXT_LARGER };
enum llm_cooldown { LLM_COOLDOWN_NONE, LLM_COOLDOWN_TOLD, LLM_COOLDOWN_LONG };

struct llm_rule {
    const char *name;   /* as in logs, metrics and rows */
    const char *reason; /* reason_code, "" for LLM_OK */
    bool may_retry;     /* the same model, once */
    enum llm_next next;
    bool counts; /* for the breaker */
    enum llm_cooldown cooldown;
};

extern const struct llm_rule llm_causes[LLM_CAUSE_COUNT];

#endif
