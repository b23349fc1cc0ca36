#include "actors/explain/explanations.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "actors/explain/records.h"
#include "actors/explain/text_check.h"
#include "actors/kit/contracts/explain_tags.h"
#include "actors/kit/runtime/log.h"
#include "actors/kit/sentry/sentry.h"
#include "actors/kit/util/single_flight.h"

/* Kind and verbosity are in the prompt. */
struct key {
    uint8_t prompt[SHA256_SIZE];
    tm_uuid_t workspace, subject, strategy;
};
static_assert(sizeof(struct key) == 80, "there is padding in it");

typedef struct {
    struct flight flight; /* first: so a flight is its question */
    struct key key;
    explanations_t *owner;
    struct explain_question question; /* but for the facts, which are in the prompt */
    struct prompt prompt;
    int64_t deadline_us;
    uint64_t ask; /* of the chain; 0: it is not asked */
    struct records_hold hold;
    enum llm_cause cause;
    struct explain_answer answer; /* its text as it may be shown */
    struct sentry_notes notes;    /* of the question, while Sentry is told anything */
} flight_t;

struct explanations {
    const settings_t *settings;
    meters_t *meters;
    pg_t *pg;
    llm_chain_t *chain;
    explain_answer_fn *fn;
    single_flight_t *flights;
    bool is_ending;
};

explanations_t *
explanations_new(const settings_t *settings, meters_t *meters, pg_t *pg, llm_chain_t *chain,
                 explain_answer_fn *fn)
{
    explanations_t *self = zmalloc(sizeof(*self));

    *self = (explanations_t){.settings = settings,
                             .meters = meters,
                             .pg = pg,
                             .chain = chain,
                             .fn = fn,
                             .flights = single_flight_new(sizeof(struct key))};
    for (int cause = 0; cause < LLM_CAUSE_COUNT; cause++)
        meters_know(meters, METRIC_EXPLAIN_ANSWERS, llm_causes[cause].name);
    return self;
}

void
explanations_destroy(explanations_t **self_p)
{
    explanations_t *self = *self_p;

    if (!self)
        return;
    single_flight_destroy(&self->flights);
    free(self);
    *self_p = NULL;
}

size_t
explanations_count(const explanations_t *self)
{
    return single_flight_count(self->flights);
}

static void
say_why(struct explain_answer *answer, enum llm_cause cause)
{
    snprintf(answer->cause, sizeof(answer->cause), "%s", llm_causes[cause].name);
    if (cause != LLM_OK && !explain_reason_find(llm_causes[cause].reason, &answer->reason))
        answer->reason = EXPLAIN_ERROR;
}

/* Whoever hears of it may ask anew: the flight is found no more. */
static void
land(flight_t *self)
{
    explanations_t *owner = self->owner;

    say_why(&self->answer, self->cause);
    meters_add(owner->meters, METRIC_EXPLAIN_ANSWERS,
               self->answer.is_cached ? "cached" : self->answer.cause, self->flight.count);
    single_flight_end(owner->flights, &self->flight, owner->fn, &self->answer);
    prompt_fini(&self->prompt);
    sentry_notes_fini(&self->notes);
    explain_answer_fini(&self->answer);
    free(self);
}

static void
land_without(flight_t *self, enum llm_cause cause)
{
    self->cause = cause;
    land(self);
}

static void
on_finished(void *arg, const struct pg_outcome *outcome)
{
    flight_t *self = arg;
    const char *at = NULL;

    if (outcome->err)
        log_warn("explain.not_kept", "error=%s", tm_err_name(outcome->err));
    else if (self->answer.text && PQntuples(outcome->results[0]) == 1)
        at = pg_get(outcome->results[0], 0, 0);
    if (at)
        snprintf(self->answer.generated_at, sizeof(self->answer.generated_at), "%s", at);
    land(self);
}

static void
finish(flight_t *self, int64_t tokens, int64_t microdollars)
{
    explanations_t *owner = self->owner;
    const struct records_end end = {.question = &self->question,
                                    .hash = self->prompt.hash,
                                    .answer = &self->answer,
                                    .hold = &self->hold,
                                    .tokens = tokens,
                                    .microdollars = microdollars};

    if (!records_finish(owner->pg, owner->settings, &end, on_finished, self))
        land(self);
}

