#include "broker/core.h"

#include <string.h>
#include <unistd.h>

enum { TICK_MS = 100, SECOND_MS = 1000, DEPTH_MS = 5000, PEER_SILENT_MS = 60000 };

static void
mark_ready(broker_t *self, const struct pg_outcome *outcome, const char *what)
{
    if (outcome->err) {
        log_debug("upkeep.failed", "what=%s err=%s", what, tm_err_name(outcome->err));
        return;
    }
    for (int row = 0; row < PQntuples(outcome->results[0]); row++) {
        const char *queue = pg_get(outcome->results[0], row, 0);
        dispatch_queue(self, queue, strlen(queue))->needs_scan = true;
    }
    if (PQntuples(outcome->results[0]) > 0)
        log_info(what, "jobs=%d", PQntuples(outcome->results[0]));
}

static void
on_promoted(void *arg, const struct pg_outcome *outcome)
{
    mark_ready(arg, outcome, "jobs.promoted");
}

static void
on_reclaimed(void *arg, const struct pg_outcome *outcome)
{
    mark_ready(arg, outcome, "jobs.reclaimed");
}

static void
on_expired(void *arg, const struct pg_outcome *outcome)
{
    broker_t *self = arg;

    for (int row = 0; !outcome->err && row < PQntuples(outcome->results[0]); row++) {
        tm_uuid_t job = pg_get_uuid(outcome->results[0], row, 0);
        meters_add(self->metrics, METRIC_JOBS_ENDED, "dead", 1);
        audience_result(self, &job, "dead", pg_get(outcome->results[0], row, 1),
                        pg_get(outcome->results[0], row, 2), tm_str(NULL));
    }
}

static void
ask(broker_t *self, size_t statement, int64_t number, pg_fn *fn)
{
    pg_unit_t *unit = pg_unit_new(self->pg);

    pg_add(unit, statement);
    pg_i64(unit, number);
    pg_send(&unit, fn, self);
}

/* Declared gone by another broker: its leases are being taken over, so it must not go on. */
static void
on_beat(void *arg, const struct pg_outcome *outcome)
{
    broker_t *self = arg;

    self->beat_sent = false;
    if (outcome->err)
        return;
    if (PQntuples(outcome->results[0]) > 0) {
        self->others = (size_t)pg_get_i64(outcome->results[0], 0, 0);
        if (pg_get_bool(outcome->results[0], 0, 1))
            ask(self, STMT_RECLAIM, self->settings->broker_takeover_ms, on_reclaimed);
        return;
    }
    log_error("broker.superseded", "reason=\"another broker has taken over; starting again\"");
    self->fate = TM_LEASE_LOST;
    loop_stop(self->loop);
}

static void
on_depth(void *arg, const struct pg_outcome *outcome)
{
    broker_t *self = arg;

    if (outcome->err)
        return;
    for (queue_t *q = zhashx_first(self->queues); q; q = zhashx_next(self->queues))
        q->depth = 0;
    for (int row = 0; row < PQntuples(outcome->results[0]); row++) {
        const char *name = pg_get(outcome->results[0], row, 0);
        dispatch_queue(self, name, strlen(name))->depth =
            pg_get_i64(outcome->results[0], row, 1);
    }
    for (queue_t *q = zhashx_first(self->queues); q; q = zhashx_next(self->queues))
        meters_set(self->metrics, METRIC_QUEUE_DEPTH, q->name, q->depth);
}

static void
beat(broker_t *self)
{
    pg_unit_t *unit;

    if (self->beat_sent)
        return;
    unit = pg_unit_new(self->pg);
    pg_add(unit, STMT_BROKER_BEAT);
    pg_uuid(unit, &self->id);
    pg_i64(unit, self->settings->broker_takeover_ms);
    pg_null(unit);
    self->beat_sent = true;
    pg_send(&unit, on_beat, self);
}

