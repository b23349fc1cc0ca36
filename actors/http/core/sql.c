#include "actors/http/core/sql.h"

#include "actors/http/core/answer.h"
#include "actors/http/core/statements.def"

pg_unit_t *
sql_unit(const request_t *request, size_t statement)
{
    pg_unit_t *unit = pg_unit_new(request_bridge(request)->pg);

    sql_add(request, unit, statement);
    return unit;
}

void
sql_add(const request_t *request, pg_unit_t *unit, size_t statement)
{
    pg_add(unit, request_route(request)->first_statement + statement);
}

pg_unit_t *
sql_in_workspace(const request_t *request, size_t statement)
{
    const tm_uuid_t *workspace = &request_workspace(request)->id;
    pg_unit_t *unit = pg_unit_new(request_bridge(request)->pg);

    pg_add(unit, CORE_WORKSPACE_KNOWN);
    pg_uuid(unit, workspace);
    sql_add(request, unit, statement);
    pg_uuid(unit, workspace);
    return unit;
}

const PGresult *
sql_rows(request_t *request, const struct pg_outcome *outcome, tm_err_t absent)
{
    if (outcome->err)
        answer_fail(request, outcome->err, "");
    else if (PQntuples(outcome->results[0]) == 0)
        answer_fail(request, TM_WORKSPACE_NOT_FOUND, "");
    else if (PQntuples(outcome->results[1]) == 0)
        answer_fail(request, absent, "");
    else
        return outcome->results[1];
    return NULL;
}

static void
answer_column(request_t *request, const PGresult *rows)
{
    const char *json = pg_get(rows, 0, 0);
    char *text = json ? strdup(json) : NULL;

    answer_json(request, &text);
}

void
sql_answer_row(request_t *request, const struct pg_outcome *outcome, tm_err_t absent)
{
    const PGresult *rows = sql_rows(request, outcome, absent);

    if (rows)
        answer_column(request, rows);
    request_unref(&request);
}

void
sql_answer_json(request_t *request, const struct pg_outcome *outcome)
{
    if (outcome->err)
        answer_fail(request, outcome->err, "");
    else
        answer_column(request, outcome->results[0]);
}

void
sql_on_json(void *arg, const struct pg_outcome *outcome)
{
    request_t *request = arg;

    sql_answer_json(request, outcome);
    request_unref(&request);
}

void
sql_bool_or_null(pg_unit_t *unit, bool is_given, bool value)
{
    if (is_given)
        pg_bool(unit, value);
    else
        pg_null(unit);
}

void
sql_i64_or_null(pg_unit_t *unit, bool is_given, int64_t value)
{
    if (is_given)
        pg_i64(unit, value);
    else
        pg_null(unit);
}
