#include "broker/timers.h"

#include <string.h>

#include "actors/kit/util/auto.h"
#include "actors/kit/util/clock.h"
#include "broker/queue/exclusive_queues.h"

enum {
    TICK_MS = 100,
    AWAY_MS = 500,
    SECOND_MS = 1000,
    DEPTH_MS = 5000,
    PEER_SILENT_MS = 60000
};

static void
rescan_ready(timers_t *self, const struct pg_outcome *outcome, const char *event)
{
    if (outcome->err) {
        log_debug("timers.failed", "what=%s err=%s", event, tm_err_name(outcome->err));
        return;
    }
    queues_rescan(self->dispatch->queues, outcome->results[0]);
    if (PQntuples(outcome->results[0]) > 0)
        log_info(event, "jobs=%d", PQntuples(outcome->results[0]));
}

static void
on_promoted(void *arg, const struct pg_outcome *outcome)
{
    rescan_ready(arg, outcome, "jobs.promoted");
}

static void
on_reclaimed(void *arg, const struct pg_outcome *outcome)
{
    rescan_ready(arg, outcome, "jobs.reclaimed");
}

/* Rows of jobs that have ended in the table: job, code, detail, how. */
static void
on_ended(void *arg, const struct pg_outcome *outcome)
{
    timers_t *self = arg;

    for (int row = 0; !outcome->err && row < PQntuples(outcome->results[0]); row++) {
        const PGresult *result = outcome->results[0];
        tm_uuid_t job = pg_get_uuid(result, row, 0);
        const char *state = pg_get(result, row, 3);
        meters_add(self->context->metrics, METRIC_JOBS_ENDED, state, 1);
        subscriptions_result(self->controls->lookup->subscriptions, &job, state,
                             pg_get(result, row, 1), pg_get(result, row, 2), tm_str(NULL));
    }
}

static void
send_number(timers_t *self, size_t statement, int64_t number, pg_fn *fn)
{
    pg_unit_t *unit = pg_unit_new(self->context->pg);

    pg_add(unit, statement);
    pg_i64(unit, number);
    pg_send(&unit, fn, self);
}

/* Declared gone by another broker: its leases are being taken over, so it must not go on. */
static void
on_beat(void *arg, const struct pg_outcome *outcome)
{
    timers_t *self = arg;

    self->beat_sent = false;
    if (outcome->err) {
        free(self->workers_told); /* the database may not have heard: it is told again */
        self->workers_told = NULL;
        return;
    }
    if (PQntuples(outcome->results[0]) > 0) {
        if (pg_get_bool(outcome->results[0], 0, 1))
            send_number(self, STMT_RECLAIM, self->context->settings->broker_takeover_ms,
                        on_reclaimed);
        sole_broker_check(self->sole_broker, (size_t)pg_get_i64(outcome->results[0], 0, 0));
        return;
    }
    log_error("broker.superseded", "reason=\"another broker has taken over; starting again\"");
    self->exit_status = TM_LEASE_LOST;
    loop_stop(self->context->loop);
}

