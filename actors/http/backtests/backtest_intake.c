/* The way of one back-test. Each step's callback starts the next:
 *
 *   begin, body, run   the form arrives; the file goes to the spool
 *   look_up            PostgreSQL: workspace and strategy
 *   upload             broker: the file, unless it is known
 *   keep               PostgreSQL: what was asked for, under an id
 *   ask                a tune process computes it, as it will whenever that id is asked for
 *   forget             PostgreSQL: nothing stays of one that was not computed
 *
 * Every step holds a reference to the request. A client that has left ends the way at the next
 * step. */
#include "actors/http/backtests/backtest_intake.h"

#include "actors/http/backtests/backtest_run.h"
#include "actors/http/tunes/dataset_upload.h"
#include "actors/http/core/request.h"
#include "actors/http/tunes/tune_receive.h"
#include "actors/kit/util/auto.h"
#include "actors/kit/fields/json_text.h"

enum { PARAMS_DEPTH = 1 };

typedef struct {
    request_t *request; /* which owns this */
    bridge_t *bridge;
    tune_receive_t *receive;
    struct workspace workspace;
    tune_request_t *tune; /* a back-test's fields are among a tune's */
    json_t *params;
    struct dataset_upload upload;
    tm_uuid_t id;
    struct problem problem; /* why it was not computed */
} intake_t;

static void
intake_destroy(void *state)
{
    intake_t *self = state;

    tune_receive_destroy(&self->receive);
    tune_request_destroy(&self->tune);
    json_decref(self->params);
    free(self);
}

/* --- asking ------------------------------------------------------------------------------- */

static void
on_forgotten(void *arg, const struct pg_outcome *outcome)
{
    request_t *request = arg;
    const intake_t *self = request_state(request);

    (void)outcome; /* one that stays can be computed later: it does no harm */
    backtest_run_fail(request, self->problem.err, self->problem.detail);
    request_unref(&request);
}

static void
forget(intake_t *self, tm_err_t err, const char *detail)
{
    pg_unit_t *unit = pg_unit_new(self->bridge->pg);

    problem_init(&self->problem, err, "%s", detail);
    pg_add(unit, STMT_BACKTEST_FORGET);
    pg_uuid(unit, &self->id);
    pg_send(&unit, on_forgotten, request_ref(self->request));
}

static void
on_return(void *arg, tm_err_t err, const char *detail, tm_str_t body)
{
    request_t *request = request_resume(arg);
    intake_t *self = request_state(request);
    char location[64] = "/backtests/runs/", id[TM_UUID_TEXT];
    char *text = err ? NULL : tm_str_dup(body);

    if (err && self->bridge->pg) {
        forget(self, err, detail);
    } else if (!err && !request_is_gone(request)) {
        strcat(location, tm_uuid_text(&self->id, id));
        request_add_header(request, "Content-Location", location);
        request_reply(request, MHD_HTTP_OK, JSON_TYPE, &text, body.size);
    }
    free(text);
    request_unref(&request);
}

static void
on_kept(void *arg, const struct pg_outcome *outcome)
{
    request_t *request = arg;
    intake_t *self = request_state(request);
    struct backtest_call call = {.workspace = self->workspace.id,
                                 .run = self->id,
                                 .points = (uint32_t)request_query(request)->points};
    tm_err_t err = outcome->err;

    if (err) {
        request_fail(request, err, "");
        request_unref(&request);
        return;
    }
    /* the reference is the call's then */
    err = backtest_run_ask(self->bridge->client, &call, on_return, request);
    if (err) {
        forget(self, err, "");
        request_unref(&request);
    }
}

/* --- keeping ------------------------------------------------------------------------------ */

/* The tune's request, and the params. */
static char *
kept_text(const intake_t *self)
{
    tm_auto(tm_text) body = tune_request_body(self->tune);
    tm_auto(json) root = body ? json_loads(body, 0, NULL) : NULL;

    if (!root || json_object_set(root, "params", self->params))
        return NULL;
    return json_dumps(root, JSON_COMPACT | JSON_REAL_PRECISION(17));
}

static void
keep(intake_t *self)
{
    const char *strategy_text = tune_request_strategy_id(self->tune);
    tm_auto(tm_text) text = kept_text(self);
    tm_uuid_t strategy;
    pg_unit_t *unit;

    if (!text || tm_uuid_parse(strategy_text, strlen(strategy_text), &strategy)) {
        request_fail(self->request, TM_NO_MEMORY, "");
        return;
    }
    self->id = tm_uuid_new();
    unit = pg_unit_new(self->bridge->pg);
    pg_add(unit, STMT_BACKTEST_KEEP);
    pg_uuid(unit, &self->workspace.id);
    pg_uuid(unit, &self->id);
    pg_uuid(unit, &strategy);
    pg_text(unit, text);
    pg_send(&unit, on_kept, request_ref(self->request));
}