static void
expire_attempts(broker_t *self)
{
    lease_t *l;

    for (size_t at = 0; (l = uuid_map_next(self->leases, &at));) {
        if (l->is_ending || l->deadline_ms > self->now_ms)
            continue;
        ending_t like = {.job = l->job,
                         .attempt = l->attempt,
                         .worker = l->worker,
                         .retryable = true,
                         .counts = true};
        l->is_ending = true;
        store_fail(self, &like, tm_str(tm_err_name(TM_JOB_TIMEOUT)),
                   tm_str(tm_err_text(TM_JOB_TIMEOUT)));
        dispatch_drop(self, l, TM_JOB_TIMEOUT);
        dispatch_release(self, &l->worker);
        meters_add(self->metrics, METRIC_LEASES_LOST, "timeout", 1);
    }
}

static void
on_tick(void *arg)
{
    broker_t *self = arg;

    self->now_ms = clock_ms();
    peers_expire(self, self->settings->broker_lease_ms, PEER_SILENT_MS);
    expire_attempts(self);
    if (self->is_started && pg_is_up(self->pg))
        ask(self, STMT_PROMOTE, self->settings->broker_batch, on_promoted);
    broker_turn(self);
}

static void
count_messages(broker_t *self)
{
    for (int type = 0; type < TM_MSG_LIMIT; type++) {
        const char *name = tm_msg_name((tm_msg_type_t)type);

        if (self->received[type])
            meters_add(self->metrics, METRIC_MESSAGES_IN, name, self->received[type]);
        if (self->sent[type])
            meters_add(self->metrics, METRIC_MESSAGES_OUT, name, self->sent[type]);
        self->received[type] = self->sent[type] = 0;
    }
    meters_set(self->metrics, METRIC_WORKERS, NULL, (int64_t)uuid_map_size(self->workers));
    meters_set(self->metrics, METRIC_JOBS_LEASED, NULL, (int64_t)uuid_map_size(self->leases));
    meters_set(self->metrics, METRIC_JOBS_PENDING, NULL, (int64_t)self->submits.count);
}

/* Jobs may also come from SQL or from other brokers: idle workers look once a second. */
static void
on_second(void *arg)
{
    broker_t *self = arg;

    self->now_ms = clock_ms();
    count_messages(self);
    if (!self->is_started) {
        if (pg_is_up(self->pg))
            upkeep_database_up(self);
        return;
    }
    if (!pg_is_up(self->pg))
        return;
    for (queue_t *q = zhashx_first(self->queues); q; q = zhashx_next(self->queues))
        q->needs_scan = q->needs_scan || dispatch_free_credit(q) > 0;
    beat(self);
    ask(self, STMT_EXPIRE, self->settings->broker_batch, on_expired);
    broker_turn(self);
}

static void
on_depth_timer(void *arg)
{
    broker_t *self = arg;
    pg_unit_t *unit;

    if (!self->is_started || !pg_is_up(self->pg))
        return;
    unit = pg_unit_new(self->pg);
    pg_add(unit, STMT_DEPTH);
    pg_add(unit, STMT_BROKER_FORGET);
    pg_send(&unit, on_depth, self);
}

static void
on_started(void *arg, const struct pg_outcome *outcome)
{
    broker_t *self = arg;

    if (outcome->err) {
        log_warn("broker.start", "err=%s", tm_err_name(outcome->err));
        return; /* on_second tries again */
    }
    self->is_started = true;
    log_info("broker.ready", "endpoint=%s", self->endpoint);
    if (self->ready_fd >= 0 && write(self->ready_fd, "ready\n", 6) != 6)
        log_warn("broker.ready_fd", "reason=\"nobody reads it\"");
    self->ready_fd = -1;
    on_depth_timer(self);
}

void
upkeep_database_up(broker_t *self)
{
    pg_unit_t *unit;

    if (self->is_started)
        return;
    unit = pg_unit_new(self->pg);
    pg_add(unit, STMT_BROKER_START);
    pg_uuid(unit, &self->id);
    pg_text(unit, self->endpoint);
    pg_send(&unit, on_started, self);
}

void
upkeep_start(broker_t *self)
{
    loop_timer(self->loop, TICK_MS, true, on_tick, self);
    loop_timer(self->loop, SECOND_MS, true, on_second, self);
    loop_timer(self->loop, DEPTH_MS, true, on_depth_timer, self);
}
