/* What those who run it see of the queues, and may do: GET /admin/queues.json,
 * POST /admin/queues/{name}/pause and /resume, POST /admin/dead/{id}/retry and /drop, and the
 * last two for many: POST /admin/dead/retry and /drop of a queue. The command line does the
 * same (tunemill queues, workers, dead, pause, resume); both call the functions of
 * functions/jobs.sql.
 */
#include "actors/http/admin/routes.def"
#include "actors/http/admin/statements.def"
#include "actors/http/core/answer.h"
#include "actors/http/core/sql.h"
#include "actors/kit/fields/json_text.h"
#include "actors/kit/util/auto.h"
#include "actors/kit/runtime/log.h"

static void
add_filter(pg_unit_t *unit, const struct query *query)
{
    pg_text(unit, query->has_queue ? query->queue.text : NULL);
    pg_text(unit, query->has_code ? query->code.text : NULL);
}

/* The members of all the results' objects in one; NULL: one is no object. */
static char *
join_objects(const struct pg_outcome *outcome)
{
    tm_auto(json) all = json_object();

    for (size_t i = 0; i < outcome->count; i++) {
        const char *text = pg_get(outcome->results[i], 0, 0);
        tm_auto(json) part = text ? json_loads(text, 0, NULL) : NULL;

        if (json_object_update(all, part))
            return NULL;
    }
    return json_text_of(all, JSON_COMPACT);
}

static void
on_seen(void *arg, const struct pg_outcome *outcome)
{
    request_t *request = arg;
    char *text = outcome->err ? NULL : join_objects(outcome);

    if (outcome->err)
        answer_fail(request, outcome->err, "");
    else
        answer_json(request, &text);
    request_unref(&request);
}

void
queues_admin_show(request_t *request)
{
    const struct query *query = request_query(request);
    pg_unit_t *unit = sql_unit(request, STMT_QUEUES);

    sql_add(request, unit, STMT_WORKERS);
    pg_i64(unit, request_bridge(request)->settings->broker_takeover_ms);
    sql_add(request, unit, STMT_DEAD);
    add_filter(unit, query);
    pg_i64(unit, query->limit);
    pg_i64(unit, query->offset);
    pg_send(&unit, on_seen, request_ref(request));
}

static void
change_queue(request_t *request, size_t statement, const char *event)
{
    pg_unit_t *unit = sql_unit(request, statement);

    log_info(event, "queue=%s", request_name_in_path(request));
    pg_text(unit, request_name_in_path(request));
    pg_send(&unit, sql_on_json, request_ref(request));
}

void
queues_admin_pause(request_t *request)
{
    change_queue(request, STMT_QUEUE_PAUSE, "queue.pause");
}

void
queues_admin_resume(request_t *request)
{
    change_queue(request, STMT_QUEUE_RESUME, "queue.resume");
}

/* --- dead jobs ---------------------------------------------------------------------------- */

static void
on_one(void *arg, const struct pg_outcome *outcome)
{
    request_t *request = arg;

    if (!outcome->err && pg_get_i64(outcome->results[0], 0, 1) == 0)
        answer_fail(request, TM_NOT_FOUND,
                    "no dead job has this id; it may have been retried or dropped already");
    else
        sql_answer_json(request, outcome);
    request_unref(&request);
}

static void
change_one(request_t *request, size_t statement, const char *event)
{
    pg_unit_t *unit = sql_unit(request, statement);
    char id[TM_UUID_TEXT];

    log_info(event, "job=%s", tm_uuid_text(request_id_in_path(request), id));
    pg_uuid(unit, request_id_in_path(request));
    pg_null(unit);
    pg_null(unit);
    pg_null(unit);
    pg_send(&unit, on_one, request_ref(request));
}

/* A queue must be named, so that leaving it out does not delete the dead jobs of all queues. */
static void
change_many(request_t *request, size_t statement, const char *event)
{
    const struct query *query = request_query(request);
    struct problem problem = {0};
    pg_unit_t *unit;

    if (!query->has_queue) {
        problem_add(&problem, TM_VALIDATION_FAILED, "query.queue", "is missing: name a queue");
        answer_problem(request, &problem);
        return;
    }
    log_info(event, "queue=%s code=%s before=%s", query->queue.text,
             query->has_code ? query->code.text : "any",
             query->has_before ? query->before.text : "now");
    unit = sql_unit(request, statement);
    pg_uuid(unit, NULL);
    add_filter(unit, query);
    pg_text(unit, query->has_before ? query->before.text : NULL);
    pg_send(&unit, sql_on_json, request_ref(request));
}

void
queues_admin_retry(request_t *request)
{
    change_one(request, STMT_DEAD_RETRY, "dead.retry");
}

void
queues_admin_drop(request_t *request)
{
    change_one(request, STMT_DEAD_DROP, "dead.drop");
}

void
queues_admin_retry_many(request_t *request)
{
    change_many(request, STMT_DEAD_RETRY, "dead.retry");
}

void
queues_admin_drop_many(request_t *request)
{
    change_many(request, STMT_DEAD_DROP, "dead.drop");
}
