/* One connection of a pool.
 *
 *     DOWN --back-off--> CONNECTING --CONNECTION_OK--> PREPARING --all prepared--> READY
 *       ^                     |                            |                        |
 *       +------ failed -------+------ refused, lost -------+------ lost ------------+
 *       |                                                                           |
 *       +-----------------------------------+-- BROKEN --found so by a sender-------+
 *
 * A callback must not run within pg_send: a connection that a sender finds dead is BROKEN until
 * the next turn of the loop, and DOWN from then on.
 *
 * Preparing is a unit like any other, but sent by hand: its results tell whether the statements
 * fit the schema; if not, the connection is tried again later (a migration may be under way).
 */
#include "actors/kit/pg/pg_inner.h"

#include <string.h>

#include "actors/kit/util/clock.h"

#define FIRST_BACKOFF_MS 50
#define NO_TIMER         (-1)

typedef enum { DOWN, CONNECTING, PREPARING, READY, BROKEN } state_t;

struct pg_conn {
    loop_t *loop;
    struct pg_options options; /* borrowed from the pool */
    struct pg_keywords keywords;
    bool listens;
    pg_t *pg;
    pg_change_fn *on_change;
    state_t state;
    PGconn *connection;
    int fd;
    short polled; /* what the loop waits for on fd; 0: fd is not in the loop */
    int timer;    /* back-off when DOWN, time-out when CONNECTING or PREPARING, end if BROKEN */
    int backoff_ms;
    int64_t began_us; /* the last attempt to connect */
    fifo_t in_flight; /* units */
    size_t prepared;  /* results seen while PREPARING */
    bool refused;     /* one of them was an error */
    int64_t ended_us; /* the last unit, then the next one's turn came */
    int64_t waits_us[PG_WAITS];
    size_t wait_count; /* ever */
};

static void start(void *arg);

static void
set_state(pg_conn_t *self, state_t next)
{
    static const char *const names[] = {"down", "connecting", "preparing", "ready", "broken"};

    log_debug("pg.state", "from=%s to=%s", names[self->state], names[next]);
    self->state = next;
}

static void
end_timer(pg_conn_t *self)
{
    if (self->timer != NO_TIMER)
        loop_timer_end(self->loop, self->timer);
    self->timer = NO_TIMER;
}

static void on_io(void *arg);

static void
poll_for(pg_conn_t *self, short events)
{
    int fd = self->connection ? PQsocket(self->connection) : -1;

    if (fd == self->fd && events == self->polled)
        return;
    if (self->polled)
        loop_fd_end(self->loop, self->fd);
    self->fd = fd;
    self->polled = 0;
    if (fd < 0)
        return;
    self->polled = events;
    if (events)
        loop_fd(self->loop, fd, events, on_io, self);
}

/* Half of the back-off is chance, so that processes that lost the database together do not
 * return together. */
static uint32_t
next_backoff(pg_conn_t *self)
{
    int ms = self->backoff_ms;

    self->backoff_ms =
        ms * 2 > self->options.max_backoff_ms ? self->options.max_backoff_ms : ms * 2;
    return (uint32_t)(ms / 2) + arc4random_uniform((uint32_t)(ms / 2) + 1);
}

static void
close_connection(pg_conn_t *self)
{
    end_timer(self);
    if (self->polled)
        loop_fd_end(self->loop, self->fd);
    self->polled = 0;
    self->fd = -1;
    if (self->connection)
        PQfinish(self->connection);
    self->connection = NULL;
}

static void
end_in_flight(pg_conn_t *self)
{
    struct pg_outcome outcome = pg_outcome_down();
    fifo_t lost = self->in_flight; /* what their callbacks send is not among them */
    pg_unit_t *unit;

    self->in_flight = (fifo_t){0};
    while ((unit = fifo_take(&lost)))
        pg_unit_end(&unit, &outcome);
}

/* Whatever it was doing, the connection is gone; another attempt follows. */
static void
lose(pg_conn_t *self, const char *event, const char *text)
{
    bool was_ready = self->state == READY || self->state == BROKEN;
    char quoted[400];
    uint32_t pause_ms = next_backoff(self);

    log_warn(event, "in_flight=%zu retry_ms=%u", self->in_flight.count, pause_ms);
    log_debug(event, "text=%s", log_quote(text, strlen(text), quoted, sizeof(quoted)));
    meters_add(self->options.metrics, METRIC_DB_ERRORS, was_ready ? "lost" : "connect", 1);
    close_connection(self);
    set_state(self, DOWN);
    self->timer = loop_timer(self->loop, pause_ms, false, start, self);
    self->on_change(self->pg, was_ready ? PG_CONN_LOST : PG_CONN_FAILED, self->began_us);
    end_in_flight(self);
}

static void
lose_broken(pg_conn_t *self, const char *event)
{
    char text[300];

    snprintf(text, sizeof(text), "%s", pg_connect_text(&self->options, self->connection));
    lose(self, event, text);
}

