/* The end step of POST /backtests/run: what was asked for is kept under an id, and a tune
 * process computes it, as it will whenever that id is asked for. For the states see intake.h.
 */
#include "actors/http/backtests/backtest_asks.h"
#include "actors/http/backtests/backtest_run.h"
#include "actors/http/backtests/routes.def"
#include "actors/http/backtests/statements.def"
#include "actors/http/core/answer.h"
#include "actors/http/core/sql.h"
#include "actors/http/intake/intake.h"
#include "actors/kit/fields/json_text.h"
#include "actors/kit/util/auto.h"

enum { PARAMS_DEPTH = 1 };

typedef struct {
    intake_t intake; /* first: so a request's state is both */
    json_t *params;
    tm_uuid_t id;
    struct problem problem; /* why it was not computed */
} submit_t;

/* --- computing ---------------------------------------------------------------------------- */

static void
on_forgotten(void *arg, const struct pg_outcome *outcome)
{
    request_t *request = arg;
    submit_t *self = request_state(request);

    (void)outcome; /* a row that stays does no harm: it can be computed later */
    intake_set_state(&self->intake, INTAKE_ANSWERED);
    backtest_run_fail(request, self->problem.err, self->problem.detail);
    request_unref(&request);
}

static void
forget_backtest(submit_t *self, tm_err_t err, const char *detail)
{
    pg_unit_t *unit = sql_unit(self->intake.request, STMT_BACKTEST_FORGET);

    intake_set_state(&self->intake, INTAKE_FORGETTING);
    problem_init(&self->problem, err, "%s", detail);
    pg_uuid(unit, &self->id);
    pg_send(&unit, on_forgotten, request_ref(self->intake.request));
}

static void
answer_backtest(submit_t *self, tm_str_t body)
{
    request_t *request = self->intake.request;
    char location[64] = "/backtests/runs/", id[TM_UUID_TEXT];
    char *text = tm_str_dup(body);

    intake_set_state(&self->intake, INTAKE_ANSWERED);
    strcat(location, tm_uuid_text(&self->id, id));
    answer_header(request, "Content-Location", location);
    answer_text(request, MHD_HTTP_OK, JSON_TYPE, &text, body.size);
}

static void
on_return(void *arg, tm_err_t err, const char *detail, tm_str_t body)
{
    request_t *request = request_resume(arg);
    submit_t *self = request_state(request);

    if (err && self->intake.bridge->pg)
        forget_backtest(self, err, detail);
    else if (!err && !request_is_gone(request))
        answer_backtest(self, body);
    request_unref(&request);
}

/* The reference is the call's, if there is one. */
static void
compute_backtest(submit_t *self, request_t *request)
{
    const intake_t *intake = &self->intake;
    struct backtest_call call = {.workspace = intake->workspace.id,
                                 .run = self->id,
                                 .points = (uint32_t)request_query(request)->points};
    tm_err_t err;

    intake_set_state(&self->intake, INTAKE_COMPUTING);
    err = backtest_asks_send(intake->bridge->client, &call, on_return, request);
    if (err) {
        forget_backtest(self, err, "");
        request_unref(&request);
    }
}

/* --- keeping ------------------------------------------------------------------------------ */

static void
on_backtest_kept(void *arg, const struct pg_outcome *outcome)
{
    request_t *request = arg;
    submit_t *self = request_state(request);

    if (!outcome->err) {
        compute_backtest(self, request);
        return;
    }
    intake_fail(&self->intake, outcome->err, "");
    request_unref(&request);
}

/* The tune's request, and the params. */
static char *
kept_text(const submit_t *self)
{
    tm_auto(tm_text) body = tune_request_body(self->intake.tune);
    tm_auto(json) root = body ? json_loads(body, 0, NULL) : NULL;

    if (!root || json_object_set(root, "params", self->params))
        return NULL;
    return json_text_of(root, JSON_COMPACT);
}

static void
keep_backtest(intake_t *intake)
{
    submit_t *self = (submit_t *)intake;
    const char *strategy_text = tune_request_strategy_id(intake->tune);
    tm_auto(tm_text) text = NULL;
    tm_uuid_t strategy;
    pg_unit_t *unit;

    if (!intake->bridge->pg)
        return; /* the process is on its way out, and the server answers */
    text = kept_text(self);
    if (!text || tm_uuid_parse(strategy_text, strlen(strategy_text), &strategy)) {
        intake_fail(intake, TM_NO_MEMORY, "");
        return;
    }
    intake_set_state(intake, INTAKE_KEEPING);
    self->id = tm_uuid_new();
    unit = sql_unit(intake->request, STMT_BACKTEST_KEEP);
    pg_uuid(unit, &intake->workspace.id);
    pg_uuid(unit, &self->id);
    pg_uuid(unit, &strategy);
    pg_text(unit, text);
    pg_send(&unit, on_backtest_kept, request_ref(intake->request));
}

/* --- the row ------------------------------------------------------------------------------ */

/* An object of numbers, which the strategy's names are looked up in later; absent: empty. */
static void
read_params(intake_t *intake, struct problem *problem)
{
    submit_t *self = (submit_t *)intake;
    const struct form_field *field = form_find(intake_receive_form(intake->receive), "params");
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

static void
fini_backtest(intake_t *intake)
{
    json_decref(((submit_t *)intake)->params);
}

static void
begin_backtest(request_t *request)
{
    static const struct intake_kind kind = {.size = sizeof(submit_t),
                                            .new_request = tune_request_new_backtest,
                                            .check = read_params,
                                            .end = keep_backtest,
                                            .fini = fini_backtest};

    intake_begin(request, &kind);
}

const struct route_ops backtest_submit_ops = {.begin = begin_backtest, .body = intake_body};
