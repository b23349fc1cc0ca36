#include "broker/store/submits.h"

#include <string.h>

#include "broker/base/texts.h"

void
submits_init(submits_t *self)
{
    self->sent = uuid_map_new(offsetof(submit_t, fields.job));
}

void
submits_fini(submits_t *self)
{
    void *item;

    uuid_map_destroy(&self->sent);
    while ((item = fifo_take(&self->waiting)))
        free(item);
}

bool
submits_have_room(const submits_t *self, tm_str_t body)
{
    const settings_t *settings = self->context->settings;

    return self->waiting.count + self->in_flight < (size_t)settings->broker_max_pending &&
           self->bytes + body.size <= (size_t)settings->broker_max_pending_mb << 20;
}

submit_t *
submit_new(submits_t *submits, peer_id_t peer, const tm_msg_t *msg)
{
    const struct tm_submit *in = &msg->submit;
    size_t text = in->queue.size + in->key.size + in->scope.size + in->request_hash.size +
                  in->traceparent.size + msg->body.size;
    submit_t *self = malloc(sizeof(*self) + text);
    char *at;

    if (!self)
        return NULL;
    memset(self, 0, sizeof(*self));
    at = (char *)(self + 1);
    self->fields = *in;
    self->fields.queue = texts_copy(&at, self->fields.queue);
    self->fields.key = texts_copy(&at, self->fields.key);
    self->fields.scope = texts_copy(&at, self->fields.scope);
    self->fields.request_hash = texts_copy(&at, self->fields.request_hash);
    self->fields.traceparent = texts_copy(&at, self->fields.traceparent);
    self->body = texts_copy(&at, msg->body);
    self->peer = peer;
    submits->bytes += self->body.size;
    return self;
}

void
submit_destroy(submits_t *submits, submit_t **self_p)
{
    submits->bytes -= (*self_p)->body.size;
    free(*self_p);
    *self_p = NULL;
}

queue_t *
submit_queue(const submits_t *self, const submit_t *submit)
{
    tm_str_t name = submit->fields.queue;

    return queues_get(self->workers->queues, name.data, name.size);
}

/* --- the statements ----------------------------------------------------------------------- */

static void
array_text(pg_array_t *array, tm_str_t text, bool is_there)
{
    if (is_there)
        pg_array_bytes(array, text.data, text.size);
    else
        pg_array_null(array);
}

enum { COLUMNS = 11 };

static void
add_job_row(submits_t *self, pg_array_t *a[COLUMNS], const submit_t *s)
{
    const struct tm_submit *f = &s->fields;
    int64_t attempts = f->has_max_attempts && f->max_attempts
                           ? (int64_t)f->max_attempts
                           : self->context->settings->broker_max_attempts;

    pg_array_bytes(a[0], f->job.bytes, 16);
    pg_array_bytes(a[1], f->queue.data, f->queue.size);
    pg_array_bytes(a[2], f->workspace.bytes, 16);
    pg_array_i64(a[3], f->has_priority ? (int64_t)f->priority : PRIORITY_DEFAULT);
    pg_array_i64(a[4], (int64_t)f->delay_ms);
    pg_array_i64(a[5], attempts);
    pg_array_i64(a[6], (int64_t)f->timeout_ms);
    if (f->has_expires_ms)
        pg_array_i64(a[7], (int64_t)f->expires_ms);
    else
        pg_array_null(a[7]);
    array_text(a[8], f->traceparent, f->has_traceparent);
    pg_array_bytes(a[9], s->body.data, s->body.size);
    if (s->is_reserved)
        pg_array_bytes(a[10], s->worker.bytes, 16);
    else
        pg_array_null(a[10]);
}

void
submits_add_jobs(submits_t *self, pg_unit_t *unit, fifo_t *submits)
{
    static const unsigned types[COLUMNS] = {PG_UUID, PG_TEXT,  PG_UUID, PG_INT8,
                                            PG_INT8, PG_INT8,  PG_INT8, PG_INT8,
                                            PG_TEXT, PG_BYTEA, PG_UUID};
    pg_array_t *columns[COLUMNS];

    for (int i = 0; i < COLUMNS; i++)
        columns[i] = pg_array_new(types[i]);
    for (submit_t *s = fifo_first(submits); s; s = fifo_next(s))
        add_job_row(self, columns, s);
    for (int i = 0; i < COLUMNS; i++)
        pg_array(unit, &columns[i]);
    pg_uuid(unit, &self->context->id);
}

