#include "actors/events/publisher.h"

#include <string.h>

#include "actors/events/event_jobs.h"
#include "actors/kit/bus/event_rows.h"
#include "actors/events/relay.h"
#include "actors/kit/util/clock.h"
#include "actors/kit/runtime/log.h"

enum {
    PUBLISH = 1000,
    PRUNE = 5000,
    TICK_MS = 1000,
    PRUNE_TICKS = 2,
    CREDIT = 64,
    RECENT_US = 20000, /* what "lately" is, roughly */
    FLOOD = 14,        /* so many events lately, some 700 a second, are a flood: */
    PAUSE_MS = 4,      /* it is numbered in batches, with a pause between them, so that its own
                        * commits have the disk; any other event has its number at once */
};

typedef struct {
    const service_t *service;
    relay_t *relay; /* NULL: the bus is not Redis */
    event_jobs_t *jobs;
    bool is_numbering, is_due, is_pausing, is_pruning;
    double recent; /* events lately */
    int64_t numbered_us, pause_until_ms;
    unsigned ticks;
} publisher_t;

static void number(publisher_t *self);
static void number_soon(publisher_t *self);

/* Events of the past count the less, the longer ago they were. */
static void
note(publisher_t *self, int64_t count)
{
    int64_t now_us = clock_us();

    self->recent /= 1 + (double)(now_us - self->numbered_us) / RECENT_US;
    self->recent += (double)count;
    self->numbered_us = now_us;
    self->pause_until_ms = self->recent > FLOOD ? clock_ms() + PAUSE_MS : 0;
}

static void
on_numbered(void *arg, const struct pg_outcome *outcome)
{
    publisher_t *self = arg;
    int64_t count = outcome->err ? 0 : pg_get_i64(outcome->results[0], 0, 0);
    bool is_due = self->is_due;

    self->is_numbering = self->is_due = false;
    note(self, count);
    if (count > 0)
        meters_add(self->service->meters, METRIC_EVENTS_PUBLISHED, NULL, (uint64_t)count);
    if (self->relay && count > 0)
        relay_look(self->relay);
    if (count == PUBLISH)
        number(self);
    else if (is_due && !outcome->err)
        number_soon(self);
}

static void
number(publisher_t *self)
{
    pg_unit_t *unit;

    self->is_due |= self->is_numbering;
    if (self->is_numbering)
        return;
    self->is_numbering = true;
    unit = pg_unit_new(self->service->pg);
    pg_add(unit, STMT_EVENTS_PUBLISH);
    pg_i64(unit, PUBLISH);
    pg_send(&unit, on_numbered, self);
}

static void
on_pause_end(void *arg)
{
    publisher_t *self = arg;

    self->is_pausing = false;
    number(self);
}

static void
number_soon(publisher_t *self)
{
    int64_t left_ms = self->pause_until_ms - clock_ms();

    if (self->is_numbering || left_ms <= 0) {
        number(self);
    } else if (!self->is_pausing) {
        self->is_pausing = true;
        loop_timer(self->service->loop, (uint32_t)left_ms, false, on_pause_end, self);
    }
}

static bool
is_in_memory(const publisher_t *self)
{
    return strcmp(self->service->settings->events_bus, "memory") == 0;
}

static void
on_notify(void *state, const char *payload)
{
    publisher_t *self = state;

    (void)payload;
    if (!is_in_memory(self))
        number_soon(self);
}

static void prune(publisher_t *self);

static void
on_pruned(void *arg, const struct pg_outcome *outcome)
{
    publisher_t *self = arg;

    self->is_pruning = false;
    if (!outcome->err && pg_affected(outcome->results[0]) == PRUNE)
        prune(self);
}

static void
prune(publisher_t *self)
{
    pg_unit_t *unit;

    if (self->is_pruning)
        return;
    self->is_pruning = true;
    unit = pg_unit_new(self->service->pg);
    pg_add(unit, STMT_EVENTS_PRUNE);
    pg_i64(unit, self->service->settings->events_keep);
    pg_i64(unit, PRUNE);
    pg_send(&unit, on_pruned, self);
}

static void
on_waiting(void *arg, const struct pg_outcome *outcome)
{
    publisher_t *self = arg;

    if (!outcome->err)
        meters_set(self->service->meters, METRIC_EVENTS_WAITING, NULL,
                   pg_get_i64(outcome->results[0], 0, 0));
}

static void
count_waiting(publisher_t *self)
{
    pg_unit_t *unit = pg_unit_new(self->service->pg);

    pg_add(unit, STMT_EVENTS_WAITING);
    pg_send(&unit, on_waiting, self);
}

/* What another publisher numbered, and what a lost notification was about. */
static void
on_tick(void *state)
{
    publisher_t *self = state;

    if (is_in_memory(self))
        return;
    number(self);
    if (self->relay)
        relay_look(self->relay);
    count_waiting(self);
    if (++self->ticks % PRUNE_TICKS == 0)
        prune(self);
}

static tm_err_t
start(void *state, service_t *service)
{
    publisher_t *self = state;

    self->jobs = event_jobs_new(service);
    if (strcmp(service->settings->events_bus, "redis") != 0)
        return TM_OK;
    self->relay = relay_new(service->loop, service->settings, service->pg);
    if (self->relay)
        return TM_OK;
    log_error("events.bad_redis_url", "what=\"events.redis_url is no Redis address\"");
    return TM_BAD_SETTING;
}

static void
take_job(void *state, tm_job_t **job_p)
{
    const publisher_t *self = state;

    event_jobs_take(self->jobs, job_p);
}

static void
stop(void *state)
{
    publisher_t *self = state;

    self->is_numbering = self->is_pruning = true;
}

static void
fini(void *state)
{
    publisher_t *self = state;

    event_jobs_destroy(&self->jobs);
    relay_destroy(&self->relay);
}

const struct service_type events_service = {
    .name = "events",
    .state_size = sizeof(publisher_t),
    .database = {.application = "tunemill-events",
                 .statements = event_statements,
                 .statement_count = STMT_COUNT,
                 .connections = 1,
                 .listen = "tunemill_outbox"},
    .worker = {.queues = "events", .credit = CREDIT, .exclusive = true},
    .on_thread = true,
    .job = take_job,
    .start = start,
    .notify = on_notify,
    .tick_ms = TICK_MS,
    .tick = on_tick,
    .stop = stop,
    .fini = fini,
};
