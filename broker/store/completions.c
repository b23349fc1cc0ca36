#include "broker/store/completions.h"

#include <string.h>

#include "actors/kit/util/memory.h"
#include "broker/base/texts.h"

/* One piece of memory, texts behind the struct. */
static void
add_completion(completions_t *self, const completion_t *like, tm_str_t body, tm_str_t code,
               tm_str_t detail)
{
    completion_t *completion =
        tm_grown(NULL, sizeof(*completion) + body.size + code.size + detail.size);
    char *at = (char *)(completion + 1);

    *completion = *like;
    completion->body = texts_copy(&at, body);
    completion->code = texts_copy(&at, code);
    completion->detail = texts_copy(&at, detail);
    fifo_add(&self->waiting, completion);
}

void
completions_done(completions_t *self, const struct tm_done *done, const peer_t *from,
                 tm_str_t body)
{
    completion_t like = {.job = done->job,
                         .attempt = (uint32_t)done->attempt,
                         .worker = from->worker,
                         .is_done = true,
                         .peer = from->id};

    add_completion(self, &like, body, tm_str(""), tm_str(""));
}

void
completions_fail(completions_t *self, const completion_t *like, tm_str_t code, tm_str_t detail)
{
    add_completion(self, like, tm_str(""), code, detail);
}

void
completions_fini(completions_t *self)
{
    void *item;

    while ((item = fifo_take(&self->waiting)))
        free(item);
}

void
completions_add_dones(pg_unit_t *unit, fifo_t *dones)
{
    pg_array_t *ids = pg_array_new(PG_UUID), *attempts = pg_array_new(PG_INT4);
    pg_array_t *results = pg_array_new(PG_BYTEA), *workers = pg_array_new(PG_UUID);

    for (completion_t *e = fifo_first(dones); e; e = fifo_next(e)) {
        pg_array_bytes(ids, e->job.bytes, 16);
        pg_array_i64(attempts, e->attempt);
        pg_array_bytes(results, e->body.data, e->body.size);
        pg_array_bytes(workers, e->worker.bytes, 16);
    }
    pg_add(unit, STMT_DONE);
    pg_array(unit, &ids);
    pg_array(unit, &attempts);
    pg_array(unit, &results);
    pg_array(unit, &workers);
}

void
completions_add_fails(completions_t *self, pg_unit_t *unit, fifo_t *fails)
{
    pg_array_t *ids = pg_array_new(PG_UUID), *attempts = pg_array_new(PG_INT4);
    pg_array_t *codes = pg_array_new(PG_TEXT), *details = pg_array_new(PG_TEXT);
    pg_array_t *retryable = pg_array_new(PG_BOOL), *counts = pg_array_new(PG_BOOL);
    pg_array_t *crash = pg_array_new(PG_BOOL), *workers = pg_array_new(PG_UUID);
    pg_array_t *rejected = pg_array_new(PG_BOOL);

    for (completion_t *e = fifo_first(fails); e; e = fifo_next(e)) {
        pg_array_bytes(ids, e->job.bytes, 16);
        pg_array_i64(attempts, e->attempt);
        pg_array_bytes(codes, e->code.data, e->code.size);
        pg_array_bytes(details, e->detail.data, e->detail.size);
        pg_array_i64(retryable, e->retryable);
        pg_array_i64(counts, e->counts);
        pg_array_i64(crash, e->is_crash);
        pg_array_bytes(workers, e->worker.bytes, 16);
        pg_array_i64(rejected, e->is_rejected);
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
    pg_i64(unit, self->context->settings->broker_retry_base_ms);
    pg_i64(unit, self->context->settings->broker_retry_max_ms);
    pg_i64(unit, self->context->settings->broker_poison_crashes);
    pg_array(unit, &rejected);
}

static void
settle_completion(completions_t *self, const completion_t *completion)
{
    tm_msg_t msg = {.type = TM_MSG_SETTLED,
                    .settled = {.job = completion->job, .attempt = completion->attempt}};
    lease_t *lease = leases_held_by(self->dispatch->leases, &completion->job,
                                    completion->attempt, &completion->worker);

    if (lease && lease->state != LEASE_ENDING) /* adopted since its end was said */
        workers_release(self->dispatch->workers, &lease->worker);
    if (lease)
        dispatch_end(self->dispatch, lease);
    if (completion->peer)
        peers_send(self->peers, completion->peer, &msg);
}

/* Fewer rows than completions: another attempt has a job, or a completion was written before
 * and its answer lost. Either way the worker may forget it; watchers are told what the table
 * says. */
void
completions_dones_ended(completions_t *self, fifo_t *dones, const PGresult *result)
{
    size_t written = pg_affected(result);
    bool all = written == dones->count;

    for (completion_t *e = fifo_first(dones); e; e = fifo_next(e)) {
        settle_completion(self, e);
        if (all)
            self->ops->on_ended(self->ops_arg, &e->job, "done", NULL, NULL, e->body);
        else
            self->ops->on_unknown(self->ops_arg, &e->job);
    }
    meters_add(self->context->metrics, METRIC_JOBS_ENDED, "done", written);
}

static void
report_failed(completions_t *self, const completion_t *e, const PGresult *result, int row)
{
    const char *queue = pg_get(result, row, 1);
    const char *outcome = pg_get(result, row, 2); /* dead, canceled, rejected, retried */
    const char *code = pg_get(result, row, 3);

    meters_add(self->context->metrics, METRIC_JOBS_ENDED, outcome, 1);
    if (code)
        self->ops->on_ended(self->ops_arg, &e->job, outcome, code, pg_get(result, row, 4),
                            tm_str(NULL));
    else if (!e->counts)
        queues_get(self->dispatch->queues, queue, strlen(queue))->needs_scan = true;
}

/* A row for each that was written; the others' watchers are told what the table says. */
void
completions_fails_ended(completions_t *self, fifo_t *fails, const PGresult *result)
{
    uuid_map_t *waiting = uuid_map_new(offsetof(completion_t, job));
    completion_t *e;

    for (e = fifo_first(fails); e; e = fifo_next(e)) {
        settle_completion(self, e);
        if (!uuid_map_get(waiting, &e->job))
            uuid_map_put(waiting, e);
    }
    for (int row = 0; row < PQntuples(result); row++) {
        tm_uuid_t job = pg_get_uuid(result, row, 0);
        e = uuid_map_get(waiting, &job);
        if (e)
            report_failed(self, e, result, row);
        uuid_map_remove(waiting, &job);
    }
    for (size_t at = 0; (e = uuid_map_next(waiting, &at));)
        self->ops->on_unknown(self->ops_arg, &e->job);
    uuid_map_destroy(&waiting);
}
