/* stopping   PostgreSQL: job_cancel, whose answer says whether there is something to wait for
 * waiting    until the tune is over, or long enough
 * settling   PostgreSQL: how it ended; or its row is deleted -> answered */
#include "actors/http/tunes/tune_control.h"

#include "actors/http/core/request.h"
#include "actors/http/tunes/tune_waiters.h"
#include "actors/kit/util/clock.h"

enum { STOP_MS = 5000 };

typedef struct {
    request_t *request; /* which owns this */
    bool is_delete;
    struct tune_waiter wait;
} control_t;

static void
control_destroy(void *state)
{
    control_t *self = state;

    tune_waiters_remove(request_bridge(self->request)->waits, &self->wait);
    free(self);
}

/* A unit that begins with the workspace, and a statement about its tune. */
static pg_unit_t *
unit_for(const control_t *self, http_statement_t first, http_statement_t second)
{
    const http_statement_t statements[] = {first, second};
    pg_unit_t *unit = pg_unit_new(request_bridge(self->request)->pg);

    for (size_t i = 0; i < 2; i++) {
        pg_add(unit, statements[i]);
        pg_uuid(unit, &request_workspace(self->request)->id);
        if (statements[i] != STMT_WORKSPACE_KNOWN)
            pg_uuid(unit, request_id_in_path(self->request));
    }
    return unit;
}

/* --- settling ----------------------------------------------------------------------------- */

static void
answer_canceled(control_t *self, const char *status)
{
    const char *message = strcmp(status, "canceled") == 0
                              ? "the tune was canceled"
                              : "the tune was asked to stop, and has not stopped yet";
    char id[TM_UUID_TEXT];
    json_t *root = json_pack("{s:s, s:s, s:s}", "tune_id",
                             tm_uuid_text(request_id_in_path(self->request), id), "status",
                             status, "message", message);
    char *text = json_dumps(root, JSON_COMPACT);

    json_decref(root);
    request_reply(self->request, MHD_HTTP_OK, JSON_TYPE, &text, strlen(text));
}

static void
on_status(void *arg, const struct pg_outcome *outcome)
{
    request_t *request = arg;
    const PGresult *rows = outcome->err ? NULL : outcome->results[1];
    const char *status = rows && PQntuples(rows) ? pg_get(rows, 0, 0) : NULL;

    if (outcome->err)
        request_fail(request, outcome->err, "");
    else if (!status)
        request_fail(request, TM_TUNE_NOT_FOUND, "");
    else if (strcmp(status, "completed") == 0 || strcmp(status, "failed") == 0)
        request_fail(request, TM_TUNE_ALREADY_OVER, "");
    else
        answer_canceled(request_state(request), status);
    request_unref(&request);
}

/* Gone is gone, whoever did it. */
static void
on_deleted(void *arg, const struct pg_outcome *outcome)
{
    request_t *request = arg;
    char *nothing = strdup("");

    if (outcome->err)
        request_fail(request, outcome->err, "");
    else if (PQntuples(outcome->results[1]) > 0)
        request_fail(request, TM_BUSY, "the tune was asked to stop, and has not stopped yet");
    else
        request_reply(request, MHD_HTTP_NO_CONTENT, JSON_TYPE, &nothing, 0);
    free(nothing);
    request_unref(&request);
}

static void
settle(control_t *self)
{
    pg_unit_t *unit;

    if (request_is_gone(self->request))
        return;
    if (self->is_delete) {
        unit = unit_for(self, STMT_TUNE_DELETE, STMT_TUNE_STATUS);
        pg_send(&unit, on_deleted, request_ref(self->request));
    } else {
        unit = unit_for(self, STMT_TUNE_ORPHAN, STMT_TUNE_STATUS);
        pg_send(&unit, on_status, request_ref(self->request));
    }
}

/* --- waiting ------------------------------------------------------------------------------ */

static void
on_wait_end(void *arg)
{
    control_t *self = arg;
    request_t *request = self->request;

    settle(self);
    request_unref(&request);
}

static void
wait_for_end(control_t *self)
{
    bridge_t *bridge = request_bridge(self->request);

    self->wait.job = *request_id_in_path(self->request);
    self->wait.deadline_ms = bridge->is_draining ? 0 : clock_ms() + STOP_MS;
    self->wait.fn = on_wait_end;
    self->wait.arg = self;
    request_ref(self->request);
    tune_waiters_add(bridge->waits, &self->wait);
}

/* --- stopping ----------------------------------------------------------------------------- */

/* job: what job_cancel said, NULL when the tune was over before. */
static void
take_stopped(control_t *self, const char *job)
{
    if (job && strcmp(job, "canceling") == 0)
        wait_for_end(self);
    else if (job || self->is_delete)
        settle(self);
    else
        request_fail(self->request, TM_TUNE_ALREADY_OVER, "");
}

static void
on_stopped(void *arg, const struct pg_outcome *outcome)
{
    request_t *request = arg;
    const PGresult *rows = request_rows(request, outcome, TM_TUNE_NOT_FOUND);

    if (rows && !request_is_gone(request))
        take_stopped(request_state(request), pg_get(rows, 0, 0));
    request_unref(&request);
}

static void
stop(request_t *request, bool is_delete)
{
    control_t *self = zmalloc(sizeof(*self));
    pg_unit_t *unit;

    self->request = request;
    self->is_delete = is_delete;
    request_keep(request, self, control_destroy);
    unit = unit_for(self, STMT_WORKSPACE_KNOWN, STMT_TUNE_CANCEL);
    pg_send(&unit, on_stopped, request_ref(request));
}

void
tune_control_cancel(request_t *request)
{
    stop(request, false);
}

void
tune_control_delete(request_t *request)
{
    stop(request, true);
}
