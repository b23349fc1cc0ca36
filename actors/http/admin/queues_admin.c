#include "actors/http/admin/queues_admin.h"

#include <jansson.h>

#include "actors/http/core/request.h"
#include "actors/kit/util/auto.h"
#include "actors/kit/runtime/log.h"

/* The JSON of the only row, which is there unless the database is not. */
static void
answer(request_t *request, const struct pg_outcome *outcome)
{
    const char *text = outcome->err ? NULL : pg_get(outcome->results[0], 0, 0);
    char *copy = text ? strdup(text) : NULL;

    if (copy)
        request_reply(request, MHD_HTTP_OK, JSON_TYPE, &copy, strlen(copy));
    else
        request_fail(request, outcome->err ? outcome->err : TM_NO_MEMORY, "");
}

static void
on_answer(void *arg, const struct pg_outcome *outcome)
{
    request_t *request = arg;

    answer(request, outcome);
    request_unref(&request);
}

static pg_unit_t *
start(const request_t *request, http_statement_t statement)
{
    pg_unit_t *unit = pg_unit_new(request_bridge(request)->pg);

    pg_add(unit, statement);
    return unit;
}

static void
add_filter(pg_unit_t *unit, const struct query *query)
{
    pg_text(unit, query->has_queue ? query->queue.text : NULL);
    pg_text(unit, query->has_code ? query->code.text : NULL);
}

/* The members of all the results' objects in one; NULL: one is no object. */
static char *
join(const struct pg_outcome *outcome)
{
    tm_auto(json) all = json_object();

    for (size_t i = 0; i < outcome->count; i++) {
        const char *text = pg_get(outcome->results[i], 0, 0);
        tm_auto(json) part = text ? json_loads(text, 0, NULL) : NULL;

        if (json_object_update(all, part))
            return NULL;
    }
    return json_dumps(all, JSON_COMPACT | JSON_REAL_PRECISION(15));
}

static void
on_seen(void *arg, const struct pg_outcome *outcome)
{
    request_t *request = arg;
    char *text = outcome->err ? NULL : join(outcome);

    if (text)
        request_reply(request, MHD_HTTP_OK, JSON_TYPE, &text, strlen(text));
    else
        request_fail(request, outcome->err ? outcome->err : TM_NO_MEMORY, "");
    request_unref(&request);
}

void
queues_admin_show(request_t *request)
{
    const struct query *query = request_query(request);
    pg_unit_t *unit = start(request, STMT_QUEUES);

    pg_add(unit, STMT_WORKERS);
    pg_i64(unit, request_bridge(request)->settings->broker_takeover_ms);
    pg_add(unit, STMT_DEAD);
    add_filter(unit, query);
    pg_i64(unit, query->limit);
    pg_i64(unit, query->offset);
    pg_send(&unit, on_seen, request_ref(request));
}

static void
change(request_t *request, http_statement_t statement, const char *event)
{
    pg_unit_t *unit = start(request, statement);

    log_info(event, "queue=%s", request_name_in_path(request));
    pg_text(unit, request_name_in_path(request));
    pg_send(&unit, on_answer, request_ref(request));
}

void
queues_admin_pause(request_t *request)
{
    change(request, STMT_QUEUE_PAUSE, "queue.pause");
}

void
queues_admin_resume(request_t *request)
{
    change(request, STMT_QUEUE_RESUME, "queue.resume");
}

/* --- dead jobs ---------------------------------------------------------------------------- */

static void
on_one(void *arg, const struct pg_outcome *outcome)
{
    request_t *request = arg;

    if (!outcome->err && pg_get_i64(outcome->results[0], 0, 1) == 0)
        request_fail(request, TM_NOT_FOUND,
                     "no dead job has this id; it may have been retried or dropped already");
    else
        answer(request, outcome);
    request_unref(&request);
}

static void
one(request_t *request, http_statement_t statement, const char *event)
{
    pg_unit_t *unit = start(request, statement);
    char id[TM_UUID_TEXT];

    log_info(event, "job=%s", tm_uuid_text(request_id_in_path(request), id));
    pg_uuid(unit, request_id_in_path(request));
    pg_null(unit);
    pg_null(unit);
    pg_null(unit);
    pg_send(&unit, on_one, request_ref(request));
}

/* Of one queue: nobody deletes everything by leaving something out. */
static void
many(request_t *request, http_statement_t statement, const char *event)
{
    const struct query *query = request_query(request);
    struct problem problem = {0};
    pg_unit_t *unit;

    if (!query->has_queue) {
        problem_add(&problem, TM_VALIDATION_FAILED, "query.queue", "is missing: name a queue");
        request_problem(request, &problem);
        return;
    }
    log_info(event, "queue=%s code=%s before=%s", query->queue.text,
             query->has_code ? query->code.text : "any",
             query->has_before ? query->before.text : "now");
    unit = start(request, statement);
    pg_uuid(unit, NULL);
    add_filter(unit, query);
    pg_text(unit, query->has_before ? query->before.text : NULL);
    pg_send(&unit, on_answer, request_ref(request));
}

void
queues_admin_retry(request_t *request)
{
    one(request, STMT_DEAD_RETRY, "dead.retry");
}

void
queues_admin_drop(request_t *request)
{
    one(request, STMT_DEAD_DROP, "dead.drop");
}

void
queues_admin_retry_many(request_t *request)
{
    many(request, STMT_DEAD_RETRY, "dead.retry");
}

void
queues_admin_drop_many(request_t *request)
{
    many(request, STMT_DEAD_DROP, "dead.drop");
}
