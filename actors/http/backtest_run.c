#include "actors/http/backtest_run.h"

#include "actors/http/request.h"
#include "actors/kit/auto.h"
#include "actors/kit/backtest_call.h"

enum { CALL_MS = 15000, NOBODY_S = 5 };

/* Whatever kept a tune process from answering may have passed soon, but for what is wrong with
 * the question or the tune. */
static void
fail(request_t *request, tm_err_t err, const char *detail)
{
    struct problem problem;

    problem_init(&problem, err, "%s", detail);
    if (err == TM_SERVICE_NOT_FOUND)
        problem_init(&problem, err, "no tune process is there to compute the back-test");
    if (err == TM_SERVICE_NOT_FOUND || err == TM_BROKER_DOWN)
        problem.retry_after_s = NOBODY_S;
    else if (tm_err_retryable(err))
        problem.retry_after_s = 1;
    request_problem(request, &problem);
}

static void
on_return(void *arg, tm_err_t err, const char *detail, tm_str_t body)
{
    request_t *request = arg;
    char *text = err ? NULL : tm_str_dup(body);

    if (err)
        fail(request, err, detail);
    else
        request_reply(request, MHD_HTTP_OK, JSON_TYPE, &text, body.size);
    request_unref(&request);
}

static void
ask(request_t *request, const struct backtest_call *call)
{
    bridge_t *bridge = request_bridge(request);
    tm_auto(tm_text) question = backtest_call_text(call);
    tm_err_t err = question ? TM_OK : TM_NO_MEMORY;

    if (!tm_client_is_connected(bridge->client))
        err = TM_BROKER_DOWN;
    if (!err)
        err = tm_client_call(bridge->client, BACKTEST_SERVICE, CALL_MS, question,
                             strlen(question), on_return, request);
    if (err)
        fail(request, err, "");
    else
        request_ref(request);
}

static void
on_found(void *arg, const struct pg_outcome *outcome)
{
    request_t *request = arg;

    if (outcome->err)
        request_fail(request, outcome->err, "");
    else if (PQntuples(outcome->results[0]) == 0)
        request_fail(request, TM_WORKSPACE_NOT_FOUND, "");
    else if (PQntuples(outcome->results[1]) == 0)
        request_fail(request, TM_RUN_NOT_FOUND, "");
    else if (!request_is_gone(request))
        ask(request, &(struct backtest_call){
                         .workspace = request_workspace(request)->id,
                         .tune = pg_get_uuid(outcome->results[1], 0, 0),
                         .trial = (uint32_t)pg_get_i64(outcome->results[1], 0, 1),
                         .points = (uint32_t)request_query(request)->points,
                     });
    request_unref(&request);
}

void
backtest_run_show(request_t *request)
{
    pg_unit_t *unit = pg_unit_new(request_bridge(request)->pg);

    pg_add(unit, STMT_WORKSPACE_KNOWN);
    pg_uuid(unit, &request_workspace(request)->id);
    pg_add(unit, STMT_RUN_FIND);
    pg_uuid(unit, &request_workspace(request)->id);
    pg_uuid(unit, request_id_in_path(request));
    pg_send(&unit, on_found, request_ref(request));
}
