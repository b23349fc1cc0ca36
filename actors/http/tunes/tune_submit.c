/* The end step of POST /backtests/tune: the job is submitted, and its tune's end waited for. A
 * job that was submitted goes on without its client. For the states see intake.h.
 */
#include "actors/http/core/answer.h"
#include "actors/http/core/sql.h"
#include "actors/http/tunes/routes.def"
#include "actors/http/tunes/statements.def"
#include "actors/http/tunes/tune_waiters.h"
#include "actors/http/intake/intake.h"
#include "actors/kit/util/auto.h"
#include "actors/kit/util/clock.h"

enum { PREFER_MAX_MS = 300000 };

typedef struct {
    intake_t intake; /* first: so a request's state is both */
    tm_uuid_t job;
    bool is_duplicate;
    struct tune_waiter wait;
} submit_t;

/* Once the job was accepted there is a tune, and the problem names it. */
static void
fail_problem(submit_t *self, struct problem *problem)
{
    if (self->intake.state >= INTAKE_WAITING)
        tm_uuid_text(&self->job, problem->tune_id);
    intake_problem(&self->intake, problem);
}

static void
fail_submit(submit_t *self, tm_err_t err, const char *detail)
{
    struct problem problem;

    problem_init(&problem, err, "%s", detail);
    fail_problem(self, &problem);
}

static const char *
key_of(const submit_t *self)
{
    return intake_receive_key(self->intake.receive);
}

/* --- answered, or waiting again ----------------------------------------------------------- */

static void render_tune(submit_t *self);

static void
on_tune_end(request_t *request)
{
    render_tune(request_state(request));
}

static void
wait_for_tune(submit_t *self)
{
    intake_set_state(&self->intake, INTAKE_WAITING);
    self->wait.fn = on_tune_end;
    tune_waiters_add(self->intake.bridge->waits, &self->wait, self->intake.request);
}

/* The first request is told where to look; a duplicate, when to come again. */
static void
answer_unfinished(submit_t *self, const char *json)
{
    char location[64] = "/backtests/tunes/", id[TM_UUID_TEXT];
    struct problem problem;
    char *text;

    if (self->is_duplicate) {
        meters_add(self->intake.bridge->metrics, METRIC_IDEMPOTENT, "in_progress", 1);
        problem_init(&problem, TM_IDEMPOTENCY_IN_PROGRESS, "%s", "");
        problem.retry_after_s = 1;
        fail_problem(self, &problem);
        return;
    }
    text = strdup(json);
    strcat(location, tm_uuid_text(&self->job, id));
    intake_set_state(&self->intake, INTAKE_ANSWERED);
    answer_header(self->intake.request, "Location", location);
    answer_text(self->intake.request, MHD_HTTP_ACCEPTED, JSON_TYPE, &text, strlen(json));
}

static void
answer_finished(submit_t *self, unsigned status, char **text_p, size_t size)
{
    intake_set_state(&self->intake, INTAKE_ANSWERED);
    if (request_is_gone(self->intake.request)) {
        free(*text_p);
        *text_p = NULL;
        return;
    }
    if (status == 429 || status == 503)
        answer_header(self->intake.request, "Retry-After", "1");
    if (self->is_duplicate) {
        meters_add(self->intake.bridge->metrics, METRIC_IDEMPOTENT, "replayed", 1);
        answer_header(self->intake.request, "Idempotent-Replayed", "true");
    }
    answer_text(self->intake.request, status, status < 400 ? JSON_TYPE : PROBLEM_TYPE, text_p,
                size);
}

/* --- keeping ------------------------------------------------------------------------------ */

/* The answer that is stored under the key is sent, also if another request stored it. If the
 * key has expired meanwhile nothing is stored, and the client must ask under a new key. */
