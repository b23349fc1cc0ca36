/* strategy_inner - what a strategy_t is made of; for the engine's own files. */
#ifndef ENGINE_STRATEGY_INNER_H
#define ENGINE_STRATEGY_INNER_H

#include "actors/tune/engine/expr.h"
#include "actors/tune/engine/strategy.h"

#define STRATEGY_ID_BYTES          37
#define STRATEGY_DESCRIPTION_BYTES 1001

/* R(name): the four conditions, members of the spec. */
#define RULES(R)   \
    R(entry_long)  \
    R(exit_long)   \
    R(entry_short) \
    R(exit_short)

enum rule {
#define R(name) RULE_##name,
    RULES(R)
#undef R
        RULE_COUNT
};

struct strategy {
    char id[STRATEGY_ID_BYTES];
    char name[STRATEGY_NAME_BYTES];
    char description[STRATEGY_DESCRIPTION_BYTES];
    struct strategy_param params[STRATEGY_PARAMS_MAX];
    size_t param_count;
    struct expr_scope scope;
    struct program rules[RULE_COUNT];
    bool has_rule[RULE_COUNT];
    uint32_t rule_params[RULE_COUNT]; /* bit per param each depends on */
    bool is_reversing;
};

#endif
