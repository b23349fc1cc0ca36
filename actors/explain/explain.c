#include "actors/explain/explain.h"

#include <string.h>

#include "actors/explain/explanations.h"
#include "actors/explain/records.h"
#include "actors/kit/util/auto.h"
#include "actors/kit/contracts/explain_tags.h"
#include "actors/kit/runtime/log.h"
#include "actors/kit/sentry/sentry.h"

enum { PRUNE_MS = 3600000 };

typedef struct {
    const service_t *service;
    llm_chain_t *chain;
    explanations_t *explanations;
} explain_t;

/* A call in hand. */
typedef struct {
    explain_t *owner;
    tm_job_t *job;
    int64_t started_us;
    traceparent_t trace;
    struct explain_question question; /* but for the facts */
} pending_call_t;

static void
on_answer(void *waiter, void *answer_arg)
{
    pending_call_t *self = waiter;
    const int64_t took_us = clock_us() - self->started_us;
    struct explain_answer answer = *(const struct explain_answer *)answer_arg;
    struct sentry_notes notes = {NULL, NULL, NULL};
    tm_auto(tm_text) text = NULL;

    answer.latency_ms = took_us / 1000;
    text = explain_answer_text(&answer);
    meters_observe_us(self->owner->service->meters, METRIC_EXPLAIN_SECONDS, NULL, took_us);
    if (sentry_samples(&self->trace)) {
        sentry_tag(&notes, "outcome", answer.is_cached ? "cached" : answer.cause);
        sentry_tag(&notes, "provider", answer.provider);
        sentry_tag(&notes, "model", answer.model);
        explain_question_tag(&self->question, &notes);
    }
    sentry_transaction(&(struct sentry_transaction){.name = "call " EXPLAIN_SERVICE,
                                                    .source = "task",
                                                    .op = "rpc.server",
                                                    .http = answer.text ? 200 : 503,
                                                    .trace = &self->trace,
                                                    .took_us = took_us,
                                                    .notes = &notes});
    sentry_notes_fini(&notes);
    if (text)
        tm_worker_done(self->owner->service->worker, &self->job, false, text, strlen(text));
    else
        tm_worker_fail(self->owner->service->worker, &self->job, TM_NO_MEMORY,
                       tm_err_text(TM_NO_MEMORY), true);
    free(self);
}

/* The caller's deadline, and no later than our own. */
static int64_t
deadline_of(const explain_t *self, const tm_job_t *job, int64_t now_us)
{
    const int64_t own_ms = (int64_t)(self->service->settings->llm_timeout_seconds * 1000);
    const int64_t asked_ms = (int64_t)tm_job_timeout_ms(job);

    return now_us + 1000 * (asked_ms < own_ms ? asked_ms : own_ms);
}

static void
take(void *state, tm_job_t **job_p)
{
    explain_t *self = state;
    tm_job_t *job = *job_p;
    const int64_t now_us = clock_us();
    const tm_str_t body = tm_job_body(job);
    struct explain_question question;
    traceparent_t trace;
    const char *what = "";
    pending_call_t *visit;

    *job_p = NULL;
    traceparent_follow(tm_job_traceparent(job), &trace);
    log_trace(&trace);
    if (explain_question_parse(body.data, body.size, &question, &what)) {
        log_warn("explain.bad_question", "what=\"%s\"", what);
        tm_worker_fail(self->service->worker, &job, TM_BAD_REQUEST, what, false);
        return;
    }
    visit = zmalloc(sizeof(*visit));
    *visit = (pending_call_t){
        .owner = self, .job = job, .started_us = now_us, .trace = trace, .question = question};
    visit->question.facts = NULL;
    explanations_ask(self->explanations, &question, deadline_of(self, job, now_us), visit);
    explain_question_fini(&question);
}

static tm_err_t
start(void *state, service_t *service)
{
    explain_t *self = state;

    service->worker_options.calls = (uint32_t)service->settings->llm_in_flight;
    self->chain = llm_chain_new(service->loop, service->settings, service->meters);
    if (!self->chain)
        return TM_BAD_SETTING;
    self->explanations = explanations_new(service->settings, service->meters, service->pg,
                                          self->chain, on_answer);
    return TM_OK;
}

static void
prune(void *state)
{
    const explain_t *self = state;

    records_prune(self->service->pg);
}

static bool
is_drained(void *state)
{
    const explain_t *self = state;

    return explanations_count(self->explanations) == 0;
}

/* The models are told to stop; what that costs is written. */
static void
cut(void *state)
{
    const explain_t *self = state;

    explanations_end(self->explanations);
}

/* Chain and pool end what is under way, and the worker passes that on. */
static void
stop(void *state)
{
    explain_t *self = state;

    explanations_end(self->explanations);
    llm_chain_destroy(&self->chain);
}

static void
fini(void *state)
{
    explain_t *self = state;

    llm_chain_destroy(&self->chain);
    explanations_destroy(&self->explanations);
}

const struct service_type explain_service = {
    .name = "explain",
    .state_size = sizeof(explain_t),
    .database = {.application = "tunemill-explain",
                 .statements = records_statements,
                 .statement_count = STMT_COUNT},
    .worker = {.services = EXPLAIN_SERVICE},
    .job = take,
    .start = start,
    .tick_ms = PRUNE_MS,
    .tick = prune,
    .is_drained = is_drained,
    .drain_ms = 5000,
    .cut = cut,
    .cut_ms = 1000,
    .stop = stop,
    .fini = fini,
};