/* False: lost. */
static bool
flush(pg_conn_t *self)
{
    int left = PQflush(self->connection);

    if (left < 0) {
        lose_broken(self, "pg.lost");
        return false;
    }
    poll_for(self, (short)(left ? ZMQ_POLLIN | ZMQ_POLLOUT : ZMQ_POLLIN));
    return true;
}

static void
prepare(pg_conn_t *self)
{
    const struct pg_statement *rows = self->options.statements;
    bool sent =
        PQsetnonblocking(self->connection, 1) == 0 &&
        PQenterPipelineMode(self->connection) == 1 &&
        PQsendQueryParams(self->connection, pg_session_sql, 0, NULL, NULL, NULL, NULL, 0) == 1;

    if (sent && self->options.session)
        sent = PQsendQueryParams(self->connection, self->options.session, 0, NULL, NULL, NULL,
                                 NULL, 0) == 1;
    set_state(self, PREPARING);
    self->prepared = 0;
    self->refused = false;
    for (size_t i = 0; sent && i < self->options.statement_count; i++)
        sent = PQsendPrepare(self->connection, rows[i].name, rows[i].sql, 0, NULL) == 1;
    if (sent && self->listens)
        sent = pg_send_listen(self->connection, self->options.listen);
    if (sent && PQpipelineSync(self->connection) == 1)
        flush(self);
    else
        lose_broken(self, "pg.lost");
}

static void
on_connecting(pg_conn_t *self)
{
    switch (PQconnectPoll(self->connection)) {
    case PGRES_POLLING_READING:
        poll_for(self, ZMQ_POLLIN);
        break;
    case PGRES_POLLING_WRITING:
    case PGRES_POLLING_ACTIVE:
        poll_for(self, ZMQ_POLLOUT);
        break;
    case PGRES_POLLING_OK:
        prepare(self);
        break;
    case PGRES_POLLING_FAILED:
        lose_broken(self, "pg.unreachable");
        break;
    }
}

static void
on_time_out(void *arg)
{
    pg_conn_t *self = arg;

    self->timer = NO_TIMER;
    lose(self, "pg.unreachable", "no answer within database.connect_timeout_ms");
}

static void
start(void *arg)
{
    pg_conn_t *self = arg;

    self->began_us = clock_us();
    self->timer = loop_timer(self->loop, (uint32_t)self->options.connect_timeout_ms, false,
                             on_time_out, self);
    set_state(self, CONNECTING);
    self->connection = PQconnectStartParams(self->keywords.names, self->keywords.values, 1);
    if (!self->connection || PQstatus(self->connection) == CONNECTION_BAD)
        lose(self, "pg.unreachable", pg_connect_text(&self->options, self->connection));
    else {
        PQsetNoticeReceiver(self->connection, pg_ignore_notice, NULL);
        poll_for(self, ZMQ_POLLOUT);
    }
}

static void
become_ready(pg_conn_t *self)
{
    end_timer(self);
    self->backoff_ms = FIRST_BACKOFF_MS;
    set_state(self, READY);
    self->on_change(self->pg, PG_CONN_READY, self->began_us);
    if (self->listens && self->options.on_notify)
        self->options.on_notify(self->options.arg, ""); /* for what was missed meanwhile */
}

static const char *
prepared_name(const pg_conn_t *self)
{
    size_t sessions = self->options.session ? 2 : 1; /* the session's settings come first */
    size_t i = self->prepared;

    if (i < sessions)
        return "SESSION";
    i -= sessions - 1;
    return i <= self->options.statement_count ? self->options.statements[i - 1].name : "LISTEN";
}

/* False: the connection was lost. */
static bool
accept_prepared(pg_conn_t *self, PGresult *result)
{
    ExecStatusType status = PQresultStatus(result);

    if (status == PGRES_FATAL_ERROR) {
        pg_log_error("pg.refused", prepared_name(self), result);
        self->refused = true;
    }
    self->prepared++;
    PQclear(result);
    if (status != PGRES_PIPELINE_SYNC)
        return true;
    if (self->refused) {
        lose(self, "pg.refused", "the database refused a statement");
        return false;
    }
    become_ready(self);
    return true;
}

static void
note_wait(pg_conn_t *self, const pg_unit_t *unit)
{
    int64_t wait_us = self->ended_us > unit->sent_us ? self->ended_us - unit->sent_us : 0;

    self->ended_us = clock_us();
    self->waits_us[self->wait_count++ % PG_WAITS] = wait_us;
}

