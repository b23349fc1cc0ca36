/* The way of one tune request. Each state is one step, whose function starts what it waits for
 * and whose callback leads to the next:
 *
 *   receiving    the form arrives; the file goes to the spool       -> looking_up
 *   looking_up   PostgreSQL: workspace and strategy                 -> uploading
 *   uploading    broker: the file, unless it is known               -> submitting
 *   submitting   broker: the job; ACCEPTED means it is durable      -> waiting, or rendering
 *   waiting      for the tune's end, or as long as the client likes -> rendering
 *   rendering    PostgreSQL: the tune as it is now                  -> keeping, answered,
 * waiting keeping      PostgreSQL: the final answer under its key, read back as it is kept ->
 * answered
 *
 * Every step holds a reference to the request. A client that has left ends the way at the next
 * step; a job that was submitted goes on without it.
 */
#include "actors/http/tunes/tune_intake.h"

#include "actors/http/tunes/dataset_upload.h"
#include "actors/http/core/request.h"
#include "actors/http/tunes/tune_receive.h"
#include "actors/http/tunes/tune_waiters.h"
#include "actors/kit/util/auto.h"
#include "actors/kit/util/clock.h"
#include "actors/kit/runtime/log.h"

enum { PREFER_MAX_MS = 300000 };

#define INTAKE_STATES(X)        \
    X(RECEIVING, "receiving")   \
    X(LOOKING_UP, "looking_up") \
    X(UPLOADING, "uploading")   \
    X(SUBMITTING, "submitting") \
    X(WAITING, "waiting")       \
    X(RENDERING, "rendering")   \
    X(KEEPING, "keeping")       \
    X(ANSWERED, "answered")

typedef enum {
#define X(NAME, name) INTAKE_##NAME,
    INTAKE_STATES(X)
#undef X
} intake_state_t;

typedef struct {
    request_t *request; /* which owns this */
    bridge_t *bridge;
    intake_state_t state;
    tune_receive_t *receive;
    struct workspace workspace;
    tune_request_t *tune;
    struct dataset_upload upload;
    tm_uuid_t job;
    bool is_duplicate;
    struct tune_waiter wait;
} intake_t;

static void
set_state(intake_t *self, intake_state_t next)
{
    static const char *const names[] = {
#define X(NAME, name) [INTAKE_##NAME] = name,
        INTAKE_STATES(X)
#undef X
    };

    request_resume(self->request);
    log_debug("http.intake", "from=%s to=%s", names[self->state], names[next]);
    self->state = next;
}

static void
intake_destroy(void *state)
{
    intake_t *self = state;

    tune_waiters_remove(self->bridge->waits, &self->wait);
    tune_receive_destroy(&self->receive);
    tune_request_destroy(&self->tune);
    free(self);
}

/* The way ends here with a problem. What stands for the tune is named if there is one. */
static void
fail(intake_t *self, struct problem *problem)
{
    if (self->state >= INTAKE_WAITING)
        tm_uuid_text(&self->job, problem->tune_id);
    set_state(self, INTAKE_ANSWERED);
    request_problem(self->request, problem);
}

static void
fail_with(intake_t *self, tm_err_t err, const char *detail)
{
    struct problem problem;

    problem_init(&problem, err, "%s", detail ? detail : "");
    fail(self, &problem);
}

/* --- receiving ---------------------------------------------------------------------------- */

void
tune_intake_begin(request_t *request)
{
    intake_t *self = zmalloc(sizeof(*self));
    struct problem problem = {0};

    self->request = request;
    self->bridge = request_bridge(request);
    request_keep(request, self, intake_destroy);
    self->receive = tune_receive_new(request, &problem);
    if (!self->receive)
        fail(self, &problem);
}

bool
tune_intake_body(request_t *request, const char *data, size_t size)
{
    intake_t *self = request_state(request);

    return self->receive && tune_receive_add(self->receive, data, size);
}

/* --- answered, or waiting again ----------------------------------------------------------- */

static void render(intake_t *self);

