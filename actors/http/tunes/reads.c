/* The addresses that show what PostgreSQL has: tunes, trials, leaderboard, strategies. Each is
 * one unit of two statements: is the workspace known, and the text of the answer. */
#include "actors/http/core/answer.h"
#include "actors/http/core/sql.h"
#include "actors/http/tunes/csv.h"
#include "actors/http/tunes/routes.def"
#include "actors/http/tunes/statements.def"

enum { POINTS = 2000 }; /* that a chart can show, about */

static void
on_tune(void *arg, const struct pg_outcome *outcome)
{
    sql_answer_row(arg, outcome, TM_TUNE_NOT_FOUND);
}

static void
on_strategy(void *arg, const struct pg_outcome *outcome)
{
    sql_answer_row(arg, outcome, TM_STRATEGY_NOT_FOUND);
}

static void
on_list(void *arg, const struct pg_outcome *outcome)
{
    sql_answer_row(arg, outcome, TM_NOT_FOUND);
}

static void
on_csv(void *arg, const struct pg_outcome *outcome)
{
    request_t *request = arg;
    const PGresult *rows = sql_rows(request, outcome, TM_NOT_FOUND);
    const char *text = rows ? pg_get(rows, 0, 0) : NULL;
    size_t size = 0;
    char *csv = text ? csv_leaderboard(text, &size) : NULL;

    if (csv && !request_is_gone(request)) {
        answer_header(request, "Content-Disposition",
                      "attachment; filename=\"leaderboard.csv\"");
        answer_text(request, MHD_HTTP_OK, "text/csv; charset=utf-8", &csv, size);
    } else if (text && !csv) {
        answer_fail(request, TM_INTERNAL, "");
    }
    free(csv);
    request_unref(&request);
}

static void
add_page(pg_unit_t *unit, const struct query *query)
{
    pg_i64(unit, query->limit);
    pg_i64(unit, query->offset);
}

static void
add_filters(pg_unit_t *unit, const struct query *query)
{
    pg_uuid(unit, query->has_strategy_entity_id ? &query->strategy_entity_id : NULL);
    pg_text(unit, query->has_status ? query->status.text : NULL);
    pg_text(unit, query->has_objective_type ? query->objective_type.text : NULL);
    sql_bool_or_null(unit, query->has_oos_enabled, query->oos_enabled);
    sql_bool_or_null(unit, query->has_valid_only, query->valid_only);
    add_page(unit, query);
}

void
reads_tunes(request_t *request)
{
    pg_unit_t *unit = sql_in_workspace(request, STMT_TUNES);

    add_filters(unit, request_query(request));
    pg_send(&unit, on_list, request_ref(request));
}

void
reads_leaderboard(request_t *request)
{
    struct query query = *request_query(request);
    pg_unit_t *unit = sql_in_workspace(request, STMT_LEADERBOARD);
    bool is_csv = query.has_format && strcmp(query.format.text, "csv") == 0;

    if (is_csv && !query.has_limit)
        query.limit = CSV_ROWS;
    add_filters(unit, &query);
    sql_bool_or_null(unit, query.has_include_canceled, query.include_canceled);
    pg_send(&unit, is_csv ? on_csv : on_list, request_ref(request));
}

void
reads_tune(request_t *request)
{
    pg_unit_t *unit = sql_in_workspace(request, STMT_TUNE);

    pg_uuid(unit, request_id_in_path(request));
    pg_i64(unit, request_bridge(request)->settings->tune_leaderboard);
    pg_send(&unit, on_tune, request_ref(request));
}

void
reads_tune_runs(request_t *request)
{
    pg_unit_t *unit = sql_in_workspace(request, STMT_TUNE_RUNS);

    pg_uuid(unit, request_id_in_path(request));
    add_page(unit, request_query(request));
    pg_send(&unit, on_tune, request_ref(request));
}

static void
on_compared(void *arg, const struct pg_outcome *outcome)
{
    request_t *request = arg;
    const char *missing = outcome->err || PQntuples(outcome->results[0]) == 0
                              ? NULL
                              : pg_get(outcome->results[1], 0, 1);
    char detail[100];

    if (!missing) {
        sql_answer_row(request, outcome, TM_TUNE_NOT_FOUND);
        return;
    }
    snprintf(detail, sizeof(detail), "there is no tune %s in this workspace", missing);
    answer_fail(request, TM_TUNE_NOT_FOUND, detail);
    request_unref(&request);
}

void
reads_compare(request_t *request)
{
    const struct query_uuids *ids = &request_query(request)->tune_id;
    pg_unit_t *unit = sql_in_workspace(request, STMT_COMPARE);
    pg_array_t *array = pg_array_new(PG_UUID);

    for (size_t i = 0; i < ids->count; i++)
        pg_array_bytes(array, ids->ids[i].bytes, sizeof(ids->ids[i].bytes));
    pg_array(unit, &array);
    pg_send(&unit, on_compared, request_ref(request));
}

void
reads_tune_points(request_t *request)
{
    pg_unit_t *unit = sql_in_workspace(request, STMT_TUNE_POINTS);

    pg_uuid(unit, request_id_in_path(request));
    pg_i64(unit, POINTS);
    pg_send(&unit, on_tune, request_ref(request));
}

void
reads_strategies(request_t *request)
{
    pg_unit_t *unit = sql_in_workspace(request, STMT_STRATEGIES);

    add_page(unit, request_query(request));
    pg_send(&unit, on_list, request_ref(request));
}

void
reads_strategy(request_t *request)
{
    pg_unit_t *unit = sql_in_workspace(request, STMT_STRATEGY);

    pg_uuid(unit, request_id_in_path(request));
    pg_send(&unit, on_strategy, request_ref(request));
}
