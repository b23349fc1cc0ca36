#include "actors/http/backtests/backtest_run.h"

#include "actors/http/backtests/routes.def"
#include "actors/http/core/answer.h"

enum { NOBODY_S = 5 };

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
    answer_problem(request, &problem);
}

void
backtest_run_answer(request_t *request, tm_err_t err, const char *detail, shared_body_t *body)
{
    request_resume(request);
    if (err)
        backtest_run_fail(request, err, detail);
    else
        answer_shared(request, MHD_HTTP_OK, JSON_TYPE, body);
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
