#include "actors/explain/explain.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "actors/explain/explanations.h"
#include "actors/explain/records.h"
#include "actors/kit/util/auto.h"
#include "actors/kit/contracts/explain_tags.h"
#include "actors/kit/runtime/federation.h"
#include "actors/kit/runtime/log.h"
#include "actors/kit/sentry/sentry.h"
#include "actors/kit/runtime/broker_settings.h"
#include "proto/worker.h"

enum { DRAIN_MS = 5000, CANCEL_MS = 1000, DRAIN_TICK_MS = 20, PRUNE_MS = 3600000 };

typedef struct {
    const settings_t *settings;
    loop_t *loop;
    meters_t *meters;
    federation_t *fleet;
    pg_t *pg;
    llm_chain_t *chain;
    explanations_t *explanations;
    tm_worker_t *worker; /* NULL: the database was not there yet */
    int64_t drain_until_ms;
    int ready_fd; /* -1: none */
} explain_t;

/* A call in hand. */
typedef struct {
    explain_t *owner;
    tm_job_t *job;
    int64_t started_us;
    traceparent_t trace;
    struct explain_question question; /* but for the facts */
} pending_call_t;

/* --- answering ---------------------------------------------------------------------------- */

static void
write_answer(const struct explain_reply *reply, struct explain_answer *ret)
{
    snprintf(ret->cause, sizeof(ret->cause), "%s", llm_cause_name(reply->cause));
    if (reply->cause != LLM_OK) {
        if (!explain_reason_find(llm_cause_reason(reply->cause), &ret->reason))
            ret->reason = EXPLAIN_ERROR;
        return;
    }
    ret->text = strdup(reply->text);
    ret->is_cached = reply->is_cached;
    snprintf(ret->provider, sizeof(ret->provider), "%s", reply->provider);
    snprintf(ret->model, sizeof(ret->model), "%s", reply->model);
    snprintf(ret->generated_at, sizeof(ret->generated_at), "%s", reply->generated_at);
}

static void
on_reply(void *arg, const struct explain_reply *reply)
{
    pending_call_t *self = arg;
    const int64_t took_us = clock_us() - self->started_us;
    struct explain_answer answer = {.latency_ms = took_us / 1000};
    struct sentry_notes notes = {NULL, NULL, NULL};
    tm_auto(tm_text) text = NULL;

    write_answer(reply, &answer);
    text = explain_answer_text(&answer);
    meters_observe_us(self->owner->meters, METRIC_EXPLAIN_SECONDS, NULL, took_us);
    if (sentry_samples(&self->trace)) {
        sentry_tag(&notes, "outcome", reply->is_cached ? "cached" : answer.cause);
        sentry_tag(&notes, "provider", answer.provider);
        sentry_tag(&notes, "model", answer.model);
        explain_question_tag(&self->question, &notes);
    }
    sentry_transaction(&(struct sentry_transaction){.name = "call " EXPLAIN_SERVICE,
                                                    .source = "task",
                                                    .op = "rpc.server",
                                                    .http = reply->cause == LLM_OK ? 200 : 503,
                                                    .trace = &self->trace,
                                                    .took_us = took_us,
                                                    .notes = &notes});
    sentry_notes_fini(&notes);
    if (text)
        tm_worker_done(self->owner->worker, &self->job, false, text, strlen(text));
    else
        tm_worker_fail(self->owner->worker, &self->job, TM_NO_MEMORY, tm_err_text(TM_NO_MEMORY),
                       true);
    explain_answer_fini(&answer);
    free(self);
}

/* The caller's deadline, and no later than our own. */
static int64_t
deadline_of(const explain_t *self, const tm_job_t *job, int64_t now_us)
{
    const int64_t own_ms = (int64_t)(self->settings->llm_timeout_seconds * 1000);
    const int64_t asked_ms = (int64_t)tm_job_timeout_ms(job);

    return now_us + 1000 * (asked_ms < own_ms ? asked_ms : own_ms);
}

static void
take(explain_t *self, tm_job_t *job)
{
    const int64_t now_us = clock_us();
    const tm_str_t body = tm_job_body(job);
    struct explain_question question;
    traceparent_t trace;
    const char *what = "";
    pending_call_t *visit;

    traceparent_follow(tm_job_traceparent(job), &trace);
    log_trace(&trace);
    if (explain_question_parse(body.data, body.size, &question, &what)) {
        log_warn("explain.bad_question", "what=\"%s\"", what);
        tm_worker_fail(self->worker, &job, TM_BAD_REQUEST, what, false);
        return;
    }
    visit = zmalloc(sizeof(*visit));
    *visit = (pending_call_t){
        .owner = self, .job = job, .started_us = now_us, .trace = trace, .question = question};
    visit->question.facts = NULL;
    explanations_ask(self->explanations, &question, deadline_of(self, job, now_us), on_reply,
                     visit);
    explain_question_fini(&question);
}