static void
on_answer_kept(void *arg, const struct pg_outcome *outcome)
{
    request_t *request = arg;
    submit_t *self = request_state(request);

    if (outcome->err) {
        fail_submit(self, outcome->err, "");
    } else if (PQntuples(outcome->results[1]) == 0) {
        fail_submit(self, TM_NOT_FOUND, "the idempotency key has expired; see the tune itself");
    } else {
        size_t size = 0;
        unsigned status = (unsigned)pg_get_i64(outcome->results[1], 0, 0);
        char *body = (char *)pg_get_bytes(outcome->results[1], 0, 1, &size);

        if (body)
            answer_finished(self, status, &body, size);
        else
            fail_submit(self, TM_NO_MEMORY, "");
    }
    request_unref(&request);
}

static void
keep_answer(submit_t *self, unsigned status, char **text_p)
{
    pg_unit_t *unit = sql_unit(self->intake.request, STMT_ANSWER_KEEP);

    intake_set_state(&self->intake, INTAKE_KEEPING);
    pg_uuid(unit, &self->job);
    pg_i64(unit, status);
    pg_bytes(unit, *text_p, strlen(*text_p));
    sql_add(self->intake.request, unit, STMT_ANSWER_KEPT);
    pg_uuid(unit, &self->job);
    free(*text_p);
    *text_p = NULL;
    pg_send(&unit, on_answer_kept, request_ref(self->intake.request));
}

/* --- rendering ---------------------------------------------------------------------------- */

/* TUNE: response, status, error_code, error_detail, faults */
static char *
render_final(const PGresult *row, unsigned *ret_status)
{
    const char *code = pg_get(row, 0, 2), *detail = pg_get(row, 0, 3);
    const char *cells = pg_get(row, 0, 4);
    tm_auto(json) faults = cells ? json_loads(cells, 0, NULL) : NULL;
    struct problem problem;
    tm_err_t err;

    *ret_status = MHD_HTTP_OK;
    if (strcmp(pg_get(row, 0, 1), "failed") != 0)
        return strdup(pg_get(row, 0, 0));
    err = code ? tm_err_by_name(code, strlen(code)) : TM_JOB_FAILED;
    problem_init(&problem, err ? err : TM_JOB_FAILED, "%s", detail ? detail : "");
    problem.faults = faults;
    *ret_status = (unsigned)tm_err_http(problem.err);
    return problem_render(&problem, NULL);
}

static bool
is_over(const char *status)
{
    return strcmp(status, "queued") != 0 && strcmp(status, "running") != 0;
}

static void
take_rendered(submit_t *self, const PGresult *row)
{
    unsigned status;
    char *text;

    if (!is_over(pg_get(row, 0, 1))) {
        if (clock_ms() < self->wait.deadline_ms)
            wait_for_tune(self);
        else
            answer_unfinished(self, pg_get(row, 0, 0));
        return;
    }
    text = render_final(row, &status);
    if (!text)
        fail_submit(self, TM_NO_MEMORY, "");
    else if (key_of(self))
        keep_answer(self, status, &text);
    else
        answer_finished(self, status, &text, strlen(text));
}

static void
on_rendered(void *arg, const struct pg_outcome *outcome)
{
    request_t *request = arg;
    submit_t *self = request_state(request);

    if (outcome->err)
        fail_submit(self, outcome->err, "");
    else if (PQntuples(outcome->results[0]) == 0)
        fail_submit(self, TM_TUNE_NOT_FOUND, "");
    else
        take_rendered(self, outcome->results[0]);
    request_unref(&request);
}

static void
render_tune(submit_t *self)
{
    pg_unit_t *unit;

    intake_set_state(&self->intake, INTAKE_RENDERING);
    if (request_is_gone(self->intake.request))
        return;
    unit = sql_unit(self->intake.request, STMT_TUNE);
    pg_uuid(unit, &self->intake.workspace.id);
    pg_uuid(unit, &self->job);
    pg_i64(unit, self->intake.bridge->settings->tune_leaderboard);
    pg_send(&unit, on_rendered, request_ref(self->intake.request));
}

/* --- submitting --------------------------------------------------------------------------- */

