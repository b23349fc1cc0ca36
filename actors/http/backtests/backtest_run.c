#include "actors/http/backtests/backtest_run.h"

#include "actors/http/backtests/routes.def"
#include "actors/http/backtests/statements.def"
#include "actors/http/core/answer.h"
#include "actors/http/core/sql.h"

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

static void
on_listed(void *arg, const struct pg_outcome *outcome)
{
    sql_answer_row(arg, outcome, TM_NOT_FOUND);
}

void
backtest_run_list(request_t *request)
{
    pg_unit_t *unit = sql_in_workspace(request, STMT_BACKTEST_LIST);

    pg_i64(unit, request_query(request)->limit);
    pg_i64(unit, request_query(request)->offset);
    pg_send(&unit, on_listed, request_ref(request));
}

static void
on_deleted(void *arg, const struct pg_outcome *outcome)
{
    request_t *request = arg;
    char *nothing = NULL;

    if (sql_rows(request, outcome, TM_RUN_NOT_FOUND))
        answer_text(request, MHD_HTTP_NO_CONTENT, JSON_TYPE, &nothing, 0);
    request_unref(&request);
}

void
backtest_run_delete(request_t *request)
{
    pg_unit_t *unit = sql_in_workspace(request, STMT_BACKTEST_DELETE);

    pg_uuid(unit, request_id_in_path(request));
    pg_send(&unit, on_deleted, request_ref(request));
}
