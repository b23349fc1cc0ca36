#include "broker/store/claims.h"

static void
on_scanned(void *arg, const struct pg_outcome *outcome)
{
    queue_t *queue = arg; /* not forgotten while it is scanned */

    queue_set_state(queue, QUEUE_RESTING);
    if (outcome->err) {
        queue->needs_scan = true;
        return;
    }
    fair_queue_take_scan(&queue->fair, outcome->results[0]);
    queue->is_drained = PQntuples(outcome->results[0]) == 0;
}

void
claims_scan(const claims_t *self, queue_t *queue)
{
    pg_unit_t *unit;

    if (!queue->needs_scan || queue->state != QUEUE_RESTING)
        return;
    queue->needs_scan = false;
    queue_set_state(queue, QUEUE_SCANNING);
    unit = pg_unit_new(self->context->pg);
    pg_add(unit, STMT_LINES);
    pg_text(unit, queue->name);
    pg_uuid(unit, &queue->fair.scan_at);
    pg_i64(unit, SCAN_LINES);
    pg_send(&unit, on_scanned, queue);
}

void
claim_destroy(claim_t **self_p)
{
    claim_t *self = *self_p;

    if (!self)
        return;
    zlistx_destroy(&self->lines);
    free(self->workers);
    free(self);
    *self_p = NULL;
}

static void
add_line_to_claim(claim_t *self, line_t *line, size_t share)
{
    size_t room = fair_queue_room(&self->queue->fair, &line->workspace);

    zlistx_move_end(self->queue->fair.turns, line->turn);
    zlistx_add_end(self->lines, line);
    line->quota = room < share ? room : share;
    line->known -= line->known < line->quota ? line->known : line->quota;
    line->got = 0;
    fair_queue_take(&self->queue->fair, &line->workspace, line->quota);
}

/* The first lines of the turn; each goes to the end. Returns how many jobs that makes. */
static size_t
add_lines_to_claim(claim_t *self)
{
    zlistx_t *turns = self->queue->fair.turns;
    size_t count = zlistx_size(turns) < self->count ? zlistx_size(turns) : self->count;
    size_t jobs = 0;

    for (size_t i = 0; i < count; i++) {
        line_t *line = zlistx_first(turns);

        add_line_to_claim(self, line, self->count / count + (i < self->count % count));
        jobs += line->quota;
    }
    return jobs;
}

enum { CLAIM_BYTES = 8 << 20, BLIND_JOBS = 16 };

/* An answer is held whole, bodies and all: few jobs at a time if they are large, or if nobody
 * knows. */
static size_t
most_at_once(const claims_t *self, const queue_t *queue)
{
    size_t batch = (size_t)self->context->settings->broker_batch;
    size_t most = queue->body_bytes ? CLAIM_BYTES / queue->body_bytes + 1 : BLIND_JOBS;

    return most < batch ? most : batch;
}

/* How many jobs it is worth asking for: where every line is known, no more than there are.
 * Credit that a claim holds is not there for the jobs that come meanwhile. */
static size_t
worth_asking(const claims_t *self, queue_t *queue)
{
    size_t limit = (size_t)workers_free_credit(queue), most = most_at_once(self, queue);
    size_t known = 0;
    bool is_open = false;

    if (limit > most)
        limit = most;
    for (line_t *l = zlistx_first(queue->fair.turns); l; l = zlistx_next(queue->fair.turns)) {
        known += (size_t)l->known;
        is_open |= l->is_open;
    }
    return is_open || limit < known ? limit : known;
}

claim_t *
claims_new(const claims_t *self, queue_t *queue)
{
    size_t limit = worth_asking(self, queue), jobs;
    claim_t *claim;

    if (limit == 0)
        return NULL;
    claim = zmalloc(sizeof(*claim));
    claim->queue = queue;
    claim->lines = zlistx_new();
    claim->workers = zmalloc((limit + 1) * sizeof(*claim->workers));
    while (claim->count < limit && workers_reserve(queue, &claim->workers[claim->count]))
        claim->count++;
    jobs = add_lines_to_claim(claim);
    while (claim->count > jobs) /* limits leave less */
        workers_release(self->dispatch->workers, &claim->workers[--claim->count]);
    queue_set_state(queue, QUEUE_CLAIMING);
    return claim;
}

