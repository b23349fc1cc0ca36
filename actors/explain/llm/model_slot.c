#include "actors/explain/llm/model_slot.h"

#include <string.h>

#include "actors/kit/runtime/log.h"

static const char *
label_of(const struct model_slot *self, char label[METERS_LABEL])
{
    return meters_label(label, self->link->name, self->link->model, NULL);
}

void
model_slot_init(struct model_slot *self, const struct model_config *link,
                const settings_t *settings, meters_t *meters)
{
    const struct breaker_rules rules = {
        .failures = (size_t)settings->llm_breaker_failures,
        .open_us = settings->llm_breaker_open_ms * 1000,
        .most_open_us = settings->llm_breaker_max_open_ms * 1000,
    };
    char label[METERS_LABEL];

    *self = (struct model_slot){.link = link, .settings = settings, .meters = meters};
    breaker_init(&self->breaker, &rules);
    meters_set(meters, METRIC_LLM_BREAKER, label_of(self, label), BREAKER_CLOSED);
    meters_know(meters, METRIC_LLM_COST, label);
    for (int cause = 0; cause < LLM_CAUSE_COUNT; cause++)
        meters_know(meters, METRIC_LLM_REQUESTS,
                    meters_label(label, link->name, link->model, llm_causes[cause].name));
}

static void
show(struct model_slot *self, int64_t now_us)
{
    static const char *const names[] = {[BREAKER_CLOSED] = "closed",
                                        [BREAKER_HALF_OPEN] = "half_open",
                                        [BREAKER_OPEN] = "open"};
    enum breaker_state state = breaker_state(&self->breaker, now_us);
    char label[METERS_LABEL];

    meters_set(self->meters, METRIC_LLM_BREAKER, label_of(self, label), (int64_t)state);
    if (state == self->shown)
        return;
    self->shown = state;
    log_warn("llm.breaker", "provider=%s model=%s state=%s for_ms=%lld", self->link->name,
             self->link->model, names[state],
             state == BREAKER_OPEN ? (long long)(self->breaker.until_us - now_us) / 1000 : 0);
}

uint64_t
model_slot_enter(struct model_slot *self, int64_t now_us)
{
    show(self, now_us); /* it may have become half-open */
    return breaker_enter(&self->breaker, now_us);
}

static int64_t
cooldown_ms(const struct model_slot *self, enum llm_cooldown cooldown, int64_t told_ms)
{
    const settings_t *settings = self->settings;

    switch (cooldown) {
    case LLM_COOLDOWN_NONE:
        return 0;
    case LLM_COOLDOWN_TOLD:
        if (told_ms <= 0)
            return settings->llm_cooldown_ms;
        return told_ms < settings->llm_max_cooldown_ms ? told_ms
                                                       : settings->llm_max_cooldown_ms;
    case LLM_COOLDOWN_LONG:
        return settings->llm_breaker_hold_ms;
    }
    return 0;
}

/* Whoever answers, be it with a refusal of this one request, is there. */
static enum breaker_result
result_of(const struct llm_attempt *attempt, const struct llm_rule *rule)
{
    if (rule->counts)
        return attempt->is_ours ? BREAKER_NEITHER : BREAKER_BAD;
    return rule->cooldown != LLM_COOLDOWN_NONE || attempt->cause == LLM_CANCELLED
               ? BREAKER_NEITHER
               : BREAKER_GOOD;
}

static void
judge(struct model_slot *self, const struct llm_attempt *attempt, int64_t now_us)
{
    const struct llm_rule *rule = &llm_causes[attempt->cause];
    int64_t hold_ms = cooldown_ms(self, rule->cooldown, attempt->told_ms);
    const int64_t until_us = self->breaker.until_us;

    breaker_leave(&self->breaker, attempt->ticket, result_of(attempt, rule), now_us);
    if (!self->breaker.is_open || self->breaker.until_us != until_us)
        self->held_by = LLM_OK; /* it answered, or failed once more */
    if (hold_ms <= 0)
        return;
    breaker_hold(&self->breaker, now_us + hold_ms * 1000);
    self->held_by = attempt->cause;
}

enum llm_cause
model_slot_left_alone(const struct model_slot *self)
{
    const char *limit = llm_causes[LLM_COOLING_DOWN].reason;

    return strcmp(llm_causes[self->held_by].reason, limit) == 0 ? LLM_COOLING_DOWN
                                                                : LLM_BREAKER_OPEN;
}

static void
count(struct model_slot *self, const struct llm_attempt *attempt)
{
    char label[METERS_LABEL];

    meters_observe_us(self->meters, METRIC_LLM_SECONDS, label_of(self, label),
                      attempt->took_us);
    meters_label(label, self->link->name, self->link->model, llm_causes[attempt->cause].name);
    meters_add(self->meters, METRIC_LLM_REQUESTS, label, 1);
}

/* What only a person can mend is an error. */
static void
tell(const struct model_slot *self, const struct llm_attempt *attempt)
{
    bool is_for_people = llm_causes[attempt->cause].cooldown == LLM_COOLDOWN_LONG;

    if (attempt->cause == LLM_OK || attempt->cause == LLM_CANCELLED)
        return;
    log_write(is_for_people ? LOG_AT_ERROR : LOG_AT_WARN, "llm.attempt_failed",
              "cause=%s provider=%s model=%s status=%d what=\"%s\" took_ms=%lld ask=%llu "
              "attempt=%d",
              llm_causes[attempt->cause].name, self->link->name, self->link->model,
              attempt->status, attempt->what, (long long)attempt->took_us / 1000,
              (unsigned long long)attempt->ask, attempt->number);
}

void
model_slot_leave(struct model_slot *self, const struct llm_attempt *attempt, int64_t now_us)
{
    judge(self, attempt, now_us);
    count(self, attempt);
    tell(self, attempt);
    show(self, now_us);
}

int64_t
model_slot_spend(struct model_slot *self, int64_t tokens_in, int64_t tokens_out)
{
    int64_t cost = llm_model_cost(&self->link->facts, tokens_in, tokens_out);
    char label[METERS_LABEL];

    meters_add(self->meters, METRIC_LLM_TOKENS, "in", (uint64_t)tokens_in);
    meters_add(self->meters, METRIC_LLM_TOKENS, "out", (uint64_t)tokens_out);
    meters_add(self->meters, METRIC_LLM_COST, label_of(self, label), (uint64_t)cost);
    return cost;
}
