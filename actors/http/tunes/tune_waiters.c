#include "actors/http/tunes/tune_waiters.h"

#include "actors/kit/util/clock.h"

enum { TICK_MS = 50, ASK_MS = 250 };

struct tune_waiters {
    bridge_t *bridge;
    size_t statement;
    struct tune_waiter *first;
    int timer;
    bool is_ticking, is_asking;
    int64_t asked_ms;
};

static void on_tick(void *arg);

tune_waiters_t *
tune_waiters_new(bridge_t *bridge, size_t statement)
{
    tune_waiters_t *self = zmalloc(sizeof(*self));

    self->bridge = bridge;
    self->statement = statement;
    return self;
}

void
tune_waiters_destroy(tune_waiters_t **self_p)
{
    tune_waiters_t *self = *self_p;

    if (!self)
        return;
    if (self->is_ticking)
        loop_timer_end(self->bridge->loop, self->timer);
    free(self);
    *self_p = NULL;
}

void
tune_waiters_add(tune_waiters_t *self, struct tune_waiter *wait, request_t *request)
{
    wait->request = request_ref(request);
    wait->is_waiting = true;
    wait->next = self->first;
    self->first = wait;
    if (!self->is_ticking)
        self->timer = loop_timer(self->bridge->loop, TICK_MS, true, on_tick, self);
    self->is_ticking = true;
}

static bool
is_waited_for(const tune_waiters_t *self, const tm_uuid_t *job)
{
    for (const struct tune_waiter *wait = self->first; wait; wait = wait->next)
        if (tm_uuid_is(&wait->job, job))
            return true;
    return false;
}

void
tune_waiters_remove(tune_waiters_t *self, struct tune_waiter *wait)
{
    struct tune_waiter **at = &self->first;

    if (!wait->is_waiting)
        return;
    while (*at != wait)
        at = &(*at)->next;
    *at = wait->next;
    wait->is_waiting = false;
    if (self->bridge->client && !is_waited_for(self, &wait->job))
        tm_client_unsubscribe(self->bridge->client, &wait->job);
}

/* The callback may add the same waiter again. */
static void
call_back(struct tune_waiter *wait)
{
    request_t *request = wait->request;

    wait->fn(request);
    request_unref(&request);
}

/* A callback may add and remove others: after each the list is looked at from its start. */
static struct tune_waiter *
find_due(const tune_waiters_t *self, int64_t now_ms, const tm_uuid_t *job)
{
    for (struct tune_waiter *wait = self->first; wait; wait = wait->next)
        if (wait->deadline_ms <= now_ms || (job && tm_uuid_is(&wait->job, job)))
            return wait;
    return NULL;
}

static void
end_wait(tune_waiters_t *self, struct tune_waiter *wait)
{
    tune_waiters_remove(self, wait);
    call_back(wait);
}

/* Only those that wait now: one that is added again by its callback waits for the next call. */
void
tune_waiters_hint(tune_waiters_t *self, const tm_uuid_t *job)
{
    struct tune_waiter *ended = NULL, *wait;

    while ((wait = find_due(self, INT64_MIN, job))) {
        tune_waiters_remove(self, wait);
        wait->next = ended;
        ended = wait;
    }
    while ((wait = ended)) {
        ended = wait->next;
        call_back(wait);
    }
}

void
tune_waiters_end(tune_waiters_t *self, struct tune_waiter *wait)
{
    wait->deadline_ms = 0;
    if (wait->is_waiting)
        end_wait(self, wait);
}

static void
on_over(void *arg, const struct pg_outcome *outcome)
{
    tune_waiters_t *self = arg;

    self->is_asking = false;
    if (outcome->err)
        return; /* the next tick asks again; deadlines hold meanwhile */
    for (int row = 0; row < PQntuples(outcome->results[0]); row++) {
        tm_uuid_t job = pg_get_uuid(outcome->results[0], row, 0);
        tune_waiters_hint(self, &job);
    }
}

static void
ask_database(tune_waiters_t *self)
{
    pg_array_t *jobs = pg_array_new(PG_UUID);
    pg_unit_t *unit = pg_unit_new(self->bridge->pg);

    for (const struct tune_waiter *wait = self->first; wait; wait = wait->next)
        pg_array_bytes(jobs, wait->job.bytes, sizeof(wait->job.bytes));
    pg_add(unit, self->statement);
    pg_array(unit, &jobs);
    self->is_asking = true;
    self->asked_ms = clock_ms();
    pg_send(&unit, on_over, self);
}

static void
on_tick(void *arg)
{
    tune_waiters_t *self = arg;
    int64_t now_ms = clock_ms();
    struct tune_waiter *wait;

    while ((wait = find_due(self, now_ms, NULL)))
        end_wait(self, wait);
    if (!self->first) {
        loop_timer_end(self->bridge->loop, self->timer);
        self->is_ticking = false;
    } else if (!self->is_asking && now_ms - self->asked_ms >= ASK_MS) {
        ask_database(self);
    }
}
