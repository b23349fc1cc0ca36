#include "actors/http/admin/retention_admin.h"

#include <stdio.h>

#include "actors/http/admin/routes.def"
#include "actors/http/admin/statements.def"
#include "actors/http/core/answer.h"
#include "actors/http/core/sql.h"
#include "actors/kit/fields/json_text.h"
#include "actors/kit/pg/pg_settings.h"
#include "actors/kit/util/auto.h"
#include "actors/kit/runtime/log.h"

enum { RUNS_MAX = 8 };

static const struct pg_statement statements[] = {LONG_STATEMENTS(PG_STATEMENT_ROW)};

pg_t *
retention_admin_pool(bridge_t *bridge)
{
    struct pg_options options =
        pg_settings_options(bridge->settings, bridge->metrics, "tunemill-http-long");

    options.session = LONG_SESSION;
    options.statements = statements;
    options.statement_count = LONG_COUNT;
    options.connections = 1;
    options.arg = bridge;
    return pg_new(bridge->loop, &options);
}

/* --- looking ------------------------------------------------------------------------------ */

void
retention_admin_status(request_t *request)
{
    pg_unit_t *unit = sql_unit(request, STMT_RETENTION_STATUS);

    pg_send(&unit, sql_on_json, request_ref(request));
}

void
retention_admin_logs(request_t *request)
{
    const struct query *query = request_query(request);
    pg_unit_t *unit = sql_unit(request, STMT_RETENTION_LOGS);

    pg_text(unit, query->has_job_name ? query->job_name.text : NULL);
    pg_i64(unit, query->limit);
    pg_i64(unit, query->offset);
    pg_send(&unit, sql_on_json, request_ref(request));
}

/* --- a run -------------------------------------------------------------------------------- */

/* What of the run's report is the answer. */
static void
answer_pruned(request_t *request, const json_t *run)
{
    static const char *const members[] = {"job_name", "deleted_count", "job_log_id",
                                          "dry_run",  "cutoff_days",   "duration_ms"};
    tm_auto(json) pruned = json_object();
    char *text;

    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
        json_object_set(pruned, members[i], json_object_get(run, members[i]));
    text = json_text_of(pruned, JSON_COMPACT);
    answer_json(request, &text);
}

static void
answer_report(request_t *request, const json_t *run)
{
    const json_t *ok = json_object_get(run, "ok");
    const char *error = json_string_value(json_object_get(run, "error"));
    json_int_t deleted = json_integer_value(json_object_get(run, "deleted_count"));
    char detail[700];

    if (json_is_true(ok)) {
        answer_pruned(request, run);
    } else if (json_is_false(ok)) {
        snprintf(detail, sizeof(detail), "%s; rows deleted before that: %lld",
                 error ? error : "", (long long)deleted);
        answer_fail(request, TM_JOB_FAILED, detail);
    } else {
        answer_fail(request, TM_BUSY, error ? error : "");
    }
}

static void
on_unlocked(void *arg, const struct pg_outcome *outcome)
{
    (void)arg;
    if (outcome->err)
        log_warn("retention.unlock", "error=%s", tm_err_name(outcome->err));
}

static void
answer_error(request_t *request, const struct pg_outcome *outcome)
{
    bridge_t *bridge = request_bridge(request);
    struct problem problem = {0};
    pg_unit_t *unit;

    if (outcome->err == TM_VALIDATION_FAILED) {
        problem_add(&problem, outcome->err, "query.cutoff_days", "%s", outcome->message);
        answer_problem(request, &problem);
    } else {
        answer_fail(request, outcome->err,
                    outcome->err == TM_NOT_FOUND ? outcome->message : "");
    }
    if (outcome->err == TM_STORE_DOWN)
        return;
    unit = pg_unit_new(bridge->long_pg);
    pg_add(unit, LONG_RETENTION_UNLOCK);
    pg_send(&unit, on_unlocked, NULL);
}

static void
on_run(void *arg, const struct pg_outcome *outcome)
{
    request_t *request = arg;
    const char *text = outcome->err ? NULL : pg_get(outcome->results[0], 0, 0);
    tm_auto(json) run = text ? json_loads(text, 0, NULL) : NULL;

    if (run)
        answer_report(request, run);
    else if (outcome->err)
        answer_error(request, outcome);
    else
        answer_fail(request, TM_INTERNAL, "");
    request_unref(&request);
}

void
retention_admin_prune(request_t *request)
{
    const struct query *query = request_query(request);
    bridge_t *bridge = request_bridge(request);
    bool is_dry = !query->has_dry_run || query->dry_run;
    pg_unit_t *unit;

    if (pg_in_flight(bridge->long_pg) >= RUNS_MAX) {
        answer_fail(request, TM_BUSY, "other runs wait already; try again later");
        return;
    }
    log_info("retention.asked", "job=%s dry_run=%d", request_name_in_path(request), is_dry);
    unit = pg_unit_new(bridge->long_pg);
    pg_add(unit, LONG_RETENTION_RUN);
    pg_text(unit, request_name_in_path(request));
    sql_i64_or_null(unit, query->has_cutoff_days, query->cutoff_days);
    sql_i64_or_null(unit, query->has_batch_size, query->batch_size);
    pg_bool(unit, is_dry);
    pg_send(&unit, on_run, request_ref(request));
}