static void
on_calls(void *arg)
{
    explain_t *self = arg;
    tm_job_t *job = NULL;

    while (tm_worker_next(self->worker, 0, &job) == TM_OK)
        take(self, job);
    log_trace(NULL);
}

/* --- the process -------------------------------------------------------------------------- */

static tm_worker_t *
open_worker(const settings_t *settings)
{
    const struct tm_worker_options options = {.brokers = settings->broker_brokers,
                                              .actor = EXPLAIN_SERVICE,
                                              .services = EXPLAIN_SERVICE,
                                              .software = TM_VERSION,
                                              .calls = (uint32_t)settings->llm_in_flight,
                                              .curve = broker_settings_curve(settings)};
    tm_worker_t *worker = tm_worker_new(&options);

    if (!worker)
        broker_settings_complain(settings, "explain.bad_brokers");
    return worker;
}

/* Nobody is told of us before the cache and the budgets can be read. */
static void
serve(explain_t *self)
{
    self->worker = open_worker(self->settings);
    if (!self->worker) {
        loop_stop(self->loop);
        return;
    }
    tm_worker_attach(self->worker, loop_zloop(self->loop), on_calls, self);
    log_info("explain.ready", "models=%zu", llm_chain_links(self->chain));
    if (self->ready_fd >= 0 && dprintf(self->ready_fd, "ready\n") < 0)
        log_warn("explain.ready_unheard", "errno=%d", errno);
}

static void
on_up(void *arg)
{
    explain_t *self = arg;

    if (!self->worker)
        serve(self);
    records_prune(self->pg);
}

static void
on_prune(void *arg)
{
    const explain_t *self = arg;

    records_prune(self->pg);
}

/* What is asked may end; then the models are told to stop, and what that costs is written. */
static void
on_drain_tick(void *arg)
{
    explain_t *self = arg;
    const int64_t now_ms = clock_ms();

    if (now_ms >= self->drain_until_ms)
        explanations_end(self->explanations);
    if (explanations_count(self->explanations) == 0 ||
        now_ms >= self->drain_until_ms + CANCEL_MS)
        loop_stop(self->loop);
}

static void
on_drain(void *arg)
{
    explain_t *self = arg;

    log_info("explain.draining", "questions=%zu", explanations_count(self->explanations));
    if (self->worker)
        tm_worker_drain(self->worker);
    self->drain_until_ms = clock_ms() + DRAIN_MS;
    loop_timer(self->loop, DRAIN_TICK_MS, true, on_drain_tick, self);
}

static bool
open_all(explain_t *self)
{
    self->loop = loop_new();
    loop_signals(self->loop, on_drain, self);
    self->meters = meters_new("explain");
    sentry_count(self->meters);
    self->pg = records_pool(self->loop, self->settings, self->meters, on_up, self);
    self->chain = llm_chain_new(self->loop, self->settings, self->meters);
    self->fleet = federation_new(self->loop, self->settings, self->meters, false);
    if (!self->pg || !self->chain || !self->fleet)
        return false;
    self->explanations = explanations_new(self->settings, self->meters, self->pg, self->chain);
    loop_timer(self->loop, PRUNE_MS, true, on_prune, self);
    return true;
}

/* Chain and pool end what is under way, and the worker passes that on. */
static void
close_all(explain_t *self)
{
    if (self->explanations)
        explanations_end(self->explanations);
    llm_chain_destroy(&self->chain);
    pg_destroy(&self->pg);
    explanations_destroy(&self->explanations);
    tm_worker_destroy(&self->worker);
    federation_destroy(&self->fleet);
    loop_destroy(&self->loop);
    sentry_count(NULL);
    meters_destroy(&self->meters);
}

tm_err_t
explain_run(const settings_t *settings, int ready_fd)
{
    explain_t self = {.settings = settings, .ready_fd = ready_fd};
    tm_err_t err = open_all(&self) ? TM_OK : TM_BAD_SETTING;

    if (!err) {
        loop_run(self.loop);
        err = self.worker || self.drain_until_ms ? TM_OK : TM_BAD_SETTING;
        log_info("explain.stopped", "questions=%zu", explanations_count(self.explanations));
    }
    close_all(&self);
    return err;
}
