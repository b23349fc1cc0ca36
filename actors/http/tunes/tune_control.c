/* POST /backtests/tunes/{id}/cancel and DELETE /backtests/tunes/{id}.
 *
 * A tune that waits is canceled at once. One that runs is asked to stop, which takes a second
 * at most; the answer is sent when the tune's row says how it ended, or when it has not after
 * some seconds, as when its broker is away. It is stopped then all the same, later.
 *
 * stopping   PostgreSQL: job_cancel, whose answer says whether there is something to wait for
 * waiting    until the tune is over, or long enough
 * settling   PostgreSQL: how it ended; or its row is deleted -> answered
 */
#include "actors/http/core/answer.h"
#include "actors/http/core/body.h"
#include "actors/http/core/sql.h"
#include "actors/http/tunes/routes.def"
#include "actors/http/tunes/statements.def"
#include "actors/http/tunes/tune_waiters.h"
#include "actors/kit/util/auto.h"
#include "actors/kit/util/clock.h"

enum { STOP_MS = 5000 };

typedef struct {
    request_t *request; /* which owns this */
    bool is_delete;
    struct tune_waiter wait;
} control_t;

static void
destroy_control(void *state)
{
    control_t *self = state;

    tune_waiters_remove(request_bridge(self->request)->waits, &self->wait);
    free(self);
}

/* --- settling ----------------------------------------------------------------------------- */

static void
answer_canceled(control_t *self, const char *status)
{
    const char *message = strcmp(status, "canceled") == 0
                              ? "the tune was canceled"
                              : "the tune was asked to stop, and has not stopped yet";
    char id[TM_UUID_TEXT];
    tm_auto(json) root = json_pack("{s:s, s:s, s:s}", "tune_id",
                                   tm_uuid_text(request_id_in_path(self->request), id),
                                   "status", status, "message", message);
    char *text = json_dumps(root, JSON_COMPACT);

    answer_json(self->request, &text);
}

static void
on_status(void *arg, const struct pg_outcome *outcome)
{
    request_t *request = arg;
    const PGresult *rows = outcome->err ? NULL : outcome->results[1];
    const char *status = rows && PQntuples(rows) ? pg_get(rows, 0, 0) : NULL;

    if (outcome->err)
        answer_fail(request, outcome->err, "");
    else if (!status)
        answer_fail(request, TM_TUNE_NOT_FOUND, "");
    else if (strcmp(status, "completed") == 0 || strcmp(status, "failed") == 0)
        answer_fail(request, TM_TUNE_ALREADY_OVER, "");
    else
        answer_canceled(request_state(request), status);
    request_unref(&request);
}

/* The row may already be deleted; treat it as success. */
static void
on_deleted(void *arg, const struct pg_outcome *outcome)
{
    request_t *request = arg;
    char *nothing = strdup("");

    if (outcome->err)
        answer_fail(request, outcome->err, "");
    else if (PQntuples(outcome->results[1]) > 0)
        answer_fail(request, TM_BUSY, "the tune was asked to stop, and has not stopped yet");
    else
        answer_text(request, MHD_HTTP_NO_CONTENT, JSON_TYPE, &nothing, 0);
    free(nothing);
    request_unref(&request);
}

static void
settle_tune(control_t *self)
{
    const request_t *request = self->request;
    const tm_uuid_t *workspace = &request_workspace(request)->id;
    pg_unit_t *unit;

    if (request_is_gone(request))
        return;
    unit = sql_unit(request, self->is_delete ? STMT_TUNE_DELETE : STMT_TUNE_ORPHAN);
    pg_uuid(unit, workspace);
    pg_uuid(unit, request_id_in_path(request));
    sql_add(request, unit, STMT_TUNE_STATUS);
    pg_uuid(unit, workspace);
    pg_uuid(unit, request_id_in_path(request));
    pg_send(&unit, self->is_delete ? on_deleted : on_status, request_ref(self->request));
}

/* --- waiting ------------------------------------------------------------------------------ */

static void
on_stop_end(request_t *request)
{
    settle_tune(request_state(request));
}

static void
wait_for_stop(control_t *self)
{
    bridge_t *bridge = request_bridge(self->request);

    self->wait.job = *request_id_in_path(self->request);
    self->wait.deadline_ms = bridge->is_draining ? 0 : clock_ms() + STOP_MS;
    self->wait.fn = on_stop_end;
    tune_waiters_add(bridge->waits, &self->wait, self->request);
}

/* --- stopping ----------------------------------------------------------------------------- */

/* job: what job_cancel said, NULL when the tune was over before. */
static void
take_stopped(control_t *self, const char *job)
{
    if (job && strcmp(job, "canceling") == 0)
        wait_for_stop(self);
    else if (job || self->is_delete)
        settle_tune(self);
    else
        answer_fail(self->request, TM_TUNE_ALREADY_OVER, "");
}

static void
on_stopped(void *arg, const struct pg_outcome *outcome)
{
    request_t *request = arg;
    const PGresult *rows = sql_rows(request, outcome, TM_TUNE_NOT_FOUND);

    if (rows && !request_is_gone(request))
        take_stopped(request_state(request), pg_get(rows, 0, 0));
    request_unref(&request);
}

static void
stop_tune(request_t *request, bool is_delete)
{
    control_t *self = zmalloc(sizeof(*self));
    pg_unit_t *unit;

    self->request = request;
    self->is_delete = is_delete;
    request_keep(request, self, destroy_control);
    unit = sql_in_workspace(request, STMT_TUNE_CANCEL);
    pg_uuid(unit, request_id_in_path(request));
    pg_send(&unit, on_stopped, request_ref(request));
}

void
tune_control_cancel(request_t *request)
{
    stop_tune(request, false);
}

void
tune_control_delete(request_t *request)
{
    stop_tune(request, true);
}

static void
drain_control(request_t *request)
{
    control_t *self = request_state(request);

    if (self)
        tune_waiters_end(request_bridge(request)->waits, &self->wait);
}

const struct route_ops tune_control_ops = {.body = body_ignore, .drain = drain_control};
