#include "broker/batch.h"

void
claim_release(broker_t *self, claim_t *claim, size_t from)
{
    for (size_t i = from; i < claim->count; i++)
        dispatch_release(self, &claim->workers[i]);
    claim->queue->is_claiming = false;
}

claim_t *
claim_new(broker_t *self, queue_t *queue)
{
    size_t limit = (size_t)dispatch_free_credit(queue);
    claim_t *claim = zmalloc(sizeof(*claim));

    if (limit > (size_t)self->settings->broker_batch)
        limit = (size_t)self->settings->broker_batch;
    claim->queue = queue;
    claim->workers = zmalloc((limit + 1) * sizeof(*claim->workers));
    while (claim->count < limit && dispatch_reserve(self, queue, &claim->workers[claim->count]))
        claim->count++;
    queue->is_claiming = true;
    queue->has_ready = false; /* until something is added, or the answer is full */
    return claim;
}

void
claim_add(broker_t *self, pg_unit_t *unit, const claim_t *claim)
{
    pg_array_t *workers = pg_array_new(PG_UUID);

    for (size_t i = 0; i < claim->count; i++)
        pg_array_bytes(workers, claim->workers[i].bytes, 16);
    pg_add(unit, STMT_CLAIM);
    pg_text(unit, claim->queue->name);
    pg_uuid(unit, &self->id);
    pg_array(unit, &workers);
}

static void
start_claimed(broker_t *self, queue_t *queue, const PGresult *result, int row)
{
    const char *trace = pg_get(result, row, 4);
    tm_uuid_t worker = pg_get_uuid(result, row, 5);
    size_t size = 0;
    unsigned char *body = pg_get_bytes(result, row, 6, &size);
    struct tm_job job = {.job = pg_get_uuid(result, row, 0),
                         .attempt = (uint64_t)pg_get_i64(result, row, 1),
                         .queue = tm_str(queue->name),
                         .workspace = pg_get_uuid(result, row, 2),
                         .timeout_ms = (uint64_t)pg_get_i64(result, row, 3),
                         .traceparent = tm_str(trace),
                         .has_traceparent = trace != NULL};

    job.has_timeout_ms = job.timeout_ms > 0;
    dispatch_start(self, queue, &job, (tm_str_t){(const char *)body, size}, &worker);
    free(body);
}

void
claim_ended(broker_t *self, claim_t *claim, const PGresult *result)
{
    int rows = PQntuples(result);

    for (int row = 0; row < rows; row++)
        start_claimed(self, claim->queue, result, row);
    if ((size_t)rows == claim->count)
        claim->queue->has_ready = true;
    claim->queue->depth -= claim->queue->depth < rows ? claim->queue->depth : rows;
    claim_release(self, claim, (size_t)rows); /* rows carry the first `rows` of the workers */
}
