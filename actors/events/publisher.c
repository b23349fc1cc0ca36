#include "actors/events/publisher.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "actors/events/event_jobs.h"
#include "actors/kit/bus/event_rows.h"
#include "actors/events/relay.h"
#include "actors/kit/util/clock.h"
#include "actors/kit/runtime/federation.h"
#include "actors/kit/runtime/log.h"
#include "actors/kit/sentry/sentry.h"

enum {
    PUBLISH = 1000,
    PRUNE = 5000,
    TICK_MS = 1000,
    PRUNE_TICKS = 2,
    RECENT_US = 20000, /* what "lately" is, roughly */
    FLOOD = 14,        /* so many events lately, some 700 a second, are a flood: */
    PAUSE_MS = 4,      /* it is numbered in batches, with a pause between them, so that its own
                        * commits have the disk; any other event has its number at once */
};

typedef struct {
    const settings_t *settings;
    loop_t *loop;
    meters_t *metrics;
    federation_t *fleet;
    pg_t *pg;
    relay_t *relay; /* NULL: the bus is not Redis */
    event_jobs_t *jobs;
    int ready_fd; /* -1: said */
    bool is_numbering, is_due, is_pausing, is_pruning;
    double recent; /* events lately */
    int64_t numbered_us, pause_until_ms;
    unsigned ticks;
} publisher_t;

/* --- numbering ---------------------------------------------------------------------------- */

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
        meters_add(self->metrics, METRIC_EVENTS_PUBLISHED, NULL, (uint64_t)count);
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
    unit = pg_unit_new(self->pg);
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
        loop_timer(self->loop, (uint32_t)left_ms, false, on_pause_end, self);
    }
}

static bool
is_in_memory(const publisher_t *self)
{
    return strcmp(self->settings->events_bus, "memory") == 0;
}

static void
say_ready(publisher_t *self)
{
    if (self->ready_fd >= 0 && dprintf(self->ready_fd, "ready\n") < 0)
        log_warn("events.ready_unheard", "errno=%d", errno);
    self->ready_fd = -1;
}

static void
on_notify(void *arg, const char *payload)
{
    publisher_t *self = arg;

    (void)payload;
    say_ready(self);
    if (!is_in_memory(self))
        number_soon(self);
}

/* --- pruning ------------------------------------------------------------------------------ */

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
    unit = pg_unit_new(self->pg);
    pg_add(unit, STMT_EVENTS_PRUNE);
    pg_i64(unit, self->settings->events_keep);
    pg_i64(unit, PRUNE);
    pg_send(&unit, on_pruned, self);
}

static void
on_waiting(void *arg, const struct pg_outcome *outcome)
{
    publisher_t *self = arg;

    if (!outcome->err)
        meters_set(self->metrics, METRIC_EVENTS_WAITING, NULL,
                   pg_get_i64(outcome->results[0], 0, 0));
}

static void
count_waiting(publisher_t *self)
{
    pg_unit_t *unit = pg_unit_new(self->pg);

    pg_add(unit, STMT_EVENTS_WAITING);
    pg_send(&unit, on_waiting, self);
}

/* What another publisher numbered, and what a lost notification was about. */
static void
on_tick(void *arg)
{
    publisher_t *self = arg;

    if (!pg_is_up(self->pg) || is_in_memory(self))
        return;
    number(self);
    if (self->relay)
        relay_look(self->relay);
    count_waiting(self);
    if (++self->ticks % PRUNE_TICKS == 0)
        prune(self);
}

/* --- the process -------------------------------------------------------------------------- */

static void
on_drain(void *arg)
{
    publisher_t *self = arg;

    log_info("events.draining", "bus=%s", self->settings->events_bus);
    loop_stop(self->loop);
}

static bool
open_all(publisher_t *self)
{
    self->loop = loop_new();
    loop_signals(self->loop, on_drain, self);
    self->metrics = meters_new("events");
    sentry_count(self->metrics);
    self->fleet = federation_new(self->loop, self->settings, self->metrics, false);
    self->pg = event_pool(self->loop, self->settings, self->metrics, "tunemill_outbox",
                          on_notify, self);
    if (!self->pg || !self->fleet)
        return false;
    if (strcmp(self->settings->events_bus, "redis") == 0) {
        self->relay = relay_new(self->loop, self->settings, self->pg);
        if (!self->relay)
            log_error("events.bad_redis_url", "what=\"events.redis_url is no Redis address\"");
        if (!self->relay)
            return false;
    }
    loop_timer(self->loop, TICK_MS, true, on_tick, self);
    self->jobs = event_jobs_new(self->settings, self->metrics);
    return self->jobs != NULL;
}

static void
close_all(publisher_t *self)
{
    self->is_numbering = self->is_pruning = true; /* what ends now does not begin again */
    event_jobs_destroy(&self->jobs);
    pg_destroy(&self->pg);
    relay_destroy(&self->relay);
    federation_destroy(&self->fleet);
    loop_destroy(&self->loop);
    sentry_count(NULL);
    meters_destroy(&self->metrics);
}

tm_err_t
events_run(const settings_t *settings, int ready_fd)
{
    publisher_t self = {.settings = settings, .ready_fd = ready_fd};
    tm_err_t err = open_all(&self) ? TM_OK : TM_BAD_SETTING;

    if (!err) {
        log_info("events.ready", "bus=%s", settings->events_bus);
        loop_run(self.loop);
        log_info("events.stopped", "published=%llu",
                 (unsigned long long)meters_get(self.metrics, METRIC_EVENTS_PUBLISHED, NULL));
    }
    close_all(&self);
    return err;
}
