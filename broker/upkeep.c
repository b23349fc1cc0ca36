#include "broker/core.h"

#include <string.h>

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

static void
on_rest_canceled(void *arg, const struct pg_outcome *outcome)
{
    broker_t *self = arg;

    for (int row = 0; !outcome->err && row < PQntuples(outcome->results[0]); row++) {
        tm_uuid_t job = pg_get_uuid(outcome->results[0], row, 0);
        meters_add(self->metrics, METRIC_JOBS_ENDED, "canceled", 1);
        audience_result(self, &job, "canceled", tm_err_name(TM_CANCELED),
                        tm_err_text(TM_CANCELED), tm_str(NULL));
    }
}

/* Declared gone by another broker: its leases are being taken over, so it must not go on. */
static void
on_beat(void *arg, const struct pg_outcome *outcome)
{
    broker_t *self = arg;

    self->beat_sent = false;
    if (outcome->err) {
        free(self->workers_told); /* perhaps it has not heard: told again */
        self->workers_told = NULL;
        return;
    }
    if (PQntuples(outcome->results[0]) > 0) {
        self->others = (size_t)pg_get_i64(outcome->results[0], 0, 0);
        if (pg_get_bool(outcome->results[0], 0, 1))
            ask(self, STMT_RECLAIM, self->settings->broker_takeover_ms, on_reclaimed);
        shares_look_if_alone(self);
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

    int64_t took_ms = clock_ms() - self->depth_asked_ms;

    /* a long count is made less often: at most a fiftieth of the time goes to it */
    self->depth_due_ms = clock_ms() + (took_ms * 50 > DEPTH_MS ? took_ms * 50 : DEPTH_MS);
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

static json_t *
describe_worker(worker_t *worker)
{
    json_t *queues = json_array();
    char id[TM_UUID_TEXT];

    for (queue_t *q = zlistx_first(worker->queues); q; q = zlistx_next(worker->queues))
        json_array_append_new(queues, json_string(q->name));
    return json_pack("{s:s, s:s, s:o, s:I, s:I, s:s, s:b}", "worker",
                     tm_uuid_text(&worker->id, id), "actor", worker->actor, "queues", queues,
                     "credit", (json_int_t)worker->credit, "used", (json_int_t)worker->used,
                     "software", worker->software, "leaving", worker->is_leaving);
}

/* What `tunemill workers` shows. NULL: as the database last heard. The caller frees it. */
static char *
workers_news(broker_t *self)
{
    tm_auto(json) list = json_array();
    worker_t *worker;
    char *text;

    for (size_t at = 0; (worker = uuid_map_next(self->workers, &at));)
        json_array_append_new(list, describe_worker(worker));
    text = json_dumps(list, JSON_COMPACT);
    if (text && self->workers_told && strcmp(text, self->workers_told) == 0) {
        free(text);
        return NULL;
    }
    return text;
}

static void
beat(broker_t *self)
{
    pg_unit_t *unit;
    char *news;

    if (self->beat_sent)
        return;
    news = workers_news(self);
    unit = pg_unit_new(self->pg);
    pg_add(unit, STMT_BROKER_BEAT);
    pg_uuid(unit, &self->id);
    pg_i64(unit, self->settings->broker_takeover_ms);
    pg_text(unit, news);
    if (news) {
        free(self->workers_told);
        self->workers_told = news;
    }
    self->beat_sent = true;
    pg_send(&unit, on_beat, self);
}

/* Takes a lease back. The worker is told; what it still says of the job counts no more. */
static void
take_back(broker_t *self, lease_t *lease, tm_err_t code, const char *detail, bool counts,
          const char *cause)
{
    ending_t like = {.job = lease->job,
                     .attempt = lease->attempt,
                     .worker = lease->worker,
                     .retryable = true,
                     .counts = counts};

    lease->is_ending = true;
    store_fail(self, &like, tm_str(tm_err_name(code)), tm_str(detail));
    dispatch_drop(self, lease, code);
    dispatch_release(self, &lease->worker);
    meters_add(self->metrics, METRIC_LEASES_LOST, cause, 1);
}

static void
check_lease(broker_t *self, lease_t *lease)
{
    if (lease->is_ending)
        return;
    if (lease->deadline_ms <= self->now_ms)
        take_back(self, lease, TM_JOB_TIMEOUT, tm_err_text(TM_JOB_TIMEOUT), true, "timeout");
    else if (lease->cancel_ms && lease->cancel_ms <= self->now_ms)
        take_back(self, lease, TM_CANCELED, tm_err_text(TM_CANCELED), false, "canceled");
    else if (lease->confirm_ms && lease->confirm_ms <= self->now_ms)
        take_back(self, lease, TM_WORKER_LOST, "the worker never got the job", false,
                  "undelivered");
}

static void
check_leases(broker_t *self)
{
    lease_t *lease;

    for (size_t at = 0; (lease = uuid_map_next(self->leases, &at));)
        check_lease(self, lease);
}

static void
on_tick(void *arg)
{
    broker_t *self = arg;

    self->now_ms = clock_ms();
    peers_expire(self, self->settings->broker_lease_ms, PEER_SILENT_MS);
    check_leases(self);
    owners_check(self);
    calls_expire(self);
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
    dispatch_forget_queues(self);
    audience_check(self);
    for (queue_t *q = zhashx_first(self->queues); q; q = zhashx_next(self->queues))
        q->needs_scan = q->needs_scan || dispatch_free_credit(q) > 0;
    controls_load(self);
    controls_look_for_cancels(self);
    ask(self, STMT_CANCEL_REST, 0, on_rest_canceled);
    ask(self, STMT_EXPIRE, self->settings->broker_batch, on_expired);
    broker_turn(self);
}

static void
on_beat_timer(void *arg)
{
    broker_t *self = arg;

    if (self->is_started && pg_is_up(self->pg))
        beat(self);
}

static void
on_depth_timer(void *arg)
{
    broker_t *self = arg;
    pg_unit_t *unit;

    if (!self->is_started || !pg_is_up(self->pg) || clock_ms() < self->depth_due_ms)
        return;
    self->depth_asked_ms = clock_ms();
    self->depth_due_ms = INT64_MAX; /* until it is answered */
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
    self->on_ready(self->ready_arg);
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
    int64_t beat_ms = self->settings->broker_takeover_ms / 4;

    loop_timer(self->loop, (uint32_t)(beat_ms < SECOND_MS ? beat_ms : SECOND_MS), true,
               on_beat_timer, self);
    loop_timer(self->loop, TICK_MS, true, on_tick, self);
    loop_timer(self->loop, SECOND_MS, true, on_second, self);
    loop_timer(self->loop, SECOND_MS, true, on_depth_timer, self);
}