static const char *
check(void *arg, const char *text, size_t size, bool is_cut)
{
    const flight_t *self = arg;
    const struct text_asked asked = {self->question.verbosity, self->prompt.user};
    const char *what = NULL;
    char *shown = text_check(text, size, is_cut, &asked, &what);

    free(shown);
    return what;
}

/* The chain has had it checked: what is missing here is memory. */
static void
take_text(flight_t *self, const struct llm_outcome *outcome)
{
    const struct text_asked asked = {self->question.verbosity, self->prompt.user};
    const char *what = NULL;

    self->cause = outcome->cause;
    if (outcome->cause != LLM_OK)
        return;
    self->answer.text =
        text_check(outcome->text, outcome->size, outcome->is_cut, &asked, &what);
    if (!self->answer.text) {
        self->cause = LLM_SCHEMA;
        return;
    }
    snprintf(self->answer.provider, sizeof(self->answer.provider), "%s", outcome->provider);
    snprintf(self->answer.model, sizeof(self->answer.model), "%s", outcome->model);
    clock_text(clock_utc_ms(), self->answer.generated_at);
}

static void
tell(const flight_t *self, const struct llm_outcome *outcome)
{
    const log_level_t level = self->cause == LLM_OK ? LOG_AT_INFO : LOG_AT_WARN;
    char subject[EXPLAIN_SUBJECT_TEXT], quoted[200];

    log_write(level, "explain.answered",
              "kind=%s subject=%s cause=%s provider=%s model=%s status=%d attempts=%d"
              " tokens_in=%lld tokens_out=%lld what=%s",
              explain_kind_name(self->question.kind),
              explain_question_subject(&self->question, subject), llm_causes[self->cause].name,
              outcome->provider ? outcome->provider : "none",
              outcome->model ? outcome->model : "none", outcome->status, outcome->attempts,
              (long long)outcome->tokens_in, (long long)outcome->tokens_out,
              log_quote(outcome->what, strlen(outcome->what), quoted, sizeof(quoted)));
}

/* What nobody wants to be asked, or what is not set up, is no failure. */
static void
tell_sentry(flight_t *self, const struct llm_outcome *outcome)
{
    char status[16], value[200];

    if (self->cause == LLM_OK || self->cause == LLM_CANCELLED || self->cause == LLM_DISABLED)
        return;
    snprintf(status, sizeof(status), "%d", outcome->status);
    snprintf(value, sizeof(value), "%s after %d requests: %s", llm_causes[self->cause].name,
             outcome->attempts, outcome->what);
    sentry_tag(&self->notes, "provider", outcome->provider);
    sentry_tag(&self->notes, "model", outcome->model);
    sentry_tag(&self->notes, "http_status", outcome->status ? status : NULL);
    sentry_capture(&(struct sentry_event){.type = "explain.degraded",
                                          .level = "warning",
                                          .reason = llm_causes[self->cause].name,
                                          .value = value,
                                          .notes = &self->notes});
}

static void
on_outcome(void *arg, const struct llm_outcome *outcome)
{
    flight_t *self = arg;

    self->ask = 0;
    take_text(self, outcome);
    tell(self, outcome);
    tell_sentry(self, outcome);
    finish(self, outcome->tokens_in + outcome->tokens_out, outcome->cost_microdollars);
}

static struct llm_prompt
prompt_of(flight_t *self)
{
    return (struct llm_prompt){.system = self->prompt.system,
                               .user = self->prompt.user,
                               .deadline_us = self->deadline_us,
                               .check = check,
                               .check_arg = self};
}

static void
ask(flight_t *self)
{
    const struct llm_prompt prompt = prompt_of(self);

    self->ask = llm_chain_ask(self->owner->chain, &prompt, on_outcome, self);
}

static void
on_reserved(void *arg, const struct pg_outcome *outcome)
{
    flight_t *self = arg;
    const char *day = NULL;

    if (!outcome->err && PQntuples(outcome->results[0]) == 1)
        day = pg_get(outcome->results[0], 0, 0);
    if (day) {
        self->hold.is_held = true;
        snprintf(self->hold.day, sizeof(self->hold.day), "%s", day);
    }
    if (self->owner->is_ending) {
        self->cause = LLM_CANCELLED;
        finish(self, 0, 0);
    } else if (day || (outcome->err && !records_has_limit(self->owner->settings))) {
        ask(self);
    } else {
        log_warn("explain.no_budget", "error=%s", tm_err_name(outcome->err));
        land_without(self, LLM_BUDGET);
    }
}

