/* A unit that finds no connection open has one tried at once, whatever the back-off, and goes
 * with it or ends with it: when the database is back it is a request that notices, and is
 * served. */
#include "actors/kit/pg/pg_inner.h"

#include "actors/kit/util/clock.h"

#define NO_TIMER (-1)
#define WAIT_MS  1000U /* a unit's longest wait for a connection */

struct pg {
    loop_t *loop;
    struct pg_options options;
    char *url, *application, *listen; /* options point to these */
    pg_conn_t **conns;
    size_t conn_count, ready;
    fifo_t waiting; /* units that found no connection, for one that is tried now */
    int patience;   /* the timer that ends their waiting; NO_TIMER if not set */
    fifo_t refused; /* units that end at the next turn */
    int timer;      /* ends them; NO_TIMER if not set */
};

static void
note_ready(pg_t *self, bool is_ready)
{
    self->ready += is_ready ? 1 : (size_t)-1;
    meters_set(self->options.metrics, METRIC_DB_CONNECTIONS, self->options.application,
               (int64_t)self->ready);
    if (is_ready && self->ready == 1) {
        log_info("pg.up", "application=%s", self->options.application);
        if (self->options.on_up)
            self->options.on_up(self->options.arg);
    } else if (!is_ready && self->ready == 0) {
        log_warn("pg.down", "application=%s", self->options.application);
        if (self->options.on_down)
            self->options.on_down(self->options.arg);
    }
}

/* --- units that find no connection -------------------------------------------------------- */

/* Ends what is there now; what the callbacks send meanwhile waits for the next turn. */
static void
end_refused(void *arg)
{
    pg_t *self = arg;
    size_t count = self->refused.count;

    self->timer = NO_TIMER;
    for (; count; count--) {
        pg_unit_t *unit = fifo_take(&self->refused);
        struct pg_outcome outcome = pg_outcome_down();
        if (unit->too_large) {
            outcome.err = TM_TOO_LARGE;
            outcome.message = tm_err_text(TM_TOO_LARGE);
        }
        pg_unit_end(&unit, &outcome);
    }
    if (self->refused.count && self->timer == NO_TIMER)
        self->timer = loop_timer(self->loop, 1, false, end_refused, self);
}

static void
refuse(pg_t *self, pg_unit_t *unit)
{
    fifo_add(&self->refused, unit);
    if (self->timer == NO_TIMER)
        self->timer = loop_timer(self->loop, 1, false, end_refused, self);
}

static void
refuse_sent_before(pg_t *self, int64_t us)
{
    const pg_unit_t *first;

    while ((first = fifo_first(&self->waiting)) && first->sent_us <= us)
        refuse(self, fifo_take(&self->waiting));
}

/* One attempt tells whether the database is back. */
static void
hurry_one(pg_t *self)
{
    for (size_t i = 0; i < self->conn_count; i++)
        if (self->conns[i] && pg_conn_hurry(self->conns[i]))
            return;
}

static void
on_patience(void *arg)
{
    pg_t *self = arg;

    self->patience = NO_TIMER;
    refuse_sent_before(self, clock_us() - INT64_C(1000) * WAIT_MS);
    if (self->waiting.count)
        self->patience = loop_timer(self->loop, WAIT_MS, false, on_patience, self);
}

static void
wait_for_connection(pg_t *self, pg_unit_t *unit)
{
    unit->sent_us = clock_us();
    fifo_add(&self->waiting, unit);
    if (self->patience == NO_TIMER)
        self->patience = loop_timer(self->loop, WAIT_MS, false, on_patience, self);
    hurry_one(self);
}

static pg_conn_t *
least_busy(const pg_t *self)
{
    pg_conn_t *best = NULL;

    for (size_t i = 0; i < self->conn_count; i++) {
        pg_conn_t *conn = self->conns[i];
        if (conn && pg_conn_is_ready(conn) &&
            (!best || pg_conn_in_flight(conn) < pg_conn_in_flight(best)))
            best = conn;
    }
    return best;
}

