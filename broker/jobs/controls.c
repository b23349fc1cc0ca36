#include "broker/jobs/controls.h"

#include <string.h>

#include "actors/kit/util/clock.h"

enum { CANCEL_MS = 1000, STORE_MS = 60000, TELL_MS = 50 };

static void
rescan_queues(controls_t *self, const char *name)
{
    const queues_t *queues = self->dispatch->queues;

    for (queue_t *q = queues_first(queues); q; q = queues_next(queues))
        if (strcmp(name, "*") == 0 || strcmp(name, q->name) == 0)
            q->needs_scan = true;
}

/* The worker is asked first; what has not ended a second later loses its lease. */
static void
stop_lease(controls_t *self, lease_t *lease)
{
    worker_t *worker = workers_find(self->dispatch->workers, &lease->worker);
    tm_msg_t msg = {
        .type = TM_MSG_CANCEL,
        .cancel = {.job = lease->job, .attempt = lease->attempt, .has_attempt = true}};

    if (lease->state > LEASE_UNCONFIRMED)
        return;
    lease_set_state(lease, LEASE_CANCELING);
    lease->due_ms = self->context->now_ms + CANCEL_MS;
    if (worker)
        peers_send(self->peers, worker->peer, &msg);
}

void
controls_stopped(const controls_t *self, lease_t *lease)
{
    if (lease->state != LEASE_CANCELING)
        return;
    lease_set_state(lease, LEASE_STOPPED);
    lease->due_ms = self->context->now_ms + STORE_MS;
}

static void
on_word_of_job(controls_t *self, const char *word, const char *text)
{
    tm_uuid_t job;
    lease_t *lease;

    if (tm_uuid_parse(text, strlen(text), &job) != TM_OK)
        return;
    lease = leases_find(self->dispatch->leases, &job);
    if (strcmp(word, "cancel") == 0 && lease)
        stop_lease(self, lease);
    else if (strcmp(word, "over") == 0)
        lookup_for_subscribers(self->lookup, &job);
}

void
controls_notify(controls_t *self, const char *payload)
{
    const char *colon = strchr(payload, ':');
    char word[16] = "";

    self->context->now_ms = clock_ms();
    if (payload[0] == '\0') { /* listening begins: anything may have been said before */
        rescan_queues(self, "*");
        controls_load(self);
        return;
    }
    if (strcmp(payload, "queues") == 0)
        controls_load(self);
    else if (colon && (size_t)(colon - payload) < sizeof(word)) {
        memcpy(word, payload, (size_t)(colon - payload));
        if (strcmp(word, "ready") == 0)
            rescan_queues(self, colon + 1);
        else
            on_word_of_job(self, word, colon + 1);
    }
}

/* --- a queue's rules ---------------------------------------------------------------------- */

static void
forget_rules(controls_t *self)
{
    const queues_t *queues = self->dispatch->queues;

    for (queue_t *q = queues_first(queues); q; q = queues_next(queues)) {
        q->needs_scan |= q->is_paused; /* of use only if it is paused no more */
        q->is_paused = false;
        q->max_depth = self->context->settings->broker_max_depth;
        q->fair.limit = 0;
    }
}

void
controls_take(controls_t *self, const PGresult *rules)
{
    queues_t *queues = self->dispatch->queues;

    forget_rules(self);
    for (int row = 0; row < PQntuples(rules); row++) {
        const char *name = pg_get(rules, row, 0);
        queue_t *queue = queues_get(queues, name, strlen(name));

        queue->is_paused = pg_get_bool(rules, row, 1);
        if (pg_get(rules, row, 2))
            queue->max_depth = pg_get_i64(rules, row, 2);
        queue->fair.limit = pg_get_i64(rules, row, 3);
    }
    for (queue_t *q = queues_first(queues); q; q = queues_next(queues))
        fair_queue_settle(&q->fair);
}

static void
on_rules(void *arg, const struct pg_outcome *outcome)
{
    if (!outcome->err) /* else asked again within a second */
        controls_take(arg, outcome->results[0]);
}

