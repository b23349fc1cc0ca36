#include "actors/explain/explanations.h"

#include <stdlib.h>
#include <string.h>

#include "actors/explain/records.h"
#include "actors/explain/text_check.h"
#include "actors/kit/contracts/explain_tags.h"
#include "actors/kit/runtime/log.h"
#include "actors/kit/sentry/sentry.h"

struct waiter {
    explain_reply_fn *fn;
    void *arg;
    struct waiter *next;
};

typedef struct {
    explanations_t *owner;
    struct explain_question question; /* but for the facts, which are in the prompt */
    struct prompt prompt;
    int64_t deadline_us;
    uint64_t ask; /* of the chain; 0: it is not asked */
    struct records_hold hold;
    enum llm_cause cause;
    char *text; /* as it may be shown */
    char provider[EXPLAIN_NAME_BYTES], model[EXPLAIN_NAME_BYTES];
    char generated_at[CLOCK_TEXT];
    bool is_cached;
    struct waiter *waiters;
    struct sentry_notes notes; /* of the question, while Sentry is told anything */
    void *handle;              /* in the owner's list */
} flight_t;

struct explanations {
    const settings_t *settings;
    meters_t *meters;
    pg_t *pg;
    llm_chain_t *chain;
    zlistx_t *flights;
    bool is_ending;
};

explanations_t *
explanations_new(const settings_t *settings, meters_t *meters, pg_t *pg, llm_chain_t *chain)
{
    explanations_t *self = zmalloc(sizeof(*self));

    *self = (explanations_t){.settings = settings,
                             .meters = meters,
                             .pg = pg,
                             .chain = chain,
                             .flights = zlistx_new()};
    return self;
}

void
explanations_destroy(explanations_t **self_p)
{
    explanations_t *self = *self_p;

    if (!self)
        return;
    assert(zlistx_size(self->flights) == 0);
    zlistx_destroy(&self->flights);
    free(self);
    *self_p = NULL;
}

size_t
explanations_count(const explanations_t *self)
{
    return zlistx_size(self->flights);
}

/* --- the end of a question ---------------------------------------------------------------- */

static struct explain_reply
reply_of(const flight_t *self)
{
    return (struct explain_reply){.cause = self->cause,
                                  .text = self->text,
                                  .provider = self->provider,
                                  .model = self->model,
                                  .generated_at = self->generated_at,
                                  .is_cached = self->is_cached};
}

/* Whoever hears of it may ask anew: the flight is in no list any more. */
static void
land(flight_t *self)
{
    struct explain_reply reply = reply_of(self);
    explanations_t *owner = self->owner;

    zlistx_delete(owner->flights, self->handle);
    while (self->waiters) {
        struct waiter *waiter = self->waiters;

        self->waiters = waiter->next;
        meters_add(owner->meters, METRIC_EXPLAIN_ANSWERS,
                   self->is_cached ? "cached" : llm_cause_name(self->cause), 1);
        waiter->fn(waiter->arg, &reply);
        free(waiter);
    }
    prompt_fini(&self->prompt);
    sentry_notes_fini(&self->notes);
    free(self->text);
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
    else if (self->text && PQntuples(outcome->results[0]) == 1)
        at = pg_get(outcome->results[0], 0, 0);
    if (at)
        snprintf(self->generated_at, sizeof(self->generated_at), "%s", at);
    land(self);
}

static void
finish(flight_t *self, int64_t tokens, int64_t microdollars)
{
    explanations_t *owner = self->owner;
    const struct records_text text = {
        .body = self->text, .provider = self->provider, .model = self->model};
    const struct records_end end = {.question = &self->question,
                                    .hash = self->prompt.hash,
                                    .text = self->text ? &text : NULL,
                                    .hold = &self->hold,
                                    .tokens = tokens,
                                    .microdollars = microdollars};

    if (!records_finish(owner->pg, owner->settings, &end, on_finished, self))
        land(self);
}

/* --- asking ------------------------------------------------------------------------------- */

static const char *
check(void *arg, const char *text, size_t size, bool is_cut)
{
    const flight_t *self = arg;
    const char *what = NULL;
    char *shown = text_check(text, size, is_cut, self->question.verbosity, &what);

    free(shown);
    return what;
}

