/* chain_inner - what chain.c and ask.c share; nobody else includes it. */
#ifndef ACTORS_EXPLAIN_LLM_CHAIN_INNER_H
#define ACTORS_EXPLAIN_LLM_CHAIN_INNER_H

#include "actors/explain/llm/answers.h"
#include "actors/explain/llm/chain.h"
#include "actors/explain/llm/llm_http.h"
#include "actors/explain/llm/model_slot.h"
#include "actors/kit/runtime/log.h"

struct ask;

struct llm_chain {
    loop_t *loop;
    const settings_t *settings;
    meters_t *meters;
    struct model_configs links;
    struct model_slot seats[MODEL_CONFIGS_MAX]; /* of the usable links, in order */
    size_t seat_count;
    llm_http_t *http;
    struct ask *asks;
    uint64_t last_id;
};

/* What became of a seat in one ask. */
struct turn {
    int calls;
    enum llm_cause cause; /* of the last call */
    int64_t ready_us;     /* the provider wants no other before */
};

struct ask {
    llm_chain_t *chain;
    uint64_t id;
    char *system, *user;
    int max_tokens;
    int64_t deadline_us;
    llm_check_fn *check;
    void *check_arg;
    llm_done_fn *fn;
    void *arg;
    traceparent_t trace; /* of whoever asked */

    struct turn turns[MODEL_CONFIGS_MAX];
    size_t seat; /* that is or was called last */
    int64_t
        too_small; /* context of the last model that the prompt was too long for; -1: none */
    uint64_t ticket;
    llm_call_t *call;
    int timer;
    bool is_cancelled, is_pausing;
    size_t pause_seat; /* that is called after the pause */
    int64_t pause_until_us;
    int pauses;

    struct llm_outcome outcome; /* so far */
    char model[LLM_MODEL_MAX + 1], what[LLM_WHAT_MAX];
    struct ask *next;
};

void ask_begin(struct ask *self);   /* soon, from the loop */
void ask_cancel(struct ask *self);  /* the same; its call is taken back now */
void ask_end_now(struct ask *self); /* as cancelled; frees it */

#endif
