/* pg - PostgreSQL in a loop: a pool of connections in libpq's pipeline mode.
 *
 * A *unit* is one or more prepared statements that run in one transaction (one Sync): all
 * commit or none. Units are sent at once, many in flight on each connection; answers come in
 * order per connection. Statements come from the caller's statements.def and are prepared
 * whenever a connection opens.
 *
 * When a connection is lost every unit in flight on it ends with TM_STORE_DOWN: whether it
 * committed is not known, so units must be safe to run again. The pool reconnects with
 * exponential back-off and jitter. A connection without work that the server has left meanwhile
 * is noticed before a unit is sent on it. With no connection open, a unit has one tried at
 * once; it is sent if that succeeds, and else ends with TM_STORE_DOWN, a second later at most.
 */
#ifndef ACTORS_KIT_PG_PG_H
#define ACTORS_KIT_PG_PG_H

#include <libpq-fe.h>

#include "actors/kit/util/auto.h"
#include "actors/kit/runtime/loop.h"
#include "actors/kit/runtime/metrics.h"
#include "proto/message.h"

/* A statements.def has rows S(NAME, number of parameters, "SQL"):
 *     enum { X_STATEMENTS(PG_STATEMENT_ID) STMT_COUNT };
 *     static const struct pg_statement statements[] = {X_STATEMENTS(PG_STATEMENT_ROW)}; */
struct pg_statement {
    const char *name;
    int params;
    const char *sql;
};
#define PG_STATEMENT_ID(NAME, params, sql)  STMT_##NAME,
#define PG_STATEMENT_ROW(NAME, params, sql) {#NAME, params, sql},

typedef struct pg pg_t;
typedef struct pg_unit pg_unit_t;

/* Whether libpq can read it: a URL, words such as host=HOST dbname=NAME, or the name of a
 * database. */
bool pg_is_address(const char *url);

struct pg_options {
    const char *url;
    const char *application; /* application_name */
    const char *session;     /* SQL that sets up each connection, or NULL; a literal */
    const struct pg_statement *statements;
    size_t statement_count;
    int connections;
    int connect_timeout_ms;
    int max_backoff_ms;
    meters_t *metrics;
    loop_fn *on_up, *on_down; /* first connection open; last one lost. May be NULL */
    void *arg;
    const char *listen; /* a channel to LISTEN on, or NULL */
    /* also called once, with "", whenever listening begins: something may have been missed */
    void (*on_notify)(void *arg, const char *payload);
};

/* What became of a unit. err TM_OK: results[i] of the i-th statement (rows or command).
 * TM_STORE_DOWN: unknown. Anything else: rolled back; sqlstate (5 characters, or "") and
 * message of the failing statement: TM_BUSY if it may succeed later (deadlock, serialization,
 * out of a resource), TM_TOO_LARGE if the parameters are over 1000 MiB (never sent), else
 * TM_INTERNAL. A RAISE from our own SQL with SQLSTATE 'TM001' and a message `CODE: detail`
 * gives err = CODE and message = detail. Results are freed after the call. */
struct pg_outcome {
    tm_err_t err;
    const char *sqlstate;
    const char *message;
    PGresult **results;
    size_t count;
};
typedef void pg_fn(void *arg, const struct pg_outcome *outcome);

pg_t *pg_new(loop_t *loop, const struct pg_options *options);
/* Units in flight end with TM_STORE_DOWN first; what their callbacks send ends so, too. Not to
 * be called from a callback of its own: stop the loop there, and destroy after loop_run. */
void pg_destroy(pg_t **self_p);
bool pg_is_up(const pg_t *self);
size_t pg_in_flight(const pg_t *self); /* units */

/* A connection takes a unit at once and does it when those before are done: that is the wait.
 */
struct pg_load {
    size_t connections, idle; /* wanted; open, and with nothing to do */
    int64_t wait_p95_us;      /* of the last units; -1: there were none */
};
void pg_load(const pg_t *self, struct pg_load *ret);