/* False: the connection was lost. A callback may send more meanwhile. */
static bool
accept_result(pg_conn_t *self, PGresult *result)
{
    pg_unit_t *unit = fifo_first(&self->in_flight), *next;
    struct pg_outcome outcome;

    if (!unit) {
        PQclear(result); /* an unasked-for error: what follows is the end of the connection */
        return true;
    }
    if (!pg_unit_accept(unit, result, self->options.metrics))
        return true;
    log_trace(&unit->trace);
    outcome = pg_outcome_of(unit);
    if (outcome.err == TM_STORE_DOWN) {
        lose(self, "pg.lost", outcome.message); /* ends this unit with the others */
        return false;
    }
    if (outcome.err)
        meters_add(self->options.metrics, METRIC_DB_ERRORS, "sql", 1);
    fifo_take(&self->in_flight);
    next = fifo_first(&self->in_flight);
    if (next) /* its turn has come */
        meters_observe_us(self->options.metrics, METRIC_DB_WAIT, NULL,
                          clock_us() - next->sent_us);
    note_wait(self, unit);
    pg_unit_end(&unit, &outcome);
    return true;
}

/* Between the results of two queries libpq gives one NULL; two in a row: nothing more is there.
 */
static bool
read_results(pg_conn_t *self)
{
    int nulls = 0;

    while (nulls < 2 && !PQisBusy(self->connection)) {
        PGresult *result = PQgetResult(self->connection);
        bool alive;

        if (!result) {
            nulls++;
            continue;
        }
        nulls = 0;
        alive = self->state == PREPARING ? accept_prepared(self, result)
                                         : accept_result(self, result);
        if (!alive)
            return false;
    }
    return true;
}

static void
read_notifications(pg_conn_t *self)
{
    for (PGnotify *n = PQnotifies(self->connection); n; n = PQnotifies(self->connection)) {
        if (self->options.on_notify)
            self->options.on_notify(self->options.arg, n->extra);
        PQfreemem(n);
    }
}

static void
on_io(void *arg)
{
    pg_conn_t *self = arg;
    bool alive;

    if (self->state == CONNECTING) {
        on_connecting(self);
        return;
    }
    alive = PQconsumeInput(self->connection) == 1;
    if (!read_results(self)) /* what arrived before the end counts */
        return;
    if (!alive || PQstatus(self->connection) == CONNECTION_BAD) {
        lose_broken(self, "pg.lost");
        return;
    }
    read_notifications(self);
    flush(self);
}

static void
on_broken(void *arg)
{
    pg_conn_t *self = arg;

    self->timer = NO_TIMER;
    lose_broken(self, "pg.lost");
}

static void
break_off(pg_conn_t *self)
{
    if (self->state == BROKEN)
        return;
    end_timer(self);
    set_state(self, BROKEN);
    self->timer = loop_timer(self->loop, 1, false, on_broken, self);
}

/* A connection in use is found dead by its answers. */
bool
pg_conn_check(pg_conn_t *self)
{
    if (self->state != READY)
        return false;
    if (self->in_flight.count || pg_connection_is_alive(self->connection))
        return true;
    break_off(self);
    return false;
}

/* A server that refuses is not asked more often than each FIRST_BACKOFF_MS. */
bool
pg_conn_hurry(pg_conn_t *self)
{
    int64_t rest_ms = FIRST_BACKOFF_MS - (clock_us() - self->began_us) / 1000;

    if (self->state != DOWN)
        return false;
    end_timer(self);
    self->timer =
        loop_timer(self->loop, (uint32_t)(rest_ms > 1 ? rest_ms : 1), false, start, self);
    return true;
}

void
pg_conn_send(pg_conn_t *self, pg_unit_t *unit)
{
    bool sent = pg_unit_transmit(unit, self->connection);

    if (!self->in_flight.count)
        meters_observe_us(self->options.metrics, METRIC_DB_WAIT, NULL, 0);
    fifo_add(&self->in_flight, unit);
    if (!sent)
        break_off(self);
    else
        poll_for(self,
                 (short)(PQflush(self->connection) ? ZMQ_POLLIN | ZMQ_POLLOUT : ZMQ_POLLIN));
}

pg_conn_t *
pg_conn_new(loop_t *loop, const struct pg_options *options, bool listens, pg_t *pg,
            pg_change_fn *on_change)
{
    pg_conn_t *self = zmalloc(sizeof(*self));

    self->loop = loop;
    self->options = *options;
    pg_keywords_init(&self->keywords, &self->options);
    self->listens = listens;
    self->pg = pg;
    self->on_change = on_change;
    self->fd = -1;
    self->backoff_ms = FIRST_BACKOFF_MS;
    self->timer = loop_timer(loop, 1, false, start, self);
    return self;
}

void
pg_conn_destroy(pg_conn_t **self_p)
{
    pg_conn_t *self = *self_p;

    if (!self)
        return;
    close_connection(self);
    self->state = DOWN;
    end_in_flight(self);
    free(self);
    *self_p = NULL;
}

bool
pg_conn_is_ready(const pg_conn_t *self)
{
    return self->state == READY;
}

size_t
pg_conn_in_flight(const pg_conn_t *self)
{
    return self->in_flight.count;
}

size_t
pg_conn_waits(const pg_conn_t *self, int64_t waits_us[PG_WAITS])
{
    size_t count = self->wait_count < PG_WAITS ? self->wait_count : PG_WAITS;

    memcpy(waits_us, self->waits_us, count * sizeof(waits_us[0]));
    return count;
}