/* The chain has had it checked: what is missing here is memory. */
static void
take_text(flight_t *self, const struct llm_outcome *outcome)
{
    const char *what = NULL;

    self->cause = outcome->cause;
    if (outcome->cause != LLM_OK)
        return;
    self->text = text_check(outcome->text, outcome->size, outcome->is_cut,
                            self->question.verbosity, &what);
    if (!self->text)
        self->cause = LLM_SCHEMA;
    snprintf(self->provider, sizeof(self->provider), "%s", outcome->provider);
    snprintf(self->model, sizeof(self->model), "%s", outcome->model);
    clock_text(clock_utc_ms(), self->generated_at);
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
              explain_question_subject(&self->question, subject), llm_cause_name(self->cause),
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
    snprintf(value, sizeof(value), "%s after %d requests: %s", llm_cause_name(self->cause),
             outcome->attempts, outcome->what);
    sentry_tag(&self->notes, "provider", outcome->provider);
    sentry_tag(&self->notes, "model", outcome->model);
    sentry_tag(&self->notes, "http_status", outcome->status ? status : NULL);
    sentry_capture(&(struct sentry_capture){.type = "explain.degraded",
                                            .level = "warning",
                                            .reason = llm_cause_name(self->cause),
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

/* --- the budget --------------------------------------------------------------------------- */

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

/* --- the cache ---------------------------------------------------------------------------- */

static void
take_row(flight_t *self, const PGresult *row)
{
    self->text = strdup(pg_get(row, 0, 0));
    self->is_cached = self->text != NULL;
    snprintf(self->provider, sizeof(self->provider), "%s", pg_get(row, 0, 1));
    snprintf(self->model, sizeof(self->model), "%s", pg_get(row, 0, 2));
    snprintf(self->generated_at, sizeof(self->generated_at), "%s", pg_get(row, 0, 3));
}

static void
on_found(void *arg, const struct pg_outcome *outcome)
{
    flight_t *self = arg;

    if (!outcome->err && PQntuples(outcome->results[0]) == 1)
        take_row(self, outcome->results[0]);
    if (self->text)
        land_without(self, LLM_OK);
    else if (self->owner->is_ending)
        land_without(self, LLM_CANCELLED);
    else
        reserve(self);
}

/* --- questions ---------------------------------------------------------------------------- */

static void
add_waiter(flight_t *self, explain_reply_fn *fn, void *arg)
{
    struct waiter *waiter = zmalloc(sizeof(*waiter));

    *waiter = (struct waiter){.fn = fn, .arg = arg, .next = self->waiters};
    self->waiters = waiter;
}

static bool
is_same(const flight_t *self, const struct explain_question *question,
        const struct prompt *prompt)
{
    const struct explain_question *own = &self->question;

    return memcmp(self->prompt.hash, prompt->hash, SHA256_SIZE) == 0 &&
           own->kind == question->kind && own->verbosity == question->verbosity &&
           tm_uuid_is(&own->workspace, &question->workspace) &&
           tm_uuid_is(&own->subject, &question->subject) &&
           tm_uuid_is(&own->strategy, &question->strategy);
}

/* One that is under way and ends in time for whoever asks now. */
static flight_t *
find(const explanations_t *self, const struct explain_question *question,
     const struct prompt *prompt, int64_t deadline_us)
{
    for (flight_t *f = zlistx_first(self->flights); f; f = zlistx_next(self->flights))
        if (f->deadline_us <= deadline_us && is_same(f, question, prompt))
            return f;
    return NULL;
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
    flight->handle = zlistx_add_end(self->flights, flight);
    return flight;
}

static void
refuse(explanations_t *self, enum llm_cause cause, explain_reply_fn *fn, void *arg)
{
    struct explain_reply reply = {.cause = cause};

    meters_add(self->meters, METRIC_EXPLAIN_ANSWERS, llm_cause_name(cause), 1);
    fn(arg, &reply);
}

void
explanations_ask(explanations_t *self, const struct explain_question *question,
                 int64_t deadline_us, explain_reply_fn *fn, void *arg)
{
    struct prompt prompt = {.user = NULL};
    flight_t *flight;
    tm_err_t err;

    if (self->is_ending) {
        refuse(self, LLM_CANCELLED, fn, arg);
        return;
    }
    err = prompt_init(&prompt, question);
    if (err) {
        log_warn("explain.no_prompt", "error=%s", tm_err_name(err));
        refuse(self, LLM_TOO_LARGE, fn, arg);
        return;
    }
    flight = find(self, question, &prompt, deadline_us);
    if (flight) {
        add_waiter(flight, fn, arg);
    } else {
        flight = start(self, question, &prompt, deadline_us);
        add_waiter(flight, fn, arg);
        records_find(self->pg, &flight->question, flight->prompt.hash, on_found, flight);
    }
    prompt_fini(&prompt);
}

void
explanations_end(explanations_t *self)
{
    self->is_ending = true;
    for (flight_t *f = zlistx_first(self->flights); f; f = zlistx_next(self->flights))
        if (f->ask)
            llm_chain_cancel(self->chain, f->ask);
}