void
claims_release(const claims_t *self, claim_t *claim, size_t from)
{
    for (line_t *l = zlistx_first(claim->lines); l; l = zlistx_next(claim->lines))
        fair_queue_give(&claim->queue->fair, &l->workspace, l->quota);
    for (size_t i = from; i < claim->count; i++)
        workers_release(self->dispatch->workers, &claim->workers[i]);
    queue_set_state(claim->queue, QUEUE_RESTING);
}

void
claims_add(const claims_t *self, pg_unit_t *unit, const claim_t *claim, bool is_sole_broker)
{
    pg_array_t *workers = pg_array_new(PG_UUID), *workspaces = pg_array_new(PG_UUID);
    pg_array_t *lows = pg_array_new(PG_INT8), *quotas = pg_array_new(PG_INT8);

    for (line_t *l = zlistx_first(claim->lines); l; l = zlistx_next(claim->lines)) {
        pg_array_bytes(workspaces, l->workspace.bytes, 16);
        pg_array_i64(lows, l->low_us);
        pg_array_i64(quotas, (int64_t)l->quota);
    }
    for (size_t i = 0; i < claim->count; i++)
        pg_array_bytes(workers, claim->workers[i].bytes, 16);
    pg_add(unit, STMT_CLAIM);
    pg_text(unit, claim->queue->name);
    pg_uuid(unit, &self->context->id);
    pg_array(unit, &workspaces);
    pg_array(unit, &lows);
    pg_array(unit, &quotas);
    pg_array(unit, &workers);
    if (claim->queue->fair.limit && !is_sole_broker)
        pg_i64(unit, claim->queue->fair.limit);
    else
        pg_null(unit);
}

static void
start_claimed(const claims_t *self, queue_t *queue, const PGresult *result, int row)
{
    const char *trace = pg_get(result, row, 4);
    tm_uuid_t worker = pg_get_uuid(result, row, 5);
    size_t size = 0;
    unsigned char *body = pg_get_bytes(result, row, 7, &size);
    struct tm_job job = {.job = pg_get_uuid(result, row, 0),
                         .attempt = (uint64_t)pg_get_i64(result, row, 1),
                         .queue = tm_str(queue->name),
                         .workspace = pg_get_uuid(result, row, 2),
                         .timeout_ms = (uint64_t)pg_get_i64(result, row, 3),
                         .traceparent = tm_str(trace),
                         .has_traceparent = trace != NULL,
                         .join = pg_get_bool(result, row, 6)};
    line_t *line = fair_queue_find(&queue->fair, &job.workspace);

    queue_note_body(queue, size);
    if (line)
        line->got++;
    job.has_timeout_ms = job.timeout_ms > 0;
    job.has_join = job.join;
    dispatch_start(self->dispatch, queue, &job, (tm_str_t){(const char *)body, size}, &worker);
    free(body);
}

/* A line that gave less than its share has nothing more, but for what was added since. */
static void
close_lines(claim_t *claim)
{
    queue_t *queue = claim->queue;
    line_t *line;

    while ((line = zlistx_detach(claim->lines, NULL))) {
        line->is_open = line->is_open && line->got == line->quota;
        if (!line->is_open && line->known == 0)
            fair_queue_remove(&queue->fair, line);
    }
    queue->is_drained = true;
    for (line = zlistx_first(queue->fair.turns); line; line = zlistx_next(queue->fair.turns))
        queue->is_drained &= !line->is_open;
}

/* Rows carry the first of the workers; the others' credit comes back. */
void
claims_ended(const claims_t *self, claim_t *claim, const PGresult *result)
{
    queue_t *queue = claim->queue;
    int rows = PQntuples(result);

    for (int row = 0; row < rows; row++)
        start_claimed(self, queue, result, row);
    claims_release(self, claim, (size_t)rows);
    close_lines(claim);
    queue->depth -= queue->depth < rows ? queue->depth : rows;
}
