#include "actors/http/explain/explanation.h"

#include "actors/http/core/answer.h"
#include "actors/http/core/body.h"
#include "actors/http/explain/routes.def"
#include "actors/kit/util/auto.h"
#include "actors/kit/util/clock.h"
#include "actors/kit/contracts/explain_tags.h"
#include "actors/kit/runtime/log.h"
#include "actors/kit/sentry/sentry.h"

enum {
    MORE_MS = 150,         /* for the way to the service and back */
    DEADLINE_MAX = 600000, /* of a call */
};

#define FALLBACK "fallback"

static void
explanation_destroy(void *state)
{
    explanation_t *self = state;

    explain_question_fini(&self->question);
    free(self->strategy_name);
    free(self->text);
    free(self);
}

explanation_t *
explanation_start(request_t *request, enum explain_kind kind, enum explain_verbosity verbosity)
{
    explanation_t *self = zmalloc(sizeof(*self));

    self->request = request;
    self->started_us = clock_us();
    self->question.workspace = request_workspace(request)->id;
    self->question.kind = kind;
    self->question.verbosity = verbosity;
    request_keep(request, self, explanation_destroy);
    return self;
}

void
explanation_take(explanation_t *self, const char *strategy_name, const char *facts)
{
    self->strategy_name = strategy_name ? strdup(strategy_name) : NULL;
    self->question.facts = facts ? json_loads(facts, 0, NULL) : NULL;
}

/* --- answering ---------------------------------------------------------------------------- */

static json_t *
id_or_null(const tm_uuid_t *id)
{
    char text[TM_UUID_TEXT];

    return tm_uuid_is_nil(id) ? json_null() : json_string(tm_uuid_text(id, text));
}

/* The members that do not depend on who wrote the text. */
static json_t *
frame_answer(const explanation_t *self)
{
    return json_pack("{s:o, s:o, s:s?, s:s, s:s, s:I}", "run_id", id_or_null(&self->run),
                     "strategy_id", id_or_null(&self->strategy), "strategy_name",
                     self->strategy_name, "confidence_qualifier", self->qualifier, "verbosity",
                     explain_verbosity_name(self->question.verbosity), "latency_ms",
                     (json_int_t)((clock_us() - self->started_us) / 1000));
}

/* reason: of a text that no model wrote; NULL: one did. */
static void
answer_explained(explanation_t *self, const struct explain_answer *from,
                 const enum explain_reason *reason)
{
    const char *text = reason ? self->text : from->text;
    struct sentry_notes *notes = request_notes(self->request);
    meters_t *metrics = request_bridge(self->request)->metrics;
    char now[CLOCK_TEXT], *body = NULL;
    tm_auto(json) root = frame_answer(self);
    tm_auto(json) rest = json_pack(
        "{s:s, s:s, s:s, s:b, s:s, s:b, s:s?, s:s?}", "explanation", text, "model",
        reason ? FALLBACK : from->model, "provider", reason ? FALLBACK : from->provider,
        "cache_hit", !reason && from->is_cached, "generated_at",
        reason ? clock_text(clock_utc_ms(), now) : from->generated_at, "degraded",
        reason != NULL, "reason_code", reason ? explain_reason_code(*reason) : NULL, "error",
        reason ? explain_reason_sentence(*reason) : NULL);

    meters_add(metrics, METRIC_EXPLANATIONS,
               reason            ? explain_reason_code(*reason)
               : from->is_cached ? "cached"
                                 : "ok",
               1);
    explain_question_tag(&self->question, notes);
    sentry_tag(notes, "degraded", reason ? explain_reason_code(*reason) : NULL);
    if (root && rest && json_object_update(root, rest) == 0)
        body = json_dumps(root, JSON_COMPACT);
    answer_json(self->request, &body);
}

/* The service was not heard at all, so Sentry is told from here; a service that has no text
 * tells Sentry itself. */
static void
tell_unheard(explanation_t *self, const char *cause)
{
    struct sentry_notes notes = {NULL, NULL, NULL};

    explain_question_tag(&self->question, &notes);
    sentry_capture(&(struct sentry_event){.type = "explain.unheard",
                                          .level = "warning",
                                          .reason = cause,
                                          .value = explain_kind_name(self->question.kind),
                                          .notes = &notes});
    sentry_notes_fini(&notes);
}