static void
send_or_wait(pg_t *self, pg_unit_t *unit)
{
    pg_conn_t *conn = least_busy(self);

    while (conn && !pg_conn_check(conn))
        conn = least_busy(self);
    if (conn)
        pg_conn_send(conn, unit);
    else if (self->conn_count)
        wait_for_connection(self, unit);
    else /* the pool ends */
        refuse(self, unit);
}

static void
on_change(pg_t *self, pg_change_t change, int64_t began_us)
{
    size_t count = self->waiting.count;

    if (change != PG_CONN_FAILED)
        note_ready(self, change == PG_CONN_READY);
    if (change == PG_CONN_READY)
        for (; count; count--)
            send_or_wait(self, fifo_take(&self->waiting));
    if (change == PG_CONN_FAILED)
        refuse_sent_before(self, began_us);
    if (self->waiting.count)
        hurry_one(self);
}

/* --- the pool ----------------------------------------------------------------------------- */

static char *
copy_text(const char *text)
{
    return text ? strdup(text) : NULL;
}

pg_t *
pg_new(loop_t *loop, const struct pg_options *options)
{
    pg_t *self = zmalloc(sizeof(*self));

    self->loop = loop;
    self->options = *options;
    self->options.url = self->url = copy_text(options->url ? options->url : "");
    self->options.application = self->application =
        copy_text(options->application ? options->application : "tunemill");
    self->options.listen = self->listen = copy_text(options->listen);
    self->timer = self->patience = NO_TIMER;
    self->conn_count = options->connections > 0 ? (size_t)options->connections : 1;
    self->conns = zmalloc(self->conn_count * sizeof(pg_conn_t *));
    for (size_t i = 0; i < self->conn_count; i++)
        self->conns[i] =
            pg_conn_new(loop, &self->options, i == 0 && self->listen, self, on_change);
    return self;
}

/* The connections end first: their units' callbacks may send again, and are refused. */
void
pg_destroy(pg_t **self_p)
{
    pg_t *self = *self_p;

    if (!self)
        return;
    self->options.on_down = NULL;
    for (size_t i = 0; i < self->conn_count; i++)
        pg_conn_destroy(&self->conns[i]);
    self->conn_count = 0;
    refuse_sent_before(self, INT64_MAX);
    while (self->refused.count)
        end_refused(self);
    if (self->timer != NO_TIMER)
        loop_timer_end(self->loop, self->timer);
    if (self->patience != NO_TIMER)
        loop_timer_end(self->loop, self->patience);
    free(self->conns);
    free(self->url);
    free(self->application);
    free(self->listen);
    free(self);
    *self_p = NULL;
}

bool
pg_is_up(const pg_t *self)
{
    return self->ready > 0;
}

size_t
pg_in_flight(const pg_t *self)
{
    size_t count = self->refused.count + self->waiting.count;

    for (size_t i = 0; i < self->conn_count; i++)
        count += pg_conn_in_flight(self->conns[i]);
    return count;
}

static int
compare_waits(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;

    return (left > right) - (left < right);
}

void
pg_load(const pg_t *self, struct pg_load *ret)
{
    int64_t *waits = zmalloc(self->conn_count * PG_WAITS * sizeof(int64_t));
    size_t count = 0;

    *ret = (struct pg_load){.connections = self->conn_count, .wait_p95_us = -1};
    for (size_t i = 0; i < self->conn_count; i++) {
        count += pg_conn_waits(self->conns[i], waits + count);
        ret->idle += pg_conn_is_ready(self->conns[i]) && pg_conn_in_flight(self->conns[i]) == 0;
    }
    if (count > 0) {
        qsort(waits, count, sizeof(waits[0]), compare_waits);
        ret->wait_p95_us = waits[count * 95 / 100];
    }
    free(waits);
}

pg_unit_t *
pg_unit_new(pg_t *self)
{
    return pg_unit_make(self, self->options.statements, self->options.statement_count);
}

void
pg_send(pg_unit_t **unit_p, pg_fn *fn, void *arg)
{
    pg_unit_t *unit = *unit_p;
    pg_t *self = unit->pg;

    *unit_p = NULL;
    unit->fn = fn;
    unit->arg = arg;
    unit->trace = log_trace_now();
    if (unit->too_large)
        refuse(self, unit);
    else
        send_or_wait(self, unit);
}
