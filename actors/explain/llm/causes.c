#include "actors/explain/llm/causes.h"

#define RETRY_NEVER false
#define RETRY_ONCE  true
#define COUNTS_NO   false
#define COUNTS_YES  true

const struct llm_rule llm_causes[LLM_CAUSE_COUNT] = {
#define C(NAME, name, reason, RETRY, NEXT, COUNTS, COOLDOWN)         \
    [LLM_##NAME] = {#name,           reason,          RETRY_##RETRY, \
                    LLM_NEXT_##NEXT, COUNTS_##COUNTS, LLM_COOLDOWN_##COOLDOWN},
    LLM_CAUSES(C)
#undef C
};