/* Where nobody can be asked there is nothing to pay. */
static void
reserve(flight_t *self)
{
    explanations_t *owner = self->owner;
    const struct llm_prompt prompt = prompt_of(self);

    if (llm_chain_links(owner->chain) == 0) {
        ask(self);
        return;
    }
    self->hold.microdollars = llm_chain_most_cost(owner->chain, &prompt, &self->hold.tokens);
    records_reserve(owner->pg, owner->settings, &self->question.workspace, &self->hold,
                    on_reserved, self);
}

static void
take_row(flight_t *self, const PGresult *row)
{
    self->answer.text = strdup(pg_get(row, 0, 0));
    self->answer.is_cached = self->answer.text != NULL;
    snprintf(self->answer.provider, sizeof(self->answer.provider), "%s", pg_get(row, 0, 1));
    snprintf(self->answer.model, sizeof(self->answer.model), "%s", pg_get(row, 0, 2));
    snprintf(self->answer.generated_at, sizeof(self->answer.generated_at), "%s",
             pg_get(row, 0, 3));
}

static void
on_found(void *arg, const struct pg_outcome *outcome)
{
    flight_t *self = arg;

    if (!outcome->err && PQntuples(outcome->results[0]) == 1)
        take_row(self, outcome->results[0]);
    if (self->answer.text)
        land_without(self, LLM_OK);
    else if (self->owner->is_ending)
        land_without(self, LLM_CANCELLED);
    else
        reserve(self);
}

static struct key
key_of(const struct explain_question *question, const struct prompt *prompt)
{
    struct key key = {.workspace = question->workspace,
                      .subject = question->subject,
                      .strategy = question->strategy};

    memcpy(key.prompt, prompt->hash, sizeof(key.prompt));
    return key;
}

/* Does it end in time for whoever asks now? */
static bool
is_in_time(const struct flight *flight, void *deadline_us)
{
    return ((const flight_t *)(const void *)flight)->deadline_us <= *(int64_t *)deadline_us;
}

static flight_t *
start(explanations_t *self, const struct explain_question *question, struct prompt *prompt,
      int64_t deadline_us)
{
    flight_t *flight = zmalloc(sizeof(*flight));

    *flight = (flight_t){
        .owner = self, .question = *question, .prompt = *prompt, .deadline_us = deadline_us};
    if (sentry_is_on())
        explain_question_tag(question, &flight->notes);
    flight->question.facts = NULL;
    *prompt = (struct prompt){.user = NULL};
    flight->key = key_of(&flight->question, &flight->prompt);
    single_flight_begin(self->flights, &flight->flight, &flight->key);
    return flight;
}

static void
refuse(const explanations_t *self, enum llm_cause cause, void *waiter)
{
    struct explain_answer answer = {.text = NULL};

    say_why(&answer, cause);
    meters_add(self->meters, METRIC_EXPLAIN_ANSWERS, answer.cause, 1);
    self->fn(waiter, &answer);
}

void
explanations_ask(explanations_t *self, const struct explain_question *question,
                 int64_t deadline_us, void *waiter)
{
    struct prompt prompt = {.user = NULL};
    struct key key;
    flight_t *flight;
    bool is_new;
    tm_err_t err;

    if (self->is_ending) {
        refuse(self, LLM_CANCELLED, waiter);
        return;
    }
    err = prompt_init(&prompt, question);
    if (err) {
        log_warn("explain.no_prompt", "error=%s", tm_err_name(err));
        refuse(self, LLM_TOO_LARGE, waiter);
        return;
    }
    key = key_of(question, &prompt);
    flight =
        (flight_t *)(void *)single_flight_find(self->flights, &key, is_in_time, &deadline_us);
    is_new = !flight;
    if (is_new)
        flight = start(self, question, &prompt, deadline_us);
    flight_join(&flight->flight, waiter);
    if (is_new)
        records_find(self->pg, &flight->question, flight->prompt.hash, on_found, flight);
    prompt_fini(&prompt);
}

void
explanations_end(explanations_t *self)
{
    struct flight *at = NULL;

    self->is_ending = true;
    while ((at = single_flight_next(self->flights, at))) {
        const flight_t *flight = (const flight_t *)(const void *)at;

        if (flight->ask)
            llm_chain_cancel(self->chain, flight->ask);
    }
}
