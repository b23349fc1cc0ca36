/* A unit runs in pipeline mode, non-blocking, with a poll of its own: a server that answers
 * while we still write is read, so neither side waits for the other. Between units the
 * connection is an ordinary blocking one, fit for COPY and scripts. */
#include "actors/kit/pg/pg_inner.h"

#include <poll.h>
#include <string.h>

struct pg_sync {
    struct pg_options options;
    char *url, *application;
    struct pg_keywords keywords;
    PGconn *connection;
    pg_unit_t *unit; /* whose results the last outcome shows */
    struct pg_outcome outcome;
};

pg_sync_t *
pg_sync_new(const struct pg_options *options)
{
    pg_sync_t *self = zmalloc(sizeof(*self));

    self->options = *options;
    self->options.url = self->url = strdup(options->url ? options->url : "");
    self->options.application = self->application =
        strdup(options->application ? options->application : "tunemill");
    pg_keywords_init(&self->keywords, &self->options);
    return self;
}

static void
disconnect(pg_sync_t *self)
{
    PQfinish(self->connection);
    self->connection = NULL;
}

void
pg_sync_destroy(pg_sync_t **self_p)
{
    pg_sync_t *self = *self_p;

    if (!self)
        return;
    disconnect(self);
    pg_unit_destroy(&self->unit);
    free(self->url);
    free(self->application);
    free(self);
    *self_p = NULL;
}

static void
log_text(const pg_sync_t *self, const char *event)
{
    const char *text = pg_connect_text(&self->options, self->connection);
    char quoted[400];

    log_debug(event, "text=%s", log_quote(text, strlen(text), quoted, sizeof(quoted)));
}

static bool
succeeded(PGresult *result, const char *statement)
{
    ExecStatusType status = PQresultStatus(result);
    bool ok = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;

    if (!ok)
        pg_log_error("pg.refused", statement, result);
    PQclear(result);
    return ok;
}

static bool
prepare(pg_sync_t *self)
{
    bool ok = succeeded(PQexec(self->connection, pg_session_sql), "SESSION");

    for (size_t i = 0; ok && i < self->options.statement_count; i++) {
        const struct pg_statement *row = &self->options.statements[i];
        ok = succeeded(PQprepare(self->connection, row->name, row->sql, 0, NULL), row->name);
    }
    return ok;
}

tm_err_t
pg_sync_connect(pg_sync_t *self)
{
    if (self->connection && pg_connection_is_alive(self->connection))
        return TM_OK;
    disconnect(self);
    self->connection = PQconnectdbParams(self->keywords.names, self->keywords.values, 1);
    if (!self->connection)
        return TM_STORE_DOWN;
    PQsetNoticeReceiver(self->connection, pg_ignore_notice, NULL);
    if (PQstatus(self->connection) == CONNECTION_OK && prepare(self))
        return TM_OK;
    log_text(self, "pg.unreachable");
    meters_add(self->options.metrics, METRIC_DB_ERRORS, "connect", 1);
    disconnect(self);
    return TM_STORE_DOWN;
}

pg_unit_t *
pg_unit_sync(pg_sync_t *self)
{
    return pg_unit_make(NULL, self->options.statements, self->options.statement_count);
}

/* Waits until libpq can go on; false: the connection is broken. */
static bool
wait_io(pg_sync_t *self)
{
    int left = PQflush(self->connection);
    struct pollfd item = {.fd = PQsocket(self->connection), .events = POLLIN};

    if (left < 0 || item.fd < 0)
        return false;
    if (left)
        item.events |= POLLOUT;
    if (poll(&item, 1, -1) < 0)
        return errno == EINTR;
    return !(item.revents & (POLLIN | POLLERR | POLLHUP)) ||
           PQconsumeInput(self->connection) == 1;
}

static bool
collect(pg_sync_t *self, pg_unit_t *unit)
{
    bool done = false;

    while (!done) {
        PGresult *result;
        while (PQisBusy(self->connection))
            if (!wait_io(self))
                return false;
        result = PQgetResult(self->connection);
        if (result)
            done = pg_unit_accept(unit, result, self->options.metrics);
        else if (PQstatus(self->connection) == CONNECTION_BAD)
            return false;
    }
    return true;
}

static bool
run(pg_sync_t *self, pg_unit_t *unit)
{
    PGconn *connection = self->connection;

    return PQsetnonblocking(connection, 1) == 0 && PQenterPipelineMode(connection) == 1 &&
           pg_unit_transmit(unit, connection) && collect(self, unit) &&
           PQexitPipelineMode(connection) == 1 && PQsetnonblocking(connection, 0) == 0;
}

tm_err_t
pg_sync_run(pg_sync_t *self, pg_unit_t **unit_p, const struct pg_outcome **ret)
{
    tm_err_t err = TM_OK;

    pg_unit_destroy(&self->unit);
    self->unit = *unit_p;
    *unit_p = NULL;
    self->outcome = pg_outcome_down();
    if (self->unit->too_large)
        self->outcome.err = err = TM_TOO_LARGE;
    else
        err = pg_sync_connect(self);
    if (!err) {
        if (run(self, self->unit))
            self->outcome = pg_outcome_of(self->unit);
        else
            log_text(self, "pg.lost");
        if (self->outcome.err == TM_STORE_DOWN)
            disconnect(self);
        if (self->outcome.err)
            meters_add(self->options.metrics, METRIC_DB_ERRORS,
                       self->outcome.err == TM_STORE_DOWN ? "lost" : "sql", 1);
    }
    if (ret)
        *ret = &self->outcome;
    return self->outcome.err;
}

PGconn *
pg_sync_connection(pg_sync_t *self)
{
    if (self->connection && PQstatus(self->connection) == CONNECTION_BAD)
        disconnect(self);
    return self->connection;
}
