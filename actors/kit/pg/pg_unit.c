#include "actors/kit/pg/pg_inner.h"

#include <string.h>

#include "actors/kit/util/clock.h"
#include "actors/kit/util/memory.h"

/* The protocol counts a message's bytes in an int32; PostgreSQL refuses values over 1 GB. */
#define PARAM_MAX (1000u << 20)

/* More of an array of `size`-byte items. */
static void *
grown(void *items, size_t *capacity, size_t size)
{
    *capacity = *capacity ? *capacity * 2 : 8;
    return tm_grown(items, *capacity * size);
}

void
pg_buffer_add(struct pg_buffer *self, const void *data, size_t size)
{
    while (self->capacity - self->size < size)
        self->data = grown(self->data, &self->capacity, 1);
    if (size)
        memcpy(self->data + self->size, data, size);
    self->size += size;
}

void
pg_buffer_add_be(struct pg_buffer *self, uint64_t value, size_t bytes)
{
    char out[8];

    for (size_t i = 0; i < bytes; i++)
        out[i] = (char)(unsigned char)(value >> 8 * (bytes - 1 - i));
    pg_buffer_add(self, out, bytes);
}

void
pg_buffer_fini(struct pg_buffer *self)
{
    free(self->data);
    *self = (struct pg_buffer){0};
}

pg_unit_t *
pg_unit_make(pg_t *pg, const struct pg_statement *statements, size_t count)
{
    pg_unit_t *self = zmalloc(sizeof(*self));

    self->pg = pg;
    self->statements = statements;
    self->statement_count = count;
    return self;
}

static void
free_request(pg_unit_t *self)
{
    free(self->params);
    self->params = NULL;
    pg_buffer_fini(&self->data);
}

void
pg_unit_destroy(pg_unit_t **self_p)
{
    pg_unit_t *self = *self_p;

    if (!self)
        return;
    free_request(self);
    for (size_t i = 0; self->results && i < self->call_count; i++)
        PQclear(self->results[i]);
    PQclear(self->late);
    free(self->results);
    free(self->calls);
    free(self);
    *self_p = NULL;
}

void
pg_unit_end(pg_unit_t **self_p, const struct pg_outcome *outcome)
{
    log_trace(&(*self_p)->trace);
    if ((*self_p)->fn)
        (*self_p)->fn((*self_p)->arg, outcome);
    log_trace(NULL);
    pg_unit_destroy(self_p);
}

void
pg_add(pg_unit_t *self, size_t statement)
{
    assert(statement < self->statement_count);
    if (self->call_count == self->call_capacity)
        self->calls = grown(self->calls, &self->call_capacity, sizeof(*self->calls));
    self->calls[self->call_count++] =
        (struct pg_call){.statement = statement, .first = self->param_count};
}

static void
add_param(pg_unit_t *self, struct pg_param param)
{
    assert(self->call_count);
    if (self->param_count == self->param_capacity)
        self->params = grown(self->params, &self->param_capacity, sizeof(*self->params));
    self->params[self->param_count++] = param;
    self->calls[self->call_count - 1].count++;
}

void
pg_null(pg_unit_t *self)
{
    add_param(self, (struct pg_param){.size = -1});
}

void
pg_bytes(pg_unit_t *self, const void *data, size_t size)
{
    if (size > PARAM_MAX || self->data.size + size > PARAM_MAX) {
        self->too_large = true;
        size = 0;
    }
    add_param(self, (struct pg_param){.offset = self->data.size, .size = (int)size});
    pg_buffer_add(&self->data, data, size);
}

void
pg_str(pg_unit_t *self, const char *data, size_t size)
{
    pg_bytes(self, data, size);
}

void
pg_text(pg_unit_t *self, const char *text)
{
    if (text)
        pg_bytes(self, text, strlen(text));
    else
        pg_null(self);
}

void
pg_uuid(pg_unit_t *self, const tm_uuid_t *id)
{
    if (id)
        pg_bytes(self, id->bytes, sizeof(id->bytes));
    else
        pg_null(self);
}

static void
add_number(pg_unit_t *self, uint64_t bits, size_t bytes)
{
    add_param(self, (struct pg_param){.offset = self->data.size, .size = (int)bytes});
    pg_buffer_add_be(&self->data, bits, bytes);
}

void
pg_i64(pg_unit_t *self, int64_t value)
{
    add_number(self, (uint64_t)value, 8);
}

void
pg_f64(pg_unit_t *self, double value)
{
    uint64_t bits;

    memcpy(&bits, &value, sizeof(bits));
    add_number(self, bits, 8);
}

void
pg_bool(pg_unit_t *self, bool value)
{
    add_number(self, value, 1);
}

static bool
transmit_call(const pg_unit_t *self, const struct pg_call *call, PGconn *connection)
{
    static const char empty[1];
    const char *values[PG_PARAMS_MAX];
    int sizes[PG_PARAMS_MAX], formats[PG_PARAMS_MAX];
    const struct pg_statement *statement = &self->statements[call->statement];

    assert(call->count == (size_t)statement->params && call->count <= PG_PARAMS_MAX);
    for (size_t i = 0; i < call->count; i++) {
        const struct pg_param *param = &self->params[call->first + i];
        values[i] = param->size < 0   ? NULL
                    : self->data.data ? self->data.data + param->offset
                                      : empty;
        sizes[i] = param->size < 0 ? 0 : param->size;
        formats[i] = 1;
    }
    return PQsendQueryPrepared(connection, statement->name, (int)call->count, values, sizes,
                               formats, 0) == 1;
}

bool
pg_unit_transmit(pg_unit_t *self, PGconn *connection)
{
    bool sent = true;

    self->results = zmalloc((self->call_count + 1) * sizeof(PGresult *));
    self->sent_us = clock_us();
    for (size_t i = 0; sent && i < self->call_count; i++)
        sent = transmit_call(self, &self->calls[i], connection);
    if (sent)
        sent = PQpipelineSync(connection) == 1;
    free_request(self);
    return sent;
}

static void
observe(const pg_unit_t *self, size_t call, meters_t *metrics)
{
    const char *name = self->statements[self->calls[call].statement].name;

    if (metrics)
        meters_observe_us(metrics, METRIC_DB_QUERY, name, clock_us() - self->sent_us);
}

bool
pg_unit_accept(pg_unit_t *self, PGresult *result, meters_t *metrics)
{
    if (PQresultStatus(result) == PGRES_PIPELINE_SYNC) {
        PQclear(result);
        return true;
    }
    if (self->result_count >= self->call_count) {
        PQclear(self->late);
        self->late = result;
        return false;
    }
    if (PQresultStatus(result) != PGRES_PIPELINE_ABORTED)
        observe(self, self->result_count, metrics);
    self->results[self->result_count++] = result;
    return false;
}