static void
on_depth(void *arg, const struct pg_outcome *outcome)
{
    timers_t *self = arg;
    queues_t *queues = self->dispatch->queues;
    int64_t took_ms = clock_ms() - self->depth_asked_ms;

    /* a long count is made less often: at most a fiftieth of the time goes to it */
    self->depth_due_ms = clock_ms() + (took_ms * 50 > DEPTH_MS ? took_ms * 50 : DEPTH_MS);
    if (outcome->err)
        return;
    for (queue_t *q = queues_first(queues); q; q = queues_next(queues))
        q->depth = 0;
    for (int row = 0; row < PQntuples(outcome->results[0]); row++) {
        const char *name = pg_get(outcome->results[0], row, 0);
        queues_get(queues, name, strlen(name))->depth = pg_get_i64(outcome->results[0], row, 1);
    }
    for (queue_t *q = queues_first(queues); q; q = queues_next(queues))
        meters_set(self->context->metrics, METRIC_QUEUE_DEPTH, q->name, q->depth);
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
workers_news(timers_t *self)
{
    tm_auto(json) list = json_array();
    worker_t *worker;
    char *text;

    for (size_t at = 0; (worker = uuid_map_next(self->dispatch->workers->by_id, &at));)
        json_array_append_new(list, describe_worker(worker));
    text = json_dumps(list, JSON_COMPACT);
    if (text && self->workers_told && strcmp(text, self->workers_told) == 0) {
        free(text);
        return NULL;
    }
    return text;
}

static void
send_beat(timers_t *self)
{
    pg_unit_t *unit;
    char *news;

    if (self->beat_sent)
        return;
    news = workers_news(self);
    unit = pg_unit_new(self->context->pg);
    pg_add(unit, STMT_BROKER_BEAT);
    pg_uuid(unit, &self->context->id);
    pg_i64(unit, self->context->settings->broker_takeover_ms);
    pg_text(unit, news);
    if (news) {
        free(self->workers_told);
        self->workers_told = news;
    }
    self->beat_sent = true;
    pg_send(&unit, on_beat, self);
}

static void
check_lease(timers_t *self, lease_t *lease)
{
    int64_t now_ms = self->context->now_ms;

    if (lease->state == LEASE_ENDING)
        return;
    if (lease->deadline_ms <= now_ms)
        dispatch_take_back(self->dispatch, lease, TM_JOB_TIMEOUT, tm_err_text(TM_JOB_TIMEOUT),
                           true, "timeout");
    else if ((lease->state == LEASE_CANCELING || lease->state == LEASE_STOPPED) &&
             lease->due_ms <= now_ms)
        dispatch_take_back(self->dispatch, lease, TM_CANCELED, tm_err_text(TM_CANCELED), false,
                           "canceled");
    else if (lease->state == LEASE_UNCONFIRMED && lease->due_ms <= now_ms)
        dispatch_take_back(self->dispatch, lease, TM_WORKER_LOST,
                           "the worker never got the job", false, "undelivered");
}

/* This process did not run for long: it was stopped, or the machine is busy. What was said
 * meanwhile waits to be read, so that nobody is called silent for that time. */
static bool
was_away(timers_t *self)
{
    int64_t away_ms = self->context->now_ms - self->ticked_ms - TICK_MS;

    self->ticked_ms = self->context->now_ms;
    if (away_ms < AWAY_MS)
        return false;
    log_info("broker.away", "ms=%lld", (long long)away_ms);
    peers_forgive(self->peers, away_ms);
    return true;
}

static void
check_leases(timers_t *self)
{
    lease_t *lease;

    for (size_t at = 0; (lease = uuid_map_next(self->dispatch->leases, &at));)
        check_lease(self, lease);
}

static void
on_tick(void *arg)
{
    timers_t *self = arg;

    self->context->now_ms = clock_ms();
    if (!was_away(self))
        check_leases(self);
    peers_expire(self->peers, self->context->settings->broker_lease_ms, PEER_SILENT_MS);
    exclusive_queues_check(self->context, self->dispatch->workers);
    calls_expire(self->calls);
    if (context_has_database(self->context))
        send_number(self, STMT_PROMOTE, self->context->settings->broker_batch, on_promoted);
    self->on_turn(self->turn_arg);
}

static void
count_what_is_there(timers_t *self)
{
    meters_t *metrics = self->context->metrics;

    peers_count_messages(self->peers);
    meters_set(metrics, METRIC_WORKERS, NULL,
               (int64_t)uuid_map_size(self->dispatch->workers->by_id));
    meters_set(metrics, METRIC_JOBS_LEASED, NULL,
               (int64_t)uuid_map_size(self->dispatch->leases));
    meters_set(metrics, METRIC_JOBS_PENDING, NULL, (int64_t)self->store->submits.waiting.count);
}

/* Jobs also come from SQL and from other brokers: for idle workers the table is scanned once a
 * second. */
static void
on_second(void *arg)
{
    timers_t *self = arg;
    queues_t *queues = self->dispatch->queues;

    self->context->now_ms = clock_ms();
    count_what_is_there(self);
    if (!self->context->is_started) {
        if (pg_is_up(self->context->pg))
            timers_database_up(self);
        return;
    }
    if (!pg_is_up(self->context->pg))
        return;
    queues_forget(queues);
    lookup_check_subscriptions(self->controls->lookup);
    for (queue_t *q = queues_first(queues); q; q = queues_next(queues))
        q->needs_scan = q->needs_scan || workers_free_credit(q) > 0;
    controls_load(self->controls);
    controls_look_for_cancels(self->controls);
    send_number(self, STMT_CANCEL_REST, 0, on_ended);
    send_number(self, STMT_EXPIRE, self->context->settings->broker_batch, on_ended);
    self->on_turn(self->turn_arg);
}

static void
on_beat_timer(void *arg)
{
    timers_t *self = arg;

    if (context_has_database(self->context))
        send_beat(self);
}

static void
on_depth_timer(void *arg)
{
    timers_t *self = arg;
    pg_unit_t *unit;

    if (!context_has_database(self->context) || clock_ms() < self->depth_due_ms)
        return;
    self->depth_asked_ms = clock_ms();
    self->depth_due_ms = INT64_MAX; /* until it is answered */
    unit = pg_unit_new(self->context->pg);
    pg_add(unit, STMT_DEPTH);
    pg_add(unit, STMT_BROKER_FORGET);
    pg_send(&unit, on_depth, self);
}

static void
on_started(void *arg, const struct pg_outcome *outcome)
{
    timers_t *self = arg;

    if (outcome->err) {
        log_warn("broker.start", "err=%s", tm_err_name(outcome->err));
        return; /* on_second tries again */
    }
    controls_take(self->controls, outcome->results[1]);
    self->context->is_started = true;
    log_info("broker.ready", "endpoint=%s", self->context->settings->broker_listen);
    self->on_ready(self->ready_arg);
    on_depth_timer(self);
}

void
timers_database_up(timers_t *self)
{
    pg_unit_t *unit;

    if (self->context->is_started)
        return;
    unit = pg_unit_new(self->context->pg);
    pg_add(unit, STMT_BROKER_START);
    pg_uuid(unit, &self->context->id);
    pg_text(unit, self->context->settings->broker_listen);
    pg_add(unit, STMT_QUEUES); /* before its limits are known no job may start */
    pg_send(&unit, on_started, self);
}

void
timers_start(timers_t *self)
{
    int64_t beat_ms = self->context->settings->broker_takeover_ms / 4;

    self->ticked_ms = clock_ms();
    loop_timer(self->context->loop, (uint32_t)(beat_ms < SECOND_MS ? beat_ms : SECOND_MS), true,
               on_beat_timer, self);
    loop_timer(self->context->loop, TICK_MS, true, on_tick, self);
    loop_timer(self->context->loop, SECOND_MS, true, on_second, self);
    loop_timer(self->context->loop, SECOND_MS, true, on_depth_timer, self);
}

void
timers_fini(timers_t *self)
{
    free(self->workers_told);
}
