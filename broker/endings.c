#include "broker/batch.h"

#include <string.h>

void
ending_destroy(ending_t **self_p)
{
    if (!*self_p)
        return;
    zframe_destroy(&(*self_p)->peer);
    zframe_destroy(&(*self_p)->body);
    free((*self_p)->code);
    free((*self_p)->detail);
    free(*self_p);
    *self_p = NULL;
}

void
store_done(broker_t *self, const struct tm_done *done, const tm_uuid_t *worker, tm_str_t body)
{
    ending_t *ending = zmalloc(sizeof(*ending));

    ending->job = done->job;
    ending->attempt = (uint32_t)done->attempt;
    ending->worker = *worker;
    ending->is_done = true;
    ending->peer = zframe_dup(self->from->id);
    ending->body = zframe_new(body.data, body.size);
    zlistx_add_end(self->endings, ending);
}

void
store_fail(broker_t *self, const ending_t *like, const char *code, const char *detail)
{
    ending_t *ending = zmalloc(sizeof(*ending));

    *ending = *like;
    ending->peer = like->peer ? zframe_dup(like->peer) : NULL;
    ending->body = NULL;
    ending->code = strdup(code);
    ending->detail = strdup(detail);
    zlistx_add_end(self->endings, ending);
}

static void
settle(broker_t *self, const ending_t *ending)
{
    tm_msg_t msg = {.type = TM_MSG_SETTLED};
    lease_t *lease = dispatch_lease(self, &ending->job);

    if (lease && lease->attempt == ending->attempt)
        dispatch_end(self, lease);
    msg.settled.job = ending->job;
    msg.settled.attempt = ending->attempt;
    if (ending->peer)
        peers_send(self, ending->peer, &msg);
}

void
endings_add_dones(pg_unit_t *unit, zlistx_t *dones)
{
    pg_array_t *ids = pg_array_new(PG_UUID), *attempts = pg_array_new(PG_INT4);
    pg_array_t *results = pg_array_new(PG_BYTEA);

    for (ending_t *e = zlistx_first(dones); e; e = zlistx_next(dones)) {
        pg_array_bytes(ids, e->job.bytes, 16);
        pg_array_i64(attempts, e->attempt);
        pg_array_bytes(results, zframe_data(e->body), zframe_size(e->body));
    }
    pg_add(unit, STMT_DONE);
    pg_array(unit, &ids);
    pg_array(unit, &attempts);
    pg_array(unit, &results);
}

void
endings_add_fails(broker_t *self, pg_unit_t *unit, zlistx_t *fails)
{
    pg_array_t *ids = pg_array_new(PG_UUID), *attempts = pg_array_new(PG_INT4);
    pg_array_t *codes = pg_array_new(PG_TEXT), *details = pg_array_new(PG_TEXT);
    pg_array_t *retryable = pg_array_new(PG_BOOL), *counts = pg_array_new(PG_BOOL);
    pg_array_t *crash = pg_array_new(PG_BOOL), *workers = pg_array_new(PG_UUID);

    for (ending_t *e = zlistx_first(fails); e; e = zlistx_next(fails)) {
        pg_array_bytes(ids, e->job.bytes, 16);
        pg_array_i64(attempts, e->attempt);
        pg_array_bytes(codes, e->code, strlen(e->code));
        pg_array_bytes(details, e->detail, strlen(e->detail));
        pg_array_i64(retryable, e->retryable);
        pg_array_i64(counts, e->counts);
        pg_array_i64(crash, e->crash);
        pg_array_bytes(workers, e->worker.bytes, 16);
    }
    pg_add(unit, STMT_FAIL);
    pg_array(unit, &ids);
    pg_array(unit, &attempts);
    pg_array(unit, &codes);
    pg_array(unit, &details);
    pg_array(unit, &retryable);
    pg_array(unit, &counts);
    pg_array(unit, &crash);
    pg_array(unit, &workers);
    pg_i64(unit, self->settings->broker_retry_base_ms);
    pg_i64(unit, self->settings->broker_retry_max_ms);
    pg_i64(unit, self->settings->broker_poison_crashes);
}

static bool
has_row(const PGresult *result, const tm_uuid_t *job, int *ret_row)
{
    for (int row = 0; row < PQntuples(result); row++) {
        tm_uuid_t id = pg_get_uuid(result, row, 0);
        if (!tm_uuid_is(&id, job))
            continue;
        *ret_row = row;
        return true;
    }
    return false;
}

/* Fewer rows than endings: another attempt has a job, or an ending was written before and its
 * answer lost. Either way the worker may forget it; watchers are told what the table says. */
void
endings_dones_ended(broker_t *self, zlistx_t *dones, const PGresult *result)
{
    size_t written = pg_affected(result);
    bool all = written == zlistx_size(dones);

    for (ending_t *e = zlistx_first(dones); e; e = zlistx_next(dones)) {
        tm_str_t body = {(const char *)zframe_data(e->body), zframe_size(e->body)};

        settle(self, e);
        if (all)
            audience_result(self, &e->job, "done", NULL, NULL, body);
        else if (audience_has(self, &e->job))
            store_lookup_state(self, &e->job, NULL, 0);
    }
    meters_add(self->metrics, METRIC_JOBS_ENDED, "done", written);
}

void
endings_fails_ended(broker_t *self, zlistx_t *fails, const PGresult *result)
{
    for (ending_t *e = zlistx_first(fails); e; e = zlistx_next(fails)) {
        int row;

        settle(self, e);
        if (!has_row(result, &e->job, &row)) {
            store_lookup_state(self, &e->job, NULL, 0);
            continue;
        }
        const char *queue = pg_get(result, row, 1);
        const char *outcome = pg_get(result, row, 2); /* dead, canceled or retried */
        const char *code = pg_get(result, row, 3);
        meters_add(self->metrics, METRIC_JOBS_ENDED, outcome, 1);
        if (code)
            audience_result(self, &e->job, outcome, code, pg_get(result, row, 4), tm_str(NULL));
        else if (!e->counts)
            dispatch_queue(self, queue, strlen(queue))->needs_scan = true;
    }
}