/* Building a unit: start it, add statements, each followed by its parameters, send it.
 *     pg_unit_t *unit = pg_unit_new(pg);
 *     pg_add(unit, STMT_X); pg_uuid(unit, &id); pg_text(unit, "a"); pg_i64(unit, 7);
 *     pg_send(&unit, on_done, self);
 * Parameters are copied. Binary arrays: pg_array_new(oid), add, pg_array(unit, &array). Text,
 * uuid, bytea, int8, bool, float8 are sent in binary form; write $n::type casts in the SQL. */
pg_unit_t *pg_unit_new(pg_t *self);
void pg_unit_destroy(pg_unit_t **self_p); /* of one not sent */
void pg_add(pg_unit_t *self, size_t statement);
void pg_null(pg_unit_t *self);
void pg_text(pg_unit_t *self, const char *text); /* NULL: null */
void pg_str(pg_unit_t *self, const char *data, size_t size);
void pg_bytes(pg_unit_t *self, const void *data, size_t size);
void pg_uuid(pg_unit_t *self, const tm_uuid_t *id); /* NULL: null */
void pg_i64(pg_unit_t *self, int64_t value);
void pg_f64(pg_unit_t *self, double value);
void pg_bool(pg_unit_t *self, bool value);

typedef struct pg_array pg_array_t;
enum {
    PG_BOOL = 16,
    PG_BYTEA = 17,
    PG_INT8 = 20,
    PG_INT4 = 23,
    PG_TEXT = 25,
    PG_FLOAT8 = 701,
    PG_UUID = 2950
};
pg_array_t *pg_array_new(unsigned oid);
void pg_array_destroy(pg_array_t **self_p);
void pg_array_null(pg_array_t *self);
void pg_array_bytes(pg_array_t *self, const void *data, size_t size); /* text, bytea, uuid */
void pg_array_i64(pg_array_t *self, int64_t value);                   /* int8, int4, bool */
void pg_array_f64(pg_array_t *self, double value);
void pg_array(pg_unit_t *unit, pg_array_t **array_p); /* takes it */

void pg_send(pg_unit_t **unit_p, pg_fn *fn, void *arg); /* takes it; fn runs once, later */

/* Reading results, which come in TEXT format. */
const char *pg_get(const PGresult *result, int row, int column); /* NULL if null */
int64_t pg_get_i64(const PGresult *result, int row, int column); /* 0 if null */
double pg_get_f64(const PGresult *result, int row, int column);  /* NaN if null */
size_t pg_affected(const PGresult *result); /* rows that INSERT, UPDATE or DELETE touched */
bool pg_get_bool(const PGresult *result, int row, int column);
tm_uuid_t pg_get_uuid(const PGresult *result, int row, int column); /* nil if null */
/* bytea: decoded into memory of the caller's, NULL if null */
unsigned char *pg_get_bytes(const PGresult *result, int row, int column, size_t *ret_size);

/* A blocking connection for a thread of its own (the tune worker's writer, the migration
 * runner): connects with the same settings and prepares the same statements. */
typedef struct pg_sync pg_sync_t;
pg_sync_t *pg_sync_new(const struct pg_options *options);
void pg_sync_destroy(pg_sync_t **self_p);
TM_CHECKED tm_err_t
pg_sync_connect(pg_sync_t *self); /* (re)connects if needed; TM_STORE_DOWN */
/* Runs a unit (pg_unit_sync starts it) and waits. The outcome lives until the next call. */
pg_unit_t *pg_unit_sync(pg_sync_t *self);
TM_CHECKED tm_err_t pg_sync_run(pg_sync_t *self, pg_unit_t **unit_p,
                                const struct pg_outcome **ret);
PGconn *pg_sync_connection(pg_sync_t *self); /* for COPY and scripts; NULL when down */

#endif