static int64_t
patience_ms(const submit_t *self)
{
    const settings_t *settings = self->intake.bridge->settings;
    int64_t own_ms = (int64_t)(settings->http_tune_wait_seconds * 1000);
    int64_t most_ms = PREFER_MAX_MS;

    if (self->intake.bridge->is_draining)
        return 0;
    if (self->is_duplicate)
        own_ms = most_ms = (int64_t)(settings->idempotency_wait_seconds * 1000);
    prefer_parse(request_header(self->intake.request, "Prefer"), most_ms, &own_ms);
    return own_ms;
}

static void
take_accepted(submit_t *self, const struct tm_answer *answer)
{
    /* our own id again: a SUBMIT that was sent twice because the first answer was lost */
    self->is_duplicate = answer->duplicate && !tm_uuid_is(&answer->job, &self->job);
    self->job = answer->job;
    self->wait.job = answer->job;
    self->wait.deadline_ms = clock_ms() + patience_ms(self);
    if (key_of(self) && !self->is_duplicate)
        meters_add(self->intake.bridge->metrics, METRIC_IDEMPOTENT, "first", 1);
    if (self->is_duplicate || clock_ms() >= self->wait.deadline_ms)
        render_tune(self); /* the tune may be over already */
    else
        wait_for_tune(self);
}

static void
on_answer(void *arg, const struct tm_answer *answer)
{
    request_t *request = request_resume(arg);
    submit_t *self = request_state(request);
    struct problem problem;

    if (!answer->err) {
        take_accepted(self, answer);
    } else {
        if (answer->err == TM_IDEMPOTENCY_KEY_REUSED)
            meters_add(self->intake.bridge->metrics, METRIC_IDEMPOTENT, "reused", 1);
        problem_init(&problem, answer->err, "%s", answer->detail);
        problem.retry_after_s = (uint32_t)((answer->retry_after_ms + 999) / 1000);
        fail_problem(self, &problem);
    }
    request_unref(&request);
}

/* TM_OK: on_answer runs later. */
static tm_err_t
send_job(submit_t *self, const char *body)
{
    const intake_t *intake = &self->intake;
    char trace[TRACEPARENT_TEXT];
    uint8_t hash[SHA256_SIZE];
    struct tm_job_spec spec = {.job = self->job,
                               .queue = TUNE_QUEUE,
                               .workspace = intake->workspace.id,
                               .key = key_of(self),
                               .scope = TUNE_SCOPE,
                               .request_hash = hash,
                               .watch = true,
                               .body = body,
                               .body_size = strlen(body)};

    spec.traceparent = traceparent_text(request_trace(intake->request), trace);
    tune_request_hash(intake->tune, hash);
    return tm_client_submit(intake->bridge->client, &spec, on_answer, intake->request);
}

static void
submit_job(intake_t *intake)
{
    submit_t *self = (submit_t *)intake;
    tm_auto(tm_text) body = tune_request_body(intake->tune);
    tm_err_t err;

    intake_set_state(intake, INTAKE_SUBMITTING);
    self->job = tm_uuid_new();
    err = body ? send_job(self, body) : TM_NO_MEMORY;
    if (err)
        fail_submit(self, err, "");
    else
        request_ref(intake->request);
}

/* --- the row ------------------------------------------------------------------------------ */

static void
fini_tune(intake_t *intake)
{
    submit_t *self = (submit_t *)intake;

    tune_waiters_remove(intake->bridge->waits, &self->wait);
}

static void
begin_tune(request_t *request)
{
    static const struct intake_kind kind = {.size = sizeof(submit_t),
                                            .new_request = tune_request_new,
                                            .end = submit_job,
                                            .fini = fini_tune};

    intake_begin(request, &kind);
}

static void
drain_submit(request_t *request)
{
    submit_t *self = request_state(request);

    if (self)
        tune_waiters_end(self->intake.bridge->waits, &self->wait);
}

const struct route_ops tune_submit_ops = {
    .begin = begin_tune, .body = intake_body, .drain = drain_submit};