static void
on_wait_end(void *arg)
{
    intake_t *self = arg;
    request_t *request = self->request;

    render(self);
    request_unref(&request);
}

static void
wait_for_end(intake_t *self)
{
    set_state(self, INTAKE_WAITING);
    request_ref(self->request);
    self->wait.fn = on_wait_end;
    self->wait.arg = self;
    tune_waiters_add(self->bridge->waits, &self->wait);
}

/* The first request is told where to look; a duplicate, when to come again. */
static void
answer_unfinished(intake_t *self, const char *json)
{
    char location[64] = "/backtests/tunes/", id[TM_UUID_TEXT];
    struct problem problem;
    char *text;

    if (self->is_duplicate) {
        meters_add(self->bridge->metrics, METRIC_IDEMPOTENT, "in_progress", 1);
        problem_init(&problem, TM_IDEMPOTENCY_IN_PROGRESS, "%s", "");
        problem.retry_after_s = 1;
        fail(self, &problem);
        return;
    }
    text = strdup(json);
    strcat(location, tm_uuid_text(&self->job, id));
    set_state(self, INTAKE_ANSWERED);
    request_add_header(self->request, "Location", location);
    request_reply(self->request, MHD_HTTP_ACCEPTED, JSON_TYPE, &text, strlen(json));
}

static void
answer_finished(intake_t *self, unsigned status, char **text_p, size_t size)
{
    set_state(self, INTAKE_ANSWERED);
    if (request_is_gone(self->request)) {
        free(*text_p);
        *text_p = NULL;
        return;
    }
    if (status == 429 || status == 503)
        request_add_header(self->request, "Retry-After", "1");
    if (self->is_duplicate) {
        meters_add(self->bridge->metrics, METRIC_IDEMPOTENT, "replayed", 1);
        request_add_header(self->request, "Idempotent-Replayed", "true");
    }
    request_reply(self->request, status, status < 400 ? JSON_TYPE : PROBLEM_TYPE, text_p, size);
}

/* --- keeping ------------------------------------------------------------------------------ */

/* What is kept is sent, whoever kept it. A key that has expired meanwhile keeps nothing: the
 * outcome is then asked for once more by the client, under a new key. */
static void
on_kept(void *arg, const struct pg_outcome *outcome)
{
    request_t *request = arg;
    intake_t *self = request_state(request);

    if (outcome->err) {
        fail_with(self, outcome->err, "");
    } else if (PQntuples(outcome->results[1]) == 0) {
        fail_with(self, TM_NOT_FOUND, "the idempotency key has expired; see the tune itself");
    } else {
        size_t size = 0;
        unsigned status = (unsigned)pg_get_i64(outcome->results[1], 0, 0);
        char *body = (char *)pg_get_bytes(outcome->results[1], 0, 1, &size);

        if (body)
            answer_finished(self, status, &body, size);
        else
            fail_with(self, TM_NO_MEMORY, "");
    }
    request_unref(&request);
}

static void
keep(intake_t *self, unsigned status, char **text_p)
{
    pg_unit_t *unit = pg_unit_new(self->bridge->pg);

    set_state(self, INTAKE_KEEPING);
    pg_add(unit, STMT_ANSWER_KEEP);
    pg_uuid(unit, &self->job);
    pg_i64(unit, status);
    pg_bytes(unit, *text_p, strlen(*text_p));
    pg_add(unit, STMT_ANSWER_KEPT);
    pg_uuid(unit, &self->job);
    free(*text_p);
    *text_p = NULL;
    pg_send(&unit, on_kept, request_ref(self->request));
}

/* --- rendering ---------------------------------------------------------------------------- */

/* TUNE: response, status, error_code, error_detail */
static char *
render_final(const PGresult *row, unsigned *ret_status)
{
    const char *code = pg_get(row, 0, 2), *detail = pg_get(row, 0, 3);
    struct problem problem;
    tm_err_t err;

    *ret_status = MHD_HTTP_OK;
    if (strcmp(pg_get(row, 0, 1), "failed") != 0)
        return strdup(pg_get(row, 0, 0));
    err = code ? tm_err_by_name(code, strlen(code)) : TM_JOB_FAILED;
    problem_init(&problem, err ? err : TM_JOB_FAILED, "%s", detail ? detail : "");
    *ret_status = (unsigned)tm_err_http(problem.err);
    return problem_render(&problem, NULL);
}

