#include "actors/http/waits.h"

#include "actors/kit/clock.h"

enum { TICK_MS = 50, ASK_MS = 250 };

struct waits {
    bridge_t *bridge;
    struct wait *first;
    int timer;
    bool is_ticking, is_asking;
    int64_t asked_ms;
};

static void on_tick(void *arg);

waits_t *
waits_new(bridge_t *bridge)
{
    waits_t *self = zmalloc(sizeof(*self));

    self->bridge = bridge;
    return self;
}

void
waits_destroy(waits_t **self_p)
{
    waits_t *self = *self_p;

    if (!self)
        return;
    if (self->is_ticking)
        loop_timer_end(self->bridge->loop, self->timer);
    free(self);
    *self_p = NULL;
}

void
waits_add(waits_t *self, struct wait *wait)
{
    wait->is_waiting = true;
    wait->next = self->first;
    self->first = wait;
    if (!self->is_ticking)
        self->timer = loop_timer(self->bridge->loop, TICK_MS, true, on_tick, self);
    self->is_ticking = true;
}

static bool
is_waited_for(const waits_t *self, const tm_uuid_t *job)
{
    for (const struct wait *wait = self->first; wait; wait = wait->next)
        if (tm_uuid_is(&wait->job, job))
            return true;
    return false;
}

void
waits_remove(waits_t *self, struct wait *wait)
{
    struct wait **at = &self->first;

    if (!wait->is_waiting)
        return;
    while (*at != wait)
        at = &(*at)->next;
    *at = wait->next;
    wait->is_waiting = false;
    if (self->bridge->client && !is_waited_for(self, &wait->job))
        tm_client_unsubscribe(self->bridge->client, &wait->job);
}

/* A callback may add and remove others: after each the list is looked at from its start. */
static struct wait *
find_due(const waits_t *self, int64_t now_ms, const tm_uuid_t *job)
{
    for (struct wait *wait = self->first; wait; wait = wait->next)
        if (wait->deadline_ms <= now_ms || (job && tm_uuid_is(&wait->job, job)))
            return wait;
    return NULL;
}

static void
end(waits_t *self, struct wait *wait)
{
    waits_remove(self, wait);
    wait->fn(wait->arg);
}

/* Only those that wait now: one that is added again by its callback waits for the next call. */
void
waits_hint(waits_t *self, const tm_uuid_t *job)
{
    struct wait *ended = NULL, *wait;

    while ((wait = find_due(self, INT64_MIN, job))) {
        waits_remove(self, wait);
        wait->next = ended;
        ended = wait;
    }
    while ((wait = ended)) {
        ended = wait->next;
        wait->fn(wait->arg);
    }
}

void
waits_end_all(waits_t *self)
{
    while (self->first) {
        self->first->deadline_ms = 0;
        end(self, self->first);
    }
}

static void
on_over(void *arg, const struct pg_outcome *outcome)
{
    waits_t *self = arg;

    self->is_asking = false;
    if (outcome->err)
        return; /* asked again soon; deadlines hold meanwhile */
    for (int row = 0; row < PQntuples(outcome->results[0]); row++) {
        tm_uuid_t job = pg_get_uuid(outcome->results[0], row, 0);
        waits_hint(self, &job);
    }
}

static void
ask(waits_t *self)
{
    pg_array_t *jobs = pg_array_new(PG_UUID);
    pg_unit_t *unit = pg_unit_new(self->bridge->pg);

    for (const struct wait *wait = self->first; wait; wait = wait->next)
        pg_array_bytes(jobs, wait->job.bytes, sizeof(wait->job.bytes));
    pg_add(unit, STMT_TUNES_OVER);
    pg_array(unit, &jobs);
    self->is_asking = true;
    self->asked_ms = clock_ms();
    pg_send(&unit, on_over, self);
}

static void
on_tick(void *arg)
{
    waits_t *self = arg;
    int64_t now_ms = clock_ms();
    struct wait *wait;

    while ((wait = find_due(self, now_ms, NULL)))
        end(self, wait);
    if (!self->first) {
        loop_timer_end(self->bridge->loop, self->timer);
        self->is_ticking = false;
    } else if (!self->is_asking && now_ms - self->asked_ms >= ASK_MS) {
        ask(self);
    }
}
