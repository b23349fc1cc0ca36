#include "actors/http/backtests/backtest_run.h"

#include <string.h>

#include "actors/http/core/request.h"
#include "actors/kit/util/auto.h"
#include "actors/kit/runtime/log.h"

enum { CALL_MS = 15000, NOBODY_S = 5 };

void
backtest_run_fail(request_t *request, tm_err_t err, const char *detail)
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

tm_err_t
backtest_run_ask(tm_client_t *client, const struct backtest_call *call, tm_return_fn *fn,
                 void *arg)
{
    tm_auto(tm_text) question = backtest_call_text(call);
    char trace[TRACEPARENT_TEXT];
    const traceparent_t now = log_trace_now(); /* of the request that is answered */
    struct tm_call_spec spec = {.service = BACKTEST_SERVICE, .deadline_ms = CALL_MS};

    if (!question)
        return TM_NO_MEMORY;
    if (!tm_client_is_connected(client))
        return TM_BROKER_DOWN;
    if (now.trace_id[0])
        spec.traceparent = traceparent_text(&now, trace);
    spec.body = question;
    spec.body_size = strlen(question);
    return tm_client_call(client, &spec, fn, arg);
}

void
backtest_run_answer(request_t *request, tm_err_t err, const char *detail, shared_body_t *body)
{
    request_resume(request);
    if (err)
        backtest_run_fail(request, err, detail);
    else
        request_reply_shared(request, MHD_HTTP_OK, JSON_TYPE, body);
    request_unref(&request);
}

void
backtest_run_show(request_t *request)
{
    const struct backtest_call call = {.workspace = request_workspace(request)->id,
                                       .run = *request_id_in_path(request),
                                       .points = (uint32_t)request_query(request)->points};
    tm_err_t err = tm_uuid_is_nil(&call.run)
                       ? TM_RUN_NOT_FOUND
                       : backtest_asks_add(request_bridge(request)->asks, &call, request);

    if (err)
        backtest_run_fail(request, err, "");
    else
        request_ref(request);
}