/* --- uploading ---------------------------------------------------------------------------- */

static void
on_uploaded(void *arg, tm_err_t err, const char *detail)
{
    request_t *request = request_resume(arg);
    intake_t *self = request_state(request);

    tune_receive_release(self->receive);
    if (err)
        request_fail(request, err, detail);
    else if (!request_is_gone(request) && self->bridge->pg)
        keep(self);
    request_unref(&request);
}

/* --- looking up --------------------------------------------------------------------------- */

static void
take_strategy(intake_t *self, const char *spec)
{
    struct problem problem = {0};

    tune_fields_strategy(self->tune, spec, &problem);
    if (problem.err)
        request_problem(self->request, &problem);
    else
        dataset_upload_start(&self->upload, self->bridge->client,
                             tune_receive_form(self->receive), on_uploaded,
                             request_ref(self->request));
}

static void
on_looked_up(void *arg, const struct pg_outcome *outcome)
{
    request_t *request = arg;
    const PGresult *row = request_rows(request, outcome, TM_STRATEGY_NOT_FOUND);

    if (row && !request_is_gone(request))
        take_strategy(request_state(request), pg_get(row, 0, 0));
    request_unref(&request);
}

static void
look_up(intake_t *self)
{
    const char *id = tune_request_strategy_id(self->tune);
    pg_unit_t *unit;
    tm_uuid_t strategy;

    if (tm_uuid_parse(id, strlen(id), &strategy)) {
        request_fail(self->request, TM_VALIDATION_FAILED, "strategy_entity_id is not a UUID");
        return;
    }
    unit = pg_unit_new(self->bridge->pg);
    pg_add(unit, STMT_WORKSPACE_KNOWN);
    pg_uuid(unit, &self->workspace.id);
    pg_add(unit, STMT_STRATEGY_SPEC);
    pg_uuid(unit, &self->workspace.id);
    pg_uuid(unit, &strategy);
    pg_send(&unit, on_looked_up, request_ref(self->request));
}

/* --- receiving ---------------------------------------------------------------------------- */

/* An object of numbers, which the strategy's names are looked up in later; absent: empty. */
static void
read_params(intake_t *self, struct problem *problem)
{
    const struct form_field *field = form_find(tune_receive_form(self->receive), "params");
    const char *name;
    json_t *value;

    self->params = !field || field->size == 0 ? json_object()
                   : json_text_depth(field->data, field->size) <= PARAMS_DEPTH
                       ? json_loadb(field->data, field->size, JSON_REJECT_DUPLICATES, NULL)
                       : NULL;
    if (!json_is_object(self->params))
        problem_add(problem, TM_INVALID_PARAM_SPACE, "body.params",
                    "must be a JSON object of numbers, as {\"period\": 20}");
    json_object_foreach(self->params, name, value)
    {
        if (!json_is_number(value))
            problem_add(problem, TM_INVALID_PARAM_SPACE, "body.params", "%s: must be a number",
                        name);
    }
}

void
backtest_intake_begin(request_t *request)
{
    intake_t *self = zmalloc(sizeof(*self));
    struct problem problem = {0};

    self->request = request;
    self->bridge = request_bridge(request);
    request_keep(request, self, intake_destroy);
    self->receive = tune_receive_new(request, &problem);
    if (!self->receive)
        request_problem(request, &problem);
}

bool
backtest_intake_body(request_t *request, const char *data, size_t size)
{
    intake_t *self = request_state(request);

    return self->receive && tune_receive_add(self->receive, data, size);
}

void
backtest_intake_run(request_t *request)
{
    intake_t *self = request_state(request);
    struct problem problem = {0};

    tune_receive_end(self->receive, &problem);
    if (!problem.err) {
        self->workspace = *request_workspace(request);
        self->tune = tune_request_new_backtest(self->bridge->settings);
        tune_fields_read(tune_receive_form(self->receive), self->tune, &self->workspace,
                         self->bridge->settings, &problem);
        read_params(self, &problem);
    }
    if (problem.err) {
        tune_receive_release(self->receive);
        request_problem(request, &problem);
        return;
    }
    look_up(self);
}