void
controls_load(controls_t *self)
{
    pg_unit_t *unit = pg_unit_new(self->context->pg);

    pg_add(unit, STMT_QUEUES);
    pg_send(&unit, on_rules, self);
}

/* --- cancelling --------------------------------------------------------------------------- */

typedef struct {
    controls_t *owner;
    peer_id_t peer;
    uint64_t ref;
    tm_uuid_t job;
} cancel_t;

/* A job that still runs is told by the notification, here or at the broker that leased it. */
static void
on_canceled(void *arg, const struct pg_outcome *outcome)
{
    cancel_t *cancel = arg;
    controls_t *self = cancel->owner;
    tm_msg_t msg = {.type = TM_MSG_STATE, .state = {.ref = cancel->ref, .job = cancel->job}};

    if (outcome->err) {
        peers_reject(self->peers, cancel->peer, cancel->ref, outcome->err, NULL, 500);
    } else {
        const char *state = pg_get(outcome->results[0], 0, 0);
        msg.state.state = tm_str(strcmp(state, "canceling") == 0 ? "running" : state);
        peers_send(self->peers, cancel->peer, &msg);
        if (strcmp(state, "canceled") == 0)
            subscriptions_result(self->lookup->subscriptions, &cancel->job, "canceled",
                                 tm_err_name(TM_CANCELED), tm_err_text(TM_CANCELED),
                                 tm_str(NULL));
    }
    free(cancel);
}

tm_err_t
controls_cancel(const delivery_t *in)
{
    controls_t *self = in->self;
    const peer_t *from = in->peer;
    const struct tm_cancel *request = &in->msg->cancel;
    cancel_t *cancel = zmalloc(sizeof(*cancel));
    pg_unit_t *unit = pg_unit_new(self->context->pg);

    *cancel = (cancel_t){self, from->id, request->ref, request->job};
    pg_add(unit, STMT_CANCEL);
    pg_uuid(unit, &request->job);
    pg_send(&unit, on_canceled, cancel);
    return TM_OK;
}

/* A lease taken over from another broker, or a word said while nobody listened. */
static void
on_missed(void *arg, const struct pg_outcome *outcome)
{
    controls_t *self = arg;

    self->context->now_ms = clock_ms();
    for (int row = 0; !outcome->err && row < PQntuples(outcome->results[0]); row++) {
        tm_uuid_t job = pg_get_uuid(outcome->results[0], row, 0);
        lease_t *lease = leases_find(self->dispatch->leases, &job);
        if (lease)
            stop_lease(self, lease);
    }
}

void
controls_look_for_cancels(controls_t *self)
{
    pg_unit_t *unit = pg_unit_new(self->context->pg);

    pg_add(unit, STMT_CANCEL_MISSED);
    pg_uuid(unit, &self->context->id);
    pg_send(&unit, on_missed, self);
}

/* --- telling the other brokers ------------------------------------------------------------ */

static void
on_told(void *arg, const struct pg_outcome *outcome)
{
    (void)arg;
    if (outcome->err)
        log_debug("others.tell", "err=%s", tm_err_name(outcome->err));
}

/* Jobs that became ready here, while no worker of this broker is free, may have one elsewhere.
 * Once in a while is enough: who hears it looks for all of them. */
void
controls_tell_ready(controls_t *self, queue_t *queue)
{
    char text[TM_NAME_MAX + 8];
    pg_unit_t *unit;

    if (self->dispatch->sole_broker->others == 0 ||
        self->context->now_ms < queue->told_ms + TELL_MS || workers_free_credit(queue) > 0)
        return;
    queue->told_ms = self->context->now_ms;
    snprintf(text, sizeof(text), "ready:%s", queue->name);
    unit = pg_unit_new(self->context->pg);
    pg_add(unit, STMT_TELL);
    pg_text(unit, text);
    pg_send(&unit, on_told, NULL);
}