void
submits_add(submits_t *self, pg_unit_t *unit, fifo_t *submits)
{
    pg_add(unit, STMT_SUBMIT);
    submits_add_jobs(self, unit, submits);
}

void
submits_add_checking(submits_t *self, pg_unit_t *unit, fifo_t *submits)
{
    pg_array_t *keys = pg_array_new(PG_TEXT), *scopes = pg_array_new(PG_TEXT);
    pg_array_t *hashes = pg_array_new(PG_BYTEA);

    for (submit_t *s = fifo_first(submits); s; s = fifo_next(s)) {
        array_text(keys, s->fields.key, s->fields.has_key);
        array_text(scopes, s->fields.scope, true);
        array_text(hashes, s->fields.request_hash, s->fields.has_key);
    }
    pg_add(unit, STMT_SUBMIT_CHECKING);
    submits_add_jobs(self, unit, submits);
    pg_array(unit, &keys);
    pg_array(unit, &scopes);
    pg_array(unit, &hashes);
    pg_i64(unit, self->context->settings->idempotency_keep_days);
}

static void
release_submit(submits_t *self, submit_t *submit)
{
    if (!submit->is_reserved)
        return;
    fair_queue_give(&submit_queue(self, submit)->fair, &submit->fields.workspace, 1);
    workers_release(self->workers, &submit->worker);
    submit->is_reserved = false;
}

void
submits_take_out(submits_t *self, submit_t *submit)
{
    uuid_map_remove(self->sent, &submit->fields.job);
    release_submit(self, submit);
}

/* --- their answers ------------------------------------------------------------------------ */

typedef struct {
    submits_t *owner;
    fifo_t submits;
} query_t;

static void
judge_key(submits_t *self, submit_t *s, const PGresult *result, int row)
{
    size_t size = 0;
    unsigned char *hash = pg_get_bytes(result, row, 2, &size);
    tm_uuid_t owner = pg_get_uuid(result, row, 1);

    if (hash && size == 32 && memcmp(hash, s->fields.request_hash.data, 32) == 0 &&
        tm_str_is(s->fields.queue, pg_get(result, row, 4))) {
        self->ops->on_known(self->ops_arg, s, &owner, !tm_uuid_is(&owner, &s->fields.job));
    } else {
        meters_add(self->context->metrics, METRIC_IDEMPOTENT, "reused", 1);
        self->ops->on_refused(self->ops_arg, s, TM_IDEMPOTENCY_KEY_REUSED, NULL);
    }
    free(hash);
}

static void
on_forgotten(void *arg, const struct pg_outcome *outcome)
{
    (void)arg;
    if (outcome->err)
        log_warn("key.forget", "err=%s", tm_err_name(outcome->err));
}

/* A key that has expired, or whose job nobody knows any more, is removed, and the submit goes
 * again. */
static void
forget_key(submits_t *self, submit_t *s)
{
    pg_unit_t *unit = pg_unit_new(self->context->pg);

    pg_add(unit, STMT_KEY_FORGET);
    pg_uuid(unit, &s->fields.workspace);
    pg_str(unit, s->fields.scope.data, s->fields.scope.size);
    pg_str(unit, s->fields.key.data, s->fields.key.size);
    pg_send(&unit, on_forgotten, NULL);
}

static void
on_keys(void *arg, const struct pg_outcome *outcome)
{
    query_t *query = arg;
    submits_t *self = query->owner;
    int rows = outcome->err ? 0 : PQntuples(outcome->results[0]);
    int64_t index = 0;
    int row = 0;
    submit_t *s;

    while ((s = fifo_take(&query->submits))) {
        bool found = row < rows && pg_get_i64(outcome->results[0], row, 0) == index;

        if (found && !pg_get_bool(outcome->results[0], row, 3) &&
            pg_get(outcome->results[0], row, 4)) {
            judge_key(self, s, outcome->results[0], row);
            submit_destroy(self, &s);
        } else {
            if (found)
                forget_key(self, s);
            s->retried_singly = true;
            fifo_add(&self->waiting, s); /* gone meanwhile, or no answer: again */
        }
        row += found;
        index++;
    }
    free(query);
}