static bool
is_over(const char *status)
{
    return strcmp(status, "queued") != 0 && strcmp(status, "running") != 0;
}

static void
take_rendered(intake_t *self, const PGresult *row)
{
    unsigned status;
    char *text;

    if (!is_over(pg_get(row, 0, 1))) {
        if (clock_ms() < self->wait.deadline_ms)
            wait_for_end(self);
        else
            answer_unfinished(self, pg_get(row, 0, 0));
        return;
    }
    text = render_final(row, &status);
    if (!text)
        fail_with(self, TM_NO_MEMORY, "");
    else if (tune_receive_key(self->receive))
        keep(self, status, &text);
    else
        answer_finished(self, status, &text, strlen(text));
}

static void
on_rendered(void *arg, const struct pg_outcome *outcome)
{
    request_t *request = arg;
    intake_t *self = request_state(request);

    if (outcome->err)
        fail_with(self, outcome->err, "");
    else if (PQntuples(outcome->results[0]) == 0)
        fail_with(self, TM_TUNE_NOT_FOUND, "");
    else
        take_rendered(self, outcome->results[0]);
    request_unref(&request);
}

static void
render(intake_t *self)
{
    pg_unit_t *unit;

    set_state(self, INTAKE_RENDERING);
    if (request_is_gone(self->request))
        return;
    unit = pg_unit_new(self->bridge->pg);
    pg_add(unit, STMT_TUNE);
    pg_uuid(unit, &self->workspace.id);
    pg_uuid(unit, &self->job);
    pg_i64(unit, self->bridge->settings->tune_leaderboard);
    pg_send(&unit, on_rendered, request_ref(self->request));
}

/* --- submitting --------------------------------------------------------------------------- */

static int64_t
patience_ms(const intake_t *self)
{
    const settings_t *settings = self->bridge->settings;
    int64_t own_ms = (int64_t)(settings->http_tune_wait_seconds * 1000);
    int64_t most_ms = PREFER_MAX_MS;

    if (self->bridge->is_draining)
        return 0;
    if (self->is_duplicate)
        own_ms = most_ms = (int64_t)(settings->idempotency_wait_seconds * 1000);
    prefer_parse(request_header(self->request, "Prefer"), most_ms, &own_ms);
    return own_ms;
}

static void
take_accepted(intake_t *self, const struct tm_answer *answer)
{
    /* our own id again: a SUBMIT that was sent twice because the first answer was lost */
    self->is_duplicate = answer->duplicate && !tm_uuid_is(&answer->job, &self->job);
    self->job = answer->job;
    self->wait.job = answer->job;
    self->wait.deadline_ms = clock_ms() + patience_ms(self);
    if (tune_receive_key(self->receive) && !self->is_duplicate)
        meters_add(self->bridge->metrics, METRIC_IDEMPOTENT, "first", 1);
    if (self->is_duplicate || clock_ms() >= self->wait.deadline_ms)
        render(self); /* it may be over long since */
    else
        wait_for_end(self);
}

static void
on_answer(void *arg, const struct tm_answer *answer)
{
    request_t *request = request_resume(arg);
    intake_t *self = request_state(request);
    struct problem problem;

    if (!answer->err) {
        take_accepted(self, answer);
    } else {
        if (answer->err == TM_IDEMPOTENCY_KEY_REUSED)
            meters_add(self->bridge->metrics, METRIC_IDEMPOTENT, "reused", 1);
        problem_init(&problem, answer->err, "%s", answer->detail);
        problem.retry_after_s = (uint32_t)((answer->retry_after_ms + 999) / 1000);
        fail(self, &problem);
    }
    request_unref(&request);
}

