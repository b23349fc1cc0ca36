/* Each is one unit of two statements: is the workspace known, and the text of the answer. */
#include "actors/http/tunes/reads.h"

#include "actors/http/core/csv.h"
#include "actors/http/core/request.h"

enum { POINTS = 2000 }; /* that a chart can show, about */

static pg_unit_t *
start(const request_t *request, http_statement_t statement)
{
    pg_unit_t *unit = pg_unit_new(request_bridge(request)->pg);

    pg_add(unit, STMT_WORKSPACE_KNOWN);
    pg_uuid(unit, &request_workspace(request)->id);
    pg_add(unit, statement);
    pg_uuid(unit, &request_workspace(request)->id);
    return unit;
}

/* The text of the second statement; NULL: answered with a problem, `absent` if there is no row.
 */
static const char *
text_of(request_t *request, const struct pg_outcome *outcome, tm_err_t absent)
{
    const PGresult *rows = request_rows(request, outcome, absent);

    return rows ? pg_get(rows, 0, 0) : NULL;
}

static void
finish(request_t *request, const struct pg_outcome *outcome, tm_err_t absent)
{
    const char *text = text_of(request, outcome, absent);
    char *copy = text ? strdup(text) : NULL;

    if (copy)
        request_reply(request, MHD_HTTP_OK, JSON_TYPE, &copy, strlen(copy));
    request_unref(&request);
}

static void
on_tune(void *arg, const struct pg_outcome *outcome)
{
    finish(arg, outcome, TM_TUNE_NOT_FOUND);
}

static void
on_strategy(void *arg, const struct pg_outcome *outcome)
{
    finish(arg, outcome, TM_STRATEGY_NOT_FOUND);
}

static void
on_list(void *arg, const struct pg_outcome *outcome)
{
    finish(arg, outcome, TM_NOT_FOUND);
}

static void
on_csv(void *arg, const struct pg_outcome *outcome)
{
    request_t *request = arg;
    const char *text = text_of(request, outcome, TM_NOT_FOUND);
    size_t size = 0;
    char *csv = text ? csv_leaderboard(text, &size) : NULL;

    if (csv && !request_is_gone(request)) {
        request_add_header(request, "Content-Disposition",
                           "attachment; filename=\"leaderboard.csv\"");
        request_reply(request, MHD_HTTP_OK, "text/csv; charset=utf-8", &csv, size);
    } else if (text && !csv) {
        request_fail(request, TM_INTERNAL, "");
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
add_bool(pg_unit_t *unit, bool is_given, bool value)
{
    if (is_given)
        pg_bool(unit, value);
    else
        pg_null(unit);
}

static void
add_filters(pg_unit_t *unit, const struct query *query)
{
    pg_uuid(unit, query->has_strategy_entity_id ? &query->strategy_entity_id : NULL);
    pg_text(unit, query->has_status ? query->status.text : NULL);
    pg_text(unit, query->has_objective_type ? query->objective_type.text : NULL);
    add_bool(unit, query->has_oos_enabled, query->oos_enabled);
    add_bool(unit, query->has_valid_only, query->valid_only);
    add_page(unit, query);
}

void
reads_tunes(request_t *request)
{
    pg_unit_t *unit = start(request, STMT_TUNES);

    add_filters(unit, request_query(request));
    pg_send(&unit, on_list, request_ref(request));
}

void
reads_leaderboard(request_t *request)
{
    struct query query = *request_query(request);
    pg_unit_t *unit = start(request, STMT_LEADERBOARD);
    bool is_csv = query.has_format && strcmp(query.format.text, "csv") == 0;

    if (is_csv && !query.has_limit)
        query.limit = CSV_ROWS;
    add_filters(unit, &query);
    pg_send(&unit, is_csv ? on_csv : on_list, request_ref(request));
}

void
reads_tune(request_t *request)
{
    pg_unit_t *unit = start(request, STMT_TUNE);

    pg_uuid(unit, request_id_in_path(request));
    pg_i64(unit, request_bridge(request)->settings->tune_leaderboard);
    pg_send(&unit, on_tune, request_ref(request));
}

void
reads_tune_runs(request_t *request)
{
    pg_unit_t *unit = start(request, STMT_TUNE_RUNS);

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
        finish(request, outcome, TM_TUNE_NOT_FOUND);
        return;
    }
    snprintf(detail, sizeof(detail), "there is no tune %s in this workspace", missing);
    request_fail(request, TM_TUNE_NOT_FOUND, detail);
    request_unref(&request);
}

void
reads_compare(request_t *request)
{
    const struct query_uuids *ids = &request_query(request)->tune_id;
    pg_unit_t *unit = start(request, STMT_COMPARE);
    pg_array_t *array = pg_array_new(PG_UUID);

    for (size_t i = 0; i < ids->count; i++)
        pg_array_bytes(array, ids->ids[i].bytes, sizeof(ids->ids[i].bytes));
    pg_array(unit, &array);
    pg_send(&unit, on_compared, request_ref(request));
}

void
reads_tune_points(request_t *request)
{
    pg_unit_t *unit = start(request, STMT_TUNE_POINTS);

    pg_uuid(unit, request_id_in_path(request));
    pg_i64(unit, POINTS);
    pg_send(&unit, on_tune, request_ref(request));
}

void
reads_strategies(request_t *request)
{
    pg_unit_t *unit = start(request, STMT_STRATEGIES);

    add_page(unit, request_query(request));
    pg_send(&unit, on_list, request_ref(request));
}

void
reads_strategy(request_t *request)
{
    pg_unit_t *unit = start(request, STMT_STRATEGY);

    pg_uuid(unit, request_id_in_path(request));
    pg_send(&unit, on_strategy, request_ref(request));
}