static void
lookup_keys(submits_t *self, fifo_t *submits)
{
    query_t *query = zmalloc(sizeof(*query));
    pg_array_t *workspaces = pg_array_new(PG_UUID), *scopes = pg_array_new(PG_TEXT);
    pg_array_t *keys = pg_array_new(PG_TEXT);
    pg_unit_t *unit = pg_unit_new(self->context->pg);

    query->owner = self;
    fifo_move(&query->submits, submits);
    for (submit_t *s = fifo_first(&query->submits); s; s = fifo_next(s)) {
        pg_array_bytes(workspaces, s->fields.workspace.bytes, 16);
        pg_array_bytes(scopes, s->fields.scope.data, s->fields.scope.size);
        pg_array_bytes(keys, s->fields.key.data, s->fields.key.size);
    }
    pg_add(unit, STMT_KEY_LOOKUP);
    pg_array(unit, &workspaces);
    pg_array(unit, &scopes);
    pg_array(unit, &keys);
    pg_send(&unit, on_keys, query);
}

/* What was there before is a duplicate, unless it is this broker that had sent it. */
static void
answer_submit(submits_t *self, submit_t *s, fifo_t *known)
{
    uuid_map_remove(self->sent, &s->fields.job);
    if (!s->is_new)
        release_submit(self, s);
    if (!s->is_new && s->fields.has_key) {
        fifo_add(known, s);
        return;
    }
    if (s->is_new)
        self->ops->on_committed(self->ops_arg, s);
    else
        self->ops->on_known(self->ops_arg, s, &s->fields.job, !s->is_again);
    submit_destroy(self, &s);
}

static void
answer_submits(submits_t *self, fifo_t *submits)
{
    fifo_t known = {.count = 0};
    submit_t *s;

    while ((s = fifo_take(submits)))
        answer_submit(self, s, &known);
    if (known.count > 0)
        lookup_keys(self, &known);
}

static void
mark_new(submits_t *self, const PGresult *result, bool is_new)
{
    for (int row = 0; row < PQntuples(result); row++) {
        tm_uuid_t id = pg_get_uuid(result, row, 0);
        submit_t *s = uuid_map_get(self->sent, &id);

        if (s)
            s->is_new = is_new;
    }
}

void
submits_ended_checking(submits_t *self, fifo_t *submits, const PGresult *result)
{
    mark_new(self, result, true);
    answer_submits(self, submits);
}

/* No answer: what was written is found by sending all again, with a check. */
static void
send_again(submits_t *self, fifo_t *submits)
{
    submit_t *s;

    while ((s = fifo_take(submits))) {
        submits_take_out(self, s);
        s->checks_existing = s->is_again = true;
        fifo_add(&self->waiting, s);
    }
    self->lost_answers = true; /* those that were written as leased are nobody's */
}

static void
on_known(void *arg, const struct pg_outcome *outcome)
{
    query_t *query = arg;

    if (outcome->err) {
        send_again(query->owner, &query->submits);
    } else {
        mark_new(query->owner, outcome->results[0], false);
        answer_submits(query->owner, &query->submits);
    }
    free(query);
}

/* Fewer were written than sent: some had ended before. Which ones, the table says. */
static void
lookup_known(submits_t *self, fifo_t *submits)
{
    query_t *query = zmalloc(sizeof(*query));
    pg_array_t *ids = pg_array_new(PG_UUID);
    pg_unit_t *unit = pg_unit_new(self->context->pg);

    query->owner = self;
    fifo_move(&query->submits, submits);
    for (submit_t *s = fifo_first(&query->submits); s; s = fifo_next(s))
        pg_array_bytes(ids, s->fields.job.bytes, 16);
    pg_add(unit, STMT_SUBMIT_KNOWN);
    pg_array(unit, &ids);
    pg_send(&unit, on_known, query);
}

void
submits_ended(submits_t *self, fifo_t *submits, const PGresult *result)
{
    for (submit_t *s = fifo_first(submits); s; s = fifo_next(s))
        s->is_new = true;
    if (pg_affected(result) == submits->count)
        answer_submits(self, submits);
    else
        lookup_known(self, submits);
}