static void
submit(intake_t *self)
{
    char trace[TRACEPARENT_TEXT];
    tm_auto(tm_text) body = tune_request_body(self->tune);
    uint8_t hash[SHA256_SIZE];
    tm_err_t err;

    set_state(self, INTAKE_SUBMITTING);
    tune_request_hash(self->tune, hash);
    self->job = tm_uuid_new();
    err = body ? tm_client_submit(
                     self->bridge->client,
                     &(struct tm_job_spec){
                         .job = self->job,
                         .queue = TUNE_QUEUE,
                         .workspace = self->workspace.id,
                         .key = tune_receive_key(self->receive),
                         .scope = TUNE_SCOPE,
                         .request_hash = hash,
                         .traceparent = traceparent_text(request_trace(self->request), trace),
                         .watch = true,
                         .body = body,
                         .body_size = strlen(body),
                     },
                     on_answer, request_ref(self->request))
               : TM_NO_MEMORY;
    if (err) {
        request_t *reference = self->request;

        fail_with(self, err, "");
        if (body)
            request_unref(&reference);
    }
}

/* --- uploading ---------------------------------------------------------------------------- */

static void
on_uploaded(void *arg, tm_err_t err, const char *detail)
{
    request_t *request = request_resume(arg);
    intake_t *self = request_state(request);

    tune_receive_release(self->receive);
    if (err)
        fail_with(self, err, detail);
    else if (!request_is_gone(request))
        submit(self);
    request_unref(&request);
}

static void
upload(intake_t *self)
{
    set_state(self, INTAKE_UPLOADING);
    dataset_upload_start(&self->upload, self->bridge->client, tune_receive_form(self->receive),
                         on_uploaded, request_ref(self->request));
}

/* --- looking up --------------------------------------------------------------------------- */

static void
take_strategy(intake_t *self, const char *text)
{
    struct problem problem = {0};

    tune_fields_strategy(self->tune, text, &problem);
    if (problem.err)
        fail(self, &problem);
    else
        upload(self);
}

static void
on_looked_up(void *arg, const struct pg_outcome *outcome)
{
    request_t *request = arg;
    intake_t *self = request_state(request);

    if (request_is_gone(request))
        set_state(self, INTAKE_ANSWERED);
    else if (outcome->err)
        fail_with(self, outcome->err, "");
    else if (PQntuples(outcome->results[0]) == 0)
        fail_with(self, TM_WORKSPACE_NOT_FOUND, "");
    else if (PQntuples(outcome->results[1]) == 0)
        fail_with(self, TM_STRATEGY_NOT_FOUND, "");
    else
        take_strategy(self, pg_get(outcome->results[1], 0, 0));
    request_unref(&request);
}

static void
look_up(intake_t *self)
{
    const char *id = tune_request_strategy_id(self->tune);
    pg_unit_t *unit;
    tm_uuid_t strategy;

    if (tm_uuid_parse(id, strlen(id), &strategy)) {
        fail_with(self, TM_VALIDATION_FAILED, "strategy_entity_id is not a UUID");
        return;
    }
    set_state(self, INTAKE_LOOKING_UP);
    unit = pg_unit_new(self->bridge->pg);
    pg_add(unit, STMT_WORKSPACE_KNOWN);
    pg_uuid(unit, &self->workspace.id);
    pg_add(unit, STMT_STRATEGY_SPEC);
    pg_uuid(unit, &self->workspace.id);
    pg_uuid(unit, &strategy);
    pg_send(&unit, on_looked_up, request_ref(self->request));
}

/* --- all has arrived ---------------------------------------------------------------------- */

void
tune_intake_run(request_t *request)
{
    intake_t *self = request_state(request);
    struct problem problem = {0};

    tune_receive_end(self->receive, &problem);
    if (!problem.err) {
        self->workspace = *request_workspace(request);
        self->tune = tune_request_new(self->bridge->settings);
        tune_fields_read(tune_receive_form(self->receive), self->tune, &self->workspace,
                         self->bridge->settings, &problem);
    }
    if (problem.err) {
        tune_receive_release(self->receive);
        fail(self, &problem);
        return;
    }
    look_up(self);
}
