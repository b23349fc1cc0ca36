/* seat - one model of a chain: its link, its breaker, and what is told of both. */
#ifndef ACTORS_EXPLAIN_LLM_MODEL_SLOT_H
#define ACTORS_EXPLAIN_LLM_MODEL_SLOT_H

#include "actors/explain/llm/breaker.h"
#include "actors/explain/llm/causes.h"
#include "actors/explain/llm/model_config.h"
#include "actors/kit/runtime/metrics.h"

struct model_slot {
    const struct model_config *link;
    const settings_t *settings;
    meters_t *meters;
    struct breaker breaker;
    enum llm_cause
        held_by; /* what the breaker is held open for; LLM_OK: nothing but failures */
    enum breaker_state shown; /* as the metric has it: it changes when the seat is used */
};

/* One request to the model, ended. */
struct llm_attempt {
    uint64_t ticket; /* of the breaker */
    enum llm_cause cause;
    bool is_ours; /* given up before the model had used up its own time, or refused by the asker
                   */
    int64_t told_ms; /* Retry-After, -1 without */
    int64_t took_us;
    int status;
    const char *what;
    uint64_t ask;
    int number; /* of the ask, from 1 */
};

/* Borrows all. */
void model_slot_init(struct model_slot *self, const struct model_config *link,
                     const settings_t *settings, meters_t *meters);

/* A ticket for one request; 0: the model is left alone now. */
uint64_t model_slot_enter(struct model_slot *self, int64_t now_us);
/* Why it is left alone: LLM_COOLING_DOWN after it asked for that (it is the limit of a rate or
 * a quota, as it was then), else LLM_BREAKER_OPEN. */
enum llm_cause model_slot_left_alone(const struct model_slot *self);
/* For the breaker, the metrics and the log. */
void model_slot_leave(struct model_slot *self, const struct llm_attempt *attempt,
                      int64_t now_us);

/* Metrics of tokens, as told or estimated; returns microdollars. */
int64_t model_slot_spend(struct model_slot *self, int64_t tokens_in, int64_t tokens_out);

#endif