/* cause: for the log, as exact as it is known. */
static void
fall_back(explanation_t *self, enum explain_reason reason, const char *cause)
{
    char subject[EXPLAIN_SUBJECT_TEXT];

    log_warn("explain.degraded", "kind=%s subject=%s cause=%s reason=%s",
             explain_kind_name(self->question.kind),
             explain_question_subject(&self->question, subject), cause,
             explain_reason_code(reason));
    answer_explained(self, NULL, &reason);
}

/* --- asking ------------------------------------------------------------------------------- */

static void
take_answer(explanation_t *self, tm_str_t body)
{
    struct explain_answer answered;
    const char *what = "";

    if (explain_answer_parse(body.data, body.size, &answered, &what)) {
        log_warn("explain.bad_answer", "what=\"%s\"", what);
        tell_unheard(self, "bad_answer");
        fall_back(self, EXPLAIN_ERROR, "bad_answer");
        return;
    }
    if (answered.text)
        answer_explained(self, &answered, NULL);
    else
        fall_back(self, answered.reason, answered.cause);
    explain_answer_fini(&answered);
}

static void
give_up(explanation_t *self, tm_err_t err)
{
    tell_unheard(self, tm_err_name(err));
    fall_back(self, err == TM_TIMEOUT ? EXPLAIN_TIMEOUT : EXPLAIN_ERROR, tm_err_name(err));
}

static void
on_explained(void *arg, tm_err_t err, const char *detail, tm_str_t body)
{
    request_t *request = request_resume(arg);

    (void)detail;
    if (!request_is_gone(request) && err)
        give_up(request_state(request), err);
    else if (!request_is_gone(request))
        take_answer(request_state(request), body);
    request_unref(&request);
}

static uint32_t
deadline_ms(const settings_t *settings)
{
    const int64_t ms = (int64_t)(settings->llm_timeout_seconds * 1000) + MORE_MS;

    return ms < DEADLINE_MAX ? (uint32_t)ms : DEADLINE_MAX;
}

/* TM_OK: on_return runs once, later. */
static tm_err_t
ask_service(explanation_t *self)
{
    bridge_t *bridge = request_bridge(self->request);
    tm_auto(tm_text) question = explain_question_text(&self->question);
    char trace[TRACEPARENT_TEXT];
    struct tm_call_spec spec = {.service = EXPLAIN_SERVICE,
                                .deadline_ms = deadline_ms(bridge->settings),
                                .traceparent =
                                    traceparent_text(request_trace(self->request), trace)};

    if (!question)
        return TM_NO_MEMORY;
    if (bridge->is_draining)
        return TM_DRAINING;
    if (!tm_client_is_connected(bridge->client))
        return TM_BROKER_DOWN;
    spec.body = question;
    spec.body_size = strlen(question);
    return tm_client_call(bridge->client, &spec, on_explained, self->request);
}

void
explanation_give(explanation_t *self)
{
    tm_err_t err;

    if (!self->text || !self->question.facts) {
        answer_fail(self->request, TM_NO_MEMORY, "");
        return;
    }
    err = ask_service(self);
    if (err) {
        give_up(self, err);
        return;
    }
    self->is_asked = true;
    request_ref(self->request);
}

static void
drain_explanation(request_t *request)
{
    explanation_t *self = request_state(request);

    if (self && self->is_asked && !request_is_gone(request))
        give_up(self, TM_DRAINING);
}

const struct route_ops explanation_ops = {
    .begin = body_text_begin, .body = body_text, .drain = drain_explanation};

/* --- what was asked ----------------------------------------------------------------------- */

enum explain_verbosity
explanation_verbosity(const request_t *request, const char *said, struct problem *problem)
{
    const struct query *query = request_query(request);
    const char *asked = query->has_verbosity ? query->verbosity.text : NULL;
    enum explain_verbosity verbosity = EXPLAIN_SHORT;

    if (said && asked && strcmp(said, asked) != 0)
        problem_add(problem, TM_VALIDATION_FAILED, "body.verbosity",
                    "is not what the query says");
    explain_verbosity_find(said ? said : asked, &verbosity);
    return verbosity;
}
