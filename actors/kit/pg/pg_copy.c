#include "actors/kit/pg/pg_copy.h"

#include <math.h>
#include <string.h>

#include "actors/kit/pg/pg_inner.h"

static const char signature[] = "PGCOPY\n\377\r\n"; /* its closing NUL is part of it */

static void
flush(pg_copy_t *self)
{
    if (!self->is_broken && self->used)
        self->is_broken = PQputCopyData(self->connection, self->buffer, (int)self->used) != 1;
    self->used = 0;
}

static void
put(pg_copy_t *self, const void *data, size_t size)
{
    const char *from = data;

    while (size > 0) {
        size_t room = PG_COPY_BYTES - self->used;
        size_t part = size < room ? size : room;
        memcpy(self->buffer + self->used, from, part);
        self->used += part;
        from += part;
        size -= part;
        if (self->used == PG_COPY_BYTES)
            flush(self);
    }
}

static void
put_be(pg_copy_t *self, uint64_t value, size_t bytes)
{
    unsigned char out[8];

    for (size_t i = 0; i < bytes; i++)
        out[i] = (unsigned char)(value >> 8 * (bytes - 1 - i));
    put(self, out, bytes);
}

static void
put_f64(pg_copy_t *self, double value)
{
    uint64_t bits;

    memcpy(&bits, &value, sizeof(bits));
    put_be(self, 8, 4);
    put_be(self, bits, 8);
}

static tm_err_t
error_of(const pg_copy_t *self, const PGresult *result)
{
    const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const tm_err_t err = PQstatus(self->connection) == CONNECTION_OK
                             ? pg_error_of(sqlstate ? sqlstate : "")
                             : TM_STORE_DOWN;

    if (err != TM_STORE_DOWN)
        log_warn("tune.copy_refused", "sqlstate=%s", sqlstate);
    return err;
}

/* Reads what the server says until it has said all. */
static tm_err_t
answer(pg_copy_t *self, ExecStatusType wanted)
{
    PGresult *result = PQgetResult(self->connection);
    tm_err_t err = result && PQresultStatus(result) == wanted ? TM_OK : error_of(self, result);

    PQclear(result);
    while (err || wanted != PGRES_COPY_IN) {
        result = PQgetResult(self->connection);
        if (!result)
            break;
        if (PQresultStatus(result) != PGRES_COMMAND_OK && !err)
            err = error_of(self, result);
        PQclear(result);
        if (PQstatus(self->connection) != CONNECTION_OK)
            break;
    }
    return err;
}

tm_err_t
pg_copy_begin(pg_copy_t *self, PGconn *connection, const char *statement)
{
    tm_err_t err;

    self->connection = connection;
    self->is_broken = false;
    self->used = 0;
    if (!connection || PQsendQueryPrepared(connection, statement, 0, NULL, NULL, NULL, 0) != 1)
        return TM_STORE_DOWN;
    err = answer(self, PGRES_COPY_IN);
    if (err)
        return err;
    put(self, signature, sizeof(signature));
    put_be(self, 0, 4); /* flags */
    put_be(self, 0, 4); /* no header extension */
    return TM_OK;
}

tm_err_t
pg_copy_end(pg_copy_t *self)
{
    put_be(self, UINT16_MAX, 2);
    flush(self);
    if (PQputCopyEnd(self->connection, self->is_broken ? "a write failed" : NULL) != 1)
        return TM_STORE_DOWN;
    return answer(self, PGRES_COMMAND_OK);
}

void
pg_copy_row(pg_copy_t *self, int fields)
{
    put_be(self, (uint64_t)fields, 2);
}

void
pg_copy_null(pg_copy_t *self)
{
    put_be(self, UINT32_MAX, 4);
}

void
pg_copy_i32(pg_copy_t *self, int32_t value)
{
    put_be(self, 4, 4);
    put_be(self, (uint32_t)value, 4);
}

void
pg_copy_f64(pg_copy_t *self, double value)
{
    if (isnan(value))
        pg_copy_null(self);
    else
        put_f64(self, value);
}

void
pg_copy_bytes(pg_copy_t *self, const void *data, size_t size)
{
    put_be(self, size, 4);
    put(self, data, size);
}

void
pg_copy_text(pg_copy_t *self, const char *text)
{
    if (text)
        pg_copy_bytes(self, text, strlen(text));
    else
        pg_copy_null(self);
}

void
pg_copy_f64_array(pg_copy_t *self, const double *values, size_t count)
{
    if (!values) {
        pg_copy_null(self);
        return;
    }
    put_be(self, 20 + count * 12, 4);
    put_be(self, 1, 4); /* dimensions */
    put_be(self, 0, 4); /* no nulls */
    put_be(self, PG_FLOAT8, 4);
    put_be(self, count, 4);
    put_be(self, 1, 4); /* lower bound */
    for (size_t i = 0; i < count; i++)
        put_f64(self, values[i]);
}
